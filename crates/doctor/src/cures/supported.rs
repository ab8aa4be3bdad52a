//! Which Pythons the project supports.

use std::str::FromStr as _;

use pep440_rs::{Version, VersionSpecifiers};

use crate::{CrateManifest, Facts};

/// `requires-python` of the project, if there is one that makes sense.
pub(crate) fn requires_python(facts: &Facts) -> Option<VersionSpecifiers> {
    let written = facts.project.pyproject.get()?.requires_python.as_deref()?;
    VersionSpecifiers::from_str(written).ok()
}

/// A crate of the project that asks PyO3 for a stable interface, and the oldest Python it allows:
/// `abi3-py39` allows none before 3.9.
pub(crate) fn oldest_abi3(facts: &Facts) -> Option<(&CrateManifest, Version)> {
    let asked = facts.project.pyproject.get().and_then(|p| p.maturin.as_ref());
    let asked = asked.map(|maturin| maturin.features.as_slice()).unwrap_or_default();
    let of_crate = |manifest: &CrateManifest| {
        let mut active: Vec<&str> = vec!["default"];
        active.extend(asked.iter().map(String::as_str));
        let mut versions = Vec::new();
        let mut at = 0;
        while let Some(feature) = active.get(at).copied() {
            at += 1;
            let feature = feature.rsplit('/').next().unwrap_or(feature);
            versions.extend(abi3_version(feature));
            for more in manifest.features.get(feature).into_iter().flatten() {
                if !active.contains(&more.as_str()) {
                    active.push(more);
                }
            }
        }
        for dependency in manifest.dependencies.iter().filter(|d| d.package == "pyo3") {
            versions.extend(dependency.features.iter().filter_map(|name| abi3_version(name)));
        }
        versions.into_iter().min()
    };
    facts
        .project
        .crates_using("pyo3")
        .filter_map(|manifest| of_crate(manifest).map(|version| (manifest, version)))
        .max_by(|a, b| a.1.cmp(&b.1))
}

/// 3.9 of `abi3-py39`.
fn abi3_version(feature: &str) -> Option<Version> {
    let minor = feature.strip_prefix("abi3-py3")?.parse().ok()?;
    Some(Version::new([3, minor]))
}

/// Whether the project can be used with this Python. Pre-releases count as their release, as
/// installers count them here.
pub(crate) fn fits_project(facts: &Facts, version: &Version) -> bool {
    let release = Version::new(version.release().iter().copied());
    requires_python(facts).is_none_or(|range| range.contains(&release))
        && oldest_abi3(facts).is_none_or(|(_, oldest)| oldest <= release)
}
