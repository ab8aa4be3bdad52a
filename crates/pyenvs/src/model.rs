//! What is known of one Python environment.

use host::{Arch, HostPath, Seen, Version as Dotted};
use pep440_rs::Version;
use serde::{Deserialize, Serialize};

/// Who made an environment, or where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnvironmentKind {
    /// A virtual environment by the standard library's `venv`.
    Venv,
    /// A virtual environment by `virtualenv`.
    Virtualenv,
    /// A virtual environment by `uv venv`.
    UvVenv,
    /// A conda or mamba environment that is not the base one.
    Conda,
    /// The base environment of a conda or mamba installation.
    CondaBase,
    /// An interpreter built by pyenv.
    Pyenv,
    /// An interpreter installed by uv.
    Uv,
    /// The system's own Python.
    System,
    /// Homebrew's Python.
    Homebrew,
    /// The python.org installer's Python.
    PythonOrg,
    /// The Microsoft Store's Python.
    WindowsStore,
    /// Found on `PATH` or named by the user; nobody known made it.
    Other,
}

impl EnvironmentKind {
    /// Whether this is a virtual environment, with a `pyvenv.cfg` and a base.
    #[must_use]
    pub fn is_virtual(self) -> bool {
        matches!(self, Self::Venv | Self::Virtualenv | Self::UvVenv)
    }

    /// Whether conda or mamba made it.
    #[must_use]
    pub fn is_conda(self) -> bool {
        matches!(self, Self::Conda | Self::CondaBase)
    }
}

/// How an environment came to be known. An environment found twice lists both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FoundBy {
    /// Named on the command line.
    Argument,
    /// Declared in `truewheel.toml`.
    Configuration,
    /// `VIRTUAL_ENV` points to it.
    VirtualEnv,
    /// `CONDA_PREFIX` points to it.
    CondaPrefix,
    /// `.venv` (or another directory with a `pyvenv.cfg`) in the project.
    Project,
    /// `.venv` in a parent directory of the project.
    ProjectParent,
    /// `PYO3_PYTHON` points to it.
    Pyo3Python,
    /// `UV_PYTHON` or `.python-version` names it.
    PythonVersionFile,
    /// On `PATH`.
    Path,
    /// `~/.virtualenvs` or `WORKON_HOME`.
    VirtualenvHome,
    /// Under pyenv's `versions`.
    Pyenv,
    /// Under uv's data directory.
    Uv,
    /// A conda installation's `envs`, or `~/.conda/environments.txt`.
    Conda,
    /// A place where the system keeps its Pythons.
    System,
    /// The Windows registry.
    Registry,
    /// The base of another environment.
    Base,
}

/// The implementation of Python.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Implementation {
    /// CPython.
    CPython,
    /// PyPy.
    PyPy,
    /// GraalPy.
    GraalPy,
    /// Another one, by its name.
    Other(String),
}

/// How extension modules for an interpreter are named and built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abi {
    /// The version-specific suffix, for example `.cpython-311-x86_64-linux-gnu.so` or
    /// `.cp311-win_amd64.pyd`.
    pub extension_suffix: String,
    /// Every suffix the loader accepts, in the order in which it tries them
    /// (`importlib.machinery.EXTENSION_SUFFIXES`).
    pub extension_suffixes: Vec<String>,
    /// Built without the global interpreter lock.
    pub free_threaded: bool,
    /// Built with `--with-pydebug`.
    pub debug: bool,
}

/// Family of the C library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LibcFamily {
    /// GNU libc.
    Glibc,
    /// musl.
    Musl,
}

/// The C library an interpreter is linked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Libc {
    /// Family, from the executable's ELF interpreter.
    pub family: LibcFamily,
    /// Version present on this machine.
    pub version: Seen<Dotted>,
}

/// What is wrong with an environment, as far as files tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// The interpreter is a symbolic link that leads nowhere.
    BrokenInterpreterLink,
    /// There is a `pyvenv.cfg` but no interpreter.
    NoInterpreter,
    /// It looks like a virtual environment but `pyvenv.cfg` is missing.
    NoPyvenvCfg,
    /// `pyvenv.cfg` cannot be read or makes no sense.
    UnreadablePyvenvCfg,
    /// `home` in `pyvenv.cfg` does not exist.
    MissingHome,
    /// The environment was moved after it was made: its scripts name another directory.
    Moved,
    /// The prefix itself does not exist.
    MissingPrefix,
    /// The interpreter is an empty file (Microsoft Store stub).
    EmptyInterpreter,
    /// Something else that could not be read.
    Unreadable,
}

/// One thing that is wrong with an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What.
    pub kind: ProblemKind,
    /// Where it was seen.
    pub path: HostPath,
    /// What was seen there.
    pub detail: String,
}

/// The keys of `pyvenv.cfg` that matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PyvenvCfg {
    /// The file.
    pub path: HostPath,
    /// Directory of the base interpreter.
    pub home: Option<HostPath>,
    /// `version` or `version_info`, as written.
    pub version: Option<String>,
    /// Whether the base's packages are visible.
    pub include_system_site_packages: bool,
    /// `command`, as written (3.11 and later): its last word is where the environment was made.
    pub command: Option<String>,
    /// `base-prefix`, as virtualenv writes it.
    pub base_prefix: Option<HostPath>,
    /// `base-executable` (virtualenv) or `executable` (venv 3.11 and later).
    pub base_executable: Option<HostPath>,
    /// Version of uv that made it.
    pub uv: Option<String>,
    /// Version of virtualenv that made it.
    pub virtualenv: Option<String>,
    /// Whether uv made it relocatable, so that scripts name no directory.
    pub relocatable: bool,
}

/// A script in an environment's `bin` or `Scripts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The file.
    pub path: HostPath,
    /// Its first line without the newline, if it starts with `#!`, at most 512 bytes of it.
    pub shebang: Option<String>,
    /// Length of that line in bytes, newline not counted.
    pub shebang_length: usize,
}

/// Where a package's record was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageSource {
    /// A `*.dist-info` directory.
    DistInfo,
    /// A `*.egg-info` file or directory.
    EggInfo,
}

/// One installed package, as one record of it says. The same package may have several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Name, normalised (PEP 503).
    pub name: String,
    /// Version as written in the record's name, or in METADATA where the two differ.
    pub version: Seen<Version>,
    /// Kind of record.
    pub source: PackageSource,
    /// The record.
    pub path: HostPath,
    /// Who installed it (`INSTALLER`): `pip`, `uv`, `conda`.
    pub installer: Option<String>,
    /// For an editable install: the project directory of `direct_url.json`.
    pub editable: Option<HostPath>,
    /// For a copy that was built from a directory of this machine: that directory.
    #[serde(default)]
    pub built_from: Option<HostPath>,
    /// For an archive or a commit that was named by its address: that address, as installers take
    /// it (`git+https://host/x@COMMIT`).
    #[serde(default)]
    pub direct_url: Option<String>,
    /// Whether the directory or file that it was installed from is gone.
    #[serde(default)]
    pub source_is_gone: bool,
    /// What it asks for besides itself, as METADATA says it (`Requires-Dist`); without what only its
    /// extras ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// Extension modules that RECORD lists, relative to the directory of the record's parent,
    /// with forward slashes.
    pub extension_modules: Vec<String>,
    /// Whether RECORD was readable.
    pub record: Seen<()>,
}

/// One `conda-meta/*.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CondaRecord {
    /// Name.
    pub name: String,
    /// Version as written.
    pub version: String,
    /// Build string.
    pub build: String,
    /// The file.
    pub path: HostPath,
}

/// One Python environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Its directory (`sys.prefix`); links as the user sees them. Identifies the environment,
    /// except that several Pythons may share a system's prefix (`/usr`): they follow each other in
    /// the list and differ in `executable` and `version`, the one called `python3` first.
    pub prefix: HostPath,
    /// Kind.
    pub kind: EnvironmentKind,
    /// How it was found, every way, sorted.
    pub found_by: Vec<FoundBy>,
    /// The interpreter, if there is one (it may be a broken link; see `problems`).
    pub executable: Option<HostPath>,
    /// The real file of the interpreter, links followed.
    pub real_executable: Option<HostPath>,
    /// `sys.base_prefix`: the installation a virtual environment was made from; of other
    /// environments the prefix itself.
    pub base_prefix: Option<HostPath>,
    /// Version of Python.
    pub version: Seen<Version>,
    /// Implementation.
    pub implementation: Seen<Implementation>,
    /// Names and build of extension modules.
    pub abi: Seen<Abi>,
    /// Processor architectures of the interpreter's file (several in a universal binary).
    pub architectures: Seen<Vec<Arch>>,
    /// C library (Linux only).
    pub libc: Seen<Libc>,
    /// `pyvenv.cfg` of a virtual environment.
    pub pyvenv_cfg: Option<PyvenvCfg>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    /// Directory of the standard library.
    pub stdlib: Option<HostPath>,
    /// Its own directories of installed packages, in `sys.path` order.
    pub site_packages: Vec<HostPath>,
    /// The user's own directory of packages, where this interpreter reads it and it exists.
    pub user_site: Option<HostPath>,
    /// Installed packages by their records in `site_packages`, in order of name.
    pub packages: Vec<Package>,
    /// Packages in `user_site`.
    pub user_packages: Vec<Package>,
    /// What conda says is installed.
    pub conda_packages: Vec<CondaRecord>,
    /// Names in `site_packages` that pip left behind when it was interrupted (`~umpy`).
    pub leftovers: Vec<HostPath>,
    /// Files ending in `.pth` that add directories, with the directories they add.
    pub pth_paths: Vec<(HostPath, HostPath)>,
    /// Scripts with a `#!` line in `bin` (virtual and conda environments only).
    pub scripts: Vec<Script>,
    /// `VIRTUAL_ENV=` as `bin/activate` sets it.
    pub activate_path: Option<HostPath>,
    /// `EXTERNALLY-MANAGED` (PEP 668), if present and not a virtual environment.
    pub externally_managed: Option<HostPath>,
    /// Whether the standard library has `ensurepip`, without which `python -m venv` makes no usable
    /// environment (Debian packs it apart).
    pub ensurepip: bool,
    /// `Python.h`, if present.
    pub python_header: Option<HostPath>,
    /// Shared libraries of the interpreter (`libpython3*.so*`, `.dylib`, `python3*.dll`).
    pub libpython: Vec<HostPath>,
}

impl Environment {
    /// An environment of which nothing but its directory is known.
    #[must_use]
    pub fn of_prefix(prefix: HostPath) -> Self {
        Self {
            prefix,
            kind: EnvironmentKind::Other,
            found_by: Vec::new(),
            executable: None,
            real_executable: None,
            base_prefix: None,
            version: Seen::Absent,
            implementation: Seen::Absent,
            abi: Seen::Absent,
            architectures: Seen::Absent,
            libc: Seen::Absent,
            pyvenv_cfg: None,
            problems: Vec::new(),
            stdlib: None,
            site_packages: Vec::new(),
            user_site: None,
            packages: Vec::new(),
            user_packages: Vec::new(),
            conda_packages: Vec::new(),
            leftovers: Vec::new(),
            pth_paths: Vec::new(),
            scripts: Vec::new(),
            activate_path: None,
            externally_managed: None,
            ensurepip: false,
            python_header: None,
            libpython: Vec::new(),
        }
    }

    /// The packages named `name` (normalised), in the order in which the interpreter finds them.
    pub fn packages_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Package> {
        self.packages.iter().filter(move |package| package.name == name)
    }

    /// Whether a problem of this kind was seen.
    #[must_use]
    pub fn has_problem(&self, kind: ProblemKind) -> bool {
        self.problems.iter().any(|problem| problem.kind == kind)
    }

    /// Whether the interpreter can be started at all, as far as files tell.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.executable.is_some()
            && !self.problems.iter().any(|problem| {
                matches!(
                    problem.kind,
                    ProblemKind::BrokenInterpreterLink
                        | ProblemKind::NoInterpreter
                        | ProblemKind::MissingPrefix
                        | ProblemKind::EmptyInterpreter
                )
            })
    }

    /// For a reader: `.venv (Python 3.11.7)`; `shorten` gives the path's short form.
    #[must_use]
    pub fn label(&self, shorten: impl Fn(&HostPath) -> String) -> String {
        let path = shorten(&self.prefix);
        match &self.version {
            Seen::Seen(version) => format!("{path} (Python {version})"),
            Seen::Absent | Seen::Broken(_) => format!("{path} (Python of unknown version)"),
        }
    }
}

/// Which Python one tool would use in the project, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    /// This interpreter.
    Python {
        /// The interpreter as the tool names it.
        executable: HostPath,
        /// Prefix of the environment it belongs to, if it is a known one.
        prefix: Option<HostPath>,
        /// The rule that led there, for a reader: `VIRTUAL_ENV is set`.
        because: String,
    },
    /// The tool refuses to run.
    Refuses {
        /// What it says.
        message: String,
    },
    /// The tool finds none.
    Nothing {
        /// Where it looked, for a reader.
        because: String,
    },
}

impl Pick {
    /// Prefix of the environment picked.
    #[must_use]
    pub fn prefix(&self) -> Option<&HostPath> {
        match self {
            Self::Python { prefix, .. } => prefix.as_ref(),
            Self::Refuses { .. } | Self::Nothing { .. } => None,
        }
    }
}

/// Which Python each tool would use in the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picks {
    /// `python` (then `python3`) on `PATH`, pyenv's shims seen through.
    pub path: Pick,
    /// The Python that `pip` on `PATH` installs into, by its `#!` line.
    pub pip: Pick,
    /// `maturin develop`.
    pub maturin: Pick,
    /// A plain `cargo build` or `cargo test` of a crate that uses PyO3.
    pub pyo3: Pick,
    /// `uv run`, `uv pip install`.
    pub uv: Pick,
}

impl Picks {
    /// The picks with the tools' names, in the order in which they are shown.
    #[must_use]
    pub fn each(&self) -> [(&'static str, &Pick); 5] {
        [
            ("PATH", &self.path),
            ("pip", &self.pip),
            ("maturin develop", &self.maturin),
            ("cargo build (PyO3)", &self.pyo3),
            ("uv", &self.uv),
        ]
    }
}
