//! Writing headers and the directory of an archive, with the same bytes every time.

use super::{
    CENTRAL, END, END64, EXTRA_ALIGNMENT, EXTRA_CHUNKS, EXTRA_ZIP64, FLAG_UTF8, LOCAL, LOCATOR64,
    SENTINEL,
};
use crate::buffer::ALIGNMENT;

/// The version that has zip64, which Python's zipfile asks for too when it is told to expect it.
const VERSION: u16 = 45;
/// "Made on Unix", so that the permissions below are understood.
const MADE_BY: u16 = 3 << 8 | VERSION;
/// A regular file that its owner may read and write, as Python's zipfile says.
const PERMISSIONS: u32 = 0o600 << 16;
/// 1980-01-01, the first day of zip: files do not depend on when they were written.
const DATE: u16 = 1 << 5 | 1;

/// A member that was written.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) name: String,
    pub(crate) deflated: bool,
    pub(crate) crc: u32,
    pub(crate) compressed: u64,
    pub(crate) size: u64,
    pub(crate) offset: u64,
    /// The content of the extra field with the places where decoding can start.
    pub(crate) chunks: Vec<u8>,
}

fn put16(bytes: &mut Vec<u8>, value: u16) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

fn put32(bytes: &mut Vec<u8>, value: u32) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

fn put64(bytes: &mut Vec<u8>, value: u64) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

/// Lengths are checked before a member begins; a longer one would be cut here, not wrap around.
fn length16(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

impl Written {
    fn flags(&self) -> u16 {
        if self.name.is_ascii() { 0 } else { FLAG_UTF8 }
    }

    fn method(&self) -> u16 {
        if self.deflated { 8 } else { 0 }
    }
}

/// The local header, always with zip64 sizes as numpy writes them. The data of a stored member
/// start at a multiple of [`ALIGNMENT`].
pub(crate) fn local_header(member: &Written) -> Vec<u8> {
    let mut header = Vec::with_capacity(192);
    put32(&mut header, LOCAL);
    put16(&mut header, VERSION);
    put16(&mut header, member.flags());
    put16(&mut header, member.method());
    put16(&mut header, 0);
    put16(&mut header, DATE);
    put32(&mut header, member.crc);
    put32(&mut header, SENTINEL);
    put32(&mut header, SENTINEL);
    put16(&mut header, length16(member.name.len()));
    let padding = if member.deflated {
        0
    } else {
        let least = member.offset as usize + 30 + member.name.len() + 20 + 6;
        6 + least.next_multiple_of(ALIGNMENT) - least
    };
    put16(&mut header, length16(20 + padding));
    header.extend_from_slice(member.name.as_bytes());
    put16(&mut header, EXTRA_ZIP64);
    put16(&mut header, 16);
    put64(&mut header, member.size);
    put64(&mut header, member.compressed);
    if padding > 0 {
        put16(&mut header, EXTRA_ALIGNMENT);
        put16(&mut header, length16(padding - 4));
        put16(&mut header, length16(ALIGNMENT));
        header.resize(header.len() + padding - 6, 0);
    }
    header
}

/// Where the data of a member start.
pub(crate) fn payload_start(member: &Written) -> u64 {
    member.offset + local_header(member).len() as u64
}

/// What in a local header is known only after the data: pairs of place and bytes.
pub(crate) fn patch(member: &Written) -> [(u64, Vec<u8>); 2] {
    let mut sizes = Vec::with_capacity(16);
    put64(&mut sizes, member.size);
    put64(&mut sizes, member.compressed);
    [
        (member.offset + 14, member.crc.to_le_bytes().to_vec()),
        (member.offset + 30 + member.name.len() as u64 + 4, sizes),
    ]
}

/// The directory and the end of an archive; the directory starts at `offset`.
pub(crate) fn central_directory(members: &[Written], offset: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for member in members {
        let small = |value: u64| u32::try_from(value).ok().filter(|&small| small != SENTINEL);
        let mut large = Vec::new();
        let mut field = |value: u64| {
            small(value).unwrap_or_else(|| {
                put64(&mut large, value);
                SENTINEL
            })
        };
        let (size, compressed, start) =
            (field(member.size), field(member.compressed), field(member.offset));
        let mut extra = Vec::new();
        for (id, content) in [(EXTRA_ZIP64, &large), (EXTRA_CHUNKS, &member.chunks)] {
            if !content.is_empty() {
                put16(&mut extra, id);
                put16(&mut extra, length16(content.len()));
                extra.extend_from_slice(content);
            }
        }
        put32(&mut bytes, CENTRAL);
        put16(&mut bytes, MADE_BY);
        put16(&mut bytes, VERSION);
        put16(&mut bytes, member.flags());
        put16(&mut bytes, member.method());
        put16(&mut bytes, 0);
        put16(&mut bytes, DATE);
        put32(&mut bytes, member.crc);
        put32(&mut bytes, compressed);
        put32(&mut bytes, size);
        put16(&mut bytes, length16(member.name.len()));
        put16(&mut bytes, length16(extra.len()));
        put16(&mut bytes, 0);
        put16(&mut bytes, 0);
        put16(&mut bytes, 0);
        put32(&mut bytes, PERMISSIONS);
        put32(&mut bytes, start);
        bytes.extend_from_slice(member.name.as_bytes());
        bytes.extend_from_slice(&extra);
    }
    let (count, size) = (members.len() as u64, bytes.len() as u64);
    let all = u64::from(SENTINEL);
    if count >= u64::from(u16::MAX) || size >= all || offset >= all {
        put32(&mut bytes, END64);
        put64(&mut bytes, 44);
        put16(&mut bytes, MADE_BY);
        put16(&mut bytes, VERSION);
        put32(&mut bytes, 0);
        put32(&mut bytes, 0);
        put64(&mut bytes, count);
        put64(&mut bytes, count);
        put64(&mut bytes, size);
        put64(&mut bytes, offset);
        put32(&mut bytes, LOCATOR64);
        put32(&mut bytes, 0);
        put64(&mut bytes, offset + size);
        put32(&mut bytes, 1);
    }
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    put32(&mut bytes, END);
    put16(&mut bytes, 0);
    put16(&mut bytes, 0);
    put16(&mut bytes, count);
    put16(&mut bytes, count);
    put32(&mut bytes, u32::try_from(size).unwrap_or(SENTINEL));
    put32(&mut bytes, u32::try_from(offset).unwrap_or(SENTINEL));
    put16(&mut bytes, 0);
    bytes
}
