//! The renderer for a person.

use insta::assert_snapshot;
use report::Report;
use report::render::{Options, human};

use crate::{faulty, healthy, hostile};

fn render(report: &Report, width: usize) -> String {
    human::render(report, &Options { width, ..Options::default() })
}

#[test]
fn a_healthy_machine_is_one_line() {
    assert_snapshot!(render(&healthy(), 80), @"✓ no problems · 2 checks ok, 1 skipped · 12 Pythons found, 3 used here · 38 ms");
}

#[test]
fn what_was_judged_is_said() {
    let with = |judged| {
        let mut report = healthy();
        report.summary.judged = judged;
        render(&report, 80)
    };
    assert!(with(0).contains("12 Pythons found, none used here"));
    assert!(with(12).contains("12 Pythons found and judged"));
}

#[test]
fn findings_are_grouped_with_the_worst_first() {
    assert_snapshot!(render(&faulty(), 120), @"
    ~/proj/.venv (Python 3.11.7)
      ✗ error ENV001 broken-interpreter-link: its interpreter is a link that leads nowhere
        cause: The Python it was made from was removed or upgraded
        seen: /home/ann/proj/.venv/bin/python: link to /usr/bin/python3.11, which is missing
        fix (removes or replaces something): make it again
          python3 -m venv --clear /home/ann/proj/.venv
          /home/ann/proj/.venv/bin/python -m pip install -e /home/ann/proj
        └ ! warning ENV006 virtual-env-mismatch: VIRTUAL_ENV names an environment that cannot start
          └ ✗ error BLD001 ambiguous-python: maturin will refuse to build here (proj)

    ~/proj/.venv (numpy 2.1.3) → /usr (numpy 1.24.2)
      ✗ error NPY004 pickle-across-numpy-2: an array pickled by numpy 2.1.3 cannot be loaded by numpy 1.24.2, in any
        protocol
        cause: numpy 2 writes the module name numpy._core into pickles; numpy 1 before 1.26 has no such module
        seen: /home/ann/proj/.venv/lib/python3.11/site-packages/numpy-2.1.3.dist-info: numpy 2.1.3
        seen: the reader will see:
          ModuleNotFoundError: No module named 'numpy._core'
        fix 1: bring the reader to a numpy that knows numpy._core
          /usr/bin/python3 -m pip install 'numpy>=1.26.1'
        fix 2 (by hand): exchange npz files instead
          - write with `numpy.savez` and read with `allow_pickle=False`
          - edit /home/ann/proj/exchange.py:
            - pickle.dump(array, file)
            + numpy.savez(file, array)
          export PYTHONWARNINGS=error::DeprecationWarning
          unset PYTHONHOME

    target
      ! warning FS006 foreign-file-system: build directory on a slow file system

    ✗ crashed LIB001 glibc-too-old: the check itself failed: index out of bounds

    ✗ 2 errors, 1 warning · 2 follow from them · 1 suppressed · 1 unreadable · 1 check ok, 1 skipped, 1 crashed · 12 Pythons found, 3 used here · 38 ms
    ");
}

#[test]
fn lines_break_at_the_width() {
    assert_snapshot!(render(&faulty(), 80), @"
    ~/proj/.venv (Python 3.11.7)
      ✗ error ENV001 broken-interpreter-link: its interpreter is a link that leads
        nowhere
        cause: The Python it was made from was removed or upgraded
        seen: /home/ann/proj/.venv/bin/python: link to /usr/bin/python3.11, which is
          missing
        fix (removes or replaces something): make it again
          python3 -m venv --clear /home/ann/proj/.venv
          /home/ann/proj/.venv/bin/python -m pip install -e /home/ann/proj
        └ ! warning ENV006 virtual-env-mismatch: VIRTUAL_ENV names an environment
          that cannot start
          └ ✗ error BLD001 ambiguous-python: maturin will refuse to build here
            (proj)

    ~/proj/.venv (numpy 2.1.3) → /usr (numpy 1.24.2)
      ✗ error NPY004 pickle-across-numpy-2: an array pickled by numpy 2.1.3 cannot
        be loaded by numpy 1.24.2, in any protocol
        cause: numpy 2 writes the module name numpy._core into pickles; numpy 1
          before 1.26 has no such module
        seen: /home/ann/proj/.venv/lib/python3.11/site-packages/numpy-2.1.3.dist-info:
          numpy 2.1.3
        seen: the reader will see:
          ModuleNotFoundError: No module named 'numpy._core'
        fix 1: bring the reader to a numpy that knows numpy._core
          /usr/bin/python3 -m pip install 'numpy>=1.26.1'
        fix 2 (by hand): exchange npz files instead
          - write with `numpy.savez` and read with `allow_pickle=False`
          - edit /home/ann/proj/exchange.py:
            - pickle.dump(array, file)
            + numpy.savez(file, array)
          export PYTHONWARNINGS=error::DeprecationWarning
          unset PYTHONHOME

    target
      ! warning FS006 foreign-file-system: build directory on a slow file system

    ✗ crashed LIB001 glibc-too-old: the check itself failed: index out of bounds

    ✗ 2 errors, 1 warning · 2 follow from them · 1 suppressed · 1 unreadable · 1 check ok, 1 skipped, 1 crashed · 12 Pythons found, 3 used here · 38 ms
    ");
}

#[test]
fn narrow_terminals_break_words_apart_but_never_commands() {
    assert_snapshot!(render(&faulty(), 40), @"
    ~/proj/.venv (Python 3.11.7)
      ✗ error ENV001
        broken-interpreter-link: its
        interpreter is a link that leads
        nowhere
        cause: The Python it was made from
          was removed or upgraded
        seen: /home/ann/proj/.venv/bin/python:
          link to /usr/bin/python3.11, which
          is missing
        fix (removes or replaces something): make
          it again
          python3 -m venv --clear /home/ann/proj/.venv
          /home/ann/proj/.venv/bin/python -m pip install -e /home/ann/proj
        └ ! warning ENV006
          virtual-env-mismatch: VIRTUAL_ENV
          names an environment that cannot
          start
          └ ✗ error BLD001 ambiguous-python:
            maturin will refuse to build
            here (proj)

    ~/proj/.venv (numpy 2.1.3) → /usr (numpy 1.24.2)
      ✗ error NPY004 pickle-across-numpy-2:
        an array pickled by numpy 2.1.3
        cannot be loaded by numpy 1.24.2, in
        any protocol
        cause: numpy 2 writes the module
          name numpy._core into pickles;
          numpy 1 before 1.26 has no such
          module
        seen: /home/ann/proj/.venv/lib/python3.11/site-packages/numpy-2.1.3.dist-info:
          numpy 2.1.3
        seen: the reader will see:
          ModuleNotFoundError: No module named 'numpy._core'
        fix 1: bring the reader to a numpy
          that knows numpy._core
          /usr/bin/python3 -m pip install 'numpy>=1.26.1'
        fix 2 (by hand): exchange npz files
          instead
          - write with `numpy.savez` and
            read with `allow_pickle=False`
          - edit /home/ann/proj/exchange.py:
            - pickle.dump(array, file)
            + numpy.savez(file, array)
          export PYTHONWARNINGS=error::DeprecationWarning
          unset PYTHONHOME

    target
      ! warning FS006 foreign-file-system:
        build directory on a slow file
        system

    ✗ crashed LIB001 glibc-too-old: the
      check itself failed: index out of
      bounds

    ✗ 2 errors, 1 warning · 2 follow from them · 1 suppressed · 1 unreadable · 1 check ok, 1 skipped, 1 crashed · 12 Pythons found, 3 used here · 38 ms
    ");
}

#[test]
fn verbose_lists_the_checks_and_what_was_left_out() {
    let options = Options { width: 80, verbose: true, color: false };
    let text = human::render(&faulty(), &options);
    let (_, rest) = text.split_once("\nchecks\n").unwrap();
    assert_snapshot!(rest, @"
      ! findings ENV001 broken-interpreter-link 0.25 ms
      ! findings NPY004 pickle-across-numpy-2 0.25 ms
      ✓ ok       FS009 disk-full 0.25 ms
      i skipped  CTR002 daemon-unreachable 0.25 ms: no docker here
      ✗ crashed  LIB001 glibc-too-old 0.25 ms: index out of bounds

    could not be read
      - /home/ann/.conda/environments.txt: Permission denied

    suppressed
      ! warning FS012 awkward-path: a space in the path of the environment
        (~/proj/.venv (Python 3.11.7))
        reason: moves in spring, until 2027-01-31

    ✗ 2 errors, 1 warning · 2 follow from them · 1 suppressed · 1 unreadable · 1 check ok, 1 skipped, 1 crashed · 12 Pythons found, 3 used here · 38 ms
    ");
}

#[test]
fn colour_adds_escapes_and_nothing_else() {
    let plain = render(&faulty(), 80);
    let coloured = human::render(&faulty(), &Options { width: 80, color: true, verbose: false });
    assert!(!plain.contains('\x1b'));
    assert!(coloured.contains("\x1b["));
    let mut stripped = String::new();
    for (index, part) in coloured.split("\x1b[").enumerate() {
        let text = if index == 0 { part } else { part.split_once('m').unwrap().1 };
        stripped.push_str(text);
    }
    assert_eq!(stripped, plain);
}

#[test]
fn hostile_text_stays_text() {
    let text = human::render(&hostile(), &Options { width: 100, color: false, verbose: true });
    assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'));
    assert!(!text.lines().any(|line| line.starts_with("::")));
    assert_snapshot!(text, @r"
    a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %0A at /home/ann/proj/a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %0A
      ✗ error X001 evil: a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e*
        \u{202e}evil %0A
        cause: a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e*
          \u{202e}evil %0A
        seen: /home/ann/proj/a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h
          *e* \u{202e}evil %0A: a
          ::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %0A
        fix: a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil
          %0A
          rm $'a\012::error::x\015\033[31mred\033]0;t\007 `b` ```c``` <img src=x> | # h *e* \342\200\256evil %0A'
          export A=$'a\012::error::x\015\033[31mred\033]0;t\007 `b` ```c``` <img src=x> | # h *e* \342\200\256evil %0A'
          - set the environment variable a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img
            src=x> | # h *e* \u{202e}evil %0A to b
          rm -rf -- $'a\012::error::x\015\033[31mred\033]0;t\007 `b` ```c``` <img src=x> | # h *e* \342\200\256evil %0A'
          - write into a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e*
            \u{202e}evil %0A:
            a
            ::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %0A
          - edit a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e*
            \u{202e}evil %0A: write `a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x>
            | # h *e* \u{202e}evil %0A = a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img
            src=x> | # h *e* \u{202e}evil %0A` under `[a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b`
            ```c``` <img src=x> | # h *e* \u{202e}evil %0A]`
          - edit a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e*
            \u{202e}evil %0A:
            a
            ::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %0A
          - a
            ::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %0A
        └ i info X002 evil: a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h
          *e* \u{202e}evil %0A (a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | #
          h *e* \u{202e}evil %0A)

    ✗ crashed X003 evil: the check itself failed: a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b`
      ```c``` <img src=x> | # h *e* \u{202e}evil %0A

    checks
      ✗ crashed  X003 evil 0.25 ms: a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x>
        | # h *e* \u{202e}evil %0A

    could not be read
      - a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %0A

    suppressed
      i info X004 evil: a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e*
        \u{202e}evil %0A (a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e*
        \u{202e}evil %0A)
        reason: a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e*
          \u{202e}evil %0A

    ✗ 1 error · 1 follows from it · 1 suppressed · 1 unreadable · 0 checks ok, 1 crashed · 12 Pythons found, 3 used here · 37 ms
    ");
}
