//! What a data file says about itself: npy and npz from their headers and directories, pickles from
//! their instructions.

mod arrays;

use npz::Source;
use serde::Serialize;

use crate::pickle::{self, Part, PickleFacts};

/// What kind of data file it is, by its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DataFormat {
    /// One array.
    Npy,
    /// Arrays in a zip archive.
    Npz,
    /// Pickled objects.
    Pickle,
    /// A pickle of joblib, with array data between its instructions. Not judged yet.
    Joblib,
    /// Compressed data, as joblib writes them when asked to. Not judged yet.
    Compressed,
    /// A zip archive of PyTorch. Not judged yet.
    Torch,
    /// Another zip archive.
    Zip,
    /// No bytes at all.
    Empty,
    /// None of these.
    Unknown,
}

impl DataFormat {
    /// Whether such files are looked into.
    #[must_use]
    pub fn is_judged(self) -> bool {
        matches!(self, Self::Npy | Self::Npz | Self::Pickle)
    }
}

/// What is wrong with a data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DataFaultKind {
    /// It ends too early, or its bytes are not those that were written.
    Damaged,
    /// It contradicts itself in a way that harms readers: overlapping or unsafe members, more data
    /// than its size allows.
    Hostile,
    /// It is not what its name says.
    Mislabelled,
    /// It is valid, and this reader cannot read it.
    Unsupported,
    /// It could not be read.
    Unreadable,
}

/// Something wrong with a data file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataFault {
    /// What kind of fault it is.
    pub kind: DataFaultKind,
    /// What is wrong, as a sentence without a full stop; names the member where there is one.
    pub message: String,
}

/// A reason why some numpy refuses an array, or loads something else, whatever the flags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArrayObstacle {
    /// The first numpy that it concerns; all older ones too, where it is absent.
    pub since: Option<String>,
    /// The first numpy that it no longer concerns.
    pub before: Option<String>,
    /// A condition besides the version, in words.
    pub condition: Option<String>,
    /// Whether the array is refused; otherwise it is loaded as something else.
    pub refused: bool,
    /// Why, as a sentence without a full stop.
    pub reason: String,
}

/// One array, from its header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArrayFacts {
    /// Its name in an npz file.
    pub name: Option<String>,
    /// Its type, as numpy writes it in the header.
    pub dtype: String,
    /// The length of each axis.
    pub shape: Vec<u64>,
    /// Whether the first axis varies fastest.
    pub fortran_order: bool,
    /// The npy format version.
    pub version: (u8, u8),
    /// The size of its data in bytes; for objects, of their pickle.
    pub nbytes: u64,
    /// The bytes it takes in the archive, where it is compressed.
    pub compressed: Option<u64>,
    /// Why some numpys refuse it.
    pub obstacles: Vec<ArrayObstacle>,
    /// The pickle that holds its elements, where they are Python objects.
    pub pickle: Option<PickleFacts>,
}

/// What a data file says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataFacts {
    /// What it is.
    pub format: DataFormat,
    /// Its size in bytes.
    pub size: u64,
    /// Its arrays, in the order of the file.
    pub arrays: Vec<ArrayFacts>,
    /// Arrays that were not looked at for want of room.
    pub more_arrays: usize,
    /// The pickle that it is.
    pub pickle: Option<PickleFacts>,
    /// What is wrong with it.
    pub faults: Vec<DataFault>,
    /// Whether checksums were compared.
    pub verified: bool,
}

impl DataFacts {
    fn new(format: DataFormat, size: u64) -> Self {
        Self {
            format,
            size,
            arrays: Vec::new(),
            more_arrays: 0,
            pickle: None,
            faults: Vec::new(),
            verified: false,
        }
    }

    fn fault(&mut self, kind: DataFaultKind, message: impl Into<String>) {
        self.faults.push(DataFault { kind, message: message.into() });
    }

    /// Every pickle in it, with the array that it holds.
    pub fn pickles(&self) -> impl Iterator<Item = (Option<&ArrayFacts>, &PickleFacts)> {
        let own = self.pickle.iter().map(|pickle| (None, pickle));
        let members =
            self.arrays.iter().filter_map(|array| Some((Some(array), array.pickle.as_ref()?)));
        own.chain(members)
    }
}

/// How much is looked at.
#[derive(Debug, Clone, Copy)]
pub struct DataOptions<'a> {
    /// The end of the file's name, in lower case and without the dot.
    pub extension: &'a str,
    /// Compare checksums, which reads all of the data.
    pub verify: bool,
    /// Instructions of pickles that are followed.
    pub instructions: u64,
    /// Bytes of a pickled member of an archive that are looked into.
    pub member_bytes: u64,
    /// Arrays of an archive that are looked at.
    pub arrays: usize,
}

impl DataOptions<'_> {
    /// Enough for any file that somebody asks about.
    #[must_use]
    pub fn thorough(extension: &str, verify: bool) -> DataOptions<'_> {
        DataOptions {
            extension,
            verify,
            instructions: 1 << 30,
            member_bytes: 256 << 20,
            arrays: 10_000,
        }
    }

    /// Enough for nearly every file, and soon done with the others.
    #[must_use]
    pub fn quick(extension: &str) -> DataOptions<'_> {
        DataOptions {
            extension,
            verify: false,
            instructions: 1 << 16,
            member_bytes: 1 << 20,
            arrays: 32,
        }
    }
}

/// Looks into a data file. Its contents decide what it is; its name only what it should be.
#[must_use]
pub fn inspect_data(source: &dyn Source, options: &DataOptions<'_>) -> DataFacts {
    let size = source.length();
    let mut start = [0; 8];
    let length = usize::try_from(size).map_or(start.len(), |size| size.min(start.len()));
    let start = &mut start[..length];
    if let Err(error) = source.read_exact_at(start, 0) {
        let mut facts = DataFacts::new(DataFormat::Unknown, size);
        facts.fault(DataFaultKind::Unreadable, format!("it cannot be read: {error}"));
        return facts;
    }
    let start = &*start;
    let mut facts = match start {
        [] => DataFacts::new(DataFormat::Empty, 0),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => arrays::npy(source, options),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => arrays::zip(source, options),
        start if pickle::starts_as_pickle(start) => pickled(source, options),
        start if is_compressed(start) => DataFacts::new(DataFormat::Compressed, size),
        _ => DataFacts::new(DataFormat::Unknown, size),
    };
    if facts.format == DataFormat::Unknown && is_pickle_by_name(options.extension) {
        // Protocols 0 and 1 have no mark at their beginning.
        let old = pickled(source, options);
        if old.pickle.as_ref().is_some_and(|pickle| pickle.pickles > 0 || !pickle.names.is_empty())
        {
            facts = old;
        }
    }
    say_what_it_is_not(&mut facts, start, options.extension);
    facts
}

fn pickled(source: &dyn Source, options: &DataOptions<'_>) -> DataFacts {
    let mut facts = DataFacts::new(DataFormat::Pickle, source.length());
    let pickle = pickle::walk(&Part::all(source), options.instructions);
    if pickle.untold.contains(&pickle::Untold::RawArrays) {
        facts.format = DataFormat::Joblib;
    }
    if let Some(damage) = pickle.damage {
        facts.fault(DataFaultKind::Damaged, damage_of(damage));
    }
    facts.pickle = Some(pickle);
    facts
}

fn damage_of(damage: pickle::PickleDamage) -> String {
    match damage {
        pickle::PickleDamage::Truncated { at } => {
            format!("the pickle is truncated: the instruction at byte {at} is cut, or none ends it")
        }
        pickle::PickleDamage::NoInstruction { at, byte } => {
            format!("the pickle is damaged: byte {at} ({byte:#04x}) is no instruction")
        }
    }
}

fn is_pickle_by_name(extension: &str) -> bool {
    matches!(extension, "pkl" | "pickle" | "p" | "joblib" | "pt" | "pth")
}

/// zlib, gzip, bzip2, lzma and xz.
fn is_compressed(start: &[u8]) -> bool {
    matches!(
        start,
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..]
            | [0x1f, 0x8b, ..]
            | [b'B', b'Z', b'h', ..]
            | [0x5d, 0, 0, ..]
            | [0xfd, b'7', b'z', b'X', b'Z', ..]
    )
}

/// A file with the name of one format and the contents of none.
fn say_what_it_is_not(facts: &mut DataFacts, start: &[u8], extension: &str) {
    let wanted = match extension {
        "npy" => "an npy file",
        "npz" => "an npz file",
        "pkl" | "pickle" => "a pickle",
        _ => return,
    };
    let found = match facts.format {
        DataFormat::Empty => "it is empty",
        DataFormat::Unknown if start.iter().all(|byte| *byte == 0) => "it begins with zeros",
        DataFormat::Unknown
            if start.iter().all(|b| b.is_ascii_graphic() || b" \t\r\n".contains(b)) =>
        {
            "it begins with text"
        }
        DataFormat::Unknown => "its first bytes are those of no data file",
        DataFormat::Zip if extension == "npz" => "it is a zip archive without arrays",
        _ => return,
    };
    facts.fault(DataFaultKind::Mislabelled, format!("this is not {wanted}: {found}"));
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
