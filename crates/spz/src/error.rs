//! What can be wrong with a file, one kind for each thing that a caller may want to tell apart.

use std::error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::header::Container;

/// A part of a file, in the order in which they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Section {
    /// What stands before the gzip stream.
    GzipHeader,
    /// Magic, version, number of points and the rest of the fixed fields.
    Header,
    /// Sizes of the streams of a version 4 file.
    Toc,
    /// Where the centres are.
    Positions,
    /// Opacities.
    Alphas,
    /// The colours of degree 0.
    Colors,
    /// Sizes along the axes.
    Scales,
    /// Quaternions.
    Rotations,
    /// Spherical harmonics from degree 1 on.
    Sh,
    /// Records of vendors.
    Extensions,
    /// Checksum and length at the end of a gzip stream.
    GzipTrailer,
}

impl Section {
    /// As an error names it.
    pub fn name(self) -> &'static str {
        match self {
            Section::GzipHeader => "gzip header",
            Section::Header => "header",
            Section::Toc => "table of contents",
            Section::Positions => "positions",
            Section::Alphas => "alphas",
            Section::Colors => "colors",
            Section::Scales => "scales",
            Section::Rotations => "rotations",
            Section::Sh => "sh",
            Section::Extensions => "extensions",
            Section::GzipTrailer => "gzip trailer",
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The system could not open or read the file.
    Io(io::Error),
    /// The bytes are something else.
    NotSpz {
        /// What they look like.
        found: String,
    },
    /// A version that this crate does not know, or that does not occur in this container.
    UnsupportedVersion {
        /// The version in the file.
        found: u32,
        /// How the file is packed.
        container: Container,
    },
    /// The file ends too early.
    Truncated {
        /// In which part.
        section: Section,
        /// The bytes that this part has.
        want: u64,
        /// Those that are there.
        got: u64,
    },
    /// A header that a file of this size cannot have.
    ImplausibleHeader {
        /// The field.
        field: &'static str,
        /// Its value.
        value: u64,
        /// Why it cannot be.
        reason: String,
    },
    /// Data that contradict themselves.
    Corrupt {
        /// In which part.
        section: Section,
        /// How.
        reason: String,
    },
    /// A record of a known vendor that makes no sense.
    BadExtension {
        /// Vendor and number, as in the file.
        kind: u32,
        /// What is wrong.
        reason: String,
    },
    /// More data after the last part than any known writer appends.
    TrailingData {
        /// How many bytes were looked at; there are more.
        more_than: u64,
    },
    /// The arrays do not fit into memory.
    OutOfMemory {
        /// Their size in bytes.
        bytes: u64,
    },
}

/// An error, with the file if it is one.
#[derive(Debug)]
pub struct Error {
    kind: Box<ErrorKind>,
    path: Option<PathBuf>,
}

/// The result of reading.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// What is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The file, if it was read from one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    pub(crate) fn in_file(mut self, path: &Path) -> Error {
        self.path = Some(path.to_owned());
        self
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error { kind: Box::new(kind), path: None }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        ErrorKind::Io(error).into()
    }
}

pub(crate) fn corrupt(section: Section, reason: impl Into<String>) -> Error {
    ErrorKind::Corrupt { section, reason: reason.into() }.into()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}: ", path.display())?;
        }
        match &*self.kind {
            ErrorKind::Io(error) => error.fmt(f),
            ErrorKind::NotSpz { found } => write!(f, "not an SPZ file, but {found}"),
            ErrorKind::UnsupportedVersion { found, container } => write!(
                f,
                "version {found} of SPZ in {} is not known; known are {}",
                container.describe(),
                container.versions()
            ),
            ErrorKind::Truncated { section, want, got } => write!(
                f,
                "the file is cut off in its {section}: {got} of {want} bytes are there; copy or \
                 download it again"
            ),
            ErrorKind::ImplausibleHeader { field, value, reason } => {
                write!(f, "the header says {field} = {value}, which cannot be: {reason}")
            }
            ErrorKind::Corrupt { section, reason } => {
                write!(f, "the file is damaged in its {section}: {reason}")
            }
            ErrorKind::BadExtension { kind, reason } => {
                write!(f, "the extension 0x{kind:08X} is damaged: {reason}")
            }
            ErrorKind::TrailingData { more_than } => write!(
                f,
                "more than {more_than} bytes follow the last part, which no known writer appends"
            ),
            ErrorKind::OutOfMemory { bytes } => {
                write!(f, "there is no memory for {bytes} bytes of arrays")
            }
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &*self.kind {
            ErrorKind::Io(error) => Some(error),
            _ => None,
        }
    }
}
