//! A gzip stream, inflated in order and checked against its checksum and length.

use crc32fast::Hasher;
use zlib_rs::{Inflate, InflateFlush, Status};

use crate::error::{ErrorKind, Result, Section, corrupt};
use crate::extension::Bytes;
use crate::input::Input;

const HEADER: usize = 10;
const TRAILER: usize = 8;

const CHECKSUM: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;

/// The stream of one gzip member.
pub(crate) struct Gzip<'a> {
    input: Input<'a>,
    inflate: Inflate,
    sum: Hasher,
    produced: u64,
    ended: bool,
}

impl<'a> Gzip<'a> {
    /// Reads the header of the member.
    pub(crate) fn open(mut input: Input<'a>) -> Result<Gzip<'a>> {
        let mut header = [0; HEADER];
        exact(&mut input, &mut header)?;
        let [_, _, method, flags, ..] = header;
        if method != 8 {
            let reason = format!("compression method {method} is none of gzip's");
            return Err(corrupt(Section::GzipHeader, reason));
        }
        if flags & EXTRA != 0 {
            let mut length = [0; 2];
            exact(&mut input, &mut length)?;
            let (want, got) = (u64::from(u16::from_le_bytes(length)), input.remaining());
            if got < want {
                return Err(ErrorKind::Truncated { section: Section::GzipHeader, want, got }.into());
            }
            input.skip(want)?;
        }
        for text in [NAME, COMMENT] {
            if flags & text != 0 {
                while exact_byte(&mut input)? != 0 {}
            }
        }
        if flags & CHECKSUM != 0 {
            exact(&mut input, &mut [0; 2])?;
        }
        Ok(Gzip {
            input,
            inflate: Inflate::new(false, 15),
            sum: Hasher::new(),
            produced: 0,
            ended: false,
        })
    }

    /// The size of the file.
    pub(crate) fn file_length(&self) -> u64 {
        self.input.length()
    }

    /// Bytes of the file that are not used; after [`finish`](Gzip::finish), those after the member.
    pub(crate) fn remaining(&self) -> u64 {
        self.input.remaining()
    }

    /// Fills `output` as far as there are data, and says how far.
    pub(crate) fn read_up_to(&mut self, output: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < output.len() && !self.ended {
            let input = self.input.fill()?;
            let is_starved = input.is_empty();
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(input, &mut output[filled..], InflateFlush::NoFlush)
                .map_err(|error| corrupt(Section::GzipTrailer, error.as_str()))?;
            self.input.consume((self.inflate.total_in() - before_in) as usize);
            let produced = (self.inflate.total_out() - before_out) as usize;
            filled += produced;
            self.ended = status == Status::StreamEnd;
            if is_starved && produced == 0 {
                break;
            }
        }
        self.sum.update(&output[..filled]);
        self.produced += filled as u64;
        Ok(filled)
    }

    /// Whether the data ended, as opposed to the file.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Compares checksum and length, once all data were read.
    pub(crate) fn finish(&mut self) -> Result<()> {
        let mut trailer = [0; TRAILER];
        let got = self.input.read_up_to(&mut trailer)?;
        if got < TRAILER {
            let (want, got) = (TRAILER as u64, got as u64);
            return Err(ErrorKind::Truncated { section: Section::GzipTrailer, want, got }.into());
        }
        let [a, b, c, d, e, f, g, h] = trailer;
        if u32::from_le_bytes([a, b, c, d]) != self.sum.clone().finalize() {
            return Err(corrupt(Section::GzipTrailer, "the checksum is not that of the data"));
        }
        if u32::from_le_bytes([e, f, g, h]) != self.produced as u32 {
            return Err(corrupt(Section::GzipTrailer, "the length is not that of the data"));
        }
        Ok(())
    }
}

fn exact(input: &mut Input<'_>, output: &mut [u8]) -> Result<()> {
    let got = input.read_up_to(output)?;
    if got == output.len() {
        return Ok(());
    }
    let (want, got) = (output.len() as u64, got as u64);
    Err(ErrorKind::Truncated { section: Section::GzipHeader, want, got }.into())
}

fn exact_byte(input: &mut Input<'_>) -> Result<u8> {
    let mut byte = [0];
    exact(input, &mut byte)?;
    Ok(byte[0])
}

/// The end of a stream, of which only so much is read.
pub(crate) struct Tail<'a, 'b> {
    pub(crate) stream: &'a mut Gzip<'b>,
    pub(crate) left: u64,
    pub(crate) most: u64,
}

impl Bytes for Tail<'_, '_> {
    fn read_up_to(&mut self, output: &mut [u8]) -> Result<usize> {
        let got = self.stream.read_up_to(output)?;
        match self.left.checked_sub(got as u64) {
            Some(left) => self.left = left,
            None => return Err(ErrorKind::TrailingData { more_than: self.most }.into()),
        }
        Ok(got)
    }

    fn skip(&mut self, count: u64) -> Result<u64> {
        let mut buffer = [0; 4096];
        let mut skipped = 0;
        while skipped < count {
            let want = (count - skipped).min(buffer.len() as u64) as usize;
            let got = self.read_up_to(&mut buffer[..want])?;
            skipped += got as u64;
            if got < want {
                break;
            }
        }
        Ok(skipped)
    }
}
