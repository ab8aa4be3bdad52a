//! The project's own files: one bounded walk that leaves environments, caches and version control
//! out and never follows a link.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use host::{Entry, FileKind, Host, HostPath};

use super::{data_calls, data_files, path, pyodide};
use crate::{SourceModule, SourceTree};

/// Files and directories looked at, at most.
const ENTRY_LIMIT: usize = 20_000;

/// Directories listed at once.
const PORTION: usize = 64;

/// Files whose times are read, at most.
const TIME_LIMIT: usize = 5_000;

/// Findings of one kind kept.
const SHOWN: usize = 20;

/// Extension modules kept.
const MODULE_LIMIT: usize = 200;

/// Packages kept, and how deep they may lie.
const PACKAGE_LIMIT: usize = 500;
const PACKAGE_DEPTH: usize = 4;

/// Data files looked into.
const DATA_LIMIT: usize = 200;

/// A file is from the future only if it is ahead by more than clocks usually differ.
const TOLERANCE_NS: i64 = 60 * 1_000_000_000;

/// Files that cargo, maturin and uv compare by their times.
const SOURCES: &[&str] =
    &["rs", "toml", "lock", "py", "pyi", "pyx", "c", "cc", "cpp", "h", "hpp", "json", "md"];

/// Files that say how a project is built.
const BUILDERS: &[&str] = &["Makefile", "makefile", "GNUmakefile", "justfile", "Justfile"];

/// Such files read at most, and the longest one.
const BUILDER_LIMIT: usize = 100;
const BUILDER_BYTES: u64 = 1 << 20;

/// A directory with one of these is an environment or a cache, not a source directory.
const MARKS: &[&str] = &["pyvenv.cfg", "conda-meta", "CACHEDIR.TAG", ".rustc_info.json"];

/// Directories that hold no sources, besides hidden ones.
const PASSED_OVER: &[&str] = &["node_modules", "__pycache__"];

/// What one directory holds.
struct Listed {
    directory: PathBuf,
    entries: Vec<Entry>,
    overflowed: bool,
}

pub(super) fn gather(host: &Host, project: &Path) -> SourceTree {
    walk(host, project, ENTRY_LIMIT)
}

fn walk(host: &Host, project: &Path, limit: usize) -> SourceTree {
    let lock = project.join("uv.lock");
    let mut tree =
        SourceTree { uv_lock: host.is_file(&lock).then(|| path(lock)), ..SourceTree::default() };
    let mut files = Files::default();
    let mut level = vec![project.to_path_buf()];
    let mut depth = 0;
    while !level.is_empty() {
        let mut next = Vec::new();
        // In portions, so that many large directories are never all held at once.
        for portion in level.chunks(PORTION) {
            let room = limit.saturating_sub(tree.entries);
            if room == 0 {
                tree.truncated = true;
                break;
            }
            let listed: Vec<Listed> =
                host::in_parallel(portion, |directory| list(host, directory, room));
            for one in &listed {
                if depth == 0 || !is_marked(&one.entries) {
                    take(one, depth, limit, &mut tree, &mut files, &mut next);
                }
            }
        }
        level = next;
        depth += 1;
    }
    data_files(host, &mut files.data, &mut tree);
    tree.data_calls = data_calls::gather(host, &files.sources);
    tree.module_copies = module_copies(host, &files.builders);
    tree.pyodide = pyodide::gather(host, project, &files.scripts);
    read_times(host, files, &mut tree);
    tree
}

/// Files to be looked at after the walk.
#[derive(Default)]
struct Files {
    sources: Vec<PathBuf>,
    modules: Vec<PathBuf>,
    data: Vec<PathBuf>,
    /// Makefiles and scripts of shells.
    builders: Vec<PathBuf>,
    /// JavaScript, TypeScript and pages.
    scripts: Vec<PathBuf>,
}

/// Takes what one directory holds.
fn take(
    one: &Listed,
    depth: usize,
    limit: usize,
    tree: &mut SourceTree,
    files: &mut Files,
    next: &mut Vec<PathBuf>,
) {
    let room = limit.saturating_sub(tree.entries);
    tree.truncated |= one.overflowed || one.entries.len() > room;
    let entries = &one.entries[..one.entries.len().min(room)];
    tree.entries += entries.len();
    clashes(&one.directory, entries, tree);
    let base = one.directory.as_os_str().len() + 1;
    for entry in entries {
        let here = || one.directory.join(&entry.name);
        if base + entry.name.len() > tree.longest.as_ref().map_or(0, |path| path.as_os_str().len())
        {
            tree.longest = Some(path(here()));
        }
        match entry.kind {
            FileKind::Directory if !is_passed_over(&entry.name) => next.push(here()),
            FileKind::File if has_extension(&entry.name, &["so", "pyd"]) => {
                files.modules.push(here());
            }
            FileKind::File if has_extension(&entry.name, crate::data::EXTENSIONS) => {
                files.data.push(here());
            }
            FileKind::File
                if depth <= 2
                    && (has_extension(&entry.name, &["sh", "bash", "zsh", "mk"])
                        || BUILDERS.iter().any(|name| entry.name == *name)) =>
            {
                files.builders.push(here());
            }
            FileKind::File if has_extension(&entry.name, pyodide::SCRIPTS) => {
                files.scripts.push(here());
            }
            FileKind::File if has_extension(&entry.name, SOURCES) => {
                let is_package = entry.name == "__init__.py"
                    && (1..=PACKAGE_DEPTH).contains(&depth)
                    && tree.packages.len() < PACKAGE_LIMIT;
                if is_package {
                    tree.packages.push(path(one.directory.clone()));
                }
                if entry.name == "build.rs" && tree.build_scripts.len() < PACKAGE_LIMIT {
                    tree.build_scripts.push(path(here()));
                }
                files.sources.push(here());
            }
            _ => {}
        }
    }
}

fn list(host: &Host, directory: &Path, room: usize) -> Listed {
    let (entries, overflowed) = match host.list(directory, room) {
        Ok(entries) => (entries, false),
        Err(host::ReadError::TooLarge { .. }) => (Vec::new(), true),
        Err(_) => (Vec::new(), false),
    };
    Listed { directory: directory.to_path_buf(), entries, overflowed }
}

pub(super) fn is_marked(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| MARKS.iter().any(|mark| entry.name == *mark))
}

fn is_passed_over(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".") || PASSED_OVER.iter().any(|other| name == *other)
}

fn has_extension(name: &OsStr, extensions: &[&str]) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|have| extensions.iter().any(|extension| have == *extension))
}

/// Names that one file system holds apart and another takes for the same.
fn clashes(directory: &Path, entries: &[Entry], tree: &mut SourceTree) {
    // A pair has a name that is not all in lower case; most directories have none.
    if entries.iter().filter_map(Entry::name_text).all(|name| !name.contains(char::is_uppercase)) {
        return;
    }
    let mut lowered: Vec<(String, &Entry)> = entries
        .iter()
        .filter_map(|entry| Some((entry.name_text()?.to_lowercase(), entry)))
        .collect();
    lowered.sort_by(|a, b| a.0.cmp(&b.0));
    for pair in lowered.windows(2) {
        if pair[0].0 == pair[1].0 && tree.case_clashes.len() < SHOWN {
            tree.case_clashes.push((
                path(directory.join(&pair[0].1.name)),
                path(directory.join(&pair[1].1.name)),
            ));
        }
    }
}

/// Looks into data files.
fn data_files(host: &Host, files: &mut Vec<PathBuf>, tree: &mut SourceTree) {
    files.sort();
    tree.more_data_files = files.len().saturating_sub(DATA_LIMIT);
    files.truncate(DATA_LIMIT);
    let looked: Vec<data_files::Looked> =
        host::in_parallel(files, |file| data_files::look(host, file));
    for one in looked {
        tree.pickled_data.extend(one.pickled);
        tree.data_files.extend(one.unusual);
    }
}

/// Lines that copy a library over a module, as builds without maturin do on macOS.
fn module_copies(host: &Host, builders: &[PathBuf]) -> Vec<(HostPath, usize, String)> {
    let mut found = Vec::new();
    for file in builders.iter().take(BUILDER_LIMIT) {
        let Ok(text) = host.read_text(file, BUILDER_BYTES) else { continue };
        for (number, line) in text.lines().enumerate() {
            let command = line.trim().trim_start_matches(['@', '-', '\t', ' ']);
            let copies = command.starts_with("cp ") || command.contains("&& cp ");
            if copies && command.contains(".dylib") && command.contains(".so") {
                found.push((path(file), number + 1, command.chars().take(100).collect()));
            }
        }
    }
    found.truncate(SHOWN);
    found
}

fn read_times(host: &Host, files: Files, tree: &mut SourceTree) {
    let Files { mut sources, mut modules, .. } = files;
    sources.truncate(TIME_LIMIT);
    modules.truncate(MODULE_LIMIT);
    let latest = now_ns().saturating_add(TOLERANCE_NS);
    let time = |file: PathBuf| {
        let metadata = host.symlink_metadata(&file).ok()?;
        Some((path(file), metadata.modified_ns))
    };
    let times = host::in_parallel(sources, time);
    let is_later = |(_, modified): &(HostPath, i64)| *modified > latest;
    tree.from_the_future = times.into_iter().flatten().filter(is_later).collect();
    tree.from_the_future.truncate(SHOWN);
    tree.extension_modules = host::in_parallel(modules, time)
        .into_iter()
        .flatten()
        .map(|(path, modified_ns)| SourceModule { path, modified_ns })
        .collect();
}

fn now_ns() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|elapsed| i64::try_from(elapsed.as_nanos()).ok())
        .unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn make(files: &[&str]) -> (tempfile::TempDir, Host) {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let file = root.path().join(file);
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(file, "").unwrap();
        }
        (root, Host::current().unwrap())
    }

    #[test]
    fn environments_caches_and_hidden_directories_are_left_out() {
        let (root, host) = make(&[
            "build.rs",
            "src/lib.rs",
            "src/target/mod.rs",
            "target/.rustc_info.json",
            "target/debug/libx.so",
            ".venv/pyvenv.cfg",
            "env/pyvenv.cfg",
            "env/lib/x.so",
            "conda/conda-meta/x.json",
            "node_modules/a/b.so",
            "python/demo/__init__.py",
            "python/demo/_demo.abi3.so",
        ]);
        let tree = gather(&host, root.path());
        let modules: Vec<_> =
            tree.extension_modules.iter().map(|module| module.path.clone()).collect();
        assert_eq!(modules, [path(root.path().join("python/demo/_demo.abi3.so"))]);
        assert_eq!(tree.build_scripts, [path(root.path().join("build.rs"))]);
        assert_eq!(tree.packages, [path(root.path().join("python/demo"))]);
        assert!(!tree.truncated);
        assert!(tree.longest.unwrap().ends_with("python/demo/_demo.abi3.so"));
    }

    #[test]
    #[cfg(unix)]
    fn a_link_to_a_directory_above_is_not_followed() {
        let (root, host) = make(&["a/x.py"]);
        fs_err::os::unix::fs::symlink(root.path(), root.path().join("a/up")).unwrap();
        assert_eq!(gather(&host, root.path()).entries, 3);
    }

    #[test]
    fn pickles_of_numpys_and_no_others_are_kept() {
        let (root, host) = make(&["plain.npy", "a/empty.pkl", ".venv/pyvenv.cfg"]);
        let numpys: &[u8] = b"\x80\x02cnumpy._core.multiarray\n_reconstruct\ncos\npath\n.";
        let header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }";
        let length = (header.len() as u16).to_le_bytes();
        let array = [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), numpys].concat();
        for (name, bytes) in [
            ("a/b.pkl", numpys),
            ("c.npy", &array),
            ("d.pickle", b"\x80\x02cos\npath\n."),
            ("e.pkl", b"not one"),
            (".venv/f.pkl", numpys),
        ] {
            fs_err::write(root.path().join(name), bytes).unwrap();
        }
        let tree = gather(&host, root.path());
        let found: Vec<_> =
            tree.pickled_data.iter().map(|data| (data.path.clone(), data.names.len())).collect();
        let at = |name: &str| path(root.path().join(name));
        assert_eq!(found, [(at("a/b.pkl"), 1), (at("c.npy"), 1)]);
        assert_eq!(tree.pickled_data[0].names[0].module, "numpy._core.multiarray");
    }

    #[test]
    fn names_that_differ_in_case_only_are_pairs() {
        let (root, host) = make(&["a/Readme.md", "a/README.md", "b/readme.md"]);
        let tree = gather(&host, root.path());
        assert_eq!(tree.case_clashes.len(), 1);
    }

    #[test]
    fn only_what_is_clearly_ahead_is_from_the_future() {
        let (root, host) = make(&["a.rs", "b.rs"]);
        for (name, seconds) in [("a.rs", 3_600), ("b.rs", 5)] {
            let file = fs_err::File::options().write(true).open(root.path().join(name)).unwrap();
            let ahead = SystemTime::now() + Duration::from_secs(seconds);
            file.file().set_modified(ahead).unwrap();
        }
        let tree = gather(&host, root.path());
        assert_eq!(tree.from_the_future.len(), 1);
        assert!(tree.from_the_future[0].0.ends_with("a.rs"));
    }

    #[test]
    fn a_huge_directory_stops_the_walk_and_says_so() {
        let (root, host) = make(&["small/a.py"]);
        let huge = root.path().join("huge");
        fs_err::create_dir(&huge).unwrap();
        for index in 0..=100 {
            fs_err::write(huge.join(index.to_string()), "").unwrap();
        }
        let tree = walk(&host, root.path(), 100);
        assert!(tree.truncated);
        assert!(tree.entries <= 100);
        assert!(!walk(&host, root.path(), 104).truncated);
    }

    #[test]
    fn a_missing_project_is_an_empty_tree() {
        let host = Host::current().unwrap();
        assert_eq!(gather(&host, Path::new("/nonexistent/x")), SourceTree::default());
    }
}
