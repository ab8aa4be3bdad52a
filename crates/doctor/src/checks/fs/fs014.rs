//! FS014: files that builds write to belong to another user.

use host::HostPath;
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DirectoryFacts, DirectoryRole, Facts, Findings};

use super::{as_root, chosen, environment_of, fs016, is_installed_into, move_away, named, subject};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "FS014",
    name: "foreign-owner",
    summary: "Files that builds write to belong to another user, often root",
    page: include_str!("../../../pages/FS014.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[
            tests::target_of_root,
            tests::entries_of_root,
            tests::environment_of_root,
            tests::own_but_closed,
        ],
        silent: &[
            tests::own,
            tests::root_writes_everywhere,
            tests::of_the_group,
            tests::read_only,
            tests::provided_environment,
        ],
    },
};

/// Entries shown as evidence.
const SHOWN: usize = 5;

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(user) = facts.machine.user_id else {
        findings.skip("this system has no numeric users");
        return;
    };
    if user == 0 {
        return;
    }
    for directory in &facts.directories {
        // A read-only mount refuses everybody: FS016.
        if fs016::is_read_only(directory) {
            continue;
        }
        let Some((severity, fails)) = consequence(facts, directory) else { continue };
        let closed = directory.may_write.get() == Some(&false);
        if !closed && directory.foreign_owned.is_empty() {
            continue;
        }
        findings.push(describe(facts, user, directory, closed, severity, fails));
    }
}

fn describe(
    facts: &Facts,
    user: u32,
    directory: &DirectoryFacts,
    closed: bool,
    severity: Severity,
    fails: &str,
) -> Finding {
    let name = named(facts, directory);
    // Of a directory that is not made yet, the one above it counts.
    let place = if directory.exists { &directory.path } else { &directory.nearest };
    let (what, owner) = if closed {
        (format!("You may not write to {name}"), directory.owner)
    } else {
        let owner = directory.foreign_owned.first().map(|(_, owner)| *owner);
        (format!("Parts of {name} belong to {}", user_name(owner)), owner)
    };
    let mut finding =
        Finding::new(severity, subject(facts, directory), format!("{what}, so {fails}"));
    if closed {
        let owned = format!("belongs to {}; you are user {user}", user_name(owner));
        finding = finding.seen_at(facts.native(place), format!("{owned} ({})", chosen(directory)));
    }
    for (path, owner) in directory.foreign_owned.iter().take(SHOWN) {
        finding =
            finding.seen_at(facts.native(path), format!("belongs to {}", user_name(Some(*owner))));
    }
    let is_own = closed && owner == Some(user);
    finding = finding.cause(if is_own {
        "It is yours, and its permissions forbid writing"
    } else if owner == Some(0) {
        "A build ran as root before: with sudo, or in a container that shares this directory"
    } else {
        "Another user made it, or the user of a container that shares this directory"
    });
    let may_write =
        |place: &DirectoryFacts| place.may_write.get() == Some(&true) && place.mount.is_some();
    let take = take_over(facts, user, place, is_own);
    match move_away(facts, &[directory], may_write) {
        // What does not exist yet is better made elsewhere than in another's directory.
        Some(fix) if !directory.exists => finding.fix(fix).fix(take),
        Some(fix) => finding.fix(take).fix(fix),
        None => finding.fix(take),
    }
}

fn take_over(facts: &Facts, user: u32, place: &HostPath, is_own: bool) -> Fix {
    let place = facts.native(place);
    if is_own {
        return Fix::new(Safety::Confirm, "allow yourself to write to it").run([
            "chmod",
            "-R",
            "u+rwX",
            place.as_str(),
        ]);
    }
    Fix::new(Safety::Confirm, "make it yours")
        .run(as_root(facts, ["chown", "-R", &user.to_string(), &place]))
}

fn user_name(user: Option<u32>) -> String {
    match user {
        Some(0) => "root".to_owned(),
        Some(user) => format!("user {user}"),
        None => "another user".to_owned(),
    }
}

/// What fails, and how surely.
fn consequence(facts: &Facts, directory: &DirectoryFacts) -> Option<(Severity, &'static str)> {
    match directory.role {
        DirectoryRole::Target => Some((Severity::Error, "cargo cannot build")),
        DirectoryRole::Temporary if directory.exists => {
            Some((Severity::Error, "tools that make temporary files fail"))
        }
        DirectoryRole::CargoHome => Some((Severity::Warning, "cargo cannot fetch crates")),
        DirectoryRole::UvCache => Some((Severity::Error, "uv cannot install packages")),
        DirectoryRole::Environment => environment_of(facts, directory)
            .is_some_and(is_installed_into)
            .then_some((Severity::Warning, "packages in it cannot be installed or replaced")),
        DirectoryRole::Temporary | DirectoryRole::Project | DirectoryRole::Home => None,
    }
}

#[cfg(test)]
mod tests {
    use host::Seen;
    use pyenvs::EnvironmentKind;

    use super::super::tests::{add_environment, change, mounted, with_target};
    use super::*;
    use crate::Role;
    use crate::testing::{healthy, venv};

    fn of_root(mut directory: DirectoryFacts) -> DirectoryFacts {
        directory.owner = Some(0);
        directory.may_write = Seen::Seen(false);
        directory
    }

    pub(super) fn target_of_root() -> Facts {
        with_target(of_root)
    }

    pub(super) fn entries_of_root() -> Facts {
        with_target(|mut target| {
            target.foreign_owned = vec![(target.path.join("release"), 0)];
            target
        })
    }

    pub(super) fn environment_of_root() -> Facts {
        let mut facts = healthy();
        add_environment(&mut facts);
        change(&mut facts, DirectoryRole::Environment, of_root);
        facts
    }

    pub(super) fn own_but_closed() -> Facts {
        with_target(|mut target| {
            target.may_write = Seen::Seen(false);
            target
        })
    }

    pub(super) fn own() -> Facts {
        with_target(|target| target)
    }

    pub(super) fn root_writes_everywhere() -> Facts {
        let mut facts = target_of_root();
        facts.machine.user_id = Some(0);
        facts
    }

    /// The system says yes, be it for the group's sake.
    pub(super) fn of_the_group() -> Facts {
        with_target(|mut target| {
            target.owner = Some(0);
            target
        })
    }

    pub(super) fn read_only() -> Facts {
        with_target(|target| mounted(of_root(target), "/mnt", "ext4", &["ro"]))
    }

    /// A container's `/opt/venv`, made by root and only used.
    pub(super) fn provided_environment() -> Facts {
        let mut facts = environment_of_root();
        let environment = venv(&mut facts);
        environment.python.kind = EnvironmentKind::Venv;
        environment.roles = vec![Role::Active, Role::OnPath];
        facts
    }
}
