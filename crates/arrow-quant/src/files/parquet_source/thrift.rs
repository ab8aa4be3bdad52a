//! Thrift's compact protocol, walked before a library reads it
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>).
//!
//! The library that reads Parquet believes the lengths of lists that it skips, takes no byte for each
//! boolean in them, and reads a field that it knows by what the format says of it, whatever the file
//! says: some hundred bytes keep it busy for years. What passes here is read alike by both, and there is
//! a byte for every value in it, so that no more is done than the file is long.

use std::io::{self, Read};
use std::sync::Arc;

use npz::Source;

/// Types, as the protocol numbers them.
mod wire {
    pub(super) const STOP: u8 = 0;
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const BYTE: u8 = 3;
    pub(super) const I16: u8 = 4;
    pub(super) const I64: u8 = 6;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const BINARY: u8 = 8;
    pub(super) const LIST: u8 = 9;
    pub(super) const SET: u8 = 10;
    pub(super) const MAP: u8 = 11;
    pub(super) const STRUCT: u8 = 12;
    pub(super) const UUID: u8 = 13;
}

/// The fields of a structure that are read by what the format says of them.
pub(super) type Fields = &'static [(i16, Kind)];

/// What the format says of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Flag,
    Byte,
    /// Of any width: all of them are written alike.
    Integer,
    Double,
    Bytes,
    List(&'static Kind),
    Struct(Fields),
    /// The elements of a tree, a parent before its children.
    Tree(Fields),
    /// How many children an element of a tree has.
    Children,
}

impl Kind {
    fn takes(self, wire: u8) -> bool {
        match self {
            Kind::Flag => matches!(wire, wire::TRUE | wire::FALSE),
            Kind::Byte => wire == wire::BYTE,
            Kind::Integer | Kind::Children => matches!(wire, wire::I16..=wire::I64),
            Kind::Double => wire == wire::DOUBLE,
            Kind::Bytes => wire == wire::BINARY,
            Kind::List(_) | Kind::Tree(_) => wire == wire::LIST,
            Kind::Struct(_) => wire == wire::STRUCT,
        }
    }
}

/// How deep values may be in each other, and the elements of a tree: the format itself needs ten, and
/// the library calls itself for each.
const DEEPEST: usize = 64;

/// Bytes of a file between two places, of which a few are in memory at a time.
pub(super) struct Window {
    source: Arc<dyn Source>,
    end: u64,
    /// How many bytes are read at once.
    step: usize,
    memory: Vec<u8>,
    /// Where what is in memory starts.
    start: u64,
    /// The next byte in memory.
    next: usize,
}

impl Window {
    pub(super) fn new(source: Arc<dyn Source>, start: u64, end: u64, step: usize) -> Window {
        Window { source, end, step, memory: Vec::new(), start, next: 0 }
    }

    /// Where the next byte is.
    pub(super) fn place(&self) -> u64 {
        self.start + self.next as u64
    }

    /// Goes to another place, and sets another end.
    pub(super) fn narrow(&mut self, place: u64, end: u64) {
        match place.checked_sub(self.start).and_then(|next| usize::try_from(next).ok()) {
            Some(next) if next <= self.memory.len() => self.next = next,
            _ => {
                self.memory.clear();
                (self.start, self.next) = (place, 0);
            }
        }
        self.end = end;
    }

    fn left(&self) -> u64 {
        self.end.saturating_sub(self.place())
    }

    /// Bytes in memory from the next one on; none at the end.
    fn ahead(&mut self) -> io::Result<&[u8]> {
        if self.next >= self.memory.len() {
            let mut memory = std::mem::take(&mut self.memory);
            (self.start, self.next) = (self.place(), 0);
            memory.resize((self.step as u64).min(self.left()) as usize, 0);
            self.source.read_exact_at(&mut memory, self.start)?;
            self.memory = memory;
        }
        let length = ((self.memory.len() - self.next) as u64).min(self.left()) as usize;
        Ok(&self.memory[self.next..self.next + length])
    }

    fn byte(&mut self) -> io::Result<u8> {
        match self.ahead()?.first().copied() {
            Some(byte) => {
                self.next += 1;
                Ok(byte)
            }
            None => Err(self.refusal("it ends in the middle of a value")),
        }
    }

    fn skip(&mut self, count: u64) -> io::Result<()> {
        let left = self.left();
        if count > left {
            return Err(self.refusal(format!("{count} bytes are said to follow, and {left} do")));
        }
        self.narrow(self.place() + count, self.end);
        Ok(())
    }

    /// A number without a sign, seven bits in each byte.
    fn number(&mut self) -> io::Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(self.refusal("a number has more than ten bytes"))
    }

    /// A number with a sign: 0, -1, 1, -2, and so on.
    fn signed(&mut self) -> io::Result<i64> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn refusal(&self, reason: impl Into<String>) -> io::Error {
        let reason = format!("at byte {} of the file, {}", self.place(), reason.into());
        io::Error::new(io::ErrorKind::InvalidData, reason)
    }
}

impl Read for Window {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ahead = self.ahead()?;
        let length = ahead.len().min(buffer.len());
        buffer[..length].copy_from_slice(&ahead[..length]);
        self.next += length;
        Ok(length)
    }
}

/// Walks a structure with such fields to its end, and says how many values it has: no more than bytes.
///
/// # Errors
/// It cannot be read, or, as [`io::ErrorKind::InvalidData`], is not what it should be.
pub(super) fn walk(window: &mut Window, fields: Fields) -> io::Result<u64> {
    let mut walk = Walk { window, values: 0, children: 0 };
    walk.fields(fields, 0)?;
    Ok(walk.values)
}

struct Walk<'a> {
    window: &'a mut Window,
    values: u64,
    /// What the element of a tree says that was read last.
    children: i32,
}

impl Walk<'_> {
    fn fields(&mut self, known: Fields, depth: usize) -> io::Result<()> {
        let mut last = 0i16;
        loop {
            let header = self.window.byte()?;
            let wire = header & 0x0f;
            if wire == wire::STOP {
                return Ok(());
            }
            let field = match header >> 4 {
                0 => Some(self.window.signed()? as i16),
                more => last.checked_add(i16::from(more)),
            };
            last = field.ok_or_else(|| self.window.refusal("a field has no number"))?;
            let kind = known.iter().find(|(field, _)| *field == last).map(|(_, kind)| *kind);
            self.check(kind, wire)?;
            self.value(wire, kind, depth + 1)?;
        }
    }

    /// Refuses what the library would read as something else than it says that it is.
    fn check(&self, kind: Option<Kind>, wire: u8) -> io::Result<()> {
        match kind {
            Some(kind) if !kind.takes(wire) => Err(self.window.refusal(format!(
                "a value is of Thrift's type {wire}, and should be {}",
                match kind {
                    Kind::Flag => "a boolean",
                    Kind::Byte => "a byte",
                    Kind::Integer | Kind::Children => "an integer",
                    Kind::Double => "a double",
                    Kind::Bytes => "binary",
                    Kind::List(_) | Kind::Tree(_) => "a list",
                    Kind::Struct(_) => "a structure",
                }
            ))),
            _ => Ok(()),
        }
    }

    fn value(&mut self, wire: u8, kind: Option<Kind>, depth: usize) -> io::Result<()> {
        self.values += 1;
        if depth > DEEPEST {
            return Err(self.window.refusal(format!("values are more than {DEEPEST} deep")));
        }
        match wire {
            wire::TRUE | wire::FALSE => Ok(()),
            wire::BYTE => self.window.skip(1),
            wire::I16..=wire::I64 => {
                let number = self.window.signed()?;
                if let Some(Kind::Children) = kind {
                    // Of an integer of 32 bits, the others are not read.
                    self.children = number as i32;
                }
                Ok(())
            }
            wire::DOUBLE => self.window.skip(8),
            wire::UUID => self.window.skip(16),
            wire::BINARY => {
                let length = self.window.number()?;
                self.window.skip(length)
            }
            wire::LIST | wire::SET => self.list(kind, depth),
            wire::MAP => self.map(depth),
            wire::STRUCT => {
                let known = if let Some(Kind::Struct(known)) = kind { known } else { &[] };
                self.fields(known, depth)
            }
            _ => Err(self.window.refusal(format!("Thrift has no type {wire}"))),
        }
    }

    fn list(&mut self, kind: Option<Kind>, depth: usize) -> io::Result<()> {
        let header = self.window.byte()?;
        // Some writers have no type for what is not there.
        if header == 0 {
            return Ok(());
        }
        let wire = header & 0x0f;
        let count = match header >> 4 {
            15 => self.window.number()?,
            count => u64::from(count),
        };
        self.check_count(count, &[wire])?;
        let element = match kind {
            Some(Kind::List(element)) => Some(*element),
            Some(Kind::Tree(fields)) => Some(Kind::Struct(fields)),
            _ => None,
        };
        if count > 0 {
            self.check(element, wire)?;
        }
        let mut tree = Tree::default();
        for index in 0..count {
            self.children = 0;
            self.value(wire, element, depth + 1)?;
            if let Some(Kind::Tree(_)) = kind {
                let added = tree.add(self.children, count - index - 1);
                added.map_err(|reason| self.window.refusal(reason))?;
            }
        }
        Ok(())
    }

    fn map(&mut self, depth: usize) -> io::Result<()> {
        let count = self.window.number()?;
        if count == 0 {
            return Ok(());
        }
        let wires = self.window.byte()?;
        let (key, value) = (wires >> 4, wires & 0x0f);
        self.check_count(count, &[key, value])?;
        for _ in 0..count {
            self.value(key, None, depth + 1)?;
            self.value(value, None, depth + 1)?;
        }
        Ok(())
    }

    /// Refuses what has fewer bytes than elements, so that there is a byte for every value.
    ///
    /// The protocol has a byte for a boolean in a list, and the library none where it skips the list: it
    /// would read what follows from another place than what was walked here. The format has no list
    /// of booleans but in its page index, which is not read.
    fn check_count(&self, count: u64, wires: &[u8]) -> io::Result<()> {
        let left = self.window.left();
        if count > left {
            let reason = format!("{count} values are said to follow, and {left} bytes do");
            return Err(self.window.refusal(reason));
        }
        if count > 0 && wires.iter().any(|wire| matches!(*wire, wire::TRUE | wire::FALSE)) {
            let reason = format!("{count} booleans are said to follow, where the format has none");
            return Err(self.window.refusal(reason));
        }
        Ok(())
    }
}

/// A tree that is given a parent before its children. The library makes room for as many children as it
/// is told of, and calls itself for each.
#[derive(Debug, Default)]
struct Tree {
    /// For each parent of the next element, how many children are still to come.
    open: Vec<u64>,
    /// All of those.
    awaited: u64,
}

impl Tree {
    /// Adds an element with so many children, after which `left` elements follow.
    fn add(&mut self, children: i32, left: u64) -> Result<(), String> {
        if let Some(parent) = self.open.last_mut() {
            *parent -= 1;
            self.awaited -= 1;
        }
        let children = u64::try_from(children).unwrap_or(0);
        self.awaited += children;
        if self.awaited > left {
            let awaited = self.awaited;
            return Err(format!("{awaited} columns are said to follow, and {left} do"));
        }
        self.open.push(children);
        while self.open.last() == Some(&0) {
            self.open.pop();
        }
        match self.open.len() > DEEPEST {
            true => Err(format!("columns are more than {DEEPEST} deep")),
            false => Ok(()),
        }
    }
}
