//! The Pythons of this machine.

use std::path::PathBuf;
use std::sync::LazyLock;

use host::Invocation;
use serde_json::Value;

/// An interpreter of a version, of no environment, found as the program finds it.
pub(crate) fn interpreter(version: &str) -> Option<PathBuf> {
    static LISTED: LazyLock<Value> = LazyLock::new(|| {
        let program = Invocation::new(env!("CARGO_BIN_EXE_truewheel"));
        let output = program.args(["envs", "--format", "json"]).output().unwrap();
        assert!(output.success(), "{}", output.stderr_text());
        serde_json::from_slice(&output.stdout).unwrap()
    });
    let fits = |found: &&Value| {
        let is_version =
            found["version"].as_str().is_some_and(|v| v.starts_with(&format!("{version}.")));
        is_version && !matches!(found["kind"].as_str(), Some("venv" | "virtualenv" | "conda"))
    };
    let found = LISTED["environments"].as_array().unwrap().iter().find(fits)?;
    found["executable"].as_str().map(PathBuf::from)
}
