//! What holds for data files of any bytes at all.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;

use crate::samples::data;
use crate::{DataOptions, inspect_data};

static SAMPLES: LazyLock<Vec<(&'static str, Vec<u8>)>> = LazyLock::new(data::all);

/// Looks into it, in every way. The answers may be anything, within their bounds.
fn ask(extension: &str, bytes: &[u8]) {
    for options in [
        DataOptions { instructions: 10_000, ..DataOptions::thorough(extension, true) },
        DataOptions::quick(extension),
    ] {
        let facts = inspect_data(&bytes, &options);
        assert_eq!(facts.size, bytes.len() as u64);
        assert!(facts.arrays.len() <= options.arrays);
        for (_, pickle) in facts.pickles() {
            assert!(pickle.protocol <= 5);
            assert!(pickle.names.len() <= 10_000);
        }
    }
}

/// Instructions that push, name, remember and fetch.
const INSTRUCTIONS: &[&[u8]] = &[
    b"(",
    b"t",
    b"0",
    b"1",
    b"2",
    b"\x94",
    b"\x93",
    b"\x85",
    b"R",
    b"b",
    b"o",
    b"h\0",
    b"h\x01",
    b"q\x01",
    b"K\x80",
    b"\x8c\x02os",
    b"\x8c\x06system",
    b"cnumpy\ndtype\n",
    b"(ios\nsystem\n",
    b"g1\n",
    b"p7\n",
    b".",
];

/// What data files begin with.
const BEGINNINGS: &[&[u8]] =
    &[b"", b"\x93NUMPY\x01\0", b"PK\x03\x04", b"PK\x05\x06", b"\x80\x04", b"\x80\x05\x95"];

/// A few of them, in any order.
fn instructions() -> impl Strategy<Value = Vec<u8>> {
    let one = proptest::sample::select(INSTRUCTIONS);
    proptest::collection::vec(one, 0..60).prop_map(|list| list.concat())
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_answered(
        beginning in proptest::sample::select(BEGINNINGS),
        extension in proptest::sample::select(&["npy", "npz", "pkl", ""][..]),
        rest in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        ask(extension, &[beginning, &rest].concat());
    }

    #[test]
    fn damaged_files_are_answered(
        sample in any::<Index>(),
        changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..10),
        cut in proptest::option::weighted(0.2, any::<Index>()),
    ) {
        let (extension, bytes) = sample.get(&SAMPLES);
        let mut bytes = bytes.clone();
        for (at, byte) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        ask(extension, &bytes);
    }

    #[test]
    fn instructions_in_any_order_are_followed(program in instructions()) {
        ask("pkl", &[b"\x80\x04", program.as_slice(), b"."].concat());
    }
}
