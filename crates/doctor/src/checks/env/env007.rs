//! ENV007: the environment's Python is not one that the project supports.

use std::str::FromStr as _;

use pep440_rs::{Version, VersionSpecifiers};
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, Pyproject, Role, cures, subjects};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "ENV007",
    name: "python-outside-requires-python",
    summary: "An environment's Python is outside what the project supports",
    page: include_str!("../../../pages/ENV007.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[
            tests::too_old,
            tests::too_new,
            tests::older_than_abi3,
            tests::no_environment_and_an_old_python_on_path,
            tests::senseless_range,
        ],
        silent: &[
            tests::in_range,
            tests::pre_release_counts_as_its_release,
            tests::declared_partner,
            tests::declared_partner_in_the_project,
            tests::old_python_on_path_beside_an_environment,
            tests::nothing_required,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let pyproject = facts.project.pyproject.get();
    let written = pyproject.and_then(|p| p.requires_python.as_deref());
    if let (Some(pyproject), Some(written)) = (pyproject, written)
        && let Err(error) = VersionSpecifiers::from_str(written)
    {
        findings.push(senseless(facts, pyproject, written, &error.to_string()));
    } else if written.is_none() && cures::oldest_abi3(facts).is_none() {
        findings.skip(match facts.project.pyproject.reason() {
            Some(reason) => format!("pyproject.toml could not be read: {reason}"),
            None => "the project does not say which Pythons it supports".to_owned(),
        });
        return;
    }
    for environment in facts.judged().filter(|e| e.python.is_usable()) {
        let Some(version) = environment.python.version.get() else { continue };
        let Some(severity) = severity(facts, environment) else { continue };
        if !cures::fits_project(facts, version) {
            findings.push(judge(facts, environment, version, severity));
        }
    }
}

/// How much it matters that this environment fits the project.
fn severity(facts: &Facts, environment: &EnvironmentFacts) -> Option<Severity> {
    let has = |roles: &[Role]| roles.iter().any(|role| environment.has_role(*role));
    let is_own = environment.python.kind.is_virtual() || environment.python.kind.is_conda();
    if has(&[Role::Argument]) || is_own && has(&[Role::Active, Role::Maturin]) {
        return Some(Severity::Error);
    }
    // Declared for an exchange of data, it may have any Python, wherever it lies.
    let is_partner = has(&[Role::Declared]) && !has(&[Role::Uv]);
    if environment.python.kind.is_virtual() && has(&[Role::Project]) && !is_partner {
        return Some(Severity::Warning);
    }
    // The Python on PATH matters only where the project has nothing better.
    let has_better = facts.judged().any(|other| {
        [Role::Project, Role::Active, Role::ActiveConda, Role::Argument]
            .iter()
            .any(|role| other.has_role(*role))
    });
    (has(&[Role::OnPath]) && !has_better).then_some(Severity::Warning)
}

fn judge(
    facts: &Facts,
    environment: &EnvironmentFacts,
    version: &Version,
    severity: Severity,
) -> Finding {
    let pyproject = facts.project.pyproject.get();
    let written = pyproject.and_then(|p| p.requires_python.as_deref()).unwrap_or_default();
    let release = Version::new(version.release().iter().copied());
    let in_range = cures::requires_python(facts).is_none_or(|range| range.contains(&release));
    let abi3 = cures::oldest_abi3(facts).filter(|(_, oldest)| *oldest > release);
    let message = match &abi3 {
        Some((manifest, oldest)) if in_range => format!(
            "Python {version} is too old for the crate {}, which asks PyO3 for Python {oldest} or \
             later",
            manifest.name
        ),
        _ => format!("Python {version} is not one that the project supports (`{written}`)"),
    };
    let mut finding = Finding::new(severity, environment.subject(facts), message);
    if let Some(pyproject) = pyproject.filter(|_| !in_range) {
        finding = finding
            .seen_at(facts.native(&pyproject.path), format!("requires-python = \"{written}\""));
    }
    if let Some((manifest, oldest)) = &abi3 {
        let feature = format!("abi3-py{}", oldest.to_string().replace('.', ""));
        finding = finding.seen_at(facts.native(&manifest.path), format!("PyO3's `{feature}`"));
    }
    let interpreter = cures::interpreter(facts, environment);
    finding
        .seen_at(interpreter, format!("Python {version}"))
        .cause("The project moved on after this environment was made, or it was made with the wrong Python")
        .fix(cure(facts, environment))
}

fn cure(facts: &Facts, environment: &EnvironmentFacts) -> Fix {
    if environment.python.kind.is_virtual() {
        return cures::recreate(facts, environment);
    }
    let range = facts.project.pyproject.get().and_then(|p| p.requires_python.clone());
    let range = range.unwrap_or_else(|| "3".to_owned());
    if environment.python.kind.is_conda() {
        let wanted = format!("python{range}");
        return Fix::new(Safety::Confirm, "install a Python that fits into the conda environment")
            .run(cures::conda_install(facts, environment, &[wanted.as_str()]));
    }
    let fresh = facts.project.root.join(".venv");
    match cures::base_interpreter(facts, environment) {
        Some(base) => {
            let interpreter = cures::interpreter(facts, base);
            Fix::new(Safety::Safe, "make an environment for the project with a Python that fits")
                .run([interpreter.as_str(), "-m", "venv", facts.native(&fresh).as_str()])
        }
        None => Fix::new(Safety::Manual, format!("install a Python that fits `{range}`")).by_hand(
            "install one (python.org, pyenv, uv or your system's packages), then make an \
             environment with it",
        ),
    }
}

fn senseless(facts: &Facts, pyproject: &Pyproject, written: &str, error: &str) -> Finding {
    let first_line = error.lines().next().unwrap_or_default();
    // maturin stops at it; other backends may be more patient.
    let is_maturin = pyproject.build_backend.as_deref() == Some("maturin");
    Finding::new(
        if is_maturin { Severity::Error } else { Severity::Warning },
        subjects::project(facts),
        format!("requires-python `{written}` is not a range of versions"),
    )
    .seen_at(facts.native(&pyproject.path), format!("requires-python = \"{written}\""))
    .seen(first_line)
    .cause(
        "requires-python takes comparisons separated by commas, such as `>=3.9,<4`; other tools' \
         notations (`^3.9`) mean nothing to it",
    )
    .fix(
        Fix::new(Safety::Manual, "write the range as comparisons").edit(
            facts.native(&pyproject.path),
            "write requires-python like `>=3.9` or `>=3.9,<4`",
        ),
    )
}

#[cfg(test)]
mod tests {
    use host::{HostPath, Seen};
    use pyenvs::EnvironmentKind;

    use super::*;
    use crate::testing::{bare_environment, dependency, healthy, venv, venv_facts};
    use crate::{CrateManifest, Dependency};

    fn with(range: &str, version: &str) -> Facts {
        let mut facts = healthy();
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.requires_python = Some(range.to_owned());
        }
        venv(&mut facts).python.version = Seen::Seen(version.parse().unwrap());
        facts
    }

    pub(super) fn too_old() -> Facts {
        with(">=3.12", "3.11.7")
    }

    pub(super) fn too_new() -> Facts {
        with(">=3.9,<3.13", "3.13.0")
    }

    pub(super) fn older_than_abi3() -> Facts {
        let mut facts = with(">=3.8", "3.8.18");
        facts.project.crates.push(CrateManifest {
            name: "example".to_owned(),
            dependencies: vec![Dependency {
                features: vec!["abi3-py39".to_owned()],
                ..dependency("pyo3", Some("0.27"))
            }],
            ..CrateManifest::default()
        });
        facts
    }

    pub(super) fn no_environment_and_an_old_python_on_path() -> Facts {
        let mut facts = with(">=3.12", "3.11.7");
        facts.environments.retain(|e| e.has_role(Role::System));
        let prefix = "/home/dev/.pyenv/versions/3.8.18";
        let mut old = bare_environment(prefix, "3.8.18", EnvironmentKind::Pyenv);
        old.roles = vec![Role::OnPath];
        facts.environments.push(old);
        facts
    }

    pub(super) fn senseless_range() -> Facts {
        with("^3.9", "3.11.7")
    }

    pub(super) fn in_range() -> Facts {
        with(">=3.9,<4", "3.11.7")
    }

    pub(super) fn pre_release_counts_as_its_release() -> Facts {
        with(">=3.14", "3.14.0rc2")
    }

    /// An environment that only exchanges data with the project may have any Python.
    pub(super) fn declared_partner() -> Facts {
        let mut facts = with(">=3.9", "3.11.7");
        let mut partner = venv_facts("/srv/legacy", "3.8.18");
        partner.roles = vec![Role::Declared];
        facts.environments.push(partner);
        facts
    }

    pub(super) fn declared_partner_in_the_project() -> Facts {
        let mut facts = declared_partner();
        facts.environments.last_mut().unwrap().roles = vec![Role::Declared, Role::Project];
        facts
    }

    pub(super) fn old_python_on_path_beside_an_environment() -> Facts {
        let mut facts = no_environment_and_an_old_python_on_path();
        let mut own = venv_facts("/home/dev/project/.venv", "3.12.1");
        own.roles = vec![Role::Project];
        facts.environments.push(own);
        facts
    }

    pub(super) fn nothing_required() -> Facts {
        let mut facts = healthy();
        facts.project.pyproject = Seen::Absent;
        facts
    }

    #[test]
    fn the_new_environment_has_a_python_in_range() {
        let mut facts = too_old();
        let prefix = "/home/dev/.pyenv/versions/3.13.0";
        facts.environments.push(bare_environment(prefix, "3.13.0", EnvironmentKind::Pyenv));
        let mut findings = Findings::default();
        run(&facts, &mut findings);
        let fix = &findings.list[0].fixes[0];
        assert!(fix.title.contains("Python 3.13.0"), "{fix:?}");
    }

    #[test]
    fn the_oldest_abi3_may_come_by_a_feature_of_the_crate() {
        let mut facts = older_than_abi3();
        let manifest = &mut facts.project.crates[0];
        manifest.path = HostPath::from("/home/dev/project/Cargo.toml");
        manifest.dependencies[0].features.clear();
        assert!(cures::oldest_abi3(&facts).is_none());
        let features = &mut facts.project.crates[0].features;
        features.insert("default".to_owned(), vec!["python".to_owned()]);
        features.insert("python".to_owned(), vec!["pyo3/abi3-py310".to_owned()]);
        let (_, oldest) = cures::oldest_abi3(&facts).unwrap();
        assert_eq!(oldest.to_string(), "3.10");
    }
}
