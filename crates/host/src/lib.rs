//! The machine, behind one interface.
//!
//! This is the only crate that starts processes, reads environment variables or touches the file
//! system (invariant I2). Everything above it asks a [`Host`], which is either the real machine
//! ([`Host::current`]) or a recorded one ([`Host::recorded`]): the same discovery and the same
//! checks then run on a Windows tree under Linux.
//!
//! Every read takes a bound and checks it against the file's real size, so that a hostile or
//! runaway file costs an error and never memory.

mod files;
mod mounts;
mod newest;
mod open;
mod owner;
mod parallel;
mod path;
mod platform;
mod probe;
mod process;
mod recorded;
mod registry;
mod scratch;
mod search;
mod seen;
mod shell;
mod time;
mod tree;
mod variables;
mod write;

pub use files::{Entry, FileKind, Metadata, ReadError};
pub use mounts::{Mount, MountTable};
pub use open::OpenFile;
pub use owner::{NoOwner, Owner};
pub use parallel::{both, in_parallel};
pub use path::HostPath;
pub use platform::{
    Arch, Os, Version, has_standard_input, own_program, processors, terminal_width,
};
pub use probe::{ProbeResults, Space};
pub use process::{
    Background, Guard, Invocation, Output, ProcessError, Stream, end_with_the_leash,
};
pub use recorded::{Machine, RecordedError};
pub use registry::RegistryValue;
pub use scratch::{Lock, Scratch};
pub use seen::Seen;
pub use shell::quote;
pub use time::utc;
pub use tree::{Ids, copy_file, give_tree, make_link, own_ids, rename, set_mode};
pub use variables::Variables;
pub use write::{
    NewFile, create_directory, keep_beside, remove_empty_directory, remove_tree, write_atomically,
};
pub use xshell;

use std::path::{Path, PathBuf};

use files::Files;

/// One machine: what it is, its environment variables, and its files.
pub struct Host {
    /// Operating system.
    pub os: Os,
    /// Processor architecture the machine reports.
    pub arch: Arch,
    /// Environment variables of the calling process.
    pub variables: Variables,
    /// Directory the program was started in.
    pub working_directory: PathBuf,
    /// Home directory, when there is one.
    pub home: Option<PathBuf>,
    /// Effective user id; absent where the system has none.
    pub user_id: Option<u32>,
    files: Files,
    registry: Option<registry::Registry>,
}

impl Host {
    /// The machine this program runs on.
    ///
    /// # Errors
    /// When the working directory no longer exists or may not be read.
    pub fn current() -> std::io::Result<Self> {
        let variables = Variables::current();
        let os = Os::current();
        let working_directory = variables::current_directory()?;
        let home = variables.home(os);
        Ok(Self {
            os,
            arch: Arch::current(),
            variables,
            working_directory,
            home,
            user_id: platform::effective_user_id(),
            files: Files::Real,
            registry: None,
        })
    }

    /// A recorded machine; its files live in memory and nothing is executed on it.
    #[must_use]
    pub fn recorded(machine: Machine) -> Self {
        recorded::into_host(machine)
    }

    /// Whether this is the machine the program runs on (and not a recorded one).
    #[must_use]
    pub fn is_real(&self) -> bool {
        matches!(self.files, Files::Real)
    }

    /// Makes `path` absolute against the working directory, without touching the file system,
    /// and removes `.` and `..` by name.
    #[must_use]
    pub fn absolute(&self, path: &Path) -> PathBuf {
        path::normalize(&path::join(self.os, &self.working_directory, path))
    }

    /// The directory for this tool's own cache, `TRUEWHEEL_CACHE_DIR` first, then the system's
    /// usual place. `None` when there is no home.
    #[must_use]
    pub fn cache_directory(&self) -> Option<PathBuf> {
        if let Some(chosen) = self.variables.path("TRUEWHEEL_CACHE_DIR") {
            return Some(chosen);
        }
        let base = match self.os {
            Os::Windows => self.variables.path("LOCALAPPDATA")?,
            Os::Macos => self.home.as_ref()?.join("Library/Caches"),
            Os::Linux => match self.variables.path("XDG_CACHE_HOME") {
                Some(cache) if cache.is_absolute() => cache,
                _ => self.home.as_ref()?.join(".cache"),
            },
        };
        Some(base.join("truewheel"))
    }
}
