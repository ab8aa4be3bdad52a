//! Any bytes as the file that makes a virtual environment one: no panic, the same one twice.
#![no_main]

mod machine;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    machine::read(bytes, &["/home/ann/work/.venv/pyvenv.cfg"]);
});
