//! Where environments are looked for.

mod conda;
mod macos;
mod managers;
mod named;
mod path;
mod project;
mod system;
mod virtualenvs;
mod windows;

use std::path::{Path, PathBuf};

use host::Os;

use crate::candidate::{Candidate, Place};
use crate::context::Context;
use crate::discover::Search;
use crate::{EnvironmentKind, FoundBy};

/// One place to look.
pub(crate) struct Source {
    /// Adds what it finds.
    pub(crate) find: fn(&Context<'_>, &Search<'_>, &mut Vec<Candidate>),
}

/// Every source. An environment found twice keeps the spelling of its path, and what is said of
/// its maker, from the first; so what a person wrote comes before what is found by looking, and
/// what is particular before what is general.
pub(crate) const SOURCES: &[Source] = &[
    // The user's own words.
    Source { find: named::argument },
    Source { find: named::configuration },
    // What the shell says is active: the paths as `activate` set them.
    Source { find: named::variables },
    // The project's own, by the path a person in the project would write.
    Source { find: project::children },
    Source { find: project::parents },
    // Makers with a directory of their own. conda comes before pyenv, whose `versions` may hold a
    // conda installation, and environments are listed by conda under their own names.
    Source { find: virtualenvs::find },
    Source { find: conda::find },
    Source { find: managers::pyenv },
    Source { find: managers::uv },
    // Where a system keeps its Pythons.
    Source { find: system::find },
    Source { find: macos::find },
    Source { find: windows::registry },
    Source { find: windows::directories },
    // Last, for it holds links to most of the above.
    Source { find: path::find },
];

/// Minor versions asked for by name; asking is cheaper than listing a `bin` of thousands.
const MINORS: std::ops::Range<u64> = 6..20;

/// Whether a directory of WSL lies on a drive of Windows (`/mnt/c/...`).
fn is_windows_drive(directory: &Path) -> bool {
    let Ok(rest) = directory.strip_prefix("/mnt") else { return false };
    let drive = rest.iter().next().and_then(|name| name.to_str());
    drive.is_some_and(|name| name.len() == 1 && name.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// The interpreters in a directory of programs, by their usual names.
fn interpreters_in(
    context: &Context<'_>,
    directory: &Path,
    found_by: FoundBy,
    kind: Option<EnvironmentKind>,
    found: &mut Vec<Candidate>,
) {
    let mut add = |path: PathBuf| {
        found.push(Candidate { kind, ..Candidate::seen(Place::Executable(path), found_by) });
    };
    if context.os() == Os::Windows {
        for name in ["python.exe", "python3.exe", "pypy3.exe"] {
            let path = directory.join(name);
            if context.host.symlink_metadata(&path).is_ok() {
                add(path);
            }
        }
        return;
    }
    let plain = ["python3", "python", "pypy3", "graalpy"].map(str::to_owned);
    // Each question to a Windows drive takes WSL a good part of a millisecond.
    let minors = if is_windows_drive(directory) { 0..0 } else { MINORS };
    let free_threaded = minors.clone().filter(|minor| *minor >= 13);
    let free_threaded = free_threaded.map(|minor| format!("python3.{minor}t"));
    let versioned = minors.map(|minor| format!("python3.{minor}"));
    let mut targets: Vec<PathBuf> = Vec::new();
    for name in plain.into_iter().chain(versioned).chain(free_threaded) {
        let path = directory.join(name);
        if !context.host.is_file(&path) {
            continue;
        }
        // `python3` mostly is a link to `python3.11` beside it.
        let target = context
            .host
            .read_link(&path)
            .map_or_else(|_| path.clone(), |target| directory.join(target));
        if !targets.contains(&target) && !targets.contains(&path) {
            targets.push(target);
            targets.push(path.clone());
            add(path);
        }
    }
}
