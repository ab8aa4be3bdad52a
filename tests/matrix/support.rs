//! A project of a test, and the program run in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::{Host, Invocation};
use serde_json::Value;
use tempfile::TempDir;

use crate::interpreters;
use crate::{skips, tools};

/// Long enough for a first run that downloads every numpy.
const LIMIT: Duration = Duration::from_secs(1500);

/// The interpreters that the tests are written for.
const PYTHONS: [&str; 6] = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"];

/// A project with a `truewheel.toml`, whose environments are kept from one test to the next.
pub(crate) struct Project {
    directory: TempDir,
    uv: PathBuf,
    cache: PathBuf,
}

/// How the program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Project {
    /// A project with this configuration; `None`, and a word about it, where the tools of the tests
    /// are not there.
    pub(crate) fn new(test: &str, configuration: &str) -> Option<Self> {
        let tools = tools::directory(test, "matrix")?;
        let missing: Vec<&str> = PYTHONS
            .iter()
            .copied()
            .filter(|version| interpreters::interpreter(version).is_none())
            .collect();
        if !missing.is_empty() {
            skips::record(test, &format!("there is no Python {}", missing.join(", ")));
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let uv = tools.join("venv").join(if cfg!(windows) { "Scripts/uv.exe" } else { "bin/uv" });
        let project = Self { directory, uv, cache: tools.join("uv-cache") };
        project.configure(configuration);
        fs_err::create_dir_all(project.path("target/matrix")).unwrap();
        project.keep("environments");
        Some(project)
    }

    /// Keeps a directory of the matrix from one test to the next.
    pub(crate) fn keep(&self, name: &str) {
        let tools = Host::current().unwrap().variables.path("TRUEWHEEL_TEST_TOOLS").unwrap();
        let kept = tools.join("matrix").join(name);
        fs_err::create_dir_all(&kept).unwrap();
        fs_err::os::unix::fs::symlink(kept, self.path("target/matrix").join(name)).unwrap();
    }

    /// Replaces the configuration.
    pub(crate) fn configure(&self, configuration: &str) {
        fs_err::write(self.path("truewheel.toml"), configuration).unwrap();
    }

    /// A path in the project.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    /// The program in this project, with uv on `PATH`.
    pub(crate) fn command(&self, arguments: &[&str]) -> Invocation {
        let path = Host::current().unwrap().variables.text("PATH").unwrap_or_default();
        let uv = self.uv.parent().unwrap().display().to_string();
        program(arguments)
            .directory(self.directory.path())
            .env("PATH", format!("{uv}:{path}"))
            .env("UV_CACHE_DIR", &self.cache)
    }

    /// Runs the program with these arguments.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        run(&self.command(arguments))
    }

    /// Runs `matrix --format json` with these arguments, and gives what it printed.
    pub(crate) fn matrix(&self, arguments: &[&str]) -> (Ended, Value) {
        let ended = self.run(&[&["matrix", "--format", "json"], arguments].concat());
        let result = serde_json::from_str(&ended.stdout);
        (ended, result.unwrap_or_default())
    }

    /// Starts the matrix, whose cell writes its process id to `pid` in `HOME`, the project, and then
    /// goes on for ever; kills the program, and holds that the cell ends as well.
    pub(crate) fn kills_a_run_and_its_cell(&self) {
        let script = "\"$0\" matrix & program=$!
            while [ ! -s pid ]; do kill -0 $program || exit 9; sleep 0.1; done
            cell=$(cat pid)
            kill -0 \"$cell\" || exit 10
            kill -9 $program
            for attempt in $(seq 600); do kill -0 \"$cell\" 2>/dev/null || exit 0; sleep 0.1; done
            exit 11";
        let command = Invocation::new("sh")
            .args(["-c", script])
            .arg(env!("CARGO_BIN_EXE_truewheel"))
            .directory(self.path(""))
            .env("HOME", self.path(""));
        let ended = run(&command);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }

    /// An environment of the user's in the project, with this numpy.
    pub(crate) fn environment(&self, name: &str, python: &str, numpy: &str) -> PathBuf {
        let prefix = self.path(name);
        let base = interpreter(python);
        let uv = || Invocation::new(&self.uv).env("UV_CACHE_DIR", &self.cache);
        for command in [
            uv().args(["venv", "--quiet", "--no-project", "--python"]).arg(base).arg(&prefix),
            uv().args(["pip", "install", "--quiet", "--compile-bytecode", "--python"])
                .arg(prefix.join("bin/python"))
                .arg(format!("numpy=={numpy}")),
        ] {
            let output = command.output().unwrap();
            assert!(output.success(), "{}", output.stderr_text());
        }
        prefix
    }

    /// Python that every interpreter of an environment runs when it starts.
    pub(crate) fn at_start(&self, prefix: &Path, python: &str) {
        let library = fs_err::read_dir(prefix.join("lib")).unwrap().next().unwrap().unwrap();
        let file = library.path().join("site-packages/sitecustomize.py");
        fs_err::write(file, python).unwrap();
    }
}

/// The program, with none of its usual places.
pub(crate) fn program(arguments: &[&str]) -> Invocation {
    Invocation::new(env!("CARGO_BIN_EXE_truewheel"))
        .args(arguments)
        .without_env("VIRTUAL_ENV")
        .timeout(LIMIT)
}

/// Runs a command to its end.
pub(crate) fn run(command: &Invocation) -> Ended {
    let output = command.output().unwrap();
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    Ended { code: output.code, stdout, stderr }
}

/// An interpreter of this version, found as the program finds it.
pub(crate) fn interpreter(version: &str) -> PathBuf {
    interpreters::interpreter(version).unwrap_or_else(|| panic!("there is no Python {version}"))
}

/// One cell of a result.
pub(crate) fn cell<'a>(result: &'a Value, name: &str) -> &'a Value {
    let cells = result["cells"].as_array().unwrap();
    cells.iter().find(|cell| cell["name"] == name).unwrap_or_else(|| panic!("no cell {name}"))
}

/// One pair of a result.
pub(crate) fn pair<'a>(result: &'a Value, writer: &str, reader: &str) -> &'a Value {
    let pairs = result["pairs"].as_array().unwrap();
    pairs
        .iter()
        .find(|pair| pair["writer"] == writer && pair["reader"] == reader)
        .unwrap_or_else(|| panic!("{reader} did not read {writer}"))
}

/// What is wrong with a pair's array files: format, case and message.
pub(crate) fn problems(pair: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut found = Vec::new();
    for format in pair["formats"].as_array().unwrap() {
        for problem in format["problems"].as_array().unwrap() {
            found.push((
                text(&format["format"]),
                text(&problem["case"]),
                text(&problem["message"]),
            ));
        }
    }
    found
}

/// What became of one pickled object, for each protocol.
pub(crate) fn pickles(result: &Value, writer: &str, reader: &str, object: &str) -> Vec<String> {
    let observed = &pair(result, writer, reader)["pickles"]["observed"][object];
    let of = |index: &Value| {
        let observation = &result["observations"][index.as_u64().unwrap() as usize];
        let message = observation["message"].as_str().unwrap_or_default();
        format!("{} {message}", observation["outcome"].as_str().unwrap()).trim().to_owned()
    };
    observed.as_array().unwrap().iter().map(of).collect()
}
