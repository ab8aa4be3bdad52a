//! FS003: a directory from which programs must run is mounted `noexec`.

use report::{Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DirectoryFacts, DirectoryRole, Facts, Findings};

use super::{as_root, by_mount, is_built_by_maturin, knows_mounts, move_away, of_mount};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "FS003",
    name: "noexec-mount",
    summary: "A directory from which builds run programs is mounted noexec",
    page: include_str!("../../../pages/FS003.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::target, tests::temporary, tests::environment, tests::cargo_home],
        silent: &[tests::ordinary, tests::registry_only, tests::home_only],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    if !knows_mounts(facts, findings) {
        return;
    }
    let noexec = facts.directories.iter().filter(|directory| is_noexec(directory));
    let found = noexec.filter_map(|directory| Some((directory, consequence(facts, directory)?)));
    for (mount, group) in by_mount(found) {
        let point = facts.native(&mount.point);
        let (finding, directories) = of_mount(facts, mount, &group, "No program can run from");
        let mut finding = finding.cause(
            "The file system is mounted with the option noexec: the system refuses to start \
                 programs from it and to load compiled modules",
        );
        if let Some(fix) = move_away(facts, &directories, |place| !is_noexec(place)) {
            finding = finding.fix(fix);
        }
        findings.push(
            finding.fix(
                Fix::new(
                    Safety::Confirm,
                    format!("allow programs on {point} until the next restart"),
                )
                .run(as_root(facts, ["mount", "-o", "remount,exec", &point])),
            ),
        );
    }
}

fn is_noexec(directory: &DirectoryFacts) -> bool {
    directory.mount.as_ref().is_some_and(|mount| mount.has_option("noexec"))
}

/// What fails, and how surely.
fn consequence(facts: &Facts, directory: &DirectoryFacts) -> Option<(Severity, &'static str)> {
    match directory.role {
        DirectoryRole::Target => Some((Severity::Error, "cargo cannot run build scripts or tests")),
        DirectoryRole::Temporary if is_built_by_maturin(facts) => {
            Some((Severity::Error, "pip and uv cannot run maturin when they install the project"))
        }
        DirectoryRole::Temporary => {
            Some((Severity::Warning, "`cargo install`, documentation tests and builds by pip fail"))
        }
        DirectoryRole::Environment => {
            Some((Severity::Error, "its scripts do not start and compiled modules do not load"))
        }
        // Only sources and archives lie in CARGO_HOME, unless programs were installed there.
        DirectoryRole::CargoHome => facts
            .toolchain
            .cargo
            .iter()
            .chain(facts.toolchain.maturin.iter().map(|tool| &tool.path))
            .any(|program| program.starts_with(&directory.path))
            .then_some((Severity::Warning, "programs installed there do not start")),
        DirectoryRole::Project | DirectoryRole::Home | DirectoryRole::UvCache => None,
    }
}

#[cfg(test)]
mod tests {
    use host::HostPath;

    use super::super::tests::{add_environment, change, mounted, with_target};
    use super::*;
    use crate::testing::healthy;

    fn noexec(directory: DirectoryFacts) -> DirectoryFacts {
        mounted(directory, "/mnt", "tmpfs", &["rw", "nosuid", "noexec"])
    }

    pub(super) fn target() -> Facts {
        with_target(noexec)
    }

    pub(super) fn temporary() -> Facts {
        let mut facts = healthy();
        change(&mut facts, DirectoryRole::Temporary, noexec);
        facts
    }

    pub(super) fn environment() -> Facts {
        let mut facts = healthy();
        add_environment(&mut facts);
        change(&mut facts, DirectoryRole::Environment, noexec);
        facts
    }

    pub(super) fn cargo_home() -> Facts {
        let mut facts = healthy();
        change(&mut facts, DirectoryRole::CargoHome, noexec);
        facts
    }

    pub(super) fn ordinary() -> Facts {
        with_target(|target| mounted(target, "/mnt", "tmpfs", &["rw", "nosuid", "nodev"]))
    }

    /// cargo comes from the system, so nothing in CARGO_HOME is started.
    pub(super) fn registry_only() -> Facts {
        let mut facts = cargo_home();
        facts.toolchain.cargo = Some(HostPath::from("/usr/bin/cargo"));
        facts
    }

    pub(super) fn home_only() -> Facts {
        let mut facts = healthy();
        change(&mut facts, DirectoryRole::Home, noexec);
        facts
    }

    #[test]
    fn one_mount_is_one_finding() {
        let mut facts = with_target(noexec);
        add_environment(&mut facts);
        change(&mut facts, DirectoryRole::Environment, noexec);
        let mut findings = Findings::default();
        run(&facts, &mut findings);
        assert_eq!(findings.list.len(), 1);
        assert_eq!(findings.list[0].evidence.len(), 3);
    }

    #[test]
    fn a_system_without_a_list_of_mounts_is_not_judged() {
        let mut facts = healthy();
        for directory in &mut facts.directories {
            directory.mount = None;
        }
        let mut findings = Findings::default();
        run(&facts, &mut findings);
        assert!(findings.skipped.is_some());
    }
}
