//! Any data, written in any way, come back.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use npz::{ArrayView, Compression, Limits, Npz, NpzWriter};

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (how, repeat, data) = input;
    // Repeated, so that some arrays have several chunks.
    let data = data.repeat(usize::from(repeat) % 2000 + 1);
    let how = match how % 11 {
        0 => Compression::Stored,
        10 => Compression::Auto,
        level => Compression::Deflate(level),
    };
    let view = ArrayView::from_slice(&data, &[data.len()]).unwrap();
    let mut writer = NpzWriter::new(Cursor::new(Vec::new())).unwrap();
    writer.add("added", &view, how).unwrap();
    let mut member = writer.stream("streamed", view.header(), how).unwrap();
    data.chunks(777_777).for_each(|piece| member.write_bytes(piece).unwrap());
    member.finish().unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    let npz = Npz::from_source(bytes.as_slice(), Limits::trusted()).unwrap();
    for name in ["added", "streamed"] {
        assert_eq!(npz.read(name).unwrap().bytes(), data);
        npz.verify(name).unwrap();
    }
    if how == Compression::Auto {
        for member in npz.members() {
            assert!(member.compressed_size <= member.size);
        }
    }
});
