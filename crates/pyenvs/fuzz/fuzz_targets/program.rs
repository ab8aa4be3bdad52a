//! Any bytes as interpreters, and as what is beside them: no panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    pyenvs_fuzz::search(
        bytes,
        &[
            "/opt/python/bin/python3.11",
            "/home/ann/work/.venv/bin/python",
            "/opt/python/include/python3.11/patchlevel.h",
            "/lib64/ld-linux-x86-64.so.2",
            "/lib/ld-musl-x86_64.so.1",
            "/opt/python/lib/libpython3.11.so.1.0",
        ],
    );
});
