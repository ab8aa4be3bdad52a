//! Any bytes as Mach-O, of one architecture or several: no panic, and every question about them is
//! answered.
#![no_main]

mod module;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let marks: [&[u8]; 6] = [
        b"\xcf\xfa\xed\xfe",
        b"\xce\xfa\xed\xfe",
        b"\xfe\xed\xfa\xcf",
        b"\xfe\xed\xfa\xce",
        b"\xca\xfe\xba\xbe",
        b"\xca\xfe\xba\xbf",
    ];
    module::ask(&module::marked(bytes, &marks));
});
