//! The machine, its user, its environment variables.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use host::{Host, Os, Seen};
use memchr::memmem;

use super::{path, python_variables};
use crate::MachineFacts;

/// The variables that Python, pip, cargo, PyO3, maturin, uv, conda and linkers look at, and those
/// that [`crate::redact`] needs to find a person's traces. Variables that usually carry
/// credentials (index addresses, proxies) are not among them.
const VARIABLES: &[&str] = &[
    "APPDATA",
    "CC",
    "CFLAGS",
    "CI",
    "COMPUTERNAME",
    "CXX",
    "CXXFLAGS",
    "DEVELOPER_DIR",
    "DOCKER_HOST",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "GITHUB_ACTIONS",
    "HOME",
    "HOSTNAME",
    "KMP_DUPLICATE_LIB_OK",
    "LANG",
    "LC_ALL",
    "LD",
    "LDFLAGS",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LOCALAPPDATA",
    "LOGNAME",
    "MACOSX_DEPLOYMENT_TARGET",
    "MAMBA_ROOT_PREFIX",
    "PATH",
    "PATHEXT",
    "PIP_BREAK_SYSTEM_PACKAGES",
    "PIP_PREFIX",
    "PIP_PYTHON",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_TARGET",
    "PIP_USER",
    "PROCESSOR_ARCHITECTURE",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONNOUSERSITE",
    "PYTHONPATH",
    "PYTHONPLATLIBDIR",
    "PYTHONSAFEPATH",
    "PYTHONUSERBASE",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTFLAGS",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "SHELL",
    "SOURCE_DATE_EPOCH",
    "TEMP",
    "TMP",
    "TMPDIR",
    "UNSAFE_PYO3_BUILD_FREE_THREADED",
    "UNSAFE_PYO3_SKIP_VERSION_CHECK",
    "USER",
    "USERNAME",
    "USERPROFILE",
    "UV_CACHE_DIR",
    "UV_LINK_MODE",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_PYTHON_INSTALL_DIR",
    "VIRTUAL_ENV",
    "WORKON_HOME",
    "WSL_DISTRO_NAME",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
];

/// Families of variables taken whole.
const FAMILIES: &[&str] =
    &["CARGO_BUILD_", "CARGO_TARGET_", "CONDA_", "MATURIN_", "PYENV_", "PYO3_"];

/// Single variables of cargo's that are no family.
const CARGO: &[&str] =
    &["CARGO_HOME", "CARGO_INCREMENTAL", "CARGO_ENCODED_RUSTFLAGS", "CARGO_NET_OFFLINE"];

pub(super) fn gather(host: &Host) -> MachineFacts {
    let kernel_text = |file: &str| host.read_text(Path::new(file), 4096).ok();
    let kernel = match host.os {
        Os::Linux => kernel_text("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()),
        Os::Macos | Os::Windows => None,
    };
    let wsl =
        kernel.as_deref().is_some_and(|release| release.to_ascii_lowercase().contains("microsoft"));
    let variables = host
        .variables
        .iter()
        .filter(|(name, _)| {
            VARIABLES.contains(name)
                || CARGO.contains(name)
                || FAMILIES.iter().any(|family| name.starts_with(family))
        })
        .map(|(name, value)| (name.to_owned(), value.to_string_lossy().into_owned()))
        .collect();
    MachineFacts {
        os: host.os,
        arch: host.arch.clone(),
        kernel: Seen::from(kernel),
        wsl,
        glibc: glibc(host),
        user_id: host.user_id,
        home: host.home.clone().map(path),
        working_directory: path(host.working_directory.clone()),
        variables,
        python_path: python_variables::python_path(host),
        python_home: python_variables::python_home(host),
        long_paths: long_paths(host),
        smart_app_control: smart_app_control(host),
        now_ns: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|elapsed| i64::try_from(elapsed.as_nanos()).ok())
            .unwrap_or(0),
    }
}

/// Places of the C library, by distribution family.
const LIBC: &[&str] = &[
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib/aarch64-linux-gnu/libc.so.6",
    "/lib64/libc.so.6",
    "/usr/lib/libc.so.6",
    "/lib/i386-linux-gnu/libc.so.6",
];

/// glibc names its version in its own bytes: `GNU C Library (Debian ...) stable release version 2.36`.
fn glibc(host: &Host) -> Seen<host::Version> {
    if host.os != Os::Linux {
        return Seen::Absent;
    }
    let Some(file) = LIBC.iter().map(Path::new).find(|file| host.is_file(file)) else {
        return Seen::Absent;
    };
    let bytes = match host.read(file, 64 << 20) {
        Ok(bytes) => bytes,
        Err(error) => return Seen::Broken(error.to_string()),
    };
    let marker = b"stable release version ";
    let Some(at) = memmem::find(&bytes, marker) else {
        return Seen::Broken(format!("{} names no version", file.display()));
    };
    let text: String = bytes[at + marker.len()..]
        .iter()
        .take(16)
        .map(|byte| char::from(*byte))
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    Seen::from(text.trim_end_matches('.').parse::<host::Version>())
}

fn long_paths(host: &Host) -> Seen<bool> {
    if host.os != Os::Windows {
        return Seen::Absent;
    }
    let values = host.registry(r"HKLM\SYSTEM\CurrentControlSet\Control\FileSystem");
    match values.iter().find(|value| value.name == "LongPathsEnabled") {
        Some(value) => Seen::Seen(value.data.trim_start_matches("0x") == "1"),
        // The value is missing on systems that never had it set: the limit holds.
        None => Seen::Seen(false),
    }
}

/// Absent on systems and releases of Windows that do not have it.
fn smart_app_control(host: &Host) -> Seen<u32> {
    if host.os != Os::Windows {
        return Seen::Absent;
    }
    let values = host.registry(r"HKLM\SYSTEM\CurrentControlSet\Control\CI\Policy");
    let state = values.iter().find(|value| value.name == "VerifiedAndReputablePolicyState");
    Seen::from(state.and_then(|value| value.data.trim_start_matches("0x").parse::<u32>().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_read_without_a_process() {
        let host = Host::current().unwrap();
        let facts = gather(&host);
        assert_eq!(facts.os, Os::current());
        assert!(facts.now_ns > 0);
        assert!(!facts.variables.contains_key("PIP_INDEX_URL"));
    }
}
