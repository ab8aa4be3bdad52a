//! What a pickle asks for, told from its instructions. Nothing is imported or built: a pickle is a
//! program, and this reads the program.
//!
//! A walk keeps what the unpickler's stack and memo hold as far as names are concerned: texts, and
//! places where something else is. A name that is put together while the pickle runs cannot be told
//! and is said to be so ([`PickleFacts::untold`]); a pickle is never called harmless because of it.

mod danger;
mod input;
mod machine;
mod walk;

use serde::{Deserialize, Serialize};

pub use danger::{NameKind, classify};
pub(crate) use input::Part;

/// How many different names are kept; real pickles have a few dozen.
const NAME_LIMIT: usize = 10_000;

/// How many pickles in a row are walked.
const PICKLE_LIMIT: u64 = 100_000;

/// A name that a pickle asks for: what `Unpickler.find_class` is called with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PickleName {
    /// The module, as the pickle writes it.
    pub module: String,
    /// The name in it; dotted for what lies within a class.
    pub name: String,
}

/// Why something about a pickle could not be told.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Untold {
    /// A module or a name is computed while the pickle runs.
    ComputedName,
    /// A name is a number in the registry of `copyreg`, which the reader's program fills.
    RegisteredName,
    /// More names, texts or instructions than are looked at.
    TooMuch,
    /// The instructions contradict each other, so what they do with the stack cannot be followed.
    Inconsistent {
        /// The byte of the first that does not fit.
        at: u64,
    },
    /// Array data of joblib lie between the instructions.
    RawArrays,
    /// The bytes could not be read.
    Unreadable {
        /// What the system said.
        reason: String,
    },
}

/// How a pickle is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum PickleDamage {
    /// It ends before its last instruction.
    Truncated {
        /// The byte of the instruction that is cut.
        at: u64,
    },
    /// A byte is no instruction.
    NoInstruction {
        /// Its place.
        at: u64,
        /// The byte.
        byte: u8,
    },
}

/// What the instructions of one or more pickles in a row say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PickleFacts {
    /// The newest protocol that it declares, or that its instructions need.
    pub protocol: u8,
    /// Whole pickles, one after another.
    pub pickles: u64,
    /// The names it asks for, each once, in the order of the first time.
    pub names: Vec<PickleName>,
    /// What could not be told; such a pickle is never clean.
    pub untold: Vec<Untold>,
    /// What is wrong with its bytes.
    pub damage: Option<PickleDamage>,
    /// Bytes after the last whole pickle that are none.
    pub bytes_after: u64,
    /// It builds a structured type with a flag that numpy 1 cannot hold (`align=True` in numpy 2).
    pub aligned_by_numpy_2: bool,
    /// It refers to objects outside of it, which only the program that wrote it can find.
    pub is_partial: bool,
}

impl PickleFacts {
    /// Names that run code of the pickle's choice.
    pub fn dangerous(&self) -> impl Iterator<Item = &PickleName> {
        self.names.iter().filter(|name| classify(name) == NameKind::Dangerous)
    }

    fn add_untold(&mut self, untold: Untold) {
        if !self.untold.contains(&untold) {
            self.untold.push(untold);
        }
    }
}

/// Whether bytes begin as a pickle of protocol 2 or newer does.
#[must_use]
pub fn starts_as_pickle(start: &[u8]) -> bool {
    matches!(start, [0x80, 2..=5, ..])
}

/// Walks the pickles that lie in a part of a source, at most `instructions` of them.
pub(crate) fn walk(part: &Part<'_>, instructions: u64) -> PickleFacts {
    let mut facts = PickleFacts::default();
    let mut walker = walk::Walker::new(part, instructions);
    loop {
        let start = walker.position();
        let before = facts.clone_without_lists();
        let ended = walker.run(&mut facts);
        if !ended {
            // What follows a whole pickle and cannot be one is something else, not damage: but the
            // names in it count, since a reader may load it all the same.
            if facts.pickles > 0 && !facts.is_joblib() && !walker.begins_at(start) {
                facts.restore(before);
                facts.bytes_after = walker.end() - start;
            }
            break;
        }
        facts.pickles += 1;
        if walker.position() == walker.end() {
            break;
        }
        if facts.pickles == PICKLE_LIMIT {
            facts.add_untold(Untold::TooMuch);
            break;
        }
    }
    if facts.is_joblib() && facts.damage.is_some() {
        facts.damage = None;
        facts.untold = vec![Untold::RawArrays];
    }
    facts
}

/// What is taken back when the bytes after a pickle turn out to be none.
struct Before {
    protocol: u8,
    untold: Vec<Untold>,
    is_partial: bool,
}

impl PickleFacts {
    fn clone_without_lists(&self) -> Before {
        Before { protocol: self.protocol, untold: self.untold.clone(), is_partial: self.is_partial }
    }

    fn restore(&mut self, before: Before) {
        self.protocol = before.protocol;
        self.untold = before.untold;
        self.is_partial = before.is_partial;
        self.damage = None;
    }

    fn is_joblib(&self) -> bool {
        self.names
            .iter()
            .any(|name| name.module == "joblib.numpy_pickle" && name.name == "NumpyArrayWrapper")
    }
}

#[cfg(test)]
mod tests;
