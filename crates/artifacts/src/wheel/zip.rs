//! The zip archive that a wheel is: every header, believed only where the other one agrees.

use std::collections::HashSet;
use std::ops::Range;

use super::error::WheelError;

const CENTRAL: u32 = 0x0201_4b50;
const LOCAL: u32 = 0x0403_4b50;
const END: u32 = 0x0605_4b50;
const LOCATOR64: u32 = 0x0706_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;

const END_LENGTH: usize = 22;
const LOCATOR_LENGTH: usize = 20;
const LOCAL_LENGTH: usize = 30;

/// Sizes and checksum follow the data.
const FLAG_DESCRIPTOR: u16 = 1 << 3;
/// Encrypted, patched, strongly encrypted, or with masked headers.
const FLAGS_REFUSED: u16 = 1 | 1 << 5 | 1 << 6 | 1 << 13;

/// Deflate cannot make data smaller than this fraction of what they are.
const MOST_INFLATION: u64 = 1032;

/// One file or directory in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name; a directory's ends in `/`.
    pub name: String,
    /// How its data are stored: 0 as they are, 8 deflated.
    pub method: u16,
    /// General purpose flags.
    pub flags: u16,
    /// Version and system of the program that wrote it; the upper byte is 3 for Unix.
    pub made_by: u16,
    /// Version that a reader must know.
    pub version_needed: u16,
    /// Time of the last change, as MS-DOS has it: hours, minutes, two-second steps.
    pub time: u16,
    /// Day of the last change, as MS-DOS has it: years since 1980, month, day.
    pub date: u16,
    /// CRC-32 of the data.
    pub crc: u32,
    /// Bytes in the archive.
    pub compressed: u64,
    /// Bytes of the data.
    pub size: u64,
    /// Extra fields of the directory at the end.
    pub extra: Vec<u8>,
    /// Extra fields before the data.
    pub local_extra: Vec<u8>,
    /// Comment.
    pub comment: Vec<u8>,
    /// Internal attributes.
    pub internal_attributes: u16,
    /// External attributes; the upper half is a Unix mode where `made_by` says Unix.
    pub external_attributes: u32,
    /// Where its data are in the archive.
    pub data: Range<usize>,
    /// Where its header starts and what belongs to it ends.
    pub(super) whole: Range<usize>,
}

impl Entry {
    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.name.ends_with('/')
    }

    /// The Unix mode with the bits of its type, where it was written on Unix.
    #[must_use]
    pub fn mode(&self) -> Option<u32> {
        (self.made_by >> 8 == 3).then_some(self.external_attributes >> 16)
    }

    /// Time of the last change, `1980-01-01 00:00:00`; nobody says in which zone.
    #[must_use]
    pub fn modified(&self) -> String {
        let (date, time) = (self.date, self.time);
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            1980 + (date >> 9),
            (date >> 5) & 15,
            date & 31,
            time >> 11,
            (time >> 5) & 63,
            (time & 31) * 2
        )
    }
}

/// What an archive consists of.
pub(super) struct Archive {
    pub(super) entries: Vec<Entry>,
    pub(super) comment: Vec<u8>,
    /// Bytes that belong to nothing.
    pub(super) stray: Vec<Range<usize>>,
}

fn bad<T>(reason: impl Into<String>) -> Result<T, WheelError> {
    Err(WheelError::BadZip { reason: reason.into() })
}

/// Numbers of a record, little-endian, `None` past its end.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
}

/// Reads every header of the archive.
pub(super) fn read(bytes: &[u8]) -> Result<Archive, WheelError> {
    let end = find_end(bytes)?;
    let mut fields = Fields(&bytes[end + 4..]);
    let mut parse = || {
        let disks = (fields.u16()?, fields.u16()?);
        let counts = (fields.u16()?, fields.u16()?);
        Some((disks, counts, fields.u32()?, fields.u32()?, fields.u16()?))
    };
    let Some((disks, counts, size, offset, comment)) = parse() else {
        return bad("its end is cut short");
    };
    if disks != (0, 0) || counts.0 != counts.1 {
        let feature = "an archive on several disks".to_owned();
        return Err(WheelError::Unsupported { entry: None, feature });
    }
    let has_locator = end
        .checked_sub(LOCATOR_LENGTH)
        .is_some_and(|at| Fields(&bytes[at..]).u32() == Some(LOCATOR64));
    if has_locator || counts.0 == u16::MAX || offset == u32::MAX {
        let feature = "a directory of more than 65534 entries or beyond 4 GiB (zip64)".to_owned();
        return Err(WheelError::Unsupported { entry: None, feature });
    }
    if end + END_LENGTH + usize::from(comment) != bytes.len() {
        return bad(format!(
            "{} bytes after its end, and {comment} are announced",
            bytes.len() - end - END_LENGTH
        ));
    }
    let (offset, size) = (offset as usize, size as usize);
    if offset.checked_add(size) != Some(end) {
        return bad(format!(
            "its directory should lie at byte {offset} with {size} bytes, but ends at {end}; are \
             there foreign bytes before the archive?"
        ));
    }
    let mut central = Fields(&bytes[offset..end]);
    let mut entries = Vec::new();
    let mut names = HashSet::new();
    for _ in 0..counts.0 {
        let entry = entry(bytes, &mut central, offset)?;
        if !names.insert(entry.name.clone()) {
            return Err(WheelError::DuplicateName { name: entry.name });
        }
        entries.push(entry);
    }
    if !central.0.is_empty() {
        return bad(format!("{} bytes after the last entry of its directory", central.0.len()));
    }
    let stray = stray(&entries, offset)?;
    Ok(Archive { entries, comment: bytes[end + END_LENGTH..].to_vec(), stray })
}

/// Where the end record starts: at the very end, or before a comment.
fn find_end(bytes: &[u8]) -> Result<usize, WheelError> {
    let signature = END.to_le_bytes();
    let Some(last) = bytes.len().checked_sub(END_LENGTH) else {
        return bad(format!("{} bytes are too few for one", bytes.len()));
    };
    let first = last.saturating_sub(usize::from(u16::MAX));
    match (first..=last).rev().find(|&at| bytes[at..].starts_with(&signature)) {
        Some(at) => Ok(at),
        None => bad("its end is missing, so the file is truncated or is something else"),
    }
}

/// The bytes between entries; refuses entries that share some.
fn stray(entries: &[Entry], directory: usize) -> Result<Vec<Range<usize>>, WheelError> {
    let mut order: Vec<&Entry> = entries.iter().collect();
    order.sort_by_key(|entry| entry.whole.start);
    let mut stray = Vec::new();
    let mut at = 0;
    let mut before: Option<&Entry> = None;
    for entry in order {
        if entry.whole.start < at {
            let first = before.map_or_else(String::new, |before| before.name.clone());
            return Err(WheelError::Overlap { first, second: entry.name.clone() });
        }
        if entry.whole.start > at {
            stray.push(at..entry.whole.start);
        }
        at = entry.whole.end;
        before = Some(entry);
    }
    if at > directory {
        let name = before.map_or_else(String::new, |before| before.name.clone());
        return bad(format!("{name} reaches into the directory"));
    }
    if at < directory {
        stray.push(at..directory);
    }
    Ok(stray)
}

/// One entry of the directory, with the header before its data.
fn entry(bytes: &[u8], fields: &mut Fields<'_>, directory: usize) -> Result<Entry, WheelError> {
    let mut parse = || {
        let signature = fields.u32()?;
        let versions = (fields.u16()?, fields.u16()?);
        let (flags, method, time, date) =
            (fields.u16()?, fields.u16()?, fields.u16()?, fields.u16()?);
        let sizes = (fields.u32()?, fields.u32()?, fields.u32()?);
        let lengths = (fields.u16()?, fields.u16()?, fields.u16()?);
        let disk = fields.u16()?;
        let attributes = (fields.u16()?, fields.u32()?);
        let offset = fields.u32()?;
        let name = fields.take(lengths.0.into())?;
        let extra = fields.take(lengths.1.into())?;
        let comment = fields.take(lengths.2.into())?;
        (signature == CENTRAL && disk == 0).then_some((
            versions, flags, method, time, date, sizes, attributes, offset, name, extra, comment,
        ))
    };
    let Some((versions, flags, method, time, date, sizes, attributes, offset, raw, extra, comment)) =
        parse()
    else {
        return bad("an entry of its directory is cut short or does not start where it should");
    };
    let name = checked_name(raw)?;
    if flags & FLAGS_REFUSED != 0 {
        let feature = "an encrypted or patched entry".to_owned();
        return Err(WheelError::Unsupported { entry: Some(name), feature });
    }
    let (crc, mut compressed, mut size) = (sizes.0, u64::from(sizes.1), u64::from(sizes.2));
    let mut offset = u64::from(offset);
    if let Some(mut large) = zip64(extra) {
        for value in [&mut size, &mut compressed, &mut offset] {
            if *value == u64::from(u32::MAX) {
                match large.u64() {
                    Some(number) => *value = number,
                    None => return bad(format!("{name}: its zip64 field is cut short")),
                }
            }
        }
    }
    if method == 0 && compressed != size {
        return bad(format!("{name}: it is stored as it is, but its two sizes differ"));
    }
    if method == 8 && size > compressed.saturating_mul(MOST_INFLATION).saturating_add(1024) {
        let allowed = compressed.saturating_mul(MOST_INFLATION);
        return Err(WheelError::Bomb { entry: Some(name), size, allowed });
    }
    let mut entry = Entry {
        name,
        method,
        flags,
        made_by: versions.0,
        version_needed: versions.1,
        time,
        date,
        crc,
        compressed,
        size,
        extra: extra.to_vec(),
        local_extra: Vec::new(),
        comment: comment.to_vec(),
        internal_attributes: attributes.0,
        external_attributes: attributes.1,
        data: 0..0,
        whole: 0..0,
    };
    local(bytes, &mut entry, raw, offset, directory)?;
    Ok(entry)
}

/// Compares an entry with the header before its data, and learns where these are.
fn local(
    bytes: &[u8],
    entry: &mut Entry,
    raw_name: &[u8],
    offset: u64,
    directory: usize,
) -> Result<(), WheelError> {
    let area = &bytes[..directory];
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let mut fields = Fields(area.get(start..).unwrap_or_default());
    let mut parse = || {
        let signature = fields.u32()?;
        fields.take(2)?;
        let (flags, method) = (fields.u16()?, fields.u16()?);
        fields.take(4)?;
        let sizes = (fields.u32()?, fields.u32()?, fields.u32()?);
        let lengths = (fields.u16()?, fields.u16()?);
        let name = fields.take(lengths.0.into())?;
        let extra = fields.take(lengths.1.into())?;
        (signature == LOCAL).then_some((flags, method, sizes, name, extra))
    };
    let Some((flags, method, sizes, name, extra)) = parse() else {
        return bad(format!("{}: its data do not start where the directory says", entry.name));
    };
    let header = LOCAL_LENGTH + name.len() + extra.len();
    let later = flags & FLAG_DESCRIPTOR != 0;
    let mut large = zip64(extra);
    let mut told = |small: u32| match small {
        u32::MAX => large.as_mut().and_then(Fields::u64).unwrap_or(u64::from(small)),
        small => small.into(),
    };
    let size = told(sizes.2);
    let compressed = told(sizes.1);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let number = |value: u64| value.to_string();
    let pairs = [
        ("name", text(raw_name), text(name)),
        ("flags", format!("{:#x}", entry.flags), format!("{flags:#x}")),
        ("method", entry.method.to_string(), method.to_string()),
    ];
    let later_pairs = [
        ("checksum", format!("{:08x}", entry.crc), format!("{:08x}", sizes.0)),
        ("compressed size", number(entry.compressed), number(compressed)),
        ("size", number(entry.size), number(size)),
    ];
    // Where sizes follow the data, the header has either zeros or what they will be.
    let told_later = |pair: &(&str, String, String)| later && pair.2.trim_matches('0').is_empty();
    let disagreed = pairs
        .into_iter()
        .chain(later_pairs.into_iter().filter(|pair| !told_later(pair)))
        .find(|pair| pair.1 != pair.2);
    if let Some((field, central, local)) = disagreed {
        let entry = entry.name.clone();
        return Err(WheelError::HeadersDisagree { entry, field, central, local });
    }
    let first = start + header;
    let last = usize::try_from(entry.compressed).ok().and_then(|size| first.checked_add(size));
    let Some(last) = last.filter(|last| *last <= directory) else {
        return bad(format!("{}: its data reach into the directory or past it", entry.name));
    };
    entry.local_extra = extra.to_vec();
    entry.data = first..last;
    entry.whole = start..last + if later { descriptor(&area[last..], entry) } else { 0 };
    Ok(())
}

/// How long the record behind the data is that repeats checksum and sizes: with or without a
/// signature, with sizes of four or of eight bytes.
fn descriptor(rest: &[u8], entry: &Entry) -> usize {
    let crc = entry.crc.to_le_bytes();
    let small = [entry.compressed as u32, entry.size as u32].map(u32::to_le_bytes).concat();
    let large = [entry.compressed, entry.size].map(u64::to_le_bytes).concat();
    let signature = DESCRIPTOR.to_le_bytes();
    for sizes in [&large, &small] {
        for signature in [&signature[..], &[]] {
            let expected = [signature, &crc, sizes].concat();
            if rest.starts_with(&expected) {
                return expected.len();
            }
        }
    }
    0
}

/// The extra field with large sizes.
fn zip64(extra: &[u8]) -> Option<Fields<'_>> {
    let mut fields = Fields(extra);
    while let (Some(id), Some(length)) = (fields.u16(), fields.u16()) {
        let content = fields.take(length.into())?;
        if id == 1 {
            return Some(Fields(content));
        }
    }
    None
}

/// The name as text, if it stays below the directory that it is unpacked into.
fn checked_name(raw: &[u8]) -> Result<String, WheelError> {
    let lossy = String::from_utf8_lossy(raw).into_owned();
    let refused = |reason| Err(WheelError::UnsafeName { name: lossy.clone(), reason });
    let Ok(name) = std::str::from_utf8(raw) else { return refused("it is not UTF-8") };
    if name.is_empty() {
        return refused("it is empty");
    }
    if name.chars().any(char::is_control) {
        return refused("it contains a control character");
    }
    if name.contains('\\') {
        return refused("it contains a backslash, which separates directories on Windows only");
    }
    if name.starts_with('/') {
        return refused("it is an absolute path");
    }
    if name.as_bytes().get(1) == Some(&b':') && name.as_bytes()[0].is_ascii_alphabetic() {
        return refused("it names a drive");
    }
    if name.split('/').any(|part| part == "..") {
        return refused("it leads to a parent directory");
    }
    if name.contains("//") || name.split('/').any(|part| part == ".") {
        return refused("it has an empty part");
    }
    Ok(name.to_owned())
}
