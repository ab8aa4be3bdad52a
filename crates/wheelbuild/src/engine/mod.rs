//! Engines: what runs a command away from this machine's files, network and environment.
//!
//! An engine is tried, not asked: [`probe`] runs a container with the flags that a build uses, and
//! looks from inside whether they hold. Where the plain way fails it climbs a ladder of [`Remedy`]s,
//! and the [`Rung`] that works is remembered. A [`Sandbox`] then runs commands that way, and leaves
//! nothing behind however it ends.

mod bare;
mod choose;
mod container;
mod error;
mod memory;
mod namespaces;
mod observe;
mod prelude;
mod probe;
mod run;
mod rung;
mod sandbox;
mod tiny;

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use choose::choose;
pub use container::engine as engine_command;
pub use container::reap;
pub use error::Error;
pub use memory::proven;
pub use probe::{Attempt, Cause, Trial, probe, probe_one};
pub use run::{Limits, Mount, Outcome, Run, Status, Tmpfs};
pub use rung::{Remedy, Rung};
pub use sandbox::{Root, Sandbox};

/// Who runs the containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// podman, as root or as a user.
    Podman,
    /// A docker daemon on this machine.
    Docker,
    /// The kernel's namespaces, with a root file system and no engine at all.
    Namespaces,
    /// This machine itself, in a clean directory with a clean environment. Not hermetic.
    Host,
}

impl Engine {
    /// Every engine, in the order in which they are tried.
    pub const ALL: [Self; 4] = [Self::Podman, Self::Docker, Self::Namespaces, Self::Host];

    /// As written on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Podman => "podman",
            Self::Docker => "docker",
            Self::Namespaces => "namespaces",
            Self::Host => "host",
        }
    }

    /// Whether a command is kept from the network and the files of this machine.
    #[must_use]
    pub fn is_hermetic(self) -> bool {
        self != Self::Host
    }

    /// Whether it keeps images and containers of its own.
    #[must_use]
    pub fn has_store(self) -> bool {
        matches!(self, Self::Podman | Self::Docker)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An engine that works here, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Which.
    pub engine: Engine,
    /// Its program; for namespaces `unshare`, for the machine itself the shell.
    pub program: PathBuf,
    /// What it says its version is.
    pub version: String,
    /// What it needs to work here.
    pub rung: Rung,
}

impl Ready {
    /// What this way does not do, in sentences for the report; empty where nothing is missing.
    #[must_use]
    pub fn limits(&self) -> Vec<String> {
        let own: &[&str] = match self.engine {
            Engine::Podman | Engine::Docker => &[],
            Engine::Namespaces => &["the number of processes is not limited"],
            Engine::Host => &[
                "not hermetic: the network and every file of this machine can be reached",
                "commands run as the calling user, with this machine's tools",
                "read-only inputs are only asked not to be written",
            ],
        };
        let of_rung = self.rung.remedies().iter().filter_map(|remedy| remedy.price());
        own.iter().copied().chain(of_rung).map(str::to_owned).collect()
    }
}
