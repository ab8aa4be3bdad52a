//! Any text as the texts of a wheel and as its name: no panic, and what is read of them lies in them.
#![no_main]

use artifacts::wheel::{Wheel, WheelName, normalized};
use libfuzzer_sys::fuzz_target;

const TEXTS: [&str; 4] = ["METADATA", "WHEEL", "RECORD", "entry_points.txt"];

fuzz_target!(|bytes: &[u8]| {
    let wheel =
        Wheel::open("core-1.0-py3-none-any.whl", archive(bytes)).expect("it is written well");
    for name in TEXTS {
        let entry = wheel.entry(&format!("core-1.0.dist-info/{name}")).expect("it is there");
        assert_eq!(wheel.read(entry).expect("it is stored"), bytes);
    }
    if let Ok(headers) = wheel.metadata() {
        let _ = headers.get("Name").map(normalized);
        assert_eq!(headers.get("Tag"), headers.all("Tag").next());
    }
    let _ = (wheel.wheel_file(), wheel.record(), wheel.entry_points());
    if let Ok(name) = std::str::from_utf8(bytes)
        && let Ok(parsed) = WheelName::parse(name)
    {
        assert!(!parsed.tags().is_empty());
    }
});

/// An archive whose texts are all the same.
fn archive(text: &[u8]) -> Vec<u8> {
    let mut zip = Vec::new();
    let mut directory = Vec::new();
    let size = u32::try_from(text.len()).expect("inputs are short");
    for name in TEXTS {
        let name = format!("core-1.0.dist-info/{name}");
        let offset = u32::try_from(zip.len()).expect("inputs are short");
        let length = u16::try_from(name.len()).expect("names are short");
        let mut shared = Vec::new();
        shared.extend([20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0]);
        shared.extend(crc32fast::hash(text).to_le_bytes());
        shared.extend(size.to_le_bytes());
        shared.extend(size.to_le_bytes());
        shared.extend(length.to_le_bytes());
        shared.extend([0, 0]);
        zip.extend(b"PK\x03\x04");
        zip.extend(&shared);
        zip.extend(name.as_bytes());
        zip.extend(text);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&shared);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = u32::try_from(zip.len()).expect("inputs are short");
    let length = u32::try_from(directory.len()).expect("names are short");
    zip.extend(directory);
    zip.extend(b"PK\x05\x06\0\0\0\0\x04\0\x04\0");
    zip.extend(length.to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend([0, 0]);
    zip
}
