//! ENV008: `.python-version` asks for another Python than the environment has, so uv throws the
//! environment away.

use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "ENV008",
    name: "pinned-to-another-python",
    summary: ".python-version asks for another Python than .venv has, so uv makes it anew",
    page: include_str!("../../../pages/ENV008.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::another_minor, tests::another_patch],
        silent: &[
            tests::the_same,
            tests::the_same_minor,
            tests::not_uvs,
            tests::not_a_version,
            tests::no_environment,
            tests::told_by_a_variable,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let Some((file, pinned)) = &facts.settings.pinned_python else { return };
    let uses_uv = facts.source_tree.uv_lock.is_some()
        || facts.project.pyproject.get().is_some_and(|pyproject| pyproject.uses_uv);
    if !uses_uv {
        findings.skip("uv does not manage this project");
        return;
    }
    let Some(asked) = numbers(pinned) else {
        findings.skip("what `.python-version` asks for is no plain version");
        return;
    };
    let Some(environment) = own(facts) else { return };
    let Some(version) = environment.python.version.get() else { return };
    if version.release().starts_with(&asked) {
        return;
    }
    let short = facts.short(&environment.python.prefix);
    findings.push(
        Finding::new(
            Severity::Warning,
            environment.subject(facts),
            format!("the next `uv run` or `uv sync` deletes {short}: it is Python {version}, and {pinned} is asked for"),
        )
        .seen_at(facts.native(file), pinned.clone())
        .seen(format!("{short} has Python {version}"))
        .cause(
            "The file and the environment were made at different times or by different tools; uv \
             obeys the file, and what `maturin develop` or pip put into the environment goes with it",
        )
        .fix(
            Fix::new(Safety::Safe, "pin the Python that the environment has")
                .run(["uv", "python", "pin", &major_minor(version)]),
        )
        .fix(
            Fix::new(Safety::Confirm, format!("or make the environment anew with Python {pinned}"))
                .run(["uv", "sync", "--python", pinned]),
        ),
    );
}

/// The environment that uv takes for the project's own.
fn own(facts: &Facts) -> Option<&EnvironmentFacts> {
    let told = ["UV_PROJECT_ENVIRONMENT", "UV_PYTHON"];
    if told.iter().any(|name| facts.variable(name).is_some()) {
        return None;
    }
    let environment = facts.environment(&facts.project.root.join(".venv"))?;
    environment.python.executable.is_some().then_some(environment)
}

/// `3.12` or `3.12.1`, and nothing else that uv understands.
fn numbers(text: &str) -> Option<Vec<u64>> {
    let numbers: Option<Vec<u64>> = text.split('.').map(|part| part.parse().ok()).collect();
    numbers.filter(|numbers| (2..=3).contains(&numbers.len()))
}

fn major_minor(version: &pep440_rs::Version) -> String {
    version.release().iter().take(2).map(ToString::to_string).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PROJECT, healthy};
    use host::HostPath;

    fn pinned(text: &str) -> Facts {
        let mut facts = healthy();
        let root = HostPath::from(PROJECT);
        facts.source_tree.uv_lock = Some(root.join("uv.lock"));
        facts.settings.pinned_python = Some((root.join(".python-version"), text.to_owned()));
        facts
    }

    pub(super) fn another_minor() -> Facts {
        pinned("3.12")
    }

    pub(super) fn another_patch() -> Facts {
        pinned("3.11.9")
    }

    pub(super) fn the_same() -> Facts {
        pinned("3.11.7")
    }

    pub(super) fn the_same_minor() -> Facts {
        pinned("3.11")
    }

    pub(super) fn not_uvs() -> Facts {
        let mut facts = another_minor();
        facts.source_tree.uv_lock = None;
        facts
    }

    pub(super) fn not_a_version() -> Facts {
        pinned("pypy@3.10")
    }

    pub(super) fn told_by_a_variable() -> Facts {
        let mut facts = another_minor();
        facts.machine.variables.insert("UV_PYTHON".to_owned(), "3.11".to_owned());
        facts
    }

    pub(super) fn no_environment() -> Facts {
        let mut facts = another_minor();
        facts.environments.retain(|environment| !environment.python.kind.is_virtual());
        facts
    }
}
