//! Any bytes as a wheel: no panic, and what is read of an entry is what its headers say.
#![no_main]

use artifacts::wheel::Wheel;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(wheel) = Wheel::open("core-1.0-cp311-cp311-linux_x86_64.whl", bytes.to_vec()) else {
        return;
    };
    for entry in &wheel.entries {
        let _ = (entry.is_directory(), entry.mode(), entry.modified());
        if entry.size > 1 << 24 {
            continue;
        }
        if let Ok(data) = wheel.read(entry) {
            assert_eq!(data.len() as u64, entry.size);
        }
    }
    let _ = (wheel.dist_info(), wheel.metadata(), wheel.wheel_file());
    let _ = (wheel.record(), wheel.entry_points());
});
