//! Compressed data: what they are compressed with, and what they hold where that can be told.
//!
//! zlib and gzip are what joblib writes unless told otherwise, and what `gzip.open` writes. The
//! others would each cost a decompressor that nothing else here needs, on the machine that is sick;
//! they are named, and such a file is never called clean.

use std::io;

use npz::Source;
use serde::Serialize;
use zlib_rs::{Inflate, InflateFlush, Status};

/// Bytes of compressed data that are read at once.
const WINDOW: usize = 256 * 1024;

/// The longest header of a member of gzip.
const HEADER_LIMIT: usize = 64 * 1024;

/// What data are compressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// `zlib`.
    Zlib,
    /// `gzip`.
    Gzip,
    /// `bz2`.
    Bz2,
    /// `lzma` as it was before xz.
    Lzma,
    /// `xz`.
    Xz,
    /// `lz4` in frames.
    Lz4,
    /// `zstd`.
    Zstd,
    /// The `compress` of old.
    Compress,
}

impl Compression {
    /// What a file is compressed with, by its first bytes.
    #[must_use]
    pub fn of(start: &[u8]) -> Option<Self> {
        Some(match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bz2,
            [0x5d, 0, 0, ..] => Self::Lzma,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Lz4,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0x1f, 0x9d, ..] => Self::Compress,
            // Any level, a window of 32 KiB or less, and the sum of both bytes that zlib checks.
            [first, second, ..]
                if first & 0x0f == 8
                    && first >> 4 <= 7
                    && (u16::from(*first) << 8 | u16::from(*second)).is_multiple_of(31)
                    && second & 0x20 == 0 =>
            {
                Self::Zlib
            }
            _ => return None,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Zlib => "zlib",
            Self::Gzip => "gzip",
            Self::Bz2 => "bz2",
            Self::Lzma => "lzma",
            Self::Xz => "xz",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
            Self::Compress => "compress",
        }
    }
}

/// What was found of compressed data.
pub(crate) enum Inflated {
    /// All of them.
    Whole(Vec<u8>),
    /// Their beginning: there is more than is looked at.
    Beginning(Vec<u8>),
    /// Their beginning, and what is wrong with the rest.
    Damaged(Vec<u8>, String),
    /// Nobody here can read them.
    Unknown,
    /// The source could not be read.
    Unreadable(io::Error),
}

/// Data without their compression, at most `limit` bytes of them.
pub(crate) fn inflate(source: &dyn Source, compression: Compression, limit: u64) -> Inflated {
    let mut inflater = Inflater { source, at: 0, limit, data: Vec::new() };
    let done = match compression {
        Compression::Zlib => inflater.stream(true).and_then(|()| inflater.nothing_follows()),
        Compression::Gzip => inflater.members(),
        _ => return Inflated::Unknown,
    };
    let data = inflater.data;
    match done {
        Ok(()) => Inflated::Whole(data),
        Err(Ended::Limit) => Inflated::Beginning(data),
        Err(Ended::Damaged(reason)) => Inflated::Damaged(data, reason.to_owned()),
        Err(Ended::Io(error)) => Inflated::Unreadable(error),
    }
}

/// What compressed data hold, all of it in memory; nothing where they are not compressed, and the
/// reason where they cannot be read.
#[must_use]
pub fn inflated(source: &dyn Source, limit: u64) -> Option<Result<Vec<u8>, String>> {
    let mut start = [0; 8];
    let length = source.length().min(start.len() as u64) as usize;
    source.read_exact_at(&mut start[..length], 0).ok()?;
    let compression = Compression::of(&start[..length])?;
    Some(match inflate(source, compression, limit) {
        Inflated::Whole(data) => Ok(data),
        Inflated::Beginning(_) => {
            Err(format!("it has more than {} MiB without its compression", limit >> 20))
        }
        Inflated::Damaged(_, reason) => Err(reason),
        Inflated::Unknown => {
            Err(format!("it is compressed with {}, which is not read here", compression.name()))
        }
        Inflated::Unreadable(error) => Err(error.to_string()),
    })
}

enum Ended {
    Limit,
    Damaged(&'static str),
    Io(io::Error),
}

struct Inflater<'a> {
    source: &'a dyn Source,
    at: u64,
    limit: u64,
    data: Vec<u8>,
}

const CUT: Ended = Ended::Damaged("the compressed data are truncated");

impl Inflater<'_> {
    fn read(&self, count: usize) -> Result<Vec<u8>, Ended> {
        let left = self.source.length().saturating_sub(self.at);
        let mut bytes = vec![0; count.min(usize::try_from(left).unwrap_or(usize::MAX))];
        self.source.read_exact_at(&mut bytes, self.at).map_err(Ended::Io)?;
        Ok(bytes)
    }

    fn nothing_follows(&self) -> Result<(), Ended> {
        if self.at == self.source.length() {
            return Ok(());
        }
        Err(Ended::Damaged("bytes follow the end of the compressed data"))
    }

    /// gzip: members one after another, and zeros after the last.
    fn members(&mut self) -> Result<(), Ended> {
        loop {
            let header = self.read(HEADER_LIMIT)?;
            let length = header_length(&header).ok_or(CUT)?;
            self.at += length as u64;
            let before = self.data.len();
            self.stream(false)?;
            let end = self.read(8)?;
            let [a, b, c, d, e, f, g, h] = end[..] else { return Err(CUT) };
            self.at += 8;
            let member = &self.data[before..];
            let sum = u32::from_le_bytes([a, b, c, d]);
            if crc32fast::hash(member) != sum {
                return Err(Ended::Damaged("the checksum of the compressed data is wrong"));
            }
            if member.len() as u32 != u32::from_le_bytes([e, f, g, h]) {
                return Err(Ended::Damaged("the length of the compressed data is wrong"));
            }
            while let [0, ..] = self.read(1)?[..] {
                self.at += 1;
            }
            match self.read(2)?[..] {
                [] => return Ok(()),
                [0x1f, 0x8b] => {}
                _ => return Err(Ended::Damaged("bytes follow the end of the compressed data")),
            }
        }
    }

    /// One stream of deflate, to its end.
    fn stream(&mut self, has_header: bool) -> Result<(), Ended> {
        let mut inflate = Inflate::new(has_header, 15);
        let mut filled = self.data.len();
        let mut input = Vec::new();
        let mut used = 0;
        loop {
            if used == input.len() {
                input = self.read(WINDOW)?;
                used = 0;
            }
            if self.data.len() as u64 >= self.limit && filled == self.data.len() {
                return Err(Ended::Limit);
            }
            if filled == self.data.len() {
                let room = (self.limit - filled as u64).min(4 * WINDOW as u64) as usize;
                self.data.resize(filled + room, 0);
            }
            let (read, written) = (inflate.total_in(), inflate.total_out());
            let status =
                inflate.decompress(&input[used..], &mut self.data[filled..], InflateFlush::NoFlush);
            let read = (inflate.total_in() - read) as usize;
            let written = (inflate.total_out() - written) as usize;
            used += read;
            self.at += read as u64;
            filled += written;
            match status {
                Ok(Status::StreamEnd) => {
                    self.data.truncate(filled);
                    return Ok(());
                }
                Ok(_) if read > 0 || written > 0 => {}
                _ if input.is_empty() => {
                    self.data.truncate(filled);
                    return Err(CUT);
                }
                Ok(_) | Err(_) => {
                    self.data.truncate(filled);
                    return Err(Ended::Damaged("the compressed data are damaged"));
                }
            }
        }
    }
}

/// The length of the header of a member of gzip, with the name and the comment that it may have.
fn header_length(header: &[u8]) -> Option<usize> {
    let [0x1f, 0x8b, 8, flags, ..] = header else { return None };
    let mut at = 10;
    if flags & 4 != 0 {
        let length = header.get(at..at + 2)?;
        at += 2 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            at += header.get(at..)?.iter().position(|byte| *byte == 0)? + 1;
        }
    }
    if flags & 2 != 0 {
        at += 2;
    }
    (at <= header.len()).then_some(at)
}

#[cfg(test)]
#[path = "compressed_tests.rs"]
mod tests;
