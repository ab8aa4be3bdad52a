//! `check` and `compare`: what they say of good, bad and hostile wheels, and how they end.

use insta::assert_snapshot;
use serde_json::Value;

use crate::archive::{File, file, zip};
use crate::machine::Machine;
use crate::schema::assert_valid;

const CHECK: &str = include_str!("../../docs/check.schema.json");
const COMPARE: &str = include_str!("../../docs/compare.schema.json");
const NAME: &str = "project/dist/example-1.0-py3-none-any.whl";
const SHOWN: &str = "dist/example-1.0-py3-none-any.whl";

/// A wheel in which nothing is wrong; the hashes are those of its texts. It is not compressed, which
/// would give other bytes on other processors.
fn good() -> Vec<File> {
    let mut files = texts();
    files.iter_mut().for_each(|file| file.method = 0);
    files
}

fn texts() -> Vec<File> {
    let info = "example-1.0.dist-info";
    vec![
        file("example.py", "VALUE = 1\n"),
        file(&format!("{info}/METADATA"), "Metadata-Version: 2.1\nName: example\nVersion: 1.0\n"),
        file(
            &format!("{info}/WHEEL"),
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        ),
        file(
            &format!("{info}/RECORD"),
            format!(
                "example.py,sha256=4T34xEr13qHkEkA5ELmcxaSPLMv2imazN01quc75_GU,10\n\
                 {info}/METADATA,sha256=2njYZwIXfHQWaBhjDHoGWXO-ImP_j7Fq_gSrfYhbdDQ,49\n\
                 {info}/WHEEL,sha256=JCVX9z8V-js2aV5qmQR2E3fiCs-Yu3vPO91cCBmO1JM,59\n\
                 {info}/RECORD,,\n"
            ),
        ),
    ]
}

fn changed(change: impl Fn(&mut File)) -> Vec<File> {
    let mut files = good();
    files.iter_mut().for_each(change);
    files
}

/// Runs a command on wheels, checks what it prints for programs, and says how it ended.
#[track_caller]
fn document(machine: &Machine, schema: &str, arguments: &[&str]) -> (i32, Value) {
    let output = machine.output(&[arguments, &["--format", "json"]].concat());
    assert_eq!(output.stderr_text(), "");
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_valid(schema, &value);
    (output.code.unwrap(), value)
}

#[test]
fn a_good_wheel_is_told_in_a_line() {
    let machine = Machine::new();
    machine.write(NAME, zip(&good()));
    assert_snapshot!(machine.run(&["check", SHOWN]), @"
    exit: 0
    --- stdout
    dist/example-1.0-py3-none-any.whl  897 B, sha256 d4b27e0cf0f5181617ae6d2c4ef64ad1e8470d6cec866db9859a95db5e87cb89

    ✓ 1 wheel · nothing wrong
    --- stderr
    ");
}

#[test]
fn problems_have_a_cause_and_a_fix() {
    let machine = Machine::new();
    let leak = format!("HOME = '{}'\n", machine.path("home").display());
    let files = changed(|file| {
        if file.name == "example.py" {
            file.data = leak.clone().into_bytes();
        }
    });
    machine.write(NAME, zip(&files));
    let shown = machine.run(&["check", SHOWN]);
    assert!(shown.starts_with("exit: 4\n"), "{shown}");
    for part in [
        "✗ error leaked-text: example.py",
        "the home directory `[ROOT]/home`",
        "✗ error record-wrong: RECORD",
        "cause: size or hash of these files is another one",
        "fix: let one tool write the wheel",
        "✗ 1 wheel · 2 errors, 0 warnings",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let (code, value) = document(&machine, CHECK, &["check", SHOWN]);
    assert_eq!((code, &value["errors"]), (4, &2.into()));
    let (_, value) = document(&machine, CHECK, &["check", "--foreign", SHOWN]);
    assert_eq!(value["errors"], 1);
    let (_, value) = document(&machine, CHECK, &["check", "--secret", "HOME", SHOWN]);
    assert_eq!(value["errors"], 3);
}

#[test]
fn warnings_count_when_they_are_to() {
    let machine = Machine::new();
    machine.write(NAME, zip(&changed(|file| file.mode = 0o104_644)));
    assert_eq!(document(&machine, CHECK, &["check", SHOWN]).0, 0);
    let (code, value) = document(&machine, CHECK, &["check", "--strict", SHOWN]);
    assert_eq!((code, &value["warnings"]), (4, &1.into()));
}

#[test]
fn hostile_archives_are_refused_by_name() {
    let machine = Machine::new();
    let evil = |name: &str| zip(&[good(), vec![file(name, "x")]].concat());
    for (name, bytes, reason) in [
        ("parent", evil("../../.bashrc"), "parent directory"),
        ("absolute", evil("/etc/passwd"), "absolute path"),
        ("twice", evil("example.py"), "two entries are named example.py"),
        ("escape", evil("\u{1b}[31m"), "control character"),
        (
            "bomb",
            zip(&[File { size: Some(4_000_000_000), ..file("zeros", vec![0; 99_999]) }]),
            "believable",
        ),
        ("cut", zip(&good())[..200].to_vec(), "truncated"),
        ("empty", Vec::new(), "too few"),
        ("text", b"not a wheel, only a text of some length".to_vec(), "something else"),
    ] {
        let named = format!("dist/{name}-1.0-py3-none-any.whl");
        machine.write(&format!("project/{named}"), bytes);
        let (code, value) = document(&machine, CHECK, &["check", &named]);
        let problem = &value["wheels"][0]["problems"][0];
        assert_eq!((code, problem["name"].as_str()), (4, Some("archive-refused")), "{name}");
        assert!(problem["evidence"][0].as_str().unwrap().contains(reason), "{name}: {problem}");
        let shown = machine.run(&["check", &named]);
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
        let compared = machine.output(&["compare", &named, &named]);
        assert_eq!(compared.code, Some(3), "{name}");
    }
}

#[test]
fn files_that_are_not_there_are_bad_input() {
    let machine = Machine::new();
    assert_snapshot!(machine.run(&["check", "nothing.whl"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: nothing.whl cannot be read: No such file or directory (os error 2)

    hint: name the file of a wheel, which ends in .whl
    ");
    machine.write(NAME, zip(&good()));
    for arguments in [
        &["check"][..],
        &["check", "."],
        &["check", SHOWN, "--max-glibc", "new"],
        &["compare", SHOWN],
        &["compare", SHOWN, "nothing.whl"],
        &["compare", SHOWN, SHOWN, "--accept", "different"],
    ] {
        let output = machine.output(arguments);
        assert_eq!((output.code, output.stdout_text().as_str()), (Some(3), ""), "{arguments:?}");
    }
}

#[test]
fn two_builds_are_compared() {
    let machine = Machine::new();
    machine.write(NAME, zip(&good()));
    let compare = |files: &[File], more: &[&str]| {
        machine.write("project/again/example-1.0-py3-none-any.whl", zip(files));
        let again = "again/example-1.0-py3-none-any.whl";
        document(&machine, COMPARE, &[&["compare", SHOWN, again], more].concat())
    };
    for (files, more, code, verdict) in [
        (good(), &[][..], 0, "identical"),
        (changed(|file| file.mode = 0o100_600), &[], 4, "same-content"),
        (changed(|file| file.mode = 0o100_600), &["--accept", "same-content"], 0, "same-content"),
        (changed(|file| file.data.push(b'\n')), &["--accept", "same-except"], 4, "different"),
    ] {
        let (ended, value) = compare(&files, more);
        assert_eq!((ended, value["verdict"].as_str()), (code, Some(verdict)));
        assert_eq!(value["accepted"], code == 0);
    }
    compare(&changed(|file| file.mode = 0o100_600), &[]);
    assert_snapshot!(machine.run(&["compare", SHOWN, "again/example-1.0-py3-none-any.whl"]), @"
    exit: 4
    --- stdout
    A  example-1.0-py3-none-any.whl  897 B, sha256 d4b27e0cf0f5181617ae6d2c4ef64ad1e8470d6cec866db9859a95db5e87cb89
    B  example-1.0-py3-none-any.whl  897 B, sha256 01f1e9349b4528e26f8f05fdcdb13e99103c5311ed825c9604578492dde3c5de

      i entry-modes (entry metadata): entries: modes of 4 of 4 entries
          example.py: 100644 and 100600
          example-1.0.dist-info/METADATA: 100644 and 100600
          example-1.0.dist-info/WHEEL: 100644 and 100600
          example-1.0.dist-info/RECORD: 100644 and 100600
          cause: the files were written with another umask
          fix: build and repair with `umask 022`

    ✗ same content: the same files with the same data, stored otherwise
    --- stderr
    ");
}

#[test]
fn help_of_check() {
    assert_snapshot!(Machine::new().run(&["check", "--help"]), @"
    exit: 0
    --- stdout
    Say whether wheels are what they say they are

    Compares tags with the symbols and libraries that the native modules really need, abi3 with the
    stable ABI, RECORD with every file, and METADATA with the file name; and looks in every file for
    what tells of the machine that built it: the home directory, the project's path, CARGO_HOME, and the
    names of user and host. Nothing is unpacked to disk or run.

    Ends with 0 when nothing is wrong, 4 when there are errors (with --strict also warnings), 2 when the
    tool itself failed, and 3 when it was called wrongly or a file cannot be read.

    Usage: truewheel check [OPTIONS] <WHEEL>...

    Arguments:
      <WHEEL>...
              Wheels

    Options:
          --format <FORMAT>
              How to print what was found; docs/check.schema.json describes `json`

              Possible values:
              - human: For a person
              - json:  For a program

              [default: human]

          --max-glibc <VERSION>
              The newest glibc that may be needed, whatever the tags say (2.28)

          --max-size <MB>
              Megabytes that a wheel may have

              [default: 100]

          --allow-library <NAME>
              A shared library that may be needed besides those of the platform, by its name
              (libcuda.so.1)

          --secret <TEXT>
              A text that no file of a wheel may hold, besides what tells of this machine

          --foreign
              Do not look for what tells of this machine, as in a wheel that was built elsewhere

          --strict
              Count warnings as problems

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
fn help_of_compare() {
    assert_snapshot!(Machine::new().run(&["compare", "--help"]), @"
    exit: 0
    --- stdout
    Say where two wheels differ, why, and how to make them the same

    Compares by layers: name and tags, list and order of the entries, their metadata, their data,
    sections of native modules, strings. The verdict is one of `identical`, `same content` (stored
    otherwise), `same except` (fields known to be harmless, which are named), and `different`.

    Ends with 0 when the wheels are identical, or with --accept no more different than that, with 4 when
    they differ, with 2 when the tool itself failed, and with 3 when it was called wrongly or a file
    cannot be read.

    Usage: truewheel compare [OPTIONS] <A> <B>

    Arguments:
      <A>
              A wheel

      <B>
              Another build of it

    Options:
          --format <FORMAT>
              How to print what was found; docs/compare.schema.json describes `json`

              Possible values:
              - human: For a person
              - json:  For a program

              [default: human]

          --accept <VERDICT>
              The weakest verdict that counts as success

              Possible values:
              - identical:    Every byte
              - same-content: The same files with the same data
              - same-except:  The same but for fields that are known to be harmless

              [default: identical]

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
