//! BLD026: the compiler is older than the project, its edition or its PyO3 needs.

use report::{Finding, Fix, Safety, Severity};
use semver::Version;

use super::{has_rust, toolchain};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DependencyKind, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD026",
    name: "rustc-older-than-required",
    summary: "rustc is older than a crate here, its edition or the locked PyO3 requires",
    page: include_str!("../../../pages/BLD026.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::declared, tests::edition, tests::locked_pyo3, tests::held_by_a_file],
        silent: &[
            tests::new_enough,
            tests::pyo3_that_is_optional,
            tests::nightly_of_the_same,
            tests::no_rustc,
        ],
    },
};

/// The first Rust with each edition.
static EDITIONS: [(&str, Version); 3] = [
    ("2018", Version::new(1, 31, 0)),
    ("2021", Version::new(1, 56, 0)),
    ("2024", Version::new(1, 85, 0)),
];

/// `rust-version` of PyO3's releases on crates.io: from this minor version on.
static PYO3: [(u64, Version); 4] = [
    (20, Version::new(1, 56, 0)),
    (22, Version::new(1, 63, 0)),
    (26, Version::new(1, 74, 0)),
    (28, Version::new(1, 83, 0)),
];

/// Somebody who asks for a newer Rust.
struct Demand {
    needs: Version,
    /// For the message: `demo`, `edition 2024 of demo`.
    who: String,
    place: String,
    value: String,
}

fn run(facts: &Facts, findings: &mut Findings) {
    if !has_rust(facts) {
        findings.skip("there is no Cargo.toml here");
        return;
    }
    let Some(rustc) = facts.toolchain.rustc.get() else {
        findings.skip("there is no rustc to compare with");
        return;
    };
    let Ok(release) = Version::parse(&rustc.release) else {
        findings.skip("the release of rustc cannot be read");
        return;
    };
    // cargo takes a nightly for the release that it comes before.
    let release = Version::new(release.major, release.minor, release.patch);
    let demand = demands(facts).into_iter().filter(|demand| demand.needs > release);
    let Some(demand) = demand.max_by(|a, b| a.needs.cmp(&b.needs)) else { return };
    findings.push(
        Finding::new(
            Severity::Error,
            toolchain(facts),
            format!("{} needs Rust {}, and this is {}", demand.who, demand.needs, rustc.release),
        )
        .seen_at(demand.place, demand.value)
        .seen_at(facts.native(&rustc.path), format!("release {}", rustc.release))
        .cause(
            "Crates state the oldest Rust that they are written for, and cargo refuses them with \
             an older one; distributions have older ones than rustup",
        )
        .fix(cure(facts, &demand.needs)),
    );
}

fn demands(facts: &Facts) -> Vec<Demand> {
    let mut found = Vec::new();
    for manifest in &facts.project.crates {
        let place = facts.native(&manifest.path);
        if let Some(needs) = manifest.rust_version.as_deref().and_then(whole) {
            found.push(Demand {
                needs,
                who: manifest.name.clone(),
                place: place.clone(),
                value: format!(
                    "rust-version = \"{}\"",
                    manifest.rust_version.as_deref().unwrap_or_default()
                ),
            });
        }
        let edition = EDITIONS.iter().find(|(name, _)| Some(*name) == manifest.edition.as_deref());
        if let Some((name, needs)) = edition {
            found.push(Demand {
                needs: needs.clone(),
                who: format!("the edition {name} of {}", manifest.name),
                place,
                value: format!("edition = \"{name}\""),
            });
        }
    }
    let lock = facts.project.lock.get().map(|lock| facts.native(&lock.path)).unwrap_or_default();
    // One that only a feature turns on may never be built.
    let is_built = facts.project.crates_using("pyo3").any(|manifest| {
        let mut uses = manifest.dependencies.iter().filter(|one| one.package == "pyo3");
        uses.any(|one| !one.optional && one.kind == DependencyKind::Normal)
    });
    for package in facts.project.locked("pyo3").into_iter().filter(|_| is_built) {
        let Ok(version) = Version::parse(&package.version) else { continue };
        let needs = PYO3.iter().rev().find(|(minor, _)| version.minor >= *minor);
        if let Some((_, needs)) = needs.filter(|_| version.major == 0) {
            found.push(Demand {
                needs: needs.clone(),
                who: format!("pyo3 {version}"),
                place: lock.clone(),
                value: format!("pyo3 {version}"),
            });
        }
    }
    found
}

/// `1.70` is `1.70.0`.
fn whole(text: &str) -> Option<Version> {
    let mut parts = text.trim().split('.').map(|part| part.parse::<u64>().ok());
    let next = |parts: &mut dyn Iterator<Item = Option<u64>>| parts.next().unwrap_or(Some(0));
    Some(Version::new(next(&mut parts)?, next(&mut parts)?, next(&mut parts)?))
}

fn cure(facts: &Facts, needs: &Version) -> Fix {
    let title = format!("use Rust {needs} or newer");
    match (&facts.project.toolchain_file, &facts.toolchain.rustup) {
        (Some((file, channel)), Some(_)) => Fix::new(Safety::Manual, title).edit(
            facts.native(file),
            format!("`{channel}` becomes `{}.{}` or newer", needs.major, needs.minor),
        ),
        (None, Some(_)) => Fix::new(Safety::Confirm, title).run(["rustup", "update"]),
        (_, None) => Fix::new(Safety::Manual, title).by_hand(format!(
            "install Rust {needs} or newer with rustup (https://rustup.rs); packages of the \
             distribution may be older"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::bld::testing::extension_project;
    use crate::testing::{PROJECT, rustc};
    use host::{HostPath, Seen};

    fn with(release: &str, pyo3: &str) -> Facts {
        let mut facts = extension_project(pyo3, &[]);
        facts.toolchain.rustc = Seen::Seen(rustc(release, "x86_64-unknown-linux-gnu"));
        facts.project.crates[0].edition = Some("2021".to_owned());
        facts
    }

    pub(super) fn declared() -> Facts {
        let mut facts = with("1.75.0", "0.22.6");
        facts.project.crates[0].rust_version = Some("1.80".to_owned());
        facts
    }

    pub(super) fn edition() -> Facts {
        let mut facts = with("1.75.0", "0.22.6");
        facts.project.crates[0].edition = Some("2024".to_owned());
        facts
    }

    pub(super) fn locked_pyo3() -> Facts {
        with("1.75.0", "0.28.0")
    }

    pub(super) fn held_by_a_file() -> Facts {
        let mut facts = declared();
        let file = HostPath::from(PROJECT).join("rust-toolchain.toml");
        facts.project.toolchain_file = Some((file, "1.75".to_owned()));
        facts
    }

    pub(super) fn new_enough() -> Facts {
        let mut facts = declared();
        facts.toolchain.rustc = Seen::Seen(rustc("1.80.0", "x86_64-unknown-linux-gnu"));
        facts
    }

    pub(super) fn nightly_of_the_same() -> Facts {
        let mut facts = declared();
        facts.toolchain.rustc = Seen::Seen(rustc("1.80.0-nightly", "x86_64-unknown-linux-gnu"));
        facts
    }

    pub(super) fn pyo3_that_is_optional() -> Facts {
        let mut facts = locked_pyo3();
        facts.project.crates[0].dependencies[0].optional = true;
        facts
    }

    pub(super) fn no_rustc() -> Facts {
        let mut facts = declared();
        facts.toolchain.rustc = Seen::Absent;
        facts
    }
}
