//! The modules that an interpreter would load, what they need, and how to get them anew.

use artifacts::NativeModule;

use crate::{EnvironmentFacts, Facts, Findings, ModuleFacts, cures};

/// The modules of an environment that its interpreter would import, where they could be read.
pub(super) fn importable(
    environment: &EnvironmentFacts,
) -> impl Iterator<Item = (&ModuleFacts, &NativeModule)> {
    accepted(environment).filter_map(|module| Some((module, module.native.get()?)))
}

fn accepted(environment: &EnvironmentFacts) -> impl Iterator<Item = &ModuleFacts> {
    let suffixes = environment.python.abi.get().map(|abi| abi.extension_suffixes.as_slice());
    environment
        .modules
        .iter()
        .filter(move |module| suffixes.is_none_or(|suffixes| suffixes.contains(&module.suffix)))
}

/// A module that could not be read was not judged.
pub(super) fn say_what_was_not_judged(facts: &Facts, findings: &mut Findings) {
    let unreadable = facts
        .judged()
        .flat_map(accepted)
        .find_map(|module| Some((module, module.native.reason()?)));
    if let Some((module, reason)) = unreadable {
        let path = facts.short(&module.path);
        findings.skip(format!("not every module could be read; the first is {path}: {reason}"));
    }
}

/// The numbers of a symbol version with this prefix: `GLIBC_2.28` gives 2.28.
pub(super) fn number(version: &str, prefix: &str) -> Option<host::Version> {
    version.strip_prefix(prefix)?.parse().ok()
}

/// The package that a module belongs to, or its own name.
pub(super) fn owner(module: &ModuleFacts) -> &str {
    module.package.as_deref().unwrap_or(&module.import_name)
}

/// The command that installs packages again from wheels of the index, past every cache.
pub(super) fn reinstall(
    facts: &Facts,
    environment: &EnvironmentFacts,
    packages: &[&str],
) -> Vec<String> {
    let mut arguments = if cures::uses_uv_pip(facts, environment) {
        vec!["--reinstall", "--no-cache"]
    } else {
        vec!["--force-reinstall", "--no-cache-dir"]
    };
    arguments.extend(["--no-deps", "--only-binary", ":all:"]);
    arguments.extend(packages);
    cures::pip_install(facts, environment, &arguments)
}
