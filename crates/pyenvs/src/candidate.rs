//! What a source hands over: a place where an environment may be.

use std::path::{Path, PathBuf};

use host::{FileKind, Host};

use crate::{EnvironmentKind, FoundBy};

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The directory of an environment.
    Prefix(PathBuf),
    /// An interpreter; its environment is to be worked out.
    Executable(PathBuf),
}

/// A place where an environment may be, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) place: Place,
    pub(crate) found_by: FoundBy,
    /// What the source knows of who made it; files of the environment overrule it.
    pub(crate) kind: Option<EnvironmentKind>,
    /// Somebody named this place, so that finding nothing there is worth telling.
    pub(crate) named: bool,
}

impl Candidate {
    /// A place found by looking around.
    pub(crate) fn seen(place: Place, found_by: FoundBy) -> Self {
        Self { place, found_by, kind: None, named: false }
    }

    /// A place that a variable, a file or the user names.
    pub(crate) fn named(place: Place, found_by: FoundBy) -> Self {
        Self { place, found_by, kind: None, named: true }
    }

    pub(crate) fn of_kind(mut self, kind: EnvironmentKind) -> Self {
        self.kind = Some(kind);
        self
    }
}

/// Whether a path the user gave is an interpreter or an environment. What does not exist counts
/// as an environment unless it is called like an interpreter.
pub(crate) fn place_of(host: &Host, path: PathBuf) -> Place {
    match host.metadata(&path) {
        Ok(metadata) if metadata.is_dir() => Place::Prefix(path),
        Ok(_) => Place::Executable(path),
        Err(_) if is_python_name(&path) || is_link(host, &path) => Place::Executable(path),
        Err(_) => Place::Prefix(path),
    }
}

fn is_link(host: &Host, path: &Path) -> bool {
    host.symlink_metadata(path).is_ok_and(|metadata| metadata.kind == FileKind::Symlink)
}

/// Whether a file is called like an interpreter: `python`, `python3.11`, `python3.7m`, `pypy3`.
pub(crate) fn is_python_name(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
        let name = name.strip_suffix(".exe").unwrap_or(name);
        let is_version = |c: char| c.is_ascii_digit() || matches!(c, '.' | 't' | 'd' | 'm' | 'u');
        ["python", "pypy", "graalpy"]
            .iter()
            .any(|start| name.strip_prefix(start).is_some_and(|rest| rest.chars().all(is_version)))
    })
}
