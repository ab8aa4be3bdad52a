//! Directories that builds will use, cargo's target directory, and the project's own files.

use artifacts::PickleName;
use host::{HostPath, Mount, ProbeResults, Seen, Space};
use serde::{Deserialize, Serialize};

use super::{DataCall, DataFile, PyodideUse};

/// What a directory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryRole {
    /// The project itself.
    Project,
    /// cargo's target directory (projects with a Cargo.toml only).
    Target,
    /// Temporary files: `TMPDIR`, or the system's default.
    Temporary,
    /// `CARGO_HOME`.
    CargoHome,
    /// The home directory.
    Home,
    /// A Python environment that the project uses.
    Environment,
    /// uv's cache, from which it links files into environments.
    UvCache,
}

impl DirectoryRole {
    /// For a reader: `cargo's target directory`.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Project => "the project directory",
            Self::Target => "cargo's target directory",
            Self::Temporary => "the directory for temporary files",
            Self::CargoHome => "CARGO_HOME",
            Self::Home => "the home directory",
            Self::Environment => "the Python environment",
            Self::UvCache => "uv's cache",
        }
    }
}

/// One directory that builds or installations here will use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectoryFacts {
    /// What it is for.
    pub role: DirectoryRole,
    /// The directory as the tools name it. It may not exist yet.
    pub path: HostPath,
    /// Who chose it, for a reader: `CARGO_TARGET_DIR`, `build.target-dir in .cargo/config.toml`,
    /// `default`.
    pub chosen_by: String,
    /// Whether it exists.
    pub exists: bool,
    /// The nearest existing directory at or above it, links followed: what was looked at.
    pub nearest: HostPath,
    /// The file system it lies on.
    pub mount: Option<Mount>,
    /// Number of the device it lies on (0 where the system has none).
    pub device: u64,
    /// Owner of `nearest`.
    pub owner: Option<u32>,
    /// Whether this user may write to `nearest`, by permissions.
    pub may_write: Seen<bool>,
    /// Room left.
    pub space: Seen<Space>,
    /// Whether names differing only in case are the same file here.
    pub case_insensitive: Seen<bool>,
    /// Experiments, made only in directories the tool may write to.
    pub probes: ProbeResults,
    /// Entries at the top of it (two levels at most) that belong to another user, with the owner,
    /// and that this user may not write to; at most 20. Of the project, what builds leave in `dist`
    /// and the like.
    pub foreign_owned: Vec<(HostPath, u32)>,
    /// Other file systems mounted inside it, at most 20.
    pub mounts_below: Vec<HostPath>,
}

/// A compiled build script in the target directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildScript {
    /// The executable.
    pub path: HostPath,
    /// Length in bytes.
    pub len: u64,
    /// Permission bits.
    pub mode: u32,
    /// Architectures, or why they cannot be told (truncated, not a program).
    pub architectures: Seen<Vec<String>>,
}

/// What PyO3's build script found out about a Python, as cargo keeps it for later builds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pyo3Build {
    /// The file that says so.
    pub path: HostPath,
    /// Last change, nanoseconds since 1970.
    pub modified_ns: i64,
    /// Version of the Python: `3.11`.
    pub version: String,
    /// The interpreter.
    pub executable: HostPath,
    /// Whether it is still there.
    pub executable_exists: bool,
    /// Whether it was built for the stable interface, which later Pythons have too.
    pub is_abi3: bool,
    /// Whether cargo asks again when the environment is made anew: the script told it to watch
    /// `pyvenv.cfg`.
    pub watches_environment: bool,
}

/// What lies in cargo's target directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetFacts {
    /// The directory.
    pub path: HostPath,
    /// `rustc -vV` as `.rustc_info.json` remembers it.
    pub rustc_info: Seen<String>,
    /// Compiled build scripts, at most 2,000.
    pub build_scripts: Vec<BuildScript>,
    /// A target directory that cargo's dep-info files name instead of this one: the directory was
    /// copied or moved from there.
    pub made_at: Option<HostPath>,
    /// The longest path present below it, if it was walked.
    pub longest: Option<HostPath>,
    /// What PyO3 was built for, the newest first, at most 50.
    #[serde(default)]
    pub pyo3_builds: Vec<Pyo3Build>,
}

/// A compiled extension module among the sources, where `maturin develop` puts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceModule {
    /// The file.
    pub path: HostPath,
    /// Last change, nanoseconds since 1970.
    pub modified_ns: i64,
}

/// Pickled data in one of the project's files, and what it asks of numpy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PickledData {
    /// The file.
    pub path: HostPath,
    /// The array of objects in an npz file that it is.
    pub array: Option<String>,
    /// The pickle protocol.
    pub protocol: u8,
    /// Names in numpy's modules that it asks for, in that order.
    pub names: Vec<PickleName>,
    /// It holds a type of an aligned structure, as numpy 2 pickles it.
    pub aligned_by_numpy_2: bool,
}

/// The project's own files: one bounded walk, version control, environments and build directories
/// left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTree {
    /// Files and directories seen.
    pub entries: usize,
    /// Whether the walk stopped at its bound.
    pub truncated: bool,
    /// The longest path.
    pub longest: Option<HostPath>,
    /// Pairs of paths in one directory that differ only in case, at most 20.
    pub case_clashes: Vec<(HostPath, HostPath)>,
    /// Source files changed later than now, with their times in nanoseconds since 1970, at most 20.
    pub from_the_future: Vec<(HostPath, i64)>,
    /// Extension modules (`.so`, `.pyd`) among the sources.
    pub extension_modules: Vec<SourceModule>,
    /// Files called `build.rs`, at most 500: the build scripts of the crates beside them.
    pub build_scripts: Vec<HostPath>,
    /// Directories with an `__init__.py`, relative depth at most 4, at most 500.
    pub packages: Vec<HostPath>,
    /// `uv.lock` in the project's directory: uv manages the project's environment.
    pub uv_lock: Option<HostPath>,
    /// Pickles, and arrays of objects, that ask for something of numpy's.
    #[serde(default)]
    pub pickled_data: Vec<PickledData>,
    /// Data files that are damaged, hold objects, or are not for everybody.
    #[serde(default)]
    pub data_files: Vec<DataFile>,
    /// What Python sources do with pickles and array files, at most 200.
    #[serde(default)]
    pub data_calls: Vec<DataCall>,
    /// Lines of build scripts that copy a library over a module: file, line and text, at most 20.
    #[serde(default)]
    pub module_copies: Vec<(HostPath, usize, String)>,
    /// What says that the project runs in Pyodide.
    #[serde(default)]
    pub pyodide: Option<PyodideUse>,
    /// Data files that were not looked into, since there are so many.
    #[serde(default)]
    pub more_data_files: usize,
}
