//! What a directory can do: room, permissions, and small experiments in directories that the
//! tool may write to.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Host, Invocation, Os, Seen};

/// Room on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// Bytes that this user may still write.
    pub free_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
    /// Files that this user may still create; 0 of 0 where the file system does not count them.
    pub free_inodes: u64,
    /// Files in all.
    pub total_inodes: u64,
}

/// Results of the experiments: `Seen(true)` it works, `Seen(false)` it does not, `Broken` it
/// failed in another way, `Absent` it was not tried.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeResults {
    /// A file can be created and written.
    pub write: Seen<bool>,
    /// A program placed here can be executed.
    pub execute: Seen<bool>,
    /// A second name can be given to a file.
    pub hard_link: Seen<bool>,
}

impl Host {
    /// Room on the file system of an existing path. Absent on recorded machines and on Windows.
    #[must_use]
    pub fn space(&self, path: &Path) -> Seen<Space> {
        if self.is_real() { real_space(path) } else { Seen::Absent }
    }

    /// Whether this user may write to an existing path, as the system answers (permissions, not
    /// a read-only mount alone). Absent on recorded machines and on Windows.
    #[must_use]
    pub fn may_write(&self, path: &Path) -> Seen<bool> {
        if self.is_real() { real_may_write(path) } else { Seen::Absent }
    }

    /// Tries what a build needs in `directory`: write, hard-link, execute. The files it makes are
    /// removed again. Call it only for directories that the tool may write to (I8).
    #[must_use]
    pub fn probe_directory(&self, directory: &Path) -> ProbeResults {
        if !self.is_real() {
            return ProbeResults::default();
        }
        let scratch =
            match tempfile::Builder::new().prefix(".truewheel-probe-").tempdir_in(directory) {
                Ok(scratch) => scratch,
                Err(error) => return ProbeResults { write: failed(&error), ..Default::default() },
            };
        // One program can be many by its name (busybox), so the name stays.
        let program = scratch.path().join("true");
        let written = fs_err::write(&program, self.small_program());
        let write = match &written {
            Ok(()) => Seen::Seen(true),
            Err(error) => failed(error),
        };
        if written.is_err() {
            return ProbeResults { write, ..Default::default() };
        }
        let hard_link = match fs_err::hard_link(&program, scratch.path().join("second")) {
            Ok(()) => Seen::Seen(true),
            Err(error) => failed(&error),
        };
        ProbeResults { write, execute: execute(self.os, &program), hard_link }
    }
}

/// Places of a program that does nothing and succeeds.
const TRUE: &[&str] = &["/bin/true", "/usr/bin/true"];

/// Largest program that is copied.
const PROGRAM_LIMIT: u64 = 4 << 20;

impl Host {
    /// A program that does nothing. A compiled one where there is one: file systems exist that run
    /// scripts and refuse to map a program into memory.
    fn small_program(&self) -> Vec<u8> {
        TRUE.iter()
            .find_map(|path| self.read(Path::new(path), PROGRAM_LIMIT).ok())
            .unwrap_or_else(|| b"#!/bin/sh\nexit 0\n".to_vec())
    }
}

/// Times a program is started while another thread's child still holds it open for writing.
const BUSY_LIMIT: usize = 5;

fn failed<T: From<bool>>(error: &io::Error) -> Seen<T> {
    use io::ErrorKind as K;
    match error.kind() {
        K::PermissionDenied
        | K::ReadOnlyFilesystem
        | K::Unsupported
        | K::CrossesDevices
        | K::InvalidInput => Seen::Seen(T::from(false)),
        _ => Seen::Broken(error.to_string()),
    }
}

#[cfg(unix)]
fn execute(_os: Os, program: &Path) -> Seen<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    if let Err(error) = fs_err::set_permissions(program, std::fs::Permissions::from_mode(0o755)) {
        return failed(&error);
    }
    for _ in 0..BUSY_LIMIT {
        match Invocation::new(program).timeout(Duration::from_secs(5)).output() {
            Ok(output) => return Seen::Seen(output.success()),
            Err(error) => match error.io_kind() {
                Some(io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput) => {
                    return Seen::Seen(false);
                }
                Some(io::ErrorKind::ExecutableFileBusy) => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                _ => return Seen::Broken(error.to_string()),
            },
        }
    }
    Seen::Broken("the file stayed busy".to_owned())
}

#[cfg(not(unix))]
fn execute(_os: Os, _program: &Path) -> Seen<bool> {
    // A script is no program here, and copying a signed system program would prove little.
    let _ = Duration::ZERO;
    Seen::Absent
}

#[cfg(unix)]
fn real_space(path: &Path) -> Seen<Space> {
    match rustix::fs::statvfs(path) {
        Ok(stat) => Seen::Seen(Space {
            free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
            free_inodes: stat.f_favail,
            total_inodes: stat.f_files,
        }),
        Err(error) => Seen::Broken(error.to_string()),
    }
}

#[cfg(not(unix))]
fn real_space(_path: &Path) -> Seen<Space> {
    Seen::Absent
}

#[cfg(unix)]
fn real_may_write(path: &Path) -> Seen<bool> {
    use rustix::fs::{Access, AtFlags, CWD};
    match rustix::fs::accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS) {
        Ok(()) => Seen::Seen(true),
        Err(rustix::io::Errno::ACCESS | rustix::io::Errno::ROFS | rustix::io::Errno::PERM) => {
            Seen::Seen(false)
        }
        Err(error) => Seen::Broken(error.to_string()),
    }
}

#[cfg(not(unix))]
fn real_may_write(_path: &Path) -> Seen<bool> {
    Seen::Absent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn an_ordinary_directory_can_do_everything_and_is_left_clean() {
        let directory = tempfile::tempdir().unwrap();
        let host = Host::current().unwrap();
        let results = host.probe_directory(directory.path());
        assert_eq!(results.write, Seen::Seen(true));
        assert_eq!(results.execute, Seen::Seen(true));
        assert_eq!(results.hard_link, Seen::Seen(true));
        assert!(host.list(directory.path(), 1).unwrap().is_empty());
        assert!(host.space(directory.path()).get().unwrap().total_bytes > 0);
        assert_eq!(host.may_write(directory.path()), Seen::Seen(true));
    }

    #[test]
    fn a_missing_directory_is_broken_not_fine() {
        let host = Host::current().unwrap();
        assert!(!host.probe_directory(Path::new("/nonexistent/x")).write.is_seen());
    }
}
