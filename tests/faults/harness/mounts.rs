//! Real mounts, for root. Each is gone when its test ends, passed or failed.

use std::path::{Path, PathBuf};

use host::Invocation;

use super::{Sandbox, skip};

impl Sandbox {
    /// Mounts an empty tmpfs at a path of the sandbox; what was there is removed. `options` as for
    /// `mount -o`: `noexec`, `size=1m`, `nr_inodes=10`.
    pub(crate) fn mount_tmpfs(&self, path: impl AsRef<Path>, options: &str) -> PathBuf {
        let path = self.path(path);
        self.replace_with_directory(&path);
        let mount = Invocation::new("mount")
            .args(["-t", "tmpfs", "-o", options, "truewheel-test"])
            .arg(&path);
        match mount.output() {
            Ok(output) if output.success() => {}
            Ok(output) => {
                skip(format!("mounting is not allowed here: {}", output.stderr_text().trim()));
            }
            Err(error) => skip(format!("mounting is not possible here: {error}")),
        }
        self.mounts.borrow_mut().push(path.clone());
        path
    }

    /// Changes the options of a mount made before: `ro`, `rw`, `noexec`, `exec`.
    #[track_caller]
    pub(crate) fn remount(&self, path: &Path, options: &str) {
        let own = self.mounts.borrow().iter().any(|mount| mount == path);
        assert!(own, "{} is not a mount of this test", path.display());
        let options = format!("remount,{options}");
        let output = Invocation::new("mount").args(["-o", &options]).arg(path).output().unwrap();
        assert!(output.success(), "mount -o {options}: {}", output.stderr_text());
    }

    pub(super) fn unmount_all(&self) {
        for path in self.mounts.borrow_mut().drain(..).rev() {
            // Lazily, since a test that failed may have left a process in it.
            let _ = Invocation::new("umount").arg("--lazy").arg(&path).output();
        }
    }
}
