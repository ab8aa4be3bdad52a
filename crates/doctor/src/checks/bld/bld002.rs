//! BLD002: the Python is newer than the newest that the locked PyO3 builds for.

use report::{Finding, Fix, Safety};

use super::builds::{self, Build};
use super::pyo3::{self, FORWARD, Verdict};
use super::recreate_within;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DependencyKind, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD002",
    name: "python-too-new-for-pyo3",
    summary: "The Python is newer than the newest that this PyO3 builds for",
    page: include_str!("../../../pages/BLD002.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::newer, tests::newer_and_not_locked, tests::plain_abi3_before_0_26],
        silent: &[
            tests::in_range,
            tests::stable_abi,
            tests::stable_abi_by_default_feature,
            tests::stable_abi_by_maturin,
            tests::forced,
            tests::forced_in_cargo_config,
            tests::next_python_is_tried,
            tests::unknown_series,
            tests::cross_compiled,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let wanted = |verdict: &Verdict| matches!(verdict, Verdict::TooNew { .. });
    let refused = builds::with_verdict(facts, findings, wanted);
    for build in &refused.builds {
        let Verdict::TooNew { newest, can_be_forced } = build.verdict else { continue };
        let version = build.environment.python.version.get().map(ToString::to_string);
        let finding = Finding::new(
            build.severity(facts),
            build.environment.subject(facts),
            format!(
                "PyO3 {} refuses Python {}: the newest it builds for is 3.{newest}",
                build.version,
                version.unwrap_or_default()
            ),
        )
        .cause(
            "Each release of PyO3 knows the Pythons of its time; this one is older than the Python",
        );
        let mut finding = builds::show(finding, facts, build);
        if let Some(fix) = refused.use_accepted(facts, build) {
            finding = finding.fix(fix);
        }
        if can_be_forced {
            finding = finding.fix(force());
        }
        if let Some(fix) = newer_pyo3(facts, build) {
            finding = finding.fix(fix);
        }
        let free_threaded = builds::python(build.environment).is_some_and(|p| p.free_threaded);
        if let Some(range) = pyo3::python_range(&build.version, free_threaded)
            && let Some(fix) = recreate_within(facts, build.environment, &range)
        {
            finding = finding.fix(fix);
        }
        if finding.fixes.is_empty() {
            finding = finding.fix(
                Fix::new(Safety::Manual, "build for a Python that this PyO3 knows")
                    .by_hand(format!("use Python 3.{newest} or older, or a newer PyO3")),
            );
        }
        findings.push(finding);
    }
}

fn force() -> Fix {
    Fix::new(
        Safety::Safe,
        "build all the same, by Python's stable interface (what it lacks does not compile)",
    )
    .set(FORWARD[0], "1")
}

/// Raises the requirement in the manifest that has it, to the first series for this Python.
fn newer_pyo3(facts: &Facts, build: &Build<'_>) -> Option<Fix> {
    let series = pyo3::first_series_for(builds::python(build.environment)?)?;
    let manifest = build.manifest;
    let dependency = manifest
        .dependencies
        .iter()
        .find(|d| d.package == "pyo3" && d.kind == DependencyKind::Normal)?;
    let path = facts.native(&manifest.path);
    let together = if manifest.dependencies.iter().any(|d| d.package == "numpy") {
        format!("; `numpy` must be raised to the same series: `numpy = \"{series}\"`")
    } else {
        String::new()
    };
    Some(
        Fix::new(Safety::Manual, format!("raise PyO3 to {series} and follow its migration guide"))
            .edit(
                path.clone(),
                format!(
                    "the requirement of `{}` becomes \"{series}\" (in the workspace's Cargo.toml \
                     if it is inherited){together}",
                    dependency.name
                ),
            )
            .run(["cargo", "update", "--workspace", "--manifest-path", path.as_str()]),
    )
}

#[cfg(test)]
mod tests {
    use host::HostPath;

    use super::*;
    use crate::CargoConfig;
    use crate::checks::bld::testing::{extension_project, with_maturin, with_python};
    use host::Seen;

    fn facts(pyo3: &str, features: &[&str], python: &str) -> Facts {
        let mut facts = extension_project(pyo3, features);
        with_python(&mut facts, python);
        facts
    }

    pub(super) fn newer() -> Facts {
        facts("0.22.6", &["extension-module"], "3.14.0")
    }

    pub(super) fn newer_and_not_locked() -> Facts {
        let mut facts = newer();
        facts.project.lock = Seen::Absent;
        facts
    }

    pub(super) fn plain_abi3_before_0_26() -> Facts {
        facts("0.24.2", &["abi3"], "3.14.0")
    }

    pub(super) fn in_range() -> Facts {
        facts("0.25.1", &[], "3.14.0")
    }

    pub(super) fn stable_abi() -> Facts {
        facts("0.22.6", &["abi3-py39"], "3.14.0")
    }

    pub(super) fn stable_abi_by_default_feature() -> Facts {
        let mut facts = newer();
        let features = &mut facts.project.crates[0].features;
        features.insert("default".to_owned(), vec!["stable".to_owned()]);
        features.insert("stable".to_owned(), vec!["pyo3/abi3-py38".to_owned()]);
        facts
    }

    pub(super) fn stable_abi_by_maturin() -> Facts {
        let mut facts = newer();
        with_maturin(&mut facts);
        // A plain cargo build takes the system's Python 3.12, which this PyO3 knows.
        facts.picks.pyo3 = pyenvs::Pick::Python {
            executable: HostPath::from("/usr/bin/python3"),
            prefix: Some(HostPath::from("/usr")),
            because: "PYO3_PYTHON is set".to_owned(),
        };
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject
            && let Some(maturin) = &mut pyproject.maturin
        {
            maturin.features = vec!["pyo3/abi3-py39".to_owned()];
        }
        facts
    }

    pub(super) fn forced() -> Facts {
        let mut facts = newer();
        facts.machine.variables.insert(FORWARD[0].to_owned(), "1".to_owned());
        facts
    }

    pub(super) fn forced_in_cargo_config() -> Facts {
        let mut facts = newer();
        facts.project.cargo_configs.push(CargoConfig {
            env: [(FORWARD[0].to_owned(), "1".to_owned())].into(),
            ..CargoConfig::default()
        });
        facts
    }

    pub(super) fn next_python_is_tried() -> Facts {
        facts("0.28.3", &[], "3.15.0a1")
    }

    pub(super) fn unknown_series() -> Facts {
        facts("0.99.0", &[], "3.40.0")
    }

    pub(super) fn cross_compiled() -> Facts {
        let mut facts = newer();
        facts.machine.variables.insert("PYO3_CROSS_LIB_DIR".to_owned(), "/sysroot".to_owned());
        facts
    }

    #[test]
    fn both_tools_share_one_finding() {
        let mut facts = newer();
        with_maturin(&mut facts);
        let mut findings = Findings::default();
        run(&facts, &mut findings);
        assert_eq!(findings.list.len(), 1);
        let shown = &findings.list[0].evidence[1].value;
        assert_eq!(shown, "Python 3.14.0, taken by cargo build and maturin develop and uv");
    }

    #[test]
    fn a_newer_pyo3_and_an_older_python_are_offered_too() {
        let mut facts = newer();
        facts.environments.push(crate::testing::bare_environment(
            "/home/dev/.pyenv/versions/3.13.0",
            "3.13.0",
            pyenvs::EnvironmentKind::Pyenv,
        ));
        let mut findings = Findings::default();
        run(&facts, &mut findings);
        let titles: Vec<&str> =
            findings.list[0].fixes.iter().map(|fix| fix.title.as_str()).collect();
        assert_eq!(titles.len(), 3);
        assert!(titles[1].contains("0.25"));
        assert!(titles[2].contains("3.13.0"));
    }
}
