//! BLD014: pip would install into a Python that the system manages, and will refuse.

use host::Os;
use pyenvs::Pick;
use report::{Finding, Fix, Safety, Severity};

use super::requirement_name;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, Pyproject, Role, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD014",
    name: "externally-managed-python",
    summary: "pip would install into a Python that the system manages, and refuses",
    page: include_str!("../../../pages/BLD014.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::no_environment],
        silent: &[
            tests::environment_in_the_project,
            tests::environment_active,
            tests::pip_of_another_python,
            tests::no_python_project,
            tests::allowed_by_the_user,
            tests::no_marker,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(pyproject) = facts.project.pyproject.get() else {
        findings.skip("no pyproject.toml, so nothing is to be installed");
        return;
    };
    let has_own = facts.judged().any(|environment| {
        environment.roles.iter().any(|role| {
            matches!(
                role,
                Role::Argument | Role::Declared | Role::Project | Role::Active | Role::ActiveConda
            )
        })
    });
    // `uv sync` makes the project an environment of its own.
    if has_own || pyproject.uses_uv || facts.variable("PIP_BREAK_SYSTEM_PACKAGES").is_some() {
        return;
    }
    let Pick::Python { executable, prefix: Some(prefix), .. } = &facts.picks.pip else {
        findings.skip("no pip on PATH");
        return;
    };
    let Some(environment) = facts.environment(prefix) else { return };
    let Some(marker) = &environment.python.externally_managed else { return };
    // Where everything that the project depends on is there already, nothing need be installed.
    let missing = missing_dependency(pyproject, environment);
    let severity = if missing.is_some() { Severity::Warning } else { Severity::Info };
    let base = cures::base_interpreter(facts, environment)
        .map_or_else(|| facts.native(executable), |base| cures::interpreter(facts, base));
    let place = facts.native(&facts.project.root.join(".venv"));
    let root = facts.native(&facts.project.root);
    let program = match facts.machine.os {
        Os::Windows => facts.project.root.join(".venv/Scripts/python.exe"),
        Os::Linux | Os::Macos => facts.project.root.join(".venv/bin/python"),
    };
    let program = facts.native(&program);
    let own = Fix::new(Safety::Safe, "make an environment for the project and install into it");
    let own = match facts.toolchain.uv.is_empty() {
        true => own.run([base.as_str(), "-m", "venv", place.as_str()]).run([
            program.as_str(),
            "-m",
            "pip",
            "install",
            "--editable",
            root.as_str(),
        ]),
        false => own.run(["uv", "venv", "--python", base.as_str(), place.as_str()]).run([
            "uv",
            "pip",
            "install",
            "--python",
            program.as_str(),
            "--editable",
            root.as_str(),
        ]),
    };
    findings.push(
        Finding::new(
            severity,
            environment.subject(facts),
            "`pip install` will refuse: the system manages this Python, and the project has no \
             environment of its own",
        )
        .seen_at(facts.native(marker), "marks the Python as externally managed (PEP 668)")
        .seen(format!("pip on PATH installs into {}", facts.short(executable)))
        .seen(match missing {
            Some(name) => format!("the project depends on {name}, which is not installed there"),
            None => "everything that the project depends on is installed there".to_owned(),
        })
        .cause("The distribution's own programs use this Python, so its packages are left to apt, dnf or brew")
        .fix(own),
    );
}

/// The first dependency of the project that is not installed, conditions left out.
fn missing_dependency(pyproject: &Pyproject, environment: &EnvironmentFacts) -> Option<String> {
    pyproject
        .dependencies
        .iter()
        .filter(|requirement| !requirement.contains(';'))
        .map(|requirement| requirement_name(requirement))
        .find(|name| environment.python.packages_named(name).next().is_none())
}

#[cfg(test)]
mod tests {
    use host::{HostPath, Seen};

    use super::*;
    use crate::checks::bld::testing::without_venv;
    use crate::testing::{bare_environment, healthy, system};
    use pyenvs::EnvironmentKind;

    pub(super) fn no_environment() -> Facts {
        let mut facts = healthy();
        without_venv(&mut facts);
        let python = system(&mut facts);
        python.roles = vec![Role::OnPath, Role::Pip, Role::System];
        python.judged = true;
        facts
    }

    #[test]
    fn it_is_a_warning_when_something_must_be_installed() {
        let mut facts = no_environment();
        for (dependencies, severity) in
            [(vec![], Severity::Info), (vec!["Nothing_Here>=1".to_owned()], Severity::Warning)]
        {
            if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
                pyproject.dependencies = dependencies;
            }
            let mut findings = Findings::default();
            run(&facts, &mut findings);
            assert_eq!(findings.list[0].severity, severity);
        }
    }

    pub(super) fn environment_in_the_project() -> Facts {
        let mut facts = healthy();
        facts.picks.pip = no_environment().picks.pip;
        facts
    }

    pub(super) fn environment_active() -> Facts {
        let mut facts = no_environment();
        let mut conda = bare_environment("/opt/conda", "3.12.1", EnvironmentKind::CondaBase);
        conda.roles = vec![Role::ActiveConda];
        facts.environments.push(conda);
        facts
    }

    pub(super) fn pip_of_another_python() -> Facts {
        let mut facts = no_environment();
        facts.picks.pip = Pick::Python {
            executable: HostPath::from("/usr/local/bin/python3"),
            prefix: Some(HostPath::from("/usr/local")),
            because: "first on PATH".to_owned(),
        };
        facts.environments.push(bare_environment("/usr/local", "3.13.1", EnvironmentKind::Other));
        facts
    }

    pub(super) fn no_python_project() -> Facts {
        let mut facts = no_environment();
        facts.project.pyproject = Seen::Absent;
        facts
    }

    pub(super) fn allowed_by_the_user() -> Facts {
        let mut facts = no_environment();
        let name = "PIP_BREAK_SYSTEM_PACKAGES".to_owned();
        facts.machine.variables.insert(name, "1".to_owned());
        facts
    }

    pub(super) fn no_marker() -> Facts {
        let mut facts = no_environment();
        system(&mut facts).python.externally_managed = None;
        facts
    }
}
