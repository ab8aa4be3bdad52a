//! PKG010: a compiled module that a package's record lists is not there.

use pyenvs::Package;
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "PKG010",
    name: "recorded-module-gone",
    summary: "A package is recorded as installed, and its compiled modules are gone",
    page: include_str!("../../../pages/PKG010.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::gone],
        silent: &[
            tests::there,
            tests::for_another_python,
            tests::own_project,
            tests::of_another_directory,
        ],
    },
};

/// Modules named at most.
const SHOWN: usize = 5;

fn run(facts: &Facts, findings: &mut Findings) {
    for environment in facts.judged() {
        let python = &environment.python;
        let Some(abi) = python.abi.get() else { continue };
        // `.so` alone may be any library, which is not looked at.
        let tagged: Vec<&str> = abi
            .extension_suffixes
            .iter()
            .map(String::as_str)
            .filter(|suffix| suffix.matches('.').count() > 1)
            .collect();
        for package in &python.packages {
            // EXT004 tells of the project's own, and PKG001 of records that contradict each other.
            let is_single = python.packages_named(&package.name).count() == 1;
            if super::is_own(facts, &package.name) || !is_single || package.editable.is_some() {
                continue;
            }
            let gone = gone(environment, package, &tagged);
            if !gone.is_empty() {
                findings.push(found(facts, environment, package, &gone));
            }
        }
    }
}

/// The modules for this Python that RECORD lists and that were not found where it says.
fn gone<'a>(environment: &EnvironmentFacts, package: &'a Package, tagged: &[&str]) -> Vec<&'a str> {
    let Some(root) = package.path.parent().map(host::HostPath::from) else { return Vec::new() };
    let here = |relative: &str| {
        let file = root.join(relative);
        environment.modules.iter().any(|module| module.path == file)
    };
    package
        .extension_modules
        .iter()
        .map(String::as_str)
        .filter(|relative| could_be_imported(relative, tagged) && !here(relative))
        .collect()
}

/// Whether this is the name of a module for this Python, each part of which an import can name.
fn could_be_imported(relative: &str, tagged: &[&str]) -> bool {
    let Some(stem) = tagged.iter().find_map(|suffix| relative.strip_suffix(suffix)) else {
        return false;
    };
    stem.split('/').all(|part| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

fn found(
    facts: &Facts,
    environment: &EnvironmentFacts,
    package: &Package,
    gone: &[&str],
) -> Finding {
    let version = package.version.get().map(ToString::to_string).unwrap_or_default();
    let requirement = format!("{}=={version}", package.name);
    let mut finding = Finding::new(
        Severity::Error,
        environment.subject(facts),
        format!(
            "{} is installed by its record, and {} of its compiled modules {} gone",
            package.name,
            gone.len(),
            if gone.len() == 1 { "is" } else { "are" }
        ),
    );
    for relative in gone.iter().take(SHOWN) {
        finding = finding.seen_at(
            facts.native(&package.path.join("RECORD")),
            format!("lists {relative}, which is not there"),
        );
    }
    finding
        .cause(
            "The file was deleted after the installation: by a cleaner of `*.so`, by a virus \
             scanner, or by removing a directory in place of the package",
        )
        .fix(Fix::new(Safety::Safe, format!("install {requirement} again")).run(
            cures::pip_install(
                facts,
                environment,
                &[
                    if cures::uses_uv_pip(facts, environment) {
                        "--reinstall-package"
                    } else {
                        "--force-reinstall"
                    },
                    if cures::uses_uv_pip(facts, environment) {
                        &package.name
                    } else {
                        "--no-deps"
                    },
                    &requirement,
                ],
            ),
        ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{add_module, healthy, native_module, venv};

    pub(super) fn there() -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        add_module(environment, "orjson", "orjson.orjson", native_module("PyInit_orjson"));
        let package = environment.python.packages.last_mut().unwrap();
        package.extension_modules = vec![
            "orjson/orjson.cpython-311-x86_64-linux-gnu.so".to_owned(),
            "orjson.libs/libz-1.so".to_owned(),
        ];
        facts
    }

    pub(super) fn gone() -> Facts {
        let mut facts = there();
        venv(&mut facts).modules.clear();
        facts
    }

    pub(super) fn for_another_python() -> Facts {
        let mut facts = gone();
        let package = venv(&mut facts).python.packages.last_mut().unwrap();
        package.extension_modules = vec!["orjson/orjson.cpython-310-x86_64-linux-gnu.so".into()];
        facts
    }

    pub(super) fn own_project() -> Facts {
        let mut facts = gone();
        venv(&mut facts).python.packages.last_mut().unwrap().name = "example".to_owned();
        facts
    }

    pub(super) fn of_another_directory() -> Facts {
        let mut facts = gone();
        let package = venv(&mut facts).python.packages.last_mut().unwrap();
        package.extension_modules = vec!["or-json/x.abi3.so".into(), "../../bin/x.abi3.so".into()];
        facts
    }
}
