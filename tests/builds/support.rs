//! Projects of the tests, each a repository of its own, and the program that builds them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use host::{Host, Invocation, Output};
use serde_json::Value;
use tempfile::TempDir;
use wheelbuild::engine::{Engine, probe_one};

use crate::{interpreters, skips};

/// Long enough for any build of these on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(1800);

/// What every commit of the tests is dated to.
const DATE: &str = "2026-01-02T03:04:05Z";

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

/// Where the program keeps its own files in these tests.
pub(crate) fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("builds")
}

/// A call of the program in a project.
pub(crate) fn truewheel(project: &Path) -> Invocation {
    Invocation::new(env!("CARGO_BIN_EXE_truewheel"))
        .directory(project)
        .env("TRUEWHEEL_CACHE_DIR", cache())
        .env("NO_COLOR", "1")
        .without_env("SOURCE_DATE_EPOCH")
        .without_env("CARGO_TARGET_DIR")
        .timeout(LIMIT)
}

/// The base image, which is made once and kept; why there is none.
static IMAGE: LazyLock<Result<(), String>> = LazyLock::new(|| {
    let host = Host::current().unwrap();
    if host.program("mmdebstrap").is_none() {
        return Err("mmdebstrap is not installed".to_owned());
    }
    let empty = TempDir::new().unwrap();
    let output = truewheel(empty.path()).args(["image", "bootstrap"]).output().unwrap();
    assert!(output.success(), "{}", output.stderr_text());
    Ok(())
});

static READY: LazyLock<Mutex<BTreeMap<Engine, Result<(), String>>>> = LazyLock::new(Mutex::default);

/// Whether an engine works here and has an image; a word about it where it does not.
pub(crate) fn works(engine: Engine, test: &str) -> bool {
    let mut known = READY.lock().unwrap_or_else(PoisonError::into_inner);
    let found = known.entry(engine).or_insert_with(|| {
        let mut host = Host::current().unwrap();
        host.variables.set("TRUEWHEEL_CACHE_DIR", cache());
        let trial = probe_one(&host, engine).unwrap();
        let why = || format!("{engine}: {}", trial.reason().unwrap_or_default());
        trial.ready.as_ref().map(|_| ()).ok_or_else(why)?;
        if engine.is_hermetic() { IMAGE.clone() } else { Ok(()) }
    });
    if let Err(reason) = found {
        skips::record(test, reason);
    }
    found.is_ok()
}

/// A project in a repository of its own.
pub(crate) struct Project {
    _directory: TempDir,
    pub(crate) path: PathBuf,
}

impl Project {
    /// A copy of a fixture, committed, at a path below a new directory.
    pub(crate) fn of(fixture: &str, below: &str) -> Project {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join(below);
        copy(&root().join("tests/fixtures/wheels").join(fixture), &path);
        let project = Project { _directory: directory, path };
        project.git(&["init", "--quiet"]);
        project.write(".gitignore", "target/\ndist/\n");
        project.commit();
        project
    }

    /// The files of this repository that git knows, as they are now, committed.
    pub(crate) fn of_repository(below: &str) -> Project {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join(below);
        let host = Host::current().unwrap();
        let listed = Invocation::new("git").args(["ls-files", "-z"]).directory(root());
        for name in listed.output().unwrap().stdout_text().split('\0').filter(|it| !it.is_empty()) {
            let (from, to) = (root().join(name), path.join(name));
            // A file that was removed and not committed is not there.
            if host.is_file(&from) {
                fs_err::create_dir_all(to.parent().unwrap()).unwrap();
                fs_err::copy(from, to).unwrap();
            }
        }
        let project = Project { _directory: directory, path };
        project.git(&["init", "--quiet"]);
        project.commit();
        project
    }

    /// A clone of a project at another path.
    pub(crate) fn clone_to(&self, below: &str) -> Project {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join(below);
        self.git(&["clone", "--quiet", ".", &path.display().to_string()]);
        Project { _directory: directory, path }
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = Invocation::new("git")
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
            .args(arguments)
            .directory(&self.path)
            .env("GIT_AUTHOR_DATE", DATE)
            .env("GIT_COMMITTER_DATE", DATE)
            .output()
            .unwrap();
        assert!(output.success(), "git {arguments:?}: {}", output.stderr_text());
        output.stdout_text()
    }

    /// Commits everything.
    pub(crate) fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "a state of the test"]);
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path.join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.path.join(name)).unwrap()
    }

    /// Changes a file; what is replaced must be there once.
    pub(crate) fn replace(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {name}");
        self.write(name, &text.replace(from, to));
    }

    /// Fetches and locks everything, and commits the lock.
    pub(crate) fn lock(&self) {
        self.run(&["fetch", "--engine", "namespaces"]).succeeded();
        self.commit();
    }

    /// Runs the program for its events.
    pub(crate) fn run(&self, arguments: &[&str]) -> Told {
        told(&truewheel(&self.path).args(arguments).args(["--format", "json"]))
    }

    /// What lies in a directory of the project, by name.
    pub(crate) fn files(&self, directory: &str) -> Vec<String> {
        let Ok(entries) = fs_err::read_dir(self.path.join(directory)) else { return Vec::new() };
        let name = |entry: std::io::Result<fs_err::DirEntry>| {
            entry.unwrap().file_name().to_string_lossy().into_owned()
        };
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }
}

fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, copied) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            if entry.file_name() != "target" {
                copy(&source, &copied);
            }
        } else {
            fs_err::copy(source, copied).unwrap();
        }
    }
}

/// What the program told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) events: Vec<Value>,
    pub(crate) said: String,
}

/// Runs a call that prints events.
pub(crate) fn told(call: &Invocation) -> Told {
    let output: Output = call.output().unwrap();
    let said = output.stderr_text();
    let parse = |line: &str| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}\n{said}"))
    };
    let events = output.stdout_text().lines().map(parse).collect();
    Told { code: output.code.unwrap_or(-1), events, said }
}

impl Told {
    #[track_caller]
    pub(crate) fn succeeded(self) -> Told {
        self.ended_with(0)
    }

    #[track_caller]
    pub(crate) fn ended_with(self, code: i32) -> Told {
        assert_eq!(self.code, code, "{}\n{:#?}", self.said, self.events);
        self
    }

    /// The events of a name.
    pub(crate) fn all(&self, name: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event["event"] == name).collect()
    }

    /// The only event of a name.
    #[track_caller]
    pub(crate) fn one(&self, name: &str) -> &Value {
        let found = self.all(name);
        assert_eq!(found.len(), 1, "{name}: {:#?}\n{}", self.events, self.said);
        found[0]
    }

    /// The artifact with that ending: its path and sum.
    #[track_caller]
    pub(crate) fn artifact(&self, ending: &str) -> (PathBuf, String) {
        let of_kind = |event: &&&Value| event["name"].as_str().unwrap().ends_with(ending);
        let all = self.all("artifact");
        let found: Vec<&&Value> = all.iter().filter(of_kind).collect();
        assert_eq!(found.len(), 1, "{all:#?}");
        let text = |key: &str| found[0][key].as_str().unwrap().to_owned();
        (PathBuf::from(text("path")), text("sha256"))
    }

    /// That a text was said, for people.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Told {
        assert!(self.said.contains(text), "{text:?} is not in:\n{}", self.said);
        self
    }
}

/// An interpreter of a version; a word about it where there is none.
pub(crate) fn interpreter(version: &str, test: &str) -> Option<PathBuf> {
    let path = interpreters::interpreter(version);
    if path.is_none() {
        skips::record(test, &format!("there is no Python {version}"));
    }
    path
}
