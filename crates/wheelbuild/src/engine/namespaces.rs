//! Containers of the kernel's namespaces alone: `unshare` of util-linux, mounts, and `chroot`.
//!
//! The root is a small file system in memory into which the image's directories are mounted, so
//! that mount points can be made and the stored image is never written to. Everything is mounted in
//! a mount namespace of its own, which vanishes with its last process; the first process of the
//! container dies with `unshare`, and `unshare` with this process.

use std::path::{Path, PathBuf};

use host::{Host, Invocation, Os, quote};

use super::{Ready, Remedy, Run};

/// Where the tools of util-linux and coreutils lie.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Devices that programs count on.
const DEVICES: &str = "null zero full random urandom";

/// Rights that changing the root and the user takes; with the user they are gone, and
/// `no-new-privileges` keeps them away.
const LAST_RIGHTS: &str = "-all,+setuid,+setgid,+sys_chroot";

/// Programs that it takes.
pub(super) const PROGRAMS: [&str; 5] = ["unshare", "setpriv", "mount", "chroot", "hostname"];

/// The first of the programs that it takes and that is not here.
pub(super) fn missing(host: &Host) -> Option<&'static str> {
    let is_there = |name: &str| {
        host.program(name).is_some()
            || PATH.split(':').any(|place| host.is_executable(&Path::new(place).join(name)))
    };
    PROGRAMS.into_iter().find(|name| !is_there(name))
}

/// What a container is made of.
pub(super) struct Container<'a> {
    /// The image's files.
    pub(super) image: &'a Path,
    /// An empty directory to mount the root at.
    pub(super) root: PathBuf,
    /// Whether root makes it.
    pub(super) by_root: bool,
    /// A file that says where names are looked up, for a run with a network.
    pub(super) resolver: Option<PathBuf>,
}

impl Container<'_> {
    /// The command that runs `shell` (the arguments of `/bin/sh`) in it.
    pub(super) fn command(&self, ready: &Ready, run: &Run, shell: &[String]) -> Invocation {
        let mut command = Invocation::new("setpriv").clear_env().env("PATH", PATH);
        command = command.env("LC_ALL", "C").args(["--pdeathsig", "KILL"]).arg(&ready.program);
        if !self.by_root {
            command = command.args(["--user", "--map-root-user"]);
        }
        command = command.args(["--mount", "--propagation", "private", "--pid", "--fork"]);
        command = command.args(["--kill-child=KILL", "--uts", "--ipc"]);
        if !run.network {
            command = command.arg("--net");
        }
        command.args(["/bin/sh", "-c"]).arg(self.script(ready, run, shell))
    }

    /// What the first process of the container does.
    fn script(&self, ready: &Ready, run: &Run, shell: &[String]) -> String {
        let root = self.root.display().to_string();
        let at = |target: &str| word(&format!("{root}{target}"));
        let mut script = String::from("set -eu\nulimit -c 0\n");
        script.push_str(&format!("root={}\nimage={}\n", word(&root), word_of(self.image)));
        script.push_str(include_str!("root.sh"));
        script.push_str(&format!(
            "for device in {DEVICES}; do\n    : >\"$root/dev/$device\"\n    \
             mount --bind \"/dev/$device\" \"$root/dev/$device\"\ndone\n"
        ));
        if ready.rung.has(Remedy::HostProc) {
            script.push_str("mount --rbind -o ro /proc \"$root/proc\"\n");
        } else {
            script.push_str("mount -t proc -o nosuid,nodev,noexec proc \"$root/proc\"\n");
        }
        for tmpfs in &run.tmpfs {
            let (place, size) = (at(&tmpfs.target), tmpfs.megabytes);
            script.push_str(&format!(
                "[ -d {place} ] || mkdir -p {place}\n\
                 mount -t tmpfs -o nosuid,nodev,mode=1777,size={size}m tmpfs {place}\n"
            ));
        }
        // A place inside another one is mounted after it.
        let mut mounts: Vec<_> = run.mounts.iter().collect();
        mounts.sort_by_key(|mount| mount.target.matches('/').count());
        for mount in mounts {
            let access = if mount.writable { "rw" } else { "ro" };
            script.push_str(&format!(
                "show {} {} {access}\n",
                word_of(&mount.source),
                at(&mount.target)
            ));
        }
        if let Some(resolver) = &self.resolver {
            script.push_str(&format!(
                "mount --bind {} {}\n",
                word_of(resolver),
                at("/etc/resolv.conf")
            ));
        }
        script.push_str(&format!(
            "hostname {}\n\
             ip link set lo up 2>/dev/null || :\n\
             mount -o remount,bind,ro,nosuid,nodev \"$root\"\ncd /\nset +e\n",
            word(&run.host_name)
        ));
        script.push_str(&self.enter(ready, run));
        for argument in shell {
            script.push_str(&format!(" {}", word(argument)));
        }
        script.push_str("\nexit \"$?\"\n");
        script
    }

    /// How the command gets its root and its user, and loses its rights.
    fn enter(&self, ready: &Ready, run: &Run) -> String {
        let user = run.user;
        if self.by_root {
            return format!(
                "setpriv --bounding-set={LAST_RIGHTS} --inh-caps=-all --no-new-privs \
                 chroot --userspec={user}:{user} --groups= \"$root\" /bin/sh"
            );
        }
        if ready.rung.has(Remedy::MappedRoot) {
            return "setpriv --bounding-set=-all,+sys_chroot --inh-caps=-all --no-new-privs \
                    chroot \"$root\" /bin/sh"
                .to_owned();
        }
        format!(
            "setpriv --inh-caps=-all --no-new-privs \
             unshare --user --map-user={user} --map-group={user} --root=\"$root\" /bin/sh"
        )
    }
}

fn word(text: &str) -> String {
    quote(Os::Linux, text)
}

fn word_of(path: &Path) -> String {
    word(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, Rung};

    fn script(by_root: bool, remedies: &[Remedy]) -> String {
        let ready = Ready {
            engine: Engine::Namespaces,
            program: PathBuf::from("unshare"),
            version: "2.38".to_owned(),
            rung: Rung::with(remedies.iter().copied()),
        };
        let container = Container {
            image: Path::new("/images/a b"),
            root: PathBuf::from("/scratch/root"),
            by_root,
            resolver: None,
        };
        let run = Run::new(["true"]).output("/o", "/build/out").input("/i", "/build");
        container.script(&ready, &run, &["-c".to_owned(), "it's".to_owned()])
    }

    #[test]
    fn outer_mounts_come_before_inner_ones_and_every_word_is_quoted() {
        let script = script(true, &[]);
        let outer = script.find("show /i /scratch/root/build ro").unwrap();
        let inner = script.find("show /o /scratch/root/build/out rw").unwrap();
        let sealed = script.find("remount,bind,ro,nosuid,nodev \"$root\"").unwrap();
        assert!(outer < inner && inner < sealed, "{script}");
        assert!(script.contains("image='/images/a b'"));
        assert!(script.ends_with(" -c 'it'\\''s'\nexit \"$?\"\n"), "{script}");
    }

    #[test]
    fn each_way_in_ends_without_rights() {
        for (by_root, remedies, expected) in [
            (true, &[][..], "chroot --userspec=1000:1000"),
            (false, &[][..], "unshare --user --map-user=1000"),
            (false, &[Remedy::MappedRoot][..], "--bounding-set=-all,+sys_chroot"),
        ] {
            let script = script(by_root, remedies);
            assert!(script.contains(expected), "{script}");
            assert!(script.contains("--no-new-privs") && script.contains("--inh-caps=-all"));
        }
        assert!(script(false, &[Remedy::HostProc]).contains("--rbind -o ro /proc"));
    }
}
