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
        self.mount(&mount, path)
    }

    /// Mounts a file system that keeps no permission to run a file, as some shared folders of
    /// virtual machines do: a view of another directory, by FUSE.
    pub(crate) fn mount_without_programs(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = self.path(path);
        self.replace_with_directory(&path);
        let behind = self.path("behind");
        self.replace_with_directory(&behind);
        let mount = Invocation::new("bindfs").arg("--perms=af-x").arg(&behind).arg(&path);
        self.mount(&mount, path)
    }

    /// Mounts an empty exFAT file system: it has no hard links, and ignores case.
    pub(crate) fn mount_exfat(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = self.path(path);
        self.replace_with_directory(&path);
        let image = self.path("exfat.img");
        self.replace_with_zeros(&image, 1 << 30);
        let run = |command: Invocation| match command.output() {
            Ok(output) if output.success() => output.stdout_text().trim().to_owned(),
            Ok(output) => skip(format!("no exFAT can be made here: {}", output.stderr_text())),
            Err(error) => skip(format!("no exFAT can be made here: {error}")),
        };
        run(Invocation::new("mkfs.exfat").arg(&image));
        let device = run(Invocation::new("losetup").args(["--find", "--show"]).arg(&image));
        let mount = Invocation::new("mount.exfat-fuse").arg(&device).arg(&path);
        let mounted = self.mount(&mount, path);
        // The device is gone with the mount.
        run(Invocation::new("losetup").args(["--detach", &device]));
        mounted
    }

    fn mount(&self, mount: &Invocation, path: PathBuf) -> PathBuf {
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
