//! The modules that an interpreter would load, what they need, and how to get them anew.

use artifacts::NativeModule;

use crate::{EnvironmentFacts, Facts, ModuleFacts, cures};

/// The modules of an environment that its interpreter would import, where they could be read.
pub(super) fn importable(
    environment: &EnvironmentFacts,
) -> impl Iterator<Item = (&ModuleFacts, &NativeModule)> {
    let accepted = environment.python.abi.get().map(|abi| abi.extension_suffixes.as_slice());
    environment
        .modules
        .iter()
        .filter(move |module| accepted.is_none_or(|accepted| accepted.contains(&module.suffix)))
        .filter_map(|module| Some((module, module.native.get()?)))
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
