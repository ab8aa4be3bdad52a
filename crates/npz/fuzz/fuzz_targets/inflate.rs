//! Any bytes as a deflate stream: what zlib-rs makes of them is what this crate makes of them, read
//! at once, by several threads, and in small pieces.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use npz::{DType, Header, Limits, Npz, Order};
use zlib_rs::{Inflate, InflateFlush, Status};

/// No more is decoded of a stream than this.
const MOST: usize = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    // The data of an array follow its header, which is a stored block here.
    let (size, is_fine) = {
        let (data, is_fine) = decode(&stream(&header(0), bytes));
        (data.len() - header(0).len(), is_fine)
    };
    if size + 1000 > MOST {
        return;
    }
    let head = header(size);
    let stream = stream(&head, bytes);
    let (data, _) = decode(&stream);
    let archive = archive(&stream, &data);
    let npz = Npz::from_source(archive.as_slice(), Limits::trusted()).unwrap();
    let read = npz.read("a");
    assert_eq!(read.is_ok(), is_fine);
    let Ok(array) = read else { return };
    assert!(array.bytes() == &data[head.len()..]);
    let mut member = npz.member("a").unwrap();
    let mut pieces = Vec::new();
    let mut piece = [0; 777];
    let mut length = 1;
    loop {
        let got = member.read(&mut piece[..length]).unwrap();
        if got == 0 {
            break;
        }
        pieces.extend_from_slice(&piece[..got]);
        length = (length * 3) % 777 + 1;
    }
    assert!(pieces == data);
});

/// The npy header of so many bytes.
fn header(size: usize) -> Vec<u8> {
    let dtype = DType::parse("|u1").unwrap();
    Header::new(dtype, &[size], Order::C).unwrap().encode().unwrap()
}

/// A stored block with `head`, and then `bytes`.
fn stream(head: &[u8], bytes: &[u8]) -> Vec<u8> {
    let length = head.len() as u16;
    let mut stream = vec![0];
    stream.extend(length.to_le_bytes());
    stream.extend((!length).to_le_bytes());
    stream.extend(head);
    stream.extend(bytes);
    stream
}

/// What zlib-rs makes of a stream, and whether it is a whole one.
fn decode(stream: &[u8]) -> (Vec<u8>, bool) {
    let mut data = vec![0; MOST];
    let mut inflate = Inflate::new(false, 15);
    let status = inflate.decompress(stream, &mut data, InflateFlush::NoFlush);
    data.truncate(inflate.total_out() as usize);
    let ended = matches!(status, Ok(Status::StreamEnd));
    (data, ended && inflate.total_in() == stream.len() as u64)
}

/// An archive with the deflated member `a`.
fn archive(stream: &[u8], data: &[u8]) -> Vec<u8> {
    let sums = [crc32fast::hash(data), stream.len() as u32, data.len() as u32];
    let mut bytes = Vec::new();
    let put = |bytes: &mut Vec<u8>, shorts: &[u16]| {
        shorts.iter().for_each(|short| bytes.extend(short.to_le_bytes()));
    };
    bytes.extend(b"PK\x03\x04");
    put(&mut bytes, &[20, 0, 8, 0, 33]);
    sums.iter().for_each(|sum| bytes.extend(sum.to_le_bytes()));
    put(&mut bytes, &[1, 0]);
    bytes.push(b'a');
    bytes.extend(stream);
    let directory = bytes.len() as u32;
    bytes.extend(b"PK\x01\x02");
    put(&mut bytes, &[20, 20, 0, 8, 0, 33]);
    sums.iter().for_each(|sum| bytes.extend(sum.to_le_bytes()));
    put(&mut bytes, &[1, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.push(b'a');
    let size = bytes.len() as u32 - directory;
    bytes.extend(b"PK\x05\x06");
    put(&mut bytes, &[0, 0, 1, 1]);
    bytes.extend(size.to_le_bytes());
    bytes.extend(directory.to_le_bytes());
    put(&mut bytes, &[0]);
    bytes
}
