//! Any bytes as a data file of any name: no panic, and looking shortly tells nothing that looking
//! long does not.
#![no_main]

use artifacts::{DataOptions, inspect_data};
use libfuzzer_sys::fuzz_target;

const EXTENSIONS: [&str; 6] = ["npy", "npz", "pkl", "pt", "joblib", ""];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let extension = EXTENSIONS[usize::from(*first) % EXTENSIONS.len()];
    let thorough = DataOptions {
        instructions: 1 << 16,
        member_bytes: 1 << 20,
        ..DataOptions::thorough(extension, true)
    };
    let long = inspect_data(&bytes, &thorough);
    let short = inspect_data(&bytes, &DataOptions::quick(extension));
    assert_eq!(long.format, short.format);
    assert_eq!(long.size, bytes.len() as u64);
    assert!(short.arrays.len() <= long.arrays.len());
    // Whoever looks at a header alone is told of the same arrays.
    for (short, long) in short.arrays.iter().zip(&long.arrays) {
        assert_eq!((&short.dtype, &short.shape), (&long.dtype, &long.shape));
    }
});
