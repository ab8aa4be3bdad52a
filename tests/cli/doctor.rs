//! `doctor`: formats, selection, suppression, exit codes.

use insta::assert_snapshot;
use serde_json::Value;

use crate::machine::Machine;

/// A project with one error in it.
#[cfg(unix)]
fn broken() -> Machine {
    let machine = Machine::new();
    machine.broken_environment("project/.venv");
    machine
}

fn json(machine: &Machine, arguments: &[&str]) -> Value {
    let arguments = [&["doctor", "--format", "json"], arguments].concat();
    serde_json::from_slice(&machine.output(&arguments).stdout).unwrap()
}

#[test]
fn checks_are_listed() {
    let machine = Machine::new();
    let listed = machine.output(&["doctor", "--list"]).stdout_text();
    let output = machine.output(&["doctor", "--list", "--format", "json"]);
    let checks: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(listed.lines().count(), checks.len() + 1);
    for check in &checks {
        let code = check["code"].as_str().unwrap();
        assert!(code.starts_with(check["family"].as_str().unwrap()));
        let line = listed.lines().find(|line| line.starts_with(code)).unwrap();
        assert!(line.ends_with(check["summary"].as_str().unwrap()), "{line}");
    }
    assert_snapshot!(machine.run(&["doctor", "--list", "--only", "ENV001"]), @"
    exit: 0
    --- stdout
    CODE    NAME                     LOOKS FOR
    ENV001  broken-interpreter-link  The interpreter of an environment is a link to a Python that is gone
    --- stderr
    ");
}

#[test]
fn only_and_skip_choose_the_checks() {
    let machine = Machine::new();
    let codes = |arguments: &[&str]| -> Vec<String> {
        let report = json(&machine, arguments);
        let checks = report["checks"].as_array().unwrap();
        checks.iter().map(|check| check["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(&["--only", "env001"]), ["ENV001"]);
    assert!(codes(&["--only", "ENV"]).iter().all(|code| code.starts_with("ENV")));
    assert!(!codes(&["--skip", "ENV001"]).contains(&"ENV001".to_owned()));
    assert!(codes(&["--only", "ENV", "--skip", "ENV"]).is_empty());
    machine.write("project/truewheel.toml", "[doctor]\nskip = [\"ENV001\"]\n");
    assert!(!codes(&[]).contains(&"ENV001".to_owned()));
    assert_eq!(codes(&["--only", "ENV001"]), ["ENV001"]);
}

#[test]
#[cfg(unix)]
fn an_error_is_shown_with_its_cause_and_cure() {
    let machine = broken();
    assert_snapshot!(machine.run(&["doctor", "--only", "ENV001"]), @"
    exit: 1
    --- stdout
    .venv (Python 3.8.1)
      ✗ error ENV001 broken-interpreter-link: .venv/bin/python leads to a Python that no longer exists
        cause: The Python this environment was made from was removed, or replaced by another version
        seen: [ROOT]/project/.venv/bin/python: it leads to [ROOT]/gone/bin/python3.8
        seen: [ROOT]/project/.venv/pyvenv.cfg: home = [ROOT]/gone/bin
        fix (removes or replaces something): recreate the environment with Python 3.11.2, then install its packages again
          /usr/bin/python3 -m venv --clear [ROOT]/project/.venv

    ✗ 1 error · 0 checks ok · [N] Pythons found, 1 used here · [TIME] ms
    --- stderr
    ");
}

#[test]
#[cfg(unix)]
fn an_error_for_an_issue_and_for_a_workflow() {
    let machine = broken();
    assert_snapshot!(machine.run(&["doctor", "--only", "ENV001", "--format", "markdown"]), @"
    exit: 1
    --- stdout
    **1 error** · 0 checks ok · [N] Pythons found, 1 used here · [TIME] ms · truewheel [VERSION] on linux

    ## .venv (Python 3.8.1) at `[ROOT]/project/.venv`

    ### ✗ error ENV001 broken-interpreter-link

    .venv/bin/python leads to a Python that no longer exists

    Cause: The Python this environment was made from was removed, or replaced by another version

    - `[ROOT]/project/.venv/bin/python`: `it leads to [ROOT]/gone/bin/python3.8`
    - `[ROOT]/project/.venv/pyvenv.cfg`: `home = [ROOT]/gone/bin`

    Fix 1 (removes or replaces something): recreate the environment with Python 3.11.2, then install its packages again

    ```sh
    /usr/bin/python3 -m venv --clear [ROOT]/project/.venv
    ```
    --- stderr
    ");
    assert_snapshot!(machine.run(&["doctor", "--only", "ENV001", "--format", "github"]), @"
    exit: 1
    --- stdout
    ::error file=.venv/bin/python,title=ENV001 broken-interpreter-link::.venv/bin/python leads to a Python that no longer exists%0Ain: .venv (Python 3.8.1)%0Acause: The Python this environment was made from was removed, or replaced by another version%0Afix: recreate the environment with Python 3.11.2, then install its packages again%0A  /usr/bin/python3 -m venv --clear [ROOT]/project/.venv
    1 error · 0 checks ok · [N] Pythons found, 1 used here · [TIME] ms
    --- stderr
    ");
}

#[test]
#[cfg(unix)]
fn lines_are_as_long_as_the_terminal_says() {
    let machine = broken();
    let output = machine.command(&["doctor", "--only", "ENV001"]).env("COLUMNS", "50");
    assert_snapshot!(machine.shown(&output.output().unwrap()), @"
    exit: 1
    --- stdout
    .venv (Python 3.8.1)
      ✗ error ENV001 broken-interpreter-link:
        .venv/bin/python leads to a Python that no
        longer exists
        cause: The Python this environment was made
          from was removed, or replaced by another
          version
        seen: [ROOT]/project/.venv/bin/python:
          it leads to
          [ROOT]/gone/bin/python3.8
        seen: [ROOT]/project/.venv/pyvenv.cfg:
          home = [ROOT]/gone/bin
        fix (removes or replaces something): recreate
          the environment with Python 3.11.2, then
          install its packages again
          /usr/bin/python3 -m venv --clear [ROOT]/project/.venv

    ✗ 1 error · 0 checks ok · [N] Pythons found, 1 used here · [TIME] ms
    --- stderr
    ");
}

#[test]
#[cfg(unix)]
fn a_suppressed_error_is_counted_and_not_a_problem() {
    let machine = broken();
    machine.write(
        "project/truewheel.toml",
        "[doctor]\nsuppress = [{ code = \"ENV001\", path = \".venv\", reason = \"known\", until = 2999-12-31 }]\n",
    );
    assert_snapshot!(machine.run(&["doctor", "--only", "ENV001", "-v"]), @"
    exit: 0
    --- stdout
    checks
      ! findings ENV001 broken-interpreter-link [TIME] ms

    suppressed
      ✗ error ENV001 broken-interpreter-link: .venv/bin/python leads to a Python that no longer exists (.venv (Python 3.8.1))
        reason: known, until 2999-12-31

    ✓ no problems · 1 suppressed · 0 checks ok · [N] Pythons found, 1 used here · [TIME] ms
    --- stderr
    ");
}

#[test]
#[cfg(unix)]
fn a_suppression_that_is_over_says_so() {
    let machine = broken();
    machine.write(
        "project/truewheel.toml",
        "[doctor]\nsuppress = [{ code = \"ENV001\", reason = \"known\", until = 2000-01-01 }]\n",
    );
    assert_snapshot!(machine.run(&["doctor", "--only", "ENV001"]), @"
    exit: 1
    --- stdout
    .venv (Python 3.8.1)
      ✗ error ENV001 broken-interpreter-link: .venv/bin/python leads to a Python that no longer exists
        cause: The Python this environment was made from was removed, or replaced by another version
        seen: [ROOT]/project/.venv/bin/python: it leads to [ROOT]/gone/bin/python3.8
        seen: [ROOT]/project/.venv/pyvenv.cfg: home = [ROOT]/gone/bin
        seen: [ROOT]/project/truewheel.toml:2: suppressed until 2000-01-01, which is over; reason: known
        fix (removes or replaces something): recreate the environment with Python 3.11.2, then install its packages again
          /usr/bin/python3 -m venv --clear [ROOT]/project/.venv

    ✗ 1 error · 0 checks ok · [N] Pythons found, 1 used here · [TIME] ms
    --- stderr
    ");
}

#[test]
#[cfg(unix)]
fn an_environment_elsewhere_is_judged_when_it_is_named() {
    let machine = Machine::new();
    machine.broken_environment("home/elsewhere");
    let elsewhere = machine.path("home/elsewhere");
    assert_eq!(json(&machine, &["--only", "ENV001"])["summary"]["errors"], 0);
    let named = json(&machine, &["--only", "ENV001", "--python", elsewhere.to_str().unwrap()]);
    assert_eq!(named["summary"]["errors"], 1);
    machine.write("project/truewheel.toml", "[project]\npython = [\"~/elsewhere\"]\n");
    assert_eq!(json(&machine, &["--only", "ENV001"])["summary"]["errors"], 1);
}

#[test]
#[cfg(unix)]
fn the_printed_commands_are_read_back_by_a_real_shell() {
    use std::path::Path;

    let machine = Machine::new();
    machine.broken_environment("project/it's $HOME `a` \"b\"");
    machine.write("project/truewheel.toml", "[project]\npython = [\"it's $HOME `a` \\\"b\\\"\"]\n");
    let report = json(&machine, &["--only", "ENV001"]);
    let fix = &report["findings"][0]["fixes"][0];
    let steps = fix["steps"].as_array().unwrap();
    let argv = steps.iter().find_map(|step| step["argv"].as_array()).unwrap();
    let line = fix["shell"][0].as_str().unwrap();
    let script = format!("show() {{ printf '%s\\n' \"$@\"; }}\nshow {line}");
    let output = machine.isolated(Path::new("/bin/sh")).args(["-c", &script]).output().unwrap();
    let words: Vec<Value> = output.stdout_text().lines().map(Value::from).collect();
    assert_eq!(&words, argv);
}
