//! Which features of a dependency a build of a crate turns on.

use std::collections::BTreeSet;

use crate::{CrateManifest, DependencyKind};

/// What a crate asks of one dependency.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Use {
    /// Whether the dependency is built at all: an optional one is not unless something asks.
    pub(super) active: bool,
    /// Its features that are asked for.
    pub(super) features: BTreeSet<String>,
}

/// The features of `package` that are on when `manifest` is built with the features `asked` and,
/// if `default`, its default ones. Dependencies of tests count only with `tests`.
pub(super) fn of_package(
    manifest: &CrateManifest,
    package: &str,
    asked: &[String],
    default: bool,
    tests: bool,
) -> Use {
    let mut result = Use::default();
    let names: Vec<&str> = manifest
        .dependencies
        .iter()
        .filter(|dependency| dependency.package == package)
        .filter(|dependency| counts(dependency.kind, tests))
        .map(|dependency| dependency.name.as_str())
        .collect();
    let mut pending: Vec<&str> = asked.iter().map(String::as_str).collect();
    if default {
        pending.push("default");
    }
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut woken: BTreeSet<&str> = BTreeSet::new();
    while let Some(item) = pending.pop() {
        if !done.insert(item) {
            continue;
        }
        if let Some((dependency, feature)) = item.split_once('/') {
            let weak = dependency.ends_with('?');
            let dependency = dependency.trim_end_matches('?');
            if names.contains(&dependency) {
                result.features.insert(feature.to_owned());
                if !weak {
                    woken.insert(dependency);
                }
            } else if dependency == manifest.name {
                // `maturin build --features crate/feature`.
                pending.push(feature);
            }
            continue;
        }
        let dependency = item.strip_prefix("dep:").unwrap_or(item);
        if names.contains(&dependency) {
            woken.insert(dependency);
        }
        if let Some(items) = manifest.features.get(item) {
            pending.extend(items.iter().map(String::as_str));
        }
    }
    for dependency in &manifest.dependencies {
        let is_woken = !dependency.optional || woken.contains(dependency.name.as_str());
        if dependency.package == package && counts(dependency.kind, tests) && is_woken {
            result.active = true;
            result.features.extend(dependency.features.iter().cloned());
        }
    }
    if !result.active {
        result.features.clear();
    }
    result
}

fn counts(kind: DependencyKind, tests: bool) -> bool {
    match kind {
        DependencyKind::Normal => true,
        DependencyKind::Dev => tests,
        DependencyKind::Build => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dependency;
    use crate::testing::dependency;

    fn manifest(optional: bool, features: &[(&str, &[&str])]) -> CrateManifest {
        let owned = |list: &[&str]| list.iter().map(|item| (*item).to_owned()).collect();
        CrateManifest {
            name: "example".to_owned(),
            dependencies: vec![Dependency {
                name: "py".to_owned(),
                features: vec!["macros".to_owned()],
                optional,
                ..dependency("pyo3", Some("0.26"))
            }],
            features: features
                .iter()
                .map(|(name, items)| ((*name).to_owned(), owned(items)))
                .collect(),
            ..CrateManifest::default()
        }
    }

    fn on(manifest: &CrateManifest, asked: &[&str], default: bool) -> Option<Vec<String>> {
        let asked: Vec<String> = asked.iter().map(|item| (*item).to_owned()).collect();
        let found = of_package(manifest, "pyo3", &asked, default, false);
        found.active.then(|| found.features.into_iter().collect())
    }

    #[test]
    fn features_are_followed_through_others_and_renames() {
        let manifest = manifest(
            false,
            &[("default", &["abi"]), ("abi", &["py/abi3-py39"]), ("ext", &["py/extension-module"])],
        );
        assert_eq!(on(&manifest, &[], true).unwrap(), ["abi3-py39", "macros"]);
        assert_eq!(on(&manifest, &[], false).unwrap(), ["macros"]);
        assert_eq!(on(&manifest, &["example/ext"], false).unwrap(), ["extension-module", "macros"]);
    }

    #[test]
    fn an_optional_dependency_waits_until_something_asks() {
        let manifest = manifest(
            true,
            &[("python", &["dep:py"]), ("weak", &["py?/abi3"]), ("circle", &["circle"])],
        );
        assert_eq!(on(&manifest, &["weak", "circle"], true), None);
        assert_eq!(on(&manifest, &["weak", "python"], true).unwrap(), ["abi3", "macros"]);
        assert_eq!(on(&manifest, &["py/abi3"], true).unwrap(), ["abi3", "macros"]);
    }
}
