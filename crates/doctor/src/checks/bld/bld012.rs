//! BLD012: cargo keeps what PyO3 found out about a Python that is not there any more.

use report::{Finding, Fix, Safety, Severity};

use super::{has_rust, project, python_minor, uses_pyo3};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, Pyo3Build};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD012",
    name: "stale-pyo3-configuration",
    summary: "PyO3 was built for another Python than the environment has now",
    page: include_str!("../../../pages/BLD012.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::made_anew],
        silent: &[
            tests::as_it_was,
            tests::built_again_since,
            tests::the_stable_interface,
            tests::a_newer_pyo3,
            tests::another_environment,
            tests::nothing_built,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    if !has_rust(facts) || !uses_pyo3(facts) {
        findings.skip("no crate here uses PyO3");
        return;
    }
    let builds = facts.target.as_ref().map(|target| target.pyo3_builds.as_slice());
    let builds = builds.unwrap_or_default();
    if builds.is_empty() {
        findings.skip("PyO3 was not built here yet");
    }
    for environment in facts.judged() {
        // Of several builds for one interpreter the last one is what the next build goes by.
        let last = builds.iter().find(|build| is_of(build, environment));
        let (Some(build), Some((major, minor))) = (last, python_minor(environment)) else {
            continue;
        };
        let now = format!("{major}.{minor}");
        if build.is_abi3 || build.watches_environment || build.version == now {
            continue;
        }
        let label = environment.python.label(|path| facts.short(path));
        findings.push(
            Finding::new(
                Severity::Warning,
                project(facts),
                format!(
                    "PyO3 was built for Python {}, and {label} at the same place has {now}",
                    build.version
                ),
            )
            .seen_at(
                facts.native(&build.path),
                format!("Python {} at {}", build.version, facts.short(&build.executable)),
            )
            .seen_at(facts.native(&environment.python.prefix), format!("Python {now} now"))
            .cause(
                "The environment was made anew with another Python, and its path, which is what \
                 cargo watches, stayed the same",
            )
            .fix(
                Fix::new(Safety::Safe, "throw away what was remembered; the next build asks again")
                    .run(clean(facts)),
            ),
        );
    }
}

/// Whether it was built for the interpreter of this environment.
fn is_of(build: &Pyo3Build, environment: &EnvironmentFacts) -> bool {
    let prefix = &environment.python.prefix;
    build.executable.starts_with(prefix.join("bin").as_path())
        || build.executable.starts_with(prefix.join("Scripts").as_path())
        || build.executable.parent() == Some(prefix.as_path())
}

fn clean(facts: &Facts) -> Vec<String> {
    let mut argv = vec!["cargo".to_owned(), "clean".to_owned()];
    let known = ["pyo3-build-config", "pyo3-ffi", "pyo3"];
    for name in known.into_iter().filter(|name| !facts.project.locked(name).is_empty()) {
        argv.extend(["--package".to_owned(), name.to_owned()]);
    }
    argv
}

#[cfg(test)]
mod tests {
    use host::HostPath;

    use super::*;
    use crate::TargetFacts;
    use crate::checks::bld::testing::{extension_project, with_python};
    use crate::testing::PROJECT;

    fn build(version: &str, place: &str) -> Pyo3Build {
        Pyo3Build {
            path: HostPath::from(PROJECT).join("target/debug/build/x/out/config.txt"),
            version: version.to_owned(),
            executable: HostPath::from(place),
            executable_exists: true,
            ..Pyo3Build::default()
        }
    }

    fn with(builds: Vec<Pyo3Build>) -> Facts {
        let mut facts = extension_project("0.26.0", &[]);
        with_python(&mut facts, "3.12.1");
        facts.target = Some(TargetFacts { pyo3_builds: builds, ..TargetFacts::default() });
        facts
    }

    const VENV: &str = "/home/dev/project/.venv/bin/python";

    pub(super) fn made_anew() -> Facts {
        with(vec![build("3.11", VENV)])
    }

    pub(super) fn as_it_was() -> Facts {
        with(vec![build("3.12", VENV)])
    }

    pub(super) fn built_again_since() -> Facts {
        with(vec![build("3.12", VENV), build("3.11", VENV)])
    }

    pub(super) fn the_stable_interface() -> Facts {
        with(vec![Pyo3Build { is_abi3: true, ..build("3.9", VENV) }])
    }

    /// It tells cargo to look at the environment's own file.
    pub(super) fn a_newer_pyo3() -> Facts {
        with(vec![Pyo3Build { watches_environment: true, ..build("3.11", VENV) }])
    }

    pub(super) fn another_environment() -> Facts {
        with(vec![build("3.11", "/home/dev/project/.venv-old/bin/python")])
    }

    pub(super) fn nothing_built() -> Facts {
        with(Vec::new())
    }
}
