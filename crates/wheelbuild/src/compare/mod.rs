//! Where two wheels differ, by layers: names and tags, the list of entries, what the archive says
//! of them, their data, the sections of modules, and strings. Each layer is asked only for what the
//! one above it does not explain.

mod archive;
mod causes;
mod contents;
mod module;
mod sbom;
mod strings;
#[cfg(test)]
mod tests;
mod text;

use artifacts::wheel::{Entry, Wheel, WheelError};
use serde::Serialize;

use crate::digest::sha256;

/// Lines of evidence that are kept for each side of a difference.
const SHOWN: usize = 8;

/// How much two wheels have in common. These are different claims, from the strongest down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every byte, and the file name.
    Identical,
    /// The same files with the same data; the archives store them otherwise: another compressor,
    /// other times, modes or order.
    SameContent,
    /// The same but for fields that are known to be harmless, see [`HARMLESS`].
    SameExcept,
    /// Something that counts.
    Different,
}

impl Verdict {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::SameContent => "same content",
            Self::SameExcept => "same except",
            Self::Different => "different",
        }
    }
}

/// Fields that may differ without making two wheels different, and why each is harmless.
pub const HARMLESS: &[(&str, &str)] = &[
    ("sbom-timestamp", "the time in an SBOM says when it was written, not what is in the wheel"),
    ("sbom-serial-number", "the serial number of an SBOM is random by its specification"),
    ("build-id", "the build id of a module that has no other difference is a name and no code"),
    ("toolchain-comment", "the section .comment names the compiler, and is not loaded"),
    ("record-order", "the lines of RECORD may stand in any order"),
];

/// The layer that a difference was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// File name and tags.
    Name,
    /// Which entries there are, and their order.
    Entries,
    /// Times, modes, compression and other fields of the entries.
    Metadata,
    /// The data of an entry.
    Bytes,
    /// A section of a native module.
    Sections,
    /// Strings in a native module.
    Strings,
}

impl Layer {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Entries => "entries",
            Self::Metadata => "entry metadata",
            Self::Bytes => "bytes",
            Self::Sections => "sections",
            Self::Strings => "strings",
        }
    }
}

/// What a difference means for the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// How the archive stores what is the same.
    Storage,
    /// A field of [`HARMLESS`].
    Harmless,
    /// It counts.
    Real,
}

/// One difference, with its cause and its cure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Name of the cause, which never changes: `registry-path`.
    pub name: &'static str,
    /// Where it was found.
    pub layer: Layer,
    /// What it means for the verdict.
    pub weight: Weight,
    /// The entry, or the part of the wheel.
    pub place: String,
    /// What differs, in one line.
    pub what: String,
    /// What only the first wheel has.
    pub only_a: Vec<String>,
    /// What only the second wheel has.
    pub only_b: Vec<String>,
    /// What else was seen: sections, fields.
    pub details: Vec<String>,
    /// Why wheels differ so.
    pub cause: &'static str,
    /// What makes them the same.
    pub cure: &'static str,
}

/// One of the wheels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// File name.
    pub file_name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// What comparing two wheels found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// How much they have in common.
    pub verdict: Verdict,
    /// The first wheel.
    pub a: Side,
    /// The second wheel.
    pub b: Side,
    /// Where they differ: what counts first, then in the order of the layers.
    pub differences: Vec<Difference>,
}

/// Compares two wheels.
///
/// # Errors
/// When an entry that both have cannot be unpacked: then nothing can be said of it.
pub fn compare(a: &Wheel, b: &Wheel) -> Result<Comparison, WheelError> {
    let side = |wheel: &Wheel| Side {
        file_name: wheel.file_name.clone(),
        size: wheel.bytes().len() as u64,
        sha256: sha256(wheel.bytes()),
    };
    let mut comparison =
        Comparison { verdict: Verdict::Identical, a: side(a), b: side(b), differences: Vec::new() };
    let found = &mut comparison.differences;
    let is_same_release = archive::names(a, b, found);
    if a.bytes() != b.bytes() && is_same_release {
        archive::entries(a, b, found);
        archive::metadata(a, b, found);
        contents::compare(a, b, found)?;
        if found.is_empty() {
            archive::rest(a, b, found);
        }
    }
    found.sort_by_key(|difference| (std::cmp::Reverse(difference.weight), difference.layer));
    comparison.verdict = match found.iter().map(|difference| difference.weight).max() {
        None => Verdict::Identical,
        Some(Weight::Storage) => Verdict::SameContent,
        Some(Weight::Harmless) => Verdict::SameExcept,
        Some(Weight::Real) => Verdict::Different,
    };
    Ok(comparison)
}

/// Entries of the same name, in the order of the first wheel.
fn pairs<'a>(a: &'a Wheel, b: &'a Wheel) -> Vec<(&'a Entry, &'a Entry)> {
    let others: std::collections::HashMap<&str, &Entry> =
        b.entries.iter().map(|entry| (entry.name.as_str(), entry)).collect();
    a.entries.iter().filter_map(|entry| Some((entry, *others.get(entry.name.as_str())?))).collect()
}

/// The first few of some lines, and how many more there are.
fn shown(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut more = 0;
    for line in lines {
        if kept.len() < SHOWN { kept.push(line) } else { more += 1 }
    }
    if more > 0 {
        kept.push(format!("and {more} more"));
    }
    kept
}
