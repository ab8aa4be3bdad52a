//! What a data file says about itself: npy and npz from their headers and directories, pickles from
//! their instructions.

mod arrays;
mod compressed;
mod convert;

use npz::Source;
use serde::Serialize;

use crate::pickle::{self, Part, PickleFacts};

pub use compressed::{Compression, inflated};
pub use convert::{Conversion, ConvertError, LeftOut, conversion};

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
    /// A pickle of joblib, with array data between its instructions.
    Joblib,
    /// Data that are compressed in a way that is not looked into.
    Compressed,
    /// A file of PyTorch: a zip archive, or pickles in a row.
    Torch,
    /// Another zip archive.
    Zip,
    /// An archive of tar.
    Tar,
    /// An archive of 7z.
    SevenZip,
    /// A native module.
    Module,
    /// A wheel.
    Wheel,
    /// A Python source.
    Source,
    /// No bytes at all.
    Empty,
    /// None of these.
    Unknown,
}

impl DataFormat {
    /// Whether such files are looked into.
    #[must_use]
    pub fn is_judged(self) -> bool {
        matches!(
            self,
            Self::Npy | Self::Npz | Self::Pickle | Self::Joblib | Self::Torch | Self::Wheel
        )
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

/// A pickle in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberPickle {
    /// The name of the member.
    pub name: String,
    /// What it says.
    pub pickle: PickleFacts,
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
    /// What all of it is compressed with.
    pub compression: Option<Compression>,
    /// The pickle that it is.
    pub pickle: Option<PickleFacts>,
    /// Pickles in an archive, by the names of its members.
    pub members: Vec<MemberPickle>,
    /// Members of an archive that were not looked at.
    pub more_members: usize,
    /// What is wrong with it.
    pub faults: Vec<DataFault>,
    /// Whether checksums were compared.
    pub verified: bool,
}

impl DataFacts {
    /// Of a file that holds nothing so far.
    #[must_use]
    pub fn new(format: DataFormat, size: u64) -> Self {
        Self {
            format,
            size,
            arrays: Vec::new(),
            more_arrays: 0,
            compression: None,
            pickle: None,
            members: Vec::new(),
            more_members: 0,
            faults: Vec::new(),
            verified: false,
        }
    }

    /// Says that the file is damaged.
    pub fn damaged(&mut self, message: String) {
        self.fault(DataFaultKind::Damaged, message);
    }

    /// Takes in what a member of it says about itself.
    pub fn take_in(&mut self, name: &str, member: Self) {
        let named = |inner: Option<String>| match inner {
            Some(inner) => Some(format!("{name}/{inner}")),
            None => Some(name.to_owned()),
        };
        self.more_arrays += member.more_arrays;
        self.more_members += member.more_members;
        for array in member.arrays {
            self.arrays.push(ArrayFacts { name: named(array.name), ..array });
        }
        if let Some(pickle) = member.pickle {
            self.members.push(MemberPickle { name: name.to_owned(), pickle });
        }
        for inner in member.members {
            let name = format!("{name}/{}", inner.name);
            self.members.push(MemberPickle { name, pickle: inner.pickle });
        }
        for fault in member.faults {
            self.fault(fault.kind, format!("{name}: {}", fault.message));
        }
        if !member.format.is_judged() {
            self.fault(DataFaultKind::Unsupported, format!("{name}: it is not looked into"));
        }
    }

    fn fault(&mut self, kind: DataFaultKind, message: impl Into<String>) {
        self.faults.push(DataFault { kind, message: message.into() });
    }

    /// Every pickle in it, with the name of the array or the member that holds it.
    pub fn pickles(&self) -> impl Iterator<Item = (Option<&str>, &PickleFacts)> {
        let own = self.pickle.iter().map(|pickle| (None, pickle));
        let arrays = self
            .arrays
            .iter()
            .filter_map(|array| Some((array.name.as_deref(), array.pickle.as_ref()?)));
        let members =
            self.members.iter().map(|member| (Some(member.name.as_str()), &member.pickle));
        own.chain(arrays).chain(members)
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
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => DataFacts::new(DataFormat::SevenZip, size),
        _ => DataFacts::new(DataFormat::Unknown, size),
    };
    if facts.format == DataFormat::Unknown && is_tar(source) {
        facts.format = DataFormat::Tar;
    }
    if facts.format == DataFormat::Unknown
        && let Some(old) = old_pickle(source, options)
    {
        facts = old;
    }
    if facts.format == DataFormat::Unknown
        && let Some(compression) = Compression::of(start)
    {
        facts = compressed(source, compression, options);
    }
    say_what_it_is_not(&mut facts, start, options.extension);
    facts
}

/// Protocols 0 and 1 have no mark at their beginning, and a protocol is not needed: any instruction
/// may be the first. Text can look like some, so that only a whole pickle counts, or one that
/// imports something; elsewhere than in a file that should be a pickle, something dangerous.
fn old_pickle(source: &dyn Source, options: &DataOptions<'_>) -> Option<DataFacts> {
    let facts = pickled(source, options);
    let pickle = facts.pickle.as_ref()?;
    let is_whole = pickle.pickles > 0 && pickle.bytes_after == 0;
    let is_one = if is_pickle_by_name(options.extension) {
        pickle.pickles > 0 || !pickle.names.is_empty()
    } else {
        is_whole || pickle.dangerous().next().is_some()
    };
    is_one.then_some(facts)
}

fn is_tar(source: &dyn Source) -> bool {
    let mut mark = [0; 5];
    source.length() > 262 && source.read_exact_at(&mut mark, 257).is_ok() && &mark == b"ustar"
}

/// What is compressed, looked into as if it were not.
fn compressed(
    source: &dyn Source,
    compression: Compression,
    options: &DataOptions<'_>,
) -> DataFacts {
    let size = source.length();
    let unread = || {
        let mut facts = DataFacts::new(DataFormat::Compressed, size);
        facts.compression = Some(compression);
        facts
    };
    let (data, is_all, damage) =
        match compressed::inflate(source, compression, options.member_bytes) {
            compressed::Inflated::Whole(data) => (data, true, None),
            compressed::Inflated::Beginning(data) => (data, false, None),
            compressed::Inflated::Damaged(data, reason) => (data, true, Some(reason)),
            compressed::Inflated::Unknown => return unread(),
            compressed::Inflated::Unreadable(error) => {
                let mut facts = unread();
                facts.fault(DataFaultKind::Unreadable, format!("it cannot be read: {error}"));
                return facts;
            }
        };
    // Two bytes say little: other data can begin with those of zlib.
    let is_sure = matches!(compression, Compression::Gzip) || is_pickle_by_name(options.extension);
    if damage.is_some() && data.is_empty() && !is_sure {
        return DataFacts::new(DataFormat::Unknown, size);
    }
    let is_compressed_again = Compression::of(&data).is_some();
    let inner = DataOptions { member_bytes: 0, ..*options };
    let mut facts =
        if is_compressed_again { unread() } else { inspect_data(&data.as_slice(), &inner) };
    facts.size = size;
    facts.compression = Some(compression);
    // What such a file should be is told by its name before the end that says how it is compressed.
    facts.faults.retain(|fault| fault.kind != DataFaultKind::Mislabelled);
    if let Some(reason) = damage {
        facts.fault(DataFaultKind::Damaged, reason);
    }
    if !is_all {
        facts.faults.retain(|fault| fault.kind != DataFaultKind::Damaged);
        match &mut facts.pickle {
            Some(pickle) => {
                pickle.damage = None;
                pickle.untold.push(pickle::Untold::TooMuch);
            }
            None => facts.fault(
                DataFaultKind::Unsupported,
                "there is more compressed data than is looked at",
            ),
        }
    }
    if matches!(facts.format, DataFormat::Unknown | DataFormat::Empty) {
        facts.format = DataFormat::Compressed;
    }
    facts
}

fn pickled(source: &dyn Source, options: &DataOptions<'_>) -> DataFacts {
    let mut facts = DataFacts::new(DataFormat::Pickle, source.length());
    let pickle = pickle::walk(&Part::all(source), options.instructions);
    if pickle.is_joblib() {
        facts.format = DataFormat::Joblib;
    } else if pickle::is_old_torch(&Part::all(source)) {
        facts.format = DataFormat::Torch;
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
    matches!(
        extension,
        "pkl" | "pickle" | "p" | "joblib" | "pt" | "pth" | "pk" | "dat" | "dill" | "ckpt" | "bin"
    )
}

/// A file with the name of one format and the contents of none.
fn say_what_it_is_not(facts: &mut DataFacts, start: &[u8], extension: &str) {
    let wanted = match extension {
        "npy" => "an npy file",
        "npz" => "an npz file",
        "pkl" | "pickle" | "joblib" => "a pickle",
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
