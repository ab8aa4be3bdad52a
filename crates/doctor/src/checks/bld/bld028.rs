//! BLD028: a setuptools from before Python 3.12 is to run on Python 3.12 or newer.

use std::str::FromStr as _;

use pep440_rs::{Version, VersionSpecifiers};
use report::{Finding, Fix, Safety, Severity};

use super::{project, python_minor, requirement_name};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD028",
    name: "setuptools-too-old-for-python",
    summary: "A setuptools that does not start on Python 3.12 or newer is installed or pinned",
    page: include_str!("../../../pages/BLD028.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::installed, tests::pinned, tests::pinned_exactly],
        silent: &[
            tests::new_enough,
            tests::python_has_distutils,
            tests::a_range_with_new_ones,
            tests::another_backend,
        ],
    },
};

/// The first Python without distutils and `pkgutil.ImpImporter`.
const PYTHON: (u64, u64) = (3, 12);

/// Major versions of setuptools that are tried against a requirement.
const MAJORS: std::ops::Range<u64> = 66..200;

/// The first setuptools that uses neither.
fn first() -> Version {
    Version::new([66, 1])
}

fn run(facts: &Facts, findings: &mut Findings) {
    let concerned: Vec<&EnvironmentFacts> = facts
        .judged()
        .filter(|environment| python_minor(environment).is_some_and(|minor| minor >= PYTHON))
        .collect();
    for environment in &concerned {
        installed(facts, environment, findings);
    }
    let own = concerned.iter().find(|environment| environment.python.kind.is_virtual());
    if let Some(environment) = own {
        pinned(facts, environment, findings);
    }
}

fn installed(facts: &Facts, environment: &EnvironmentFacts, findings: &mut Findings) {
    let old = environment.python.packages_named("setuptools").find_map(|package| {
        let version = package.version.get().filter(|version| **version < first())?;
        Some((package, version))
    });
    let Some((package, version)) = old else { return };
    let python = environment.python.version.get().map(ToString::to_string).unwrap_or_default();
    findings.push(
        Finding::new(
            Severity::Warning,
            environment.subject(facts),
            format!("setuptools {version} does not start on Python {python}"),
        )
        .seen_at(facts.native(&package.path), format!("version {version}"))
        .seen(format!("Python {python}, which has no distutils and no pkgutil.ImpImporter"))
        .cause(
            "Python 3.12 removed what setuptools before 66.1 is made of; builds without isolation \
             and programs that use pkg_resources meet it",
        )
        .fix(Fix::new(Safety::Safe, "take a newer setuptools").run(cures::install(
            facts,
            environment,
            "setuptools",
            "setuptools>=66.1",
        ))),
    );
}

/// What `build-system.requires` allows, if the project is built with setuptools.
fn pinned(facts: &Facts, environment: &EnvironmentFacts, findings: &mut Findings) {
    let Some(pyproject) = facts.project.pyproject.get() else { return };
    if pyproject.build_backend.as_deref().is_some_and(|name| !name.starts_with("setuptools")) {
        return;
    }
    let requirement =
        pyproject.build_requires.iter().find(|written| requirement_name(written) == "setuptools");
    let Some(requirement) = requirement.filter(|written| allows_none(written)) else { return };
    let python = environment.python.version.get().map(ToString::to_string).unwrap_or_default();
    let path = facts.native(&pyproject.path);
    findings.push(
        Finding::new(
            Severity::Error,
            project(facts),
            format!("`{requirement}` allows no setuptools that starts on Python {python}"),
        )
        .seen_at(path.clone(), format!("[build-system] requires \"{requirement}\""))
        .seen(format!("{} is Python {python}", facts.short(&environment.python.prefix)))
        .cause(
            "Python 3.12 removed what setuptools before 66.1 is made of, and the project pins an \
             older one for its builds",
        )
        .fix(
            Fix::new(Safety::Manual, "allow newer ones").edit(
                path,
                format!("`{requirement}` becomes `setuptools>=66.1` in [build-system]"),
            ),
        ),
    );
}

/// Whether a requirement can be read and lets in no setuptools from 66.1 on.
fn allows_none(requirement: &str) -> bool {
    let before_marker = requirement.split(';').next().unwrap_or_default();
    let range = before_marker
        .trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let range = range.trim();
    let range = match range.strip_prefix('[') {
        Some(extras) => extras.split_once(']').map_or("", |(_, rest)| rest).trim(),
        None => range,
    };
    let Ok(range) = VersionSpecifiers::from_str(range) else { return false };
    let mut tried = MAJORS.flat_map(|major| {
        (0..4).flat_map(move |minor| (0..4).map(move |patch| Version::new([major, minor, patch])))
    });
    !tried.any(|version| version >= first() && range.contains(&version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::bld::testing::with_python;
    use crate::testing::{healthy, package, venv};
    use host::Seen;

    fn with_setuptools(version: &str, python: &str) -> Facts {
        let mut facts = healthy();
        with_python(&mut facts, python);
        let site = venv(&mut facts).python.site_packages[0].clone();
        venv(&mut facts).python.packages.push(package("setuptools", version, &site));
        facts
    }

    fn requiring(requirement: &str, backend: &str) -> Facts {
        let mut facts = healthy();
        with_python(&mut facts, "3.12.1");
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.build_backend = Some(backend.to_owned());
            pyproject.build_requires = vec!["wheel".to_owned(), requirement.to_owned()];
        }
        facts
    }

    pub(super) fn installed() -> Facts {
        with_setuptools("59.8.0", "3.12.1")
    }

    pub(super) fn pinned() -> Facts {
        requiring("setuptools>=42, <60", "setuptools.build_meta")
    }

    pub(super) fn pinned_exactly() -> Facts {
        requiring("setuptools[core] == 65.5.1; python_version > '3'", "setuptools.build_meta")
    }

    pub(super) fn new_enough() -> Facts {
        with_setuptools("66.1.0", "3.12.1")
    }

    pub(super) fn python_has_distutils() -> Facts {
        with_setuptools("59.8.0", "3.11.7")
    }

    pub(super) fn a_range_with_new_ones() -> Facts {
        requiring("setuptools>=61,<81", "setuptools.build_meta")
    }

    pub(super) fn another_backend() -> Facts {
        requiring("setuptools<60", "maturin")
    }

    #[test]
    fn what_cannot_be_read_is_allowed() {
        for requirement in
            ["setuptools", "setuptools @ https://x", "setuptools>=61", "setuptools!=70"]
        {
            assert!(!allows_none(requirement), "{requirement}");
        }
    }
}
