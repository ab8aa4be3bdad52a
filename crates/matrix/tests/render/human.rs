//! The renderer for a person at a terminal.

use insta::assert_snapshot;
use matrix::MatrixResult;
use matrix::render::{Options, human};
use report::render::width;

use crate::samples::{default_matrix, faulty, hostile, huge, pyodide, small, wheel};

fn render(result: &MatrixResult, width: usize) -> String {
    human::render(result, &Options { width, ..Options::default() })
}

/// The lines of the table, before the legend.
fn table(text: &str) -> Vec<&str> {
    text.lines().take_while(|line| !line.starts_with("✓ passed")).collect()
}

#[test]
fn two_cells_and_the_core() {
    assert_snapshot!(render(&small(), 100), @"
    Who reads whose arrays: writers down, readers across, by their numbers
                         1 2 3
    1 py3.11-numpy1.24.4 ✓ ✓ ✓
    2 py3.11-numpy2.2.6  ✓ ✓ ✓
    3 core               ✓ ✓ ✓

    ✓ passed

    Pickles, the control: what these arrays would meet without npy and npz
      · pickles of numpy 2.2.6 do not load in 1.24.4: ModuleNotFoundError: No module named 'numpy._core'
        as predicted: array, fortran-array, strided-array, big-endian-array, structured-array,
          aligned-record, datetime-array, object-array, string-array, scalar, matrix, recarray,
          generator, ufunc in every protocol
      · pickles of numpy 1.24.4 load with a warning in 2.2.6: DeprecationWarning: numpy.core.numeric is
        deprecated
        as predicted: array, fortran-array in protocol 5

    ✓ all 9 pairs passed · 3 cells · 1,080 arrays compared · 248 pickles read, 56 failed as predicted
      3 min 12 s
    ");
}

#[test]
fn what_pyodide_leaves_out_is_said_and_why_another_is_not_there() {
    let text = render(&pyodide(), 100);
    let (_, after) = text.split_once("✓ passed").unwrap();
    let (shown, _) = after.split_once("Pickles, the control").unwrap();
    assert_snapshot!(format!("{}\n{shown}", table(&text).join("\n")), @"
    Who reads whose arrays: writers down, readers across, by their numbers
                         1 2 3 4 5
    1 py3.11-numpy1.24.4 ✓ ✓ ✓ ✓ -
    2 py3.11-numpy2.2.6  ✓ ✓ ✓ ✓ -
    3 core               ✓ ✓ ✓ ✓ -

    only read: 4 pyodide-0.25.1, 5 pyodide-314.0.7
       - a cell could not take part

    Cells that could not take part
      ✗ pyodide-314.0.7: it cannot be had
        seen: there is no Node.js on PATH; install it
        next: mend what the message says, or take it out of `pyodides` in truewheel.toml

    To know of some cells
      pyodide-0.25.1: 20 of 40 arrays cannot be held there and were left out: `big-endian complex128`,
        `bytes`, `text` and 17 more (a memoryview has no type '<c8': install numpy to read it)
      pyodide-0.25.1: `numpy.load` would end in OSError (WSM001)
    ");
}

#[test]
fn cells_with_a_wheel_have_a_lane_of_their_own() {
    assert_snapshot!(render(&wheel(), 100), @"
    Who reads whose arrays: writers down, readers across, by their numbers
                         1 2 3 4
    1 py3.8-numpy1.24.4  ✓ ✓ ✓ ✓
    2 py3.11-numpy1.24.4 ✓ ✓ ✓ ✓
    3 py3.11-numpy2.2.6  ✓ ✓ ✓ ✓
    4 core               ✓ ✓ ✓ ✓

    Who reads with the wheel what others wrote with it: writers down, readers across, by their numbers
                               5 6 7 8
    5 wheel-py3.11-numpy1.24.4 ✓ ✓ - ✓
    6 wheel-py3.11-numpy2.2.6  ✗ ✗ - ✗
    7 wheel-py3.12-numpy2.2.6  - - - -
    8 wheel-core               ✓ ✓ - ✓

    ✓ passed   ✗ failed   - a cell could not take part

    What failed
      ✗ 3 pairs: written by wheel-py3.11-numpy2.2.6, read by all 3 cells with the wheel
        differs: small/codes (wheel-written): element 1 of 3 is 2, not 1; 2 of 3 agree on that

    Cells that could not take part
      ✗ wheel-py3.12-numpy2.2.6: its environment does not work
        seen: exchange.py cannot be imported: ImportError: no symbol
        next: mend what the message says; `--rerun-failed` makes the environment anew

    Not available
      n/a the wheel on Python 3.8: The wheel is compatible with CPython 3.9, but you're using CPython
        3.8

    Pickles, the control: what these arrays would meet without npy and npz
      · pickles of numpy 2.2.6 do not load in 1.24.4: ModuleNotFoundError: No module named 'numpy._core'
        as predicted: array, fortran-array, strided-array, big-endian-array, structured-array,
          aligned-record, datetime-array, object-array, string-array, scalar, matrix, recarray,
          generator, ufunc in every protocol
      · pickles of numpy 1.24.4 load with a warning in 2.2.6: DeprecationWarning: numpy.core.numeric is
        deprecated
        as predicted: array, fortran-array in protocol 5

    ✗ 3 of 25 pairs failed, 1 cell could not take part · 7 cells, 1 not available · 1 wheel
      1,974 arrays compared · 552 pickles read, 112 failed as predicted · 3 min 12 s
    ");
}

#[test]
fn what_failed_is_told_by_cause() {
    assert_snapshot!(render(&faulty(), 100), @"
    Who reads whose arrays: writers down, readers across, by their numbers
                                            1 1 1 1 1 1 1 1 1 1 2 2 2 2 2 2 2 2 2 2 3 3 3
                          1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2
     1 py3.8-numpy1.17.5  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
     2 py3.8-numpy1.21.6  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
     3 py3.8-numpy1.23.5  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
     4 py3.8-numpy1.24.4  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
     5 py3.9-numpy1.21.6  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
     6 py3.9-numpy1.23.5  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
     7 py3.9-numpy1.24.4  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
     8 py3.9-numpy1.26.0  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
     9 py3.9-numpy1.26.4  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    10 py3.9-numpy2.0.2   ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ? ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    11 py3.10-numpy1.21.6 ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    12 py3.10-numpy1.23.5 ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    13 py3.10-numpy1.24.4 ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    14 py3.10-numpy1.26.0 ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    15 py3.10-numpy1.26.4 ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    16 py3.10-numpy2.0.2  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    17 py3.10-numpy2.2.6  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    18 py3.11-numpy1.23.5 ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    19 py3.11-numpy1.24.4 ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    20 py3.11-numpy1.26.0 ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    21 py3.11-numpy1.26.4 ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    22 py3.11-numpy2.0.2  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    23 py3.11-numpy2.2.6  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    24 py3.11-numpy2.4.6  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    25 py3.12-numpy1.26.0 - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - -
    26 py3.12-numpy1.26.4 ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    27 py3.12-numpy2.0.2  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    28 py3.12-numpy2.2.6  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    29 py3.12-numpy2.5.5  - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - -
    30 py3.13-numpy2.2.6  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    31 py3.13-numpy2.5.5  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓
    32 core               ✗ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✗ ✓ ✓ ✓ ✓ ✓ - ✓ ✓ ✓ - - ✓ ✓

    ✓ passed   ✗ failed   ? not run   - a cell could not take part

    What failed
      ✗ 30 pairs: written by all 30 cells, read by py3.11-numpy1.24.4
        differs: big-endian int16: dtype is '<i2', not '>i2'
        differs: big-endian float32: dtype is '<f4', not '>f4'
        differs: big-endian float64: dtype is '<f8', not '>f8'
        differs: big-endian complex128: dtype is '<c16', not '>c16'
      ✗ 1 pair: written by py3.11-numpy2.2.6, read by py3.9-numpy1.26.4
        pickle: array in protocol 5: predicted: fails with ModuleNotFoundError: No module named
          'numpy._core.numeric'; observed: loads
      ✗ 1 pair: written by core, read by py3.8-numpy1.17.5
        error: field names in UTF-8 (npy): ValueError: Invalid header in <reader>

    Cells that could not take part
      ✗ py3.12-numpy1.26.0: it did not write its arrays, so nobody could read them
        seen: OSError: [Errno 28] No space left on device
        next: mend what the message says, then run it again with `--rerun-failed`
      ✗ py3.12-numpy2.5.5: its interpreter is missing
        seen: no Python 3.12 on this machine; `uv python install 3.12` gets one
        next: install that Python, or take it out of truewheel.toml
      ✗ py3.13-numpy2.2.6: it wrote its arrays, but did not finish reading the others'
        seen: killed by signal 9 after reading 17 of 32 writers
        next: mend what the message says, then run it again with `--rerun-failed`

    Not available
      n/a numpy 1.17.5: the index has no wheel of numpy 1.17.5 for CPython 3.9, 3.10, 3.11, 3.12, 3.13
      n/a numpy 1.21.6: the index has no wheel of numpy 1.21.6 for CPython 3.11, 3.12, 3.13
      n/a numpy 1.23.5: the index has no wheel of numpy 1.23.5 for CPython 3.12, 3.13
      n/a numpy 1.24.4: the index has no wheel of numpy 1.24.4 for CPython 3.12, 3.13
      n/a numpy 1.26.0: the index has no wheel of numpy 1.26.0 for CPython 3.8, 3.13
      n/a numpy 1.26.4: the index has no wheel of numpy 1.26.4 for CPython 3.8, 3.13
      n/a numpy 2.0.2: the index has no wheel of numpy 2.0.2 for CPython 3.8, 3.13
      n/a numpy 2.2.6: the index has no wheel of numpy 2.2.6 for CPython 3.8, 3.9

    Pickles, the control: what these arrays would meet without npy and npz
      · pickles of numpy 2.0.2, 2.2.6, 2.4.6, 2.5.5 do not load in 1.17.5 to 1.26.0:
        ModuleNotFoundError: No module named 'numpy._core'
        as predicted: array, fortran-array, strided-array, big-endian-array, structured-array,
          aligned-record, datetime-array, object-array, string-array, scalar, matrix, recarray,
          generator, ufunc in every protocol
      · pickles of numpy 2.0.2, 2.2.6, 2.4.6, 2.5.5 do not load in 1.26.4: ModuleNotFoundError: No
        module named 'numpy.rec'
        as predicted: recarray in every protocol
      · pickles of numpy 2.0.2, 2.2.6, 2.4.6, 2.5.5 do not load in 1.26.4: ValueError: incorrect value
        for flags variable (overflow)
        as predicted: aligned-record in protocols 2 to 4
      · pickles of numpy 2.0.2, 2.2.6, 2.4.6, 2.5.5 do not load in 1.26.4: ModuleNotFoundError: No
        module named 'numpy._core.numeric'
        as predicted: array, fortran-array in protocol 5
      · pickles of numpy 1.17.5 to 1.26.4 load with a warning in 2.0.2, 2.2.6, 2.4.6, 2.5.5:
        DeprecationWarning: numpy.core.numeric is deprecated
        as predicted: array, fortran-array in protocol 5

    ✗ 32 of 869 pairs failed, 3 cells could not take part, 1 pair was not run
      29 cells, 20 not available · 104,280 arrays compared
      49,776 pickles read, 8,759 failed as predicted · 3 min 12 s
    ");
}

#[test]
fn the_default_matrix_fits_a_hundred_columns_in_one_block() {
    let text = render(&default_matrix(), 100);
    // The heading, two lines of numbers, thirty-two rows and an empty line.
    assert_eq!(table(&text).len(), 36);
    for line in text.lines() {
        assert!(width(line) <= 100, "{line}");
    }
    let last = text.lines().rev().nth(1).unwrap();
    assert!(last.starts_with("✓ all 1,024 pairs passed · 32 cells, 20 not available · "), "{last}");
}

#[test]
fn the_original_failure_is_derived_from_the_data() {
    let text = render(&default_matrix(), 200);
    let line = "pickles of numpy 2.0.2, 2.2.6, 2.4.6, 2.5.5 do not load in 1.17.5 to 1.26.0: \
                ModuleNotFoundError: No module named 'numpy._core'";
    assert!(text.contains(line), "{text}");
    let mut without = default_matrix();
    without.cells.retain(|cell| cell.numpy.as_deref().is_none_or(|numpy| numpy.starts_with('1')));
    let text = render(&without, 200);
    assert!(text.contains("every pickle loads everywhere"), "{text}");
}

#[test]
fn a_hundred_cells_are_split_into_blocks() {
    let text = render(&huge(), 100);
    let table = table(&text);
    let blocks = table.split(|line| line.is_empty()).filter(|block| block.len() > 1).count();
    assert_eq!(blocks, 3);
    assert!(table.iter().all(|line| width(line) <= 100));
    let signs: usize = table.iter().map(|line| line.matches('✓').count()).sum();
    assert_eq!(signs, huge().pairs.len());
}

#[test]
fn readers_that_do_not_write_are_named_below() {
    let mut result = small();
    result.cells[0].writes = false;
    result.pairs.retain(|pair| pair.writer != "py3.11-numpy1.24.4");
    let text = render(&result, 100);
    assert!(text.contains("only read: 1 py3.11-numpy1.24.4"), "{text}");
    assert!(text.contains("✓ all 6 pairs passed"), "{text}");
}

#[test]
fn colour_adds_nothing_but_colour() {
    let plain = render(&faulty(), 100);
    let coloured = human::render(&faulty(), &Options { width: 100, color: true });
    let mut stripped = String::new();
    for part in coloured.split('\u{1b}') {
        let (_, text) =
            part.split_once('m').filter(|_| part.starts_with('[')).unwrap_or(("", part));
        stripped.push_str(text);
    }
    assert_ne!(plain, coloured);
    assert_eq!(plain, stripped);
}

#[test]
fn nothing_in_it_can_move_a_cursor() {
    let text = render(&hostile(), 100);
    assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'));
    assert!(!text.lines().any(|line| line.starts_with("::")));
}
