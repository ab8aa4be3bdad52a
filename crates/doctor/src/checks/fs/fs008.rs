//! FS008: a mount inside a directory through which files are renamed.

use host::HostPath;
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DirectoryRole, Facts, Findings};

use super::{as_root, chosen, knows_mounts, subject};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "FS008",
    name: "rename-across-mounts",
    summary: "A mount inside uv's cache makes renames in it fail",
    page: include_str!("../../../pages/FS008.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::archive, tests::builds],
        silent: &[tests::whole_cache, tests::index_only, tests::tmpfs, tests::inside_target],
    },
};

/// Directories of the cache into which, or out of which, uv renames what it has unpacked or
/// built; each name goes on with a version. Its other directories take no part.
const RENAMED: &[&str] = &["archive-v", "builds-v", "sdists-v"];

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(cache) = facts.directory(DirectoryRole::UvCache) else {
        findings.skip("uv is not used here");
        return;
    };
    if !knows_mounts(facts, findings) {
        return;
    }
    let inside: Vec<&HostPath> =
        cache.mounts_below.iter().filter(|point| is_renamed(&cache.nearest, point)).collect();
    if inside.is_empty() {
        return;
    }
    let mut finding = Finding::new(
        Severity::Error,
        subject(facts, cache),
        "uv cannot install packages: a part of its cache is a mount of its own",
    )
    .seen_at(facts.native(&cache.path), chosen(cache));
    for point in &inside {
        finding = finding.seen_at(facts.native(point), "another file system is mounted here");
    }
    let mut unmount = Fix::new(Safety::Confirm, "take the inner mount away");
    for point in &inside {
        unmount = unmount.run(as_root(facts, ["umount", &facts.native(point)]));
    }
    let place = facts.native(&cache.path);
    findings.push(
        finding
            .cause(
                "uv unpacks and builds in one directory of its cache and renames the result into \
                 another, and a rename cannot lead from one mount into another",
            )
            .fix(unmount)
            .fix(Fix::new(Safety::Manual, "mount the whole cache instead").by_hand(format!(
                "in the container's or sandbox's settings, mount {place} as one"
            ))),
    );
}

fn is_renamed(cache: &HostPath, point: &HostPath) -> bool {
    point
        .strip_prefix(cache.as_path())
        .ok()
        .and_then(|rest| rest.components().next())
        .and_then(|first| first.as_os_str().to_str())
        .is_some_and(|first| RENAMED.iter().any(|name| first.starts_with(name)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{change, mounted, with_target};
    use super::*;
    use crate::testing::{directory, healthy};

    fn with_mounts(points: &[&str]) -> Facts {
        let mut facts = healthy();
        let mut cache = directory(DirectoryRole::UvCache, "/home/dev/.cache/uv");
        cache.mounts_below = points.iter().map(|point| HostPath::from(*point)).collect();
        facts.directories.push(cache);
        facts
    }

    pub(super) fn archive() -> Facts {
        with_mounts(&["/home/dev/.cache/uv/archive-v0"])
    }

    pub(super) fn builds() -> Facts {
        with_mounts(&["/home/dev/.cache/uv/simple-v16", "/home/dev/.cache/uv/builds-v0"])
    }

    /// A volume for the cache as a whole is how caches are kept between containers.
    pub(super) fn whole_cache() -> Facts {
        let mut facts = with_mounts(&[]);
        change(&mut facts, DirectoryRole::UvCache, |cache| {
            mounted(cache, "/home/dev/.cache/uv", "ext4", &["rw"])
        });
        facts
    }

    pub(super) fn index_only() -> Facts {
        with_mounts(&["/home/dev/.cache/uv/simple-v16", "/home/dev/.cache/uv/wheels-v5"])
    }

    /// Temporary files in memory are the usual thing.
    pub(super) fn tmpfs() -> Facts {
        let mut facts = with_mounts(&[]);
        change(&mut facts, DirectoryRole::Temporary, |tmp| mounted(tmp, "/tmp", "tmpfs", &["rw"]));
        facts
    }

    /// cargo and rustc copy where they cannot link, and rename only within one directory.
    pub(super) fn inside_target() -> Facts {
        with_target(|mut target| {
            target.mounts_below = vec![target.path.join("debug/deps")];
            target
        })
    }
}
