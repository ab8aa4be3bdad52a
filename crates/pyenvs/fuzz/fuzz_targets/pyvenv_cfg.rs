//! Any bytes as the file that makes a virtual environment one: no panic, the same one twice.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    pyenvs_fuzz::read(bytes, &["/home/ann/work/.venv/pyvenv.cfg"]);
});
