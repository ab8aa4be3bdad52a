//! Environments in the project and above it.

use host::FileKind;

use crate::FoundBy;
use crate::candidate::{Candidate, Place};
use crate::context::Context;
use crate::discover::Search;

/// Names under which a broken environment is still recognised as one.
const USUAL_NAMES: [&str; 4] = [".venv", "venv", ".env", "env"];

/// `.venv`, and every other directory of the project that has a `pyvenv.cfg`.
pub(super) fn children(context: &Context<'_>, _: &Search<'_>, found: &mut Vec<Candidate>) {
    let project = &context.directory;
    for name in USUAL_NAMES {
        found.push(Candidate::seen(Place::Prefix(project.join(name)), FoundBy::Project));
    }
    for entry in context.list(project) {
        let may_be = matches!(entry.kind, FileKind::Directory | FileKind::Symlink);
        if !may_be || entry.name_text().is_some_and(|name| USUAL_NAMES.contains(&name)) {
            continue;
        }
        let prefix = project.join(&entry.name);
        if context.host.symlink_metadata(&prefix.join("pyvenv.cfg")).is_ok() {
            found.push(Candidate::seen(Place::Prefix(prefix), FoundBy::Project));
        }
    }
    // pixi keeps conda environments in the project.
    let pixi = project.join(".pixi/envs");
    for entry in context.list(&pixi) {
        found.push(Candidate::seen(Place::Prefix(pixi.join(entry.name)), FoundBy::Project));
    }
}

/// `.venv` of each directory above; also the directory itself, for a project inside an environment.
pub(super) fn parents(context: &Context<'_>, _: &Search<'_>, found: &mut Vec<Candidate>) {
    for directory in context.directory.ancestors() {
        if context.host.symlink_metadata(&directory.join("pyvenv.cfg")).is_ok() {
            let place = Place::Prefix(directory.to_path_buf());
            found.push(Candidate::seen(place, FoundBy::ProjectParent));
        }
    }
    for directory in context.directory.ancestors().skip(1) {
        let place = Place::Prefix(directory.join(".venv"));
        found.push(Candidate::seen(place, FoundBy::ProjectParent));
    }
}
