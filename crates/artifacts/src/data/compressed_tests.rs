//! Compressed data, whole, cut and followed by others.

use zlib_rs::{Deflate, DeflateFlush};

use super::*;

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0; data.len() + 1000];
    let mut deflate = Deflate::new(6, true, 15);
    deflate.compress(data, &mut out, DeflateFlush::Finish).unwrap();
    out.truncate(deflate.total_out() as usize);
    out
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0; data.len() + 1000];
    let mut deflate = Deflate::new(6, false, 15);
    deflate.compress(data, &mut out, DeflateFlush::Finish).unwrap();
    out.truncate(deflate.total_out() as usize);
    let sums = [crc32fast::hash(data).to_le_bytes(), (data.len() as u32).to_le_bytes()].concat();
    [b"\x1f\x8b\x08\x08\0\0\0\0\0\x03name\0", &out[..], &sums].concat()
}

fn told(bytes: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    inflated(&bytes, limit).unwrap()
}

#[test]
fn what_was_compressed_comes_back_and_never_more_than_asked_for() {
    let data: Vec<u8> = (0..2_000_000_u32).map(|number| (number % 251) as u8).collect();
    for whole in [zlib(&data), gzip(&data)] {
        assert_eq!(told(&whole, 1 << 30).unwrap(), data);
        assert!(told(&whole, 1000).unwrap_err().contains("more than"));
        assert!(told(&whole[..whole.len() / 2], 1 << 30).unwrap_err().contains("truncated"));
        let followed = [&whole[..], b"more"].concat();
        assert!(told(&followed, 1 << 30).unwrap_err().contains("follow"));
    }
    let two = [gzip(b"one "), gzip(b"two"), vec![0; 5]].concat();
    assert_eq!(told(&two, 1 << 20).unwrap(), b"one two");
    assert_eq!(told(&gzip(b""), 1 << 20).unwrap(), b"");
    let mut wrong = gzip(b"data");
    let sum = wrong.len() - 6;
    wrong[sum] ^= 1;
    assert!(told(&wrong, 1 << 20).unwrap_err().contains("checksum"));
    assert!(told(b"BZh91AY&SY", 1 << 20).unwrap_err().contains("bz2"));
    assert!(inflated(&b"\x80\x04N."[..].to_vec(), 1 << 20).is_none());
}
