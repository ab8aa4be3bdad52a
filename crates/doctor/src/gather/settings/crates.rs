//! Where cargo takes crates from, and whether it may ask for them.

use std::collections::BTreeSet;
use std::path::Path;

use host::Host;

use super::super::path;
use crate::{DependencyKind, NamedPath, ProjectFacts};

/// Registries in `CARGO_HOME`, and crates in one of them.
const REGISTRIES: usize = 64;
const CRATES: usize = 100_000;

/// How many sources may stand in for each other in a row.
const REPLACEMENTS: usize = 8;

/// What tells cargo to stay off the network.
pub(super) fn offline(host: &Host, project: &ProjectFacts) -> Option<String> {
    if let Some(value) = host.variables.text("CARGO_NET_OFFLINE") {
        return (value == "true" || value == "1").then(|| format!("CARGO_NET_OFFLINE={value}"));
    }
    let config = project.cargo_configs.iter().find(|config| config.offline.is_some())?;
    (config.offline == Some(true))
        .then(|| format!("net.offline = true in {}", config.path.native(host.os)))
}

/// The directory that takes the place of crates.io, followed from source to source.
pub(super) fn vendored(host: &Host, project: &ProjectFacts) -> Option<NamedPath> {
    let source = |name: &str| {
        project.cargo_configs.iter().find_map(|config| Some((config, config.sources.get(name)?)))
    };
    let mut name = "crates-io".to_owned();
    for _ in 0..REPLACEMENTS {
        let (config, found) = source(&name)?;
        if let Some(directory) = &found.directory {
            return Some(NamedPath {
                setting: format!("source.{name}.directory"),
                file: Some(config.path.clone()),
                written: directory.clone(),
                path: path(directory.as_str()),
                exists: host.exists(Path::new(directory)),
            });
        }
        name.clone_from(found.replace_with.as_ref()?);
    }
    None
}

/// Direct dependencies of the workspace that are locked to a registry and whose archive is in none
/// of the registries of `CARGO_HOME`. What is needed for another system only, or for a feature that
/// may be off, does not count.
pub(super) fn not_downloaded(host: &Host, project: &ProjectFacts) -> Vec<String> {
    let Some(lock) = project.lock.get() else { return Vec::new() };
    let home = host.variables.path("CARGO_HOME");
    let home = home.or_else(|| host.home.as_ref().map(|home| home.join(".cargo")));
    let Some(home) = home.map(|home| host.absolute(&home)) else { return Vec::new() };
    let cache = home.join("registry/cache");
    let mut here = BTreeSet::new();
    for registry in host.list(&cache, REGISTRIES).unwrap_or_default() {
        let entries = host.list(&cache.join(&registry.name), CRATES).unwrap_or_default();
        here.extend(entries.iter().filter_map(|entry| entry.name_text().map(str::to_owned)));
    }
    let needed: BTreeSet<&str> = project
        .crates
        .iter()
        .flat_map(|manifest| &manifest.dependencies)
        .filter(|dependency| {
            !dependency.optional
                && dependency.target.is_none()
                && dependency.location.is_none()
                && dependency.kind != DependencyKind::Dev
        })
        .map(|dependency| dependency.package.as_str())
        .collect();
    lock.packages
        .iter()
        .filter(|package| needed.contains(package.name.as_str()))
        .filter(|package| package.source.as_ref().is_some_and(|s| s.starts_with("registry+")))
        .map(|package| format!("{}-{}", package.name, package.version))
        .filter(|name| !here.contains(&format!("{name}.crate")))
        .collect()
}
