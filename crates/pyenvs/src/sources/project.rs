//! Environments in the project and above it.

use std::path::PathBuf;

use host::FileKind;

use crate::candidate::{Candidate, Place};
use crate::context::Context;
use crate::discover::Search;
use crate::{EnvironmentKind, FoundBy};

/// Names under which a broken environment is still recognised as one.
const USUAL_NAMES: [&str; 4] = [".venv", "venv", ".env", "env"];

/// Directories in a project whose children are environments: pixi's are conda's, direnv's virtual.
const COLLECTIONS: [&str; 2] = [".pixi/envs", ".direnv"];

/// `.venv`, and every other directory of the project that has a `pyvenv.cfg`.
pub(super) fn children(context: &Context<'_>, _: &Search<'_>, found: &mut Vec<Candidate>) {
    let project = &context.directory;
    let mut add = |prefix: PathBuf| {
        let candidate = Candidate::seen(Place::Prefix(prefix), FoundBy::Project);
        found.push(candidate.of_kind(EnvironmentKind::Venv));
    };
    for name in USUAL_NAMES {
        add(project.join(name));
    }
    for entry in context.list(project) {
        let may_be = matches!(entry.kind, FileKind::Directory | FileKind::Symlink);
        if !may_be || entry.name_text().is_some_and(|name| USUAL_NAMES.contains(&name)) {
            continue;
        }
        let prefix = project.join(&entry.name);
        if context.host.symlink_metadata(&prefix.join("pyvenv.cfg")).is_ok() {
            add(prefix);
        }
    }
    for name in COLLECTIONS {
        let directory = project.join(name);
        for entry in context.list(&directory) {
            add(directory.join(entry.name));
        }
    }
}

/// `.venv` of each directory above; also the directory itself, for a project inside an environment.
/// A `.venv` that is none counts only where no nearer one hides it: tools stop at the first.
pub(super) fn parents(context: &Context<'_>, _: &Search<'_>, found: &mut Vec<Candidate>) {
    let host = context.host;
    let mut hidden = false;
    for (index, directory) in context.directory.ancestors().enumerate() {
        if host.symlink_metadata(&directory.join("pyvenv.cfg")).is_ok() {
            let place = Place::Prefix(directory.to_path_buf());
            found.push(Candidate::seen(place, FoundBy::ProjectParent));
        }
        let prefix = directory.join(".venv");
        if host.symlink_metadata(&prefix).is_err() {
            continue;
        }
        let is_environment = host.is_file(&prefix.join("pyvenv.cfg"));
        if index > 0 && (is_environment || !hidden) {
            let candidate = Candidate::seen(Place::Prefix(prefix), FoundBy::ProjectParent);
            found.push(candidate.of_kind(EnvironmentKind::Venv));
        }
        hidden = true;
    }
}
