//! The bytes of a file, in memory or read in pieces.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// How much of a file is read at once.
const PIECE: usize = 256 << 10;

/// Bytes that are used up from front to back.
pub(crate) struct Input<'a> {
    source: Source<'a>,
    length: u64,
    position: u64,
}

enum Source<'a> {
    Bytes(&'a [u8]),
    File { file: File, buffer: Vec<u8>, start: usize, end: usize },
}

impl<'a> Input<'a> {
    pub(crate) fn of_bytes(bytes: &'a [u8]) -> Self {
        Input { source: Source::Bytes(bytes), length: bytes.len() as u64, position: 0 }
    }

    pub(crate) fn of_file(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let size = usize::try_from(length).unwrap_or(PIECE).clamp(1, PIECE);
        let buffer = vec![0; size];
        Ok(Input { source: Source::File { file, buffer, start: 0, end: 0 }, length, position: 0 })
    }

    /// The size of the file.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// The bytes that are not used yet.
    pub(crate) fn remaining(&self) -> u64 {
        self.length.saturating_sub(self.position)
    }

    /// Some of the bytes that are not used yet; none at the end.
    pub(crate) fn fill(&mut self) -> io::Result<&[u8]> {
        match &mut self.source {
            Source::Bytes(bytes) => {
                let at = usize::try_from(self.position).unwrap_or(usize::MAX);
                Ok(bytes.get(at..).unwrap_or_default())
            }
            Source::File { file, buffer, start, end } => {
                if start == end {
                    *start = 0;
                    *end = loop {
                        match file.read(buffer) {
                            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                            read => break read?,
                        }
                    };
                }
                Ok(&buffer[*start..*end])
            }
        }
    }

    /// Uses up bytes that [`fill`](Input::fill) has shown.
    pub(crate) fn consume(&mut self, count: usize) {
        self.position += count as u64;
        if let Source::File { start, end, .. } = &mut self.source {
            *start = (*start + count).min(*end);
        }
    }

    /// Leaves bytes out without reading them.
    pub(crate) fn skip(&mut self, count: u64) -> io::Result<()> {
        let to = self.position.saturating_add(count);
        if let Source::File { file, start, end, .. } = &mut self.source {
            let buffered = (*end - *start) as u64;
            if count <= buffered {
                *start += count as usize;
            } else {
                *start = *end;
                file.seek(SeekFrom::Start(to))?;
            }
        }
        self.position = to;
        Ok(())
    }

    /// Fills `output` as far as there are bytes, and says how far.
    pub(crate) fn read_up_to(&mut self, output: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < output.len() {
            let count = self.read(&mut output[filled..])?;
            if count == 0 {
                break;
            }
            filled += count;
        }
        Ok(filled)
    }
}

impl Read for Input<'_> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill()?;
        let count = bytes.len().min(output.len());
        output[..count].copy_from_slice(&bytes[..count]);
        self.consume(count);
        Ok(count)
    }
}
