//! FS002: the target directory lies on a file system from which programs do not run.

use host::Seen;
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DirectoryFacts, DirectoryRole, Facts, Findings};

use super::{chosen, knows_mounts, move_away, named, subject};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "FS002",
    name: "file-system-cannot-execute",
    summary: "cargo's target directory is on a network or virtual file system that cannot execute",
    page: include_str!("../../../pages/FS002.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::tried, tests::samba_not_made_yet],
        silent: &[tests::works, tests::nfs, tests::noexec, tests::local, tests::could_not_try],
    },
};

/// File systems on which builds have failed in this way, where nothing could be tried. NFS is not
/// among them: builds run there.
const DOUBTFUL: &[&str] = &[
    "cifs",
    "fuse.davfs",
    "fuse.gvfsd-fuse",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.vmhgfs-fuse",
    "prl_fs",
    "smb3",
    "smbfs",
    "vboxsf",
    "vmhgfs",
];

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(target) = facts.directory(DirectoryRole::Target) else {
        findings.skip("the project has no Cargo.toml");
        return;
    };
    if !knows_mounts(facts, findings) {
        return;
    }
    let Some(mount) = &target.mount else { return };
    // A mount that forbids it is FS003.
    if mount.has_option("noexec") {
        return;
    }
    let (severity, observation) = match &target.probes.execute {
        Seen::Seen(true) => return,
        Seen::Seen(false) => (Severity::Error, "a program placed here could not be started"),
        Seen::Absent | Seen::Broken(_) if DOUBTFUL.contains(&mount.file_system.as_str()) => {
            (Severity::Warning, "no program was tried here")
        }
        Seen::Absent | Seen::Broken(_) => return,
    };
    let point = facts.native(&mount.point);
    let fails = if severity == Severity::Error { "cannot" } else { "often cannot" };
    let mut finding = Finding::new(
        severity,
        subject(facts, target),
        format!(
            "{} is on {}, from which cargo {fails} run build scripts",
            named(facts, target),
            mount.file_system
        ),
    )
    .seen_at(facts.native(&target.path), chosen(target))
    .seen_at(&point, format!("{} of {}", mount.file_system, mount.source))
    .seen(observation)
    .cause(
        "Network and virtual file systems do not always let programs be mapped into memory; the \
         system then answers with `Invalid argument (os error 22)`",
    );
    let is_local = |place: &DirectoryFacts| {
        place.mount.as_ref().is_some_and(|there| there.file_system != mount.file_system)
    };
    if let Some(fix) = move_away(facts, &[target], is_local) {
        finding = finding.fix(fix);
    }
    findings.push(
        finding.fix(
            Fix::new(Safety::Manual, "move the project")
                .by_hand("move the project to a disk of this machine"),
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::super::tests::{mounted, with_target};
    use super::*;

    fn on(file_system: &str, options: &[&str], execute: Seen<bool>) -> Facts {
        with_target(|target| {
            let mut target = mounted(target, "/mnt/share", file_system, options);
            target.probes.execute = execute;
            target
        })
    }

    pub(super) fn tried() -> Facts {
        on("fuse.sshfs", &["rw"], Seen::Seen(false))
    }

    pub(super) fn samba_not_made_yet() -> Facts {
        let mut facts = on("cifs", &["rw"], Seen::Absent);
        facts.directories.last_mut().unwrap().exists = false;
        facts
    }

    pub(super) fn works() -> Facts {
        on("cifs", &["rw"], Seen::Seen(true))
    }

    pub(super) fn nfs() -> Facts {
        on("nfs4", &["rw"], Seen::Absent)
    }

    pub(super) fn noexec() -> Facts {
        on("cifs", &["rw", "noexec"], Seen::Seen(false))
    }

    pub(super) fn local() -> Facts {
        with_target(|target| target)
    }

    pub(super) fn could_not_try() -> Facts {
        on("fuse.unknown", &["rw"], Seen::Broken("no room".to_owned()))
    }
}
