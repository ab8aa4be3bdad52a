//! BLD019: `Cargo.lock` is behind the manifests, or cannot be read by cargo at all.

use host::Seen;
use report::{Finding, Fix, Safety, Severity};
use semver::Version;

use super::{has_rust, lockfile, project};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{CargoLock, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD019",
    name: "cargo-lock-behind",
    summary: "Cargo.lock does not match the manifests, so builds with --locked fail",
    page: include_str!("../../../pages/BLD019.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::dependency_added, tests::unreadable, tests::too_new_for_cargo],
        silent: &[tests::fits, tests::no_lock, tests::not_every_manifest_read],
    },
};

/// Differences shown at most.
const SHOWN: usize = 8;

/// The first cargo that reads each version of the lock file's layout.
static READERS: [(u32, Version); 2] = [(3, Version::new(1, 53, 0)), (4, Version::new(1, 78, 0))];

fn run(facts: &Facts, findings: &mut Findings) {
    if !has_rust(facts) {
        findings.skip("there is no Cargo.toml here");
        return;
    }
    match &facts.project.lock {
        Seen::Absent => findings.skip("there is no Cargo.lock"),
        Seen::Broken(reason) => findings.push(unreadable(facts, reason)),
        Seen::Seen(lock) => {
            too_new(facts, lock, findings);
            if facts.project.broken_manifests.is_empty() {
                behind(facts, lock, findings);
            } else {
                findings.skip("not every manifest of the workspace could be read");
            }
        }
    }
}

fn behind(facts: &Facts, lock: &CargoLock, findings: &mut Findings) {
    let mismatches = lockfile::compare(&facts.project, lock);
    if mismatches.is_empty() {
        return;
    }
    let path = facts.native(&lock.path);
    let mut finding = Finding::new(
        Severity::Warning,
        project(facts),
        format!(
            "builds with --locked will fail: Cargo.lock is behind the manifests in {} place{}",
            mismatches.len(),
            if mismatches.len() == 1 { "" } else { "s" }
        ),
    );
    for mismatch in mismatches.iter().take(SHOWN) {
        let place = mismatch.manifest.as_ref().map_or_else(|| path.clone(), |p| facts.native(p));
        finding = finding.seen_at(place, mismatch.what.clone());
    }
    if mismatches.len() > SHOWN {
        finding = finding.seen(format!("and {} more", mismatches.len() - SHOWN));
    }
    findings.push(
        finding
            .cause(
                "A manifest was changed, and the lock file was not written anew or not committed",
            )
            .fix(update(facts)),
    );
}

/// Writes the lock file anew and changes no more versions than it must.
fn update(facts: &Facts) -> Fix {
    let fix = Fix::new(Safety::Safe, "bring the lock file up to date, and commit it");
    match &facts.project.workspace_root {
        Some(root) => {
            let manifest = facts.native(&root.join("Cargo.toml"));
            fix.run(["cargo", "update", "--workspace", "--manifest-path", manifest.as_str()])
        }
        None => fix.run(["cargo", "update", "--workspace"]),
    }
}

fn unreadable(facts: &Facts, reason: &str) -> Finding {
    let root = facts.project.workspace_root.as_ref().unwrap_or(&facts.project.root);
    let lock = facts.native(&root.join("Cargo.lock"));
    let manifest = facts.native(&root.join("Cargo.toml"));
    Finding::new(
        Severity::Error,
        project(facts),
        "cargo cannot read Cargo.lock, so it builds nothing",
    )
    .seen_at(lock.clone(), reason)
    .cause("The file is damaged; a merge conflict left in it is the usual way")
    .fix(
        Fix::new(Safety::Confirm, "take the committed lock file back, then bring it up to date")
            .run(["git", "-C", &facts.native(root), "checkout", "HEAD", "--", "Cargo.lock"])
            .run(["cargo", "update", "--workspace", "--manifest-path", manifest.as_str()]),
    )
    .fix(
        Fix::new(Safety::Confirm, "make a new lock file (every version becomes the newest)")
            .remove(crate::cures::paths(facts, &[&root.join("Cargo.lock")]))
            .run(["cargo", "generate-lockfile", "--manifest-path", manifest.as_str()]),
    )
}

fn too_new(facts: &Facts, lock: &CargoLock, findings: &mut Findings) {
    let Some(rustc) = facts.toolchain.rustc.get() else { return };
    let Ok(release) = Version::parse(&rustc.release) else { return };
    let first = READERS.iter().find(|(layout, _)| *layout == lock.version).map(|(_, first)| first);
    let release = Version::new(release.major, release.minor, release.patch);
    let Some(first) = first.filter(|first| release < **first) else { return };
    let update = match &facts.toolchain.rustup {
        Some(_) => Fix::new(Safety::Confirm, "use a newer toolchain").run(["rustup", "update"]),
        None => Fix::new(Safety::Manual, "use a newer toolchain")
            .by_hand(format!("install Rust {first} or newer")),
    };
    findings.push(
        Finding::new(
            Severity::Error,
            project(facts),
            format!(
                "cargo {} cannot read Cargo.lock: its layout {} is for cargo {first} and newer",
                rustc.release, lock.version
            ),
        )
        .seen_at(facts.native(&lock.path), format!("version = {}", lock.version))
        .seen_at(facts.native(&rustc.path), format!("release {}", rustc.release))
        .cause("The lock file was written by a newer cargo than the one here")
        .fix(update),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::bld::testing::{extension_project, pyo3_dependency};
    use crate::testing::rustc;
    use host::HostPath;

    pub(super) fn dependency_added() -> Facts {
        let mut facts = fits();
        let mut dependency = pyo3_dependency("1.0.0", &[]);
        dependency.name = "serde".to_owned();
        dependency.package = "serde".to_owned();
        facts.project.crates[0].dependencies.push(dependency);
        facts
    }

    pub(super) fn unreadable() -> Facts {
        let mut facts = fits();
        facts.project.lock = Seen::Broken("Cargo.lock:12:1: not a key: <<<<<<<".to_owned());
        facts
    }

    pub(super) fn too_new_for_cargo() -> Facts {
        let mut facts = fits();
        facts.toolchain.rustc = Seen::Seen(rustc("1.74.1", "x86_64-unknown-linux-gnu"));
        facts
    }

    pub(super) fn fits() -> Facts {
        extension_project("0.26.0", &["abi3-py39"])
    }

    pub(super) fn no_lock() -> Facts {
        let mut facts = dependency_added();
        facts.project.lock = Seen::Absent;
        facts
    }

    pub(super) fn not_every_manifest_read() -> Facts {
        let mut facts = dependency_added();
        facts.project.broken_manifests =
            vec![(HostPath::from("/p/a/Cargo.toml"), "not TOML".to_owned())];
        facts
    }
}
