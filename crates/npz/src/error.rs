//! What can go wrong with an array file, as values a program can match on.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::Path;

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong ([`kind`](Error::kind)), and in which file or member ([`place`](Error::place)).
#[derive(Debug)]
pub struct Error {
    place: Option<String>,
    kind: Box<ErrorKind>,
}

/// Every way in which reading or writing an array file can fail.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused, or the disk is full.
    Io(io::Error),
    /// The bytes are not an npy file; `found` says what they look like.
    NotNpy {
        /// What the first bytes look like.
        found: String,
    },
    /// The bytes are not an npz file; `found` says what they look like.
    NotNpz {
        /// What the first bytes look like.
        found: String,
    },
    /// The npy format version is none of 1.0, 2.0 and 3.0.
    UnsupportedVersion {
        /// The major version in the file.
        major: u8,
        /// The minor version in the file.
        minor: u8,
    },
    /// The text of an npy header is not what the format says.
    BadHeader {
        /// Why, with the place in the text when there is one.
        reason: String,
    },
    /// The npy header is longer than the reader allows, or than every numpy loads.
    HeaderTooLong {
        /// The length in bytes.
        length: u64,
        /// The longest that is accepted, in bytes.
        limit: u64,
    },
    /// The `descr` of a header names no type this crate knows.
    BadDType {
        /// The type as the file spells it.
        descr: String,
        /// Why it is refused.
        reason: String,
    },
    /// A shape that cannot be: too many dimensions, or more bytes than a machine can address.
    BadShape {
        /// Why it is refused.
        reason: String,
    },
    /// There are fewer bytes than the header promises.
    Truncated {
        /// Bytes promised.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
    /// A member holds more bytes than its array has.
    TrailingBytes {
        /// How many more.
        extra: u64,
    },
    /// The array is stored as a Python pickle, which this crate never runs.
    Pickled {
        /// What kind of array it is: `object` or `StringDType`.
        what: &'static str,
    },
    /// The array holds another type than the one asked for.
    TypeMismatch {
        /// The type asked for.
        expected: String,
        /// The type in the file.
        found: String,
    },
    /// The bytes do not start at an address the type can be read from; copy instead.
    Misaligned {
        /// The alignment that is needed, in bytes.
        needed: usize,
    },
    /// A value its type does not allow, such as a bool of 2 or a code point past U+10FFFF.
    InvalidValue {
        /// What is wrong with it.
        reason: String,
    },
    /// The number of elements (or bytes) does not fit the shape.
    WrongLength {
        /// What the shape says.
        expected: u64,
        /// What was given.
        found: u64,
    },
    /// The zip directory contradicts itself or the file.
    BadZip {
        /// How.
        reason: String,
    },
    /// Something valid that this crate does not read: encryption, other compressions, more disks.
    Unsupported {
        /// What.
        feature: String,
    },
    /// Two members claim the same bytes of the file.
    Overlap {
        /// The member whose bytes are claimed twice.
        first: String,
        /// The member that claims them too.
        second: String,
    },
    /// Two members have the same name.
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A member name that would leave its directory, or that no file system should see.
    UnsafeName {
        /// The name, as far as it can be shown.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Compressed data that is not deflate data.
    BadDeflate {
        /// What the decoder said.
        reason: String,
    },
    /// A member whose data is shorter or longer than its directory entry says.
    WrongSize {
        /// Bytes the directory promises.
        expected: u64,
        /// Bytes there are (at least).
        found: u64,
    },
    /// The data is not what was written: its checksum differs.
    BadCrc {
        /// The checksum in the directory.
        expected: u32,
        /// The checksum of the data.
        found: u32,
    },
    /// A member that would grow beyond all proportion when inflated: see [`Limits`](crate::Limits).
    Bomb {
        /// Its size in the file, in bytes.
        compressed: u64,
        /// The size it claims to inflate to, in bytes.
        inflated: u64,
    },
    /// No member has this name.
    NoSuchMember {
        /// The name asked for.
        name: String,
    },
    /// A view was asked of data that is compressed or not in memory: read it instead.
    NotMapped {
        /// Why there is nothing to borrow from.
        reason: &'static str,
    },
    /// An array that not every numpy since 1.17 could load, so it is not written.
    Unwritable {
        /// Which part, and why.
        reason: String,
    },
    /// A streamed array was closed before all its elements were written.
    Unfinished {
        /// Bytes still missing.
        missing: u64,
    },
}

impl Error {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The file, or the file and member, in which it went wrong.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// The same error, naming the file.
    pub(crate) fn at(mut self, path: &Path) -> Self {
        self.prefix(&path.display().to_string());
        self
    }

    /// The same error, naming the member.
    pub(crate) fn in_member(mut self, name: &str) -> Self {
        self.prefix(&format!("member {name:?}"));
        self
    }

    fn prefix(&mut self, outer: &str) {
        self.place = Some(match self.place.take() {
            Some(inner) => format!("{outer}: {inner}"),
            None => outer.to_owned(),
        });
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error { place: None, kind: Box::new(kind) }
    }
}

impl From<io::Error> for Error {
    /// Errors of this crate that passed through a `Read` come out as themselves.
    fn from(error: io::Error) -> Self {
        match error.downcast::<Error>() {
            Ok(own) => own,
            Err(error) => ErrorKind::Io(error).into(),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match *error.kind {
            ErrorKind::Io(inner) if error.place.is_none() => inner,
            kind => {
                io::Error::new(io::ErrorKind::InvalidData, Error { kind: Box::new(kind), ..error })
            }
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &*self.kind {
            ErrorKind::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        self.kind.fmt(f)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::Io(error) => write!(f, "{error}"),
            ErrorKind::NotNpy { found } => write!(f, "not an npy file: {found}"),
            ErrorKind::NotNpz { found } => write!(f, "not an npz file: {found}"),
            ErrorKind::UnsupportedVersion { major, minor } => {
                write!(f, "npy version {major}.{minor} is none of 1.0, 2.0 and 3.0")
            }
            ErrorKind::BadHeader { reason } => write!(f, "bad npy header: {reason}"),
            ErrorKind::HeaderTooLong { length, limit } => {
                write!(f, "the npy header has {length} bytes, more than {limit}")
            }
            ErrorKind::BadDType { descr, reason } => write!(f, "bad type {descr}: {reason}"),
            ErrorKind::BadShape { reason } => write!(f, "bad shape: {reason}"),
            ErrorKind::Truncated { needed, available } => {
                write!(f, "truncated: {needed} bytes promised, {available} there")
            }
            ErrorKind::TrailingBytes { extra } => {
                write!(f, "{extra} bytes follow the end of the array")
            }
            ErrorKind::Pickled { what } => {
                write!(f, "an array of {what} is a Python pickle, which is never run here")
            }
            ErrorKind::TypeMismatch { expected, found } => {
                write!(f, "the array holds {found}, not {expected}")
            }
            ErrorKind::Misaligned { needed } => {
                write!(f, "the data is not aligned to {needed} bytes, so it cannot be borrowed")
            }
            ErrorKind::InvalidValue { reason } => write!(f, "invalid value: {reason}"),
            ErrorKind::WrongLength { expected, found } => {
                write!(f, "the shape asks for {expected}, but {found} were given")
            }
            ErrorKind::BadZip { reason } => write!(f, "bad zip directory: {reason}"),
            ErrorKind::Unsupported { feature } => write!(f, "not supported: {feature}"),
            ErrorKind::Overlap { first, second } => {
                write!(f, "members {first:?} and {second:?} claim the same bytes")
            }
            ErrorKind::DuplicateName { name } => write!(f, "two members are called {name:?}"),
            ErrorKind::UnsafeName { name, reason } => {
                write!(f, "unsafe member name {name:?}: {reason}")
            }
            ErrorKind::BadDeflate { reason } => write!(f, "bad deflate data: {reason}"),
            ErrorKind::WrongSize { expected, found } => {
                write!(f, "the directory promises {expected} bytes, but there are {found}")
            }
            ErrorKind::BadCrc { expected, found } => {
                write!(f, "checksum {found:08x} instead of {expected:08x}: the data is damaged")
            }
            ErrorKind::Bomb { compressed, inflated } => {
                write!(f, "{compressed} bytes claim to inflate to {inflated}, over the limits")
            }
            ErrorKind::NoSuchMember { name } => write!(f, "no member is called {name:?}"),
            ErrorKind::NotMapped { reason } => write!(f, "nothing to borrow from: {reason}"),
            ErrorKind::Unwritable { reason } => {
                write!(f, "not every numpy could load this: {reason}")
            }
            ErrorKind::Unfinished { missing } => {
                write!(f, "the array is not complete: {missing} bytes are missing")
            }
        }
    }
}
