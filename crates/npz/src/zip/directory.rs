//! Reading the directory at the end of an archive, believing nothing that the file contradicts.

use std::collections::HashSet;

use super::{
    CENTRAL, END, END64, EXTRA_CHUNKS, EXTRA_ZIP64, FLAG_DESCRIPTOR, FLAG_UTF8, Fields, LOCAL,
    LOCATOR64, SENTINEL, name,
};
use crate::error::{Error, ErrorKind, Result};
use crate::header::describe;
use crate::limits::Limits;
use crate::source::Source;

const END_LENGTH: usize = 22;
const LOCATOR_LENGTH: usize = 20;
const END64_LENGTH: usize = 56;
const CENTRAL_LENGTH: usize = 46;
const LOCAL_LENGTH: usize = 30;

/// How the data of a member are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Stored,
    Deflated,
    Other(u16),
}

/// A member, as the directory describes it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) method: Method,
    pub(crate) crc: u32,
    /// Its size in the file.
    pub(crate) compressed: u64,
    /// The size of its data.
    pub(crate) size: u64,
    /// The places where decoding can start, as written by this crate; not checked yet.
    pub(crate) chunks: Option<Vec<u8>>,
    /// Where its local header starts.
    offset: u64,
    /// Where the next member or the directory starts.
    limit: u64,
    /// The member that starts there, to be named when this one reaches into it.
    next: Option<String>,
    raw_name: Vec<u8>,
    utf8: bool,
}

/// The members of an archive, in the order of the directory.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) entries: Vec<Entry>,
}

fn bad<T>(reason: impl Into<String>) -> Result<T> {
    Err(bad_zip(reason))
}

fn bad_zip(reason: impl Into<String>) -> Error {
    ErrorKind::BadZip { reason: reason.into() }.into()
}

impl Directory {
    pub(crate) fn read(source: &impl Source, limits: &Limits) -> Result<Directory> {
        let length = source.length();
        let mut start = [0; 8];
        let started = usize::try_from(length).map_or(8, |length| length.min(8));
        source.read_exact_at(&mut start[..started], 0)?;
        if !matches!(Fields(&start[..started]).u32(), Some(LOCAL | END)) {
            return Err(ErrorKind::NotNpz { found: describe(&start[..started]) }.into());
        }
        let end = End::find(source, length)?;
        if end.size > limits.directory_bytes {
            return bad(format!("it has {} bytes, over the limits", end.size));
        }
        if end.count > end.size / CENTRAL_LENGTH as u64 {
            return bad(format!("{} members in {} bytes", end.count, end.size));
        }
        let size = usize::try_from(end.size).map_err(|_| bad_zip("too large"))?;
        let mut bytes = vec![0; size];
        source.read_exact_at(&mut bytes, end.offset)?;
        let mut fields = Fields(&bytes);
        let mut entries = Vec::new();
        let mut names = HashSet::new();
        for _ in 0..end.count {
            let entry = central(&mut fields)?;
            if !names.insert(entry.name.clone()) {
                return Err(ErrorKind::DuplicateName { name: entry.name }.into());
            }
            entries.push(entry);
        }
        if !fields.0.is_empty() {
            return bad(format!("{} bytes after its last member", fields.0.len()));
        }
        set_limits(&mut entries, end.offset)?;
        Ok(Directory { entries })
    }
}

/// Gives every member the place it must end before, and refuses those that cannot.
fn set_limits(entries: &mut [Entry], directory: u64) -> Result<()> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|&index| entries[index].offset);
    for (place, &index) in order.iter().enumerate() {
        let next = order.get(place + 1).map(|&next| &entries[next]);
        let limit = next.map_or(directory, |next| next.offset);
        let next = next.map(|next| next.name.clone());
        let entry = &mut entries[index];
        (entry.limit, entry.next) = (limit, next);
        let least = (LOCAL_LENGTH + entry.raw_name.len()) as u64;
        entry.must_end(entry.offset.checked_add(least))?;
        entry.must_end(
            entry.offset.checked_add(least).and_then(|n| n.checked_add(entry.compressed)),
        )?;
    }
    Ok(())
}

/// What the end of the archive says of the directory.
struct End {
    offset: u64,
    size: u64,
    count: u64,
}

impl End {
    fn find(source: &impl Source, length: u64) -> Result<End> {
        let tail_length = length.min((END_LENGTH + usize::from(u16::MAX)) as u64);
        let mut tail = vec![0; tail_length as usize];
        let tail_start = length - tail_length;
        source.read_exact_at(&mut tail, tail_start)?;
        let Some(at) = find_end(&tail) else {
            return bad("its end is missing, so the file is truncated or was never finished");
        };
        let position = tail_start + at as u64;
        let mut fields = Fields(&tail[at + 4..]);
        let mut parse = || {
            let disks = (fields.u16()?, fields.u16()?);
            let counts = (fields.u16()?, fields.u16()?);
            Some((disks, counts, fields.u32()?, fields.u32()?, fields.u16()?))
        };
        let Some((disks, counts, size, offset, comment)) = parse() else {
            return bad("its end is cut short");
        };
        if disks != (0, 0) || counts.0 != counts.1 {
            return Err(
                ErrorKind::Unsupported { feature: "an archive on several disks".into() }.into()
            );
        }
        let after = tail.len() - at - END_LENGTH;
        if usize::from(comment) != after {
            return bad(format!("{after} bytes after its end, and {comment} are announced"));
        }
        let small = End { offset: offset.into(), size: size.into(), count: counts.0.into() };
        let (end, must_reach) = match Self::find_large(source, position)? {
            Some((large, start)) => {
                let agrees = |small: u64, large: u64, all: u64| small == all || small == large;
                if !agrees(small.offset, large.offset, SENTINEL.into())
                    || !agrees(small.size, large.size, SENTINEL.into())
                    || !agrees(small.count, large.count, u16::MAX.into())
                {
                    return bad("its two ends contradict each other");
                }
                (large, start)
            }
            None => (small, position),
        };
        if end.offset.checked_add(end.size) != Some(must_reach) {
            return bad(format!(
                "it should lie at byte {} with {} bytes, but ends at {must_reach}; are there \
                 foreign bytes before the archive?",
                end.offset, end.size
            ));
        }
        Ok(end)
    }

    /// The zip64 end, and where it starts, when there is one.
    fn find_large(source: &impl Source, end: u64) -> Result<Option<(End, u64)>> {
        let Some(position) = end.checked_sub(LOCATOR_LENGTH as u64) else { return Ok(None) };
        let mut locator = [0; LOCATOR_LENGTH];
        source.read_exact_at(&mut locator, position)?;
        let mut fields = Fields(&locator);
        if fields.u32() != Some(LOCATOR64) {
            return Ok(None);
        }
        let (disk, start, disks) = (fields.u32(), fields.u64(), fields.u32());
        if disk != Some(0) || disks > Some(1) {
            return Err(
                ErrorKind::Unsupported { feature: "an archive on several disks".into() }.into()
            );
        }
        let start = start.unwrap_or(u64::MAX);
        if start.checked_add(END64_LENGTH as u64).is_none_or(|end| end > position) {
            return bad("its zip64 end lies outside of the file");
        }
        let mut record = [0; END64_LENGTH];
        source.read_exact_at(&mut record, start)?;
        let mut fields = Fields(&record);
        let mut parse = || {
            let (signature, length) = (fields.u32()?, fields.u64()?);
            fields.take(4)?;
            let disks = (fields.u32()?, fields.u32()?);
            let counts = (fields.u64()?, fields.u64()?);
            let (size, offset) = (fields.u64()?, fields.u64()?);
            let valid = signature == END64
                && length.checked_add(12).and_then(|n| n.checked_add(start)) == Some(position)
                && disks == (0, 0)
                && counts.0 == counts.1;
            valid.then_some(End { offset, size, count: counts.0 })
        };
        match parse() {
            Some(end) => Ok(Some((end, start))),
            None => bad("its zip64 end is wrong"),
        }
    }
}

/// Where the end record starts: at the very end, or before a comment.
fn find_end(tail: &[u8]) -> Option<usize> {
    let signature = END.to_le_bytes();
    let last = tail.len().checked_sub(END_LENGTH)?;
    if tail[last..].starts_with(&signature) && tail.ends_with(&[0, 0]) {
        return Some(last);
    }
    (0..=last).rev().find(|&at| tail[at..].starts_with(&signature))
}

/// One member of the directory.
fn central(fields: &mut Fields<'_>) -> Result<Entry> {
    let Some(header) = fields.take(CENTRAL_LENGTH) else { return bad("it is cut short") };
    let mut header = Fields(header);
    let mut parse = || {
        let signature = header.u32()?;
        header.take(4)?;
        let (flags, method) = (header.u16()?, header.u16()?);
        header.take(4)?;
        let sizes = (header.u32()?, header.u32()?, header.u32()?);
        let lengths = (header.u16()?, header.u16()?, header.u16()?);
        let disk = header.u16()?;
        header.take(6)?;
        Some((signature, flags, method, sizes, lengths, disk, header.u32()?))
    };
    let Some((CENTRAL, flags, method, (crc, compressed, size), lengths, disk, offset)) = parse()
    else {
        return bad("a member does not start where it should");
    };
    let mut take = |length: u16| fields.take(length.into());
    let (Some(raw_name), Some(extra), Some(_)) =
        (take(lengths.0), take(lengths.1), take(lengths.2))
    else {
        return bad("a member is cut short");
    };
    let utf8 = flags & FLAG_UTF8 != 0;
    let Some(name) = name::decode(raw_name, utf8) else {
        let name = String::from_utf8_lossy(raw_name).into_owned();
        return Err(ErrorKind::UnsafeName { name, reason: "it is not UTF-8" }.into());
    };
    if let Err(reason) = name::check(&name) {
        return Err(ErrorKind::UnsafeName { name, reason }.into());
    }
    if flags & (1 | 1 << 5 | 1 << 6 | 1 << 13) != 0 {
        let feature = "an encrypted or patched member".to_owned();
        return Err(Error::from(ErrorKind::Unsupported { feature }).in_member(&name));
    }
    let extra = match Extra::parse(extra, size, compressed, offset, disk) {
        Ok(extra) => extra,
        Err(reason) => return Err(bad_zip(reason).in_member(&name)),
    };
    let method = match method {
        0 => Method::Stored,
        8 => Method::Deflated,
        other => Method::Other(other),
    };
    if method == Method::Stored && extra.size != extra.compressed {
        return Err(bad_zip("it is stored, but its two sizes differ").in_member(&name));
    }
    Ok(Entry {
        name,
        method,
        crc,
        compressed: extra.compressed,
        size: extra.size,
        chunks: extra.chunks,
        offset: extra.offset,
        limit: 0,
        next: None,
        raw_name: raw_name.to_vec(),
        utf8,
    })
}

/// Sizes and place of a member, from its header and its extra fields.
struct Extra {
    size: u64,
    compressed: u64,
    offset: u64,
    chunks: Option<Vec<u8>>,
}

impl Extra {
    fn parse(
        bytes: &[u8],
        size: u32,
        compressed: u32,
        offset: u32,
        disk: u16,
    ) -> std::result::Result<Extra, &'static str> {
        let mut extra = Extra {
            size: size.into(),
            compressed: compressed.into(),
            offset: offset.into(),
            chunks: None,
        };
        let mut disk = u32::from(disk);
        let mut large = false;
        let mut fields = Fields(bytes);
        // What is left when no whole field fits is padding, as other readers take it.
        while let (Some(id), Some(length)) = (fields.u16(), fields.u16()) {
            let content = fields.take(length.into()).ok_or("an extra field is cut short")?;
            if id == EXTRA_CHUNKS {
                extra.chunks = Some(content.to_vec());
            }
            if id != EXTRA_ZIP64 {
                continue;
            }
            if large {
                return Err("it has two zip64 fields");
            }
            large = true;
            let mut content = Fields(content);
            for (value, small) in [
                (&mut extra.size, size),
                (&mut extra.compressed, compressed),
                (&mut extra.offset, offset),
            ] {
                if small == SENTINEL {
                    *value = content.u64().ok_or("its zip64 field is cut short")?;
                }
            }
            if disk == u32::from(u16::MAX) {
                disk = content.u32().ok_or("its zip64 field is cut short")?;
            }
        }
        if disk != 0 {
            return Err("it is on another disk");
        }
        Ok(extra)
    }
}

impl Entry {
    /// Refuses an end past the place where something else starts.
    fn must_end(&self, end: Option<u64>) -> Result<()> {
        if end.is_some_and(|end| end <= self.limit) {
            return Ok(());
        }
        match &self.next {
            Some(next) => {
                let (first, second) = (self.name.clone(), next.clone());
                Err(ErrorKind::Overlap { first, second }.into())
            }
            None => Err(bad_zip("it reaches into the directory or past it").in_member(&self.name)),
        }
    }

    /// Where the data start, after checking that the local header says what the directory says.
    pub(crate) fn data_start(&self, source: &impl Source) -> Result<u64> {
        let mut header = [0; LOCAL_LENGTH];
        source.read_exact_at(&mut header, self.offset)?;
        let mut fields = Fields(&header);
        let mut parse = || {
            let signature = fields.u32()?;
            fields.take(2)?;
            let (flags, method) = (fields.u16()?, fields.u16()?);
            fields.take(4)?;
            let sizes = (fields.u32()?, fields.u32()?, fields.u32()?);
            Some((signature, flags, method, sizes, fields.u16()?, fields.u16()?))
        };
        let Some((LOCAL, flags, method, (crc, compressed, size), name_length, extra_length)) =
            parse()
        else {
            return bad("no member starts where the directory says");
        };
        let method = match method {
            0 => Method::Stored,
            8 => Method::Deflated,
            other => Method::Other(other),
        };
        let rest = usize::from(name_length) + usize::from(extra_length);
        let start = self.offset + (LOCAL_LENGTH + rest) as u64;
        self.must_end(start.checked_add(self.compressed))?;
        let mut rest = vec![0; rest];
        source.read_exact_at(&mut rest, self.offset + LOCAL_LENGTH as u64)?;
        let (raw_name, extra) = rest.split_at(name_length.into());
        if raw_name != self.raw_name || (flags & FLAG_UTF8 != 0) != self.utf8 {
            return bad("the member has another name than the directory says");
        }
        if method != self.method {
            return bad("the member is stored in another way than the directory says");
        }
        // Sizes that follow the data are not known here, and writers leave zeros.
        if flags & FLAG_DESCRIPTOR == 0 {
            let local = Extra::parse(extra, size, compressed, 0, 0).map_err(bad_zip)?;
            if (local.size, local.compressed, crc) != (self.size, self.compressed, self.crc) {
                return bad("the member has other sizes than the directory says");
            }
        }
        Ok(start)
    }
}
