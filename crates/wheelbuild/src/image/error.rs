//! Why an image could not be made, found, or trusted.

use std::fmt;
use std::io;
use std::path::PathBuf;

use host::{ProcessError, ReadError};

use crate::engine::Engine;

/// Why an image could not be made, found, or trusted.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Neither mmdebstrap nor debootstrap is here, or neither may be used.
    NoTool {
        /// What is missing.
        reason: String,
    },
    /// A program that was needed failed.
    Failed {
        /// The command.
        program: String,
        /// What it said last.
        said: String,
    },
    /// `docker/images.toml` or `docker/images.lock.toml` is wrong.
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        reason: String,
    },
    /// There is no such image in the store.
    NotStored {
        /// What was looked for.
        wanted: String,
    },
    /// What an engine, or the store, holds under an image's name is something else.
    Differs {
        /// Where.
        place: String,
        /// What was expected.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The engine cannot be given an image.
    NoRoot {
        /// Which.
        engine: Engine,
    },
    /// There is no directory for the tool's own files.
    NoCache,
    /// A process could not be started or took too long.
    Process(ProcessError),
    /// A file could not be read.
    Read(ReadError),
    /// A file or directory could not be made or moved.
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Error {
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoTool { .. } => Some("apt-get install mmdebstrap"),
            Self::Failed { .. } => {
                Some("`--mirror` names another mirror, `--verbose` shows all that was said")
            }
            Self::NotStored { .. } => Some("`image bootstrap` makes it"),
            Self::Differs { .. } => {
                Some("`image check` says which copies are right; `image bootstrap` makes a new one")
            }
            Self::NoCache => Some("set HOME or TRUEWHEEL_CACHE_DIR"),
            _ => None,
        }
    }

    /// Whether the user asked for something that cannot be, rather than the machine failing.
    #[must_use]
    pub fn is_input(&self) -> bool {
        matches!(self, Self::Malformed { .. } | Self::NotStored { .. } | Self::NoRoot { .. })
    }
}

impl From<ProcessError> for Error {
    fn from(error: ProcessError) -> Self {
        Self::Process(error)
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTool { reason } => f.write_str(reason),
            Self::Failed { program, said } => write!(f, "{program} failed: {said}"),
            Self::Malformed { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::NotStored { wanted } => write!(f, "{wanted} is not in the store"),
            Self::Differs { place, expected, found } => {
                write!(f, "{place} holds {found} instead of {expected}")
            }
            Self::NoRoot { engine } => write!(f, "{engine} runs no images"),
            Self::NoCache => f.write_str("there is no directory for this tool's own files"),
            Self::Process(error) => error.fmt(f),
            Self::Read(error) => error.fmt(f),
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Process(error) => Some(error),
            Self::Read(error) => Some(error),
            Self::File { source, .. } => Some(source),
            _ => None,
        }
    }
}
