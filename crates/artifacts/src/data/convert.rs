//! Arrays out of pickles, into npz files, by what the instructions say. Nothing of a pickle is run.

use std::collections::HashSet;
use std::fmt;
use std::io::{self, Read, Seek, Write};

use npz::{Compression, Limits, Npz, NpzWriter, Source};

use super::arrays::Borrowed;
use crate::pickle::{Found, Id, Node, Objects, Part, Place, Trouble, array, read_objects};

/// How deep containers lie in each other.
const DEPTH_LIMIT: usize = 64;

/// Arrays and other things that are looked at.
const COUNT_LIMIT: usize = 100_000;

/// An npz file may be this many times as large as the file that it is made of: many arrays can share
/// their data.
const GROWTH: u64 = 16;

/// The largest storage of which the elements are gathered one by one.
const GATHER_LIMIT: u64 = 1 << 30;

/// Something that a pickle holds and an npz file cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it is, as the arrays are named.
    pub name: String,
    /// Why it is left out.
    pub reason: String,
}

/// What a conversion would write.
pub struct Conversion<'a> {
    source: &'a dyn Source,
    archive: Option<(Npz<Borrowed<'a>>, String)>,
    arrays: Vec<(String, Found)>,
    /// What is not among them.
    pub left_out: Vec<LeftOut>,
}

/// Why a conversion is not possible, or failed.
#[derive(Debug)]
pub enum ConvertError {
    /// What the pickle holds cannot be told.
    Untold(String),
    /// There is no array that could be converted.
    Nothing,
    /// The data of one array cannot be read or written.
    Array {
        /// Its name.
        name: String,
        /// What went wrong.
        reason: String,
    },
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untold(reason) => f.write_str(reason),
            Self::Nothing => f.write_str("there is no array in it that an npz file can hold"),
            Self::Array { name, reason } => write!(f, "the array {name:?}: {reason}"),
        }
    }
}

impl std::error::Error for ConvertError {}

impl fmt::Debug for Conversion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversion").field("left_out", &self.left_out).finish_non_exhaustive()
    }
}

/// Finds the arrays of a pickle, of a file of joblib, or of an archive of PyTorch.
///
/// # Errors
/// When the pickle cannot be followed to its end, or holds no array.
pub fn conversion(source: &dyn Source, instructions: u64) -> Result<Conversion<'_>, ConvertError> {
    let mut start = [0; 4];
    let is_archive = source.length() >= 4
        && source.read_exact_at(&mut start, 0).is_ok()
        && start == *b"PK\x03\x04";
    if is_archive {
        return of_archive(source, instructions);
    }
    let objects = read_objects(&Part::all(source), instructions);
    let (arrays, left_out) = found(&objects, source)?;
    bounded(&arrays, source.length())?;
    Ok(Conversion { source, archive: None, arrays, left_out })
}

fn of_archive(source: &dyn Source, instructions: u64) -> Result<Conversion<'_>, ConvertError> {
    let untold = |error: npz::Error| ConvertError::Untold(error.to_string());
    let npz = Npz::from_source(Borrowed(source), Limits::default()).map_err(untold)?;
    let pickles = npz.members().map(|member| member.file_name.to_owned());
    let pickle = pickles.into_iter().find(|name| name.ends_with("/data.pkl")).ok_or_else(|| {
        ConvertError::Untold("it is a zip archive, but not one of PyTorch".to_owned())
    })?;
    let mut bytes = Vec::new();
    let limit = 256 << 20;
    let mut member = npz.member(&pickle).map_err(untold)?.take(limit);
    member.read_to_end(&mut bytes).map_err(|error| ConvertError::Untold(error.to_string()))?;
    let objects = read_objects(&Part::all(&bytes), instructions);
    let (arrays, left_out) = found(&objects, &bytes)?;
    bounded(&arrays, source.length())?;
    if arrays.iter().any(|(_, found)| !matches!(found.place, Place::Storage { .. })) {
        let reason = "its pickle holds arrays of numpy beside tensors".to_owned();
        return Err(ConvertError::Untold(reason));
    }
    let prefix = pickle.trim_end_matches("data.pkl").to_owned();
    Ok(Conversion { source, archive: Some((npz, prefix)), arrays, left_out })
}

type Arrays = (Vec<(String, Found)>, Vec<LeftOut>);

fn found(objects: &Objects, source: &dyn Source) -> Result<Arrays, ConvertError> {
    let untold = |reason: &str| Err(ConvertError::Untold(reason.to_owned()));
    match &objects.trouble {
        None => {}
        Some(Trouble::Truncated { .. }) => return untold("the pickle is truncated"),
        Some(Trouble::NoInstruction { at, byte }) => {
            return untold(&format!("byte {at} ({byte:#04x}) is no instruction of a pickle"));
        }
        Some(Trouble::Inconsistent { at }) => {
            return untold(&format!("its instructions contradict each other at byte {at}"));
        }
        Some(Trouble::TooMuch) => return untold("it has more instructions than are followed"),
        Some(Trouble::RawArray { at, reason }) => {
            return untold(&format!("the array data at byte {at} cannot be measured: {reason}"));
        }
        Some(Trouble::Unreadable(reason)) => return untold(reason),
    }
    let mut finder = Finder {
        objects,
        source,
        arrays: Vec::new(),
        left_out: Vec::new(),
        names: HashSet::new(),
        is_full: false,
    };
    for (index, root) in objects.roots.iter().enumerate() {
        let name = if objects.roots.len() > 1 { index.to_string() } else { String::new() };
        finder.look(*root, &name, 0);
    }
    if finder.arrays.is_empty() {
        return Err(ConvertError::Nothing);
    }
    Ok((finder.arrays, finder.left_out))
}

/// Refuses what would fill a disk with the same data again and again.
fn bounded(arrays: &[(String, Found)], length: u64) -> Result<(), ConvertError> {
    let bytes = arrays.iter().map(|(_, found)| found.header.nbytes() as u64);
    let total = bytes.fold(0, u64::saturating_add);
    if total <= length.saturating_mul(GROWTH).saturating_add(64 << 20) {
        return Ok(());
    }
    Err(ConvertError::Untold(format!(
        "its arrays share their data, and apart they have {total} bytes"
    )))
}

struct Finder<'a> {
    objects: &'a Objects,
    source: &'a dyn Source,
    arrays: Vec<(String, Found)>,
    left_out: Vec<LeftOut>,
    names: HashSet<String>,
    is_full: bool,
}

impl Finder<'_> {
    fn leave_out(&mut self, name: &str, reason: impl Into<String>) {
        let name = if name.is_empty() { "the whole" } else { name };
        self.left_out.push(LeftOut { name: name.to_owned(), reason: reason.into() });
    }

    fn look(&mut self, id: Id, name: &str, depth: usize) {
        if self.is_full {
            return;
        }
        if !self.objects.spend(1) || self.arrays.len() + self.left_out.len() >= COUNT_LIMIT {
            self.is_full = true;
            return self.leave_out(name, "it and what follows are more than is looked at");
        }
        if depth > DEPTH_LIMIT {
            return self.leave_out(name, "it lies too deep, or within itself");
        }
        match array(self.objects, id, self.source) {
            Some(Ok(found)) => return self.keep(name, found),
            Some(Err(reason)) => return self.leave_out(name, reason),
            None => {}
        }
        if let Some(kind) = self.objects.call(id).map(|((module, name), _)| (module, name))
            && !matches!(
                kind,
                ("collections", "OrderedDict" | "defaultdict" | "deque")
                    | ("builtins" | "__builtin__", "dict" | "list" | "set")
            )
        {
            return self.leave_out(name, format!("it is made by {}.{}", kind.0, kind.1));
        }
        let within = |key: &str| {
            if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") }
        };
        let objects = self.objects;
        let is_container = matches!(
            objects.node(id),
            Node::Dict | Node::List | Node::Set | Node::Tuple(_) | Node::Call { .. }
        );
        if !is_container {
            return self.leave_out(name, self.what(id));
        }
        for (key, value) in objects.entries.get(&id).into_iter().flatten() {
            let text = objects.text(*key, self.source);
            match text.or_else(|| objects.int(*key).map(|number| number.to_string())) {
                Some(key) => self.look(*value, &within(&key), depth + 1),
                None => self.leave_out(&within("?"), "its key is neither a text nor a number"),
            }
        }
        let elements = objects.elements.get(&id).map_or(&[][..], Vec::as_slice);
        let elements = objects.tuple(id).unwrap_or(elements);
        for (index, element) in elements.iter().enumerate() {
            self.look(*element, &within(&index.to_string()), depth + 1);
        }
    }

    fn what(&self, id: Id) -> String {
        let what = match self.objects.node(id) {
            Node::Nothing => "None",
            Node::Bool(_) => "a truth value",
            Node::Int(_) | Node::Opaque => "a number",
            Node::Text(_) | Node::Line(_) | Node::Str(_) => "a text",
            Node::Bytes(_) => "bytes",
            Node::Name(_) => "a class or a function",
            Node::Persistent(_) => "something outside of the pickle",
            _ => "something else",
        };
        format!("it is {what} and no array")
    }

    fn keep(&mut self, name: &str, found: Found) {
        let base = if name.is_empty() { "arr_0" } else { name };
        let mut unique = base.to_owned();
        let mut number = 2;
        while !self.names.insert(unique.clone()) {
            unique = format!("{base}_{number}");
            number += 1;
        }
        self.arrays.push((unique, found));
    }
}

impl Conversion<'_> {
    /// The names of the arrays, with their types and shapes.
    pub fn arrays(&self) -> impl Iterator<Item = (&str, String, &[usize])> {
        self.arrays.iter().map(|(name, found)| {
            (name.as_str(), found.header.dtype().to_string(), found.header.shape())
        })
    }

    /// Writes the npz file.
    ///
    /// # Errors
    /// What reading or writing fails with.
    pub fn write_to<W: Write + Seek>(&self, writer: W) -> Result<W, ConvertError> {
        let fail =
            |name: &str, reason: String| ConvertError::Array { name: name.to_owned(), reason };
        let mut npz = NpzWriter::new(writer).map_err(|error| fail("", error.to_string()))?;
        for (name, found) in &self.arrays {
            let mut member = npz
                .stream(name, &found.header, Compression::Stored)
                .map_err(|error| fail(name, error.to_string()))?;
            let write = |bytes: &[u8]| {
                member.write_bytes(bytes).map_err(|error| io::Error::other(error.to_string()))
            };
            self.data(found, write).map_err(|error| fail(name, error.to_string()))?;
            member.finish().map_err(|error| fail(name, error.to_string()))?;
        }
        npz.finish().map_err(|error| fail("", error.to_string()))
    }

    fn data(
        &self,
        found: &Found,
        mut write: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        match &found.place {
            Place::Here(span) => pieces(self.source, span.start, span.end, &mut write),
            Place::Characters(span) => {
                let mut decoder = Latin1::default();
                pieces(self.source, span.start, span.end, &mut |bytes| {
                    write(&decoder.decode(bytes)?)
                })
            }
            Place::Storage { key, offset, strides, size } => {
                let (npz, prefix) = self.archive.as_ref().ok_or(io::ErrorKind::NotFound)?;
                let name = format!("{prefix}data/{key}");
                let other = |error: npz::Error| io::Error::other(error.to_string());
                let mut member = npz.member(&name).map_err(other)?;
                skip(&mut member, *offset)?;
                match strides {
                    None => copy(&mut member.take(*size), *size, &mut write),
                    Some(strides) => {
                        let shape = found.header.shape();
                        let item = found.header.nbytes() / found.header.count().max(1);
                        gather(&mut member, shape, strides, item, &mut write)
                    }
                }
            }
        }
    }
}

fn pieces(
    source: &dyn Source,
    start: u64,
    end: u64,
    write: &mut impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut window = vec![0; (1 << 20).min((end - start) as usize)];
    let mut at = start;
    while at < end {
        let count = (end - at).min(window.len() as u64) as usize;
        source.read_exact_at(&mut window[..count], at)?;
        write(&window[..count])?;
        at += count as u64;
    }
    Ok(())
}

fn skip(reader: &mut impl Read, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut reader.take(count), &mut io::sink())?;
    if skipped == count { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn copy(
    reader: &mut impl Read,
    mut size: u64,
    write: &mut impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut window = vec![0; (1 << 20).min(size as usize).max(1)];
    while size > 0 {
        let count = size.min(window.len() as u64) as usize;
        reader.read_exact(&mut window[..count])?;
        write(&window[..count])?;
        size -= count as u64;
    }
    Ok(())
}

/// Elements that do not lie in a row, in the order of the shape.
fn gather(
    reader: &mut impl Read,
    shape: &[usize],
    strides: &[i64],
    item: usize,
    write: &mut impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let bad = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason.to_owned());
    let mut last = 0_u64;
    for (length, stride) in shape.iter().zip(strides) {
        let stride = u64::try_from(*stride).map_err(|_| bad("a stride of it is negative"))?;
        let most = (*length as u64).saturating_sub(1).checked_mul(stride);
        last =
            most.and_then(|most| last.checked_add(most)).ok_or_else(|| bad("it is too large"))?;
    }
    let needed = last.checked_add(1).and_then(|count| count.checked_mul(item as u64));
    let needed = needed.filter(|needed| *needed <= GATHER_LIMIT);
    let needed = needed.ok_or_else(|| bad("its elements are too far apart"))?;
    let mut storage = Vec::new();
    reader.take(needed).read_to_end(&mut storage)?;
    if (storage.len() as u64) < needed {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut place = vec![0_usize; shape.len()];
    let mut out = Vec::with_capacity(1 << 16);
    loop {
        let at: u64 = place
            .iter()
            .zip(strides)
            .map(|(index, stride)| *index as u64 * stride.cast_unsigned())
            .sum();
        let start = at as usize * item;
        out.extend_from_slice(&storage[start..start + item]);
        if out.len() >= 1 << 16 {
            write(&out)?;
            out.clear();
        }
        let mut axis = shape.len();
        loop {
            if axis == 0 {
                return write(&out);
            }
            axis -= 1;
            place[axis] += 1;
            if place[axis] < shape[axis] {
                break;
            }
            place[axis] = 0;
        }
    }
}

/// Characters below 256, from UTF-8 that comes in pieces.
#[derive(Default)]
struct Latin1 {
    /// The first byte of a character that a piece ended in.
    pending: Option<u8>,
}

impl Latin1 {
    fn decode(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let bad = || io::Error::new(io::ErrorKind::InvalidData, "its characters are no bytes");
        let mut out = Vec::with_capacity(bytes.len());
        for byte in bytes {
            match (self.pending.take(), byte) {
                (None, 0..=0x7f) => out.push(*byte),
                (None, 0xc2 | 0xc3) => self.pending = Some(*byte),
                (Some(first), 0x80..=0xbf) => out.push((first << 6) | (byte & 0x3f)),
                _ => return Err(bad()),
            }
        }
        Ok(out)
    }
}
