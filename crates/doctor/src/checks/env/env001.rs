//! ENV001: the interpreter of an environment is a link that leads nowhere.

use pyenvs::ProblemKind;
use report::{Finding, Severity};

use super::mend;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "ENV001",
    name: "broken-interpreter-link",
    summary: "The interpreter of an environment is a link to a Python that is gone",
    page: include_str!("../../../pages/ENV001.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::dangling, tests::dangling_pyenv],
        silent: &[tests::whole, tests::not_used],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    for environment in facts.judged() {
        for problem in &environment.python.problems {
            if problem.kind == ProblemKind::BrokenInterpreterLink {
                let mut finding = Finding::new(
                    Severity::Error,
                    environment.subject(facts),
                    format!(
                        "{} leads to a Python that no longer exists",
                        facts.short(&problem.path)
                    ),
                )
                .seen_at(facts.native(&problem.path), problem.detail.clone());
                if let Some(configuration) = &environment.python.pyvenv_cfg
                    && let Some(home) = &configuration.home
                {
                    finding = finding.seen_at(
                        facts.native(&configuration.path),
                        format!("home = {}", facts.native(home)),
                    );
                }
                findings.push(finding.cause(cause(environment)).fix(mend(facts, environment)));
            }
        }
    }
}

fn cause(environment: &EnvironmentFacts) -> &'static str {
    if environment.python.kind.is_virtual() {
        "The Python this environment was made from was removed, or replaced by another version"
    } else {
        "Part of this Python was removed, and the link to it stayed"
    }
}

#[cfg(test)]
mod tests {
    use pyenvs::{EnvironmentKind, Problem};

    use super::*;
    use crate::testing::{healthy, venv};

    fn broken() -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        environment.python.problems.push(Problem {
            kind: ProblemKind::BrokenInterpreterLink,
            path: environment.python.prefix.join("bin/python"),
            detail: "it leads to /usr/bin/python3.6".to_owned(),
        });
        environment.python.real_executable = None;
        facts
    }

    pub(super) fn dangling() -> Facts {
        broken()
    }

    pub(super) fn dangling_pyenv() -> Facts {
        let mut facts = broken();
        let environment = venv(&mut facts);
        environment.python.kind = EnvironmentKind::Pyenv;
        environment.python.pyvenv_cfg = None;
        facts
    }

    pub(super) fn whole() -> Facts {
        healthy()
    }

    /// A broken environment of another project is that project's trouble.
    pub(super) fn not_used() -> Facts {
        let mut facts = broken();
        venv(&mut facts).judged = false;
        facts
    }
}
