//! BLD015: the first `pip` on PATH belongs to another Python than the first `python`.

use pyenvs::Pick;
use report::{Finding, Fix, Safety, Severity};

use super::shell;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD015",
    name: "pip-of-another-python",
    summary: "The first pip on PATH installs into another Python than the first python",
    page: include_str!("../../../pages/BLD015.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::two_pythons, tests::venv_without_pip],
        silent: &[tests::one_python, tests::no_pip, tests::same_installation],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let (python, pip) = match (&facts.picks.path, &facts.picks.pip) {
        (
            Pick::Python { executable: python, prefix: Some(python_prefix), .. },
            Pick::Python { executable: pip, prefix: Some(pip_prefix), .. },
        ) => {
            if python_prefix == pip_prefix {
                return;
            }
            ((python, python_prefix), (pip, pip_prefix))
        }
        _ => {
            findings.skip("there is no python, or no pip, on PATH whose Python is known");
            return;
        }
    };
    let Some(environment) = facts.environment(python.1) else { return };
    if facts.environment(pip.1).is_some_and(|other| is_one_installation(environment, other)) {
        return;
    }
    let has_pip = environment.python.packages_named("pip").next().is_some()
        || environment.python.conda_packages.iter().any(|record| record.name == "pip");
    // Without a pip of its own the environment is managed by uv, and `pip` is not meant for it.
    let severity = if has_pip { Severity::Warning } else { Severity::Info };
    let mut finding = Finding::new(
        severity,
        shell(),
        format!(
            "`pip` on PATH installs into {}, and `python` is {}",
            facts.short(pip.1),
            facts.short(python.1)
        ),
    )
    .seen_at(facts.native(python.0), "the first python on PATH");
    finding = match facts.toolchain.pip.first() {
        Some(tool) => finding.seen_at(
            facts.native(&tool.path),
            format!("the first pip on PATH; it runs {}", facts.short(pip.0)),
        ),
        None => finding.seen_at(facts.native(pip.0), "the Python of the first pip on PATH"),
    };
    let install = cures::pip_install(facts, environment, &["PACKAGE"]).join(" ");
    finding = finding.cause(if has_pip {
        "The directory of another Python's pip stands before this Python's on PATH"
    } else {
        "The environment of `python` has no pip, so the next one on PATH answers"
    });
    if has_pip {
        finding = finding.fix(first_on_path(facts, environment));
    }
    findings.push(
        finding.fix(
            Fix::new(Safety::Manual, "install with the Python named")
                .by_hand(format!("type `{install}` instead of `pip install PACKAGE`")),
        ),
    );
}

/// Whether two prefixes are one installation: a system's Python seen through two directories.
fn is_one_installation(a: &EnvironmentFacts, b: &EnvironmentFacts) -> bool {
    let real = |environment: &EnvironmentFacts| environment.python.real_executable.clone();
    !a.python.kind.is_virtual()
        && !b.python.kind.is_virtual()
        && real(a).is_some()
        && real(a) == real(b)
}

/// Puts the directory of `python` first.
fn first_on_path(facts: &Facts, environment: &EnvironmentFacts) -> Fix {
    let fix = Fix::new(Safety::Safe, "put this Python's programs first on PATH");
    let directory = environment.python.executable.as_ref().and_then(|e| e.parent());
    let separator = if facts.machine.os == host::Os::Windows { ';' } else { ':' };
    match directory {
        Some(directory) => {
            let directory = facts.native(&host::HostPath::from(directory));
            let path = facts.variable("PATH").unwrap_or_default();
            fix.set("PATH", format!("{directory}{separator}{path}"))
        }
        None => fix.by_hand("activate the environment"),
    }
}

#[cfg(test)]
mod tests {
    use host::HostPath;

    use super::*;
    use crate::testing::{healthy, system, venv};

    pub(super) fn two_pythons() -> Facts {
        let mut facts = healthy();
        facts.picks.pip = Pick::Python {
            executable: HostPath::from("/usr/bin/python3"),
            prefix: Some(HostPath::from("/usr")),
            because: "first pip on PATH".to_owned(),
        };
        facts
    }

    pub(super) fn venv_without_pip() -> Facts {
        let mut facts = two_pythons();
        venv(&mut facts).python.packages.retain(|package| package.name != "pip");
        facts
    }

    pub(super) fn one_python() -> Facts {
        healthy()
    }

    pub(super) fn no_pip() -> Facts {
        let mut facts = healthy();
        facts.picks.pip = Pick::Nothing { because: "no pip on PATH".to_owned() };
        facts
    }

    pub(super) fn same_installation() -> Facts {
        let mut facts = two_pythons();
        let mut other = system(&mut facts).clone();
        other.python.prefix = HostPath::from("/");
        facts.environments.push(other);
        facts.picks.path = Pick::Python {
            executable: HostPath::from("/bin/python3"),
            prefix: Some(HostPath::from("/")),
            because: "first on PATH".to_owned(),
        };
        facts
    }

    #[test]
    fn a_venv_without_pip_is_only_worth_knowing() {
        for (facts, severity) in
            [(two_pythons(), Severity::Warning), (venv_without_pip(), Severity::Info)]
        {
            let mut findings = Findings::default();
            run(&facts, &mut findings);
            assert_eq!(findings.list[0].severity, severity);
        }
    }
}
