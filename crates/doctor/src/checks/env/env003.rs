//! ENV003: a virtual environment lies elsewhere than where it was made.

use pyenvs::{Problem, ProblemKind, Script};
use report::{Finding, Fix, Safety, Severity};

use super::mend;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings};

/// Scripts shown as evidence.
const SHOWN: usize = 3;

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "ENV003",
    name: "moved-environment",
    summary: "A virtual environment was moved or copied, and its scripts still name the old place",
    page: include_str!("../../../pages/ENV003.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::moved, tests::only_the_command],
        silent: &[tests::in_its_place, tests::relocatable],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    for environment in facts.judged() {
        for problem in &environment.python.problems {
            if problem.kind == ProblemKind::Moved {
                findings.push(judge(facts, environment, problem));
            }
        }
    }
}

fn judge(facts: &Facts, environment: &EnvironmentFacts, problem: &Problem) -> Finding {
    let scripts = foreign_scripts(environment);
    let is_only_the_command =
        scripts.is_empty() && problem.path.file_name().is_some_and(|name| name == "pyvenv.cfg");
    let (severity, message) = if is_only_the_command {
        let message = "The environment was made in another place; it has no script that minds";
        (Severity::Info, message.to_owned())
    } else if scripts.is_empty() {
        let message = "The environment was made in another place: activating it leads there";
        (Severity::Error, message.to_owned())
    } else {
        let message = format!(
            "The environment was made in another place: activating it, and {} of its scripts, \
             lead there",
            scripts.len()
        );
        (Severity::Error, message)
    };
    let mut finding = Finding::new(severity, environment.subject(facts), message)
        .seen_at(facts.native(&problem.path), problem.detail.clone());
    for script in scripts.iter().take(SHOWN).filter(|script| script.path != problem.path) {
        let line = script.shebang.clone().unwrap_or_default();
        finding = finding.seen_at(facts.native(&script.path), line);
    }
    finding
        .cause(
            "Virtual environments hold absolute paths: this one, or a directory above it, was \
             moved, renamed or copied after it was made",
        )
        .fix(mend(facts, environment))
        .fix(Fix::new(Safety::Manual, "or move it back").by_hand(format!(
            "move {} back to where it was made ({})",
            facts.native(&environment.python.prefix),
            problem.detail
        )))
}

/// Scripts that a Python outside the environment is to run.
fn foreign_scripts(environment: &EnvironmentFacts) -> Vec<&Script> {
    let prefix = &environment.python.prefix;
    let runs_elsewhere = |script: &&Script| {
        let Some(line) = script.shebang.as_deref().and_then(|line| line.strip_prefix("#!")) else {
            return false;
        };
        let line = line.trim();
        let name = line.rsplit('/').next().unwrap_or(line);
        line.starts_with('/')
            && name.starts_with("python")
            && !std::path::Path::new(line).starts_with(prefix)
    };
    environment.python.scripts.iter().filter(runs_elsewhere).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{healthy, venv};

    fn problem(environment: &EnvironmentFacts, file: &str) -> Problem {
        Problem {
            kind: ProblemKind::Moved,
            path: environment.python.prefix.join(file),
            detail: "it names /home/dev/old/.venv".to_owned(),
        }
    }

    pub(super) fn moved() -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        let problem = problem(environment, "bin/activate");
        environment.python.problems.push(problem);
        let line = "#!/home/dev/old/.venv/bin/python";
        environment.python.scripts.push(Script {
            path: environment.python.prefix.join("bin/pip"),
            shebang: Some(line.to_owned()),
            shebang_length: line.len(),
        });
        facts
    }

    pub(super) fn only_the_command() -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        let problem = problem(environment, "pyvenv.cfg");
        environment.python.problems.push(problem);
        facts
    }

    pub(super) fn in_its_place() -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        let line = "#!/home/dev/project/.venv/bin/python";
        environment.python.scripts.push(Script {
            path: environment.python.prefix.join("bin/pip"),
            shebang: Some(line.to_owned()),
            shebang_length: line.len(),
        });
        facts
    }

    /// Scripts of a relocatable environment find their Python beside themselves.
    pub(super) fn relocatable() -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        environment.python.activate_path = None;
        environment.python.scripts.push(Script {
            path: environment.python.prefix.join("bin/pip"),
            shebang: Some("#!/bin/sh".to_owned()),
            shebang_length: 9,
        });
        facts
    }

    #[test]
    fn a_move_that_nothing_notices_is_only_worth_knowing() {
        let mut findings = Findings::default();
        run(&only_the_command(), &mut findings);
        assert_eq!(findings.list[0].severity, Severity::Info);
    }
}
