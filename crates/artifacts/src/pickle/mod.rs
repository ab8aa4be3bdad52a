//! What a pickle asks for, told from its instructions. Nothing is imported or built: a pickle is a
//! program, and this reads the program.
//!
//! A walk keeps what the unpickler's stack and memo hold as far as names are concerned: texts, and
//! places where something else is. A name that is put together while the pickle runs cannot be told
//! and is said to be so ([`PickleFacts::untold`]); a pickle is never called harmless because of it.

mod danger;
mod danger_lists;
mod input;
mod machine;
mod objects;
mod repair;
mod walk;

use serde::{Deserialize, Serialize};

pub use danger::{NameKind, classify};
pub(crate) use input::Part;
pub(crate) use objects::{Found, Id, Node, Objects, Place, Trouble, array, read as read_objects};
pub use repair::{Refusal, RepairOptions, Repaired, Rewrite, repair};

/// How many different names are kept; real pickles have a few dozen.
const NAME_LIMIT: usize = 10_000;

/// Instructions that are followed together with the values that they make.
const OBJECT_INSTRUCTIONS: u64 = 1 << 24;

/// How the first of the pickles begins that PyTorch wrote before it wrote zip archives: a number.
const TORCH_MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// How many of them there are, before the data of its tensors.
const TORCH_PICKLES: u64 = 5;

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
    /// It sets attributes of something that it imports, which then does something else.
    ChangesName,
    /// More names, texts or instructions than are looked at.
    TooMuch,
    /// The instructions contradict each other, so what they do with the stack cannot be followed.
    Inconsistent {
        /// The byte of the first that does not fit.
        at: u64,
    },
    /// Array data of joblib lie between the instructions, and their length cannot be told.
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
    /// Arrays whose data joblib wrote between its instructions.
    pub arrays_between: u64,
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

/// Whether bytes begin with the number of a protocol, as a pickle of protocol 2 or newer does. Every
/// unpickler accepts the number of an older one too.
#[must_use]
pub fn starts_as_pickle(start: &[u8]) -> bool {
    matches!(start, [0x80, 0..=5, ..])
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
        if facts.pickles == TORCH_PICKLES && is_old_torch(part) {
            facts.bytes_after = walker.end() - walker.position();
            break;
        }
        if facts.pickles == PICKLE_LIMIT {
            facts.add_untold(Untold::TooMuch);
            break;
        }
    }
    if facts.is_joblib() {
        read_as_joblib(&mut facts, part, instructions);
    }
    facts
}

/// A file of joblib has array data between its instructions. Whoever reads it without joblib takes
/// them for instructions, so that what was seen in this way stays; what joblib makes of it is added.
fn read_as_joblib(facts: &mut PickleFacts, part: &Part<'_>, instructions: u64) {
    let objects = read_objects(part, instructions.min(OBJECT_INSTRUCTIONS));
    for site in &objects.names {
        let name = PickleName { module: site.module.clone(), name: site.name.clone() };
        if !facts.names.contains(&name) {
            if facts.names.len() == NAME_LIMIT {
                facts.add_untold(Untold::TooMuch);
                break;
            }
            facts.names.push(name);
        }
    }
    facts.protocol = facts.protocol.max(objects.protocol);
    facts.damage = None;
    facts.bytes_after = part.end.min(part.source.length()).saturating_sub(objects.end);
    // Computed names that only a careless reader would see are data that look like instructions.
    facts.untold.retain(|untold| !matches!(untold, Untold::Inconsistent { .. }));
    match objects.trouble {
        None => {
            facts.pickles = objects.roots.len() as u64;
            facts.arrays_between = objects.raw.len() as u64;
            if !objects.has_hidden_names {
                facts.untold.retain(|untold| *untold != Untold::ComputedName);
            }
        }
        Some(Trouble::Truncated { at }) => facts.damage = Some(PickleDamage::Truncated { at }),
        Some(Trouble::NoInstruction { at, byte }) => {
            facts.damage = Some(PickleDamage::NoInstruction { at, byte });
        }
        Some(Trouble::Inconsistent { at }) => facts.add_untold(Untold::Inconsistent { at }),
        Some(Trouble::TooMuch) => facts.add_untold(Untold::TooMuch),
        Some(Trouble::RawArray { .. }) => facts.add_untold(Untold::RawArrays),
        Some(Trouble::Unreadable(reason)) => facts.add_untold(Untold::Unreadable { reason }),
    }
    if objects.has_hidden_names {
        facts.add_untold(Untold::ComputedName);
    }
}

/// Whether a part begins as the files of PyTorch did before they were zip archives.
pub(crate) fn is_old_torch(part: &Part<'_>) -> bool {
    let mut start = [0; TORCH_MAGIC.len()];
    part.source.read_exact_at(&mut start, part.start).is_ok() && start == TORCH_MAGIC
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

    pub(crate) fn is_joblib(&self) -> bool {
        self.names
            .iter()
            .any(|name| name.module == "joblib.numpy_pickle" && name.name == "NumpyArrayWrapper")
    }
}

#[cfg(test)]
mod tests;
