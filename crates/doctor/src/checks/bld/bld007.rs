//! BLD007: `extension-module` is always on, so tests and programs that start Python do not link.

use host::Os;
use report::{Finding, Fix, Safety, Severity};

use super::{build_variable, features, project, uses_pyo3};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{CrateManifest, DependencyKind, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD007",
    name: "extension-module-always-on",
    summary: "PyO3's extension-module feature is always on, and tests or programs start Python",
    page: include_str!("../../../pages/BLD007.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::on_the_dependency, tests::by_default_features, tests::by_variable],
        silent: &[
            tests::no_test_starts_python,
            tests::asked_for_by_maturin_only,
            tests::off,
            tests::windows_links_always,
        ],
    },
};

const VARIABLE: &str = "PYO3_BUILD_EXTENSION_MODULE";

fn run(facts: &Facts, findings: &mut Findings) {
    if !uses_pyo3(facts) {
        findings.skip("no crate here uses PyO3");
        return;
    }
    if facts.machine.os == Os::Windows {
        findings.skip("on Windows PyO3 links to Python in any case");
        return;
    }
    for manifest in facts.project.crates_using("pyo3") {
        let starts: Vec<_> =
            manifest.python_tests.iter().chain(&manifest.python_programs).collect();
        let Some(source) = starts.first() else { continue };
        let Some(place) = place(facts, manifest) else { continue };
        let path = facts.native(&manifest.path);
        let finding = Finding::new(
            Severity::Warning,
            project(facts),
            format!(
                "`cargo test` of {} will not link: {} keeps PyO3 from linking to Python",
                manifest.name,
                place.words()
            ),
        )
        .seen_at(facts.native(source), "starts Python in a test or a program");
        let finding = match place {
            Place::Dependency => finding.seen_at(&path, "pyo3 has the feature extension-module"),
            Place::Default => {
                finding.seen_at(&path, "the default features turn on pyo3/extension-module")
            }
            Place::Variable => finding.seen(format!("{VARIABLE} is set")),
        };
        findings.push(
            finding
                .cause(
                    "With extension-module PyO3 expects a running Python to load it and leaves its \
                     symbols undefined, which is right for a module and wrong for a program",
                )
                .fix(cure(facts, manifest, &place)),
        );
    }
}

enum Place {
    Dependency,
    Default,
    Variable,
}

impl Place {
    fn words(&self) -> &'static str {
        match self {
            Self::Dependency => "the feature extension-module, set on the dependency,",
            Self::Default => "the feature extension-module, on by default,",
            Self::Variable => "the variable PYO3_BUILD_EXTENSION_MODULE",
        }
    }
}

/// What turns the feature on in a plain `cargo test`.
fn place(facts: &Facts, manifest: &CrateManifest) -> Option<Place> {
    let on = |default| {
        let found = features::of_package(manifest, "pyo3", &[], default, true);
        found.active && found.features.contains("extension-module")
    };
    if on(false) {
        Some(Place::Dependency)
    } else if on(true) {
        Some(Place::Default)
    } else {
        build_variable(facts, VARIABLE).map(|_| Place::Variable)
    }
}

fn cure(facts: &Facts, manifest: &CrateManifest, place: &Place) -> Fix {
    let path = facts.native(&manifest.path);
    let ask = |fix: Fix| match facts.project.pyproject.get() {
        Some(pyproject) => fix.edit(
            facts.native(&pyproject.path),
            "[tool.maturin] gets `features = [\"pyo3/extension-module\"]` (maturin 1.9.4 and newer \
             with PyO3 0.26 and newer need no feature at all)",
        ),
        None => fix.by_hand("build wheels with `--features pyo3/extension-module`"),
    };
    match place {
        Place::Dependency => {
            let name = manifest
                .dependencies
                .iter()
                .find(|d| d.package == "pyo3" && d.kind != DependencyKind::Build)
                .map_or("pyo3", |d| d.name.as_str());
            ask(Fix::new(Safety::Manual, "let only maturin turn the feature on")
                .edit(path, format!("remove \"extension-module\" from the features of `{name}`")))
        }
        Place::Default => ask(Fix::new(Safety::Manual, "let only maturin turn the feature on")
            .edit(
                path,
                "remove what leads to `pyo3/extension-module` from `default` in [features]",
            )),
        Place::Variable => Fix::new(Safety::Safe, "leave the variable to maturin").unset(VARIABLE),
    }
}

#[cfg(test)]
mod tests {
    use host::{HostPath, Seen};

    use super::*;
    use crate::MaturinConfig;
    use crate::checks::bld::testing::extension_project;
    use crate::testing::PROJECT;

    fn with_test(features: &[&str]) -> Facts {
        let mut facts = extension_project("0.26.0", features);
        let source = HostPath::from(PROJECT).join("src/lib.rs");
        facts.project.crates[0].python_tests = vec![source];
        facts
    }

    pub(super) fn on_the_dependency() -> Facts {
        with_test(&["extension-module"])
    }

    pub(super) fn by_default_features() -> Facts {
        let mut facts = off();
        let features = &mut facts.project.crates[0].features;
        features.insert("default".to_owned(), vec!["ext".to_owned()]);
        features.insert("ext".to_owned(), vec!["pyo3/extension-module".to_owned()]);
        facts
    }

    pub(super) fn by_variable() -> Facts {
        let mut facts = off();
        facts.machine.variables.insert(VARIABLE.to_owned(), "1".to_owned());
        facts
    }

    pub(super) fn no_test_starts_python() -> Facts {
        extension_project("0.26.0", &["extension-module"])
    }

    pub(super) fn asked_for_by_maturin_only() -> Facts {
        let mut facts = off();
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.maturin = Some(MaturinConfig {
                features: vec!["pyo3/extension-module".to_owned()],
                ..MaturinConfig::default()
            });
        }
        facts
    }

    pub(super) fn off() -> Facts {
        with_test(&[])
    }

    pub(super) fn windows_links_always() -> Facts {
        let mut facts = on_the_dependency();
        facts.machine.os = Os::Windows;
        facts
    }
}
