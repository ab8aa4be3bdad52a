//! Environments that the user, the configuration or a variable names.

use std::path::{Path, PathBuf};

use crate::candidate::{Candidate, Place, place_of};
use crate::context::Context;
use crate::discover::Search;
use crate::{EnvironmentKind, FoundBy, paths, picks, pyenv};

/// `--python`.
pub(super) fn argument(context: &Context<'_>, search: &Search<'_>, found: &mut Vec<Candidate>) {
    if let Some(argument) = search.argument {
        let path = program_or_path(context, argument, &context.host.working_directory);
        found.push(Candidate::named(place_of(context.host, path), FoundBy::Argument));
    }
}

/// `truewheel.toml`.
pub(super) fn configuration(
    context: &Context<'_>,
    search: &Search<'_>,
    found: &mut Vec<Candidate>,
) {
    for configured in search.configured {
        let path = program_or_path(context, configured, &context.directory);
        found.push(Candidate::named(place_of(context.host, path), FoundBy::Configuration));
    }
}

/// `VIRTUAL_ENV`, `CONDA_PREFIX`, `PYO3_PYTHON`, `UV_PYTHON`, and the version that pyenv runs here.
pub(super) fn variables(context: &Context<'_>, _: &Search<'_>, found: &mut Vec<Candidate>) {
    let host = context.host;
    if let Some(prefix) = host.variables.path("VIRTUAL_ENV") {
        let place = Place::Prefix(host.absolute(&prefix));
        found.push(Candidate::named(place, FoundBy::VirtualEnv).of_kind(EnvironmentKind::Venv));
    }
    if let Some(prefix) = host.variables.path("CONDA_PREFIX") {
        let place = Place::Prefix(host.absolute(&prefix));
        found.push(Candidate::named(place, FoundBy::CondaPrefix).of_kind(EnvironmentKind::Conda));
    }
    if let Some(python) = host.variables.path("PYO3_PYTHON") {
        let path = program_or_path(context, &python, &context.directory);
        found.push(Candidate::named(Place::Executable(path), FoundBy::Pyo3Python));
    }
    if let Some(python) = host.variables.text("UV_PYTHON").and_then(|t| picks::uv_path_of(&t)) {
        let path = context.in_project(&python);
        if is_path(&python) || host.exists(&path) {
            found.push(Candidate::named(place_of(host, path), FoundBy::PythonVersionFile));
        }
    }
    let selection = pyenv::selection(context, &context.directory);
    if selection.file.is_some() {
        for version in &selection.versions {
            if let Some(prefix) = pyenv::prefix(context, version) {
                found.push(Candidate::seen(Place::Prefix(prefix), FoundBy::PythonVersionFile));
            }
        }
    }
}

fn is_path(path: &Path) -> bool {
    path.components().nth(1).is_some()
}

/// A bare name is looked up on `PATH`, as a shell would; anything else counts from `directory`.
fn program_or_path(context: &Context<'_>, path: &Path, directory: &Path) -> PathBuf {
    let here = context.host.absolute(&paths::join(context.os(), directory, path));
    if is_path(path) || context.host.exists(&here) {
        return here;
    }
    path.to_str().and_then(|name| context.host.program(name)).unwrap_or(here)
}
