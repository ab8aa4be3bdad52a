//! The single operations of the crate, for following a change: `cargo bench` in this directory.
//! Comparisons with numpy and other crates are the program beside it.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use npz::{Array, ArrayView, Compression, Header, Npz, NpzWriter};
use std::io::Cursor;

/// Elements of an array of 8 MiB.
const COUNT: usize = 2 << 20;

fn main() {
    divan::main();
}

/// Numbers that deflate to about a fifth, or hardly at all.
fn values(smooth: bool) -> Vec<f32> {
    let mut state = 1_u32;
    let mut sum = 0.0;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let mut value = || {
        let random = next();
        if smooth {
            sum += (random % 7) as f32 - 3.0;
            return sum;
        }
        f32::from_bits(0x3f80_0000 | random >> 9)
    };
    (0..COUNT).map(|_| value()).collect()
}

fn archive(values: &[f32], how: Compression) -> Vec<u8> {
    let view = ArrayView::from_slice(values, &[COUNT]).expect("the shape fits");
    let mut writer = NpzWriter::new(Cursor::new(Vec::new())).expect("memory can be written");
    writer.add("a", &view, how).expect("memory can be written");
    writer.finish().expect("memory can be written").into_inner()
}

#[divan::bench]
fn parse_a_header(bencher: Bencher) {
    let text = b"{'descr': [('a', '<f4'), ('b', '>i8', (2, 3))], 'fortran_order': False, 'shape': (3, 4), }\n";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text);
    bencher.bench(|| Header::read_from(&mut black_box(bytes.as_slice()), 1000));
}

fn write(bencher: Bencher, smooth: bool, how: Compression) {
    let values = values(smooth);
    bencher.counter(BytesCount::of_many::<f32>(COUNT)).bench_local(|| archive(&values, how));
}

#[divan::bench(args = [true, false])]
fn write_stored(bencher: Bencher, smooth: bool) {
    write(bencher, smooth, Compression::Stored);
}

#[divan::bench(args = [true, false])]
fn write_deflated(bencher: Bencher, smooth: bool) {
    write(bencher, smooth, Compression::Deflate(4));
}

fn read(bencher: Bencher, smooth: bool, how: Compression) {
    let directory = tempfile::tempdir().expect("there is a temporary directory");
    let path = directory.path().join("a.npz");
    std::fs::write(&path, archive(&values(smooth), how)).expect("it can be written");
    let read =
        || -> Array { Npz::open(&path).and_then(|file| file.read("a")).expect("it is whole") };
    bencher.counter(BytesCount::of_many::<f32>(COUNT)).bench_local(read);
}

#[divan::bench(args = [true, false])]
fn read_stored(bencher: Bencher, smooth: bool) {
    read(bencher, smooth, Compression::Stored);
}

#[divan::bench(args = [true, false])]
fn read_deflated(bencher: Bencher, smooth: bool) {
    read(bencher, smooth, Compression::Deflate(4));
}
