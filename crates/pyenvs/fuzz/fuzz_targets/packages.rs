//! Any bytes as the files of an installed package: no panic, and the same package every time.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    pyenvs_fuzz::read(
        bytes,
        &[
            "/home/ann/work/.venv/lib/python3.11/site-packages/core-1.0.dist-info/METADATA",
            "/home/ann/work/.venv/lib/python3.11/site-packages/core-1.0.dist-info/RECORD",
            "/home/ann/work/.venv/lib/python3.11/site-packages/core-1.0.dist-info/INSTALLER",
            "/home/ann/work/.venv/lib/python3.11/site-packages/core-1.0.dist-info/direct_url.json",
            "/home/ann/work/.venv/lib/python3.11/site-packages/old.egg-info",
        ],
    );
});
