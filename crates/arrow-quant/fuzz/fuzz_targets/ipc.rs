//! Any bytes as a file of Arrow IPC.
#![no_main]

mod files;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| files::read("arrow", data));
