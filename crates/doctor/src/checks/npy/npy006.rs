//! NPY006: the `numpy` crate wants another pyo3 than the project.

use report::{Finding, Fix, Safety, Severity};
use semver::{Version, VersionReq};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::plan::toml_string;
use crate::{CargoLock, CrateManifest, Dependency, DependencyKind, Facts, Findings, subjects};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "NPY006",
    name: "numpy-crate-wants-another-pyo3",
    summary: "The numpy crate and the project ask for different minor versions of pyo3",
    page: include_str!("../../../pages/NPY006.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::requirements, tests::members, tests::lock_file],
        silent: &[
            tests::same_minor,
            tests::a_range_that_meets,
            tests::from_git,
            tests::without_numpy,
            tests::one_pyo3_locked,
        ],
    },
};

/// From 0.11 on, `numpy` 0.N depends on pyo3 0.N. These are the minor versions looked at; later ones
/// are taken to go on like this.
const MINORS: std::ops::Range<u64> = 11..200;

fn run(facts: &Facts, findings: &mut Findings) {
    let project = &facts.project;
    if project.crates.is_empty() && project.lock.get().is_none() {
        findings.skip("the project has no Cargo.toml");
        return;
    }
    if let Some(finding) = of_requirements(facts) {
        findings.push(finding);
    } else if let Some(finding) = project.lock.get().and_then(|lock| of_lock(facts, lock)) {
        findings.push(finding);
    }
}

/// What a manifest asks for of one crate.
struct Wanted<'a> {
    manifest: &'a CrateManifest,
    dependency: &'a Dependency,
    written: &'a str,
    minors: Vec<u64>,
}

/// What the project's manifests ask for, where it is to come from a registry and makes sense.
fn wanted<'a>(facts: &'a Facts, name: &'a str) -> Vec<Wanted<'a>> {
    facts
        .project
        .crates
        .iter()
        .flat_map(move |manifest| {
            manifest.dependencies.iter().map(move |dependency| (manifest, dependency))
        })
        .filter(|(_, dependency)| dependency.package == name && dependency.location.is_none())
        .filter_map(|(manifest, dependency)| {
            let written = dependency.requirement.as_deref()?;
            let minors = minors(&VersionReq::parse(written).ok()?);
            (!minors.is_empty()).then_some(Wanted { manifest, dependency, written, minors })
        })
        .collect()
}

/// The minor versions of 0.N that a requirement lets in.
fn minors(requirement: &VersionReq) -> Vec<u64> {
    // Any patch will do; no such crate has had more than a few.
    MINORS
        .filter(|minor| (0..30).any(|patch| requirement.matches(&Version::new(0, *minor, patch))))
        .collect()
}

/// cargo links one Python only (`links = "python"`), so that every requirement in the workspace has
/// to meet in one pyo3.
fn of_requirements(facts: &Facts) -> Option<Finding> {
    let pyo3 = wanted(facts, "pyo3");
    let numpy = wanted(facts, "numpy");
    let (numpy, pyo3) = numpy.iter().find_map(|numpy| {
        let apart = |pyo3: &&Wanted<'_>| pyo3.minors.iter().all(|n| !numpy.minors.contains(n));
        Some((numpy, pyo3.iter().find(apart)?))
    })?;
    let path = facts.native(&numpy.manifest.path);
    let fits = pyo3.minors.last().copied().unwrap_or_default();
    let (first, second) = (newest(&numpy.minors), newest(&pyo3.minors));
    let fix = use_version(facts, numpy, fits);
    Some(
        Finding::new(
            Severity::Error,
            subjects::project(facts),
            format!(
                "numpy {first} depends on pyo3 {first}, and the project asks for pyo3 {second}"
            ),
        )
        .seen_at(&path, format!("numpy = \"{}\"", numpy.written))
        .seen_at(facts.native(&pyo3.manifest.path), format!("pyo3 = \"{}\"", pyo3.written))
        .seen("cargo will say: `failed to select a version for `pyo3-ffi``")
        .cause(CAUSE)
        .fix(fix),
    )
}

/// Gives the dependency another version where a program can; code that calls the crate may have to
/// follow.
fn use_version(facts: &Facts, numpy: &Wanted<'_>, minor: u64) -> Fix {
    let path = facts.native(&numpy.manifest.path);
    let title = format!("use numpy 0.{minor} with pyo3 0.{minor}");
    let Dependency { name, kind, target, .. } = numpy.dependency;
    if *kind != DependencyKind::Normal || target.is_some() {
        return Fix::new(Safety::Manual, title)
            .edit(path, format!("numpy = \"0.{minor}\" instead of \"{}\"", numpy.written));
    }
    let fix = Fix::new(Safety::Confirm, title);
    let version = toml_string(&format!("0.{minor}"));
    let plain = numpy.dependency.features.is_empty()
        && numpy.dependency.default_features
        && !numpy.dependency.optional
        && *name == numpy.dependency.package;
    match plain {
        true => fix.configure(path, &["dependencies"], name, version),
        false => fix.configure(path, &["dependencies", name], "version", version),
    }
}

fn newest(minors: &[u64]) -> String {
    minors.last().map(|minor| format!("0.{minor}")).unwrap_or_default()
}

const CAUSE: &str = "Each minor version of the numpy crate is written for the pyo3 of the same \
                     number, and only one pyo3 can be in a build, since it links Python";

/// A lock file with two of them, as an older cargo or a patched crate can leave it.
fn of_lock(facts: &Facts, lock: &CargoLock) -> Option<Finding> {
    let pyo3 = facts.project.locked("pyo3");
    let numpy = facts.project.locked("numpy").into_iter().next()?;
    let numpys = numpy
        .dependencies
        .iter()
        .find_map(|dependency| dependency.strip_prefix("pyo3 "))
        .map(|version| version.split(' ').next().unwrap_or(version))?;
    let other = pyo3.iter().find(|package| package.version != numpys)?;
    let path = facts.native(&lock.path);
    let root = facts.project.workspace_root.as_ref().unwrap_or(&facts.project.root);
    let manifest = facts.native(&root.join("Cargo.toml"));
    Some(
        Finding::new(
            Severity::Error,
            subjects::project(facts),
            format!(
                "numpy {} is locked to pyo3 {numpys}, and the project to pyo3 {}",
                numpy.version, other.version
            ),
        )
        .seen_at(&path, format!("numpy {} with pyo3 {numpys}", numpy.version))
        .seen_at(&path, format!("pyo3 {}", other.version))
        .cause(CAUSE)
        .fix(
            Fix::new(Safety::Manual, "bring numpy and pyo3 to the same minor version")
                .edit(manifest.clone(), "give numpy and pyo3 the same minor version")
                .run(["cargo", "update", "--manifest-path", &manifest, "numpy", "pyo3"]),
        ),
    )
}

#[cfg(test)]
mod tests {
    use host::{HostPath, Seen};

    use super::*;
    use crate::testing::{PROJECT, dependency, healthy};
    use crate::{Dependency, LockedPackage};

    fn manifest(name: &str, dependencies: Vec<Dependency>) -> CrateManifest {
        CrateManifest {
            path: HostPath::from(format!("{PROJECT}/{name}/Cargo.toml").as_str()),
            name: name.to_owned(),
            dependencies,
            ..CrateManifest::default()
        }
    }

    fn asking(numpy: &str, pyo3: &str) -> Facts {
        let mut facts = healthy();
        facts.project.crates = vec![manifest(
            "a",
            vec![dependency("numpy", Some(numpy)), dependency("pyo3", Some(pyo3))],
        )];
        facts
    }

    pub(super) fn requirements() -> Facts {
        asking("0.21", "0.22.4")
    }

    pub(super) fn members() -> Facts {
        let mut facts = healthy();
        facts.project.crates = vec![
            manifest("a", vec![dependency("numpy", Some("^0.25"))]),
            manifest("b", vec![dependency("pyo3", Some("0.26"))]),
        ];
        facts
    }

    pub(super) fn same_minor() -> Facts {
        asking("0.22.1", "0.22.6")
    }

    pub(super) fn a_range_that_meets() -> Facts {
        asking(">=0.21, <0.24", "0.23")
    }

    pub(super) fn from_git() -> Facts {
        let mut facts = requirements();
        facts.project.crates[0].dependencies[0].location = Some("git".to_owned());
        facts
    }

    pub(super) fn without_numpy() -> Facts {
        let mut facts = requirements();
        facts.project.crates[0].dependencies.remove(0);
        facts
    }

    fn locking(pyo3: &[&str]) -> Facts {
        let mut facts = same_minor();
        let locked = |name: &str, version: &str, dependencies: &[&str]| LockedPackage {
            name: name.to_owned(),
            version: version.to_owned(),
            source: None,
            dependencies: dependencies.iter().map(|d| (*d).to_owned()).collect(),
        };
        let numpys = if pyo3.len() > 1 { format!("pyo3 {}", pyo3[0]) } else { "pyo3".to_owned() };
        let mut packages = vec![locked("numpy", "0.22.1", &["ndarray", &numpys])];
        packages.extend(pyo3.iter().map(|version| locked("pyo3", version, &[])));
        facts.project.lock = Seen::Seen(CargoLock {
            path: HostPath::from(format!("{PROJECT}/Cargo.lock").as_str()),
            version: 4,
            packages,
        });
        facts
    }

    pub(super) fn lock_file() -> Facts {
        locking(&["0.22.6", "0.23.5"])
    }

    pub(super) fn one_pyo3_locked() -> Facts {
        locking(&["0.22.6"])
    }

    #[test]
    fn the_cure_names_the_numpy_that_goes_with_the_projects_pyo3() {
        let mut findings = Findings::default();
        run(&requirements(), &mut findings);
        assert_eq!(
            findings.list[0].message,
            "numpy 0.21 depends on pyo3 0.21, and the project asks for pyo3 0.22"
        );
        assert!(findings.list[0].fixes[0].title.contains("numpy 0.22 with pyo3 0.22"));
    }
}
