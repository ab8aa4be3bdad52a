//! Environments for tests, made with uv; and how a test says that it could not run.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes an environment of this version of Python at `prefix`, whose interpreter will be `python`,
/// and installs each list of requirements in turn.
pub(crate) fn make(
    prefix: &Path,
    python: &Path,
    version: &str,
    requirements: &[&[&str]],
) -> Result<(), String> {
    let uv = uv().ok_or("uv is neither on PATH nor in target/test-tools")?;
    run(Command::new(&uv)
        .args(["venv", "--quiet", "--clear", "--python"])
        .arg(base_python(version))
        .arg(prefix))?;
    for list in requirements {
        run(Command::new(&uv)
            .args(["pip", "install", "--quiet", "--python"])
            .arg(python)
            .args(*list))?;
    }
    Ok(())
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
