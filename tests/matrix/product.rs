//! The wheel of this repository, put to the test in every Python and numpy that it is promised for.

use std::path::Path;

use host::{Host, Invocation};
use serde_json::Value;

use crate::skips;
use crate::support::{Project, cell, interpreter, run};

/// Quantized from numpy and from Arrow in each cell and by the Rust core, and restored by all: the
/// repository's own configuration and programs.
#[test]
fn what_the_wheel_quantizes_every_other_cell_and_the_core_restore_to_the_same_bits() {
    let test = "what_the_wheel_quantizes_every_other_cell_and_the_core_restore_to_the_same_bits";
    // Environments are shared with the other tests; the configuration is the repository's.
    let Some(project) = Project::new(test, "") else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let tools = Host::current().unwrap().variables.path("TRUEWHEEL_TEST_TOOLS").unwrap();
    let maturin = tools.join("venv/bin/maturin");
    if !Host::current().unwrap().is_file(&maturin) {
        return skips::record(test, "there is no maturin in the tools of the tests");
    }
    // Compiled where the tests of the wheel compile it.
    let compiled = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("wheel");
    let wheels = project.path("dist");
    let built = Invocation::new(maturin)
        .args(["build", "-m", "crates/arrow-quant-python/Cargo.toml", "--interpreter"])
        .arg(interpreter("3.11"))
        .arg("--target-dir")
        .arg(compiled)
        .arg("--out")
        .arg(&wheels)
        .directory(&root)
        .without_env("CARGO_TARGET_DIR")
        .output()
        .unwrap();
    assert!(built.success(), "{}", built.stderr_text());

    let ended = run(&project
        .command(&["matrix", "--only", "wheel-*", "--format", "json", "--wheel"])
        .arg(&wheels)
        .arg("--directory")
        .arg(project.path("target/matrix"))
        .arg("--report")
        .arg(project.path("report.txt"))
        .directory(&root));
    let report = fs_err::read_to_string(project.path("report.txt")).unwrap_or_default();
    assert_eq!(ended.code, Some(0), "{}\n{report}", ended.stderr);
    let result: Value = serde_json::from_str(&ended.stdout).unwrap();
    let cells = result["cells"].as_array().unwrap();
    let ran = cells.iter().filter(|cell| cell["state"] == "ran").count();
    assert!(ran >= 25, "only {ran} cells ran");
    assert_eq!(result["pairs"].as_array().unwrap().len(), ran * ran);
    for python in ["3.9", "3.10", "3.11", "3.12", "3.13"] {
        let with_wheel = format!("wheel-py{python}-");
        let of_python = |cell: &&Value| cell["name"].as_str().unwrap().starts_with(&with_wheel);
        let ran = cells.iter().filter(of_python).filter(|cell| cell["state"] == "ran").count();
        assert!(ran >= 2, "only {ran} cells of Python {python} ran");
    }
    for oldest in ["wheel-py3.9-numpy1.19.5", "wheel-core"] {
        assert_eq!(cell(&result, oldest)["state"], "ran");
    }
    // The stable interface that the wheel is built for begins with 3.9.
    assert_eq!(cell(&result, "wheel-py3.8-numpy1.24.4")["state"], "not-available");
}
