//! FS005: files cannot be linked where cargo and uv would link them, so they are copied.

use host::Seen;
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DirectoryFacts, DirectoryRole, Facts, Findings};

use super::{chosen, environment_of, is_installed_into, move_away, named, subject};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "FS005",
    name: "no-hard-links",
    summary: "cargo or uv cannot make hard links here, and copies files instead",
    page: include_str!("../../../pages/FS005.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::target_without_links, tests::fat, tests::cache_on_another_mount],
        silent: &[tests::ordinary, tests::copying_is_chosen, tests::uv_not_used],
    },
};

/// File systems that have no hard links at all.
const WITHOUT_LINKS: &[&str] = &["exfat", "fuse.exfat", "msdos", "vfat"];

fn run(facts: &Facts, findings: &mut Findings) {
    if let Some(target) = facts.directory(DirectoryRole::Target) {
        judge_target(facts, target, findings);
    }
    if let Some(cache) = facts.directory(DirectoryRole::UvCache)
        && facts.variable("UV_LINK_MODE").is_none()
    {
        for directory in &facts.directories {
            if environment_of(facts, directory).is_some_and(is_installed_into) {
                judge_cache(facts, cache, directory, findings);
            }
        }
    }
}

fn judge_target(facts: &Facts, target: &DirectoryFacts, findings: &mut Findings) {
    let Some(mount) = &target.mount else { return };
    let has_none = WITHOUT_LINKS.contains(&mount.file_system.as_str());
    let observation = match &target.probes.hard_link {
        Seen::Seen(false) => "a second name for a file was refused".to_owned(),
        Seen::Absent if has_none => format!("{} has no hard links", mount.file_system),
        Seen::Seen(true) | Seen::Absent | Seen::Broken(_) => return,
    };
    let mut finding = Finding::new(
        Severity::Info,
        subject(facts, target),
        format!(
            "{} has no hard links, so every build copies its files and takes more room",
            named(facts, target)
        ),
    )
    .seen_at(facts.native(&target.path), chosen(target))
    .seen_at(facts.native(&mount.point), format!("{}: {observation}", mount.file_system))
    .cause("The file system cannot give one file two names, which incremental compilation uses");
    let has_links = |place: &DirectoryFacts| {
        place.mount.as_ref().is_some_and(|there| {
            there.point != mount.point && !WITHOUT_LINKS.contains(&there.file_system.as_str())
        })
    };
    if let Some(fix) = move_away(facts, &[target], has_links) {
        finding = finding.fix(fix);
    }
    findings.push(
        finding.fix(
            Fix::new(Safety::Manual, "move the project")
                .by_hand("move the project to a file system that has hard links"),
        ),
    );
}

/// Links do not reach from one mount into another, be the disk the same.
fn judge_cache(
    facts: &Facts,
    cache: &DirectoryFacts,
    environment: &DirectoryFacts,
    findings: &mut Findings,
) {
    let (Some(from), Some(to)) = (&cache.mount, &environment.mount) else { return };
    if from.point == to.point {
        return;
    }
    findings.push(
        Finding::new(
            Severity::Info,
            subject(facts, environment),
            format!(
                "uv copies every file into {}, since its cache is on another file system",
                facts.short(&environment.path)
            ),
        )
        .seen_at(facts.native(&cache.path), format!("{}, on {}", chosen(cache), mounted(from)))
        .seen_at(facts.native(&environment.path), format!("on {}", mounted(to)))
        .cause(
            "uv links files from its cache into environments, and links cannot lead from one \
             mount into another",
        )
        .fix(
            Fix::new(Safety::Safe, "say that copying is meant, which also ends uv's warning")
                .set("UV_LINK_MODE", "copy"),
        )
        .fix(
            Fix::new(Safety::Manual, "put the cache beside the environment")
                .by_hand("set UV_CACHE_DIR to a directory on the environment's file system"),
        ),
    );
}

fn mounted(mount: &host::Mount) -> String {
    format!("{} at {}", mount.file_system, mount.point)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{add_environment, mounted, with_target};
    use super::*;
    use crate::testing::{directory, healthy};

    pub(super) fn target_without_links() -> Facts {
        with_target(|target| {
            let mut target = mounted(target, "/mnt", "fuseblk", &["rw"]);
            target.probes.hard_link = Seen::Seen(false);
            target
        })
    }

    pub(super) fn fat() -> Facts {
        with_target(|target| mounted(target, "/mnt", "vfat", &["rw"]))
    }

    pub(super) fn cache_on_another_mount() -> Facts {
        let mut facts = healthy();
        add_environment(&mut facts);
        let cache = directory(DirectoryRole::UvCache, "/data/uv");
        facts.directories.push(mounted(cache, "/data", "xfs", &["rw"]));
        facts
    }

    pub(super) fn ordinary() -> Facts {
        let mut facts = with_target(|target| target);
        add_environment(&mut facts);
        facts.directories.push(directory(DirectoryRole::UvCache, "/home/dev/.cache/uv"));
        facts
    }

    pub(super) fn copying_is_chosen() -> Facts {
        let mut facts = cache_on_another_mount();
        facts.machine.variables.insert("UV_LINK_MODE".to_owned(), "copy".to_owned());
        facts
    }

    pub(super) fn uv_not_used() -> Facts {
        let mut facts = healthy();
        add_environment(&mut facts);
        facts
    }
}
