//! The fixture, built by maturin in a directory of its own, and the program.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use host::Invocation;
use serde_json::Value;
use tempfile::TempDir;

use crate::tools;

/// Long enough for a first build, which downloads what the fixture depends on.
const LIMIT: Duration = Duration::from_secs(600);

/// Where the tools have their programs.
const TOOLS: &str = if cfg!(windows) { "venv/Scripts" } else { "venv/bin" };

/// Builds wait for each other: maturin moves its result out of the target directory that they share.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Tools of the tests, and a directory that is removed at the end.
pub(crate) struct Workshop {
    tools: PathBuf,
    directory: TempDir,
}

impl Workshop {
    /// `None`, and a word about it, where the tools of the tests are not there.
    pub(crate) fn new(test: &str) -> Option<Self> {
        let tools = tools::directory(test, "wheels")?;
        Some(Self { tools, directory: tempfile::tempdir().unwrap() })
    }

    /// A path in the directory.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    /// A program of the tools.
    pub(crate) fn tool(&self, name: &str) -> Invocation {
        Invocation::new(self.tools.join(TOOLS).join(name))
            .directory(self.directory.path())
            .timeout(LIMIT)
    }

    /// Copies the fixture to a place, builds its wheel there, and says where that is. `stamp` is what
    /// the build script writes into the module.
    pub(crate) fn build(&self, place: &str, stamp: Option<&str>) -> PathBuf {
        let fixture =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/wheels/stamped");
        let project = self.path(place);
        fs_err::create_dir_all(project.join("src")).unwrap();
        for file in ["Cargo.toml", "Cargo.lock", "build.rs", "pyproject.toml", "src/lib.rs"] {
            fs_err::copy(fixture.join(file), project.join(file)).unwrap();
        }
        let python = self.tools.join(TOOLS).join("python");
        let mut maturin = self
            .tool("maturin")
            .args(["build", "--release", "--locked", "--quiet", "--out", "dist", "--interpreter"])
            .arg(python)
            .directory(&project)
            .env("SOURCE_DATE_EPOCH", "1700000000")
            // What the fixture depends on is compiled once for all tests.
            .env("CARGO_TARGET_DIR", self.tools.join("wheels/target"));
        if let Some(stamp) = stamp {
            maturin = maturin.env("STAMP", stamp);
        }
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let output = maturin.output().unwrap();
        drop(turn);
        assert!(output.success(), "{}", output.stderr_text());
        let mut wheels: Vec<PathBuf> = fs_err::read_dir(project.join("dist"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(wheels.len(), 1, "{wheels:?}");
        wheels.remove(0)
    }

    /// The wheel once more, under a name with other text in it.
    pub(crate) fn renamed(&self, wheel: &Path, from: &str, to: &str) -> PathBuf {
        let name = wheel.file_name().unwrap().to_str().unwrap();
        assert!(name.contains(from), "{name}");
        let copy = self.path(&name.replace(from, to));
        fs_err::copy(wheel, &copy).unwrap();
        copy
    }
}

/// The program, with what it prints for programs.
#[track_caller]
pub(crate) fn truewheel(arguments: &[&str], wheels: &[&Path]) -> (i32, Value) {
    let output = Invocation::new(env!("CARGO_BIN_EXE_truewheel"))
        .args(arguments)
        .args(wheels)
        .args(["--format", "json"])
        .timeout(LIMIT)
        .output()
        .unwrap();
    assert_eq!(output.stderr_text(), "");
    (output.code.unwrap(), serde_json::from_slice(&output.stdout).unwrap())
}

/// The problems of the only wheel, by name.
pub(crate) fn problems<'a>(document: &'a Value, name: &str) -> Vec<&'a Value> {
    let all = document["wheels"][0]["problems"].as_array().unwrap();
    all.iter().filter(|problem| problem["name"] == name).collect()
}
