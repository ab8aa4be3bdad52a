//! BLD030: a crate that is written for one minor version of PyO3 stands beside another one.

use report::{Finding, Fix, Safety, Severity};
use semver::{Version, VersionReq};

use super::project;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{CrateManifest, Dependency, DependencyKind, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD030",
    name: "companion-wants-another-pyo3",
    summary: "A companion crate of PyO3's is of another minor version than pyo3",
    page: include_str!("../../../pages/BLD030.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::pythonize, tests::in_another_member],
        silent: &[tests::same_minor, tests::a_range_that_meets, tests::from_git, tests::for_tests],
    },
};

/// Crates whose 0.N depends on pyo3 0.N, with the first N of which that is true, by their
/// dependencies on crates.io.
const COMPANIONS: [(&str, u64); 2] = [("pyo3-async-runtimes", 21), ("pythonize", 12)];

/// Minor versions that are tried against a requirement.
const LAST_MINOR: u64 = 200;

fn run(facts: &Facts, findings: &mut Findings) {
    if facts.project.crates.is_empty() {
        findings.skip("the project has no Cargo.toml");
        return;
    }
    let pyo3 = wanted(facts, "pyo3", 0);
    for (name, first) in COMPANIONS {
        let apart = wanted(facts, name, first).into_iter().find_map(|companion| {
            let other = pyo3
                .iter()
                .find(|pyo3| pyo3.minors.iter().all(|minor| !companion.minors.contains(minor)))?;
            Some((companion, other))
        });
        let Some((companion, pyo3)) = apart else { continue };
        let path = facts.native(&companion.manifest.path);
        let newest = |minors: &[u64]| minors.last().copied().unwrap_or_default();
        let (its, ours) = (newest(&companion.minors), newest(&pyo3.minors));
        findings.push(
            Finding::new(
                Severity::Error,
                project(facts),
                format!(
                    "{name} 0.{its} depends on pyo3 0.{its}, and the project asks for pyo3 0.{ours}"
                ),
            )
            .seen_at(&path, format!("{name} = \"{}\"", companion.written))
            .seen_at(facts.native(&pyo3.manifest.path), format!("pyo3 = \"{}\"", pyo3.written))
            .cause(
                "Only one pyo3 can be in a build, since it links Python, and the companion is \
                 written for the pyo3 of its own number",
            )
            .fix(
                Fix::new(Safety::Manual, format!("use {name} 0.{ours} with pyo3 0.{ours}")).edit(
                    path.clone(),
                    format!("{name} = \"0.{ours}\" instead of \"{}\"", companion.written),
                ),
            ),
        );
    }
}

/// What a manifest asks for of one crate.
struct Wanted<'a> {
    manifest: &'a CrateManifest,
    written: &'a str,
    minors: Vec<u64>,
}

/// What the manifests ask for, where it comes from a registry and is built in any case. Requirements
/// that let in a version from before `first` are left alone.
fn wanted<'a>(facts: &'a Facts, name: &str, first: u64) -> Vec<Wanted<'a>> {
    let counts = |dependency: &&Dependency| {
        dependency.package == name
            && dependency.location.is_none()
            && dependency.kind == DependencyKind::Normal
    };
    let crates = facts.project.crates.iter();
    crates
        .flat_map(|manifest| {
            manifest
                .dependencies
                .iter()
                .filter(counts)
                .map(move |dependency| (manifest, dependency))
        })
        .filter_map(|(manifest, dependency)| {
            let written = dependency.requirement.as_deref()?;
            let requirement = VersionReq::parse(written).ok()?;
            let lets_in = |minor: &u64| {
                // Any patch will do; no such crate has had more than a few.
                (0..30).any(|patch| requirement.matches(&Version::new(0, *minor, patch)))
            };
            let minors: Vec<u64> = (0..LAST_MINOR).filter(lets_in).collect();
            (minors.first()? >= &first).then_some(Wanted { manifest, written, minors })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::bld::testing::{extension_project, pyo3_dependency};

    fn beside(pyo3: &str, name: &str, requirement: &str) -> Facts {
        let mut facts = extension_project(pyo3, &[]);
        let mut companion = pyo3_dependency(pyo3, &[]);
        companion.name = name.to_owned();
        companion.package = name.to_owned();
        companion.requirement = Some(requirement.to_owned());
        facts.project.crates[0].dependencies.push(companion);
        facts
    }

    pub(super) fn pythonize() -> Facts {
        beside("0.26.0", "pythonize", "0.25")
    }

    pub(super) fn in_another_member() -> Facts {
        let mut facts = beside("0.26.0", "pyo3-async-runtimes", "0.24.1");
        let companion = facts.project.crates[0].dependencies.pop().unwrap();
        let mut other = facts.project.crates[0].clone();
        other.dependencies = vec![companion];
        facts.project.crates.push(other);
        facts
    }

    pub(super) fn same_minor() -> Facts {
        beside("0.26.0", "pythonize", "0.26")
    }

    pub(super) fn a_range_that_meets() -> Facts {
        beside("0.26.0", "pythonize", ">=0.24, <0.28")
    }

    pub(super) fn from_git() -> Facts {
        let mut facts = pythonize();
        facts.project.crates[0].dependencies[1].location = Some("git:https://x".to_owned());
        facts
    }

    pub(super) fn for_tests() -> Facts {
        let mut facts = pythonize();
        facts.project.crates[0].dependencies[1].kind = DependencyKind::Dev;
        facts
    }
}
