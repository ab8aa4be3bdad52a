//! Everything the checks may know, gathered once, as plain data.
//!
//! Facts can be saved, carried to another machine and judged there; so every path is a
//! [`host::HostPath`], every fact says whether it was seen, is absent or could not be read, and
//! no check asks the machine anything (invariant I3).

mod data;
mod declared;
mod directories;
mod environments;
mod file;
mod machine;
mod project;
mod redact;
mod settings;
mod toolchain;

use host::{HostPath, Os};
use pyenvs::Picks;
use serde::{Deserialize, Serialize};

pub use data::{DataCall, DataCallKind, DataFile, DataTrouble, PyodideUse, RefusedHeader};
pub use declared::{
    BuiltModule, DeclaredKind, DeclaredName, DeclaredNames, ImportedNames, SourceTime, Stub,
    StubName,
};
pub use directories::{
    BuildScript, DirectoryFacts, DirectoryRole, PickledData, Pyo3Build, SourceModule, SourceTree,
    TargetFacts,
};
pub use environments::{
    EnvironmentFacts, ExchangePair, ModuleFacts, NumpyFacts, Role, RuntimeLibrary,
};
pub use file::FactsError;
pub use machine::{
    ControlGroups, EngineFacts, EngineSocket, LockedImage, MachineFacts, PythonHome,
    PythonPathEntry,
};
pub use project::{
    CargoConfig, CargoLock, CargoSource, CrateManifest, Dependency, DependencyKind, LockedPackage,
    MaturinConfig, ProjectFacts, PyModule, Pyproject,
};
pub use redact::redact;
pub use settings::{GoneCheckout, NamedPath, PipSetting, SettingsFacts};
pub use toolchain::{LinkerFacts, MissingToolchain, PyenvFacts, Rustc, Tool, ToolchainFacts};

/// Version of the layout of a facts file; raised with every change that an older or newer tool
/// could not read.
pub const FACTS_SCHEMA: &str = "truewheel-facts/1";

/// Everything known of one machine, as one project sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// [`FACTS_SCHEMA`]; first, so that a reader can stop early.
    pub schema: String,
    /// Version of the tool that gathered them.
    pub version: String,
    /// The machine, its user and its environment variables.
    pub machine: MachineFacts,
    /// The project.
    pub project: ProjectFacts,
    /// The directories that builds and installations here will use.
    pub directories: Vec<DirectoryFacts>,
    /// What lies in cargo's target directory, if there is one.
    pub target: Option<TargetFacts>,
    /// The project's own files.
    pub source_tree: SourceTree,
    /// Rust, linkers, maturin, pyenv.
    pub toolchain: ToolchainFacts,
    /// Every Python environment found.
    pub environments: Vec<EnvironmentFacts>,
    /// What variables and configuration files tell the tools to do.
    #[serde(default)]
    pub settings: SettingsFacts,
    /// Which Python each tool would use here.
    pub picks: Picks,
    /// Pairs of environments between which data goes.
    pub exchange: Vec<ExchangePair>,
    /// Container engines.
    pub engines: EngineFacts,
    /// What could not be read on the way.
    pub unreadable: Vec<String>,
    /// Time to gather all this, in milliseconds.
    pub gather_ms: f64,
}

impl Facts {
    /// A variable that is set and not empty.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.machine.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The environments that this project uses (or all, when the user asked for all).
    pub fn judged(&self) -> impl Iterator<Item = &EnvironmentFacts> {
        self.environments.iter().filter(|environment| environment.judged)
    }

    /// The environment with this prefix.
    #[must_use]
    pub fn environment(&self, prefix: &HostPath) -> Option<&EnvironmentFacts> {
        self.environments.iter().find(|environment| environment.python.prefix == *prefix)
    }

    /// The directory that plays this role.
    #[must_use]
    pub fn directory(&self, role: DirectoryRole) -> Option<&DirectoryFacts> {
        self.directories.iter().find(|directory| directory.role == role)
    }

    /// A path as the user would write it: relative to the project, or with `~`, or whole.
    #[must_use]
    pub fn short(&self, path: &HostPath) -> String {
        let os = self.machine.os;
        if let Ok(rest) = path.strip_prefix(self.project.root.as_path()) {
            if rest.as_os_str().is_empty() {
                return ".".to_owned();
            }
            return HostPath::from(rest).native(os);
        }
        if let Some(home) = &self.machine.home
            && let Ok(rest) = path.strip_prefix(home.as_path())
            && os != Os::Windows
        {
            return if rest.as_os_str().is_empty() {
                "~".to_owned()
            } else {
                format!("~/{}", HostPath::from(rest).text())
            };
        }
        path.native(os)
    }

    /// A path as commands need it on the machine that the facts are from.
    #[must_use]
    pub fn native(&self, path: &HostPath) -> String {
        path.native(self.machine.os)
    }
}
