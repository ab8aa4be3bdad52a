//! Reading a source forward in small windows, passing over what nobody looks at.

use std::io;

use npz::Source;

/// Bytes read at once from a source that is not in memory.
const WINDOW: usize = 64 * 1024;

/// A part of a source.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) source: &'a dyn Source,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl<'a> Part<'a> {
    pub(crate) fn all(source: &'a dyn Source) -> Self {
        Self { source, start: 0, end: source.length() }
    }
}

/// Why no more bytes came.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The part is over.
    End,
    /// The system said no.
    Io(io::Error),
}

/// A line without its end, as far as it was kept.
pub(crate) struct Line {
    pub(crate) text: Vec<u8>,
    pub(crate) is_whole: bool,
}

/// A place in a part, and the bytes around it.
pub(crate) struct Input<'a> {
    part: Part<'a>,
    memory: Option<&'a [u8]>,
    position: u64,
    window: Vec<u8>,
    window_start: u64,
}

impl<'a> Input<'a> {
    pub(crate) fn new(part: &Part<'a>) -> Self {
        let length = part.source.length();
        let part = Part { end: part.end.min(length), ..*part };
        Self {
            part,
            memory: part.source.in_memory(),
            position: part.start.min(part.end),
            window: Vec::new(),
            window_start: 0,
        }
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn end(&self) -> u64 {
        self.part.end
    }

    pub(crate) fn go_to(&mut self, position: u64) {
        self.position = position.min(self.part.end);
    }

    fn remaining(&self) -> u64 {
        self.part.end - self.position
    }

    /// The next bytes, at most as many as a window holds, without going on.
    fn peek(&mut self, count: usize) -> Result<&[u8], Stop> {
        if count as u64 > self.remaining() {
            return Err(Stop::End);
        }
        if let Some(memory) = self.memory {
            let start = usize::try_from(self.position).map_err(|_| Stop::End)?;
            return memory.get(start..start + count).ok_or(Stop::End);
        }
        let window_end = self.window_start + self.window.len() as u64;
        if self.position < self.window_start || self.position + count as u64 > window_end {
            let length = usize::try_from(self.remaining()).unwrap_or(usize::MAX).min(WINDOW);
            self.window.resize(length, 0);
            self.window_start = self.position;
            let read = self.part.source.read_exact_at(&mut self.window, self.position);
            if let Err(error) = read {
                self.window.clear();
                return Err(Stop::Io(error));
            }
        }
        let start = (self.position - self.window_start) as usize;
        Ok(&self.window[start..start + count])
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Stop> {
        let byte = self.peek(1)?[0];
        self.position += 1;
        Ok(byte)
    }

    /// A little-endian number of `width` bytes, at most 8.
    pub(crate) fn number(&mut self, width: usize) -> Result<u64, Stop> {
        let mut bytes = [0; 8];
        bytes[..width].copy_from_slice(self.peek(width)?);
        self.position += width as u64;
        Ok(u64::from_le_bytes(bytes))
    }

    pub(crate) fn skip(&mut self, count: u64) -> Result<(), Stop> {
        if count > self.remaining() {
            return Err(Stop::End);
        }
        self.position += count;
        Ok(())
    }

    /// `count` bytes, if there are at most `most`; more are passed over.
    pub(crate) fn short(&mut self, count: u64, most: usize) -> Result<Option<&[u8]>, Stop> {
        let length = usize::try_from(count).unwrap_or(usize::MAX);
        if length > most {
            self.skip(count)?;
            return Ok(None);
        }
        // Looked at twice, since the borrow of the first look cannot outlive the step.
        self.peek(length)?;
        self.position += count;
        match self.memory {
            Some(memory) => {
                let end = self.position as usize;
                Ok(memory.get(end - length..end))
            }
            None => {
                let end = (self.position - self.window_start) as usize;
                Ok(self.window.get(end - length..end))
            }
        }
    }

    /// Everything up to the next line feed, of which `most` bytes are kept.
    pub(crate) fn line(&mut self, most: usize) -> Result<Line, Stop> {
        let mut line = Line { text: Vec::new(), is_whole: true };
        loop {
            let count = usize::try_from(self.remaining()).unwrap_or(usize::MAX).min(WINDOW / 2);
            if count == 0 {
                return Err(Stop::End);
            }
            let bytes = self.peek(count)?;
            let end = memchr::memchr(b'\n', bytes);
            let found = &bytes[..end.unwrap_or(count)];
            let room = most - line.text.len();
            line.is_whole &= found.len() <= room;
            line.text.extend_from_slice(&found[..found.len().min(room)]);
            match end {
                Some(end) => {
                    self.position += end as u64 + 1;
                    return Ok(line);
                }
                None => self.position += count as u64,
            }
        }
    }
}
