//! Standard output is data and standard error is talk, whoever reads them.

use std::path::Path;

use crate::machine::Machine;

#[test]
fn json_is_alone_on_standard_output() {
    let machine = Machine::new();
    for arguments in [
        &["doctor", "--format", "json", "-v"][..],
        &["doctor", "--format", "json", "-v", "--save", "f.json", "--redact"],
        &["doctor", "--format", "json", "--color", "always"],
        &["doctor", "--list", "--format", "json"],
        &["envs", "--format", "json", "--packages"],
        &["explain", "--format", "json"],
    ] {
        let output = machine.output(arguments);
        let value: Result<serde_json::Value, _> = serde_json::from_slice(&output.stdout);
        assert!(value.is_ok(), "{arguments:?}: {}", output.stdout_text());
        assert_eq!(output.code, Some(0), "{arguments:?}: {}", output.stderr_text());
    }
}

#[test]
fn colour_only_when_asked_for_or_on_a_terminal() {
    let machine = Machine::new();
    let has_colour = |arguments: &[&str], variable: Option<&str>| {
        let mut command = machine.command(arguments);
        if let Some(name) = variable {
            command = command.env(name, "1");
        }
        let output = command.output().unwrap();
        assert_eq!(output.code, Some(0));
        output.stdout.contains(&0x1b)
    };
    for command in [&["doctor"][..], &["explain", "ENV001"], &["envs"], &["--help"]] {
        let with = |more: &[&'static str]| [command, more].concat();
        assert!(!has_colour(command, None), "{command:?}");
        assert!(!has_colour(command, Some("NO_COLOR")), "{command:?}");
        assert!(!has_colour(&with(&["--color", "never"]), Some("CLICOLOR_FORCE")), "{command:?}");
        if command != ["--help"] {
            assert!(has_colour(&with(&["--color", "always"]), None), "{command:?}");
        }
    }
    assert!(has_colour(&["--color=always", "--help"], None));
}

#[test]
#[cfg(unix)]
fn a_reader_that_leaves_early_is_not_an_error() {
    let machine = Machine::new();
    let script = r#"{ /bin/sleep 0.2; "$0" explain; echo "exit $?" >&2; } | :"#;
    let output = machine
        .isolated(Path::new("/bin/sh"))
        .args(["-c", script, env!("CARGO_BIN_EXE_truewheel")])
        .output()
        .unwrap();
    assert_eq!(output.stderr_text(), "exit 0\n");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_a_failure_of_the_tool() {
    let machine = Machine::new();
    let output = machine
        .isolated(Path::new("/bin/sh"))
        .args(["-c", r#""$0" explain > /dev/full"#, env!("CARGO_BIN_EXE_truewheel")])
        .output()
        .unwrap();
    insta::assert_snapshot!(machine.shown(&output), @"
    exit: 2
    --- stdout
    --- stderr
    error: cannot write to standard output
      caused by: No space left on device (os error 28)
    ");
}

#[test]
#[cfg(unix)]
fn a_directory_that_is_gone_is_named_as_the_reason() {
    let machine = Machine::new();
    let script = r#"cd ../gone && /bin/rmdir ../gone && exec "$0" doctor"#;
    fs_err::create_dir(machine.path("gone")).unwrap();
    let output = machine
        .isolated(Path::new("/bin/sh"))
        .args(["-c", script, env!("CARGO_BIN_EXE_truewheel")])
        .output()
        .unwrap();
    insta::assert_snapshot!(machine.shown(&output), @"
    exit: 2
    --- stdout
    --- stderr
    error: cannot tell which directory this is run in
      caused by: No such file or directory (os error 2)

    hint: the directory may have been deleted: change to one that exists and try again
    ");
}
