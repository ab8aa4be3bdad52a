//! Any bytes as an npz file: no panic, and every way to read a member agrees.
#![no_main]

use libfuzzer_sys::fuzz_target;
use npz::{Limits, NpyReader, Npz};

fuzz_target!(|bytes: &[u8]| {
    let mut limits = Limits::default();
    limits.inflated_bytes = 1 << 24;
    let Ok(npz) = Npz::from_source(bytes, limits) else { return };
    for member in npz.members() {
        let name = member.file_name;
        let read = npz.read(name);
        let streamed = npz.stream(name).and_then(NpyReader::read_array);
        assert_eq!(read.is_ok(), streamed.is_ok());
        let Ok(read) = read else { continue };
        assert_eq!(read.bytes(), streamed.unwrap().bytes());
        npz.verify(name).unwrap();
        if let Ok(view) = npz.view(name) {
            assert_eq!(view.bytes(), read.bytes());
        }
    }
});
