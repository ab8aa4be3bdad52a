//! Trees of pickles, what is rewritten of them, and that nothing is too strange to be read.

use npz::Source as _;
use proptest::prelude::*;

use super::super::{Refusal, RepairOptions, Rewrite, repair};
use super::*;
use crate::pickle::Part;

const ENOUGH: u64 = 1 << 16;

/// Rewrites as a table would: `numpy._core` and one bit generator.
fn rewrite(module: &str, name: &str) -> Option<Rewrite> {
    if let Some(rest) = module.strip_prefix("numpy._core") {
        return Some(Rewrite::Name { module: format!("numpy.core{rest}"), name: name.to_owned() });
    }
    (name == "PCG64").then_some(Rewrite::BitGenerator)
}

fn repaired(bytes: &[u8], protocol: u8) -> Result<Vec<u8>, Refusal> {
    let options = RepairOptions { rewrite: &rewrite, protocol, start: 0, instructions: ENOUGH };
    let repaired = repair(&bytes, &options)?;
    let mut written = Vec::new();
    repaired.write_to(&mut written).unwrap();
    assert_eq!(written.len() as u64, repaired.length());
    // Read in pieces of any length, it is the same.
    for length in [1, 7, 4096] {
        let mut pieces = Vec::new();
        while pieces.len() < written.len() {
            let mut piece = vec![0; length.min(written.len() - pieces.len())];
            repaired.read_exact_at(&mut piece, pieces.len() as u64).unwrap();
            pieces.extend(piece);
        }
        assert_eq!(pieces, written);
    }
    Ok(written)
}

fn text(text: &str) -> Vec<u8> {
    [&[0x8c, text.len() as u8], text.as_bytes()].concat()
}

#[test]
fn names_are_changed_where_they_are_asked_for_and_texts_stay() {
    let name = [&text("numpy._core.numeric")[..], b"\x94", &text("f"), b"\x93"].concat();
    let inner = [&name[..], b"h\x00\x86."].concat();
    let framed = [b"\x80\x04\x95", &(inner.len() as u64).to_le_bytes()[..], &inner].concat();
    let new = repaired(&framed, 5).unwrap();
    // The frame has grown by as much as its contents, and the text in the memo is what it was.
    let length = u64::from_le_bytes(new[3..11].try_into().unwrap());
    assert_eq!(length as usize, new.len() - 11);
    let objects = read(&Part::all(&new), ENOUGH);
    assert_eq!(objects.trouble, None);
    let root = objects.tuple(objects.roots[0]).unwrap();
    assert_eq!(objects.name(root[0]), Some(("numpy.core.numeric", "f")));
    assert_eq!(objects.text(root[1], &new).unwrap(), "numpy._core.numeric");
    for (old, new) in [
        (&b"cnumpy._core\nx\n."[..], &b"cnumpy.core\nx\n."[..]),
        (b"(inumpy._core\nx\n.", b"(inumpy.core\nx\n."),
    ] {
        assert_eq!(repaired(old, 5).unwrap(), new);
    }
}

/// The new instruction would end where the text breaks, and the rest would be instructions.
#[test]
fn a_name_with_a_line_break_does_not_become_instructions() {
    let name = b"x\ncos\nsystem\n(Vid\ntR0\n";
    let length = u8::try_from(name.len()).unwrap();
    let pickle = [b"\x80\x04\x8c\x0bnumpy._core\x8c", &[length][..], name, b"\x93."].concat();
    let Err(Refusal::Unsupported(reason)) = repaired(&pickle, 5) else { panic!("it is written") };
    assert!(reason.contains("line break"), "{reason}");
}

#[test]
fn protocol_5_becomes_4_and_keeps_its_bytearrays() {
    let old = b"\x80\x05\x96\x03\0\0\0\0\0\0\0abc.";
    let new = repaired(old, 4).unwrap();
    assert_eq!(new, b"\x80\x04cbuiltins\nbytearray\n\x8e\x03\0\0\0\0\0\0\0abc\x85R.");
    assert_eq!(repaired(old, 5).unwrap(), old);
    assert_eq!(repaired(b"\x80\x05\x97.", 4), Err(Refusal::OuterBuffers));
    assert_eq!(repaired(b"C\x01x\x98.", 4), Err(Refusal::OuterBuffers));
}

#[test]
fn what_cannot_be_followed_is_refused() {
    for bytes in [&b"\x80\x02\x82\x05."[..], b"\x80\x04NN\x93."] {
        assert_eq!(repaired(bytes, 5), Err(Refusal::HiddenNames));
    }
    for bytes in [&b""[..], b"\x80\x02", b"\x80\x02.", b"R.", b"\xff"] {
        assert!(matches!(repaired(bytes, 5), Err(Refusal::Damaged(_))), "{bytes:?}");
    }
}

#[test]
fn data_of_joblib_are_passed_over_and_aligned_anew() {
    let state = [
        &b"}("[..],
        &text("subclass"),
        b"cnumpy\nndarray\n",
        &text("shape"),
        b"K\x03\x85",
        &text("order"),
        &text("C"),
        &text("dtype"),
        b"cnumpy\ndtype\n",
        &text("u1"),
        b"\x89\x88\x87R",
        &text("numpy_array_alignment_bytes"),
        b"K\x10ub",
    ]
    .concat();
    let before = [
        &b"\x80\x04cnumpy._core.numeric\nf\n0"[..],
        &text("joblib.numpy_pickle"),
        &text("NumpyArrayWrapper"),
        b"\x93)\x81",
        &state,
    ]
    .concat();
    let padding = 16 - (before.len() + 1) % 16;
    let old = [&before[..], &[padding as u8], &vec![0xff; padding], b"abc", b"."].concat();
    let objects = read(&Part::all(&old), ENOUGH);
    assert_eq!((objects.trouble, objects.raw.len()), (None, 1));
    let new = repaired(&old, 5).unwrap();
    let objects = read(&Part::all(&new), ENOUGH);
    let raw = objects.raw.values().next().unwrap();
    assert_eq!(raw.data.start % 16, 0);
    assert_eq!(&new[raw.data.start as usize..raw.data.end as usize], b"abc");
}

#[test]
fn lists_that_hold_each_other_twice_end() {
    // Each list holds the one before it twice: 60 of them are 2^60 places.
    let mut bytes = b"\x80\x02]q\x00".to_vec();
    for number in 1..60_u8 {
        bytes.extend([b']', b'q', number, b'h', number - 1, b'a', b'h', number - 1, b'a']);
        bytes.extend(*b"0");
    }
    bytes.extend(*b"h\x3b.");
    assert!(crate::conversion(&bytes.as_slice(), ENOUGH).is_err());
}

/// Bytes that are often instructions.
fn likely() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just(b"cnumpy._core.multiarray\n_reconstruct\n".to_vec()),
        Just(b"cnumpy\ndtype\n\x8c\x02f4\x89\x88\x87R".to_vec()),
        Just(b"(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffK\x01K\x80tb".to_vec()),
        Just(b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}b".to_vec()),
        Just(b"ctorch._utils\n_rebuild_tensor_v2\n".to_vec()),
        Just(b"\x80\x05\x95\x04\0\0\0\0\0\0\0".to_vec()),
        Just(b"\x96\x02\0\0\0\0\0\0\0ab".to_vec()),
        proptest::sample::select(
            b"().012FIJKMNGabdelopqrstuhgjPQR}]\x81\x85\x86\x87\x88\x93\x94".to_vec()
        )
        .prop_map(|byte| vec![byte]),
        any::<u8>().prop_map(|byte| vec![byte]),
    ];
    proptest::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn nothing_is_too_strange(bytes in likely()) {
        let _ = repaired(&bytes, 4);
        if let Ok(conversion) = crate::conversion(&bytes.as_slice(), ENOUGH) {
            let _ = conversion.write_to(std::io::Cursor::new(Vec::new()));
        }
        let _ = crate::inflated(&bytes.as_slice(), 1 << 16);
    }

    #[test]
    fn what_has_nothing_to_change_stays_as_it_is(bytes in likely()) {
        let none = |_: &str, _: &str| None;
        let options = RepairOptions { rewrite: &none, protocol: 5, start: 0, instructions: ENOUGH };
        if let Ok(repaired) = repair(&bytes.as_slice(), &options)
            && repaired.changes.is_empty()
        {
            let mut written = Vec::new();
            repaired.write_to(&mut written).unwrap();
            prop_assert_eq!(written, bytes);
        }
    }
}
