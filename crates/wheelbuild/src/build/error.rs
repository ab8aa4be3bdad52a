//! Why a wheel could not be built.

use std::fmt;
use std::io;
use std::path::PathBuf;

use host::{ProcessError, ReadError};

/// Why a wheel could not be built, or what it is built of not be had.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The project is not one that this can build, or is asked for something that it cannot be.
    Project {
        /// Which file or directory.
        path: PathBuf,
        /// What is wrong.
        reason: String,
        /// What to do.
        cure: String,
    },
    /// A variable or an option has a value that it cannot have.
    Setting {
        /// Its name.
        name: String,
        /// What is wrong with the value.
        reason: String,
    },
    /// Something differs from what `build.lock.toml` says.
    Lock {
        /// What differs, how, and from what.
        reason: String,
        /// What to do.
        cure: String,
    },
    /// An input is missing, and the network may not be used.
    Missing {
        /// What is missing.
        what: String,
        /// How to get it.
        cure: String,
    },
    /// A program that is needed is missing, or failed.
    Program {
        /// What it was to do.
        doing: String,
        /// What it said, the last lines of it.
        reason: String,
        /// What to do, if that is known.
        cure: Option<String>,
    },
    /// A phase of the build failed.
    Phase {
        /// Which one.
        phase: String,
        /// The first error, and what followed it.
        reason: String,
        /// Where everything is that was said.
        log: PathBuf,
        /// What to do, if that is known.
        cure: Option<String>,
    },
    /// A file could not be read.
    Read {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: ReadError,
    },
    /// A file or directory could not be written.
    Write {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(ReadError) -> Error {
        let path = path.into();
        move |source| Error::Read { path, source }
    }

    pub(crate) fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::Write { path, source }
    }

    pub(crate) fn process(doing: &str) -> impl FnOnce(ProcessError) -> Error + '_ {
        move |error| Error::Program {
            doing: doing.to_owned(),
            reason: error.to_string(),
            cure: None,
        }
    }

    /// Whether the user asked for something that cannot be, rather than the machine failing.
    #[must_use]
    pub fn is_input(&self) -> bool {
        matches!(self, Self::Project { .. } | Self::Setting { .. } | Self::Lock { .. })
    }

    /// What the user can do about it.
    #[must_use]
    pub fn cure(&self) -> Option<String> {
        match self {
            Self::Project { cure, .. } | Self::Lock { cure, .. } | Self::Missing { cure, .. } => {
                Some(cure.clone())
            }
            Self::Program { cure, .. } | Self::Phase { cure, .. } => cure.clone(),
            Self::Write { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("make room there, or name another directory".to_owned())
            }
            Self::Setting { name, .. } => Some(format!("correct {name}, or leave it out")),
            Self::Read { .. } | Self::Write { .. } => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project { path, reason, .. } => write!(f, "{}: {reason}", path.display()),
            Self::Setting { name, reason } => write!(f, "{name}: {reason}"),
            Self::Lock { reason, .. } => f.write_str(reason),
            Self::Missing { what, .. } => write!(f, "not here: {what}"),
            Self::Program { doing, reason, .. } => write!(f, "cannot {doing}: {reason}"),
            Self::Phase { phase, .. } => write!(f, "the phase `{phase}` failed"),
            Self::Read { path, .. } => write!(f, "cannot read {}", path.display()),
            Self::Write { path, .. } => write!(f, "cannot write {}", path.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } => Some(source),
            Self::Write { source, .. } => Some(source),
            _ => None,
        }
    }
}
