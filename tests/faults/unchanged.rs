//! Looking changes nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use host::{FileKind, Host};

use crate::harness::{Sandbox, sandbox};

/// What a file was: its kind, mode, times and contents.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    kind: FileKind,
    mode: u32,
    modified_ns: i64,
    contents: Vec<u8>,
}

/// Every file below a directory. A directory counts by its name and mode only: a probe that makes
/// a file and removes it again changes the time.
fn look(host: &Host, directory: &Path, seen: &mut BTreeMap<PathBuf, Seen>) {
    for entry in host.list(directory, usize::MAX).unwrap() {
        let path = directory.join(&entry.name);
        let metadata = host.symlink_metadata(&path).unwrap();
        let modified_ns = if metadata.is_dir() { 0 } else { metadata.modified_ns };
        let contents = match entry.kind {
            FileKind::File => host.read(&path, u64::MAX).unwrap(),
            FileKind::Symlink => {
                host.read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            }
            FileKind::Directory | FileKind::Other => Vec::new(),
        };
        seen.insert(
            path.clone(),
            Seen { kind: entry.kind, mode: metadata.mode, modified_ns, contents },
        );
        if entry.kind == FileKind::Directory {
            look(host, &path, seen);
        }
    }
}

fn snapshot(sandbox: &Sandbox) -> BTreeMap<PathBuf, Seen> {
    let host = Host::current().unwrap();
    let mut seen = BTreeMap::new();
    look(&host, &sandbox.path(""), &mut seen);
    let allowed = [sandbox.path("cache/truewheel"), sandbox.project().join("target")];
    seen.retain(|path, _| !allowed.iter().any(|place| path.starts_with(place)));
    seen
}

#[track_caller]
fn changes_nothing(sandbox: &Sandbox, arguments: &[&str]) {
    let before = snapshot(sandbox);
    let program = env!("CARGO_BIN_EXE_truewheel");
    let output = sandbox.command(program).args(arguments).output().unwrap();
    assert!(matches!(output.code, Some(0 | 1)), "{arguments:?}: {}", output.stderr_text());
    let after = snapshot(sandbox);
    let differ = before
        .keys()
        .chain(after.keys())
        .filter(|path| before.get(*path) != after.get(*path))
        .collect::<std::collections::BTreeSet<_>>();
    assert!(differ.is_empty(), "{arguments:?} changed {differ:#?}");
}

#[test]
fn every_command_that_only_looks() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.12");
        sandbox.maturin_project("0.27.1");
        let venv = sandbox.venv(&python, ".venv");
        sandbox.fake_package(&venv, "numpy", "2.2.6");
        sandbox.write("target/debug/build/demo/output", "");
        sandbox.activate(&venv);
        for arguments in [
            &["doctor"][..],
            &["doctor", "-v"],
            &["doctor", "--format", "json"],
            &["doctor", "--format", "markdown"],
            &["doctor", "--list"],
            &["doctor", "--fix", "--dry-run"],
            &["doctor", "--undo"],
            &["envs"],
            &["envs", "--format", "json"],
            &["explain", "NPY004"],
        ] {
            changes_nothing(sandbox, arguments);
        }
    });
}

/// A prefix whose standard library was never compiled: an interpreter that is asked carelessly
/// leaves `__pycache__` behind.
#[test]
fn an_interpreter_that_never_ran_has_still_no_cache() {
    sandbox(|sandbox| {
        let python = sandbox.python_off_path("3.11");
        let environment = sandbox.conda_environment(&python, "fresh", &["packaging=24.2"]);
        sandbox.activate_conda(&environment);
        sandbox.maturin_project("0.27.1");
        let mut before = snapshot(sandbox).into_keys();
        assert_eq!(before.find(|path| path.ends_with("__pycache__")), None);
        changes_nothing(sandbox, &["doctor", "--format", "json"]);
        changes_nothing(sandbox, &["envs"]);
    });
}

#[test]
fn a_home_without_anything_stays_without_anything() {
    sandbox(|sandbox| {
        changes_nothing(sandbox, &["doctor"]);
        assert_eq!(fs_err::read_dir(sandbox.home()).unwrap().count(), 0);
        assert_eq!(fs_err::read_dir(sandbox.project()).unwrap().count(), 0);
    });
}
