//! Finding data files: directories walked in parallel, never through a link, and within bounds.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use host::{Entry, FileKind, Host, ReadError};

use super::extension;

/// Names in one directory.
const LIST_LIMIT: usize = 1_000_000;

/// Names in all of them.
const ENTRY_LIMIT: usize = 5_000_000;

/// How deep directories are walked.
const DEPTH_LIMIT: usize = 256;

/// Directories listed at once, so that many large ones are never all held together.
const PORTION: usize = 256;

/// The ends of data files' names.
pub(crate) const EXTENSIONS: &[&str] = &["npy", "npz", "pkl", "pickle"];

/// The ends of further names that a scan looks for.
const MORE_EXTENSIONS: &[&str] =
    &["ckpt", "dill", "joblib", "p", "pk", "pt", "pth", "py", "pyd", "so", "whl"];

/// Ends that say how a file is compressed; the one before it says what it is.
const COMPRESSED: &[&str] = &["bz2", "gz", "lz4", "lzma", "xz", "z", "zlib", "zst"];

/// Ends that data files share with others: the first bytes decide.
const PERHAPS: &[&str] = &["", "bin", "cache", "dat", "data", "model", "sav", "save"];

/// A file that was found.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    /// Whether it was named, or its name says what it is.
    pub(super) is_certain: bool,
}

/// Whether a file begins as those do that are looked for by their contents.
pub(super) fn begins_as_data(start: &[u8]) -> bool {
    artifacts::starts_as_pickle(start)
        || start.starts_with(b"\x93NUMPY")
        || start.starts_with(b"PK\x03\x04")
}

/// Whether a name says what a file is; nothing for a file that nobody looks at.
fn certainty(name: &Path, all: bool) -> Option<bool> {
    let end = extension(name);
    let is_data = |end: &str| EXTENSIONS.contains(&end) || MORE_EXTENSIONS.contains(&end);
    if is_data(&end) {
        return Some(true);
    }
    if COMPRESSED.contains(&end.as_str()) {
        let inner = name.file_stem().map(|stem| extension(Path::new(stem))).unwrap_or_default();
        return (is_data(&inner) && inner != "py").then_some(true).or(all.then_some(false));
    }
    (all || PERHAPS.contains(&end.as_str())).then_some(false)
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    /// Files, in order of path, each once.
    pub(super) files: Vec<Candidate>,
    pub(super) unreadable: Vec<String>,
    pub(super) left_out: usize,
    pub(super) truncated: bool,
}

pub(super) fn walk(host: &Host, paths: &[PathBuf], all: bool, count: &AtomicUsize) -> Found {
    let mut found = Found::default();
    let mut level = Vec::new();
    for path in paths {
        if host.is_dir(path) {
            level.push(path.clone());
        } else {
            found.files.push(Candidate { path: path.clone(), is_certain: true });
        }
    }
    count.fetch_add(found.files.len(), Ordering::Relaxed);
    let mut entries = 0;
    for depth in 0.. {
        if level.is_empty() {
            break;
        }
        if depth == DEPTH_LIMIT {
            found.truncated = true;
            break;
        }
        let mut next = Vec::new();
        for portion in level.chunks(PORTION) {
            if entries >= ENTRY_LIMIT {
                found.truncated = true;
                break;
            }
            let listed = host::in_parallel(portion, |directory| {
                (directory, host.list(directory, LIST_LIMIT))
            });
            for (directory, list) in listed {
                match list {
                    Ok(list) => {
                        entries += list.len();
                        take(host, directory, &list, (depth, all), &mut found, &mut next, count);
                    }
                    Err(ReadError::TooLarge { .. }) => found.truncated = true,
                    Err(error) => found.unreadable.push(error.to_string()),
                }
            }
        }
        level = next;
    }
    // A file that was named is looked at as such, wherever else it was found.
    found.files.sort_by(|a, b| (&a.path, !a.is_certain).cmp(&(&b.path, !b.is_certain)));
    found.files.dedup_by(|a, b| a.path == b.path);
    found
}

fn take(
    host: &Host,
    directory: &Path,
    list: &[Entry],
    (depth, all): (usize, bool),
    found: &mut Found,
    next: &mut Vec<PathBuf>,
    count: &AtomicUsize,
) {
    // A directory that was named is walked whatever it is.
    if depth > 0 && crate::gather::is_cache_or_environment(list) {
        found.left_out += 1;
        return;
    }
    for entry in list {
        let path = || directory.join(&entry.name);
        match entry.kind {
            FileKind::Directory if is_passed_over(entry) => {}
            FileKind::Directory => next.push(path()),
            kind => {
                let Some(is_certain) = certainty(Path::new(&entry.name), all) else { continue };
                // A link to a file is looked at, as a reader would; one to a directory is not.
                let is_file =
                    kind == FileKind::File || (kind == FileKind::Symlink && host.is_file(&path()));
                if is_file {
                    found.files.push(Candidate { path: path(), is_certain });
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

fn is_passed_over(entry: &Entry) -> bool {
    ["node_modules", "__pycache__", ".git", ".hg", ".svn"].iter().any(|name| entry.name == *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path, found: &Found) -> Vec<String> {
        let short =
            |found: &Candidate| found.path.strip_prefix(root).unwrap().display().to_string();
        found.files.iter().map(short).collect()
    }

    #[test]
    fn data_files_are_found_and_environments_and_links_to_directories_are_not_entered() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for file in [
            "a.npy",
            "b/c.NPZ",
            "b/d.pkl",
            "b/e.txt",
            ".hidden/f.pickle",
            "env/pyvenv.cfg",
            "env/g.pkl",
            "target/CACHEDIR.TAG",
            "target/h.pkl",
            ".git/i.pkl",
        ] {
            let file = root.join(file);
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(file, "").unwrap();
        }
        #[cfg(unix)]
        {
            fs_err::os::unix::fs::symlink(root, root.join("b/up")).unwrap();
            fs_err::os::unix::fs::symlink(root.join("a.npy"), root.join("b/link.npy")).unwrap();
            fs_err::os::unix::fs::symlink("/nowhere", root.join("b/broken.npy")).unwrap();
        }
        let host = Host::current().unwrap();
        let count = AtomicUsize::new(0);
        let found = walk(&host, &[root.to_path_buf()], false, &count);
        let mut expected = vec![".hidden/f.pickle", "a.npy", "b/c.NPZ", "b/d.pkl"];
        if cfg!(unix) {
            expected.push("b/link.npy");
        }
        assert_eq!(names(root, &found), expected);
        assert_eq!((found.left_out, count.into_inner()), (2, expected.len()));
        let asked = walk(&host, &[root.join("env")], false, &AtomicUsize::new(0));
        assert_eq!(names(root, &asked), ["env/g.pkl"]);
        let twice = [root.join("a.npy"), root.join("a.npy")];
        assert_eq!(walk(&host, &twice, false, &AtomicUsize::new(0)).files.len(), 1);
    }
}
