//! Moving things aside: a rename on the same file system, which follows no link and loses nothing.

use std::io;
use std::path::{Path, PathBuf};

use host::Host;

use super::record::{BESIDE, Store};

/// Why something is not moved.
pub(super) fn refusal(host: &Host, project: &Path, path: &Path) -> Option<String> {
    // By another name it is the same place.
    let real = host.canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let holds = |what: &Path| {
        what.starts_with(path) || host.canonicalize(what).is_ok_and(|what| what.starts_with(&real))
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_the_project_or_the_home_is_not_moved() {
        let directory = tempfile::tempdir().unwrap();
        let root = Host::current().unwrap().canonicalize(directory.path()).unwrap();
        let project = root.join("work/project");
        host::create_directory(&project.join(".venv")).unwrap();
        host::make_link(&root.join("work"), &root.join("other name")).unwrap();
        let mut host = Host::current().unwrap();
        host.home = Some(root.join("home"));
        for path in [project.clone(), root.join("work"), root.join("other name"), root.clone()] {
            assert!(refusal(&host, &project, &path).is_some(), "{}", path.display());
        }
        assert!(refusal(&host, &project, &root.join("home")).is_some());
        assert!(refusal(&host, &project, Path::new("/")).is_some());
        assert!(refusal(&host, &project, Path::new("relative")).is_some());
        assert_eq!(refusal(&host, &project, &project.join(".venv")), None);
    }

    #[test]
    fn a_rename_replaces_nothing_and_leaves_no_directories() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let host = Host::current().unwrap();
        host::write_atomically(&root.join("a"), b"a").unwrap();
        host::write_atomically(&root.join("b"), b"b").unwrap();
        assert!(rename(&host, &root.join("a"), &root.join("b")).is_err());
        let kept = root.join(BESIDE).join("1/0/a");
        rename(&host, &root.join("a"), &kept).unwrap();
        assert!(host.is_file(&root.join(BESIDE).join(".gitignore")));
        rename(&host, &kept, &root.join("a")).unwrap();
        tidy(&host, &kept);
        assert!(!host.exists(&root.join(BESIDE)));
        assert!(rename(&host, &root.join("none"), &kept).is_err());
        assert!(!host.exists(&root.join(BESIDE)));
    }
}
