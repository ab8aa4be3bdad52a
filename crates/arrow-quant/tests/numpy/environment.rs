//! A Python with the packages that check: given by a directory, or made with uv.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environments::{make, run};

/// What is installed: with its dependencies, and alone.
const REQUIREMENTS: [&[&str]; 2] = [
    &["numpy", "gguf", "onnx", "onnxruntime", "pyarrow", "safetensors"],
    &["--no-deps", "bitsandbytes"],
];

/// Whether all of it is there; what is only read is not imported.
const PROBE: &str = "import numpy, gguf, onnx, onnxruntime, pyarrow, safetensors, importlib.util as u; \
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
    make(&prefix, &python, "3.11", &REQUIREMENTS)?;
    if works() {
        Ok(python)
    } else {
        Err(format!("{} was made, but lacks a package", prefix.display()))
    }
}
