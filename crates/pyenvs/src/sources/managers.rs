//! Interpreters that pyenv and uv installed.

use host::{Entry, FileKind};

use crate::candidate::{Candidate, Place};
use crate::context::Context;
use crate::discover::Search;
use crate::{EnvironmentKind, FoundBy};

/// Everything under pyenv's `versions`. Links (`3.12`, or an environment of pyenv-virtualenv) come
/// after the versions they lead to, and before the environments inside of a version.
pub(super) fn pyenv(context: &Context<'_>, _: &Search<'_>, found: &mut Vec<Candidate>) {
    let Some(root) = &context.pyenv_root else { return };
    let versions = root.join("versions");
    let (directories, links) = split(context.list(&versions));
    let mut inside = Vec::new();
    for entry in &directories {
        let environments = versions.join(&entry.name).join("envs");
        for entry in context.list(&environments) {
            let place = Place::Prefix(environments.join(entry.name));
            inside.push(Candidate::seen(place, FoundBy::Pyenv));
        }
    }
    for entry in directories.into_iter().chain(links) {
        let place = Place::Prefix(versions.join(entry.name));
        found.push(Candidate::seen(place, FoundBy::Pyenv).of_kind(EnvironmentKind::Pyenv));
    }
    found.extend(inside);
}

/// Everything uv installed. Links by minor version (`cpython-3.12-...`) come after the
/// directories they lead to, which keep their own names.
pub(super) fn uv(context: &Context<'_>, _: &Search<'_>, found: &mut Vec<Candidate>) {
    for root in &context.uv_roots {
        let (directories, links) = split(context.list(root));
        for entry in directories.into_iter().chain(links) {
            if !entry.name.as_encoded_bytes().starts_with(b".") {
                let place = Place::Prefix(root.join(entry.name));
                found.push(Candidate::seen(place, FoundBy::Uv).of_kind(EnvironmentKind::Uv));
            }
        }
    }
}

/// Directories, and links.
fn split(entries: Vec<Entry>) -> (Vec<Entry>, Vec<Entry>) {
    entries
        .into_iter()
        .filter(|entry| matches!(entry.kind, FileKind::Directory | FileKind::Symlink))
        .partition(|entry| entry.kind == FileKind::Directory)
}
