//! Any bytes as the scripts of an environment: no panic, and the same interpreter twice.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    pyenvs_fuzz::read(
        bytes,
        &[
            "/home/ann/work/.venv/bin/activate",
            "/home/ann/work/.venv/bin/activate.bat",
            "/home/ann/work/.venv/bin/pip",
            "/home/ann/work/.venv/bin/maturin",
            "/home/ann/.pyenv/shims/python",
        ],
    );
});
