//! Files made to mislead: every one ends in the error that names what is wrong with it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use npz::{ArrayView, Compression, Error, ErrorKind, Limits, Npy, NpyReader, Npz, NpzWriter};
use proptest::prelude::*;

/// An archive with the arrays `a` (stored) and `b` (deflated), and one large enough for chunks.
fn archive() -> Vec<u8> {
    let mut writer = NpzWriter::new(Cursor::new(Vec::new())).unwrap();
    let numbers: Vec<u32> = (0..30_000).collect();
    let a = ArrayView::from_slice(&numbers[..100], &[10, 10]).unwrap();
    let b = ArrayView::from_slice(&numbers, &[30_000]).unwrap();
    writer.add("a", &a, Compression::Stored).unwrap();
    writer.add("b", &b, Compression::Deflate(6)).unwrap();
    writer.finish().unwrap().into_inner()
}

/// Opens and reads everything, every way there is.
fn read_all(bytes: &[u8]) -> Result<(), Error> {
    let npz = Npz::from_source(bytes, Limits::default())?;
    let mut result = Ok(());
    let names: Vec<String> = npz.members().map(|member| member.file_name.to_owned()).collect();
    for name in names {
        let read = npz.read(&name);
        let streamed = npz.stream(&name).and_then(NpyReader::read_array);
        assert_eq!(read.is_ok(), streamed.is_ok(), "{name}");
        if let (Ok(read), Ok(streamed)) = (&read, &streamed) {
            assert!(read.bytes() == streamed.bytes());
            assert!(npz.verify(&name).is_ok());
        }
        let _ = npz.header(&name).map(|header| header.obstacles());
        let _ = npz.view(&name);
        result = result.and(read.map(drop));
    }
    result
}

fn fails(bytes: &[u8], expected: fn(&ErrorKind) -> bool) {
    let error = read_all(bytes).unwrap_err();
    assert!(expected(error.kind()), "{error}");
}

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|window| window == what).unwrap()
}

fn central(bytes: &[u8], name: &str) -> usize {
    let name = bytes.windows(name.len()).rposition(|window| window == name.as_bytes()).unwrap();
    let start = name - 46;
    assert_eq!(&bytes[start..start + 4], b"PK\x01\x02");
    start
}

fn put32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn get32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn the_honest_file_is_read() {
    read_all(&archive()).unwrap();
    let empty = NpzWriter::new(Cursor::new(Vec::new())).unwrap().finish().unwrap().into_inner();
    read_all(&empty).unwrap();
}

#[test]
fn other_files_are_named() {
    for (bytes, found) in [
        (b"".as_slice(), "empty"),
        (b"PK", "text"),
        (b"\x93NUMPY\x01\x00", "npy"),
        (b"\x80\x04\x95\x00", "pickle"),
        (b"Loading model...\nPK\x03\x04", "text"),
    ] {
        let error = read_all(bytes).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotNpz { .. }), "{error}");
        assert!(error.to_string().contains(found), "{error}");
    }
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = archive();
    for length in (0..bytes.len()).step_by(7).chain(bytes.len() - 200..bytes.len()) {
        assert!(read_all(&bytes[..length]).is_err(), "{length}");
    }
    let mut trailing = bytes.clone();
    trailing.push(0);
    fails(&trailing, |kind| matches!(kind, ErrorKind::BadZip { .. }));
    let mut shifted = bytes[..4].to_vec();
    shifted.extend(&bytes);
    fails(&shifted, |kind| matches!(kind, ErrorKind::BadZip { .. }));
}

#[test]
fn damaged_data_fail_their_checksum() {
    let mut bytes = archive();
    let at = find(&bytes, &77u32.to_le_bytes());
    bytes[at] ^= 1;
    fails(&bytes, |kind| matches!(kind, ErrorKind::BadCrc { .. }));
}

#[test]
fn names_twice_are_refused() {
    let mut bytes = archive();
    let (local, central) = (find(&bytes, b"b.npy"), central(&bytes, "b.npy"));
    bytes[local] = b'a';
    bytes[central + 46] = b'a';
    fails(&bytes, |kind| matches!(kind, ErrorKind::DuplicateName { .. }));
}

#[test]
fn unsafe_names_are_refused() {
    for name in ["../b", "/etcb", "b\0npy", "C:\\bb", "..\\.."] {
        let mut bytes = archive();
        let central = central(&bytes, "b.npy");
        let length = name.len().min(5);
        bytes[central + 46..central + 46 + length].copy_from_slice(&name.as_bytes()[..length]);
        fails(&bytes, |kind| matches!(kind, ErrorKind::UnsafeName { .. }));
    }
    let mut writer = NpzWriter::new(Cursor::new(Vec::new())).unwrap();
    let view = ArrayView::from_slice(&[1u8], &[1]).unwrap();
    let error = writer.add("../a", &view, Compression::Stored).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::UnsafeName { .. }), "{error}");
}

#[test]
fn members_that_overlap_are_refused() {
    let mut bytes = archive();
    // Both directory entries lead to the first member.
    let second = central(&bytes, "b.npy");
    put32(&mut bytes, second + 42, 0);
    fails(&bytes, |kind| matches!(kind, ErrorKind::Overlap { .. }));

    // The first member claims the bytes of the second.
    let mut bytes = archive();
    let first = central(&bytes, "a.npy");
    let larger = get32(&bytes, first + 20) + 1000;
    put32(&mut bytes, first + 20, larger);
    put32(&mut bytes, first + 24, larger);
    fails(&bytes, |kind| matches!(kind, ErrorKind::Overlap { .. }));

    // The last member claims the directory.
    let mut bytes = archive();
    let second = central(&bytes, "b.npy");
    put32(&mut bytes, second + 20, u32::MAX - 1);
    fails(&bytes, |kind| matches!(kind, ErrorKind::BadZip { .. }));
}

#[test]
fn headers_that_contradict_the_directory_are_refused() {
    let changes: [(usize, u8); 4] = [(8, 8), (14, 1), (30, b'x'), (0, 1)];
    for (offset, value) in changes {
        let mut bytes = archive();
        bytes[offset] ^= value;
        assert!(read_all(&bytes).is_err(), "{offset}");
    }
    for (offset, value) in [(8, 1), (10, 1), (34, 1)] {
        let mut bytes = archive();
        let central = central(&bytes, "b.npy");
        bytes[central + offset] |= value;
        assert!(read_all(&bytes).is_err(), "{offset}");
    }
}

#[test]
fn other_compressions_and_encryption_are_named() {
    let mut bytes = archive();
    let entry = central(&bytes, "b.npy");
    bytes[entry + 10] = 14;
    let local = find(&bytes, b"b.npy") - 30;
    bytes[local + 8] = 14;
    let error = read_all(&bytes).unwrap_err();
    assert!(error.to_string().contains("lzma"), "{error}");
    let mut bytes = archive();
    let entry = central(&bytes, "b.npy");
    bytes[entry + 8] |= 1;
    fails(&bytes, |kind| matches!(kind, ErrorKind::Unsupported { .. }));
}

#[test]
fn impossible_and_unreasonable_inflation_is_refused_before_memory_is_taken() {
    // More than deflate can do.
    let mut bytes = archive();
    let entry = central(&bytes, "b.npy");
    put32(&mut bytes, entry + 24, u32::MAX - 1);
    fails(&bytes, |kind| matches!(kind, ErrorKind::Bomb { .. }));

    // More than the limits allow: 2 MB of zeros in 2 kB.
    let mut writer = NpzWriter::new(Cursor::new(Vec::new())).unwrap();
    let zeros = vec![0u8; 2 << 20];
    let view = ArrayView::from_slice(&zeros, &[2 << 20]).unwrap();
    writer.add("zeros", &view, Compression::Deflate(9)).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    read_all(&bytes).unwrap();
    let mut limits = Limits::default();
    limits.inflated_bytes = 1 << 20;
    let npz = Npz::from_source(bytes.as_slice(), limits).unwrap();
    let error = npz.read("zeros").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Bomb { .. }), "{error}");

    // The directory says less than there is, and more than there is.
    for change in [-1i64, 1] {
        let mut lying = bytes.clone();
        let entry = central(&lying, "zeros.npy");
        let size = (i64::from(get32(&lying, entry + 24)) + change) as u32;
        put32(&mut lying, entry + 24, size);
        let local = 30 + "zeros.npy".len() + 4;
        put32(&mut lying, local, size);
        assert!(read_all(&lying).is_err());
    }
}

#[test]
fn lying_npy_headers_cost_nothing() {
    let text = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.bytes());
    bytes.extend([0; 100]);
    let error = Npy::from_source(bytes.as_slice(), Limits::default()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Truncated { .. }), "{error}");
    // A stream has no size to check against, so its memory grows with what comes.
    let error = npz::read_npy_from(&mut bytes.as_slice()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Truncated { .. }), "{error}");
}

#[test]
fn a_wrong_list_of_chunks_changes_nothing() {
    let numbers: Vec<u32> = (0..1_000_000).map(|i| i / 3).collect();
    let mut writer = NpzWriter::new(Cursor::new(Vec::new())).unwrap();
    let view = ArrayView::from_slice(&numbers, &[numbers.len()]).unwrap();
    writer.add("n", &view, Compression::Deflate(3)).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    let list = bytes.windows(4).rposition(|window| window == b"npz1").unwrap();
    for at in list..list + 24 {
        let mut wrong = bytes.clone();
        wrong[at] ^= 5;
        let npz = Npz::from_source(wrong.as_slice(), Limits::default()).unwrap();
        assert!(npz.read("n").unwrap().as_slice::<u32>().unwrap() == numbers, "{at}");
    }
}

/// A disk that is full after so many bytes.
struct Full {
    file: Cursor<Vec<u8>>,
    room: u64,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.file.position() + bytes.len() as u64 > self.room {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seek for Full {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

#[test]
fn a_full_disk_is_reported_and_nothing_can_be_finished() {
    let data = vec![7u8; 300_000];
    let view = ArrayView::from_slice(&data, &[300_000]).unwrap();
    for how in [Compression::Stored, Compression::Deflate(6)] {
        let full = Full { file: Cursor::new(Vec::new()), room: 200 };
        let mut writer = NpzWriter::new(full).unwrap();
        let error = writer.add("a", &view, how).unwrap_err();
        let full = |kind| kind == std::io::ErrorKind::StorageFull;
        assert!(matches!(error.kind(), ErrorKind::Io(io) if full(io.kind())), "{error}");
        assert!(writer.add("b", &view, how).is_err());
        assert!(writer.finish().is_err());
    }
}

#[test]
fn an_abandoned_member_makes_the_file_unfinishable() {
    let mut writer = NpzWriter::new(Cursor::new(Vec::new())).unwrap();
    let header = npz::Header::for_type::<u8>(&[10]).unwrap();
    let mut member = writer.stream("a", &header, Compression::Stored).unwrap();
    member.write_elements(&[1u8; 9]).unwrap();
    assert!(member.write_elements(&[1u8; 2]).is_err());
    assert!(member.write_elements(&[1u16; 1]).is_err());
    let error = member.finish().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unfinished { missing: 1 }), "{error}");
    assert!(writer.finish().is_err());
}

#[test]
fn nothing_is_left_of_a_file_that_could_not_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.npz");
    std::fs::write(&path, "old").unwrap();
    let view = ArrayView::from_slice(&[1u8], &[1]).unwrap();
    let twice = [("a", view.clone()), ("a", view)];
    let error = npz::write_npz(&path, twice, Compression::Stored).unwrap_err();
    assert!(error.to_string().contains("a.npz"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn the_same_arrays_give_the_same_bytes() {
    assert!(archive() == archive());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert!(pool.install(archive) == archive());
}

#[test]
fn members_that_are_no_arrays_can_still_be_read_as_bytes() {
    let bytes = archive();
    let npz = Npz::from_source(bytes.as_slice(), Limits::default()).unwrap();
    let mut start = [0; 6];
    npz.member("a").unwrap().read_exact(&mut start).unwrap();
    assert_eq!(&start, b"\x93NUMPY");
    assert!(matches!(npz.read("c").unwrap_err().kind(), ErrorKind::NoSuchMember { .. }));
    assert!(matches!(npz.view("b").unwrap_err().kind(), ErrorKind::NotMapped { .. }));
}

proptest! {
    #[test]
    fn changed_bytes_never_panic(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8)
    ) {
        let mut bytes = archive();
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        let _ = read_all(&bytes);
    }

    #[test]
    fn changed_directories_never_panic(
        changes in proptest::collection::vec((0usize..250, any::<u8>()), 1..4)
    ) {
        let mut bytes = archive();
        let length = bytes.len();
        for (back, value) in changes {
            bytes[length - 1 - back] = value;
        }
        let _ = read_all(&bytes);
    }

    #[test]
    fn arrays_come_back(
        data in proptest::collection::vec(any::<u64>(), 0..3000),
        level in 0u8..10,
    ) {
        let how = match level {
            0 => Compression::Stored,
            1 => Compression::Auto,
            level => Compression::Deflate(level),
        };
        let mut writer = NpzWriter::new(Cursor::new(Vec::new())).unwrap();
        let view = ArrayView::from_slice(&data, &[data.len()]).unwrap();
        writer.add("a", &view, how).unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        let npz = Npz::from_source(bytes, Limits::default()).unwrap();
        let array = npz.read("a").unwrap();
        prop_assert_eq!(array.as_slice::<u64>().unwrap(), data.as_slice());
        let mut copy = vec![0; data.len()];
        npz.read_into("a", &mut copy).unwrap();
        prop_assert_eq!(copy, data);
    }
}
