//! `build`, `fetch` and `reproduce`: what is refused before anything starts.

#![cfg(unix)]

use host::{Host, Output};
use insta::assert_snapshot;

use crate::machine::Machine;

const MANIFEST: &str = "[package]\nname = \"example\"\nversion = \"1.0.0\"\nedition = \"2024\"\n";
const PYPROJECT: &str = "[build-system]\nrequires = [\"maturin>=1.9,<2\"]\nbuild-backend = \"maturin\"\n[project]\nname = \"example\"\nversion = \"1.0.0\"\n";

/// A machine with cargo and git, and a project that could be built.
fn machine() -> Machine {
    let machine = Machine::new();
    machine.real_program("git");
    machine.write("project/Cargo.toml", MANIFEST);
    machine.write("project/src/lib.rs", "");
    machine.write(
        "project/Cargo.lock",
        "version = 4\n[[package]]\nname = \"example\"\nversion = \"1.0.0\"\n",
    );
    machine.write("project/pyproject.toml", PYPROJECT);
    for arguments in [["init", "--quiet"], ["add", "--all"]] {
        let git = machine.isolated(&machine.path("bin/git")).args(arguments);
        let made = git.directory(machine.path("project")).output().unwrap();
        assert!(made.success(), "{}", made.stderr_text());
    }
    machine
}

fn run(machine: &Machine, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let cargo = Host::current().unwrap().variables.path("CARGO").unwrap();
    let command = machine.command(arguments).env("CARGO", cargo);
    let command = variables.iter().fold(command, |it, (name, value)| it.env(name, value));
    command.output().unwrap()
}

/// That it ends with 3, says this and a hint, and writes nothing for programs.
#[track_caller]
fn refused(output: &Output, words: &[&str]) {
    let said = output.stderr_text();
    assert_eq!((output.code, &*output.stdout_text()), (Some(3), ""), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in:\n{said}");
    }
    assert!(said.contains("\nhint: ") || said.contains("For more information"), "{said}");
}

#[test]
fn a_project_that_cannot_be_built_is_told_why() {
    let machine = machine();
    fs_err::remove_file(machine.path("project/Cargo.lock")).unwrap();
    refused(&run(&machine, &["build"], &[]), &["no Cargo.lock", "cargo generate-lockfile"]);
    machine.write("project/pyproject.toml", "[build-system]\nbuild-backend = \"hatchling\"\n");
    refused(&run(&machine, &["build"], &[]), &["not maturin", "pyproject.toml"]);
    machine.write("project/pyproject.toml", "[build-system\n");
    refused(&run(&machine, &["fetch"], &[]), &["pyproject.toml"]);
    fs_err::remove_file(machine.path("project/pyproject.toml")).unwrap();
    refused(&run(&machine, &["build"], &[]), &["no pyproject.toml", "--project"]);
    machine.write("project/truewheel.toml", "[build]\nwheel = \"absent\"\n");
    refused(&run(&machine, &["build"], &[]), &["absent"]);
    machine.write("project/truewheel.toml", "[build]\nwhel = \".\"\nmax-glibc = \"new\"\n");
    refused(&run(&machine, &["build"], &[]), &["did you mean `wheel`", "not a version"]);
}

#[test]
fn a_directory_that_git_does_not_know_is_told_so() {
    let machine = machine();
    fs_err::remove_dir_all(machine.path("project/.git")).unwrap();
    refused(&run(&machine, &["build"], &[]), &["git cannot list its files", "git init"]);
    let git = machine.isolated(&machine.path("bin/git")).args(["init", "--quiet"]);
    assert!(git.directory(machine.path("project")).output().unwrap().success());
    refused(&run(&machine, &["build"], &[]), &["git does not know", "pyproject.toml", "git add"]);
}

#[test]
fn times_that_a_wheel_cannot_hold_are_refused() {
    let machine = machine();
    for absurd in ["", "now", "-1", "1", "99999999999"] {
        let output = run(&machine, &["build"], &[("SOURCE_DATE_EPOCH", absurd)]);
        refused(&output, &["SOURCE_DATE_EPOCH", "or leave it out"]);
    }
}

#[test]
fn flags_that_cannot_be_are_refused() {
    let machine = machine();
    refused(&run(&machine, &["build", "--engine", "warp"], &[]), &["invalid value 'warp'"]);
    refused(&run(&machine, &["build", "everything"], &[]), &["invalid value 'everything'"]);
    machine.write("project/file", "");
    refused(&run(&machine, &["build", "--out", "file/dist"], &[]), &["file/dist"]);
    refused(&run(&machine, &["build", "--python", "absent"], &[]), &["no Python at absent"]);
    let flags = ["build", "--engine", "host", "--toolchain", "image"];
    refused(&run(&machine, &flags, &[]), &["has no image"]);
    refused(&run(&machine, &["build", "--bundle", "absent.tar"], &[]), &["build.lock.toml"]);
    machine.write("project/truewheel.toml", "[build]\nsmoke = \"absent.py\"\n");
    refused(&run(&machine, &["build"], &[]), &["absent.py"]);
}

#[test]
fn a_wheel_without_a_record_is_not_built_again() {
    let machine = machine();
    refused(&run(&machine, &["reproduce", "absent.whl"], &[]), &["absent.whl"]);
    machine.write("project/a-1-py3-none-any.whl", "no wheel");
    let output = run(&machine, &["reproduce", "a-1-py3-none-any.whl"], &[]);
    refused(&output, &["a-1-py3-none-any.whl.intoto.json", "--record"]);
    machine.write("project/a-1-py3-none-any.whl.intoto.json", "{}");
    let output = run(&machine, &["reproduce", "a-1-py3-none-any.whl"], &[]);
    refused(&output, &["is no record of a build"]);
}

#[test]
fn help() {
    let machine = machine();
    let text = |command: &str| {
        let output = run(&machine, &[command, "--help"], &[]);
        assert_eq!(output.code, Some(0));
        let text = output.stdout_text();
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!(text("build"), @"
    Build the wheel in a clean container without a network, the same bits everywhere

    Takes exactly the files that git knows, the crates of Cargo.lock and what build.lock.toml names;
    what is not here yet is fetched first, which is the only part that uses the network. Then the wheel
    is built, checked, and installed and imported in another container. It appears in --out with
    SHA256SUMS and a record of what it was made of (an in-toto statement with SLSA provenance,
    unsigned), which `reproduce` can build again from.

    Ends with 0 when everything went well, 4 when the wheel fails its check or a second build is another
    one, 1 when a phase of the build failed, 2 when the tool itself failed, and 3 when it was called
    wrongly or the project cannot be built so.

    Usage: truewheel build [OPTIONS] [WHAT]

    Arguments:
      [WHAT]
              What to make

              Possible values:
              - wheel: The wheel
              - core:  The Rust crates that the wheel is made of: tested, and each as a .crate file
              - sdist: The sources as the package index takes them
              - all:   All of these

              [default: wheel]

    Options:
      -o, --out <DIR>
              Where to put it (default: `out` under [build] in truewheel.toml, or else dist)

          --reproduce
              Build a second time with everything else changed (directories, user, umask, machine's
              name, time zone, locale, number of jobs, CARGO_HOME, engine), compare, and find what is to
              blame

          --no-test
              Do not install and import the wheel

          --max-glibc <VERSION>
              The newest glibc that the wheel may need (2.28)

      -h, --help
              Print help (see a summary with '-h')

    Where it is built:
          --engine <ENGINE>
              Who runs the containers (default: the first that works)

              Possible values:
              - podman:     podman, as root or as a user
              - docker:     A docker daemon
              - namespaces: The kernel's namespaces, with no engine at all
              - host:       This machine itself, in a clean directory: not hermetic

          --toolchain <WHOSE>
              Whose Rust compiles: that of this machine, shown read-only, or that at /toolchain in the
              image

              Possible values:
              - host:  This machine's
              - image: The image's, at /toolchain

              [default: host]

          --image <NAME>
              An image that podman or docker has, instead of the locked base image

          --python <PYTHON>
              A Python of this machine to build with, shown read-only, instead of the image's: a path or
              a program on PATH

    What it is built of:
          --offline
              Do not use the network at all, and leave build.lock.toml as it is: what is not here or not
              locked is an error

          --bundle <FILE>
              Take everything from a file that `fetch --bundle` wrote; implies --offline

          --locked
              Do not write build.lock.toml: what it does not say, or says otherwise, is an error

      -v, --verbose
              Show everything that is said meanwhile

          --format <FORMAT>
              How to print what happens: `json` is a line for each event

              Possible values:
              - human: For a person
              - json:  For a program

              [default: human]

    Common options:
          --project <DIR>
              The project to look at (default: the nearest directory upward with a truewheel.toml,
              pyproject.toml or Cargo.toml)

          --color <WHEN>
              When to use colour: `auto` is on a terminal, unless `NO_COLOR` is set

              [default: auto]
              [possible values: auto, always, never]
    ");
    assert_snapshot!(text("fetch"), @"
    Fetch everything that a build takes, and lock it: the only part that uses the network

    Crates by cargo, and files of Python's package index by pip, each with whatever mirror, proxy and
    credentials these are configured for; the base image as by `image bootstrap`. build.lock.toml,
    beside Cargo.lock, says what they are: commit it.

    Usage: truewheel fetch [OPTIONS]

    Options:
          --update
              Choose everything anew and lock that: the newest maturin that pyproject.toml allows, the
              Rust and the image that are here

          --locked
              Do not write build.lock.toml: what it does not say, or says otherwise, is an error

          --bundle <FILE>
              Also write everything into one file, for a machine without a network

      -h, --help
              Print help (see a summary with '-h')

    Where it is built:
          --engine <ENGINE>
              Who runs the containers (default: the first that works)

              Possible values:
              - podman:     podman, as root or as a user
              - docker:     A docker daemon
              - namespaces: The kernel's namespaces, with no engine at all
              - host:       This machine itself, in a clean directory: not hermetic

          --toolchain <WHOSE>
              Whose Rust compiles: that of this machine, shown read-only, or that at /toolchain in the
              image

              Possible values:
              - host:  This machine's
              - image: The image's, at /toolchain

              [default: host]

          --image <NAME>
              An image that podman or docker has, instead of the locked base image

          --python <PYTHON>
              A Python of this machine to build with, shown read-only, instead of the image's: a path or
              a program on PATH

          --format <FORMAT>
              How to print what was fetched: `json` is a line for each event

              Possible values:
              - human: For a person
              - json:  For a program

              [default: human]

    Common options:
          --project <DIR>
              The project to look at (default: the nearest directory upward with a truewheel.toml,
              pyproject.toml or Cargo.toml)

          --color <WHEN>
              When to use colour: `auto` is on a terminal, unless `NO_COLOR` is set

              [default: auto]
              [possible values: auto, always, never]
    ");
    assert_snapshot!(text("reproduce"), @"
    Build a wheel again that somebody else built, from the record that came with it, and compare

    Checks out the commit that the record names into a directory of its own, looks whether everything
    else that it names is the same here, builds with what build.lock.toml of that commit names, and
    compares by layers.

    Ends with 0 when the wheel is identical (with --accept: no more different than that), 4 when it is
    not, 1 when the build failed, 2 when the tool itself failed, and 3 when it was called wrongly or
    what the record names is not here.

    Usage: truewheel reproduce [OPTIONS] <WHEEL>

    Arguments:
      <WHEEL>
              The wheel

    Options:
          --record <FILE>
              Its record (default: WHEEL.intoto.json)

          --accept <VERDICT>
              The weakest verdict that counts as success

              Possible values:
              - identical:    Every byte
              - same-content: The same files with the same data
              - same-except:  The same but for fields that are known to be harmless

              [default: identical]

      -h, --help
              Print help (see a summary with '-h')

    Where it is built:
          --engine <ENGINE>
              Who runs the containers (default: the first that works)

              Possible values:
              - podman:     podman, as root or as a user
              - docker:     A docker daemon
              - namespaces: The kernel's namespaces, with no engine at all
              - host:       This machine itself, in a clean directory: not hermetic

          --toolchain <WHOSE>
              Whose Rust compiles: that of this machine, shown read-only, or that at /toolchain in the
              image

              Possible values:
              - host:  This machine's
              - image: The image's, at /toolchain

              [default: host]

          --image <NAME>
              An image that podman or docker has, instead of the locked base image

          --python <PYTHON>
              A Python of this machine to build with, shown read-only, instead of the image's: a path or
              a program on PATH

    What it is built of:
          --offline
              Do not use the network at all, and leave build.lock.toml as it is: what is not here or not
              locked is an error

          --bundle <FILE>
              Take everything from a file that `fetch --bundle` wrote; implies --offline

      -v, --verbose
              Show everything that is said meanwhile

          --format <FORMAT>
              How to print what happens: `json` is a line for each event

              Possible values:
              - human: For a person
              - json:  For a program

              [default: human]

    Common options:
          --project <DIR>
              The project to look at (default: the nearest directory upward with a truewheel.toml,
              pyproject.toml or Cargo.toml)

          --color <WHEN>
              When to use colour: `auto` is on a terminal, unless `NO_COLOR` is set

              [default: auto]
              [possible values: auto, always, never]
    ");
}
