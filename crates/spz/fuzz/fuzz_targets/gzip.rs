//! Any bytes as the content of a gzip stream with the right checksum, which a fuzzer would hardly
//! find: headers, parts and records of vendors.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spz::{Field, Options};

/// As stored blocks, so that the content is what the fuzzer sees.
fn gzip(content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let blocks: Vec<&[u8]> = content.chunks(0xFFFF).collect();
    for (number, block) in blocks.iter().enumerate() {
        bytes.push(u8::from(number + 1 == blocks.len()));
        bytes.extend_from_slice(&(block.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&(!(block.len() as u16)).to_le_bytes());
        bytes.extend_from_slice(block);
    }
    bytes.extend_from_slice(&crc32fast::hash(content).to_le_bytes());
    bytes.extend_from_slice(&(content.len() as u32).to_le_bytes());
    bytes
}

fuzz_target!(|content: &[u8]| {
    if content.is_empty() {
        return;
    }
    let content = [b"NGSP", content].concat();
    let Ok(cloud) = spz::read_bytes(&gzip(&content), &Options::default()) else { return };
    let rotations = cloud.array(Field::Rotations).expect("all are wanted");
    assert!(rotations.iter().all(|part| part.abs() <= 1.01));
});
