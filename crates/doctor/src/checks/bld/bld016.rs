//! BLD016: the `python` on PATH is a stand-in that leads nowhere: a pyenv shim without its
//! version, or the stub of the Microsoft Store.

use pyenvs::{FoundBy, Pick, ProblemKind};
use report::{Finding, Fix, Platform, Safety, Severity};

use super::uses_pyo3;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::subjects::shell;
use crate::{Facts, Findings, PyenvFacts};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD016",
    name: "python-stand-in-leads-nowhere",
    summary: "The python on PATH is a pyenv shim or a Store stub that starts no Python",
    page: include_str!("../../../pages/BLD016.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[
            tests::missing_version,
            tests::one_of_two_missing,
            tests::no_shim,
            tests::store_stub,
        ],
        silent: &[
            tests::all_installed,
            tests::shims_not_on_path,
            tests::stub_behind_a_python,
            tests::healthy_without_pyenv,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    if let Some(pyenv) = &facts.toolchain.pyenv
        && pyenv.shims_on_path
    {
        missing_versions(facts, pyenv, findings);
        unshimmed(facts, pyenv, findings);
    }
    store_stub(facts, findings);
}

fn missing_versions(facts: &Facts, pyenv: &PyenvFacts, findings: &mut Findings) {
    if pyenv.missing.is_empty() {
        return;
    }
    // With another version that is there, or an environment in front, `python` still runs.
    let runs = matches!(facts.picks.path, Pick::Python { .. });
    // uv reads the same file, and has Pythons of its own.
    let for_uv = facts.project.pyproject.get().is_some_and(|pyproject| pyproject.uses_uv)
        && !asked_by_variable(pyenv)
        && !uses_pyo3(facts);
    let severity = if runs || for_uv { Severity::Info } else { Severity::Error };
    let missing = pyenv.missing.join(" and ");
    let mut finding = Finding::new(
        severity,
        shell(),
        format!("pyenv is asked for Python {missing}, which is not installed"),
    )
    .seen_at(&pyenv.requested_by, pyenv.requested.join(", "))
    .seen_at(
        facts.native(&pyenv.root.join("versions")),
        format!("installed: {}", list(&pyenv.installed)),
    )
    .cause(if runs {
        "Another Python answers to `python`, so the one that was asked for is not used"
    } else {
        "pyenv's shims stand first on PATH and start only the version that is asked for"
    });
    let mut install = Fix::new(Safety::Confirm, "install what is asked for");
    for version in &pyenv.missing {
        install = install.run(["pyenv", "install", "--skip-existing", version.as_str()]);
    }
    finding = finding.fix(install);
    if let Some(newest) = newest_installed(pyenv) {
        let set = match asked_by_variable(pyenv) {
            true => Fix::new(Safety::Safe, "use a version that is installed")
                .set("PYENV_VERSION", newest),
            false => Fix::new(Safety::Confirm, "use a version that is installed")
                .write(pyenv.requested_by.clone(), format!("{newest}\n")),
        };
        finding = finding.fix(set);
    }
    findings.push(finding);
}

fn asked_by_variable(pyenv: &PyenvFacts) -> bool {
    pyenv.requested_by == "PYENV_VERSION"
}

fn newest_installed(pyenv: &PyenvFacts) -> Option<&str> {
    let parsed = |text: &str| -> Option<Vec<u32>> {
        text.split('.').map(|part| part.parse().ok()).collect()
    };
    pyenv
        .installed
        .iter()
        .filter_map(|name| Some((parsed(name)?, name.as_str())))
        .max()
        .map(|(_, name)| name)
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn unshimmed(facts: &Facts, pyenv: &PyenvFacts, findings: &mut Findings) {
    if pyenv.unshimmed.is_empty() {
        return;
    }
    let shims = facts.native(&pyenv.root.join("shims"));
    findings.push(
        Finding::new(
            Severity::Warning,
            shell(),
            format!(
                "pyenv has no shim for {}, so the shell does not find it",
                list(&pyenv.unshimmed)
            ),
        )
        .seen_at(shims, format!("no {}", pyenv.unshimmed.join(", no ")))
        .cause("The program was installed into a pyenv version and `pyenv rehash` was not run")
        .fix(Fix::new(Safety::Safe, "make the missing shims").run(["pyenv", "rehash"])),
    );
}

fn store_stub(facts: &Facts, findings: &mut Findings) {
    for environment in &facts.environments {
        let python = &environment.python;
        let first = match &facts.picks.path {
            Pick::Python { executable, .. } => python.executable.as_ref() == Some(executable),
            Pick::Refuses { .. } | Pick::Nothing { .. } => true,
        };
        let stub = python.problems.iter().find(|p| p.kind == ProblemKind::EmptyInterpreter);
        let Some(stub) = stub.filter(|_| first && python.found_by.contains(&FoundBy::Path)) else {
            continue;
        };
        findings.push(
            Finding::new(
                Severity::Error,
                shell(),
                "`python` is the stub of the Microsoft Store: it starts no Python",
            )
            .seen_at(facts.native(&stub.path), stub.detail.clone())
            .cause("Windows puts stand-ins into WindowsApps that open the Store when Python is not installed from it")
            .fix(
                Fix::new(Safety::Manual, "switch the stand-ins off, or install Python")
                    .on(Platform::Windows)
                    .by_hand(
                        "Settings > Apps > Advanced app settings > App execution aliases: switch \
                         off python.exe and python3.exe; then put a real Python on PATH",
                    ),
            )
            .fix(
                Fix::new(Safety::Confirm, "install Python from python.org")
                    .on(Platform::Windows)
                    .run(["winget", "install", "--id", "Python.Python.3.13"]),
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use host::{HostPath, Os};
    use pyenvs::{EnvironmentKind, Problem};

    use super::*;
    use crate::testing::{bare_environment, healthy};

    fn facts(requested: &[&str], missing: &[&str]) -> Facts {
        let mut facts = healthy();
        let owned = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        facts.toolchain.pyenv = Some(PyenvFacts {
            root: HostPath::from("/home/dev/.pyenv"),
            requested: owned(requested),
            requested_by: "/home/dev/project/.python-version".to_owned(),
            missing: owned(missing),
            installed: owned(&["3.9.18", "3.11.7", "3.8.18", "science"]),
            shims_on_path: true,
            unshimmed: Vec::new(),
        });
        facts
    }

    pub(super) fn missing_version() -> Facts {
        let mut facts = facts(&["3.12.9"], &["3.12.9"]);
        facts.picks.path = Pick::Nothing { because: "pyenv: not installed".to_owned() };
        facts
    }

    pub(super) fn one_of_two_missing() -> Facts {
        facts(&["3.11.7", "3.12.9"], &["3.12.9"])
    }

    pub(super) fn no_shim() -> Facts {
        let mut facts = facts(&["3.11.7"], &[]);
        if let Some(pyenv) = &mut facts.toolchain.pyenv {
            pyenv.unshimmed = vec!["maturin".to_owned()];
        }
        facts
    }

    pub(super) fn store_stub() -> Facts {
        let mut facts = healthy();
        facts.machine.os = Os::Windows;
        let prefix = "C:/Users/dev/AppData/Local/Microsoft/WindowsApps";
        let mut stub = bare_environment(prefix, "3.12.0", EnvironmentKind::WindowsStore);
        stub.python.found_by = vec![FoundBy::Path];
        stub.python.problems.push(Problem {
            kind: ProblemKind::EmptyInterpreter,
            path: HostPath::from(format!("{prefix}/python.exe").as_str()),
            detail: "0 bytes".to_owned(),
        });
        facts.environments.push(stub);
        facts.picks.path = Pick::Nothing { because: "only a stub".to_owned() };
        facts
    }

    pub(super) fn all_installed() -> Facts {
        facts(&["3.11.7"], &[])
    }

    pub(super) fn shims_not_on_path() -> Facts {
        let mut facts = missing_version();
        if let Some(pyenv) = &mut facts.toolchain.pyenv {
            pyenv.shims_on_path = false;
        }
        facts
    }

    pub(super) fn stub_behind_a_python() -> Facts {
        let mut facts = store_stub();
        facts.picks.path = healthy().picks.path;
        facts
    }

    pub(super) fn healthy_without_pyenv() -> Facts {
        healthy()
    }

    #[test]
    fn the_newest_installed_version_is_offered() {
        let facts = facts(&["3.12.9"], &["3.12.9"]);
        let newest = facts.toolchain.pyenv.as_ref().and_then(newest_installed);
        assert_eq!(newest, Some("3.11.7"));
    }

    #[test]
    fn a_python_that_still_runs_makes_it_worth_knowing_only() {
        let mut findings = Findings::default();
        run(&one_of_two_missing(), &mut findings);
        assert_eq!(findings.list[0].severity, Severity::Info);
    }
}
