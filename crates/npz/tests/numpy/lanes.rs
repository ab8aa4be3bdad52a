//! Pythons with real numpys: given by a directory of environments, or made with uv.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A numpy, the Python that has it, and what else is installed.
pub(crate) struct Lane {
    pub(crate) name: &'static str,
    python: &'static str,
    requirements: &'static [&'static str],
}

pub(crate) const LANES: [Lane; 4] = [
    Lane { name: "1.17.5", python: "3.8", requirements: &["numpy==1.17.5"] },
    Lane { name: "1.24.4", python: "3.8", requirements: &["numpy==1.24.4"] },
    Lane { name: "2.2.6", python: "3.11", requirements: &["numpy==2.2.6"] },
    Lane { name: "newest", python: "3.13", requirements: &["numpy", "ml_dtypes"] },
];

/// The directory of the environments: `NPZ_TEST_NUMPYS`, or one in `target`. Each environment is
/// named after its lane.
fn directory() -> PathBuf {
    env::var_os("NPZ_TEST_NUMPYS").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("numpy"),
        PathBuf::from,
    )
}

impl Lane {
    /// The interpreter of this lane, made when it is not there yet.
    pub(crate) fn interpreter(&self) -> Result<PathBuf, String> {
        let prefix = directory().join(self.name);
        let python = prefix.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
        if self.works(&python) {
            return Ok(python);
        }
        let uv = uv().ok_or("uv is neither on PATH nor in target/test-tools")?;
        let base = base_python(self.python);
        run(Command::new(&uv)
            .args(["venv", "--quiet", "--clear", "--python"])
            .arg(&base)
            .arg(&prefix))?;
        run(Command::new(&uv)
            .args(["pip", "install", "--quiet", "--python"])
            .arg(&python)
            .args(self.requirements))?;
        if self.works(&python) {
            return Ok(python);
        }
        Err(format!("{} was made, but has no such numpy", prefix.display()))
    }

    fn works(&self, python: &Path) -> bool {
        let mut command = Command::new(python);
        command.args(["-I", "-c", "import numpy; print(numpy.__version__)"]);
        let Ok(output) = command.output() else { return false };
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success() && (self.name == "newest" || version == self.name)
    }
}

/// Runs a command and gives what it printed.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn uv() -> Option<PathBuf> {
    let in_tools =
        |tools: PathBuf| tools.join(if cfg!(windows) { "Scripts" } else { "bin" }).join("uv");
    let own = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-tools").join("venv");
    let given = env::var_os("TRUEWHEEL_TEST_TOOLS").map(|tools| Path::new(&tools).join("venv"));
    let candidates = given.into_iter().chain([own]).map(in_tools).chain([PathBuf::from("uv")]);
    candidates.into_iter().find(|uv| run(Command::new(uv).arg("--version")).is_ok())
}

/// A Python of that version for uv: one under pyenv, which uv does not look at, or its own find.
fn base_python(version: &str) -> PathBuf {
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let versions = fs::read_dir(home.join(".pyenv/versions")).into_iter().flatten().flatten();
    let prefix = format!("{version}.");
    versions
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path().join("bin/python"))
        .find(|python| python.is_file())
        .unwrap_or_else(|| version.into())
}

/// Says that a lane was not tested, past the capture of the test runner, and in the list that
/// `cargo xtask test` counts.
pub(crate) fn skip(test: &str, reason: &str) {
    let reason = reason.replace('\n', " ");
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {reason}");
    let Some(list) = env::var_os("TRUEWHEEL_TEST_SKIPS") else { return };
    let mut list = fs::OpenOptions::new().append(true).open(list).unwrap();
    list.write_all(format!("{test}\t{reason}\n").as_bytes()).unwrap();
}
