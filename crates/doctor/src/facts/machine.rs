//! The machine, its user, its environment variables, its container engines.

use std::collections::BTreeMap;

use host::{Arch, HostPath, Os, Seen, Version};
use serde::{Deserialize, Serialize};

/// The machine as the calling shell sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineFacts {
    /// Operating system.
    pub os: Os,
    /// Processor architecture.
    pub arch: Arch,
    /// Kernel release, for example `6.1.0-18-amd64` (Linux only).
    pub kernel: Seen<String>,
    /// Whether this is the Windows Subsystem for Linux.
    pub wsl: bool,
    /// Version of glibc, where there is one.
    pub glibc: Seen<Version>,
    /// Effective user id, where the system has one.
    pub user_id: Option<u32>,
    /// Home directory.
    pub home: Option<HostPath>,
    /// Directory the tool was started in.
    pub working_directory: HostPath,
    /// The environment variables that matter to Python, cargo and linkers.
    pub variables: BTreeMap<String, String>,
    /// The entries of `PYTHONPATH`, in order.
    pub python_path: Vec<PythonPathEntry>,
    /// `PYTHONHOME`, if it is set.
    pub python_home: Option<PythonHome>,
    /// Whether Windows accepts paths over 260 characters (`LongPathsEnabled`).
    pub long_paths: Seen<bool>,
    /// State of Windows' Smart App Control: 0 off, 1 on, 2 on trial.
    #[serde(default)]
    pub smart_app_control: Seen<u32>,
    /// Time of gathering, in nanoseconds since 1970.
    pub now_ns: i64,
}

/// One entry of `PYTHONPATH`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PythonPathEntry {
    /// The directory, absolute.
    pub path: HostPath,
    /// Whether it exists; Python passes over one that does not.
    pub exists: bool,
    /// Whether it holds a package `numpy`.
    pub holds_numpy: bool,
    /// File names of that numpy's `_multiarray_umath`, which tell for which Python it was built.
    pub numpy_modules: Vec<String>,
    /// Whether it is a standard library (it holds `encodings`).
    pub holds_standard_library: bool,
}

/// What `PYTHONHOME` names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PythonHome {
    /// The directory, absolute. It may not exist.
    pub path: HostPath,
    /// The standard libraries in it: `lib/python3.11`, or `Lib` on Windows.
    pub libraries: Vec<HostPath>,
}

/// A socket at which an engine listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineSocket {
    /// Its path.
    pub path: HostPath,
    /// Whether it is there.
    pub exists: bool,
    /// Whether this user may write to it.
    pub may_write: Seen<bool>,
}

/// How control groups are mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlGroups {
    /// Version 2 alone.
    Unified,
    /// Version 1, with version 2 beside it.
    Hybrid,
    /// Version 1 alone.
    Legacy,
}

/// The image that the project's builds are locked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedImage {
    /// The file that says so.
    pub file: HostPath,
    /// `sha256:` and the sum of its files.
    pub diff_id: String,
    /// Whether it is here.
    pub is_here: bool,
}

/// Container engines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineFacts {
    /// `podman` on `PATH`.
    pub podman: Option<HostPath>,
    /// `docker` on `PATH`.
    pub docker: Option<HostPath>,
    /// The socket that `docker` would use, if it is a local one.
    pub docker_socket: Option<EngineSocket>,
    /// `DOCKER_HOST`, if it names another machine or another kind of connection.
    pub docker_remote: Option<String>,
    /// Whether the project wants containers: a Dockerfile, a `docker` directory, or a `[build]`
    /// section in `truewheel.toml`. The file that says so.
    pub wanted_by: Option<HostPath>,
    /// How control groups are mounted, where there are any.
    #[serde(default)]
    pub control_groups: Option<ControlGroups>,
    /// Container runtimes (`crun`, `runc`) that are installed.
    #[serde(default)]
    pub runtimes: Vec<String>,
    /// Whether this process may raise limits of open files and processes, as podman does when root
    /// calls it. Absent where that is not known.
    #[serde(default)]
    pub may_raise_limits: Seen<bool>,
    /// Engines in which a container was run here, with what they had to be asked for: known to
    /// whoever asks the doctor, not gathered.
    #[serde(default)]
    pub proven: Vec<String>,
    /// The image that builds are locked to: likewise.
    #[serde(default)]
    pub image: Option<LockedImage>,
}
