//! Any bytes as the files by which projects choose a Python: no panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    pyenvs_fuzz::search(
        bytes,
        &[
            "/home/ann/work/.python-version",
            "/home/ann/work/.python-versions",
            "/home/ann/work/pyproject.toml",
            "/home/ann/work/uv.toml",
            "/home/ann/.pyenv/version",
        ],
    );
});
