//! `envs`.

use serde_json::Value;

use crate::machine::Machine;

#[test]
#[cfg(unix)]
fn environments_are_listed_with_what_is_wrong_with_them() {
    let machine = Machine::new();
    machine.broken_environment("project/.venv");
    let output = machine.output(&["envs", "--format", "json"]);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["schema"], "truewheel-envs/1");
    let prefix = machine.path("project/.venv");
    let environments = value["environments"].as_array().unwrap();
    let venv = environments.iter().find(|e| e["prefix"] == prefix.to_str().unwrap()).unwrap();
    assert_eq!(venv["kind"], "venv");
    assert_eq!(venv["version"], "3.8.1");
    assert_eq!(venv["problems"][0]["kind"], "broken-interpreter-link");
    let text = machine.steady(&machine.output(&["envs"]).stdout_text());
    let line = text.lines().find(|line| line.contains("[ROOT]/project/.venv")).unwrap();
    assert!(line.contains("! broken: its interpreter is a link that leads nowhere"), "{line}");
}

#[test]
fn picks_are_shown_for_the_project() {
    let machine = Machine::new();
    let text = machine.steady(&machine.output(&["envs"]).stdout_text());
    for tool in ["IN [ROOT]/project", "PATH", "pip", "maturin develop", "cargo build (PyO3)", "uv"]
    {
        assert!(text.lines().any(|line| line.starts_with(tool)), "{tool} is not in\n{text}");
    }
}
