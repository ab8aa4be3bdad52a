//! `init`.

use insta::assert_snapshot;

use crate::machine::Machine;

#[test]
fn writes_a_sample_that_the_doctor_accepts() {
    let machine = Machine::new();
    assert_snapshot!(machine.run(&["init"]), @"
    exit: 0
    --- stdout
    --- stderr
    wrote [ROOT]/project/truewheel.toml
    ");
    assert!(machine.read("project/truewheel.toml").starts_with("# truewheel.toml: "));
    assert_eq!(machine.output(&["doctor", "--list"]).code, Some(0));
}

#[test]
fn refuses_to_overwrite_unless_forced() {
    let machine = Machine::new();
    machine.write("project/truewheel.toml", "mine");
    assert_snapshot!(machine.run(&["init"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: [ROOT]/project/truewheel.toml already exists

    hint: `truewheel init --force` replaces it
    ");
    assert_eq!(machine.read("project/truewheel.toml"), "mine");
    assert_snapshot!(machine.run(&["init", "--force"]), @"
    exit: 0
    --- stdout
    --- stderr
    wrote [ROOT]/project/truewheel.toml
    ");
    assert_ne!(machine.read("project/truewheel.toml"), "mine");
}

#[test]
fn writes_into_the_project_that_is_named() {
    let machine = Machine::new();
    machine.write("other/pyproject.toml", "");
    let other = machine.path("other");
    assert_snapshot!(machine.run(&["--project", other.to_str().unwrap(), "init"]), @"
    exit: 0
    --- stdout
    --- stderr
    wrote [ROOT]/other/truewheel.toml
    ");
    assert!(machine.read("other/truewheel.toml").starts_with("# truewheel.toml: "));
}

#[test]
fn says_where_it_cannot_write() {
    let machine = Machine::new();
    fs_err::create_dir(machine.path("project/truewheel.toml")).unwrap();
    assert_snapshot!(machine.run(&["init", "--force"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: cannot write [ROOT]/project/truewheel.toml
      caused by: Is a directory (os error 21)
    ");
}
