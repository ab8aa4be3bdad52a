//! The directories on `PATH`.

use std::path::PathBuf;

use host::Os;

use crate::FoundBy;
use crate::candidate::{Candidate, Place};
use crate::context::Context;
use crate::discover::Search;
use crate::paths::{self, Identity};
use crate::pyenv;

use super::interpreters_in;

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
        // `/bin` may be the same directory as `/usr/bin` and stand first.
        let directory = if host.os == Os::Windows {
            directory
        } else {
            host.canonicalize(&directory).unwrap_or(directory)
        };
        interpreters_in(context, &directory, FoundBy::Path, None, found);
    }
}
