//! Data files, put together here.

use std::io::Cursor;

use npz::{ArrayView, Compression, NpzWriter};

/// A pickle of protocol 2 of an array, as numpy 2 writes it, without the data.
pub(crate) const ARRAY_OF_NUMPY_2: &[u8] = b"\x80\x02cnumpy._core.multiarray\n_reconstruct\nq\0\
    cnumpy\nndarray\nq\x01K\0\x85q\x02c_codecs\nencode\nq\x03X\x01\0\0\0bq\x04X\x06\0\0\0latin1q\x05\
    \x86q\x06Rq\x07\x87q\x08Rq\t.";

/// An npy file with this header text, and what follows it.
pub(crate) fn npy(text: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\0".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.bytes());
    bytes.extend(data);
    bytes
}

/// An npy file of objects, with this pickle.
pub(crate) fn objects(pickle: &[u8]) -> Vec<u8> {
    npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", pickle)
}

/// An archive of the npz crate: `a` is stored, `b` deflated.
pub(crate) fn npz() -> Vec<u8> {
    let numbers: Vec<u32> = (0..3_000).collect();
    let mut writer = NpzWriter::new(Cursor::new(Vec::new())).unwrap();
    let a = ArrayView::from_slice(&numbers[..100], &[10, 10]).unwrap();
    let b = ArrayView::from_slice(&numbers, &[3_000]).unwrap();
    writer.add("a", &a, Compression::Stored).unwrap();
    writer.add("b", &b, Compression::Deflate(6)).unwrap();
    writer.finish().unwrap().into_inner()
}

/// A zip archive of stored members.
pub(crate) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in members {
        let offset = bytes.len() as u32;
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 33, 0];
        common.extend(crc32fast::hash(data).to_le_bytes());
        common.extend((data.len() as u32).to_le_bytes().repeat(2));
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.bytes());
        bytes.extend(*data);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.bytes());
    }
    let (start, count) = (bytes.len() as u32, members.len() as u16);
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes().repeat(2));
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

/// One of every kind, with its extension.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let plain = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    let nested = zip(&[("x.npy", &objects(ARRAY_OF_NUMPY_2)), ("y.npy", &npy(plain, &[0; 24]))]);
    vec![
        ("npy", npy(plain, &[0; 24])),
        ("npy", objects(ARRAY_OF_NUMPY_2)),
        ("npz", npz()),
        ("npz", nested),
        ("pkl", ARRAY_OF_NUMPY_2.to_vec()),
        ("pkl", b"(dp0\nVa\np1\ncos\nsystem\np2\ns.".to_vec()),
        ("pt", zip(&[("m/data.pkl", ARRAY_OF_NUMPY_2)])),
    ]
}
