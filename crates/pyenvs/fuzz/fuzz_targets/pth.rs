//! Any bytes as a file of more directories to import from: no panic, and the same ones twice.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    pyenvs_fuzz::read(
        bytes,
        &[
            "/home/ann/work/.venv/lib/python3.11/site-packages/more.pth",
            "/home/ann/work/.venv/lib/python3.11/site-packages/__editable__.core.pth",
        ],
    );
});
