//! Interpreters that pyenv and uv installed.

use host::FileKind;

use crate::candidate::{Candidate, Place};
use crate::context::Context;
use crate::discover::Search;
use crate::{EnvironmentKind, FoundBy};

/// Everything under pyenv's `versions`, with the environments of pyenv-virtualenv.
pub(super) fn pyenv(context: &Context<'_>, _: &Search<'_>, found: &mut Vec<Candidate>) {
    let Some(root) = &context.pyenv_root else { return };
    let versions = root.join("versions");
    for entry in context.list(&versions) {
        if entry.kind == FileKind::File {
            continue;
        }
        let prefix = versions.join(&entry.name);
        let environments = prefix.join("envs");
        found.push(
            Candidate::seen(Place::Prefix(prefix), FoundBy::Pyenv).of_kind(EnvironmentKind::Pyenv),
        );
        if entry.kind == FileKind::Directory {
            for entry in context.list(&environments) {
                let place = Place::Prefix(environments.join(entry.name));
                found.push(Candidate::seen(place, FoundBy::Pyenv));
            }
        }
    }
}

/// Everything uv installed. Links by minor version (`cpython-3.12-...`) come after the
/// directories they lead to, which keep their own names.
pub(super) fn uv(context: &Context<'_>, _: &Search<'_>, found: &mut Vec<Candidate>) {
    for root in &context.uv_roots {
        let (links, directories): (Vec<_>, Vec<_>) = context
            .list(root)
            .into_iter()
            .filter(|entry| entry.kind != FileKind::File)
            .filter(|entry| !entry.name.as_encoded_bytes().starts_with(b"."))
            .partition(|entry| entry.kind == FileKind::Symlink);
        for entry in directories.into_iter().chain(links) {
            found.push(
                Candidate::seen(Place::Prefix(root.join(entry.name)), FoundBy::Uv)
                    .of_kind(EnvironmentKind::Uv),
            );
        }
    }
}
