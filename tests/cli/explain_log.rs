//! `explain` of logs.

use serde_json::Value;

use crate::machine::Machine;
use crate::schema::assert_valid;

const SCHEMA: &str = include_str!("../../docs/explain.schema.json");

const BROKEN: &str = "error: Failed to inspect Python interpreter from active virtual environment at `.venv/bin/python3`\n  Caused by: Broken symlink at `.venv/bin/python3`, was the underlying Python interpreter removed?\n";

const READ_ONLY: &str = "error: Read-only file system (os error 30)\n";

fn explain(machine: &Machine, arguments: &[&str], log: &str) -> host::Output {
    let arguments = [&["explain"], arguments].concat();
    machine.command(&arguments).input(log).output().unwrap()
}

/// The document, which fits its schema.
fn document(machine: &Machine, log: &str) -> (Option<i32>, Value) {
    let output = explain(machine, &["--format", "json"], log);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_valid(SCHEMA, &value);
    (output.code, value)
}

#[test]
#[cfg(unix)]
fn a_fault_that_is_here_is_confirmed_with_evidence_and_cure() {
    let machine = Machine::new();
    machine.broken_environment("project/.venv");
    let (code, value) = document(&machine, BROKEN);
    assert_eq!((code, &value["answer"]), (Some(0), &Value::from("ENV001")));
    let first = &value["matches"][0];
    assert_eq!((&first["code"], &first["verdict"]), (&"ENV001".into(), &"confirmed".into()));
    assert_eq!(first["confidence"], "certain");
    assert_eq!(first["lines"][0]["number"], 2);
    assert_eq!(first["finding"]["code"], "ENV001");
    let shell = first["finding"]["fixes"][0]["shell"].to_string();
    assert!(shell.contains("venv --clear"), "{shell}");

    let log = machine.write("build.log", BROKEN);
    let from_file = machine.output(&["explain", "--log", log.to_str().unwrap()]);
    let text = machine.shown(&from_file);
    insta::assert_snapshot!(text.lines().take(6).collect::<Vec<_>>().join("\n"), @"
    exit: 0
    --- stdout
    ✓ confirmed ENV001 broken-interpreter-link
      2 │ Caused by: Broken symlink at `.venv/bin/python3`, was the underlying Python interpreter removed?

    .venv (Python 3.8.1)
    ");
    assert!(text.contains("fix (removes or replaces something)"), "{text}");
    assert!(text.contains("✓ ENV001 broken-interpreter-link explains this log · 2 lines read"));
    for arguments in [&[][..], &["-"], &["--log", "-"]] {
        assert_eq!(explain(&machine, arguments, BROKEN).stdout, from_file.stdout, "{arguments:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_fault_that_is_not_here_is_ruled_out() {
    let machine = Machine::new();
    let (code, value) = document(&machine, READ_ONLY);
    assert_eq!((code, &value["answer"]), (Some(1), &Value::Null));
    let first = &value["matches"][0];
    assert_eq!((&first["code"], &first["verdict"]), (&"FS016".into(), &"ruled-out".into()));
    insta::assert_snapshot!(machine.shown(&explain(&machine, &[], READ_ONLY)), @"
    exit: 1
    --- stdout
    The log speaks of:
      1 │ error: Read-only file system (os error 30)

    Thought of:
      ruled out  FS016 read-only-mount: the doctor looked for it here and did not find it

    ? what fits this log is ruled out here · 1 line read
    --- stderr
    ");
}

#[test]
fn a_log_of_another_machine_decides_nothing_here() {
    let machine = Machine::new();
    let log = "  File \"/home/somebody-else/x/.venv/lib/python3.11/site-packages/a.py\"\nImportError: /home/somebody-else/lib/libstdc++.so.6: version `GLIBCXX_3.4.30' not found\n";
    let (code, value) = document(&machine, log);
    assert_eq!((code, &value["answer"]), (Some(0), &Value::from("LIB001")));
    let first = &value["matches"][0];
    assert_eq!(first["verdict"], "undecided");
    let why = value["log"]["elsewhere"].as_str().unwrap();
    assert!(why.contains("/home/somebody-else"), "{why}");
    let of_windows = "C:\\x\\a.exe: error\n\nCaused by:\n  could not execute process `C:\\x\\build-script-build` (never executed)\n\nCaused by:\n  Access is denied. (os error 5)\n";
    let (_, value) = document(&machine, of_windows);
    assert_eq!(value["matches"][0]["code"], "FS013");
    assert_eq!(
        value["log"]["elsewhere"],
        if cfg!(windows) { Value::Null } else { "it is of Windows".into() }
    );
}

#[test]
fn a_log_of_nothing_known_is_not_guessed_at() {
    let machine = Machine::new();
    let output = explain(&machine, &[], "error[E0308]: mismatched types\n");
    insta::assert_snapshot!(machine.shown(&output), @"
    exit: 1
    --- stdout
    ? nothing in this log is known · 1 line read
    `truewheel doctor` looks at the machine itself
    --- stderr
    ");
    let (code, value) = document(&machine, "");
    assert_eq!((code, &value["matches"]), (Some(1), &Value::Array(Vec::new())));
}

#[test]
#[cfg(unix)]
fn a_command_is_run_and_its_failure_explained() {
    let machine = Machine::new();
    machine.broken_environment("project/.venv");
    let script = format!("echo out; cat >&2 <<'END'\n{BROKEN}END\nexit 7");
    machine.real_program("cat");
    let failing = ["explain", "--run", "--", "/bin/sh", "-c", &script];
    let output = machine.output(&failing);
    assert_eq!((output.code, output.stdout_text().as_str()), (Some(7), "out\n"));
    let said = output.stderr_text();
    assert!(said.starts_with(BROKEN) && said.contains("✓ confirmed ENV001"), "{said}");
    let output = machine.output(&["explain", "--run", "--", "/bin/sh", "-c", "echo 'os error 28'"]);
    assert_eq!((output.code, output.stderr.len()), (Some(0), 0));
    let output = machine.output(&["explain", "--run", "--", "/bin/sh", "-c", "kill -9 $$"]);
    assert_eq!(output.code, Some(137));
    let output = machine.output(&["explain", "--run", "--", "/nowhere/cargo"]);
    assert_eq!(output.code, Some(3));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let machine = Machine::new();
    for arguments in [
        &["explain", "-", "--format", "markdown"][..],
        &["explain", "--log", "nowhere.log"],
        &["explain", "--run"],
        &["explain", "ENV001", "--log", "x"],
        &["explain", "ENV001", "--facts", "x"],
    ] {
        assert_eq!(machine.output(arguments).code, Some(3), "{arguments:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_colleagues_facts_judge_a_colleagues_log() {
    let machine = Machine::new();
    let facts = machine.path("facts.json");
    let facts = facts.to_str().unwrap();
    assert!(machine.output(&["doctor", "--save", facts]).code.is_some());
    let output = explain(&machine, &["--facts", facts], READ_ONLY);
    assert_eq!(output.code, Some(1), "{}", output.stderr_text());
}
