//! BLD011: PyO3 is compiled anew because those who build here name different Pythons.

use pyenvs::Pick;
use report::{Finding, Fix, Safety, Severity};

use super::{build_variable, has_rust, pick_in_words, project, uses_pyo3};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::plan::pin_interpreter;
use crate::{Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD011",
    name: "pyo3-rebuilt-every-time",
    summary: "PyO3 was built for another Python than the next cargo build takes",
    page: include_str!("../../../pages/BLD011.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::another_python],
        silent: &[
            tests::the_same,
            tests::pinned,
            tests::the_other_is_gone,
            tests::nothing_built,
            tests::no_pyo3,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    if !has_rust(facts) || !uses_pyo3(facts) {
        findings.skip("no crate here uses PyO3");
        return;
    }
    let newest = facts.target.as_ref().and_then(|target| target.pyo3_builds.first());
    let Some(built) = newest else {
        findings.skip("PyO3 was not built here yet");
        return;
    };
    // What is gone is BLD012's.
    if build_variable(facts, "PYO3_PYTHON").is_some() || !built.executable_exists {
        return;
    }
    let pick = &facts.picks.pyo3;
    let Pick::Python { executable: next, prefix: Some(prefix), .. } = pick else { return };
    let is_inside = built.executable.starts_with(prefix.join("bin").as_path())
        || built.executable.starts_with(prefix.join("Scripts").as_path());
    if is_inside || built.executable == *next {
        return;
    }
    findings.push(
        Finding::new(
            Severity::Info,
            project(facts),
            format!(
                "PyO3 was built for {}, and the next `cargo build` takes {}, so it compiles anew",
                facts.short(&built.executable),
                facts.short(next)
            ),
        )
        .seen_at(facts.native(&built.path), format!("the last build took Python {}", built.version))
        .seen(format!("a plain cargo build: {}", pick_in_words(facts, pick)))
        .cause(
            "PyO3's build script runs again whenever PYO3_PYTHON, VIRTUAL_ENV, CONDA_PREFIX or PATH \
             change, and a terminal, maturin and an editor have different ones",
        )
        .fix(pin_interpreter(
            facts,
            Fix::new(Safety::Confirm, "name the interpreter once, for everybody"),
            &facts.native(next),
        )),
    );
}

#[cfg(test)]
mod tests {
    use host::HostPath;

    use super::*;
    use crate::checks::bld::testing::extension_project;
    use crate::testing::PROJECT;
    use crate::{CargoConfig, Pyo3Build, TargetFacts};

    fn built_for(executable: &str) -> Facts {
        let mut facts = extension_project("0.26.0", &[]);
        facts.target = Some(TargetFacts {
            path: HostPath::from(PROJECT).join("target"),
            pyo3_builds: vec![Pyo3Build {
                path: HostPath::from(PROJECT).join("target/debug/build/x/out/config.txt"),
                version: "3.12".to_owned(),
                executable: HostPath::from(executable),
                executable_exists: true,
                ..Pyo3Build::default()
            }],
            ..TargetFacts::default()
        });
        facts
    }

    pub(super) fn another_python() -> Facts {
        built_for("/usr/bin/python3")
    }

    pub(super) fn the_same() -> Facts {
        built_for("/home/dev/project/.venv/bin/python3")
    }

    pub(super) fn pinned() -> Facts {
        let mut facts = another_python();
        let mut config = CargoConfig::default();
        config.env.insert("PYO3_PYTHON".to_owned(), "/usr/bin/python3".to_owned());
        facts.project.cargo_configs.push(config);
        facts
    }

    pub(super) fn the_other_is_gone() -> Facts {
        let mut facts = another_python();
        facts.target.as_mut().unwrap().pyo3_builds[0].executable_exists = false;
        facts
    }

    pub(super) fn nothing_built() -> Facts {
        let mut facts = another_python();
        facts.target.as_mut().unwrap().pyo3_builds.clear();
        facts
    }

    pub(super) fn no_pyo3() -> Facts {
        let mut facts = another_python();
        facts.project.crates[0].dependencies.clear();
        facts
    }
}
