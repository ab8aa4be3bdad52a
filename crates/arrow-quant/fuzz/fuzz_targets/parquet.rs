//! Any bytes as a file of Parquet.
#![no_main]

mod files;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| files::read("parquet", data));
