//! `engines`, on a machine where none is.

use insta::assert_snapshot;
use serde_json::Value;

use crate::machine::Machine;

#[test]
fn an_engine_that_is_not_there_is_said_with_its_cure() {
    let machine = Machine::new();
    assert_snapshot!(machine.run(&["engines", "--engine", "podman"]), @"
    exit: 1
    --- stdout
    ✗ podman CTR001: `podman` is not on PATH
        cure: apt-get install podman

    ✗ nothing runs a build here
    --- stderr
    ");
    let output = machine.output(&["engines", "--engine", "docker", "--format", "json"]);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.code, Some(1));
    assert_eq!(value["schema"], "truewheel-engines/1");
    assert_eq!(value["chosen"], Value::Null);
    let docker = &value["engines"][0];
    assert_eq!((&docker["engine"], &docker["code"]), (&"docker".into(), &"CTR001".into()));
    assert_eq!(docker["works"], false);
}

#[test]
#[cfg(unix)]
fn an_engine_whose_containers_fail_is_told_by_its_own_words() {
    let machine = Machine::new();
    let script = "#!/bin/sh\n[ \"$1\" = version ] && echo 9.9 && exit\n\
        echo 'Error: no subuid ranges found' >&2\nexit 125\n";
    machine.program("podman", script);
    for name in ["sh", "env", "ldd", "tar"] {
        machine.real_program(name);
    }
    let output = machine.output(&["engines", "--engine", "podman", "--format", "json"]);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    let podman = &value["engines"][0];
    assert_eq!(podman["version"], "9.9");
    assert_eq!(podman["code"], "CTR003");
    let why_not = podman["attempts"][0]["why_not"].as_str().unwrap();
    assert!(why_not.contains("no subuid ranges found"), "{why_not}");
    assert!(podman["cure"][0].as_str().unwrap().contains("--add-subuids"), "{podman}");
}

#[test]
fn an_unknown_engine_is_refused() {
    let output = Machine::new().output(&["engines", "--engine", "rkt"]);
    assert_eq!(output.code, Some(3));
    assert!(output.stderr_text().contains("podman, docker, namespaces, host"));
}
