//! Programs on `PATH`, found by the rules of the host's system.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use which::WhichConfig;
use which::sys::{Sys, SysMetadata, SysReadDirEntry};

use crate::{FileKind, Host, Metadata, Os, variables};

/// Directories with more entries than this are not searched by `which` (it never lists them here).
const LIST_LIMIT: usize = 100_000;

impl Host {
    /// Every program called `name` on `PATH`, in order, each once. Relative entries of `PATH`
    /// count from the working directory; `PATHEXT` counts on Windows.
    #[must_use]
    pub fn programs(&self, name: &str) -> Vec<PathBuf> {
        let found = WhichConfig::new_with_sys(HostSys(self))
            .binary_name(OsString::from(name))
            .all_results();
        let mut programs: Vec<PathBuf> = Vec::new();
        for program in found.into_iter().flatten() {
            if !programs.contains(&program) {
                programs.push(program);
            }
        }
        programs
    }

    /// The first program called `name` on `PATH`.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        self.programs(name).into_iter().next()
    }

    /// Whether the path leads to a file that the system would execute.
    #[must_use]
    pub fn is_executable(&self, path: &Path) -> bool {
        self.metadata(path).is_ok_and(|metadata| {
            metadata.is_file() && (self.os == Os::Windows || metadata.mode & 0o111 != 0)
        })
    }
}

#[derive(Clone, Copy)]
struct HostSys<'a>(&'a Host);

struct HostEntry(PathBuf);

impl SysReadDirEntry for HostEntry {
    fn file_name(&self) -> OsString {
        self.0.file_name().unwrap_or_default().to_owned()
    }
    fn path(&self) -> PathBuf {
        self.0.clone()
    }
}

impl SysMetadata for Metadata {
    fn is_symlink(&self) -> bool {
        self.kind == FileKind::Symlink
    }
    fn is_file(&self) -> bool {
        self.kind == FileKind::File
    }
}

impl Sys for HostSys<'_> {
    type ReadDirEntry = HostEntry;
    type Metadata = Metadata;

    fn is_windows(&self) -> bool {
        self.0.os == Os::Windows
    }

    fn current_dir(&self) -> io::Result<PathBuf> {
        Ok(self.0.working_directory.clone())
    }

    fn home_dir(&self) -> Option<PathBuf> {
        self.0.home.clone()
    }

    fn env_split_paths(&self, paths: &OsStr) -> Vec<PathBuf> {
        variables::split_paths(self.0.os, paths)
    }

    fn env_path(&self) -> Option<OsString> {
        // An unset PATH is an empty one: nothing is found, and that is not an error.
        Some(self.0.variables.get("PATH").unwrap_or_default().to_owned())
    }

    fn env_path_ext(&self) -> Option<OsString> {
        self.0.variables.get("PATHEXT").map(OsStr::to_owned)
    }

    fn env_windows_path_ext(&self) -> Cow<'static, [String]> {
        let listed =
            self.0.variables.text("PATHEXT").unwrap_or_else(|| ".COM;.EXE;.BAT;.CMD".to_owned());
        Cow::Owned(
            listed.split(';').filter(|ext| !ext.is_empty()).map(str::to_ascii_lowercase).collect(),
        )
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.0.metadata(path)
    }

    fn symlink_metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.0.symlink_metadata(path)
    }

    fn read_dir(
        &self,
        path: &Path,
    ) -> io::Result<Box<dyn Iterator<Item = io::Result<Self::ReadDirEntry>>>> {
        let entries = self.0.list(path, LIST_LIMIT).map_err(io::Error::other)?;
        let path = path.to_path_buf();
        Ok(Box::new(entries.into_iter().map(move |entry| Ok(HostEntry(path.join(entry.name))))))
    }

    fn is_valid_executable(&self, path: &Path) -> io::Result<bool> {
        Ok(self.0.is_executable(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn order_of_path_is_kept_and_files_that_cannot_run_are_passed_over() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        for (directory, mode) in [("a", 0o644), ("b", 0o755), ("c", 0o755)] {
            let file = root.path().join(directory).join("tool");
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(&file, "#!/bin/sh\n").unwrap();
            fs_err::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let mut host = Host::current().unwrap();
        let path =
            ["a", "b", "c", "b"].map(|d| root.path().join(d).display().to_string()).join(":");
        host.variables.set("PATH", path);
        assert_eq!(host.programs("tool"), [root.path().join("b/tool"), root.path().join("c/tool")]);
        host.variables.remove("PATH");
        assert!(host.programs("tool").is_empty());
    }
}
