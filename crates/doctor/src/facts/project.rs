//! The project's own declarations: pyproject.toml, Cargo manifests, lock file, cargo configuration.

use std::collections::BTreeMap;

use host::{HostPath, Seen};
use serde::{Deserialize, Serialize};

use super::{BuiltModule, DeclaredNames, Stub};

/// The project.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ProjectFacts {
    /// Its directory.
    pub root: HostPath,
    /// `pyproject.toml` in the project's directory.
    pub pyproject: Seen<Pyproject>,
    /// The Cargo workspace's directory, if there is a Cargo.toml at or above the project.
    pub workspace_root: Option<HostPath>,
    /// Every manifest of the Cargo workspace (the root's own package first).
    pub crates: Vec<CrateManifest>,
    /// Manifests that could not be read, with the reason.
    pub broken_manifests: Vec<(HostPath, String)>,
    /// `Cargo.lock` of the workspace.
    pub lock: Seen<CargoLock>,
    /// cargo's configuration files, nearest first, `CARGO_HOME`'s last.
    pub cargo_configs: Vec<CargoConfig>,
    /// `rust-toolchain.toml` or `rust-toolchain`, and the channel it asks for.
    pub toolchain_file: Option<(HostPath, String)>,
    /// The manifest that maturin builds, if the project is one of maturin's.
    pub maturin_manifest: Option<HostPath>,
    /// Names of packages that the workspace takes from elsewhere (`[patch]`, `[replace]`).
    pub patched: Vec<String>,
    /// What the crate that maturin builds declares for Python, if it uses PyO3.
    #[serde(default)]
    pub declared: Option<DeclaredNames>,
    /// The stub of the compiled module.
    #[serde(default)]
    pub stub: Seen<Stub>,
    /// The manifest that is to be built, and the root of the workspace around it that does not
    /// have it among its members.
    #[serde(default)]
    pub outside_workspace: Option<(HostPath, HostPath)>,
    /// The files of the compiled module in the environments and among the sources.
    #[serde(default)]
    pub built: Vec<BuiltModule>,
    /// The tools that the project pins in its truewheel.toml, and their versions.
    #[serde(default)]
    pub tools: BTreeMap<String, String>,
}

impl ProjectFacts {
    /// The crate that maturin builds.
    #[must_use]
    pub fn maturin_crate(&self) -> Option<&CrateManifest> {
        let manifest = self.maturin_manifest.as_ref()?;
        self.crates.iter().find(|candidate| candidate.path == *manifest)
    }

    /// The crates that depend on `name` directly (under any rename).
    pub fn crates_using<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a CrateManifest> {
        self.crates.iter().filter(move |manifest| {
            manifest.dependencies.iter().any(|dependency| dependency.package == name)
        })
    }

    /// The versions of a crate in `Cargo.lock`, in its order.
    #[must_use]
    pub fn locked(&self, name: &str) -> Vec<&LockedPackage> {
        self.lock
            .get()
            .map(|lock| lock.packages.iter().filter(|package| package.name == name).collect())
            .unwrap_or_default()
    }
}

/// What `pyproject.toml` declares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pyproject {
    /// The file.
    pub path: HostPath,
    /// `project.name`, normalised (PEP 503).
    pub name: Option<String>,
    /// `project.requires-python`, as written.
    pub requires_python: Option<String>,
    /// `project.dependencies`, as written.
    pub dependencies: Vec<String>,
    /// `build-system.build-backend`.
    pub build_backend: Option<String>,
    /// `build-system.requires`, as written.
    pub build_requires: Vec<String>,
    /// `[tool.maturin]`.
    pub maturin: Option<MaturinConfig>,
    /// `tool.uv.cache-keys`: the `file` patterns and other entries, as text.
    pub uv_cache_keys: Option<Vec<String>>,
    /// `project.readme`, if it names a file.
    #[serde(default)]
    pub readme: Option<String>,
    /// `project.license.file`.
    #[serde(default)]
    pub license_file: Option<String>,
    /// Whether there is a `[tool.uv]` table.
    pub uses_uv: bool,
    /// What in `[tool.uv]` keeps uv from building the project: `package = false`,
    /// `no-build = true`.
    #[serde(default)]
    pub uv_never_builds: Option<String>,
}

/// What `[tool.maturin]` declares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaturinConfig {
    /// `module-name`.
    pub module_name: Option<String>,
    /// `python-source`.
    pub python_source: Option<String>,
    /// `manifest-path`.
    pub manifest_path: Option<String>,
    /// `features`.
    pub features: Vec<String>,
    /// `bindings`.
    pub bindings: Option<String>,
    /// `no-default-features`.
    pub no_default_features: bool,
}

/// In which table a dependency stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DependencyKind {
    /// `[dependencies]`
    Normal,
    /// `[dev-dependencies]`
    Dev,
    /// `[build-dependencies]`
    Build,
}

/// One dependency of a crate, `workspace = true` already resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The key in the manifest.
    pub name: String,
    /// The package's real name.
    pub package: String,
    /// Version requirement, as written.
    pub requirement: Option<String>,
    /// Features asked for.
    pub features: Vec<String>,
    /// Whether default features are wanted.
    pub default_features: bool,
    /// Whether it is optional.
    pub optional: bool,
    /// Where it comes from, if not from a registry: `path:` and its absolute directory, or `git:`
    /// and its address.
    pub location: Option<String>,
    /// Table.
    pub kind: DependencyKind,
    /// `cfg(...)` or triple of `[target.X.dependencies]`.
    pub target: Option<String>,
}

/// A `#[pymodule]` in a crate's sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PyModule {
    /// The name Python imports: `#[pyo3(name = "...")]`, else the function's or module's.
    pub name: String,
    /// Source file.
    pub file: HostPath,
    /// Line of the attribute, from 1.
    pub line: usize,
}

/// What one Cargo.toml declares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrateManifest {
    /// The file.
    pub path: HostPath,
    /// `package.name`.
    pub name: String,
    /// `package.version`, workspace inheritance resolved.
    pub version: Option<String>,
    /// `package.rust-version`, workspace inheritance resolved.
    #[serde(default)]
    pub rust_version: Option<String>,
    /// `package.edition`, likewise.
    #[serde(default)]
    pub edition: Option<String>,
    /// `lib.name`, or the package's name with `-` as `_`.
    pub lib_name: String,
    /// Whether there is a library at all.
    pub has_lib: bool,
    /// `lib.crate-type`.
    pub crate_types: Vec<String>,
    /// Dependencies of every table.
    pub dependencies: Vec<Dependency>,
    /// `[features]`.
    pub features: BTreeMap<String, Vec<String>>,
    /// Sources whose tests start Python, so that the test program must link to it (crates that
    /// use PyO3 only).
    pub python_tests: Vec<HostPath>,
    /// Sources of programs that start Python (crates that use PyO3 only).
    pub python_programs: Vec<HostPath>,
    /// `#[pymodule]`s in its sources (crates that use PyO3 only).
    pub pymodules: Vec<PyModule>,
    /// The library's root source, if there is a library.
    #[serde(default)]
    pub library: Option<HostPath>,
    /// Whether it is no member of a workspace, since there is none, but a directory that the crate
    /// depends on: of such a crate cargo needs neither tests nor what no feature turns on.
    #[serde(default)]
    pub is_mere_dependency: bool,
}

/// What `Cargo.lock` says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CargoLock {
    /// The file.
    pub path: HostPath,
    /// Version of its layout; the first two have no number in the file and are 1 here.
    pub version: u32,
    /// Packages.
    pub packages: Vec<LockedPackage>,
}

/// One package of `Cargo.lock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedPackage {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Where it comes from; `None` for a package of the workspace or a path.
    pub source: Option<String>,
    /// Its dependencies: `name`, or `name version` where there are several of that name.
    pub dependencies: Vec<String>,
}

/// One configuration file of cargo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CargoConfig {
    /// The file.
    pub path: HostPath,
    /// `build.target-dir`, as an absolute path.
    pub target_dir: Option<String>,
    /// `build.target`.
    pub build_target: Option<String>,
    /// `target.<triple or cfg>.linker`; a path is absolute, a name is for `PATH`.
    pub linkers: BTreeMap<String, String>,
    /// `target.<triple>.rustflags` and `build.rustflags` (key `build`), joined by spaces.
    pub rustflags: BTreeMap<String, String>,
    /// `[env]`; values that are relative to the file are absolute here.
    pub env: BTreeMap<String, String>,
    /// `build.rustc-wrapper` and `build.rustc-workspace-wrapper`, as written.
    #[serde(default)]
    pub wrappers: BTreeMap<String, String>,
    /// `net.offline`.
    #[serde(default)]
    pub offline: Option<bool>,
    /// `[source.NAME]`.
    #[serde(default)]
    pub sources: BTreeMap<String, CargoSource>,
}

/// Where cargo takes crates from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CargoSource {
    /// `replace-with`.
    pub replace_with: Option<String>,
    /// `directory`, absolute.
    pub directory: Option<String>,
}
