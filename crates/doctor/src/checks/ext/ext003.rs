//! EXT003: the package in the project's directory hides the installed one, which has the module.

use host::HostPath;
use report::{Finding, Fix, Safety, Severity};

use super::{maturin_project, python_source, stem_and_suffix};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, ModuleFacts, cures, subjects};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "EXT003",
    name: "package-hidden-by-sources",
    summary: "The package in the project's directory hides the installed one and lacks its module",
    page: include_str!("../../../pages/EXT003.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::flat_layout, tests::too_old_for_safe_path],
        silent: &[
            tests::built_in_place,
            tests::own_directory,
            tests::not_installed,
            tests::safe_path,
            tests::other_package,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let root = &facts.project.root;
    let flat: Vec<&HostPath> = facts
        .source_tree
        .packages
        .iter()
        .filter(|package| package.parent() == Some(root.as_path()))
        .collect();
    for package in flat {
        let Some(name) = package.file_name().and_then(|name| name.to_str()) else { continue };
        let hidden = facts
            .judged()
            .filter(|environment| {
                !knows_safe_path(environment) || facts.variable("PYTHONSAFEPATH").is_none()
            })
            .find_map(|one| Some((one, hidden(facts, one, package, name)?)));
        // One environment shows what is wrong with the sources.
        if let Some((environment, module)) = hidden {
            report(facts, environment, package, module, findings);
        }
    }
}

/// Whether this Python can be told to pass over the directory it is started in.
fn knows_safe_path(environment: &EnvironmentFacts) -> bool {
    environment.python.version.get().is_some_and(|version| {
        let mut numbers = version.release().iter().copied();
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (3, 11)
    })
}

/// A compiled module of the installed package that its namesake among the sources lacks.
fn hidden<'a>(
    facts: &Facts,
    environment: &'a EnvironmentFacts,
    sources: &HostPath,
    name: &str,
) -> Option<&'a ModuleFacts> {
    let suffixes = &environment.python.abi.get()?.extension_suffixes;
    environment.modules.iter().find(|module| {
        let is_of_package =
            module.import_name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        let is_installed = environment
            .python
            .site_packages
            .iter()
            .any(|directory| module.path.starts_with(directory.as_path()));
        let relative: std::path::PathBuf = module.import_name.split('.').skip(1).collect();
        let place = sources.join(relative);
        let is_built_in_place = facts.source_tree.extension_modules.iter().any(|built| {
            let Some((stem, suffix)) = stem_and_suffix(&built.path) else { return false };
            built.path.parent() == place.parent()
                && place.file_name().is_some_and(|wanted| wanted == stem)
                && suffixes.iter().any(|known| known == suffix)
        });
        is_of_package
            && is_installed
            && suffixes.contains(&module.suffix)
            && !is_built_in_place
            // A tree too large to be walked to its end may hold it.
            && !facts.source_tree.truncated
    })
}

fn report(
    facts: &Facts,
    environment: &EnvironmentFacts,
    sources: &HostPath,
    module: &ModuleFacts,
    findings: &mut Findings,
) {
    let name = sources.file_name().unwrap_or_default().to_string_lossy();
    let root = facts.native(&facts.project.root);
    let label = environment.python.label(|path| facts.short(path));
    let mut finding = Finding::new(
        Severity::Warning,
        subjects::project(facts),
        format!("In {root}, `import {name}` finds the sources, which lack {}", module.import_name),
    )
    .seen_at(facts.native(sources), "found first by Python started in the project's directory")
    .seen_at(facts.native(&module.path), format!("hidden in {label}"))
    .cause(
        "Python looks into the directory it is started in before it looks into the environment, and \
         the package lies directly in the project's directory",
    );
    if let Some(pyproject) = maturin_project(facts)
        && python_source(facts, pyproject) == facts.project.root
    {
        let target = facts.project.root.join("python");
        let make = cures::make_directory(facts, &facts.native(&target));
        finding = finding.fix(
            Fix::new(Safety::Manual, "give the Python sources a directory of their own")
                .run(make)
                .by_hand(format!("move {name} into {}", facts.native(&target)))
                .edit(
                    facts.native(&pyproject.path),
                    "in `[tool.maturin]`, set `python-source = \"python\"`",
                ),
        );
    }
    if maturin_project(facts).is_some() && !facts.toolchain.maturin.is_empty() {
        finding = finding.fix(
            Fix::new(Safety::Safe, "build the module into the sources").run(["maturin", "develop"]),
        );
    }
    if knows_safe_path(environment) {
        finding = finding.fix(
            Fix::new(Safety::Confirm, "let Python pass over the directory it is started in")
                .set("PYTHONSAFEPATH", "1"),
        );
    }
    findings.push(
        finding.fix(
            Fix::new(Safety::Manual, "start Python in another directory")
                .by_hand(format!("run what imports {name} from another directory than {root}")),
        ),
    );
}

#[cfg(test)]
mod tests {
    use host::Seen;

    use super::*;
    use crate::SourceModule;
    use crate::testing::{healthy, venv};

    pub(super) fn flat_layout() -> Facts {
        let mut facts = healthy();
        facts.source_tree.packages = vec![facts.project.root.join("example")];
        let environment = venv(&mut facts);
        let file = "example/_core.abi3.so";
        environment.modules.push(ModuleFacts {
            path: environment.python.site_packages[0].join(file),
            import_name: "example._core".to_owned(),
            suffix: ".abi3.so".to_owned(),
            package: Some("example".to_owned()),
            len: 1,
            modified_ns: 0,
            native: Seen::Absent,
        });
        facts
    }

    pub(super) fn built_in_place() -> Facts {
        let mut facts = flat_layout();
        facts.source_tree.extension_modules = vec![SourceModule {
            path: facts.project.root.join("example/_core.abi3.so"),
            modified_ns: 0,
        }];
        facts
    }

    pub(super) fn own_directory() -> Facts {
        let mut facts = flat_layout();
        facts.source_tree.packages = vec![facts.project.root.join("python/example")];
        facts
    }

    pub(super) fn not_installed() -> Facts {
        let mut facts = flat_layout();
        venv(&mut facts).modules.clear();
        facts
    }

    pub(super) fn safe_path() -> Facts {
        let mut facts = flat_layout();
        facts.machine.variables.insert("PYTHONSAFEPATH".to_owned(), "1".to_owned());
        facts
    }

    pub(super) fn too_old_for_safe_path() -> Facts {
        let mut facts = safe_path();
        venv(&mut facts).python.version = Seen::Seen("3.10.13".parse().unwrap());
        facts
    }

    pub(super) fn other_package() -> Facts {
        let mut facts = flat_layout();
        facts.source_tree.packages = vec![facts.project.root.join("exam")];
        facts
    }
}
