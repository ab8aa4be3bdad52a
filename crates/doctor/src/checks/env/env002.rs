//! ENV002: the `home` of a virtual environment does not exist.

use host::Os;
use pyenvs::ProblemKind;
use report::{Finding, Severity};

use super::mend;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "ENV002",
    name: "missing-home",
    summary: "pyvenv.cfg names a base Python that does not exist",
    page: include_str!("../../../pages/ENV002.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::home_is_gone, tests::home_is_gone_on_windows],
        silent: &[tests::home_is_there],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    // The launchers of Windows start the Python in `home`; elsewhere the interpreter is in the
    // environment, and finds its library by other ways often enough.
    let (severity, consequence) = match facts.machine.os {
        Os::Windows => (Severity::Error, "nothing in this environment can start"),
        Os::Linux | Os::Macos => {
            (Severity::Warning, "this environment may stop working, and cannot be upgraded")
        }
    };
    for environment in facts.judged() {
        for problem in &environment.python.problems {
            if problem.kind != ProblemKind::MissingHome {
                continue;
            }
            let finding = Finding::new(
                severity,
                environment.subject(facts),
                format!("The directory of the base Python is gone: {consequence}"),
            )
            .seen_at(facts.native(&problem.path), problem.detail.clone())
            .cause("The Python this environment was made from was uninstalled, moved or upgraded")
            .fix(mend(facts, environment));
            findings.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use pyenvs::Problem;

    use super::*;
    use crate::testing::{healthy, venv};

    pub(super) fn home_is_gone() -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        environment.python.problems.push(Problem {
            kind: ProblemKind::MissingHome,
            path: environment.python.prefix.join("pyvenv.cfg"),
            detail: "`home = /opt/python/bin` does not exist".to_owned(),
        });
        facts
    }

    pub(super) fn home_is_gone_on_windows() -> Facts {
        let mut facts = home_is_gone();
        facts.machine.os = Os::Windows;
        facts
    }

    pub(super) fn home_is_there() -> Facts {
        healthy()
    }

    #[test]
    fn it_is_an_error_only_where_the_launcher_needs_home() {
        let severity = |facts: &Facts| {
            let mut findings = Findings::default();
            run(facts, &mut findings);
            findings.list[0].severity
        };
        assert_eq!(severity(&home_is_gone()), Severity::Warning);
        assert_eq!(severity(&home_is_gone_on_windows()), Severity::Error);
    }
}
