//! ENV006: `VIRTUAL_ENV` is not the environment that the project means.

use host::HostPath;
use pyenvs::{FoundBy, ProblemKind};
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, cures, subjects};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "ENV006",
    name: "stale-activation",
    summary: "VIRTUAL_ENV points nowhere, or away from the project's own environment",
    page: include_str!("../../../pages/ENV006.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::deleted, tests::no_environment, tests::of_another_project],
        silent: &[
            tests::active,
            tests::nothing_active,
            tests::chosen_without_an_own_one,
            tests::chosen_for_uv,
            tests::second_one_of_the_project,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(value) = facts.variable("VIRTUAL_ENV") else { return };
    let Some(active) =
        facts.environments.iter().find(|e| e.python.found_by.contains(&FoundBy::VirtualEnv))
    else {
        findings.skip("what VIRTUAL_ENV names was not looked at");
        return;
    };
    let own = own_environment(facts);
    let subject = subjects::shell();
    let seen = format!("VIRTUAL_ENV={value}");
    if active.python.has_problem(ProblemKind::MissingPrefix) {
        findings.push(
            Finding::new(
                Severity::Error,
                subject,
                "VIRTUAL_ENV names an environment that does not exist",
            )
            .seen(seen)
            .cause("An environment was deleted or moved in a shell in which it was active")
            .fix(leave(facts, own)),
        );
        return;
    }
    if active.python.has_problem(ProblemKind::NoInterpreter) && !cures::is_environment(active) {
        findings.push(
            Finding::new(
                Severity::Error,
                subject,
                "VIRTUAL_ENV names a directory that is no Python environment",
            )
            .seen(seen)
            .cause("The variable was set by hand or by a tool, and not by activating anything")
            .fix(leave(facts, own)),
        );
        return;
    }
    let Some(own) = own else { return };
    if own.python.prefix == active.python.prefix || is_chosen(facts, active) {
        return;
    }
    findings.push(
        Finding::new(
            Severity::Warning,
            subject,
            format!(
                "VIRTUAL_ENV is {}, and this project has its own {}: tools will disagree",
                facts.short(&active.python.prefix),
                facts.short(&own.python.prefix)
            ),
        )
        .seen(seen)
        .seen_at(
            facts.native(&own.python.prefix),
            "the environment that `uv run` and `uv sync` use here, whatever is active",
        )
        .cause(
            "An environment of another project is still active: pip and maturin work in that one, \
             uv in the project's own",
        )
        .fix(activate(facts, own))
        .fix(
            Fix::new(Safety::Safe, "or make uv use the active one here too")
                .set("UV_PROJECT_ENVIRONMENT", facts.native(&active.python.prefix)),
        ),
    );
}

/// The environment that tools take for the project's own: `.venv`, or what uv is told to use.
fn own_environment(facts: &Facts) -> Option<&EnvironmentFacts> {
    let named = facts.variable("UV_PROJECT_ENVIRONMENT").unwrap_or(".venv");
    let prefix = facts.project.root.join(HostPath::from(named.replace('\\', "/").as_str()));
    facts.environment(&prefix)
}

/// A second environment in the project's own directory is active on purpose. uv ignores it all
/// the same, so that a project of uv's does not count.
fn is_chosen(facts: &Facts, active: &EnvironmentFacts) -> bool {
    let uses_uv = facts.project.pyproject.get().is_some_and(|pyproject| pyproject.uses_uv);
    active.python.prefix.starts_with(&facts.project.root) && !uses_uv
}

fn leave(facts: &Facts, own: Option<&EnvironmentFacts>) -> Fix {
    let fix = Fix::new(Safety::Safe, "leave the environment that is gone").unset("VIRTUAL_ENV");
    match own {
        Some(own) => fix.by_hand(format!("activate the project's own: {}", command(facts, own))),
        None => fix,
    }
}

fn activate(facts: &Facts, own: &EnvironmentFacts) -> Fix {
    Fix::new(Safety::Safe, "activate the project's own environment")
        .by_hand(format!("type `deactivate`, then `{}`", command(facts, own)))
}

fn command(facts: &Facts, environment: &EnvironmentFacts) -> String {
    let os = facts.machine.os;
    let script = |name: &str| host::quote(os, &facts.native(&environment.python.prefix.join(name)));
    match os {
        host::Os::Windows => format!("& {}", script("Scripts/Activate.ps1")),
        host::Os::Linux | host::Os::Macos => format!(". {}", script("bin/activate")),
    }
}

#[cfg(test)]
mod tests {
    use pyenvs::Problem;

    use super::*;
    use crate::Role;
    use crate::testing::{PROJECT, healthy, venv, venv_facts};

    /// The project keeps its `.venv`, and another one is active.
    fn with_active(prefix: &str) -> Facts {
        let mut facts = healthy();
        let own = venv(&mut facts);
        own.roles = vec![Role::Project];
        own.python.found_by = vec![FoundBy::Project];
        facts.machine.variables.insert("VIRTUAL_ENV".to_owned(), prefix.to_owned());
        let mut other = venv_facts(prefix, "3.11.7");
        other.roles = vec![Role::Active];
        other.python.found_by = vec![FoundBy::VirtualEnv];
        facts.environments.push(other);
        facts
    }

    fn with_problem(kind: ProblemKind) -> Facts {
        let mut facts = with_active("/home/dev/old/.venv");
        let active = facts.environments.last_mut().unwrap();
        active.python.executable = None;
        active.python.pyvenv_cfg = None;
        active.python.problems.push(Problem {
            kind,
            path: active.python.prefix.clone(),
            detail: "no such directory".to_owned(),
        });
        facts
    }

    pub(super) fn deleted() -> Facts {
        with_problem(ProblemKind::MissingPrefix)
    }

    pub(super) fn no_environment() -> Facts {
        with_problem(ProblemKind::NoInterpreter)
    }

    pub(super) fn of_another_project() -> Facts {
        with_active("/home/dev/other/.venv")
    }

    pub(super) fn active() -> Facts {
        healthy()
    }

    pub(super) fn nothing_active() -> Facts {
        let mut facts = healthy();
        facts.machine.variables.remove("VIRTUAL_ENV");
        venv(&mut facts).python.found_by = vec![FoundBy::Project];
        facts
    }

    /// Someone who keeps all environments in one place has no `.venv` here.
    pub(super) fn chosen_without_an_own_one() -> Facts {
        let mut facts = with_active("/home/dev/.virtualenvs/science");
        facts.environments.retain(|e| !e.has_role(Role::Project));
        facts
    }

    pub(super) fn chosen_for_uv() -> Facts {
        let mut facts = with_active("/home/dev/.virtualenvs/science");
        facts.machine.variables.insert(
            "UV_PROJECT_ENVIRONMENT".to_owned(),
            "/home/dev/.virtualenvs/science".to_owned(),
        );
        facts
    }

    pub(super) fn second_one_of_the_project() -> Facts {
        with_active(&format!("{PROJECT}/.venv-3.12"))
    }
}
