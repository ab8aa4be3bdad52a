//! The matrix of this repository, whole.

use std::path::Path;

use host::Host;
use serde_json::Value;

use crate::support::{Project, cell, pickles, program, run};

/// The repository's own configuration, with uv fetched as on a machine that has none.
#[test]
fn every_python_and_numpy_reads_what_every_other_one_wrote() {
    let test = "every_python_and_numpy_reads_what_every_other_one_wrote";
    let Some(project) = Project::new(test, "") else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs_err::copy(root.join("truewheel.toml"), project.path("truewheel.toml")).unwrap();
    // Kept between runs, as a user's is.
    let tools = Host::current().unwrap().variables.path("TRUEWHEEL_TEST_TOOLS").unwrap();
    let directory = tools.join("matrix");
    let ended = run(&program(&["matrix", "--format", "json", "--directory"])
        .arg(&directory)
        .directory(project.path("")));
    assert_eq!(ended.code, Some(0), "{}\n{:.4000}", ended.stderr, ended.stdout);
    let result: Value = serde_json::from_str(&ended.stdout).unwrap();

    let cells = result["cells"].as_array().unwrap();
    let ran = cells.iter().filter(|cell| cell["state"] == "ran").count();
    assert!(ran >= 30, "only {ran} cells ran");
    // Two of them are Pyodides, which only read.
    assert_eq!(result["pairs"].as_array().unwrap().len(), (ran - 2) * ran);
    for pyodide in ["pyodide-0.25.1", "pyodide-314.0.7"] {
        assert_eq!(cell(&result, pyodide)["state"], "ran");
    }
    assert_eq!(cell(&result, "py3.13-numpy1.17.5")["state"], "not-available");

    // The report that started the project: it is seen, and as it was.
    let original = pickles(&result, "py3.11-numpy2.2.6", "py3.11-numpy1.24.4", "array");
    assert_eq!(original, ["fails ModuleNotFoundError: No module named 'numpy._core'"; 4]);
    let stubs = pickles(&result, "py3.11-numpy2.2.6", "py3.11-numpy1.26.4", "array");
    let numeric = "fails ModuleNotFoundError: No module named 'numpy._core.numeric'";
    assert_eq!(stubs, ["loads", "loads", "loads", numeric]);
    let before = pickles(&result, "py3.11-numpy2.2.6", "py3.11-numpy1.26.0", "array");
    assert_eq!(before, original);

    let page = fs_err::read_to_string(directory.join("report.html")).unwrap();
    assert!(page.contains("py3.11-numpy2.2.6") && page.len() < 2_000_000, "{} bytes", page.len());
}
