//! Directories in which tools collect virtual environments.

use std::path::PathBuf;

use host::{FileKind, Os};

use crate::FoundBy;
use crate::candidate::{Candidate, Place};
use crate::context::Context;
use crate::discover::Search;

/// Every environment in `WORKON_HOME`, `~/.virtualenvs`, and where pipenv and Poetry keep theirs.
pub(super) fn find(context: &Context<'_>, _: &Search<'_>, found: &mut Vec<Candidate>) {
    for home in homes(context) {
        for entry in context.list(&home) {
            if matches!(entry.kind, FileKind::Directory | FileKind::Symlink) {
                let place = Place::Prefix(home.join(entry.name));
                found.push(Candidate::seen(place, FoundBy::VirtualenvHome));
            }
        }
    }
}

fn homes(context: &Context<'_>) -> Vec<PathBuf> {
    let host = context.host;
    let mut homes = Vec::new();
    homes.extend(host.variables.path("WORKON_HOME"));
    if let Some(home) = &host.home {
        homes.extend([".virtualenvs", ".venvs", "envs"].map(|name| home.join(name)));
        let data = match host.os {
            Os::Windows => home.join(".local/share"),
            _ => host.variables.path("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share")),
        };
        homes.push(data.join("virtualenvs"));
        let cache = match host.os {
            Os::Windows => host.variables.path("LOCALAPPDATA"),
            Os::Macos => Some(home.join("Library/Caches")),
            Os::Linux => host.variables.path("XDG_CACHE_HOME").or(Some(home.join(".cache"))),
        };
        homes.extend(cache.map(|cache| {
            cache.join("pypoetry").join(match host.os {
                Os::Windows => "Cache/virtualenvs",
                Os::Linux | Os::Macos => "virtualenvs",
            })
        }));
    }
    homes.dedup();
    homes
}
