//! EXT010: all the compiled modules of an installed package are for another Python or system.

use std::collections::BTreeMap;

use pyenvs::Package;
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, ModuleFacts, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "EXT010",
    name: "module-of-another-python",
    summary: "A package is installed whose compiled modules are for another Python or system",
    page: include_str!("../../../pages/EXT010.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::another_minor, tests::another_system, tests::stable_and_free_threaded],
        silent: &[
            tests::right,
            tests::one_of_several_fits,
            tests::own_project,
            tests::unknown_python,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let own = facts.project.pyproject.get().and_then(|pyproject| pyproject.name.as_deref());
    for environment in facts.judged() {
        let Some(abi) = environment.python.abi.get() else { continue };
        let mut by_package: BTreeMap<&str, Vec<&ModuleFacts>> = BTreeMap::new();
        for module in &environment.modules {
            if let Some(name) = module.package.as_deref() {
                by_package.entry(name).or_default().push(module);
            }
        }
        for (name, modules) in by_package {
            // Of numpy NPY007 tells, and of the project's own EXT004.
            if name == "numpy" || Some(name) == own {
                continue;
            }
            let Some(package) = environment.python.packages_named(name).next() else { continue };
            let is_foreign = |module: &&ModuleFacts| {
                module.suffix.matches('.').count() > 1
                    && !abi.extension_suffixes.contains(&module.suffix)
            };
            if package.editable.is_none() && modules.iter().all(is_foreign) {
                findings.push(found(facts, environment, package, &modules));
            }
        }
    }
}

fn found(
    facts: &Facts,
    environment: &EnvironmentFacts,
    package: &Package,
    modules: &[&ModuleFacts],
) -> Finding {
    let abi = environment.python.abi.get();
    let wanted = abi.map(|abi| abi.extension_suffix.as_str()).unwrap_or_default();
    let python = environment.python.version.get().map(ToString::to_string).unwrap_or_default();
    let version = package.version.get().map(ToString::to_string).unwrap_or_default();
    let requirement = format!("{}=={version}", package.name);
    // What is compiled from Rust has nothing to fall back on.
    let is_rust = modules
        .iter()
        .any(|module| module.native.get().is_some_and(|native| !native.rust_crates.is_empty()));
    let is_stable = modules.iter().all(|module| module.suffix.starts_with(".abi3."));
    let cause = if is_stable && abi.is_some_and(|abi| abi.free_threaded) {
        "A free-threaded Python passes over modules of the stable ABI (`.abi3`); the package was \
         installed by a tool that did not know"
    } else {
        "The files were not installed for this Python but copied: from another environment, from \
         an image, by `pip install --target` or `--platform` for another Python or another system"
    };
    let mut finding = Finding::new(
        if is_rust { Severity::Error } else { Severity::Warning },
        environment.subject(facts),
        format!("{} has no compiled module for this Python {python}", package.name),
    );
    for module in modules.iter().take(5) {
        finding = finding.seen_at(
            facts.native(&module.path),
            format!("ends in `{}`, and this Python looks for `{wanted}`", module.suffix),
        );
    }
    let uses_uv = cures::uses_uv_pip(facts, environment);
    let flags = if uses_uv {
        ["--reinstall-package", &package.name]
    } else {
        ["--force-reinstall", "--no-deps"]
    };
    let arguments = [flags[0], flags[1], requirement.as_str()];
    finding.cause(cause).fix(
        Fix::new(Safety::Safe, format!("install {requirement} for this Python"))
            .run(cures::pip_install(facts, environment, &arguments)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{add_module, healthy, native_module, venv};
    use artifacts::RustCrate;
    use host::Seen;

    fn with_suffixes(suffixes: &[&str]) -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        for suffix in suffixes {
            let native = native_module("PyInit__pydantic_core");
            add_module(environment, "pydantic-core", "pydantic_core._pydantic_core", native);
            let module = environment.modules.last_mut().unwrap();
            module.suffix = (*suffix).to_owned();
            let file = format!("pydantic_core/_pydantic_core{suffix}");
            module.path = environment.python.site_packages[0].join(file);
        }
        facts
    }

    pub(super) fn another_minor() -> Facts {
        let mut facts = with_suffixes(&[".cpython-310-x86_64-linux-gnu.so"]);
        if let Seen::Seen(native) = &mut venv(&mut facts).modules[0].native {
            native.rust_crates =
                vec![RustCrate { name: "pyo3".to_owned(), version: "0.26.0".to_owned() }];
        }
        facts
    }

    pub(super) fn another_system() -> Facts {
        with_suffixes(&[".cpython-311-darwin.so"])
    }

    pub(super) fn stable_and_free_threaded() -> Facts {
        let mut facts = with_suffixes(&[".abi3.so"]);
        if let Seen::Seen(abi) = &mut venv(&mut facts).python.abi {
            abi.free_threaded = true;
            abi.extension_suffix = ".cpython-313t-x86_64-linux-gnu.so".to_owned();
            abi.extension_suffixes = vec![abi.extension_suffix.clone(), ".so".to_owned()];
        }
        facts
    }

    pub(super) fn right() -> Facts {
        with_suffixes(&[".abi3.so"])
    }

    pub(super) fn one_of_several_fits() -> Facts {
        with_suffixes(&[".cpython-310-x86_64-linux-gnu.so", ".cpython-311-x86_64-linux-gnu.so"])
    }

    pub(super) fn own_project() -> Facts {
        let mut facts = another_minor();
        for package in &mut venv(&mut facts).python.packages {
            if package.name == "pydantic-core" {
                "example".clone_into(&mut package.name);
            }
        }
        venv(&mut facts).modules[0].package = Some("example".to_owned());
        facts
    }

    pub(super) fn unknown_python() -> Facts {
        let mut facts = another_minor();
        venv(&mut facts).python.abi = Seen::Absent;
        facts
    }
}
