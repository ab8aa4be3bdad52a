//! BLD008: the project compiles C against Python, and this Python has no headers.

use pep440_rs::Version;
use pyenvs::EnvironmentKind;
use report::{Finding, Fix, Platform, Safety, Severity};

use super::{as_root, python_minor, requirement_name};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, Role};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD008",
    name: "python-headers-missing",
    summary: "The project compiles C against Python, and Python.h is not there",
    page: include_str!("../../../pages/BLD008.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::cython_without_headers],
        silent: &[tests::cython_with_headers, tests::rust_only, tests::setuptools_only],
    },
};

/// Build requirements that mean C or C++ compiled against `Python.h`. setuptools alone does not:
/// most projects that use it are pure Python.
const COMPILE_C: [&str; 7] =
    ["cython", "pybind11", "nanobind", "cffi", "meson-python", "scikit-build", "scikit-build-core"];

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(pyproject) = facts.project.pyproject.get() else {
        findings.skip("no pyproject.toml that could be read");
        return;
    };
    let reason = pyproject
        .build_requires
        .iter()
        .map(|requirement| requirement_name(requirement))
        .find(|name| COMPILE_C.contains(&name.as_str()));
    let Some(reason) = reason else {
        findings.skip("the project compiles no C against Python; PyO3 needs no headers");
        return;
    };
    for environment in facts.judged().filter(|environment| installs_here(environment)) {
        let python = &environment.python;
        if python.python_header.is_some() || !python.is_usable() || python.base_prefix.is_none() {
            continue;
        }
        let interpreter = environment.interpreter(facts).unwrap_or_default();
        findings.push(
            cures(
                Finding::new(
                    Severity::Warning,
                    environment.subject(facts),
                    "C code cannot be compiled for this Python: it has no Python.h",
                )
                .seen_at(facts.native(&pyproject.path), format!("the build requires {reason}"))
                .seen_at(interpreter, "its installation has no include directory with Python.h"),
                facts,
                environment,
            )
            .cause(
                "The system packs Python's headers apart from Python, and they are not installed",
            ),
        );
    }
}

fn installs_here(environment: &EnvironmentFacts) -> bool {
    environment.roles.iter().any(|role| {
        matches!(
            role,
            Role::Argument | Role::Declared | Role::Project | Role::Active | Role::ActiveConda
        )
    })
}

fn cures(finding: Finding, facts: &Facts, environment: &EnvironmentFacts) -> Finding {
    let minor = python_minor(environment)
        .map_or_else(|| "3".to_owned(), |(major, minor)| format!("{major}.{minor}"));
    let base = environment.python.base_prefix.as_ref().and_then(|prefix| facts.environment(prefix));
    let kind = base.map_or(environment.python.kind, |base| base.python.kind);
    if kind != EnvironmentKind::System {
        let version = environment.python.version.get().map_or(minor, Version::to_string);
        return finding.fix(Fix::new(Safety::Manual, "install this Python again, whole").by_hand(
            format!(
                "install Python {version} again with its headers, or recreate the environment with \
                 a Python that has them (those of pyenv, uv, conda and python.org do)"
            ),
        ));
    }
    let debian = format!("python{minor}-dev");
    finding
        .fix(
            Fix::new(Safety::Confirm, "install the headers (Debian, Ubuntu)")
                .on(Platform::Linux)
                .run(as_root(facts, &["apt-get", "install", "--yes", &debian])),
        )
        .fix(
            Fix::new(Safety::Confirm, "install the headers (Fedora, Red Hat)")
                .on(Platform::Linux)
                .run(as_root(facts, &["dnf", "install", "--assumeyes", "python3-devel"])),
        )
        .fix(
            Fix::new(Safety::Confirm, "install Apple's command line tools, which hold them")
                .on(Platform::Macos)
                .run(["xcode-select", "--install"]),
        )
}

#[cfg(test)]
mod tests {
    use host::Seen;

    use super::*;
    use crate::testing::{healthy, venv};

    fn facts(requires: &[&str], headers: bool) -> Facts {
        let mut facts = healthy();
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.build_requires = requires.iter().map(|name| (*name).to_owned()).collect();
        }
        if !headers {
            venv(&mut facts).python.python_header = None;
        }
        facts
    }

    pub(super) fn cython_without_headers() -> Facts {
        facts(&["setuptools>=61", "Cython>=3"], false)
    }

    pub(super) fn cython_with_headers() -> Facts {
        facts(&["setuptools>=61", "Cython>=3"], true)
    }

    pub(super) fn rust_only() -> Facts {
        facts(&["maturin>=1,<2"], false)
    }

    pub(super) fn setuptools_only() -> Facts {
        facts(&["setuptools>=61", "wheel"], false)
    }

    #[test]
    fn names_are_taken_out_of_requirements() {
        assert_eq!(requirement_name("scikit_build.core[pyproject]>=0.5"), "scikit-build-core");
        assert_eq!(requirement_name("Cython ; python_version < '3.9'"), "cython");
        assert_eq!(requirement_name(""), "");
    }
}
