//! What holds for any bytes at all: arbitrary ones, and sound modules that were damaged.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;

use crate::collect::ENTRY_LIMIT;
use crate::inspect::read_headers;
use crate::model::{ModuleError, ObjectFormat};
use crate::{architectures, declared_size, elf_interpreter, inspect, samples};

static SAMPLES: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| samples::all().into_iter().map(|(_, bytes)| bytes).collect());

/// The program that runs the tests: a real file of whatever system it runs on.
static PROGRAM: LazyLock<Vec<u8>> =
    LazyLock::new(|| fs_err::read(std::env::current_exe().unwrap()).unwrap());

/// What files of the formats begin with.
const BEGINNINGS: &[&[u8]] = &[
    b"",
    b"\x7fELF",
    b"\x7fELF\x01\x01\x01",
    b"\x7fELF\x02\x02\x01",
    b"MZ",
    b"\xcf\xfa\xed\xfe",
    b"\xfe\xed\xfa\xce",
    b"\xca\xfe\xba\xbe\0\0\0\x03",
    b"\xca\xfe\xba\xbf\0\0\0\x02",
];

/// Asks everything that can be asked. The answers may be anything, within their bounds.
fn ask(bytes: &[u8]) {
    let length = bytes.len() as u64;
    let errors = [
        architectures(bytes).err(),
        elf_interpreter(bytes).err(),
        declared_size(bytes).err(),
        inspect(bytes).err(),
    ];
    for error in errors.into_iter().flatten() {
        if let ModuleError::Truncated { length: told, expected, .. } = error {
            assert_eq!(told, length);
            assert!(expected > length, "{expected} > {length}");
        }
    }
    let Ok(module) = inspect(bytes) else {
        return;
    };
    let lists = [
        module.architectures.len(),
        module.needed.len(),
        module.search_paths.len(),
        module.version_needs.len(),
        module.version_definitions.len(),
        module.init_functions.len(),
        module.rust_crates.len(),
    ];
    assert!(lists.iter().all(|count| *count <= ENTRY_LIMIT), "{lists:?}");
    // What is said of a part is said of the whole.
    assert!(declared_size(bytes).unwrap() <= length);
    let (format, names) = architectures(bytes).unwrap();
    assert_eq!(format, module.format);
    if format == ObjectFormat::Elf {
        assert_eq!(names, module.architectures);
        assert_eq!(elf_interpreter(bytes).unwrap(), module.interpreter);
    }
}

/// A change of some bytes: numbers that lead astray, more often than others.
fn change() -> impl Strategy<Value = (Index, Vec<u8>)> {
    let bytes = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        prop_oneof![
            Just(0u32),
            Just(1),
            Just(4),
            Just(8),
            Just(0xffff),
            Just(0x7fff_ffff),
            Just(0x8000_0000),
            Just(u32::MAX),
            0u32..0x2000,
        ]
        .prop_flat_map(|word| any::<bool>().prop_map(move |big| if big {
            word.to_be_bytes().to_vec()
        } else {
            word.to_le_bytes().to_vec()
        })),
        Just(vec![0xff; 8]),
        Just(vec![0; 8]),
    ];
    (any::<Index>(), bytes)
}

fn apply(bytes: &mut [u8], at: usize, change: &[u8]) {
    let end = (at + change.len()).min(bytes.len());
    bytes[at..end].copy_from_slice(&change[..end - at]);
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_answered(
        beginning in proptest::sample::select(BEGINNINGS),
        rest in proptest::collection::vec(prop_oneof![Just(0u8), 0u8..16, any::<u8>()], 0..600),
    ) {
        ask(&[beginning, &rest].concat());
    }

    #[test]
    fn damaged_modules_are_answered(
        sample in any::<Index>(),
        changes in proptest::collection::vec(change(), 1..12),
        cut in proptest::option::weighted(0.2, any::<Index>()),
    ) {
        let mut bytes = sample.get(&SAMPLES).clone();
        for (at, change) in &changes {
            let at = at.index(bytes.len());
            apply(&mut bytes, at, change);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        ask(&bytes);
    }

    #[test]
    fn damaged_headers_are_answered(
        sample in any::<Index>(),
        changes in proptest::collection::vec(change(), 1..4),
    ) {
        let mut bytes = sample.get(&SAMPLES).clone();
        for (at, change) in &changes {
            let at = at.index(bytes.len().min(400));
            apply(&mut bytes, at, change);
        }
        ask(&bytes);
    }

    #[test]
    fn modules_put_together_from_two_are_answered(
        (first, second) in any::<(Index, Index)>(),
        (end, start) in any::<(Index, Index)>(),
    ) {
        let first = first.get(&SAMPLES);
        let second = second.get(&SAMPLES);
        ask(&[&first[..end.index(first.len())], &second[start.index(second.len())..]].concat());
    }

    #[test]
    fn images_anywhere_in_a_universal_file_are_answered(
        wide in any::<bool>(),
        places in proptest::collection::vec((0u32..20, 0u64..3000, 0u64..3000), 0..6),
        sample in any::<Index>(),
    ) {
        let mut bytes = samples::macho::universal_header(wide, &places);
        bytes.extend(sample.get(&SAMPLES));
        bytes.extend(sample.get(&SAMPLES));
        ask(&bytes);
    }

    #[test]
    fn a_damaged_program_is_answered(
        changes in proptest::collection::vec((any::<bool>(), change()), 1..6),
    ) {
        // Only the headers and what they lead to: the whole is long, and read elsewhere.
        let mut bytes = PROGRAM.clone();
        for (in_header, (at, change)) in &changes {
            let at = at.index(if *in_header { 1024 } else { bytes.len() });
            apply(&mut bytes, at, change);
        }
        let _ = read_headers(&bytes);
        let _ = architectures(&bytes[..4096]);
        let _ = elf_interpreter(&bytes[..4096]);
        let _ = declared_size(&bytes[..4096]);
    }

    #[test]
    fn a_program_that_is_cut_is_truncated(length in any::<Index>()) {
        let length = length.index(PROGRAM.len());
        prop_assume!(length >= 4096);
        // The headers alone say so, or else nothing that they speak of is missing.
        let expected = declared_size(&PROGRAM[..4096]).unwrap();
        let read = read_headers(&PROGRAM[..length]);
        prop_assert_eq!(read.is_err(), (length as u64) < expected);
    }
}
