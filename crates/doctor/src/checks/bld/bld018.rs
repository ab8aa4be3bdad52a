//! BLD018: maturin on Windows does not find conda environments whose path has a space.

use host::Os;
use report::{Finding, Fix, Safety, Severity};

use super::uses_maturin;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD018",
    name: "conda-path-with-a-space",
    summary: "maturin on Windows does not find a conda environment whose path has a space",
    page: include_str!("../../../pages/BLD018.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::in_the_home_of_jane_doe],
        silent: &[tests::no_space, tests::not_windows, tests::no_conda, tests::no_maturin],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    if facts.machine.os != Os::Windows {
        findings.skip("not Windows");
        return;
    }
    if !uses_maturin(facts) {
        findings.skip("maturin does not build this project");
        return;
    }
    for environment in facts.judged() {
        let prefix = facts.native(&environment.python.prefix);
        if !environment.python.kind.is_conda() || !prefix.contains(' ') {
            continue;
        }
        let interpreter = environment
            .interpreter(facts)
            .unwrap_or_else(|| facts.native(&environment.python.prefix.join("python.exe")));
        let kept = prefix.rsplit(' ').next().unwrap_or_default().to_owned();
        findings.push(
            Finding::new(
                Severity::Warning,
                environment.subject(facts),
                format!("maturin does not find the conda environment {prefix}: it has a space"),
            )
            .seen_at(&prefix, format!("maturin keeps `{kept}` of it"))
            .cause("maturin reads conda's list of environments with a pattern that ends at a space")
            .fix(Fix::new(Safety::Safe, "name the interpreter").run([
                "maturin".to_owned(),
                "build".to_owned(),
                "--interpreter".to_owned(),
                interpreter,
            ]))
            .fix(
                Fix::new(Safety::Manual, "keep environments where no name has a space").run([
                    "conda",
                    "create",
                    "-p",
                    r"C:\envs\work",
                    "python",
                ]),
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use host::HostPath;
    use pyenvs::EnvironmentKind;

    use super::*;
    use crate::checks::bld::testing::{extension_project, with_maturin};
    use crate::testing::venv;

    fn at(prefix: &str) -> Facts {
        let mut facts = extension_project("0.26.0", &[]);
        with_maturin(&mut facts);
        facts.machine.os = Os::Windows;
        let environment = venv(&mut facts);
        environment.python.kind = EnvironmentKind::Conda;
        environment.python.prefix = HostPath::from(prefix);
        environment.python.executable = Some(environment.python.prefix.join("python.exe"));
        facts
    }

    pub(super) fn in_the_home_of_jane_doe() -> Facts {
        at("C:/Users/Jane Doe/miniforge3/envs/science")
    }

    pub(super) fn no_space() -> Facts {
        at("C:/envs/science")
    }

    pub(super) fn not_windows() -> Facts {
        let mut facts = in_the_home_of_jane_doe();
        facts.machine.os = Os::Macos;
        facts
    }

    pub(super) fn no_conda() -> Facts {
        let mut facts = in_the_home_of_jane_doe();
        venv(&mut facts).python.kind = EnvironmentKind::Venv;
        facts
    }

    pub(super) fn no_maturin() -> Facts {
        let mut facts = extension_project("0.26.0", &[]);
        facts.machine.os = Os::Windows;
        facts
    }

    #[test]
    fn what_the_pattern_keeps_is_shown() {
        let mut findings = Findings::default();
        run(&in_the_home_of_jane_doe(), &mut findings);
        assert_eq!(
            findings.list[0].evidence[0].value,
            r"maturin keeps `Doe\miniforge3\envs\science` of it"
        );
    }
}
