//! FS007: cargo's directories are on a network file system, where it takes no locks.

use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DirectoryFacts, DirectoryRole, Facts, Findings};

use super::{by_mount, chosen, knows_mounts, move_away, names, subject};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "FS007",
    name: "no-locks-on-nfs",
    summary: "cargo's directories are on NFS, where two builds at once damage each other",
    page: include_str!("../../../pages/FS007.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::target, tests::without_locks, tests::home_of_cargo],
        silent: &[tests::local, tests::only_the_sources],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    if facts.directory(DirectoryRole::Target).is_none() {
        findings.skip("the project has no Cargo.toml");
        return;
    }
    if !knows_mounts(facts, findings) {
        return;
    }
    let is_nfs = |directory: &DirectoryFacts| {
        directory.mount.as_ref().is_some_and(|m| matches!(m.file_system.as_str(), "nfs" | "nfs4"))
    };
    let concerned = facts
        .directories
        .iter()
        .filter(|one| matches!(one.role, DirectoryRole::Target | DirectoryRole::CargoHome))
        .filter(|one| is_nfs(one));
    for (mount, group) in by_mount(concerned.map(|directory| (directory, ()))) {
        let directories: Vec<&DirectoryFacts> = group.iter().map(|(one, ())| *one).collect();
        // One build at a time is fine; without locks not even other programs hold each other off.
        let has_no_locks = mount.has_option("nolock");
        let severity = if has_no_locks { Severity::Warning } else { Severity::Info };
        let verb = if directories.len() == 1 { "is" } else { "are" };
        let mut finding = Finding::new(
            severity,
            subject(facts, directories[0]),
            format!(
                "{} {verb} on NFS, where cargo takes no locks: one build at a time, or they damage \
                 each other",
                names(facts, &directories)
            ),
        );
        for directory in &directories {
            finding = finding.seen_at(facts.native(&directory.path), chosen(directory));
        }
        let locks = if has_no_locks { ", mounted without locks (nolock)" } else { "" };
        finding = finding
            .seen_at(
                facts.native(&mount.point),
                format!("{} of {}{locks}", mount.file_system, mount.source),
            )
            .cause("cargo passes over its locks on NFS, as some servers let it wait for ever");
        if let Some(fix) = move_away(facts, &directories, |place| !is_nfs(place)) {
            finding = finding.fix(fix);
        }
        findings.push(
            finding.fix(
                Fix::new(Safety::Manual, "build on a disk of this machine")
                    .by_hand("set CARGO_TARGET_DIR to a directory on a local disk"),
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{change, mounted, with_target};
    use super::*;

    pub(super) fn target() -> Facts {
        with_target(|target| mounted(target, "/net/home", "nfs4", &["rw"]))
    }

    pub(super) fn without_locks() -> Facts {
        with_target(|target| mounted(target, "/net/home", "nfs", &["rw", "nolock"]))
    }

    pub(super) fn home_of_cargo() -> Facts {
        let mut facts = local();
        change(&mut facts, DirectoryRole::CargoHome, |home| {
            mounted(home, "/net/home", "nfs4", &["rw"])
        });
        facts
    }

    pub(super) fn local() -> Facts {
        with_target(|target| target)
    }

    pub(super) fn only_the_sources() -> Facts {
        let mut facts = local();
        change(&mut facts, DirectoryRole::Project, |project| {
            mounted(project, "/net/home", "nfs4", &["rw"])
        });
        facts
    }

    #[test]
    fn it_is_a_warning_where_nobody_locks() {
        for (facts, severity) in [(target(), Severity::Info), (without_locks(), Severity::Warning)]
        {
            let mut findings = Findings::default();
            run(&facts, &mut findings);
            assert_eq!(findings.list[0].severity, severity);
        }
    }
}
