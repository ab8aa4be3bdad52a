//! EXT004: the project is installed, and its compiled module is not there.

use pyenvs::Package;
use report::{Finding, Fix, Safety, Severity};

use super::built::install_again;
use super::{maturin_project, module_stem, stem_and_suffix};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "EXT004",
    name: "installed-without-module",
    summary: "The project is installed, but its compiled module is missing",
    page: include_str!("../../../pages/EXT004.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::editable, tests::for_another_python, tests::plain, tests::bad_maturin],
        silent: &[
            tests::editable_with_module,
            tests::plain_with_module,
            tests::binary_project,
            tests::other_package,
            tests::tree_too_large,
        ],
    },
};

/// maturin that made installations without the module.
const BAD_MATURIN: &str = "1.11.0";

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(pyproject) = maturin_project(facts) else {
        findings.skip("the project is not built by maturin");
        return;
    };
    let maturin = pyproject.maturin.as_ref();
    let is_other = maturin
        .and_then(|maturin| maturin.bindings.as_deref())
        .is_some_and(|bindings| bindings != "pyo3");
    let uses_pyo3 = facts
        .project
        .maturin_crate()
        .is_some_and(|one| one.dependencies.iter().any(|dependency| dependency.package == "pyo3"));
    if is_other || !uses_pyo3 {
        findings.skip("the project has no PyO3 module");
        return;
    }
    let (Some(name), Some(stem)) = (&pyproject.name, module_stem(facts, pyproject)) else { return };
    for environment in facts.judged() {
        let mut installed = environment.python.packages_named(name);
        let Some(package) = installed.next() else { continue };
        if has_module(facts, environment, package, &stem) != Some(false) {
            continue;
        }
        findings.push(describe(facts, environment, package, &stem));
    }
}

/// Whether the environment's Python would find the module. `None` if that cannot be told.
fn has_module(
    facts: &Facts,
    environment: &EnvironmentFacts,
    package: &Package,
    stem: &str,
) -> Option<bool> {
    let suffixes = &environment.python.abi.get()?.extension_suffixes;
    let fits = |path: &host::HostPath| {
        stem_and_suffix(path).is_some_and(|(found, suffix)| {
            found == stem && suffixes.iter().any(|known| known == suffix)
        })
    };
    let is_installed = environment
        .modules
        .iter()
        .any(|module| module.package.as_ref() == Some(&package.name) && fits(&module.path));
    if is_installed {
        return Some(true);
    }
    match &package.editable {
        Some(sources) if *sources == facts.project.root => {
            let is_built =
                facts.source_tree.extension_modules.iter().any(|module| fits(&module.path));
            (is_built || !facts.source_tree.truncated).then_some(is_built)
        }
        // Another checkout of the project, which was not looked at.
        Some(_) => None,
        None => package.record.is_seen().then(|| {
            package.extension_modules.iter().any(|file| fits(&host::HostPath::from(file.as_str())))
        }),
    }
}

fn describe(
    facts: &Facts,
    environment: &EnvironmentFacts,
    package: &Package,
    stem: &str,
) -> Finding {
    let name = &package.name;
    let others: Vec<String> = facts
        .source_tree
        .extension_modules
        .iter()
        .filter(|module| stem_and_suffix(&module.path).is_some_and(|(found, _)| found == stem))
        .map(|module| facts.native(&module.path))
        .collect();
    let (how, cause) = match (&package.editable, others.is_empty()) {
        (Some(_), false) => (
            "installed from the sources",
            "The module among the sources was built for another Python",
        ),
        (Some(_), true) => (
            "installed from the sources",
            "The module was deleted, as `git clean` does with files that git ignores, or it was \
             never built",
        ),
        (None, _) => ("installed", "The wheel was built without the module"),
    };
    let mut finding = Finding::new(
        Severity::Error,
        environment.subject(facts),
        format!("{name} is {how} without its compiled module {stem}, so importing it fails"),
    )
    .seen_at(facts.native(&package.path), format!("records {name}, and no module called {stem}"));
    for other in others {
        finding = finding.seen_at(other, "for another Python");
    }
    let bad = facts
        .judged()
        .find(|one| {
            one.python.packages_named("maturin").any(|maturin| {
                maturin.version.get().is_some_and(|version| version.to_string() == BAD_MATURIN)
            })
        })
        .filter(|_| package.editable.is_none() || facts.source_tree.extension_modules.is_empty());
    if let Some(one) = bad {
        finding = finding
            .seen_at(facts.native(&one.python.prefix), format!("maturin {BAD_MATURIN}"))
            .cause(format!("maturin {BAD_MATURIN} left the module out; the release was withdrawn"))
            .fix(install_again(
                facts,
                environment,
                name,
                package.editable.is_some(),
                Fix::new(Safety::Safe, "upgrade maturin, then build and install again")
                    .run(cures::pip_install(facts, one, &["--upgrade", "maturin!=1.11.0"])),
            ));
    } else {
        finding = finding.cause(cause).fix(install_again(
            facts,
            environment,
            name,
            package.editable.is_some(),
            Fix::new(Safety::Safe, "build and install it again"),
        ));
    }
    finding
}

#[cfg(test)]
mod tests {
    use host::Seen;

    use super::*;
    use crate::testing::{dependency, healthy, package, venv};
    use crate::{CrateManifest, MaturinConfig, SourceModule};

    /// The project, installed from its sources, without a module anywhere.
    pub(super) fn editable() -> Facts {
        let mut facts = healthy();
        let root = facts.project.root.clone();
        facts.project.maturin_manifest = Some(root.join("Cargo.toml"));
        facts.project.crates = vec![CrateManifest {
            path: root.join("Cargo.toml"),
            name: "example".to_owned(),
            lib_name: "_core".to_owned(),
            has_lib: true,
            dependencies: vec![dependency("pyo3", None)],
            ..CrateManifest::default()
        }];
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.build_backend = Some("maturin".to_owned());
            pyproject.maturin = Some(MaturinConfig {
                module_name: Some("example._core".to_owned()),
                ..MaturinConfig::default()
            });
        }
        let environment = venv(&mut facts);
        let site = environment.python.site_packages[0].clone();
        let mut example = package("example", "1.0", &site);
        example.editable = Some(root);
        environment.python.packages.push(example);
        facts
    }

    fn with_source(file: &str) -> Facts {
        let mut facts = editable();
        let path = facts.project.root.join("python/example").join(file);
        facts.source_tree.extension_modules = vec![SourceModule { path, modified_ns: 0 }];
        facts
    }

    pub(super) fn for_another_python() -> Facts {
        with_source("_core.cpython-312-x86_64-linux-gnu.so")
    }

    pub(super) fn editable_with_module() -> Facts {
        with_source("_core.abi3.so")
    }

    pub(super) fn plain() -> Facts {
        let mut facts = editable();
        venv(&mut facts).python.packages.last_mut().unwrap().editable = None;
        facts
    }

    pub(super) fn plain_with_module() -> Facts {
        let mut facts = plain();
        let packages = &mut venv(&mut facts).python.packages;
        packages.last_mut().unwrap().extension_modules = vec!["example/_core.abi3.so".to_owned()];
        facts
    }

    pub(super) fn bad_maturin() -> Facts {
        let mut facts = plain();
        let environment = venv(&mut facts);
        let site = environment.python.site_packages[0].clone();
        environment.python.packages.push(package("maturin", BAD_MATURIN, &site));
        facts
    }

    pub(super) fn binary_project() -> Facts {
        let mut facts = editable();
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject
            && let Some(maturin) = &mut pyproject.maturin
        {
            maturin.bindings = Some("bin".to_owned());
        }
        facts
    }

    pub(super) fn other_package() -> Facts {
        let mut facts = editable();
        let packages = &mut venv(&mut facts).python.packages;
        packages.last_mut().unwrap().name = "example-tools".to_owned();
        facts
    }

    pub(super) fn tree_too_large() -> Facts {
        let mut facts = editable();
        facts.source_tree.truncated = true;
        facts
    }

    #[test]
    fn the_withdrawn_maturin_is_named_as_the_cause() {
        let mut findings = Findings::default();
        run(&bad_maturin(), &mut findings);
        assert!(findings.list[0].cause.contains("1.11.0"));
    }
}
