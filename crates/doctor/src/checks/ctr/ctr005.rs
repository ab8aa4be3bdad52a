//! CTR005: what a container wrote into the project belongs to another user.

use host::HostPath;
use report::{Finding, Fix, Platform, Safety, Severity};

use super::wish;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DirectoryRole, Facts, Findings, subjects};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "CTR005",
    name: "root-owned-output",
    summary: "What a container built belongs to root, or to a user that does not exist here",
    page: include_str!("../../../pages/CTR005.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::of_root, tests::of_a_mapped_user],
        silent: &[tests::own, tests::no_containers, tests::of_a_colleague, tests::as_root],
    },
};

/// Files that are shown as evidence.
const SHOWN: usize = 5;

/// The first number that systems map the users of containers to.
const MAPPED: u32 = 100_000;

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(user) = facts.machine.user_id.filter(|user| *user != 0) else {
        findings.skip("root may change whatever a container leaves");
        return;
    };
    let Some((asks, _)) = wish(facts) else {
        findings.skip("nothing here asks for containers");
        return;
    };
    let project = facts.directory(DirectoryRole::Project);
    let outputs: Vec<&(HostPath, u32)> = project
        .into_iter()
        .flat_map(|project| &project.foreign_owned)
        .filter(|(_, owner)| *owner == 0 || *owner >= MAPPED)
        .collect();
    let Some((first, owner)) = outputs.first().map(|(path, owner)| (path, *owner)) else { return };
    let whose = if owner == 0 { "root".to_owned() } else { format!("user {owner}") };
    let mut finding = Finding::new(
        Severity::Warning,
        subjects::project(facts),
        format!("{} belongs to {whose}, so you cannot replace or delete it", facts.short(first)),
    );
    for (path, owner) in outputs.iter().take(SHOWN) {
        finding =
            finding.seen_at(facts.native(path), format!("belongs to user {owner}; you are {user}"));
    }
    if outputs.len() > SHOWN {
        finding = finding.seen(format!("and {} more", outputs.len() - SHOWN));
    }
    let paths = outputs.iter().map(|(path, _)| facts.native(path));
    let argv = ["sudo", "chown", "-R"].map(str::to_owned).into_iter();
    let argv = argv.chain([user.to_string()]).chain(paths);
    findings.push(
        finding
            .seen_at(facts.native(asks), "asks for containers")
            .cause("The container ran as another user than you and wrote into the project")
            .fix(Fix::new(Safety::Confirm, "make it yours").on(Platform::Linux).run(argv))
            .fix(
                Fix::new(Safety::Manual, "run containers as yourself from now on")
                    .by_hand("docker: add `--user \"$(id -u):$(id -g)\"` to `docker run`")
                    .by_hand("podman: add `--userns keep-id` to `podman run`"),
            ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PROJECT, healthy};

    fn owned_by(owner: u32) -> Facts {
        let mut facts = healthy();
        let root = HostPath::from(PROJECT);
        facts.engines.wanted_by = Some(root.join("Dockerfile"));
        let project = facts.directories.iter_mut().find(|one| one.role == DirectoryRole::Project);
        project.unwrap().foreign_owned = vec![(root.join("dist"), owner)];
        facts
    }

    pub(super) fn of_root() -> Facts {
        owned_by(0)
    }

    pub(super) fn of_a_mapped_user() -> Facts {
        owned_by(100_999)
    }

    pub(super) fn of_a_colleague() -> Facts {
        owned_by(1001)
    }

    pub(super) fn own() -> Facts {
        let mut facts = of_root();
        facts.directories.iter_mut().for_each(|directory| directory.foreign_owned.clear());
        facts
    }

    pub(super) fn no_containers() -> Facts {
        let mut facts = of_root();
        facts.engines.wanted_by = None;
        facts
    }

    pub(super) fn as_root() -> Facts {
        let mut facts = of_root();
        facts.machine.user_id = Some(0);
        facts
    }
}
