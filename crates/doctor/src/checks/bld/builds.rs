//! The builds of PyO3 that tools would make here: which version, with which features, for which
//! Python.

use std::collections::BTreeSet;

use host::HostPath;
use pyenvs::{Implementation, Pick};
use report::{Finding, Fix, Safety, Severity};
use semver::{Version, VersionReq};

use super::features::{self, Use};
use super::pyo3::{self, Abi3, Python, Verdict};
use super::{build_variable, python_minor, uses_maturin, uses_pyo3};
use crate::{CrateManifest, DependencyKind, EnvironmentFacts, Facts, Findings, cures};

/// One build of PyO3 for one Python.
#[derive(Debug)]
pub(super) struct Build<'a> {
    /// The Python.
    pub(super) environment: &'a EnvironmentFacts,
    /// The tools that would make this build.
    pub(super) tools: Vec<&'static str>,
    /// The version of PyO3.
    pub(super) version: Version,
    /// Whether `Cargo.lock` says so; else it is the newest that `Cargo.toml` allows.
    pub(super) locked: bool,
    /// The crate that asks for it.
    pub(super) manifest: &'a CrateManifest,
    /// What PyO3's build script says.
    pub(super) verdict: Verdict,
}

/// A build that maturin does not start.
const CARGO: &str = "cargo build";

/// Variables with which PyO3 does not look at the Python that is here.
const OTHER_WAYS: [&str; 6] = [
    "PYO3_CONFIG_FILE",
    "PYO3_CROSS",
    "PYO3_CROSS_LIB_DIR",
    "PYO3_CROSS_PYTHON_VERSION",
    "PYO3_NO_PYTHON",
    "UNSAFE_PYO3_SKIP_VERSION_CHECK",
];

/// Every build of PyO3 that tools would make here, or why none can be told.
pub(super) fn builds(facts: &Facts) -> Result<Vec<Build<'_>>, String> {
    if !uses_pyo3(facts) {
        return Err("no crate here uses PyO3".to_owned());
    }
    if let Some(name) = OTHER_WAYS.iter().find(|name| build_variable(facts, name).is_some()) {
        return Err(format!("{name} is set, so PyO3 does not ask a Python"));
    }
    let mut builds = Vec::new();
    if let Some(environment) = python_of_cargo(facts) {
        let uses = uses_in(facts.project.crates.iter(), &[], true);
        add(facts, &mut builds, environment, CARGO, uses);
    }
    if uses_maturin(facts) {
        let configured = facts.project.pyproject.get().and_then(|p| p.maturin.clone());
        let configured = configured.unwrap_or_default();
        let default = !configured.no_default_features;
        for (tool, pick) in [("maturin develop", &facts.picks.maturin), ("uv", &facts.picks.uv)] {
            let Some(environment) = pick.prefix().and_then(|prefix| facts.environment(prefix))
            else {
                continue;
            };
            let uses = match facts.project.maturin_crate() {
                Some(manifest) => uses_in([manifest].into_iter(), &configured.features, default),
                None => uses_in(facts.project.crates.iter(), &configured.features, default),
            };
            add(facts, &mut builds, environment, tool, uses);
        }
    }
    if builds.is_empty() {
        return Err("no tool finds a Python here, or no version of PyO3 is known".to_owned());
    }
    Ok(builds)
}

/// The environment that a plain `cargo build` compiles PyO3 for; `PYO3_PYTHON` in cargo's own
/// configuration counts.
pub(super) fn python_of_cargo(facts: &Facts) -> Option<&EnvironmentFacts> {
    if facts.variable("PYO3_PYTHON").is_none()
        && let Some(named) = build_variable(facts, "PYO3_PYTHON")
    {
        let named = HostPath::from(named);
        return facts.environments.iter().find(|environment| {
            let python = &environment.python;
            python.executable.as_ref() == Some(&named)
                || named.parent().and_then(std::path::Path::parent) == Some(python.prefix.as_path())
        });
    }
    match &facts.picks.pyo3 {
        Pick::Python { prefix: Some(prefix), .. } => facts.environment(prefix),
        _ => None,
    }
}

/// The crates that use PyO3 in what they ship, with what they ask of it.
fn uses_in<'a>(
    crates: impl Iterator<Item = &'a CrateManifest>,
    asked: &[String],
    default: bool,
) -> Vec<(&'a CrateManifest, Use)> {
    crates
        .map(|manifest| (manifest, features::of_package(manifest, "pyo3", asked, default, false)))
        .filter(|(_, found)| found.active)
        .collect()
}

fn add<'a>(
    facts: &'a Facts,
    builds: &mut Vec<Build<'a>>,
    environment: &'a EnvironmentFacts,
    tool: &'static str,
    uses: Vec<(&'a CrateManifest, Use)>,
) {
    // Cargo joins the features that the crates of one build ask for.
    let features: BTreeSet<String> =
        uses.iter().flat_map(|(_, found)| found.features.iter().cloned()).collect();
    for (manifest, _) in uses {
        let Some((version, locked)) = version(facts, manifest) else { continue };
        let verdict = judge(facts, environment, &version, Abi3::of(&features));
        let same = builds.iter_mut().find(|build| {
            build.environment.python.prefix == environment.python.prefix
                && build.version == version
                && build.verdict == verdict
        });
        match same {
            Some(build) if build.tools.contains(&tool) => {}
            Some(build) => build.tools.push(tool),
            None => builds.push(Build {
                environment,
                tools: vec![tool],
                version,
                locked,
                manifest,
                verdict,
            }),
        }
    }
}

/// The version of PyO3 that a crate is built with, and whether it is locked.
fn version(facts: &Facts, manifest: &CrateManifest) -> Option<(Version, bool)> {
    let dependency = manifest.dependencies.iter().find(|dependency| {
        dependency.package == "pyo3" && dependency.kind == DependencyKind::Normal
    })?;
    let requirement =
        dependency.requirement.as_deref().and_then(|text| VersionReq::parse(text).ok());
    let locked = facts
        .project
        .locked("pyo3")
        .into_iter()
        .filter_map(|package| Version::parse(&package.version).ok())
        .filter(|version| requirement.as_ref().is_none_or(|range| range.matches(version)))
        .max();
    match (locked, requirement) {
        (Some(version), _) => Some((version, true)),
        (None, Some(requirement)) => Some((pyo3::newest_allowed(&requirement)?, false)),
        (None, None) => None,
    }
}

fn judge(
    facts: &Facts,
    environment: &EnvironmentFacts,
    version: &Version,
    abi3: Option<Abi3>,
) -> Verdict {
    let Some(python) = python(environment) else {
        return Verdict::Unknown(format!(
            "the version of {} is not known",
            facts.short(&environment.python.prefix)
        ));
    };
    if environment.python.implementation.get() != Some(&Implementation::CPython) {
        return Verdict::Unknown("only CPython is judged".to_owned());
    }
    pyo3::judge(version, python, abi3, |name| build_variable(facts, name) == Some("1"))
}

/// The Python of an environment as PyO3 sees it.
pub(super) fn python(environment: &EnvironmentFacts) -> Option<Python> {
    let (major, minor) = python_minor(environment)?;
    let free_threaded = environment.python.abi.get().is_some_and(|abi| abi.free_threaded);
    Some(Python { major, minor, free_threaded })
}

/// The builds that PyO3 refuses, and what could be done about them all.
pub(super) struct Refused<'a> {
    /// The builds.
    pub(super) builds: Vec<Build<'a>>,
    /// A Python that another tool takes here and PyO3 does not refuse.
    accepted: Option<&'a EnvironmentFacts>,
}

/// The builds with a verdict that `wanted` takes; skips when no build could be judged.
pub(super) fn with_verdict<'a>(
    facts: &'a Facts,
    findings: &mut Findings,
    wanted: impl Fn(&Verdict) -> bool,
) -> Refused<'a> {
    let builds = match builds(facts) {
        Ok(builds) => builds,
        Err(reason) => {
            findings.skip(reason);
            Vec::new()
        }
    };
    for build in &builds {
        if let Verdict::Unknown(reason) = &build.verdict {
            findings.skip(reason.clone());
        }
    }
    let accepted =
        builds.iter().find(|build| build.verdict == Verdict::Builds).map(|build| build.environment);
    Refused {
        builds: builds.into_iter().filter(|build| wanted(&build.verdict)).collect(),
        accepted,
    }
}

impl Refused<'_> {
    /// Points cargo to the Python that the project's other tools take, where only a plain cargo
    /// build takes another one.
    pub(super) fn use_accepted(&self, facts: &Facts, build: &Build<'_>) -> Option<Fix> {
        let accepted = self.accepted.filter(|_| build.is_cargo_only())?;
        let title = format!(
            "let cargo compile for {} too",
            accepted.python.label(|path| facts.short(path))
        );
        Some(Fix::new(Safety::Safe, title).set("PYO3_PYTHON", cures::interpreter(facts, accepted)))
    }
}

impl Build<'_> {
    fn is_cargo_only(&self) -> bool {
        self.tools == [CARGO]
    }

    /// An error; a warning where maturin builds the project and takes another Python.
    pub(super) fn severity(&self, facts: &Facts) -> Severity {
        if self.is_cargo_only() && uses_maturin(facts) {
            Severity::Warning
        } else {
            Severity::Error
        }
    }
}

/// What a finding about a build rests on: the versions of PyO3 and of Python.
pub(super) fn show(mut finding: Finding, facts: &Facts, build: &Build<'_>) -> Finding {
    let lock = facts.project.lock.get().filter(|_| build.locked);
    finding = match lock {
        Some(lock) => finding.seen_at(facts.native(&lock.path), format!("pyo3 {}", build.version)),
        None => finding.seen_at(
            facts.native(&build.manifest.path),
            format!("no version of pyo3 is locked; the newest allowed is {}", build.version),
        ),
    };
    let version = build.environment.python.version.get().map(ToString::to_string);
    let interpreter = build.environment.interpreter(facts).unwrap_or_default();
    finding.seen_at(
        interpreter,
        format!("Python {}, taken by {}", version.unwrap_or_default(), build.tools.join(" and ")),
    )
}
