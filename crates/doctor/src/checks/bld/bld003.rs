//! BLD003: the Python is older than the oldest that the locked PyO3, or its `abi3` feature, builds
//! for; or it lacks the global interpreter lock and PyO3 does not support that.

use report::{Finding, Fix, Safety};

use super::builds::{self, Build};
use super::pyo3::{self, Verdict};
use super::recreate_within;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD003",
    name: "python-not-supported-by-pyo3",
    summary: "The Python is older than PyO3 or its abi3 feature allows, or is free-threaded",
    page: include_str!("../../../pages/BLD003.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::older, tests::older_than_abi3, tests::free_threaded],
        silent: &[
            tests::oldest,
            tests::at_abi3,
            tests::free_threaded_and_supported,
            tests::unused_environment,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let wanted = |verdict: &Verdict| {
        matches!(
            verdict,
            Verdict::TooOld { .. } | Verdict::OlderThanAbi3 { .. } | Verdict::FreeThreaded { .. }
        )
    };
    let refused = builds::with_verdict(facts, findings, wanted);
    for build in &refused.builds {
        let version =
            build.environment.python.version.get().map(ToString::to_string).unwrap_or_default();
        let (message, cause, range) = words(build, &version);
        let finding =
            Finding::new(build.severity(facts), build.environment.subject(facts), message)
                .cause(cause);
        let mut finding = builds::show(finding, facts, build);
        if let Some(fix) = refused.use_accepted(facts, build) {
            finding = finding.fix(fix);
        }
        let recreate =
            range.as_deref().and_then(|range| recreate_within(facts, build.environment, range));
        finding =
            match (recreate, range) {
                (Some(fix), _) => finding.fix(fix),
                (None, Some(range)) => finding.fix(
                    Fix::new(Safety::Manual, "build for a Python that this PyO3 supports")
                        .by_hand(format!("use a Python within `{range}` for the environment")),
                ),
                (None, None) => finding.fix(Fix::new(Safety::Manual, "raise PyO3").by_hand(
                    "use PyO3 0.23 or newer, the first to support Pythons without the lock",
                )),
            };
        findings.push(finding);
    }
}

/// What is wrong, why, and which Pythons would do.
fn words(build: &Build<'_>, version: &str) -> (String, &'static str, Option<String>) {
    let pyo3 = &build.version;
    let range = pyo3::python_range(pyo3, false);
    match &build.verdict {
        Verdict::OlderThanAbi3 { minimum } => (
            format!(
                "PyO3's feature abi3-py3{minimum} promises Python 3.{minimum} or newer, and this is {version}"
            ),
            "The crate asks for a stable interface that is newer than the Python it is built for",
            // Newer Pythons than PyO3 knows will do too, by the stable interface.
            Some(format!(">=3.{minimum}")),
        ),
        Verdict::FreeThreaded { from } => (
            match from {
                Some(from) => format!(
                    "PyO3 {pyo3} supports free-threaded Pythons from 3.{from} on, and this is {version}"
                ),
                None => format!("PyO3 {pyo3} supports no free-threaded Python, and this is one"),
            },
            "This Python is built without the global interpreter lock, which changes its binary \
             interface",
            pyo3::python_range(pyo3, true),
        ),
        Verdict::TooOld { oldest } => (
            format!("PyO3 {pyo3} refuses Python {version}: the oldest it builds for is 3.{oldest}"),
            "The Python is older than this PyO3 supports",
            Some(range.unwrap_or_else(|| format!(">=3.{oldest}"))),
        ),
        Verdict::Builds | Verdict::Unknown(_) | Verdict::TooNew { .. } => {
            (String::new(), "", range)
        }
    }
}

#[cfg(test)]
mod tests {
    use host::{HostPath, Seen};
    use pyenvs::EnvironmentKind;

    use super::*;
    use crate::checks::bld::testing::{extension_project, with_maturin, with_python};
    use crate::testing::{PROJECT, bare_environment, venv};

    fn facts(pyo3: &str, features: &[&str], python: &str) -> Facts {
        let mut facts = extension_project(pyo3, features);
        with_python(&mut facts, python);
        facts
    }

    pub(super) fn older() -> Facts {
        facts("0.30.1", &[], "3.8.18")
    }

    pub(super) fn older_than_abi3() -> Facts {
        facts("0.26.0", &["abi3-py310"], "3.9.18")
    }

    pub(super) fn free_threaded() -> Facts {
        let mut facts = facts("0.30.1", &["abi3-py39"], "3.13.0");
        if let Seen::Seen(abi) = &mut venv(&mut facts).python.abi {
            abi.free_threaded = true;
        }
        facts
    }

    pub(super) fn oldest() -> Facts {
        facts("0.30.1", &[], "3.9.18")
    }

    pub(super) fn at_abi3() -> Facts {
        facts("0.26.0", &["abi3-py310"], "3.10.13")
    }

    pub(super) fn free_threaded_and_supported() -> Facts {
        let mut facts = facts("0.26.0", &["abi3-py39"], "3.13.0");
        if let Seen::Seen(abi) = &mut venv(&mut facts).python.abi {
            abi.free_threaded = true;
        }
        facts
    }

    pub(super) fn unused_environment() -> Facts {
        let mut facts = oldest();
        let prefix = format!("{PROJECT}/old");
        facts.environments.push(bare_environment(&prefix, "3.6.15", EnvironmentKind::Venv));
        facts
    }

    #[test]
    fn cargo_is_pointed_to_the_python_that_maturin_takes() {
        let mut facts = oldest();
        with_maturin(&mut facts);
        let prefix = "/opt/old";
        facts.environments.push(bare_environment(prefix, "3.8.18", EnvironmentKind::Other));
        facts.picks.pyo3 = pyenvs::Pick::Python {
            executable: HostPath::from("/opt/old/bin/python"),
            prefix: Some(HostPath::from(prefix)),
            because: "the first `python` on PATH".to_owned(),
        };
        let mut findings = Findings::default();
        run(&facts, &mut findings);
        assert_eq!(findings.list[0].severity, report::Severity::Warning);
        let step = format!("{:?}", findings.list[0].fixes[0].steps);
        assert!(step.contains("PYO3_PYTHON") && step.contains(".venv/bin/python"), "{step}");
    }

    #[test]
    fn a_python_that_fits_both_the_project_and_pyo3_is_chosen() {
        let mut facts = older();
        for version in ["3.8.18", "3.10.13", "3.13.0"] {
            let prefix = format!("/home/dev/.pyenv/versions/{version}");
            facts.environments.push(bare_environment(&prefix, version, EnvironmentKind::Pyenv));
        }
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.requires_python = Some("<3.12".to_owned());
        }
        facts.environments.retain(|e| e.python.prefix != HostPath::from("/usr"));
        let mut findings = Findings::default();
        run(&facts, &mut findings);
        assert!(findings.list[0].fixes[0].title.contains("3.10.13"), "{findings:#?}");
    }
}
