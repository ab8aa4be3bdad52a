//! Any bytes as the files that conda keeps: no panic in a search of the machine.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    pyenvs_fuzz::search(
        bytes,
        &["/home/ann/.condarc", "/home/ann/.conda/environments.txt", "/opt/conda/.condarc"],
    );
});
