//! The packages of an environment before a command, and how to come back to them.

use std::collections::BTreeMap;
use std::path::Path;

use host::HostPath;
use pyenvs::Package;

use crate::{EnvironmentFacts, Facts, cures};

/// What an installer is told to get each package of an environment again, by the package's name.
pub type Installed = BTreeMap<String, Vec<String>>;

/// The environment that a command works on: the one whose interpreter it starts or whose place it
/// names.
#[must_use]
pub fn environment_of_command<'a>(
    facts: &'a Facts,
    argv: &[String],
) -> Option<&'a EnvironmentFacts> {
    let is_named = |environment: &&EnvironmentFacts| {
        let python = &environment.python;
        argv.iter().any(|argument| {
            let named = HostPath::from(argument.replace('\\', "/").as_str());
            named == python.prefix
                || python.executable.as_ref() == Some(&named)
                || named.starts_with(python.prefix.join("bin").as_path())
                || named.starts_with(python.prefix.join("Scripts").as_path())
        })
    };
    facts.environments.iter().find(is_named)
}

/// The packages of an environment, but for those whose records were moved away meanwhile.
#[must_use]
pub fn installed(facts: &Facts, environment: &EnvironmentFacts, moved: &[&Path]) -> Installed {
    let is_there = |package: &&Package| !moved.iter().any(|path| package.path.starts_with(path));
    let packages = environment.python.packages.iter().filter(is_there);
    packages
        .map(|package| (package.name.clone(), cures::requirement(facts, package, true)))
        .collect()
}

/// The commands that bring back the packages that were there `before`, at the same versions, and
/// take away those that were not.
#[must_use]
pub fn restore_packages(
    facts: &Facts,
    environment: &EnvironmentFacts,
    before: &Installed,
) -> Vec<Vec<String>> {
    let now = installed(facts, environment, &[]);
    let mut commands = Vec::new();
    let added: Vec<&str> =
        now.keys().filter(|name| !before.contains_key(*name)).map(String::as_str).collect();
    if !added.is_empty() {
        commands.push(cures::pip_uninstall(facts, environment, &added));
    }
    let changed: Vec<&str> = before
        .iter()
        .filter(|(name, wanted)| now.get(*name) != Some(wanted))
        .flat_map(|(_, wanted)| wanted.iter().map(String::as_str))
        .collect();
    if !changed.is_empty() {
        let arguments: Vec<&str> = std::iter::once("--no-deps").chain(changed).collect();
        commands.push(cures::pip_install(facts, environment, &arguments));
    }
    commands
}
