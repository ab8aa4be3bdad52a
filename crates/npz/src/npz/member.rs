//! The data of one member, read in order and checked.

use std::io::{self, Read};

use crc32fast::Hasher;

use crate::deflate::Inflater;
use crate::error::{Error, ErrorKind, Result};
use crate::source::{Section, Source};
use crate::transfer::PIECE;
use crate::zip::{Entry, Method};

/// The bytes of one member of an npz file, in order, with bounded memory.
///
/// Size and checksum are verified before the last byte is handed out: the read that would complete
/// damaged data fails instead.
pub struct MemberReader<'a, S> {
    data: Data<'a, S>,
    hasher: Hasher,
    done: u64,
    size: u64,
    crc: u32,
}

enum Data<'a, S> {
    Stored(Section<'a, S>),
    Deflated(Box<Inflater<'a, S>>),
}

impl<'a, S: Source> MemberReader<'a, S> {
    pub(crate) fn new(source: &'a S, entry: &Entry) -> Result<Self> {
        let start = entry.data_start(source)?;
        let data = match entry.method {
            Method::Stored => Data::Stored(Section::new(source, start, entry.compressed)),
            Method::Deflated => {
                Data::Deflated(Box::new(Inflater::new(source, start, entry.compressed)))
            }
            Method::Other(method) => return Err(unsupported(method)),
        };
        let (size, crc) = (entry.size, entry.crc);
        let mut reader = MemberReader { data, hasher: Hasher::new(), done: 0, size, crc };
        if size == 0 {
            reader.verify()?;
        }
        Ok(reader)
    }

    /// Checks that the data end where they should and are what was written.
    fn verify(&mut self) -> Result<()> {
        if let Data::Deflated(inflater) = &mut self.data {
            let more = inflater.read(&mut [0; 1])?;
            if more > 0 {
                let (expected, found) = (self.size, self.size + 1);
                return Err(ErrorKind::WrongSize { expected, found }.into());
            }
            if !inflater.is_complete() {
                let reason = "bytes follow the last block".to_owned();
                return Err(ErrorKind::BadDeflate { reason }.into());
            }
        }
        check_sum(self.crc, self.hasher.clone())
    }
}

pub(crate) fn check_sum(expected: u32, hasher: Hasher) -> Result<()> {
    let found = hasher.finalize();
    if found == expected {
        return Ok(());
    }
    Err(ErrorKind::BadCrc { expected, found }.into())
}

fn unsupported(method: u16) -> Error {
    let name = match method {
        9 => "deflate64",
        12 => "bzip2",
        14 => "lzma",
        93 => "zstandard",
        95 => "xz",
        _ => "unknown",
    };
    ErrorKind::Unsupported { feature: format!("{name} compression (zip method {method})") }.into()
}

impl<S: Source> Read for MemberReader<'_, S> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size - self.done).unwrap_or(usize::MAX);
        // In pieces, so that the checksum finds the data in the processor's cache.
        let wanted = output.len().min(left).min(PIECE);
        if wanted == 0 {
            return Ok(0);
        }
        let output = &mut output[..wanted];
        let got = match &mut self.data {
            Data::Stored(section) => section.read(output)?,
            Data::Deflated(inflater) => inflater.read(output)?,
        };
        if got == 0 {
            let (expected, found) = (self.size, self.done);
            return Err(Error::from(ErrorKind::WrongSize { expected, found }).into());
        }
        self.hasher.update(&output[..got]);
        self.done += got as u64;
        if self.done == self.size {
            self.verify()?;
        }
        Ok(got)
    }
}
