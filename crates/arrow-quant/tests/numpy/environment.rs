//! A Python with the packages that check: given by a directory, or made with uv.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is installed: with its dependencies, and alone.
const REQUIREMENTS: [&[&str]; 2] =
    [&["numpy", "gguf", "onnx", "onnxruntime"], &["--no-deps", "bitsandbytes"]];

/// Whether all of it is there; what is only read is not imported.
const PROBE: &str = "import numpy, gguf, onnx, onnxruntime, importlib.util as u; \
                     assert u.find_spec('bitsandbytes')";

/// The interpreter of the environment, made when it is not there yet: `ARROW_QUANT_TEST_ORACLES`, or
/// one in `target`.
pub(crate) fn interpreter() -> Result<PathBuf, String> {
    let prefix = env::var_os("ARROW_QUANT_TEST_ORACLES").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("arrow-quant-oracles"),
        PathBuf::from,
    );
    let python = prefix.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let works = || run(Command::new(&python).args(["-I", "-c", PROBE])).is_ok();
    if works() {
        return Ok(python);
    }
    let uv = uv().ok_or("uv is neither on PATH nor in target/test-tools")?;
    run(Command::new(&uv)
        .args(["venv", "--quiet", "--clear", "--python"])
        .arg(base_python("3.11"))
        .arg(&prefix))?;
    for requirements in REQUIREMENTS {
        run(Command::new(&uv)
            .args(["pip", "install", "--quiet", "--python"])
            .arg(&python)
            .args(requirements))?;
    }
    if works() {
        Ok(python)
    } else {
        Err(format!("{} was made, but lacks a package", prefix.display()))
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

/// Says that nothing was checked, past the capture of the test runner, and in the list that
/// `cargo xtask test` counts.
pub(crate) fn skip(test: &str, reason: &str) {
    let reason = reason.replace('\n', " ");
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {reason}");
    let Some(list) = env::var_os("TRUEWHEEL_TEST_SKIPS") else { return };
    let mut list = fs::OpenOptions::new().append(true).open(list).unwrap();
    list.write_all(format!("{test}\t{reason}\n").as_bytes()).unwrap();
}
