//! ENV004: half of a virtual environment is missing.

use pyenvs::{Problem, ProblemKind};
use report::{Finding, Severity};

use super::mend;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "ENV004",
    name: "half-deleted-environment",
    summary: "A virtual environment lacks pyvenv.cfg or its interpreter",
    page: include_str!("../../../pages/ENV004.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[
            tests::no_configuration,
            tests::no_interpreter,
            tests::unreadable_configuration,
            tests::empty_directory,
        ],
        silent: &[tests::whole, tests::conda_without_python, tests::no_environment_at_all],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    // Only virtual environments: a conda environment may well have no Python, and a directory
    // that never was an environment is not to be made one.
    let was_environment =
        |e: &&EnvironmentFacts| e.python.kind.is_virtual() && cures::is_environment(e);
    for environment in facts.judged().filter(was_environment) {
        for problem in &environment.python.problems {
            if let Some((severity, message, cause)) = judge(facts, environment, problem) {
                findings.push(
                    Finding::new(severity, environment.subject(facts), message)
                        .seen_at(facts.native(&problem.path), problem.detail.clone())
                        .cause(cause)
                        .fix(mend(facts, environment)),
                );
            }
        }
    }
}

fn judge(
    facts: &Facts,
    environment: &EnvironmentFacts,
    problem: &Problem,
) -> Option<(Severity, String, &'static str)> {
    let prefix = facts.short(&environment.python.prefix);
    match problem.kind {
        // Most tools make an environment in it without a word; maturin stops at it.
        ProblemKind::NoPyvenvCfg if environment.python.executable.is_none() => Some((
            Severity::Warning,
            format!("{prefix} is there, but there is no environment in it"),
            "The directory was made and not filled: by a container's mount, a failed deletion, or \
             by hand",
        )),
        ProblemKind::NoPyvenvCfg => Some((
            Severity::Error,
            format!(
                "{prefix} has no pyvenv.cfg, so its Python runs as the one it was made from and \
                 installs packages there"
            ),
            "pyvenv.cfg was deleted, or never copied along; without it Python does not know that \
             it is in a virtual environment",
        )),
        ProblemKind::NoInterpreter => Some((
            Severity::Error,
            format!("{prefix} has a pyvenv.cfg but no Python"),
            "The environment was deleted in part, or making it was interrupted",
        )),
        ProblemKind::UnreadablePyvenvCfg => Some((
            Severity::Error,
            format!("pyvenv.cfg of {prefix} cannot be understood"),
            "The file was damaged, or is something else than what a tool wrote",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use pyenvs::EnvironmentKind;

    use super::*;
    use crate::testing::{healthy, venv};

    fn with(kind: ProblemKind, file: &str) -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        environment.python.problems.push(Problem {
            kind,
            path: environment.python.prefix.join(file),
            detail: "no such file".to_owned(),
        });
        facts
    }

    pub(super) fn no_configuration() -> Facts {
        let mut facts = with(ProblemKind::NoPyvenvCfg, "pyvenv.cfg");
        venv(&mut facts).python.pyvenv_cfg = None;
        facts
    }

    pub(super) fn no_interpreter() -> Facts {
        let mut facts = with(ProblemKind::NoInterpreter, "bin/python");
        let environment = venv(&mut facts);
        environment.python.executable = None;
        environment.python.real_executable = None;
        facts
    }

    pub(super) fn unreadable_configuration() -> Facts {
        with(ProblemKind::UnreadablePyvenvCfg, "pyvenv.cfg")
    }

    pub(super) fn empty_directory() -> Facts {
        let mut facts = no_configuration();
        let environment = venv(&mut facts);
        environment.python.executable = None;
        environment.python.real_executable = None;
        facts
    }

    pub(super) fn whole() -> Facts {
        healthy()
    }

    /// A conda environment for R, say.
    pub(super) fn conda_without_python() -> Facts {
        let mut facts = no_interpreter();
        let environment = venv(&mut facts);
        environment.python.kind = EnvironmentKind::Conda;
        environment.python.pyvenv_cfg = None;
        facts
    }

    /// `VIRTUAL_ENV` set to some directory: ENV006 speaks of that.
    pub(super) fn no_environment_at_all() -> Facts {
        let mut facts = no_interpreter();
        venv(&mut facts).python.pyvenv_cfg = None;
        facts
    }
}
