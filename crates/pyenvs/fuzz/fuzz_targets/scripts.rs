//! Any bytes as the scripts of an environment: no panic, and the same interpreter twice.
#![no_main]

mod machine;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    machine::read(
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
