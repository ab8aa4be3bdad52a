//! Rust, linkers, maturin and pyenv.

use host::{HostPath, Seen};
use serde::{Deserialize, Serialize};

/// A program on `PATH`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// As found on `PATH`.
    pub path: HostPath,
    /// Links followed.
    pub real_path: HostPath,
    /// Version, as far as files tell.
    pub version: Seen<String>,
    /// Prefix of the Python environment it belongs to, if it is a Python program.
    pub environment: Option<HostPath>,
}

/// The compiler that cargo would use here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rustc {
    /// The real program, rustup's proxy seen through.
    pub path: HostPath,
    /// `rustc -vV`: `release`, for example `1.95.0`.
    pub release: String,
    /// `host`, for example `x86_64-unknown-linux-gnu`.
    pub host_triple: String,
    /// `commit-hash`.
    pub commit_hash: Option<String>,
    /// Everything `rustc -vV` printed.
    pub verbose: String,
}

/// A toolchain that is asked for, and that rustup does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingToolchain {
    /// Its name, as asked for.
    pub name: String,
    /// Who asks: a variable, a file, an override, the default.
    pub asked_by: String,
    /// Whether rustup would fetch it by itself at the next call.
    pub fetched_on_demand: bool,
}

/// What links programs here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkerFacts {
    /// A linker that the environment or cargo's configuration names for the host's triple, and
    /// where it is named.
    pub configured: Option<(String, String)>,
    /// Whether the configured linker exists (as a path, or on `PATH`).
    pub configured_found: Option<HostPath>,
    /// Every `cc` on `PATH`, in order.
    pub cc: Vec<HostPath>,
    /// Every `ld` on `PATH`, in order.
    pub ld: Vec<HostPath>,
    /// Windows: `link.exe` of the Visual C++ tools.
    pub msvc_link: Option<HostPath>,
    /// macOS: the developer directory that `xcode-select` points to.
    pub developer_directory: Option<HostPath>,
    /// macOS: whether that directory exists.
    pub developer_directory_exists: bool,
    /// Linux: the `libpython3*.so` that the loader finds for every program, by its own
    /// directories (`ld.so.conf`) and without `LD_LIBRARY_PATH`.
    pub loader_pythons: Vec<HostPath>,
}

/// What pyenv is set to use here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PyenvFacts {
    /// Its directory.
    pub root: HostPath,
    /// Versions asked for, and by what: `.python-version`, `PYENV_VERSION`, pyenv's `version`.
    pub requested: Vec<String>,
    /// The file or variable that asks.
    pub requested_by: String,
    /// Of those, the ones that are not installed.
    pub missing: Vec<String>,
    /// Versions installed.
    pub installed: Vec<String>,
    /// Whether its shims stand on `PATH`.
    pub shims_on_path: bool,
    /// Programs in installed versions' `bin` that have no shim, out of `python3.X`, `pip`, `maturin`.
    pub unshimmed: Vec<String>,
}

/// Rust, linkers, maturin, pyenv.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolchainFacts {
    /// The compiler. Absent: no rustc. Broken: there is one, but it cannot be used, with the reason.
    pub rustc: Seen<Rustc>,
    /// The toolchain that rustup lacks, if that is why there is no compiler.
    pub missing_toolchain: Option<MissingToolchain>,
    /// `cargo` on `PATH`.
    pub cargo: Option<HostPath>,
    /// `rustup` on `PATH`.
    pub rustup: Option<HostPath>,
    /// Linkers.
    pub linker: LinkerFacts,
    /// Every `maturin` on `PATH`, in order.
    pub maturin: Vec<Tool>,
    /// Every `uv` on `PATH`, in order.
    pub uv: Vec<Tool>,
    /// Every `pip` on `PATH`, in order.
    pub pip: Vec<Tool>,
    /// Every `virtualenv` on `PATH`, in order.
    pub virtualenv: Vec<Tool>,
    /// pyenv, if it is here.
    pub pyenv: Option<PyenvFacts>,
}
