//! Archives that are whole, and archives that are made to deceive.

use proptest::prelude::*;

use super::*;
use crate::samples::wheel::{File, deflate, file, zip};

const NAME: &str = "example-1.0-py3-none-any.whl";

fn open(files: &[File]) -> Result<Wheel, WheelError> {
    Wheel::open(NAME, zip(files))
}

fn whole() -> Vec<File> {
    vec![
        file("example/__init__.py", "VALUE = 1\n"),
        File { method: 0, ..file("example/data.bin", [7; 300]) },
        file("example/empty", ""),
        File { flags: 8, ..file("example/streamed", "streamed ".repeat(50)) },
        file("example-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: example\n"),
        file("example-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n"),
        file("example-1.0.dist-info/entry_points.txt", "[console_scripts]\nx = example:x\n"),
        file("example-1.0.dist-info/RECORD", "example/empty,sha256=47D,0\n"),
    ]
}

#[test]
fn a_whole_wheel_is_read() {
    let wheel = open(&whole()).unwrap();
    assert_eq!(wheel.name.as_ref().unwrap().tags(), ["py3-none-any"]);
    assert_eq!(wheel.entries.len(), 8);
    for (entry, file) in wheel.entries.iter().zip(whole()) {
        assert_eq!(entry.name, file.name);
        assert_eq!(wheel.read(entry).unwrap(), file.data, "{}", entry.name);
        assert_eq!((entry.mode(), entry.method), (Some(0o100_644), file.method));
        assert_eq!(entry.modified(), "1980-01-01 00:00:00");
    }
    assert!(wheel.stray.is_empty(), "{:?}", wheel.stray);
    assert_eq!(wheel.dist_info().unwrap(), "example-1.0.dist-info");
    assert_eq!(wheel.metadata().unwrap().get("Name"), Some("example"));
    assert_eq!(wheel.wheel_file().unwrap().get("tag"), Some("py3-none-any"));
    assert_eq!(wheel.record().unwrap()[0].size, Some(0));
    assert_eq!(wheel.entry_points().unwrap()[0].target, "example:x");
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for name in [
        "",
        "/etc/passwd",
        "../evil",
        "a/../../evil",
        "C:evil",
        "a\\b",
        "a\0b",
        "a\nb",
        "a//b",
        "./a",
        "..",
    ] {
        let error = open(&[file(name, "x")]).unwrap_err();
        assert!(matches!(error, WheelError::UnsafeName { .. }), "{name:?}: {error}");
    }
    let mut bytes = zip(&[file("ab", "x")]);
    for at in 0..bytes.len() - 1 {
        if &bytes[at..at + 2] == b"ab" {
            bytes[at] = 0xff;
        }
    }
    let error = Wheel::open(NAME, bytes).unwrap_err();
    assert_eq!(error.to_string(), "dangerous name of an entry, \"\u{fffd}b\": it is not UTF-8");
}

#[test]
fn two_entries_of_one_name_are_refused() {
    let error = open(&[file("a.py", "good"), file("a.py", "evil")]).unwrap_err();
    assert_eq!(error, WheelError::DuplicateName { name: "a.py".to_owned() });
}

/// Changes a field of the only entry's header before the data.
fn with_local(offset: usize, value: &[u8]) -> Result<Wheel, WheelError> {
    let mut bytes = zip(&[file("a.py", "good good good")]);
    bytes[offset..offset + value.len()].copy_from_slice(value);
    Wheel::open(NAME, bytes)
}

#[test]
fn headers_that_disagree_are_refused() {
    for (offset, value, field) in [
        (30, &b"b.py"[..], "name"),
        (6, &[0, 8], "flags"),
        (8, &[0, 0], "method"),
        (14, &[1, 2, 3, 4], "checksum"),
        (18, &[1, 0, 0, 0], "compressed size"),
        (22, &[99, 0, 0, 0], "size"),
    ] {
        match with_local(offset, value) {
            Err(WheelError::HeadersDisagree { field: told, .. }) => assert_eq!(told, field),
            other => panic!("{field}: {other:?}"),
        }
    }
    assert!(matches!(with_local(0, b"PK\x01\x02"), Err(WheelError::BadZip { .. })));
}

#[test]
fn entries_that_share_bytes_are_refused() {
    let bytes = zip(&[file("a", "data"), file("b", "data")]);
    // The second entry of the directory is given the place of the first, whose name differs; so
    // its name is made the same length and the header before the data says the first one's name.
    let first = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    let second = first + 47;
    let mut same = bytes;
    same[second + 42..second + 46].fill(0);
    let error = Wheel::open(NAME, same.clone()).unwrap_err();
    assert!(matches!(error, WheelError::HeadersDisagree { field: "name", .. }), "{error}");
    // An archive of overlapping entries whose headers agree: one entry's data hold the other.
    let inner = zip(&[File { method: 0, ..file("inner", "payload") }]);
    let outer = zip(&[File { method: 0, ..file("outer", &inner[..42]) }, file("inner", "")]);
    let directory = outer.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap();
    let mut quoted = outer.clone();
    quoted[directory + 16..directory + 28].copy_from_slice(&inner[14..26]);
    quoted[directory + 10..directory + 12].copy_from_slice(&[0, 0]);
    quoted[directory + 42..directory + 46].copy_from_slice(&35_u32.to_le_bytes());
    let error = Wheel::open(NAME, quoted).unwrap_err();
    let expected = WheelError::Overlap { first: "outer".to_owned(), second: "inner".to_owned() };
    assert_eq!(error, expected);
}

#[test]
fn bombs_are_refused_before_they_are_unpacked() {
    let zeros = vec![0; 1 << 20];
    let error = open(&[File { size: Some(u32::MAX - 1), ..file("bomb", &zeros) }]).unwrap_err();
    assert!(matches!(error, WheelError::Bomb { entry: Some(_), .. }), "{error}");
    let many: Vec<File> = (0..300).map(|index| file(&format!("zeros{index}"), &zeros)).collect();
    let error = open(&many).unwrap_err();
    assert!(matches!(error, WheelError::Bomb { entry: None, .. }), "{error}");
}

#[test]
fn data_that_are_not_what_is_said_of_them_are_refused() {
    let said = |file: File| {
        let wheel = open(&[file]).unwrap();
        wheel.read(&wheel.entries[0]).unwrap_err().to_string()
    };
    let text = "some text to be compressed, some text".to_owned();
    let cases = [
        (File { crc: Some(1), ..file("a", &text) }, "checksum"),
        (File { size: Some(10), ..file("a", &text) }, "more than 10 bytes"),
        (File { size: Some(500), ..file("a", &text) }, "not 500"),
        (File { method: 12, ..file("a", &text) }, "compression method 12"),
        (File { size: Some(0), crc: Some(0), ..file("a", &text) }, "more than 0 bytes"),
    ];
    for (file, reason) in cases {
        let told = said(file);
        assert!(told.contains(reason), "{told}");
    }
    // Bytes behind the end of a stream: the place for what one reader sees and another does not.
    let data = [deflate(text.as_bytes(), 6), b"hidden".to_vec()].concat();
    let mut bytes = zip(&[File { method: 0, ..file("a", &data) }]);
    let directory = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    for (start, shift) in [(0, 8), (directory, 10)] {
        bytes[start + shift..start + shift + 2].copy_from_slice(&[8, 0]);
        let size = start + shift + 14;
        bytes[size..size + 4].copy_from_slice(&(text.len() as u32).to_le_bytes());
        let crc = crc32fast::hash(text.as_bytes()).to_le_bytes();
        bytes[size - 8..size - 4].copy_from_slice(&crc);
    }
    let wheel = Wheel::open(NAME, bytes).unwrap();
    let error = wheel.read(&wheel.entries[0]).unwrap_err();
    assert!(error.to_string().contains("bytes follow"), "{error}");
}

#[test]
fn bytes_that_belong_to_nothing_are_known() {
    let bytes = zip(&[file("a", "data")]);
    let directory = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    let mut stray = bytes.clone();
    stray.splice(directory..directory, *b"hidden");
    let end = stray.len() - 6;
    stray[end..end + 4].copy_from_slice(&(directory as u32 + 6).to_le_bytes());
    let wheel = Wheel::open(NAME, stray).unwrap();
    assert_eq!(wheel.stray, std::iter::once(directory..directory + 6).collect::<Vec<_>>());
    let before = [b"MZ".to_vec(), bytes.clone()].concat();
    assert!(Wheel::open(NAME, before).is_err(), "foreign bytes before the archive");
    let behind = [bytes, b"more".to_vec()].concat();
    assert!(Wheel::open(NAME, behind).is_err(), "foreign bytes behind the archive");
}

#[test]
fn texts_that_are_missing_are_named() {
    let wheel = open(&[file("a.py", "")]).unwrap();
    assert!(matches!(wheel.metadata(), Err(WheelError::Missing { .. })));
    let wheel = open(&[file("a-1.dist-info/WHEEL", ""), file("b-1.dist-info/WHEEL", "")]).unwrap();
    let error = wheel.record().unwrap_err().to_string();
    assert!(error.contains("a-1.dist-info") && error.contains("b-1.dist-info"), "{error}");
}

#[test]
fn an_archive_that_is_cut_anywhere_is_refused() {
    let bytes = zip(&whole());
    for length in 0..bytes.len() {
        assert!(Wheel::open(NAME, bytes[..length].to_vec()).is_err(), "{length}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = zip(&whole());
        for (place, value) in changes {
            let at = place.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(wheel) = Wheel::open(NAME, bytes) {
            for entry in &wheel.entries {
                let _ = wheel.read(entry);
            }
            let _ = (wheel.metadata(), wheel.wheel_file(), wheel.record(), wheel.entry_points());
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes: Vec<u8>) {
        let _ = Wheel::open(NAME, bytes);
    }
}
