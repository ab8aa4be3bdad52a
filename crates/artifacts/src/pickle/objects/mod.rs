//! What a pickle would build, as a tree that says where each part of it is written.
//!
//! The walk in `walk.rs` tells names and passes over everything else, in bounded memory and soon.
//! This one keeps the values as well: it is what finds the data of arrays between the instructions
//! of a joblib file, and what rewriting and converting rest on. It builds nothing that the pickle
//! asks for either; a call is a node that says which name would be called with what.

mod arrays;
mod dtype;
mod read;

use std::cell::Cell;
use std::collections::HashMap;

use npz::Source;

pub(crate) use arrays::{Found, Place, array};
pub(crate) use read::read;

/// A place in [`Objects::nodes`].
pub(crate) type Id = u32;

/// Nodes that are kept at most; a pickle with more is not looked at this closely.
pub(crate) const NODE_LIMIT: usize = 2 << 20;

/// Steps that are taken over all values of a pickle, whatever refers to whatever how often: a few
/// bytes can say that a list holds another one twice, and that one the next.
const WORK_LIMIT: u64 = 20_000_000;

/// The longest text that is asked for.
const TEXT_LIMIT: u64 = 4096;

/// Bytes `start..end` of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Span {
    pub(crate) fn length(self) -> u64 {
        self.end - self.start
    }
}

/// What a pickle makes in one place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Nothing,
    Bool(bool),
    Int(i64),
    /// A number that is of no further interest, or what could not be followed.
    Opaque,
    /// UTF-8 in the source.
    Text(Span),
    /// A text that is not in the source as it is.
    Line(Box<str>),
    Bytes(Span),
    /// What Python 2 called a string: bytes, or a text.
    Str(Span),
    /// A name that is asked for: an index in [`Objects::names`].
    Name(u32),
    Tuple(Box<[Id]>),
    List,
    Dict,
    Set,
    /// A call, or a new object of a class.
    Call {
        function: Id,
        arguments: Id,
    },
    /// Something outside of the pickle.
    Persistent(Id),
}

/// How a name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameForm {
    /// `GLOBAL`: two lines.
    Lines,
    /// `INST`: two lines, and a call.
    Instance,
    /// `STACK_GLOBAL`: two texts that lie on the stack.
    Stack,
}

/// A name that is asked for, each time that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NameSite {
    /// The instruction.
    pub(crate) span: Span,
    pub(crate) form: NameForm,
    pub(crate) module: String,
    pub(crate) name: String,
}

/// Array data of joblib between the instructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawArray {
    /// From the length of the padding to the data, where there is padding.
    pub(crate) padding: Span,
    /// The data.
    pub(crate) data: Span,
    /// What the padding aligns to; nothing where there is none.
    pub(crate) alignment: Option<u64>,
}

/// Why the reading of a pickle ended early, or cannot be relied on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The bytes end.
    Truncated { at: u64 },
    /// A byte is no instruction.
    NoInstruction { at: u64, byte: u8 },
    /// The instructions contradict each other.
    Inconsistent { at: u64 },
    /// More than is kept.
    TooMuch,
    /// Array data follow whose length cannot be told.
    RawArray { at: u64, reason: String },
    /// The source could not be read.
    Unreadable(String),
}

/// Everything that was read of one or more pickles in a row.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    pub(crate) nodes: Vec<Node>,
    /// Where the instruction is that made each node.
    pub(crate) places: Vec<u64>,
    /// What each whole pickle makes.
    pub(crate) roots: Vec<Id>,
    /// What `BUILD` gives to an object.
    pub(crate) states: HashMap<Id, Id>,
    /// Where it does.
    pub(crate) state_places: HashMap<Id, u64>,
    /// Entries of dictionaries, and of what behaves like one.
    pub(crate) entries: HashMap<Id, Vec<(Id, Id)>>,
    /// Elements of lists and sets, and of what behaves like one.
    pub(crate) elements: HashMap<Id, Vec<Id>>,
    pub(crate) names: Vec<NameSite>,
    pub(crate) raw: HashMap<Id, RawArray>,
    /// The pickle that holds the elements of an array of objects, for its wrapper.
    pub(crate) nested: HashMap<Id, Id>,
    /// Bytes of `PROTO` that say the protocol.
    pub(crate) protocols: Vec<(u64, u8)>,
    /// `FRAME` instructions, and the length that each states.
    pub(crate) frames: Vec<(u64, u64)>,
    /// `BYTEARRAY8` instructions.
    pub(crate) byte_arrays: Vec<(u64, Span)>,
    /// `REDUCE`, `NEWOBJ` and the like, with what they make.
    pub(crate) builds: Vec<(u64, Id)>,
    /// Whether buffers lie outside of it.
    pub(crate) has_outer_buffers: bool,
    /// Whether something is named that cannot be told.
    pub(crate) has_hidden_names: bool,
    /// The newest protocol that it declares or needs.
    pub(crate) protocol: u8,
    pub(crate) trouble: Option<Trouble>,
    /// Where the last whole pickle ends.
    pub(crate) end: u64,
    /// Steps that were taken over its values.
    work: Cell<u64>,
}

impl Objects {
    pub(crate) fn node(&self, id: Id) -> &Node {
        self.nodes.get(id as usize).unwrap_or(&Node::Opaque)
    }

    /// Counts steps; whether there are enough left.
    pub(crate) fn spend(&self, steps: u64) -> bool {
        let work = self.work.get().saturating_add(steps);
        self.work.set(work);
        work <= WORK_LIMIT
    }

    /// The name that a node is.
    pub(crate) fn name(&self, id: Id) -> Option<(&str, &str)> {
        match self.node(id) {
            Node::Name(site) => {
                let site = self.names.get(*site as usize)?;
                Some((&site.module, &site.name))
            }
            _ => None,
        }
    }

    pub(crate) fn tuple(&self, id: Id) -> Option<&[Id]> {
        match self.node(id) {
            Node::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The name that a call calls, and its arguments.
    pub(crate) fn call(&self, id: Id) -> Option<((&str, &str), &[Id])> {
        match self.node(id) {
            Node::Call { function, arguments } => {
                Some((self.name(*function)?, self.tuple(*arguments)?))
            }
            _ => None,
        }
    }

    pub(crate) fn int(&self, id: Id) -> Option<i64> {
        match self.node(id) {
            Node::Int(number) => Some(*number),
            Node::Bool(truth) => Some(i64::from(*truth)),
            _ => None,
        }
    }

    /// A short text, or bytes that are one.
    pub(crate) fn text(&self, id: Id, source: &dyn Source) -> Option<String> {
        match self.node(id) {
            Node::Line(text) => Some(text.to_string()),
            Node::Text(span) | Node::Str(span) | Node::Bytes(span)
                if span.length() <= TEXT_LIMIT =>
            {
                let mut bytes = vec![0; span.length() as usize];
                source.read_exact_at(&mut bytes, span.start).ok()?;
                String::from_utf8(bytes).ok()
            }
            _ => None,
        }
    }

    /// The value of an entry of a dictionary whose key is a text.
    pub(crate) fn entry(&self, dictionary: Id, key: &str, source: &dyn Source) -> Option<Id> {
        let entries = self.entries.get(&dictionary)?;
        // The last one counts, as in a dictionary.
        entries
            .iter()
            .rev()
            .take_while(|_| self.spend(1))
            .find(|(name, _)| self.text(*name, source).as_deref() == Some(key))
            .map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests;
