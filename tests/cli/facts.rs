//! Facts files: written, read back, and those that are no facts.

use insta::assert_snapshot;

use crate::machine::Machine;

#[track_caller]
fn with(contents: impl AsRef<[u8]>) -> String {
    let machine = Machine::new();
    machine.write("project/facts.json", contents);
    machine.run(&["doctor", "--facts", "facts.json"])
}

#[test]
fn facts_of_another_version() {
    assert_snapshot!(with(r#"{"schema": "truewheel-facts/0", "machine": 1}"#), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot use facts.json
      the file has schema `truewheel-facts/0`, and this version of the tool reads `truewheel-facts/1`

    hint: save the facts again with the version of the tool that reads them
    ");
}

#[test]
fn facts_cut_short() {
    let machine = Machine::new();
    assert_eq!(machine.output(&["doctor", "--save", "facts.json"]).code, Some(0));
    let whole = machine.read("project/facts.json");
    let (schema, _) = whole.split_once("\"version\"").unwrap();
    assert_snapshot!(with(schema.trim_end()), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot use facts.json
      not a facts file: EOF while parsing a value at line 2 column 32

    hint: `truewheel doctor --save FILE` writes a facts file
    ");
    for end in [0, 1, whole.len() / 2, whole.len() - 3] {
        let shown = with(&whole[..end]);
        assert!(shown.starts_with("exit: 3\n--- stdout\n--- stderr\nerror: cannot use facts.json"));
    }
}

#[test]
fn what_is_no_facts_file() {
    assert_snapshot!(with("hello"), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot use facts.json
      not a facts file: expected value at line 1 column 1

    hint: `truewheel doctor --save FILE` writes a facts file
    ");
    assert_snapshot!(with("[]"), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot use facts.json
      not a facts file: invalid length 0, expected an object with a `schema` at line 1 column 2

    hint: `truewheel doctor --save FILE` writes a facts file
    ");
    assert_snapshot!(with("{}"), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot use facts.json
      not a facts file: missing field `schema` at line 1 column 2

    hint: `truewheel doctor --save FILE` writes a facts file
    ");
    assert_snapshot!(with(b"PK\x03\x04\xff\xff"), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot read facts.json
      not UTF-8 at byte 4

    hint: `truewheel doctor --save FILE` writes a facts file
    ");
    assert_snapshot!(with("[".repeat(100_000)), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot use facts.json
      not a facts file: invalid type: sequence, expected a string at line 1 column 1

    hint: `truewheel doctor --save FILE` writes a facts file
    ");
}

#[test]
fn facts_that_are_not_there() {
    let machine = Machine::new();
    assert_snapshot!(machine.run(&["doctor", "--facts", "none.json"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot read none.json
      No such file or directory (os error 2)

    hint: `truewheel doctor --save FILE` writes a facts file
    ");
    assert_snapshot!(machine.run(&["doctor", "--facts", "."]), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot read .
      not a regular file

    hint: `truewheel doctor --save FILE` writes a facts file
    ");
}

#[test]
fn facts_cannot_be_saved_where_no_file_can_be() {
    let machine = Machine::new();
    machine.write("project/file", "kept");
    assert_snapshot!(machine.run(&["doctor", "--save", "file/facts.json"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot write file/facts.json
      failed to create directory `[ROOT]/project/file`: File exists (os error 17)

    hint: `--save` takes a file in a directory that you may write to
    ");
    assert_snapshot!(machine.run(&["doctor", "--save", "."]), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot write .
      Is a directory (os error 21)

    hint: `--save` takes a file in a directory that you may write to
    ");
    assert_eq!(machine.read("project/file"), "kept");
    let names = fs_err::read_dir(machine.path("project")).unwrap().count();
    assert_eq!(names, 1, "nothing is left behind");
}

#[test]
#[cfg(unix)]
fn the_diagnosis_from_saved_facts_is_the_same() {
    let machine = Machine::new();
    machine.broken_environment("project/.venv");
    let live = machine.output(&["doctor", "--format", "json", "--save", "facts.json"]);
    assert_eq!(live.stderr_text(), "facts written to facts.json\n");
    let again = machine.output(&["doctor", "--format", "json", "--facts", "facts.json"]);
    assert!(again.stderr.is_empty());
    assert_eq!(live.code, again.code);
    assert_eq!(without_times(&live.stdout), without_times(&again.stdout));
}

#[test]
#[cfg(unix)]
fn redacted_facts_name_nobody_and_are_judged_the_same() {
    let machine = Machine::new();
    machine.broken_environment("home/project/.venv");
    let project = machine.path("home/project");
    let named = machine
        .command(&["doctor", "--format", "json", "--redact", "--save", "facts.json"])
        .arg("--project")
        .arg(&project)
        .env("USER", "annabelle")
        .output()
        .unwrap();
    let facts = machine.read("project/facts.json");
    for name in [machine.path("home").to_str().unwrap(), "annabelle"] {
        assert!(!facts.contains(name), "{name} is in the facts");
        assert!(!named.stdout_text().contains(name), "{name} is in the report");
    }
    let report: serde_json::Value = serde_json::from_slice(&named.stdout).unwrap();
    assert_eq!(report["findings"][0]["code"], "ENV001");
}

fn without_times(json: &[u8]) -> serde_json::Value {
    let mut value: serde_json::Value = serde_json::from_slice(json).unwrap();
    for check in value["checks"].as_array_mut().unwrap() {
        check["elapsed_ms"] = 0.into();
    }
    value
}
