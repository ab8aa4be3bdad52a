//! The renderer for GitHub Actions.

use insta::assert_snapshot;
use report::render::{Options, github};

use crate::{faulty, healthy, hostile};

#[test]
fn each_cause_is_an_annotation() {
    assert_snapshot!(github::render(&faulty(), &Options::default()), @"
    ::error file=.venv/bin/python,title=ENV001 broken-interpreter-link::its interpreter is a link that leads nowhere%0Ain: ~/proj/.venv (Python 3.11.7)%0Acause: The Python it was made from was removed or upgraded%0Afix: make it again%0A  python3 -m venv --clear /home/ann/proj/.venv%0A  /home/ann/proj/.venv/bin/python -m pip install -e /home/ann/proj%0Afrom it: ENV006 virtual-env-mismatch: VIRTUAL_ENV names an environment that cannot start%0Afrom it: BLD001 ambiguous-python: maturin will refuse to build here
    ::error file=.venv/lib/python3.11/site-packages/numpy-2.1.3.dist-info,title=NPY004 pickle-across-numpy-2::an array pickled by numpy 2.1.3 cannot be loaded by numpy 1.24.2, in any protocol%0Ain: ~/proj/.venv (numpy 2.1.3) → /usr (numpy 1.24.2)%0Acause: numpy 2 writes the module name numpy._core into pickles; numpy 1 before 1.26 has no such module%0Afix: bring the reader to a numpy that knows numpy._core%0A  /usr/bin/python3 -m pip install 'numpy>=1.26.1'
    ::warning title=FS006 foreign-file-system::build directory on a slow file system%0Ain: target
    2 errors, 1 warning · 2 follow from them · 1 suppressed · 1 unreadable · 1 check ok, 1 skipped, 1 crashed · 12 Pythons found, 3 used here · 38 ms
    ");
}

#[test]
fn a_healthy_machine_has_no_annotation() {
    assert_snapshot!(github::render(&healthy(), &Options::default()), @"no problems · 2 checks ok, 1 skipped · 12 Pythons found, 3 used here · 38 ms");
}

#[test]
fn hostile_text_cannot_start_a_command() {
    let text = github::render(&hostile(), &Options::default());
    let commands = text.lines().filter(|line| line.starts_with("::")).count();
    assert_eq!(commands, 1);
    assert_eq!(text.lines().count(), 2);
    assert_snapshot!(text, @r"
    ::error file=a\n%3A%3Aerror%3A%3Ax\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %250A,title=X001 evil::a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %250A%0Ain: a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %250A%0Acause: a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %250A%0Afix: a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %250A%0A  rm $'a\012::error::x\015\033[31mred\033]0;t\007 `b` ```c``` <img src=x> | # h *e* \342\200\256evil %250A'%0A  export A=$'a\012::error::x\015\033[31mred\033]0;t\007 `b` ```c``` <img src=x> | # h *e* \342\200\256evil %250A'%0A  set the environment variable a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %250A to b%0A  rm -rf -- $'a\012::error::x\015\033[31mred\033]0;t\007 `b` ```c``` <img src=x> | # h *e* \342\200\256evil %250A'%0A  write into a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %250A:%0A  a%0A  ::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %250A%0A  edit a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %250A: write `a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %250A = a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %250A` under `[a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %250A]`%0A  edit a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %250A:%0A  a%0A  ::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %250A%0A  a%0A  ::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %250A%0Afrom it: X002 evil: a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %250A
    1 error · 1 follows from it · 1 suppressed · 1 unreadable · 0 checks ok, 1 crashed · 12 Pythons found, 3 used here · 37 ms
    ");
}
