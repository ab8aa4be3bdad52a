//! FS016: a directory that builds write to lies on a read-only file system.

use report::{Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DirectoryFacts, DirectoryRole, Facts, Findings};

use super::{
    as_root, by_mount, environment_of, is_built_by_maturin, is_installed_into, knows_mounts,
    move_away, of_mount,
};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "FS016",
    name: "read-only-mount",
    summary: "A directory that builds write to lies on a read-only file system",
    page: include_str!("../../../pages/FS016.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::target, tests::temporary, tests::environment, tests::cargo_home],
        silent: &[tests::ordinary, tests::sources_only, tests::provided_environment],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    if !knows_mounts(facts, findings) {
        return;
    }
    let read_only = facts.directories.iter().filter(|directory| is_read_only(directory));
    let found = read_only.filter_map(|directory| Some((directory, consequence(facts, directory)?)));
    for (mount, group) in by_mount(found) {
        let point = facts.native(&mount.point);
        let (finding, directories) = of_mount(facts, mount, &group, "Nothing can be written to");
        let mut finding = finding.cause("The file system is mounted read-only");
        let is_good =
            |place: &DirectoryFacts| !is_read_only(place) && place.may_write.get() != Some(&false);
        if let Some(fix) = move_away(facts, &directories, is_good) {
            finding = finding.fix(fix);
        }
        findings.push(
            finding.fix(
                Fix::new(Safety::Confirm, format!("make {point} writable until the next restart"))
                    .run(as_root(facts, ["mount", "-o", "remount,rw", &point])),
            ),
        );
    }
}

pub(super) fn is_read_only(directory: &DirectoryFacts) -> bool {
    directory.mount.as_ref().is_some_and(|mount| mount.has_option("ro"))
}

/// What fails, and how surely.
fn consequence(facts: &Facts, directory: &DirectoryFacts) -> Option<(Severity, &'static str)> {
    match directory.role {
        DirectoryRole::Target => Some((Severity::Error, "cargo cannot build")),
        DirectoryRole::Temporary if is_built_by_maturin(facts) => {
            Some((Severity::Error, "maturin cannot make a wheel"))
        }
        DirectoryRole::Temporary => {
            Some((Severity::Warning, "tools that make temporary files fail"))
        }
        // A build whose crates are all there works, so this is no error.
        DirectoryRole::CargoHome => Some((Severity::Warning, "cargo cannot fetch crates")),
        DirectoryRole::UvCache => Some((Severity::Error, "uv does not start")),
        DirectoryRole::Environment => environment_of(facts, directory)
            .is_some_and(is_installed_into)
            .then_some((Severity::Warning, "nothing can be installed into it")),
        // Sources may well be read-only, if the target directory is elsewhere.
        DirectoryRole::Project | DirectoryRole::Home => None,
    }
}

#[cfg(test)]
mod tests {
    use pyenvs::EnvironmentKind;

    use super::super::tests::{add_environment, change, mounted, with_target};
    use super::*;
    use crate::Role;
    use crate::testing::{healthy, venv};

    fn read_only(directory: DirectoryFacts) -> DirectoryFacts {
        mounted(directory, "/mnt", "ext4", &["ro", "relatime"])
    }

    pub(super) fn target() -> Facts {
        with_target(read_only)
    }

    pub(super) fn temporary() -> Facts {
        let mut facts = healthy();
        change(&mut facts, DirectoryRole::Temporary, read_only);
        facts
    }

    pub(super) fn environment() -> Facts {
        let mut facts = healthy();
        add_environment(&mut facts);
        change(&mut facts, DirectoryRole::Environment, read_only);
        facts
    }

    pub(super) fn cargo_home() -> Facts {
        let mut facts = healthy();
        change(&mut facts, DirectoryRole::CargoHome, read_only);
        facts
    }

    pub(super) fn ordinary() -> Facts {
        with_target(|target| mounted(target, "/mnt", "ext4", &["rw", "errors=remount-ro"]))
    }

    /// Sources mounted read-only into a container, with the target directory outside.
    pub(super) fn sources_only() -> Facts {
        let mut facts = with_target(|target| mounted(target, "/t", "ext4", &["rw"]));
        change(&mut facts, DirectoryRole::Project, read_only);
        facts
    }

    /// The system's Python on a read-only `/usr`, or a module of a computing centre.
    pub(super) fn provided_environment() -> Facts {
        let mut facts = environment();
        let environment = venv(&mut facts);
        environment.python.kind = EnvironmentKind::System;
        environment.roles = vec![Role::OnPath, Role::Pyo3];
        facts
    }
}
