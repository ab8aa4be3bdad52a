//! `matrix`: help, and calls that are refused before anything is run.

use insta::assert_snapshot;

use crate::machine::Machine;

#[test]
fn help_of_matrix() {
    let machine = Machine::new();
    assert_snapshot!(machine.run(&["matrix", "--help"]), @"
    exit: 0
    --- stdout
    Prove that every Python and numpy, and the Rust core, reads what every other one wrote

    Makes an environment for every pair of a Python and a numpy that the index has a wheel for
    (`[matrix]` in truewheel.toml says which), lets each write the same arrays once and read everyone's
    once, and compares dtype, byte order, memory order, shape and every byte. Pickles are the control:
    between some versions they must fail, as a table predicts.

    With `--wheel`, cells with that wheel take part as well, in a lane of their own. Each calls two
    functions of a Python program of the project, which `exchange` in `[matrix]` names: `write()` gives
    a dict of arrays that it makes with the wheel, and `read(arrays)` gives one that it makes of those
    of every cell. Both must give the same bits in every cell; a program whose arrays are meant to
    differ sets `WRITES_DIFFER = True`. A command named by `exchange-core` does the same without Python,
    called as `COMMAND write ARRAYS.npz` and `COMMAND read ARRAYS.npz RESULTS.npz ...`; why it cannot
    read a file it writes to `RESULTS.npz.error`.

    Pyodides that `pyodides` in `[matrix]` names, run by Node.js, read what the others wrote. They have
    no numpy: arrays become memoryviews, and those of types that these do not have are left out, which
    the report says.

    Ends with 0 when every pair passed, 5 when a pair or a cell failed, 2 when the tool itself failed,
    and 3 when it was called wrongly or its configuration is wrong.

    Usage: truewheel matrix [OPTIONS]
           truewheel matrix <COMMAND>

    Commands:
      plan   List the cells, and why others do not exist, without running any
      merge  Join the results of all shards, which `--report FILE.json` wrote, into one
      show   Print a result once more, in any format

    Options:
          --format <FORMAT>
              How to print the result

              Possible values:
              - human:    For a person
              - json:     For a program; docs/matrix.schema.json describes it
              - junit:    For a CI system
              - markdown: To paste into an issue or a job summary
              - html:     A page to open in a browser

              [default: human]

          --report <FILE>
              Also write the result to this file, in the format that its name ends with: .json, .xml
              (JUnit), .md, .html or .txt; may be given several times

          --only <CELLS>
              Only these cells: names, in which `*` stands for anything, separated by commas
              (`py3.11-*,core`)

          --writers <CELLS>
              Let only these cells write

          --readers <CELLS>
              Let only these cells read

          --wheel <PATH>
              Let cells with this wheel take part: a file, or the newest that each Python takes of those
              in a directory or with a name such as `dist/a-*.whl` (default: `wheel` in `[matrix]`)

          --directory <DIR>
              Where environments are kept and the last result is (default: `target/matrix` in the
              project)

          --installer <INSTALLER>
              Who makes environments: `auto` is uv from PATH, else uv fetched with pip, else pip

              [default: auto]
              [possible values: auto, uv, pip]

          --offline
              Do not use the network: only what uv has in its cache, and Pyodides that a run has
              installed

          --shard <I/N>
              Run only this part of the pairs, by their readers: `2/4` is the second of four

          --rerun-failed
              Run again what failed in the last run, and keep the rest of its result

          --jobs <N>
              How many cells run at once (default: as many as there are processors)

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
    assert_snapshot!(machine.run(&["matrix", "plan", "--help"]), @"
    exit: 0
    --- stdout
    List the cells, and why others do not exist, without running any

    Usage: truewheel matrix plan [OPTIONS]

    Options:
          --only <CELLS>
              Only these cells: names, in which `*` stands for anything, separated by commas
              (`py3.11-*,core`)

          --writers <CELLS>
              Let only these cells write

          --readers <CELLS>
              Let only these cells read

          --wheel <PATH>
              Let cells with this wheel take part: a file, or the newest that each Python takes of those
              in a directory or with a name such as `dist/a-*.whl` (default: `wheel` in `[matrix]`)

          --directory <DIR>
              Where environments are kept and the last result is (default: `target/matrix` in the
              project)

          --installer <INSTALLER>
              Who makes environments: `auto` is uv from PATH, else uv fetched with pip, else pip

              [default: auto]
              [possible values: auto, uv, pip]

          --offline
              Do not use the network: only what uv has in its cache, and Pyodides that a run has
              installed

          --format <FORMAT>
              How to print the plan

              Possible values:
              - human:  For a person
              - json:   For a program
              - github: The matrix of a GitHub Actions job, one entry a shard

              [default: human]

          --shards <N>
              For `--format github`: into how many shards to divide it

              [default: 4]

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
    assert_snapshot!(machine.run(&["matrix", "merge", "--help"]), @"
    exit: 0
    --- stdout
    Join the results of all shards, which `--report FILE.json` wrote, into one

    Usage: truewheel matrix merge [OPTIONS] <RESULT>...

    Arguments:
      <RESULT>...
              Results of shards, one of each

    Options:
          --format <FORMAT>
              How to print the result

              Possible values:
              - human:    For a person
              - json:     For a program; docs/matrix.schema.json describes it
              - junit:    For a CI system
              - markdown: To paste into an issue or a job summary
              - html:     A page to open in a browser

              [default: human]

          --report <FILE>
              Also write the result to this file, in the format that its name ends with: .json, .xml
              (JUnit), .md, .html or .txt; may be given several times

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
fn shards_that_cannot_be() {
    let machine = Machine::new();
    assert_snapshot!(machine.run(&["matrix", "--shard", "5/4"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: invalid value '5/4' for '--shard <I/N>': there is no part 5 of 4

    For more information, try '--help'.
    ");
    assert_snapshot!(machine.run(&["matrix", "--shard", "1/2", "--rerun-failed"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: the argument '--shard <I/N>' cannot be used with '--rerun-failed'

    Usage: truewheel matrix --shard <I/N>

    For more information, try '--help'.
    ");
}

#[test]
fn reports_of_unknown_formats_and_results_that_are_none() {
    let machine = Machine::new();
    assert_snapshot!(machine.run(&["matrix", "--report", "a.pdf"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: nobody knows the format of a.pdf

    hint: `--report` takes files that end in .json, .xml, .md, .html or .txt
    ");
    assert_snapshot!(machine.run(&["matrix", "--rerun-failed"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: there is no result at [ROOT]/project/target/matrix/result.json

    hint: `truewheel matrix` writes one
    ");
    assert_snapshot!(machine.run(&["matrix", "show"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: there is no result at [ROOT]/project/target/matrix/result.json

    hint: `truewheel matrix` writes one
    ");
}
