//! The renderer for issues.

use insta::assert_snapshot;
use report::render::{Options, markdown};

use crate::{faulty, healthy, hostile};

#[test]
fn a_report_to_paste_into_an_issue() {
    assert_snapshot!(markdown::render(&faulty(), &Options::default()), @r"
    **2 errors, 1 warning** · 2 follow from them · 1 suppressed · 1 unreadable · 1 check ok, 1 skipped, 1 crashed · 12 Pythons found, 3 used here · 38 ms · truewheel 0.1.0 on linux

    ## \~/proj/.venv (Python 3.11.7) at `/home/ann/proj/.venv`

    ### ✗ error ENV001 broken-interpreter-link

    its interpreter is a link that leads nowhere

    Cause: The Python it was made from was removed or upgraded

    - `/home/ann/proj/.venv/bin/python`: `link to /usr/bin/python3.11, which is missing`

    Fix 1 (removes or replaces something): make it again

    ```sh
    python3 -m venv --clear /home/ann/proj/.venv
    /home/ann/proj/.venv/bin/python -m pip install -e /home/ann/proj
    ```

    From it follow:

    - warning ENV006 virtual-env-mismatch: VIRTUAL\_ENV names an environment that cannot start (\~/proj/.venv (Python 3.11.7))
    - error BLD001 ambiguous-python: maturin will refuse to build here (proj)

    ## \~/proj/.venv (numpy 2.1.3) → /usr (numpy 1.24.2) at `/home/ann/proj/.venv`

    ### ✗ error NPY004 pickle-across-numpy-2

    an array pickled by numpy 2.1.3 cannot be loaded by numpy 1.24.2, in any protocol

    Cause: numpy 2 writes the module name numpy.\_core into pickles; numpy 1 before 1.26 has no such module

    - `/home/ann/proj/.venv/lib/python3.11/site-packages/numpy-2.1.3.dist-info`: `numpy 2.1.3`
    - `the reader will see:\nModuleNotFoundError: No module named 'numpy._core'`

    Fix 1: bring the reader to a numpy that knows numpy.\_core

    ```sh
    /usr/bin/python3 -m pip install 'numpy>=1.26.1'
    ```

    Fix 2 (by hand): exchange npz files instead

    write with `numpy.savez` and read with `allow_pickle=False`

    ```text
    edit /home/ann/proj/exchange.py:
    - pickle.dump(array, file)
    + numpy.savez(file, array)
    ```

    ```sh
    export PYTHONWARNINGS=error::DeprecationWarning
    unset PYTHONHOME
    ```

    ## target at `/mnt/c/target`

    ### ! warning FS006 foreign-file-system

    build directory on a slow file system

    ## Checks that could not judge

    - i skipped CTR002 daemon-unreachable (0.25 ms): no docker here
    - ✗ crashed LIB001 glibc-too-old (0.25 ms): index out of bounds

    ## Could not be read

    - `/home/ann/.conda/environments.txt: Permission denied`

    ## Suppressed

    - warning FS012 awkward-path: a space in the path of the environment (\~/proj/.venv (Python 3.11.7)): moves in spring, until 2027-01-31
    ");
}

#[test]
fn a_healthy_machine() {
    assert_snapshot!(markdown::render(&healthy(), &Options::default()), @"
    **no problems** · 2 checks ok, 1 skipped · 12 Pythons found, 3 used here · 38 ms · truewheel 0.1.0 on linux

    ## Checks that could not judge

    - i skipped CTR002 daemon-unreachable (0.25 ms): no docker here
    ");
}

#[test]
fn hostile_text_adds_no_structure() {
    let text = markdown::render(&hostile(), &Options { verbose: true, ..Options::default() });
    assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'));
    assert_snapshot!(text, @r"
    **1 error** · 1 follows from it · 1 suppressed · 1 unreadable · 0 checks ok, 1 crashed · 12 Pythons found, 3 used here · 37 ms · truewheel 0.1.0 on linux

    ## a\\n::error::x\\r\\u{1b}\[31mred\\u{1b}\]0;t\\u{7} \`b\` \`\`\`c\`\`\` &lt;img src=x\> \| \# h \*e\* \\u{202e}evil %0A at ````/home/ann/proj/a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %0A````

    ### ✗ error X001 evil

    a\\n::error::x\\r\\u{1b}\[31mred\\u{1b}\]0;t\\u{7} \`b\` \`\`\`c\`\`\` &lt;img src=x\> \| \# h \*e\* \\u{202e}evil %0A

    Cause: a\\n::error::x\\r\\u{1b}\[31mred\\u{1b}\]0;t\\u{7} \`b\` \`\`\`c\`\`\` &lt;img src=x\> \| \# h \*e\* \\u{202e}evil %0A

    - ````/home/ann/proj/a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %0A````: ````a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %0A````

    Fix 1: a\\n::error::x\\r\\u{1b}\[31mred\\u{1b}\]0;t\\u{7} \`b\` \`\`\`c\`\`\` &lt;img src=x\> \| \# h \*e\* \\u{202e}evil %0A

    ````sh
    rm $'a\012::error::x\015\033[31mred\033]0;t\007 `b` ```c``` <img src=x> | # h *e* \342\200\256evil %0A'
    export A=$'a\012::error::x\015\033[31mred\033]0;t\007 `b` ```c``` <img src=x> | # h *e* \342\200\256evil %0A'
    ````

    set the environment variable a\\n::error::x\\r\\u{1b}\[31mred\\u{1b}\]0;t\\u{7} \`b\` \`\`\`c\`\`\` &lt;img src=x\> \| \# h \*e\* \\u{202e}evil %0A to b

    ````sh
    rm -rf -- $'a\012::error::x\015\033[31mred\033]0;t\007 `b` ```c``` <img src=x> | # h *e* \342\200\256evil %0A'
    ````

    ````text
    write into a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %0A:
    a
    ::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %0A
    ````

    edit a\\n::error::x\\r\\u{1b}\[31mred\\u{1b}\]0;t\\u{7} \`b\` \`\`\`c\`\`\` &lt;img src=x\> \| \# h \*e\* \\u{202e}evil %0A: write \`a\\n::error::x\\r\\u{1b}\[31mred\\u{1b}\]0;t\\u{7} \`b\` \`\`\`c\`\`\` &lt;img src=x\> \| \# h \*e\* \\u{202e}evil %0A = a\\n::error::x\\r\\u{1b}\[31mred\\u{1b}\]0;t\\u{7} \`b\` \`\`\`c\`\`\` &lt;img src=x\> \| \# h \*e\* \\u{202e}evil %0A\` under \`\[a\\n::error::x\\r\\u{1b}\[31mred\\u{1b}\]0;t\\u{7} \`b\` \`\`\`c\`\`\` &lt;img src=x\> \| \# h \*e\* \\u{202e}evil %0A\]\`

    ````text
    edit a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %0A:
    a
    ::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %0A
    ````

    ````text
    a
    ::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %0A
    ````

    From it follow:

    - info X002 evil: a\\n::error::x\\r\\u{1b}\[31mred\\u{1b}\]0;t\\u{7} \`b\` \`\`\`c\`\`\` &lt;img src=x\> \| \# h \*e\* \\u{202e}evil %0A (a\\n::error::x\\r\\u{1b}\[31mred\\u{1b}\]0;t\\u{7} \`b\` \`\`\`c\`\`\` &lt;img src=x\> \| \# h \*e\* \\u{202e}evil %0A)

    ## Checks

    - ✗ crashed X003 evil (0.25 ms): a\\n::error::x\\r\\u{1b}\[31mred\\u{1b}\]0;t\\u{7} \`b\` \`\`\`c\`\`\` &lt;img src=x\> \| \# h \*e\* \\u{202e}evil %0A

    ## Could not be read

    - ````a\n::error::x\r\u{1b}[31mred\u{1b}]0;t\u{7} `b` ```c``` <img src=x> | # h *e* \u{202e}evil %0A````

    ## Suppressed

    - info X004 evil: a\\n::error::x\\r\\u{1b}\[31mred\\u{1b}\]0;t\\u{7} \`b\` \`\`\`c\`\`\` &lt;img src=x\> \| \# h \*e\* \\u{202e}evil %0A (a\\n::error::x\\r\\u{1b}\[31mred\\u{1b}\]0;t\\u{7} \`b\` \`\`\`c\`\`\` &lt;img src=x\> \| \# h \*e\* \\u{202e}evil %0A): a\\n::error::x\\r\\u{1b}\[31mred\\u{1b}\]0;t\\u{7} \`b\` \`\`\`c\`\`\` &lt;img src=x\> \| \# h \*e\* \\u{202e}evil %0A
    ");
}
