//! ENV001: the interpreter of an environment is a link that leads nowhere.

use pyenvs::ProblemKind;
use report::{Finding, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "ENV001",
    name: "broken-interpreter-link",
    summary: "The interpreter of an environment is a link to a Python that is gone",
    page: include_str!("../../../pages/ENV001.md"),
    run,
    #[cfg(test)]
    cases: Cases { fires: &[tests::dangling], silent: &[tests::whole] },
};

fn run(facts: &Facts, findings: &mut Findings) {
    for environment in facts.judged() {
        for problem in &environment.python.problems {
            if problem.kind == ProblemKind::BrokenInterpreterLink {
                findings.push(
                    Finding::new(
                        Severity::Error,
                        environment.subject(facts),
                        format!(
                            "{} leads to a Python that no longer exists",
                            facts.short(&problem.path)
                        ),
                    )
                    .seen_at(facts.native(&problem.path), problem.detail.clone())
                    .cause("The Python this environment was made from was removed or upgraded")
                    .fix(cures::recreate(facts, environment)),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pyenvs::Problem;

    use super::*;
    use crate::testing::{healthy, venv};

    pub(super) fn dangling() -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        environment.python.problems.push(Problem {
            kind: ProblemKind::BrokenInterpreterLink,
            path: environment.python.prefix.join("bin/python"),
            detail: "link to /usr/bin/python3.6, which does not exist".to_owned(),
        });
        facts
    }

    pub(super) fn whole() -> Facts {
        healthy()
    }
}
