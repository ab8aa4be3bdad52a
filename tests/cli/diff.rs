//! `doctor diff`: before and after, two machines, and files that are no facts.

use serde_json::Value;

use crate::machine::Machine;
use crate::schema::assert_valid;

const SCHEMA: &str = include_str!("../../docs/diff.schema.json");

#[track_caller]
fn document(machine: &Machine, arguments: &[&str]) -> (Option<i32>, Value) {
    let arguments = [&["doctor", "diff", "--format", "json"], arguments].concat();
    let output = machine.output(&arguments);
    assert_eq!(output.stderr_text(), "");
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_valid(SCHEMA, &value);
    (output.code, value)
}

#[track_caller]
fn save(machine: &Machine, file: &str) {
    let code = machine.output(&["doctor", "--save", file]).code;
    assert!(matches!(code, Some(0 | 1)), "{code:?}");
}

#[test]
#[cfg(unix)]
fn an_environment_that_broke_is_told_with_what_broke_it() {
    use insta::assert_snapshot;

    let machine = Machine::new();
    machine.numpy_environment("project/.venv", "1.26.4");
    save(&machine, "before.json");
    fs_err::remove_dir_all(machine.path("project/.venv")).unwrap();
    fs_err::remove_dir_all(machine.path("home/.pyenv")).unwrap();
    machine.broken_environment("project/.venv");
    assert_snapshot!(machine.run(&["doctor", "diff", "before.json", "--only", "ENV001"]), @"
    exit: 1
    --- stdout
    before.json → this machine now

    only there now
      + ✗ error ENV001 broken-interpreter-link: .venv/bin/python leads to a Python that no longer exists
        in: .venv (Python 3.8.1)
        because: .venv: problems [ROOT]/project/.venv/bin/python: not there → .venv/bin/python
        because: .venv: version: 3.8.99 → 3.8.1

    also different, and no finding changes with it
      .venv
        abi: cannot be read: no extension module or build setting shows the suffix → absent
        problems [ROOT]/project/.venv/pyvenv.cfg: not there → .venv/pyvenv.cfg
        numpy: 1.26.4 → none
        architectures: cannot be read: an empty file → absent
        base prefix: ~/.pyenv/versions/3.8.99 → [ROOT]/gone
        and 7 more
      the Python of maturin
        all of it: .venv/bin/python → Your virtualenv at [ROOT]/project/.venv is broken. It contains a pyvenv.cfg but no python a…
      the Python of uv
        all of it: .venv/bin/python → Failed to inspect Python interpreter from virtual environment at `[ROOT]/project/.venv/bin/…

    ✗ 1 finding more · 14 other differences · 14 differences that no check looks at
    --- stderr
    ");
    save(&machine, "after.json");
    let (code, there) = document(&machine, &["before.json", "after.json"]);
    assert_eq!(code, Some(1));
    let gained = there["gained"].as_array().unwrap();
    let change = gained.iter().find(|change| change["after"]["code"] == "ENV001").unwrap();
    assert!(change["before"].is_null());
    assert!(!change["because"].as_array().unwrap().is_empty());
    // The other way round it is good news, and a difference all the same.
    let (code, back) = document(&machine, &["after.json", "before.json"]);
    assert_eq!(code, Some(1));
    let lost = back["lost"].as_array().unwrap();
    assert!(lost.iter().any(|change| change["before"]["code"] == "ENV001"));
    // What the flags leave out does not count.
    let (code, _) = document(&machine, &["before.json", "after.json", "--only", "NPY008"]);
    assert_eq!(code, Some(0));
}

#[test]
fn a_machine_is_no_other_than_itself() {
    let machine = Machine::new();
    save(&machine, "a.json");
    let (code, value) = document(&machine, &["a.json", "a.json"]);
    assert_eq!((code, value["unread"].as_u64()), (Some(0), Some(0)));
    assert!(value["differences"].as_array().unwrap().is_empty());
    assert_eq!(document(&machine, &["a.json"]).0, Some(0));
}

#[test]
#[cfg(unix)]
fn the_same_project_in_two_homes_is_the_same() {
    let (one, two) = (Machine::new(), Machine::new());
    for machine in [&one, &two] {
        machine.numpy_environment("project/.venv", "1.26.4");
        save(machine, "facts.json");
    }
    let theirs = two.path("project/facts.json").display().to_string();
    let (code, value) = document(&one, &["facts.json", &theirs]);
    assert_eq!(code, Some(0), "{value:#}");
    // The programs of the two lie outside of the homes.
    let differences = value["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 1, "{value:#}");
    assert_eq!(differences[0]["what"], "PATH");
}

#[test]
fn what_is_no_facts_file_is_refused_by_its_name() {
    let machine = Machine::new();
    save(&machine, "a.json");
    machine.write("project/old.json", r#"{"schema": "truewheel-facts/0"}"#);
    for (arguments, said) in [
        (&["a.json", "none.json"][..], "cannot read none.json"),
        (&["old.json"], "cannot use old.json"),
        (&["a.json", "old.json"], "reads `truewheel-facts/1`"),
        (&["a.json", "--only", "XYZ1"], "no check or family is called `XYZ1`"),
        (&[], "<A.json>"),
    ] {
        let output = machine.output(&[&["doctor", "diff"], arguments].concat());
        assert_eq!((output.code, output.stdout_text().as_str()), (Some(3), ""));
        assert!(output.stderr_text().contains(said), "{}", output.stderr_text());
    }
}
