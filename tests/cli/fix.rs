//! `doctor --fix` and `--undo`: what is shown, asked, done, left and brought back.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;
use serde_json::Value;

use crate::machine::Machine;
use crate::schema::assert_valid;

const SCHEMA: &str = include_str!("../../docs/fix.schema.json");

/// Makes an environment, as far as files tell, in the place of its last argument.
const MAKES_ONE: &str = r#"#!/bin/sh
PATH=/usr/bin:/bin
for place; do :; done
mkdir -p "$place/bin" "$place/lib/python3.8/site-packages"
home=$(dirname "$0")
printf 'home = %s\nversion = 3.8.99\ninclude-system-site-packages = false\n' "$home" \
    > "$place/pyvenv.cfg"
ln -s "$home/python3.8" "$place/bin/python"
echo made one
"#;

/// A project whose `.venv` has lost its Python, and a Python that does this when it is asked to
/// make a new one.
fn broken(script: &str) -> Machine {
    let machine = Machine::new();
    machine.broken_environment("project/.venv");
    let python = "home/.pyenv/versions/3.8.99/bin/python3.8";
    machine.write("home/.pyenv/versions/3.8.99/lib/python3.8/ensurepip/__init__.py", "");
    machine.write(python, script);
    let mode = std::fs::Permissions::from_mode(0o755);
    fs_err::set_permissions(machine.path(python), mode).unwrap();
    machine
}

fn is_there(machine: &Machine, relative: &str) -> bool {
    fs_err::symlink_metadata(machine.path(relative)).is_ok()
}

/// Where the environment's interpreter leads.
fn interpreter(machine: &Machine) -> String {
    let link = fs_err::read_link(machine.path("project/.venv/bin/python")).unwrap();
    machine.steady(link.to_str().unwrap())
}

const GONE: &str = "[ROOT]/gone/bin/python3.8";
const NEW: &str = "[ROOT]/home/.pyenv/versions/3.8.99/bin/python3.8";

/// The document of a run, which fits its schema, and the exit code.
fn document(machine: &Machine, arguments: &[&str]) -> (Option<i32>, Value) {
    let arguments = [&["doctor", "--format", "json", "--only", "ENV001"], arguments].concat();
    let output = machine.output(&arguments);
    let value: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", output.stderr_text()));
    assert_valid(SCHEMA, &value);
    (output.code, value)
}

fn outcome(value: &Value) -> &str {
    value["results"][0]["outcome"].as_str().unwrap()
}

const FIX: &[&str] = &["doctor", "--fix", "--only", "ENV001"];
const FIX_YES: &[&str] = &["doctor", "--fix", "--yes", "--only", "ENV001"];

#[test]
fn a_dry_run_shows_what_would_be_done_and_does_nothing() {
    let machine = broken(MAKES_ONE);
    let arguments = [FIX, &["--dry-run"]].concat();
    assert_snapshot!(machine.run(&arguments), @"
    exit: 1
    --- stdout
    plan
      1. ENV001 broken-interpreter-link: .venv/bin/python leads to a Python that no longer exists (.venv (Python 3.8.1))
         after a yes: recreate the environment with Python 3.8.99, then install its packages again
           [ROOT]/project/.venv is moved aside, and made anew
           run: [ROOT]/home/.pyenv/versions/3.8.99/bin/python -m venv --clear [ROOT]/project/.venv

    nothing was changed · 0 safe, 1 after a yes, 0 by hand · remaining: 1 error
    --- stderr
    ");
    assert_eq!(interpreter(&machine), GONE);
    assert!(!is_there(&machine, "cache/undo"));
    let (code, value) = document(&machine, &["--fix", "--dry-run"]);
    assert_eq!((code, value["dry_run"].as_bool()), (Some(1), Some(true)));
    assert!(value["results"].as_array().unwrap().is_empty());
}

#[test]
fn without_a_terminal_nobody_is_asked_and_what_is_left_is_said() {
    let machine = broken(MAKES_ONE);
    assert_snapshot!(machine.run(FIX), @"
    exit: 1
    --- stdout
    plan
      1. ENV001 broken-interpreter-link: .venv/bin/python leads to a Python that no longer exists (.venv (Python 3.8.1))
         after a yes: recreate the environment with Python 3.8.99, then install its packages again
           [ROOT]/project/.venv is moved aside, and made anew
           run: [ROOT]/home/.pyenv/versions/3.8.99/bin/python -m venv --clear [ROOT]/project/.venv

    0 fixed · 1 left · remaining: 1 error
    the same command with `--yes` does what was left
    --- stderr
      - left ENV001: it removes or replaces something, and nobody can be asked: with `--yes` the same command does it, and with `--yes --only ENV001` that alone
    ");
    assert_eq!(interpreter(&machine), GONE);
    let (code, value) = document(&machine, &["--fix"]);
    assert_eq!((code, outcome(&value)), (Some(1), "needs_yes"));
}

#[test]
fn with_a_yes_it_is_done_looked_at_again_and_can_be_undone() {
    let machine = broken(MAKES_ONE);
    assert_snapshot!(machine.run(FIX_YES), @"
    exit: 0
    --- stdout
    plan
      1. ENV001 broken-interpreter-link: .venv/bin/python leads to a Python that no longer exists (.venv (Python 3.8.1))
         after a yes: recreate the environment with Python 3.8.99, then install its packages again
           [ROOT]/project/.venv is moved aside, and made anew
           run: [ROOT]/home/.pyenv/versions/3.8.99/bin/python -m venv --clear [ROOT]/project/.venv

    1 fixed · nothing remains
    `truewheel doctor --undo 1` brings back what was changed
    --- stderr
    1. ENV001: recreate the environment with Python 3.8.99, then install its packages again
      moving aside: [ROOT]/project/.venv
      running: [ROOT]/home/.pyenv/versions/3.8.99/bin/python -m venv --clear [ROOT]/project/.venv
      ✓ fixed ENV001
    ");
    assert_eq!(interpreter(&machine), NEW);
    let listed = machine.output(&["doctor", "--undo"]).stdout_text();
    assert!(listed.contains("ENV001  done   recreate the environment"), "{listed}");
    assert_snapshot!(machine.run(&["doctor", "--undo", "last"]), @"
    exit: 0
    --- stdout
    1 ENV001: recreate the environment with Python 3.8.99, then install its packages again
      ✓ what was made at [ROOT]/project/.venv is kept at [ROOT]/cache/undo/1/replaced/0/.venv
      ✓ [ROOT]/project/.venv is back
    --- stderr
    ");
    assert_eq!(interpreter(&machine), GONE);
    assert_snapshot!(machine.run(&["doctor", "--undo", "last"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: there is nothing to undo
    ");
    assert_snapshot!(machine.run(&["doctor", "--undo", "1"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: 1 cannot be undone: it is undone already
    ");
    assert_snapshot!(machine.run(&["doctor", "--undo", "x"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: `x` is neither `last` nor a number of the list

    hint: `truewheel doctor --undo` lists what can be undone
    ");
    // What had been made is kept until the record is cleared.
    assert!(is_there(&machine, "cache/undo/1/replaced"));
    assert_snapshot!(machine.run(&["doctor", "--undo-clear"]), @"
    exit: 0
    --- stdout
    1 cure forgotten
    --- stderr
    ");
    assert!(!is_there(&machine, "cache/undo/1"));
    assert_snapshot!(machine.run(&["doctor", "--undo"]), @"
    exit: 0
    --- stdout
    nothing to undo: `truewheel doctor --fix` has changed nothing yet
    --- stderr
    ");
}

#[test]
fn a_document_says_what_was_done() {
    let machine = broken(MAKES_ONE);
    let (code, value) = document(&machine, &["--fix", "--yes"]);
    assert_eq!((code, outcome(&value)), (Some(0), "fixed"));
    assert_eq!(value["remaining"]["errors"], 0);
    assert_eq!(value["results"][0]["undo"], 1);
    let again = document(&machine, &["--fix", "--yes"]).1;
    assert!(again["plan"].as_array().unwrap().is_empty());
}

#[test]
fn a_command_that_fails_is_quoted_and_what_was_done_is_brought_back() {
    let machine = broken("#!/bin/sh\necho no room\necho left on the device >&2\nexit 3\n");
    let (code, value) = document(&machine, &["--fix", "--yes"]);
    let result = &value["results"][0];
    assert_eq!((code, outcome(&value)), (Some(1), "failed"));
    assert!(result["reason"].as_str().unwrap().ends_with("it ended with 3"), "{result}");
    let mut output: Vec<&str> =
        result["output"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    output.sort_unstable();
    assert_eq!(output, ["left on the device", "no room"]);
    assert_eq!(interpreter(&machine), GONE);
    let listed = machine.output(&["doctor", "--undo"]).stdout_text();
    assert!(listed.contains("failed"), "{listed}");
    assert_eq!(machine.output(&["doctor", "--undo", "last"]).code, Some(3));
}

#[test]
fn what_needs_a_cure_that_failed_is_not_tried() {
    let machine = broken("#!/bin/sh\nexit 3\n");
    machine.write("project/.venv/lib/python3.8/site-packages/~ix/__init__.py", "");
    let output = machine.output(&[
        "doctor",
        "--fix",
        "--yes",
        "--only",
        "ENV001,PKG002",
        "--format",
        "json",
    ]);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    let outcomes: Vec<_> = value["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| (result["code"].as_str().unwrap(), result["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(outcomes, [("ENV001", "failed"), ("PKG002", "stopped")], "{value:#}");
    assert_eq!(value["results"][1]["reason"], "it comes after ENV001, which was not fixed");
    assert!(is_there(&machine, "project/.venv/lib/python3.8/site-packages/~ix"));
}

#[test]
fn one_that_cannot_be_started_is_no_other_case() {
    let machine = broken("#!/nonexistent/sh\n");
    let (code, value) = document(&machine, &["--fix", "--yes"]);
    assert_eq!((code, outcome(&value)), (Some(1), "failed"));
    let reason = value["results"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("cannot run"), "{reason}");
    assert_eq!(interpreter(&machine), GONE);
}

#[test]
fn one_that_hangs_is_ended() {
    let machine = broken("#!/bin/sh\necho thinking\nPATH=/usr/bin:/bin\nsleep 600\n");
    let (code, value) = document(&machine, &["--fix", "--yes", "--time-limit", "1"]);
    assert_eq!((code, outcome(&value)), (Some(1), "failed"));
    let result = &value["results"][0];
    assert!(result["reason"].as_str().unwrap().contains("longer than 1 s"), "{result}");
    assert_eq!(result["output"][0], "thinking");
    assert_eq!(interpreter(&machine), GONE);
    assert_eq!(machine.output(&["doctor", "--fix", "--time-limit", "0"]).code, Some(3));
}

#[test]
fn one_that_does_nothing_has_not_fixed_it() {
    let script = "#!/bin/sh\nPATH=/usr/bin:/bin\nfor place; do :; done\nmkdir -p \"$place/bin\"\n\
                  printf 'home = /gone\\n' > \"$place/pyvenv.cfg\"\n\
                  ln -s /gone/python3.8 \"$place/bin/python\"\n";
    let machine = broken(script);
    let (code, value) = document(&machine, &["--fix", "--yes"]);
    assert_eq!((code, outcome(&value)), (Some(1), "not_fixed"));
    let undo = machine.output(&["doctor", "--undo", "last"]);
    assert_eq!(undo.code, Some(0), "{}", undo.stdout_text());
    assert_eq!(interpreter(&machine), GONE);
}

#[test]
fn one_that_breaks_something_else_is_told_by_name() {
    let breaks =
        "\nrm \"$place/../other/bin/python\"\nln -s /gone \"$place/../other/bin/python\"\n";
    let machine = broken(&format!("{MAKES_ONE}{breaks}"));
    let other = machine.path("project/other");
    fs_err::create_dir_all(other.join("bin")).unwrap();
    fs_err::copy(machine.path("project/.venv/pyvenv.cfg"), other.join("pyvenv.cfg")).unwrap();
    let python = machine.path("home/.pyenv/versions/3.8.99/bin/python3.8");
    fs_err::os::unix::fs::symlink(python, other.join("bin/python")).unwrap();
    machine.write("project/truewheel.toml", "[project]\npython = [\"other\"]\n");
    let (code, value) = document(&machine, &["--fix", "--yes"]);
    assert_eq!((code, outcome(&value)), (Some(1), "made_worse"), "{value:#}");
    let new = &value["results"][0]["new_errors"][0];
    assert_eq!(new["code"], "ENV001");
    assert!(new["subject"]["path"].as_str().unwrap().ends_with("project/other"), "{new}");
}

#[test]
fn one_stopped_half_way_can_be_undone() {
    // The command ends this program, and would go on for long. Not by INT, which is ignored by
    // whatever a shell has started in the background.
    for signal in ["TERM", "KILL"] {
        let script = format!(
            "#!/bin/sh\nPATH=/usr/bin:/bin\nfor place; do :; done\nmkdir -p \"$place\"\n\
             sleep 0.3\nkill -{signal} $PPID\nsleep 2\necho late > \"$place/late\"\n"
        );
        let machine = broken(&script);
        let output = machine.output(FIX_YES);
        assert!(output.signal.is_some(), "{}", output.stderr_text());
        assert!(!is_there(&machine, "project/.venv/bin/python"));
        let listed = machine.output(&["doctor", "--undo"]).stdout_text();
        assert!(listed.contains("stopped half-way"), "{listed}");
        let next = machine.output(&["doctor", "--fix", "--only", "PKG"]);
        assert_eq!(next.code, Some(0));
        let undo = machine.output(&["doctor", "--undo", "last"]);
        assert_eq!(undo.code, Some(0), "{}", undo.stdout_text());
        assert_eq!(interpreter(&machine), GONE);
        // What was running was ended with it.
        std::thread::sleep(std::time::Duration::from_millis(2500));
        assert!(!is_there(&machine, "project/.venv/late"), "{signal}");
    }
}

#[test]
fn two_at_once_do_not_meet() {
    let machine = broken(MAKES_ONE);
    let lock = host::Lock::take(&machine.path("cache/undo/lock")).unwrap().unwrap();
    assert_snapshot!(machine.run(FIX_YES), @"
    exit: 2
    --- stdout
    plan
      1. ENV001 broken-interpreter-link: .venv/bin/python leads to a Python that no longer exists (.venv (Python 3.8.1))
         after a yes: recreate the environment with Python 3.8.99, then install its packages again
           [ROOT]/project/.venv is moved aside, and made anew
           run: [ROOT]/home/.pyenv/versions/3.8.99/bin/python -m venv --clear [ROOT]/project/.venv

    --- stderr
    error: another `doctor --fix` or `--undo` is at work
      caused by: [ROOT]/cache/undo/lock is locked

    hint: wait until it has ended, and try again
    ");
    assert_eq!(interpreter(&machine), GONE);
    // Looking is free.
    assert_eq!(machine.output(&[FIX, &["--dry-run"]].concat()).code, Some(1));
    drop(lock);
    assert_eq!(machine.output(FIX_YES).code, Some(0));
}

#[test]
fn what_somebody_changed_since_is_not_overwritten() {
    let machine = Machine::new();
    let id = "cache/undo/7/record.json";
    let file = machine.write("project/.cargo/config.toml", "[env]\nA = \"new\"\n");
    let record = serde_json::json!({
        "schema": "truewheel-undo/1", "id": 7, "begun": "2027-01-31T12:00:00Z",
        "project": machine.path("project"), "code": "BLD011", "subject": "x", "title": "pin it",
        "owner": null, "state": "done",
        "steps": [{"finished": true, "kind": "file", "path": file, "before": null,
                   "after": "[env]\nA = \"new\"\n"}],
    });
    machine.write(id, record.to_string());
    machine.write("project/.cargo/config.toml", "[env]\nA = \"mine\"\n");
    assert_snapshot!(machine.run(&["doctor", "--undo", "7"]), @"
    exit: 1
    --- stdout
    7 BLD011: pin it
      ! [ROOT]/project/.cargo/config.toml was changed since; its old text is in [ROOT]/cache/undo/7/record.json
    --- stderr
    ");
    assert_eq!(machine.read("project/.cargo/config.toml"), "[env]\nA = \"mine\"\n");
    machine.write(id, record.to_string());
    machine.write("project/.cargo/config.toml", "[env]\nA = \"new\"\n");
    assert_eq!(machine.output(&["doctor", "--undo", "7"]).code, Some(0));
    assert!(!is_there(&machine, "project/.cargo"));
    for garbage in ["", "{}", "[[[[", &record.to_string().replace("undo/1", "undo/2")] {
        machine.write(id, garbage);
        let output = machine.output(&["doctor", "--undo", "7"]);
        assert_eq!(output.code, Some(3), "{}", output.stderr_text());
        assert!(machine.output(&["doctor", "--undo"]).stdout_text().contains("cannot be read"));
    }
}

#[test]
fn clearing_removes_nothing_that_is_not_ours() {
    let machine = Machine::new();
    let precious = machine.write("home/precious/deep/file", "mine");
    let record = serde_json::json!({
        "schema": "truewheel-undo/1", "id": 1, "begun": "", "project": machine.path("project"),
        "code": "PKG002", "subject": "x", "title": "x", "owner": null, "state": "done",
        "steps": [{"finished": true, "kind": "moved", "from": "/x", "to": precious}],
    });
    machine.write("cache/undo/1/record.json", record.to_string());
    assert_eq!(machine.output(&["doctor", "--undo-clear"]).code, Some(0));
    assert_eq!(fs_err::read_to_string(&precious).unwrap(), "mine");
}

#[test]
fn flags_that_do_not_go_together_are_refused() {
    let machine = Machine::new();
    for arguments in [
        &["--fix", "--facts", "f.json"][..],
        &["--yes"],
        &["--dry-run"],
        &["--fix", "--yes", "--dry-run"],
        &["--fix", "--undo"],
        &["--fix", "--format", "github"],
        &["--undo", "--undo-clear"],
        &["--fix", "--only", "NOPE001"],
    ] {
        let output = machine.output(&[&["doctor"], arguments].concat());
        assert_eq!(output.code, Some(3), "{arguments:?}: {}", output.stderr_text());
        assert!(output.stdout.is_empty());
    }
    let output = machine.output(&["doctor", "--fix", "--only", "ENV001"]);
    assert_eq!(
        (output.code, output.stdout_text().as_str()),
        (Some(0), "nothing to fix · nothing remains\n")
    );
}

/// util-linux's `script` gives the program a terminal; what it is answered comes from a pipe.
#[test]
fn on_a_terminal_it_asks() {
    let Some(script) = host::Host::current().unwrap().program("script") else { return };
    for (answer, leads_to) in [("n\n", GONE), ("q\n", GONE), ("what\ny\n", NEW)] {
        let machine = broken(MAKES_ONE);
        let program = env!("CARGO_BIN_EXE_truewheel");
        let command = format!("{program} doctor --fix --only ENV001 --color never");
        let output = machine
            .isolated(&script)
            .args(["--quiet", "--return", "--command", &command, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .input(answer)
            .output()
            .unwrap();
        let said = output.stdout_text();
        assert!(said.contains("do it? [y]es, [n]o, [q]uit"), "{said}");
        assert_eq!(interpreter(&machine), leads_to, "{answer}: {said}");
    }
}
