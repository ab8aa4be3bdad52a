//! `truewheel.toml` that is wrong: nothing runs, and the place and the cure are named.

use insta::assert_snapshot;

use crate::machine::Machine;

#[track_caller]
fn with(contents: impl AsRef<[u8]>) -> String {
    let machine = Machine::new();
    machine.write("project/truewheel.toml", contents);
    let shown = machine.run(&["doctor"]);
    assert_eq!(machine.run(&["envs"]), shown);
    shown
}

#[test]
fn unknown_keys() {
    assert_snapshot!(with("[doctor]\nskipp = []\n\n[projekt]\npython = []\n"), @"
    exit: 3
    --- stdout
    --- stderr
    error: the configuration cannot be used
      [ROOT]/project/truewheel.toml:2:1: unknown key `skipp` in `doctor`, did you mean `skip`?
      [ROOT]/project/truewheel.toml:4:2: unknown key `projekt` at the top level, did you mean `project`?

    hint: `truewheel init` writes a sample that shows every key
    ");
}

#[test]
fn wrong_types() {
    assert_snapshot!(with("[doctor]\nstrict = \"yes\"\nskip = \"ENV\"\n[project]\nexchange = 1\n"), @"
    exit: 3
    --- stdout
    --- stderr
    error: the configuration cannot be used
      [ROOT]/project/truewheel.toml:2:10: `doctor.strict` must be true or false; this is a string
      [ROOT]/project/truewheel.toml:3:8: `doctor.skip` must be an array of strings; this is a string
      [ROOT]/project/truewheel.toml:5:12: `project.exchange` must be an array of tables; this is a number

    hint: `truewheel init` writes a sample that shows every key
    ");
}

#[test]
fn suppressions_without_a_reason_or_with_an_unknown_code() {
    assert_snapshot!(with("[doctor]\nsuppress = [{ code = \"ENV01\" }]\n"), @"
    exit: 3
    --- stdout
    --- stderr
    error: the configuration cannot be used
      [ROOT]/project/truewheel.toml:2:13: `doctor.suppress` lacks `reason`
      [ROOT]/project/truewheel.toml:2:22: no check is called `ENV01`, did you mean `ENV001`?

    hint: `truewheel init` writes a sample that shows every key
    ");
}

#[test]
fn not_toml() {
    assert_snapshot!(with("[doctor\nskip = [}\n"), @"
    exit: 3
    --- stdout
    --- stderr
    error: the configuration cannot be used
      [ROOT]/project/truewheel.toml:1:8: not TOML: unclosed table, expected `]`

    hint: `truewheel init` writes a sample that shows every key
    ");
}

#[test]
fn binary() {
    assert_snapshot!(with(b"\x7fELF\x02\x01\xff\xfe"), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot read [ROOT]/project/truewheel.toml: not UTF-8 at byte 6

    hint: the configuration is a text file in UTF-8; without it the defaults hold
    ");
    assert_snapshot!(with(b"\x00\x01\x02"), @"
    exit: 3
    --- stdout
    --- stderr
    error: the configuration cannot be used
      [ROOT]/project/truewheel.toml:1:4: not TOML: key with no value, expected `=`

    hint: `truewheel init` writes a sample that shows every key
    ");
}

#[test]
fn larger_than_any_configuration() {
    assert_snapshot!(with("# padding\n".repeat(200_000)), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot read [ROOT]/project/truewheel.toml: larger than the bound of 1048576

    hint: the configuration is a text file in UTF-8; without it the defaults hold
    ");
}

#[test]
fn a_directory_in_its_place() {
    let machine = Machine::new();
    fs_err::create_dir(machine.path("project/truewheel.toml")).unwrap();
    assert_snapshot!(machine.run(&["doctor"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot read [ROOT]/project/truewheel.toml: not a regular file

    hint: the configuration is a text file in UTF-8; without it the defaults hold
    ");
}

#[test]
#[cfg(unix)]
fn a_link_that_leads_nowhere() {
    let machine = Machine::new();
    let link = machine.path("project/truewheel.toml");
    fs_err::os::unix::fs::symlink("nowhere", link).unwrap();
    assert_snapshot!(machine.run(&["doctor"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot read [ROOT]/project/truewheel.toml: No such file or directory (os error 2)

    hint: the configuration is a text file in UTF-8; without it the defaults hold
    ");
}

#[test]
fn it_is_found_from_a_directory_below() {
    let machine = Machine::new();
    machine.write("project/truewheel.toml", "x = 1\n");
    machine.write("project/crates/core/Cargo.toml", "");
    let output = machine.command(&["doctor"]).directory(machine.path("project/crates/core"));
    assert_snapshot!(machine.shown(&output.output().unwrap()), @"
    exit: 3
    --- stdout
    --- stderr
    error: the configuration cannot be used
      [ROOT]/project/truewheel.toml:1:1: unknown key `x` at the top level, the keys are `build`, `doctor`, `matrix`, `project`, `tools`

    hint: `truewheel init` writes a sample that shows every key
    ");
}
