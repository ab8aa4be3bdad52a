//! Help, and flags that do not exist or do not fit.

use std::ffi::OsString;

use insta::assert_snapshot;

use crate::machine::Machine;

#[test]
fn help_of_the_program() {
    let machine = Machine::new();
    assert_snapshot!(machine.run(&["--help"]), @"
    exit: 0
    --- stdout
    Finds out why Rust shipped to Python breaks on this machine, and what to type to mend it

    Usage: truewheel [OPTIONS] <COMMAND>

    Commands:
      build        Build the wheel in a clean container without a network, the same bits everywhere
      check        Say whether wheels are what they say they are
      compare      Say where two wheels differ, why, and how to make them the same
      completions  Print a script that completes commands and flags in a shell
      doctor       Say what is wrong on this machine, why, and what to type to mend it
      engines      Try what could run a build away from this machine's files, network and environment
      envs         List every Python on this machine, and which one each tool would pick here
      explain      Explain a fault by its code, or say what the log of a failure means here
      fetch        Fetch everything that a build takes, and lock it: the only part that uses the network
      image        Make, check and lock the images that wheels are built in
      init         Write a commented truewheel.toml into the project
      matrix       Prove that every Python and numpy, and the Rust core, reads what every other one
                   wrote
      reproduce    Build a wheel again that somebody else built, from the record that came with it, and
                   compare
      scan         Say what data files and modules hold, who can load them, and whether that is safe

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Common options:
          --project <DIR>  The project to look at (default: the nearest directory upward with a
                           truewheel.toml, pyproject.toml or Cargo.toml)
          --color <WHEN>   When to use colour: `auto` is on a terminal, unless `NO_COLOR` is set
                           [default: auto] [possible values: auto, always, never]
    --- stderr
    ");
    assert_snapshot!(machine.run(&["-h"]), @"
    exit: 0
    --- stdout
    Finds out why Rust shipped to Python breaks on this machine, and what to type to mend it

    Usage: truewheel [OPTIONS] <COMMAND>

    Commands:
      build        Build the wheel in a clean container without a network, the same bits everywhere
      check        Say whether wheels are what they say they are
      compare      Say where two wheels differ, why, and how to make them the same
      completions  Print a script that completes commands and flags in a shell
      doctor       Say what is wrong on this machine, why, and what to type to mend it
      engines      Try what could run a build away from this machine's files, network and environment
      envs         List every Python on this machine, and which one each tool would pick here
      explain      Explain a fault by its code, or say what the log of a failure means here
      fetch        Fetch everything that a build takes, and lock it: the only part that uses the network
      image        Make, check and lock the images that wheels are built in
      init         Write a commented truewheel.toml into the project
      matrix       Prove that every Python and numpy, and the Rust core, reads what every other one
                   wrote
      reproduce    Build a wheel again that somebody else built, from the record that came with it, and
                   compare
      scan         Say what data files and modules hold, who can load them, and whether that is safe

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Common options:
          --project <DIR>  The project to look at (default: the nearest directory upward with a
                           truewheel.toml, pyproject.toml or Cargo.toml)
          --color <WHEN>   When to use colour: `auto` is on a terminal, unless `NO_COLOR` is set
                           [default: auto] [possible values: auto, always, never]
    --- stderr
    ");
}

#[test]
fn help_of_doctor() {
    assert_snapshot!(Machine::new().run(&["doctor", "--help"]), @"
    exit: 0
    --- stdout
    Say what is wrong on this machine, why, and what to type to mend it

    Ends with 0 when nothing is wrong, 1 when there are errors (with --strict also warnings), 2 when the
    tool itself failed, and 3 when it was called wrongly or its configuration is wrong.

    Usage: truewheel doctor [OPTIONS]
           truewheel doctor <COMMAND>

    Commands:
      diff  Say what differs between two machines, or between before and after, and which of it matters

    Options:
          --format <FORMAT>
              How to print the report

              Possible values:
              - human:    For a person
              - json:     For a program; docs/report.schema.json describes it
              - github:   Annotations for GitHub Actions
              - markdown: To paste into an issue
              - sarif:    For dashboards of code scanning: SARIF 2.1.0
              - junit:    For the test views of CI systems: JUnit XML

              [default: human]

          --only <CODES>
              Run only these checks: codes (NPY004) or families (NPY), separated by commas

          --skip <CODES>
              Do not run these checks: codes or families, separated by commas

          --strict
              Count warnings as problems

          --python <PATH>
              An interpreter or environment to judge besides those found

          --all
              Judge every environment found, not only those that the project uses

          --import
              Import the project's compiled module in each Python that has it, isolated and with a time
              limit, to see the names it really has: its own code runs

          --list
              List the checks that would run, and run none

      -v, --verbose
              Also show what was checked and how long it took, what could not be read, and what is
              suppressed

          --save <FILE>
              Write the facts that the diagnosis rests on to a file

          --facts <FILE>
              Diagnose from a facts file, perhaps of another machine, instead of looking at this one

          --redact
              Take names of users and machines, tokens and credentials out of the facts

          --watch
              Diagnose again whenever a file changes that the facts rest on, and print what is new and
              what is gone, until interrupted; with `--format json` a line for each time

      -h, --help
              Print help (see a summary with '-h')

    Fixing:
          --fix
              Carry the cures out: safe ones at once, those that remove or replace something when you
              say yes. After each, look again whether it helped

      -y, --yes
              Say yes to every cure that would be asked about

          --dry-run
              Show what would be done, and change nothing

          --time-limit <SECONDS>
              How long one command of a cure may run

              [default: 1800]

          --undo [<ID>]
              Bring back what a cure changed: `last` or a number of the list, which is shown without one

          --undo-clear [<ID>]
              Forget how to bring back what a cure changed, and remove what was kept for it: a number of
              the list, or everything

    Common options:
          --project <DIR>
              The project to look at (default: the nearest directory upward with a truewheel.toml,
              pyproject.toml or Cargo.toml)

          --color <WHEN>
              When to use colour: `auto` is on a terminal, unless `NO_COLOR` is set

              [default: auto]
              [possible values: auto, always, never]
    --- stderr
    ");
}

#[test]
fn help_of_envs() {
    assert_snapshot!(Machine::new().run(&["envs", "--help"]), @"
    exit: 0
    --- stdout
    List every Python on this machine, and which one each tool would pick here

    Usage: truewheel envs [OPTIONS]

    Options:
          --format <FORMAT>
              How to print the list

              Possible values:
              - human: For a person
              - json:  For a program

              [default: human]

          --packages
              Also list the packages installed in each

      -h, --help
              Print help (see a summary with '-h')

    Common options:
          --project <DIR>
              The project to look at (default: the nearest directory upward with a truewheel.toml,
              pyproject.toml or Cargo.toml)

          --color <WHEN>
              When to use colour: `auto` is on a terminal, unless `NO_COLOR` is set

              [default: auto]
              [possible values: auto, always, never]
    --- stderr
    ");
}

#[test]
fn help_of_explain() {
    assert_snapshot!(Machine::new().run(&["explain", "--help"]), @"
    exit: 0
    --- stdout
    Explain a fault by its code, or say what the log of a failure means here

    Without a code, a log is read: from standard input if something is piped into it, from a file with
    --log, or from a command with --run. Every code that the text speaks of is held against the facts of
    this machine, and is confirmed, with its evidence and cure; ruled out; or not decidable here. A log
    that speaks of nothing known says so. Without a code and a log, every code is listed.

    Ends with 0 when there is an answer, 1 when a log speaks of nothing that is known or all of it is
    ruled out, 2 when the tool itself failed, and 3 when it was called wrongly. With --run it ends as
    the command does.

    Usage: truewheel explain [OPTIONS] [CODE] [-- <COMMAND>...]

    Arguments:
      [CODE]
              A code (NPY004) or name, or `-` for a log on standard input

      [COMMAND]...
              The command of --run

    Options:
          --format <FORMAT>
              How to print it

              Possible values:
              - human:    For a person
              - markdown: The page as it is; not for logs
              - json:     For a program; docs/explain.schema.json describes what it says of a log

              [default: human]

          --log <FILE>
              A file with a log

          --run
              Run the command after `--`, pass on what it prints, and explain it if it fails

          --facts <FILE>
              Judge a log by a facts file, perhaps of another machine, instead of this one

      -h, --help
              Print help (see a summary with '-h')

    Common options:
          --project <DIR>
              The project to look at (default: the nearest directory upward with a truewheel.toml,
              pyproject.toml or Cargo.toml)

          --color <WHEN>
              When to use colour: `auto` is on a terminal, unless `NO_COLOR` is set

              [default: auto]
              [possible values: auto, always, never]
    --- stderr
    ");
}

#[test]
fn help_of_init() {
    assert_snapshot!(Machine::new().run(&["init", "--help"]), @"
    exit: 0
    --- stdout
    Write a commented truewheel.toml into the project

    Usage: truewheel init [OPTIONS]

    Options:
          --force  Replace a truewheel.toml that is already there
      -h, --help   Print help

    Common options:
          --project <DIR>  The project to look at (default: the nearest directory upward with a
                           truewheel.toml, pyproject.toml or Cargo.toml)
          --color <WHEN>   When to use colour: `auto` is on a terminal, unless `NO_COLOR` is set
                           [default: auto] [possible values: auto, always, never]
    --- stderr
    ");
}

#[test]
fn the_version() {
    assert_snapshot!(Machine::new().run(&["--version"]), @"
    exit: 0
    --- stdout
    truewheel [VERSION]
    --- stderr
    ");
}

#[test]
fn no_command_shows_the_help_and_is_bad_input() {
    let output = Machine::new().output::<&str>(&[]);
    assert_eq!(output.code, Some(3));
    assert!(output.stdout.is_empty());
    assert!(output.stderr_text().contains("Usage: truewheel"));
}

#[test]
fn commands_and_flags_that_do_not_exist() {
    let machine = Machine::new();
    assert_snapshot!(machine.run(&["docter"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: unrecognized subcommand 'docter'

      tip: a similar subcommand exists: 'doctor'

    Usage: truewheel [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(machine.run(&["doctor", "--strickt"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: unexpected argument '--strickt' found

      tip: a similar argument exists: '--strict'

    Usage: truewheel doctor --strict

    For more information, try '--help'.
    ");
    assert_snapshot!(machine.run(&["doctor", "--format", "xml"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: invalid value 'xml' for '--format <FORMAT>'
      [possible values: human, json, github, markdown, sarif, junit]

    For more information, try '--help'.
    ");
    assert_snapshot!(machine.run(&["doctor", "NPY004"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: unrecognized subcommand 'NPY004'

    Usage: truewheel doctor [OPTIONS]
           truewheel doctor <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(machine.run(&["doctor", "--save"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: a value is required for '--save <FILE>' but none was supplied

    For more information, try '--help'.
    ");
}

#[test]
fn flags_that_exclude_each_other() {
    let machine = Machine::new();
    assert_snapshot!(machine.run(&["doctor", "--facts", "f.json", "--all"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: the argument '--facts <FILE>' cannot be used with '--all'

    Usage: truewheel doctor --facts <FILE>

    For more information, try '--help'.
    ");
    assert_snapshot!(machine.run(&["doctor", "--list", "--save", "f.json"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: the argument '--list' cannot be used with '--save <FILE>'

    Usage: truewheel doctor --list

    For more information, try '--help'.
    ");
    assert_snapshot!(machine.run(&["doctor", "--list", "--format", "github"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: `--list` is for people or programs

    hint: use `--format human` or `--format json` with it
    ");
}

#[test]
fn checks_that_do_not_exist() {
    let machine = Machine::new();
    assert_snapshot!(machine.run(&["doctor", "--only", "ENV01"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: no check or family is called `ENV01`

    hint: did you mean `ENV001`? `truewheel doctor --list` lists the checks
    ");
    assert_snapshot!(machine.run(&["doctor", "--only", "env,,"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: no check or family is called ``

    hint: did you mean `FS`? `truewheel doctor --list` lists the checks
    ");
    assert_snapshot!(machine.run(&["doctor", "--skip", "NVE"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: no check or family is called `NVE`

    hint: did you mean `ENV`? `truewheel doctor --list` lists the checks
    ");
}

#[test]
fn a_project_that_is_no_directory() {
    let machine = Machine::new();
    machine.write("project/file", "");
    assert_snapshot!(machine.run(&["doctor", "--project", "nowhere"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: nowhere is not a directory

    hint: `--project` names the directory of the project to look at
    ");
    assert_snapshot!(machine.run(&["envs", "--project", "file"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: file is not a directory

    hint: `--project` names the directory of the project to look at
    ");
}

#[test]
fn a_python_that_is_not_there() {
    let machine = Machine::new();
    assert_snapshot!(machine.run(&["doctor", "--python", "python3.99"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: there is no Python at python3.99

    hint: `--python` takes an interpreter or the directory of an environment
    ");
    assert_snapshot!(machine.run(&["doctor", "--python", "no/where"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: there is no Python at no/where

    hint: `--python` takes an interpreter or the directory of an environment
    ");
}

#[test]
#[cfg(unix)]
fn arguments_that_are_not_text() {
    use std::os::unix::ffi::OsStringExt as _;

    let machine = Machine::new();
    let odd = || OsString::from_vec(b"a\xffb".to_vec());
    let word = |text: &str| OsString::from(text);
    assert_snapshot!(machine.run(&[odd()]), @"
    exit: 3
    --- stdout
    --- stderr
    error: unrecognized subcommand 'a�b'

    Usage: truewheel [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(machine.run(&[word("explain"), odd()]), @"
    exit: 3
    --- stdout
    --- stderr
    error: invalid UTF-8 was detected in one or more arguments

    Usage: truewheel explain [OPTIONS] [CODE] [-- <COMMAND>...]

    For more information, try '--help'.
    ");
    assert_snapshot!(machine.run(&[word("doctor"), word("--only"), odd()]), @"
    exit: 3
    --- stdout
    --- stderr
    error: invalid UTF-8 was detected in one or more arguments

    Usage: truewheel doctor [OPTIONS]
           truewheel doctor <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(machine.run(&[word("doctor"), word("--project"), odd()]), @"
    exit: 3
    --- stdout
    --- stderr
    error: a�b is not a directory

    hint: `--project` names the directory of the project to look at
    ");
    assert_snapshot!(machine.run(&[word("doctor"), word("--facts"), odd()]), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot read a�b
      No such file or directory (os error 2)

    hint: `truewheel doctor --save FILE` writes a facts file
    ");
}
