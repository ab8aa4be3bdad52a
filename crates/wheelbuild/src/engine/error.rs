//! Why a command did not run in an engine.

use std::fmt;
use std::io;
use std::path::PathBuf;

use host::ProcessError;

use super::Engine;

/// Why a command did not run in an engine; that it failed there is an outcome and no error.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The engine did not get as far as starting the command.
    NotStarted {
        /// Which engine.
        engine: Engine,
        /// What it said, a line each.
        said: Vec<String>,
    },
    /// A run that no engine can be asked for.
    Impossible {
        /// What is wrong with it.
        reason: String,
    },
    /// None of the engines that were tried works here.
    NoEngine {
        /// Each with the reason.
        tried: Vec<(Engine, String)>,
        /// What would make the first of them work.
        cure: Vec<String>,
    },
    /// There is no image that the engine could run.
    NoImage {
        /// Which engine.
        engine: Engine,
        /// Why there is none.
        reason: String,
    },
    /// There is no directory for the tool's own files.
    NoCache,
    /// A process of the engine could not be started.
    Process(ProcessError),
    /// A file or directory could not be made, moved or read.
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotStarted { engine, .. } => Some(format!(
                "`engines` says whether {engine} works here and what it needs; `--engine` names another"
            )),
            Self::NoEngine { cure, .. } => Some(cure.join("; ")).filter(|cure| !cure.is_empty()),
            Self::NoImage { .. } => {
                Some("`image bootstrap` makes one without a registry".to_owned())
            }
            Self::NoCache => Some("set HOME or TRUEWHEEL_CACHE_DIR".to_owned()),
            Self::Impossible { .. } | Self::Process(_) | Self::File { .. } => None,
        }
    }
}

impl From<ProcessError> for Error {
    fn from(error: ProcessError) -> Self {
        Self::Process(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted { engine, said } => {
                write!(f, "{engine} could not start the command")?;
                match said.last() {
                    Some(last) => write!(f, ": {last}"),
                    None => f.write_str(" and did not say why"),
                }
            }
            Self::Impossible { reason } => f.write_str(reason),
            Self::NoEngine { tried, .. } => {
                f.write_str("no engine works here")?;
                for (engine, reason) in tried {
                    write!(f, "; {engine}: {reason}")?;
                }
                Ok(())
            }
            Self::NoImage { engine, reason } => write!(f, "{engine} has no image to run: {reason}"),
            Self::NoCache => f.write_str("there is no directory for this tool's own files"),
            Self::Process(error) => error.fmt(f),
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Process(error) => Some(error),
            Self::File { source, .. } => Some(source),
            _ => None,
        }
    }
}
