//! Cures that several checks share: installing, removing, and making environments anew.
//!
//! Every command names the interpreter or the prefix it acts on, so that it does the same in any
//! shell, activated or not.

mod recreate;
mod supported;

use host::{HostPath, Os};
use pyenvs::{EnvironmentKind, Package};

use crate::{EnvironmentFacts, Facts, Tool};

pub(crate) use recreate::{base_interpreter, is_environment, recreate, recreate_at, what_it_holds};
pub(crate) use supported::{fits_project, oldest_abi3, requires_python};

/// `pip install ARGUMENTS` into an environment: with its own pip if it has one, else with uv.
pub(crate) fn pip_install(
    facts: &Facts,
    environment: &EnvironmentFacts,
    arguments: &[&str],
) -> Vec<String> {
    pip(facts, environment, "install", &[], arguments)
}

/// `pip uninstall NAMES` from an environment, without asking.
pub(crate) fn pip_uninstall(
    facts: &Facts,
    environment: &EnvironmentFacts,
    names: &[&str],
) -> Vec<String> {
    // uv never asks, and has no flag to say so.
    pip(facts, environment, "uninstall", &["--yes"], names)
}

fn pip(
    facts: &Facts,
    environment: &EnvironmentFacts,
    command: &str,
    flags_of_pip: &[&str],
    arguments: &[&str],
) -> Vec<String> {
    let interpreter = interpreter(facts, environment);
    if uses_uv_pip(facts, environment) {
        let fixed = ["uv", "pip", command, "--python", &interpreter];
        return argv(fixed.iter().chain(arguments));
    }
    let fixed = [interpreter.as_str(), "-m", "pip", command];
    argv(fixed.iter().chain(flags_of_pip).chain(arguments))
}

/// Whether packages go into the environment by `uv pip`: it has no pip of its own, and either uv
/// is here or uv made it.
pub(crate) fn uses_uv_pip(facts: &Facts, environment: &EnvironmentFacts) -> bool {
    let sees_base = environment
        .python
        .pyvenv_cfg
        .as_ref()
        .is_some_and(|configuration| configuration.include_system_site_packages);
    let has_pip = environment.python.packages_named("pip").next().is_some()
        || environment.python.conda_packages.iter().any(|record| record.name == "pip");
    let has_uv = uv(facts, environment).is_some();
    !has_pip && !sees_base && (has_uv || environment.python.kind == EnvironmentKind::UvVenv)
}

/// uv, if there is one besides that of the environment itself, which goes with it when it is made
/// anew.
fn uv<'a>(facts: &'a Facts, environment: &EnvironmentFacts) -> Option<&'a Tool> {
    first_outside(&facts.toolchain.uv, environment)
}

fn first_outside<'a>(tools: &'a [Tool], environment: &EnvironmentFacts) -> Option<&'a Tool> {
    tools.iter().find(|tool| !tool.path.starts_with(&environment.python.prefix))
}

/// `conda install -p PREFIX SPECIFICATIONS`, without asking.
pub(crate) fn conda_install(
    facts: &Facts,
    environment: &EnvironmentFacts,
    specifications: &[&str],
) -> Vec<String> {
    let prefix = facts.native(&environment.python.prefix);
    let program = conda(facts, environment);
    let fixed = [program.as_str(), "install", "--yes", "-p", prefix.as_str()];
    argv(fixed.iter().chain(specifications))
}

/// conda: the one this shell was set up with, else that of the base environment that holds this
/// one, else by its name.
fn conda(facts: &Facts, environment: &EnvironmentFacts) -> String {
    if let Some(program) = facts.variable("CONDA_EXE") {
        return program.to_owned();
    }
    let program = match facts.machine.os {
        Os::Linux | Os::Macos => "bin/conda",
        Os::Windows => "Scripts/conda.exe",
    };
    facts
        .environments
        .iter()
        .map(|base| &base.python)
        .find(|base| {
            base.kind == EnvironmentKind::CondaBase
                && environment.python.prefix.starts_with(&base.prefix)
        })
        .map_or_else(|| "conda".to_owned(), |base| facts.native(&base.prefix.join(program)))
}

/// Installs `requirement` of the package `name` with whoever manages that package: conda if conda
/// has a record of it, else pip or uv.
pub(crate) fn install(
    facts: &Facts,
    environment: &EnvironmentFacts,
    name: &str,
    requirement: &str,
) -> Vec<String> {
    if environment.python.conda_packages.iter().any(|record| record.name == name) {
        conda_install(facts, environment, &[requirement])
    } else {
        pip_install(facts, environment, &[requirement])
    }
}

/// What an installer is told to get a package again: from where it came, and in the version that
/// is installed if that is asked for.
pub(crate) fn requirement(facts: &Facts, package: &Package, same_version: bool) -> Vec<String> {
    if let Some(source) = &package.editable {
        return argv(["--editable", &facts.native(source)]);
    }
    if let Some(source) = &package.built_from {
        return argv([facts.native(source)]);
    }
    if let Some(address) = &package.direct_url {
        return argv([format!("{} @ {address}", package.name)]);
    }
    match package.version.get().filter(|_| same_version) {
        Some(version) => argv([format!("{}=={version}", package.name)]),
        None => argv([&package.name]),
    }
}

/// Paths as steps of a cure name them.
pub(crate) fn paths(facts: &Facts, paths: &[&HostPath]) -> Vec<String> {
    paths.iter().map(|path| facts.native(path)).collect()
}

/// Makes a directory, and those above it.
pub(crate) fn make_directory(facts: &Facts, path: &str) -> Vec<String> {
    match facts.machine.os {
        Os::Linux | Os::Macos => argv(["mkdir", "-p", "--", path]),
        Os::Windows => argv(["cmd", "/c", "mkdir", path]),
    }
}

/// The interpreter of an environment as commands name it; where none was found, the one it would
/// have.
pub(crate) fn interpreter(facts: &Facts, environment: &EnvironmentFacts) -> String {
    environment.interpreter(facts).unwrap_or_else(|| {
        facts.native(&environment.python.prefix.join(match facts.machine.os {
            Os::Linux | Os::Macos => "bin/python",
            Os::Windows => "Scripts/python.exe",
        }))
    })
}
fn argv<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> Vec<String> {
    parts.into_iter().map(|part| part.as_ref().to_owned()).collect()
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bare_environment, healthy};

    #[test]
    fn conda_is_named_by_its_path_where_that_is_known() {
        let mut facts = healthy();
        let science = bare_environment("/opt/conda/envs/science", "3.11.7", EnvironmentKind::Conda);
        assert_eq!(conda_install(&facts, &science, &["numpy"])[0], "conda");
        facts.environments.push(bare_environment(
            "/opt/conda",
            "3.12.1",
            EnvironmentKind::CondaBase,
        ));
        assert_eq!(
            conda_install(&facts, &science, &["numpy"]),
            ["/opt/conda/bin/conda", "install", "--yes", "-p", "/opt/conda/envs/science", "numpy"]
        );
        facts.machine.variables.insert("CONDA_EXE".to_owned(), "/x/bin/conda".to_owned());
        assert_eq!(conda_install(&facts, &science, &[])[0], "/x/bin/conda");
    }
}
