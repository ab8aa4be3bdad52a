//! FS010: names that differ in case only.

use std::path::PathBuf;

use host::{HostPath, Os};
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DirectoryRole, Facts, Findings, subjects};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "FS010",
    name: "case-clash",
    summary: "Names that differ in case only are one file on some systems and two on others",
    page: include_str!("../../../pages/FS010.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::two_files, tests::package_in_another_case, tests::works_on_a_mac_only],
        silent: &[tests::nothing, tests::package_as_named, tests::other_package],
    },
};

/// Pairs shown as evidence.
const SHOWN: usize = 5;

fn run(facts: &Facts, findings: &mut Findings) {
    clashes(facts, findings);
    misspelt_package(facts, findings);
}

/// Two files here that are one elsewhere.
fn clashes(facts: &Facts, findings: &mut Findings) {
    let pairs = &facts.source_tree.case_clashes;
    let Some((first, second)) = pairs.first() else { return };
    let mut finding = Finding::new(
        Severity::Info,
        subjects::project(facts),
        format!(
            "{} and {} are one file on macOS and Windows, so a checkout there loses one of them",
            facts.short(first),
            facts.short(second)
        ),
    );
    for (first, second) in pairs.iter().take(SHOWN) {
        let other = second.file_name().unwrap_or_default().to_string_lossy();
        finding = finding.seen_at(facts.native(first), format!("stands beside {other}"));
    }
    findings.push(
        finding.cause("The names differ in case only, and this file system holds them apart").fix(
            Fix::new(Safety::Manual, "give one of each pair another name").by_hand(format!(
                "rename {} or {}",
                facts.native(first),
                facts.native(second)
            )),
        ),
    );
}

/// A Python package whose directory is spelt in another case than the module's name.
fn misspelt_package(facts: &Facts, findings: &mut Findings) {
    let Some(expected) = module_root(facts) else { return };
    let maturin = facts.project.pyproject.get().and_then(|p| p.maturin.as_ref());
    let source = maturin.and_then(|maturin| maturin.python_source.as_deref()).unwrap_or(".");
    // Taken apart and put together again, `./python` is `python`.
    let source: PathBuf = facts.project.root.join(source).components().collect();
    let source = HostPath::new(source);
    let in_source = |package: &&HostPath| package.parent() == Some(source.as_path());
    let name = |package: &HostPath| {
        package.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned()
    };
    let packages: Vec<&HostPath> = facts.source_tree.packages.iter().filter(in_source).collect();
    if packages.iter().any(|package| name(package) == expected) {
        return;
    }
    let Some(found) =
        packages.into_iter().find(|package| name(package).eq_ignore_ascii_case(&expected))
    else {
        return;
    };
    let hides = facts
        .directory(DirectoryRole::Project)
        .is_some_and(|directory| directory.case_insensitive.get() == Some(&true));
    let message = if hides {
        format!("The package {} builds here and is not found on Linux", name(found))
    } else {
        format!("maturin does not find the package {} in {}", expected, facts.short(&source))
    };
    let new = source.join(&expected);
    findings.push(
        Finding::new(Severity::Warning, subjects::project(facts), message)
            .seen_at(facts.native(found), "the directory of the Python package")
            .seen(format!("the module is to be called {expected}"))
            .cause("The directory and the module's name differ in case")
            .fix(rename(facts, found, &new)),
    );
}

/// The first part of the name by which Python imports the project's module.
fn module_root(facts: &Facts) -> Option<String> {
    let pyproject = facts.project.pyproject.get()?;
    let maturin = pyproject.maturin.as_ref()?;
    let name = maturin.module_name.as_deref()?;
    name.split('.').next().map(str::to_owned)
}

/// By way of a third name: a file system that ignores case would take the two for the same.
fn rename(facts: &Facts, from: &HostPath, to: &HostPath) -> Fix {
    let between = HostPath::from(format!("{}.renamed", to.text()).as_str());
    let step = |from: &HostPath, to: &HostPath| {
        let (from, to) = (facts.native(from), facts.native(to));
        match facts.machine.os {
            Os::Linux | Os::Macos => vec!["mv".to_owned(), from, to],
            Os::Windows => vec!["cmd".to_owned(), "/c".to_owned(), "move".to_owned(), from, to],
        }
    };
    Fix::new(Safety::Confirm, "give the directory the module's name")
        .run(step(from, &between))
        .run(step(&between, to))
}

#[cfg(test)]
mod tests {
    use host::Seen;

    use super::super::tests::change;
    use super::*;
    use crate::MaturinConfig;
    use crate::testing::healthy;

    pub(super) fn two_files() -> Facts {
        let mut facts = healthy();
        let docs = facts.project.root.join("docs");
        facts.source_tree.case_clashes = vec![(docs.join("README.md"), docs.join("Readme.md"))];
        facts
    }

    fn with_package(directory: &str, module: &str) -> Facts {
        let mut facts = healthy();
        let root = facts.project.root.clone();
        facts.source_tree.packages = vec![root.join("python").join(directory)];
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.maturin = Some(MaturinConfig {
                module_name: Some(module.to_owned()),
                python_source: Some("python".to_owned()),
                ..MaturinConfig::default()
            });
        }
        facts
    }

    pub(super) fn package_in_another_case() -> Facts {
        with_package("Example", "example._core")
    }

    pub(super) fn works_on_a_mac_only() -> Facts {
        let mut facts = package_in_another_case();
        facts.machine.os = Os::Macos;
        change(&mut facts, DirectoryRole::Project, |mut project| {
            project.case_insensitive = Seen::Seen(true);
            project
        });
        facts
    }

    pub(super) fn nothing() -> Facts {
        healthy()
    }

    pub(super) fn package_as_named() -> Facts {
        with_package("example", "example._core")
    }

    pub(super) fn other_package() -> Facts {
        with_package("tools", "example._core")
    }
}
