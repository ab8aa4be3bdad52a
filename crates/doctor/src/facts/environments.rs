//! Python environments with what their files' bytes say.

use artifacts::NativeModule;
use host::{HostPath, Seen};
use pep440_rs::Version;
use pyenvs::Environment;
use report::{Subject, SubjectKind};
use serde::{Deserialize, Serialize};

use crate::Facts;

/// What an environment is to the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Named on the command line.
    Argument,
    /// Declared in `truewheel.toml`.
    Declared,
    /// A virtual environment in the project's directory.
    Project,
    /// `VIRTUAL_ENV` names it.
    Active,
    /// `CONDA_PREFIX` names it.
    ActiveConda,
    /// `python` on `PATH` is its interpreter.
    OnPath,
    /// `pip` on `PATH` installs into it.
    Pip,
    /// `maturin develop` would build into it.
    Maturin,
    /// A plain cargo build would compile PyO3 for it.
    Pyo3,
    /// uv would use it.
    Uv,
    /// The base of a virtual environment that the project uses.
    Base,
    /// The system's Python.
    System,
}

/// One extension module of an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModuleFacts {
    /// The file.
    pub path: HostPath,
    /// The name Python imports it by, for example `bottleneck.reduce`.
    pub import_name: String,
    /// The part of the file name after the module's own name: `.cpython-311-x86_64-linux-gnu.so`.
    pub suffix: String,
    /// The installed package (normalised) whose RECORD lists it, or whose editable sources hold it.
    pub package: Option<String>,
    /// Length in bytes.
    pub len: u64,
    /// Last change, nanoseconds since 1970.
    pub modified_ns: i64,
    /// What its bytes say.
    pub native: Seen<NativeModule>,
}

/// Everything an environment says about its numpy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NumpyFacts {
    /// Directory of the package that Python would import.
    pub directory: HostPath,
    /// `numpy/version.py`: what Python would say.
    pub version: Seen<Version>,
    /// Versions by `numpy-*.dist-info`, in order of name.
    pub dist_info: Vec<Version>,
    /// Versions by `conda-meta/numpy-*.json`.
    pub conda_meta: Vec<Version>,
    /// `NPY_ABI_VERSION` of `_numpyconfig.h`, for example 0x02000000.
    pub abi_version: Seen<u32>,
    /// `NPY_API_VERSION` of `_numpyconfig.h`, for example 0x13.
    pub api_version: Seen<u32>,
    /// File names of `_multiarray_umath` in `core` or `_core`, every suffix.
    pub multiarray: Vec<String>,
    /// Files that differ from what `conda-meta` says of them: the version file by its sha256, the
    /// main extension module by its size.
    pub altered: Vec<HostPath>,
}

impl NumpyFacts {
    /// The version Python would report: `version.py` first, then the records.
    #[must_use]
    pub fn best_version(&self) -> Option<&Version> {
        self.version.get().or_else(|| self.dist_info.first()).or_else(|| self.conda_meta.first())
    }
}

/// A shared library that the loader would take for this environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeLibrary {
    /// `libstdc++.so.6`, `libc.so.6`.
    pub name: String,
    /// The file.
    pub path: HostPath,
    /// Why the loader takes it: `LD_LIBRARY_PATH`, `the conda environment`, `the system`.
    pub because: String,
    /// Symbol versions it provides, such as `GLIBCXX_3.4.30`.
    pub provides: Vec<String>,
    /// The modules that are given this one by search paths of their own; where there are none, it
    /// is the one for every other module.
    #[serde(default)]
    pub modules: Vec<HostPath>,
}

/// One Python environment, with what its files' bytes say. The byte-level parts are filled for
/// judged environments only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentFacts {
    /// What `pyenvs` read.
    pub python: Environment,
    /// What it is to the project; empty for an environment the project does not use.
    pub roles: Vec<Role>,
    /// Whether checks judge it: the project uses it, or the user asked for all.
    pub judged: bool,
    /// Its numpy, if there is one.
    pub numpy: Option<NumpyFacts>,
    /// Its extension modules.
    pub modules: Vec<ModuleFacts>,
    /// OpenMP runtimes in its prefix and packages.
    pub openmp: Vec<HostPath>,
    /// The C and C++ runtimes its modules would be loaded with (Linux).
    pub runtime_libraries: Vec<RuntimeLibrary>,
}

impl EnvironmentFacts {
    /// Whether it plays this role.
    #[must_use]
    pub fn has_role(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The environment as the subject of a finding.
    #[must_use]
    pub fn subject(&self, facts: &Facts) -> Subject {
        Subject::at(
            SubjectKind::Environment,
            self.python.label(|path| facts.short(path)),
            facts.native(&self.python.prefix),
        )
    }

    /// The interpreter as commands need it.
    #[must_use]
    pub fn interpreter(&self, facts: &Facts) -> Option<String> {
        self.python.executable.as_ref().map(|path| facts.native(path))
    }
}

/// Two environments between which data goes, by their prefixes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExchangePair {
    /// One side.
    pub left: HostPath,
    /// The other side.
    pub right: HostPath,
    /// Declared in `truewheel.toml`: `left` writes and `right` reads.
    pub declared: bool,
}
