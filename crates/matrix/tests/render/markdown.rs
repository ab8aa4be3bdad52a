//! The renderer for workflows and issues.

use insta::assert_snapshot;
use matrix::render::markdown;
use matrix::{MatrixResult, Problem, ProblemKind};

use crate::samples::{default_matrix, faulty, hostile, huge, misread, pyodide, small, wheel};

/// GitHub refuses a comment with more characters, and cuts a summary of more than 1 MiB.
const MOST: usize = 60_000;

#[test]
fn what_pyodide_leaves_out_is_said() {
    let text = markdown::render(&pyodide());
    let (_, notes) = text.split_once("<details><summary>To know of some cells</summary>").unwrap();
    let (notes, _) = notes.split_once("</details>").unwrap();
    assert_snapshot!(notes.trim(), @"
    - **pyodide-0.25.1**: 20 of 40 arrays cannot be held there and were left out: `big-endian complex128`, `bytes`, `text` and 17 more (a memoryview has no type '&lt;c8': install numpy to read it)
    - **pyodide-0.25.1**: `numpy.load` would end in OSError (WSM001)
    ");
}

#[test]
fn two_cells_and_the_core() {
    assert_snapshot!(markdown::render(&small()), @r#"
    ✅ **all 9 pairs passed** · 3 cells · 1,080 arrays compared · 248 pickles read, 56 failed as predicted · 3 min 12 s · truewheel 0.1.0 on linux x86\_64, 2027-01-31T12:00:00Z

    Pairs by numpy, over all of their Pythons: ✅ passed, ❌ failed, ❔ not run, – a cell could not take part.

    | wrote ↓ read → | 1.24.4 | 2.2.6 | core |
    |---| :-: | :-: | :-: |
    | **1.24.4** | ✅ 1 | ✅ 1 | ✅ 1 |
    | **2.2.6** | ✅ 1 | ✅ 1 | ✅ 1 |
    | **core** | ✅ 1 | ✅ 1 | ✅ 1 |

    <details><summary>Every cell: ✓ passed, ✗ failed, ? not run, - could not take part</summary>

    | | wrote ↓ read → | 1 | 2 | 3 |
    |--:|---| :-: | :-: | :-: |
    | 1 | py3.11-numpy1.24.4 | ✓ | ✓ | ✓ |
    | 2 | py3.11-numpy2.2.6 | ✓ | ✓ | ✓ |
    | 3 | core | ✓ | ✓ | ✓ |

    </details>

    <details><summary>Pickles, the control: 56 of 248 do not load, as predicted</summary>

    - pickles of numpy 2.2.6 do not load in 1.24.4: `ModuleNotFoundError: No module named 'numpy._core'` (as predicted: array, fortran-array, strided-array, big-endian-array, structured-array, aligned-record, datetime-array, object-array, string-array, scalar, matrix, recarray, generator, ufunc in every protocol)
    - pickles of numpy 1.24.4 load with a warning in 2.2.6: `DeprecationWarning: numpy.core.numeric is deprecated` (as predicted: array, fortran-array in protocol 5)

    </details>
    "#);
}

#[test]
fn what_failed_stands_below_the_table() {
    let text = markdown::render(&faulty());
    let (_, rest) = text.split_once("### What failed").unwrap();
    let (failures, _) = rest.split_once("<details><summary>Every cell").unwrap();
    assert_snapshot!(failures.trim(), @"
    <details><summary>❌ 30 pairs: written by all 30 cells, read by py3.11-numpy1.24.4</summary>

    - differs: big-endian int16: `dtype is '<i2', not '>i2'`
    - differs: big-endian float32: `dtype is '<f4', not '>f4'`
    - differs: big-endian float64: `dtype is '<f8', not '>f8'`
    - differs: big-endian complex128: `dtype is '<c16', not '>c16'`

    </details>

    <details><summary>❌ 1 pair: written by py3.11-numpy2.2.6, read by py3.9-numpy1.26.4</summary>

    - pickle: array in protocol 5: `predicted: fails with ModuleNotFoundError: No module named 'numpy._core.numeric'; observed: loads`

    </details>

    <details><summary>❌ 1 pair: written by core, read by py3.8-numpy1.17.5</summary>

    - error: field names in UTF-8 (npy): `ValueError: Invalid header in <reader>`

    </details>

    ### Cells that could not take part

    - ❌ **py3.12-numpy1.26.0**: it did not write its arrays, so nobody could read them: `OSError: [Errno 28] No space left on device`. Next: mend what the message says, then run it again with `--rerun-failed`.
    - ❌ **py3.12-numpy2.5.5**: its interpreter is missing: ``no Python 3.12 on this machine; `uv python install 3.12` gets one``. Next: install that Python, or take it out of truewheel.toml.
    - ❌ **py3.13-numpy2.2.6**: it wrote its arrays, but did not finish reading the others': `killed by signal 9 after reading 17 of 32 writers`. Next: mend what the message says, then run it again with `--rerun-failed`.
    ");
}

/// Every pair of a hundred cells fails, each in its own way.
fn all_failing() -> MatrixResult {
    let mut result = huge();
    for (number, pair) in result.pairs.iter_mut().enumerate() {
        pair.formats[0].problems.push(Problem {
            case: "bool".to_owned(),
            kind: ProblemKind::Error,
            message: format!("Error {number}: {}", "long ".repeat(500)),
        });
    }
    result
}

#[test]
fn it_is_small_enough_to_post() {
    let mut one_reader = huge();
    misread(&mut one_reader, "py3.11-numpy1.24.4");
    for result in [default_matrix(), faulty(), huge(), one_reader, all_failing()] {
        let text = markdown::render(&result);
        assert!(text.len() < MOST, "{} bytes", text.len());
        assert_eq!(text.matches("<details").count(), text.matches("</details>").count());
    }
}

#[test]
fn what_has_no_room_is_named() {
    let mut result = all_failing();
    for cell in &mut result.cells {
        cell.numpy = Some(cell.name.clone());
    }
    let text = markdown::render(&result);
    assert!(text.contains("Left out for their size: the table by numpy"), "{text}");
}

#[test]
fn hostile_text_is_no_markup() {
    let text = markdown::render(&hostile());
    let mut rest = without_code(&text);
    for tag in ["<details>", "</details>", "<summary>", "</summary>"] {
        rest = rest.replace(tag, "");
    }
    assert!(!rest.contains('<'), "{rest}");
    assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'));
    assert!(!text.lines().any(|line| line.starts_with("::")));
}

/// The text without its code spans, which show what is in them.
fn without_code(text: &str) -> String {
    let run = |text: &str| text.len() - text.trim_start_matches('`').len();
    let mut prose = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('`').filter(|start| !rest[..*start].ends_with('\\')) {
        prose.push_str(&rest[..start]);
        let fence = run(&rest[start..]);
        rest = &rest[start + fence..];
        while let Some(end) = rest.find('`') {
            let length = run(&rest[end..]);
            rest = &rest[end + length..];
            if length == fence {
                break;
            }
        }
    }
    prose + rest
}

#[test]
fn cells_with_a_wheel_have_a_table_of_their_own() {
    let text = markdown::render(&wheel());
    let (arrays, with_wheel) = text.split_once("The same of cells with the wheel").unwrap();
    assert!(arrays.contains("| **1.24.4** | ✅ 4 | ✅ 2 | ✅ 2 |"), "{arrays}");
    assert!(with_wheel.contains("| **1.24.4** | ✅ 1 | ✅ 1 | ✅ 1 |"), "{with_wheel}");
    assert!(
        with_wheel.contains("| **2.2.6** | ❌ 1 of 2 | ❌ 1 of 4 | ❌ 1 of 2 |"),
        "{with_wheel}"
    );
    assert!(text.contains("wheel-written"), "{text}");
}
