//! Any bytes as ELF: no panic, and every question about them is answered.
#![no_main]

mod module;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| module::ask(&module::marked(bytes, &[b"\x7fELF"])));
