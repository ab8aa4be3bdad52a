//! Why a matrix could not be run at all; what goes wrong in one cell is part of the result.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a matrix, or the core's cell, could not be run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A numpy of the specification exists for none of its Pythons.
    NoSuchNumpy {
        /// As specified.
        numpy: String,
        /// What the index says, for one of the Pythons.
        reason: String,
    },
    /// The specification, or what was selected of it, leaves nothing to run.
    NothingToRun {
        /// Why.
        reason: String,
    },
    /// A wheel under test that cannot be installed anywhere.
    UnfitWheel {
        /// Its file.
        wheel: PathBuf,
        /// Why.
        reason: String,
    },
    /// The lane `wheel` lacks something that the user must name.
    WheelLane {
        /// What it lacks.
        reason: String,
    },
    /// The package index could not be asked.
    Index {
        /// What the installer said, without credentials.
        reason: String,
    },
    /// Neither uv nor a way to get it, and pip was not allowed or is not there.
    NoInstaller {
        /// What was tried.
        reason: String,
    },
    /// A file or directory could not be written.
    Write {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The core could not write an array.
    Core(npz::Error),
    /// A request to the core's cell that it does not understand.
    Request(String),
    /// Results that are not of one run.
    Merge(String),
}

impl Error {
    pub(crate) fn request(error: impl fmt::Display) -> Self {
        Self::Request(error.to_string())
    }

    /// Whether the user asked for something that cannot be, rather than the machine failing.
    #[must_use]
    pub fn is_input(&self) -> bool {
        matches!(
            self,
            Self::NoSuchNumpy { .. }
                | Self::NothingToRun { .. }
                | Self::UnfitWheel { .. }
                | Self::WheelLane { .. }
                | Self::Merge(_)
        )
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoSuchNumpy { .. } => {
                Some("`numpys` in `[matrix]` of truewheel.toml takes versions that the index has")
            }
            Self::NothingToRun { .. } => Some("`matrix plan` lists the cells"),
            Self::UnfitWheel { .. } => Some(
                "build one for this machine and these Pythons, or take the lane `wheel` out of \
                 `lanes` in `[matrix]`",
            ),
            Self::WheelLane { .. } => Some(
                "`exchange` in `[matrix]` of truewheel.toml is the path of a Python program with \
                 the functions `write` and `read`; `init` writes a sample that says more",
            ),
            Self::Index { .. } => Some(
                "the index is the one that pip and uv are configured for; \
                 `--offline` uses only what uv has in its cache",
            ),
            Self::NoInstaller { .. } => Some("put uv on PATH, or choose `--installer pip`"),
            Self::Write { .. } => Some("make room there, or choose another place: `--directory`"),
            Self::Core(_) | Self::Request(_) | Self::Merge(_) => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchNumpy { numpy, reason } => {
                write!(f, "no Python of the matrix can have numpy {numpy}: {reason}")
            }
            Self::NothingToRun { reason } => write!(f, "there is nothing to run: {reason}"),
            Self::UnfitWheel { wheel, reason } => {
                write!(f, "{} cannot be tested: {reason}", wheel.display())
            }
            Self::WheelLane { reason } => write!(f, "the lane `wheel` cannot run: {reason}"),
            Self::Index { reason } => write!(f, "the package index cannot be asked: {reason}"),
            Self::NoInstaller { reason } => write!(f, "nothing can install packages: {reason}"),
            Self::Write { path, source } => {
                write!(f, "cannot write {}: {source}", path.display())
            }
            Self::Core(error) => write!(f, "the core cannot write the corpus: {error}"),
            Self::Request(reason) => write!(f, "the request cannot be used: {reason}"),
            Self::Merge(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Write { source, .. } => Some(source),
            Self::Core(error) => Some(error),
            _ => None,
        }
    }
}

impl From<npz::Error> for Error {
    fn from(error: npz::Error) -> Self {
        Self::Core(error)
    }
}
