//! Moving things aside: a rename on the same file system, which follows no link and loses nothing.

use std::io;
use std::path::{Path, PathBuf};

use host::Host;

use super::record::{BESIDE, Store};

/// Why something is not moved.
pub(super) fn refusal(host: &Host, project: &Path, path: &Path) -> Option<String> {
    let holds = |what: &Path| what.starts_with(path);
    if !path.is_absolute() || path.parent().is_none() {
        return Some(format!("{} is no path that may be moved", path.display()));
    }
    if holds(project) {
        return Some(format!("{} holds the project", path.display()));
    }
    if host.home.as_deref().is_some_and(holds) {
        return Some(format!("{} holds the home directory", path.display()));
    }
    None
}

/// Where something may go, best first: into the tool's cache, else near where it is, where neither
/// Python nor the doctor looks.
pub(super) fn places(store: &Store<'_>, id: u64, step: usize, path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default();
    let mut places = vec![store.directory(id).join("kept").join(step.to_string()).join(name)];
    // Nothing in a directory of packages is safe from being found.
    let is_searched = |directory: &Path| {
        directory.components().any(|part| {
            let part = part.as_os_str();
            part == "site-packages" || part == "dist-packages"
        })
    };
    if let Some(near) = path.ancestors().skip(1).find(|directory| !is_searched(directory)) {
        let near = near.join(BESIDE).join(id.to_string()).join(step.to_string());
        places.push(near.join(name));
    }
    places
}

/// Renames, and makes the directories that it takes. What is there is never replaced.
pub(super) fn rename(host: &Host, from: &Path, to: &Path) -> io::Result<()> {
    if host.symlink_metadata(to).is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("there is something at {} already", to.display()),
        ));
    }
    if let Some(parent) = to.parent() {
        host::create_directory(parent)?;
        hide_from_git(host, parent);
    }
    let renamed = host::rename(from, to);
    if renamed.is_err() {
        tidy(host, to);
    }
    renamed
}

/// A directory beside the project's files is nothing to commit.
fn hide_from_git(host: &Host, parent: &Path) {
    let beside = parent.ancestors().find(|directory| directory.ends_with(BESIDE));
    if let Some(ignore) = beside.map(|beside| beside.join(".gitignore"))
        && !host.exists(&ignore)
    {
        // It is a courtesy: what is moved is safe without it.
        let _ = host::write_atomically(&ignore, b"*\n");
    }
}

/// Removes the directories that were made for `to`, as far as they are empty now.
pub(super) fn tidy(host: &Host, to: &Path) {
    let mut directory = to.parent();
    while let Some(path) = directory {
        if path.ends_with(BESIDE) {
            let entries = host.list(path, 2).unwrap_or_default();
            if entries.iter().all(|entry| entry.name_text() == Some(".gitignore")) {
                let _ = host::remove_tree(path);
            }
            return;
        }
        if !host::remove_empty_directory(path) {
            return;
        }
        directory = path.parent();
    }
}
