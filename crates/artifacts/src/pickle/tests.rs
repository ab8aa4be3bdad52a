//! Pickles written by hand, whole, damaged and deceiving.

use super::*;

const ENOUGH: u64 = 1 << 24;

/// A source that hands out its bytes piece by piece, as a file does.
struct Pieces<'a>(&'a [u8]);

impl npz::Source for Pieces<'_> {
    fn length(&self) -> u64 {
        self.0.length()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}

#[track_caller]
fn facts(bytes: &[u8]) -> PickleFacts {
    let in_memory = walk(&Part::all(&bytes), ENOUGH);
    let pieces = Pieces(bytes);
    assert_eq!(walk(&Part::all(&pieces), ENOUGH), in_memory, "read in pieces");
    in_memory
}

fn names(facts: &PickleFacts) -> Vec<String> {
    facts.names.iter().map(|name| format!("{} {}", name.module, name.name)).collect()
}

/// A short text of protocol 4.
fn text(text: &str) -> Vec<u8> {
    [&[0x8c, text.len() as u8], text.as_bytes()].concat()
}

#[test]
fn every_way_to_name_something_is_seen() {
    let stack = [&b"\x80\x04"[..], &text("a.b"), &text("C.d"), b"\x93."].concat();
    for (bytes, expected, protocol) in [
        (&b"cos\nsystem\n."[..], "os system", 0),
        (b"(ios\nsystem\n.", "os system", 0),
        (b"\x80\x02cnumpy\nndarray\n.", "numpy ndarray", 2),
        (&stack, "a.b C.d", 4),
        (b"\x80\x04S'os'\nS'sys\\x74em'\n\x93.", "os system", 4),
        (b"\x80\x04S'o\\163'\nVsyste\\u006d\n\x93.", "os system", 4),
        (b"\x80\x04X\x02\0\0\0osU\x06system\x93.", "os system", 4),
    ] {
        let facts = facts(bytes);
        assert_eq!(names(&facts), [expected], "{bytes:?}");
        assert_eq!(facts.protocol, protocol, "{bytes:?}");
        assert!(facts.untold.is_empty(), "{bytes:?}: {:?}", facts.untold);
        assert_eq!((facts.pickles, facts.damage), (1, None));
    }
}

#[test]
fn texts_are_followed_through_the_memo_however_they_got_there() {
    // PUT of a place above the others counts as one entry for MEMOIZE, and may be overwritten.
    let put_high =
        [&b"\x80\x04"[..], &text("os"), b"q\x070", &text("system"), b"\x94", b"0"].concat();
    let asked = [&put_high[..], b"h\x07h\x01\x93."].concat();
    assert_eq!(names(&facts(&asked)), ["os system"]);
    let overwritten = [&put_high[..], &text("sys"), b"q\x070", b"h\x07h\x01\x93."].concat();
    assert_eq!(names(&facts(&overwritten)), ["sys system"]);
    let duplicated = [&b"\x80\x04"[..], &text("os"), b"2\x93."].concat();
    assert_eq!(names(&facts(&duplicated)), ["os os"]);
    let by_lines = [&b"\x80\x04"[..], &text("os"), b"p300\n0", &text("system"), b"p1\n0"].concat();
    let asked = [&by_lines[..], b"g300\ng1\n\x93."].concat();
    assert_eq!(names(&facts(&asked)), ["os system"]);
}

#[test]
fn what_is_computed_is_untold_and_never_clean() {
    let joined = [
        &b"\x80\x04cposixpath\njoin\n"[..],
        &text("o"),
        &text("s"),
        b"\x86R",
        &text("system"),
        b"\x93.",
    ]
    .concat();
    let seen = facts(&joined);
    assert_eq!(names(&seen), ["posixpath join"]);
    assert_eq!(seen.untold, [Untold::ComputedName]);
    assert_eq!(facts(b"\x80\x02\x82\x05.").untold, [Untold::RegisteredName]);
    let missing = facts(b"\x80\x04h\x05h\x06\x93.");
    assert!(missing.untold.contains(&Untold::ComputedName));
    assert!(matches!(missing.untold[0], Untold::Inconsistent { at: 2 }));
    let long = [&b"\x80\x04X\x00\x08\0\0"[..], &[b'a'; 2048], &text("system"), b"\x93."].concat();
    assert_eq!(facts(&long).untold, [Untold::ComputedName]);
}

#[test]
fn payloads_are_passed_over_and_may_hold_anything() {
    let os = b"cos\nsystem\n.";
    for (code, width) in [(b'B', 4), (b'C', 1), (0x8e, 8), (0x96, 8), (0x8b, 4), (0x8a, 1)] {
        let mut bytes = vec![0x80, 5, code];
        bytes.extend(&(os.len() as u64).to_le_bytes()[..width]);
        bytes.extend(os);
        bytes.extend(b".");
        let facts = facts(&bytes);
        assert_eq!(names(&facts), [""; 0], "{code:x}");
        assert_eq!(facts.pickles, 1, "{code:x}");
    }
}

#[test]
fn pickles_in_a_row_are_all_walked() {
    let two = b"\x80\x02N.\x80\x02cos\nsystem\n.";
    assert_eq!((facts(two).pickles, names(&facts(two))), (2, vec!["os system".to_owned()]));
    let old = facts(b"\x80\x02N.cos\nsystem\n.");
    assert_eq!(old.pickles, 2);
    let noise = facts(b"\x80\x02N.\0\0\0\0");
    assert_eq!((noise.pickles, noise.bytes_after, noise.damage), (1, 4, None));
    let cut = facts(b"\x80\x02N.\x80\x02K");
    assert_eq!(cut.damage, Some(PickleDamage::Truncated { at: 6 }));
    // What follows is no pickle, and yet a reader that goes on would import it.
    let hidden = facts(b"\x80\x02N.cos\nsystem\n\xff");
    assert_eq!((names(&hidden), hidden.bytes_after), (vec!["os system".to_owned()], 12));
}

#[test]
fn damage_is_placed() {
    let whole = [
        &b"\x80\x04\x95\x20\0\0\0\0\0\0\0"[..],
        &text("numpy"),
        &text("dtype"),
        b"\x93",
        &text("f4"),
        b"\x85R(K\x03)tb.",
    ]
    .concat();
    let seen = facts(&[&whole[..], &[b'x'; 16]].concat());
    assert_eq!(seen.pickles, 1);
    for length in 0..whole.len() {
        let cut = facts(&whole[..length]);
        assert!(matches!(cut.damage, Some(PickleDamage::Truncated { .. })), "{length}: {cut:?}");
    }
    assert_eq!(
        facts(b"\x80\x02\xfe.").damage,
        Some(PickleDamage::NoInstruction { at: 2, byte: 0xfe })
    );
    let huge = facts(b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xff.");
    assert_eq!(huge.damage, Some(PickleDamage::Truncated { at: 2 }));
    assert!(facts(b"").damage.is_some());
}

#[test]
fn aligned_structures_of_numpy_2_are_known_by_their_flags() {
    let state = |flags: &[u8]| {
        [
            &b"\x80\x02cnumpy\ndtype\nU\x03V16\x89\x88\x87R(K\x03U\x01|NU\x01a\x85}K\x10K\x08"[..],
            flags,
            b"tb.",
        ]
        .concat()
    };
    assert!(facts(&state(b"K\x80")).aligned_by_numpy_2);
    assert!(!facts(&state(b"K\x10")).aligned_by_numpy_2);
    assert!(!facts(&state(b"J\x80\xff\xff\xff")).aligned_by_numpy_2);
}

#[test]
fn joblib_keeps_arrays_between_the_instructions() {
    let bytes = b"\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}b\x0b\xff\xff\xffdata";
    let facts = facts(bytes);
    assert_eq!((facts.damage, facts.untold), (None, vec![Untold::RawArrays]));
    assert_eq!(facts.names[0].name, "NumpyArrayWrapper");
}

#[test]
fn memory_and_time_are_bounded() {
    let few = walk(&Part::all(&vec![b'N'; 1000]), 10);
    assert_eq!(few.untold, [Untold::TooMuch]);
    // Numbers and texts that are pushed and never used.
    let numbers = [&b"\x80\x02("[..], &b"K\x07".repeat(1_100_000), b"t."].concat();
    let seen = walk(&Part::all(&numbers), ENOUGH);
    assert_eq!((seen.pickles, seen.untold.len()), (1, 0));
    let texts = [&b"\x80\x02("[..], &b"U\x01a".repeat(1_100_000), b"t."].concat();
    let seen = walk(&Part::all(&texts), ENOUGH);
    assert_eq!((seen.pickles, seen.untold.as_slice()), (1, &[Untold::TooMuch][..]));
    let walked = |bytes: &[u8]| walk(&Part::all(&bytes), ENOUGH);
    let many = [&b"\x80\x02("[..], &b"N".repeat(1_200_000), b"t."].concat();
    assert_eq!(walked(&many).untold, []);
    let memo = [&b"\x80\x04N"[..], &b"\x94".repeat(1_200_000), b"."].concat();
    let seen = walked(&memo);
    assert_eq!((seen.pickles, seen.untold.len()), (1, 0));
    assert!(walked(&b"(".repeat(2_200_000)).damage.is_some());
}
