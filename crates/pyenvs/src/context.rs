//! What every part of one discovery shares.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use host::{Entry, Host, Os, Seen, Version as Dotted};

use crate::paths;

/// Longest directory that is listed; an honest one has thousands of names at most.
pub(crate) const LIST_LIMIT: usize = 50_000;

/// Links within one environment that are followed by name.
const LINK_LIMIT: usize = 4;

/// The machine, with what is worth looking up only once.
pub(crate) struct Context<'a> {
    pub(crate) host: &'a Host,
    /// The project, or where the program was started: what is nearest counts from here.
    pub(crate) directory: PathBuf,
    /// pyenv's directory, where there is one.
    pub(crate) pyenv_root: Option<PathBuf>,
    /// Directories that uv installs interpreters into.
    pub(crate) uv_roots: Vec<PathBuf>,
    libc_versions: Mutex<BTreeMap<PathBuf, LibcCell>>,
    real_paths: Mutex<HashMap<PathBuf, Option<PathBuf>>>,
    unreadable: Mutex<Vec<String>>,
}

type LibcCell = Arc<OnceLock<Seen<Dotted>>>;

impl<'a> Context<'a> {
    pub(crate) fn new(host: &'a Host, directory: &Path) -> Self {
        Self {
            host,
            directory: host.absolute(directory),
            pyenv_root: pyenv_root(host),
            uv_roots: uv_roots(host),
            libc_versions: Mutex::default(),
            real_paths: Mutex::default(),
            unreadable: Mutex::default(),
        }
    }

    pub(crate) fn os(&self) -> Os {
        self.host.os
    }

    /// A path that counts from the project unless it is absolute.
    pub(crate) fn in_project(&self, path: &Path) -> PathBuf {
        self.host.absolute(&paths::join(self.host.os, &self.directory, path))
    }

    /// The names in a directory. One that does not exist is empty; one that cannot be read is
    /// empty too, and is told.
    pub(crate) fn list(&self, directory: &Path) -> Vec<Entry> {
        match self.host.list(directory, LIST_LIMIT) {
            Ok(entries) => entries,
            Err(error) if error.is_not_found() => Vec::new(),
            Err(error) => {
                self.tell_unreadable(error.to_string());
                Vec::new()
            }
        }
    }

    /// A small text that some tool keeps; `None` when missing, and when unreadable that is told.
    pub(crate) fn read_text(&self, path: &Path, limit: u64) -> Option<String> {
        match self.host.read(path, limit) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.is_not_found() => None,
            Err(error) => {
                self.tell_unreadable(error.to_string());
                None
            }
        }
    }

    pub(crate) fn tell_unreadable(&self, what: String) {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// What could not be read, each once, sorted.
    pub(crate) fn into_unreadable(self) -> Vec<String> {
        let mut all = self.unreadable.into_inner().unwrap_or_else(PoisonError::into_inner);
        all.sort();
        all.dedup();
        all
    }

    /// The real file behind an interpreter. Hundreds of virtual environments link to the same few,
    /// so the target of the link is what is followed in full, and once; `None` when it leads
    /// nowhere.
    pub(crate) fn real_interpreter(&self, path: &Path) -> Option<PathBuf> {
        let mut path = path.to_path_buf();
        // Within an environment `python3` is a link to `python`, and that one to the base.
        for _ in 0..LINK_LIMIT {
            let Ok(target) = self.host.read_link(&path) else { break };
            let is_elsewhere = paths::is_absolute(self.host.os, &target);
            let directory = path.parent().unwrap_or(&path);
            path = paths::join(self.host.os, directory, &target);
            if is_elsewhere {
                break;
            }
        }
        let known = self.real_paths.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(real) = known.get(&path) {
            return real.clone();
        }
        drop(known);
        let real = self.host.canonicalize(&path).ok();
        let mut known = self.real_paths.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(path, real.clone());
        real
    }

    /// The C library's version behind `loader`, read once however many interpreters share it.
    pub(crate) fn libc_version(
        &self,
        loader: &Path,
        read: impl FnOnce() -> Seen<Dotted>,
    ) -> Seen<Dotted> {
        let cell = {
            let mut known = self.libc_versions.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(loader.to_path_buf()).or_default())
        };
        cell.get_or_init(read).clone()
    }
}

/// `PYENV_ROOT`, or `~/.pyenv`; on Windows pyenv-win sets `PYENV` and keeps its files one deeper.
fn pyenv_root(host: &Host) -> Option<PathBuf> {
    let chosen = match host.os {
        Os::Windows => host.variables.path("PYENV").or_else(|| host.variables.path("PYENV_ROOT")),
        Os::Linux | Os::Macos => host.variables.path("PYENV_ROOT"),
    };
    let root = match chosen {
        Some(root) => root,
        None => {
            let home = host.home.as_ref()?.join(".pyenv");
            if host.os == Os::Windows { home.join("pyenv-win") } else { home }
        }
    };
    host.is_dir(&root).then(|| host.absolute(&root))
}

/// `UV_PYTHON_INSTALL_DIR` alone when it is set, else the usual places.
fn uv_roots(host: &Host) -> Vec<PathBuf> {
    if let Some(chosen) = host.variables.path("UV_PYTHON_INSTALL_DIR") {
        return vec![host.absolute(&chosen)];
    }
    let home = host.home.as_ref();
    let mut roots = Vec::new();
    match host.os {
        Os::Windows => roots.extend(host.variables.path("APPDATA").map(|d| d.join("uv/python"))),
        Os::Linux | Os::Macos => {
            roots.extend(host.variables.path("XDG_DATA_HOME").map(|d| d.join("uv/python")));
            roots.extend(home.map(|home| home.join(".local/share/uv/python")));
            if host.os == Os::Macos {
                // Where uv put them before it followed XDG on macOS.
                roots.extend(home.map(|h| h.join("Library/Application Support/uv/python")));
            }
        }
    }
    roots.retain(|root| host.is_dir(root));
    roots.dedup();
    roots
}
