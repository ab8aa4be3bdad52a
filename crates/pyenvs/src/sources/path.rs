//! The directories on `PATH`.

use std::path::PathBuf;

use crate::FoundBy;
use crate::candidate::{Candidate, Place};
use crate::context::Context;
use crate::discover::Search;
use crate::paths::{self, Identity};
use crate::pyenv;
use crate::scripts::{self, Interpreter};

use super::interpreters_in;

/// The Python that `pip` on `PATH` installs into, which may be in no place that is searched.
fn of_pip(context: &Context<'_>, found: &mut Vec<Candidate>) {
    let host = context.host;
    let Some(pip) = host.program("pip").or_else(|| host.program("pip3")) else { return };
    if let Some(Interpreter::At(python)) = scripts::interpreter_of(host, &pip) {
        found.push(Candidate::seen(Place::Executable(python), FoundBy::Path));
    }
}

/// Interpreters on `PATH`, each directory once however it is spelled (`/bin` is often a link to
/// `/usr/bin`), pyenv's shims seen through.
pub(super) fn find(context: &Context<'_>, _: &Search<'_>, found: &mut Vec<Candidate>) {
    let host = context.host;
    let mut seen: Vec<Identity> = Vec::new();
    for directory in host.variables.paths(host.os, "PATH") {
        let directory = host.absolute(&directory);
        let identity = paths::identity(host, &directory);
        if seen.contains(&identity) {
            continue;
        }
        seen.push(identity);
        let any: PathBuf = directory.join("python");
        if pyenv::is_shim(context, &any) {
            for name in ["python", "python3"] {
                if let Ok(program) = pyenv::which(context, name, &context.directory) {
                    found.push(Candidate::seen(Place::Executable(program), FoundBy::Path));
                }
            }
            continue;
        }
        interpreters_in(context, &directory, FoundBy::Path, None, found);
    }
    of_pip(context, found);
}
