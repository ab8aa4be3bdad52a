//! Data files made here, whole and broken.

use super::*;
use crate::samples::data::{ARRAY_OF_NUMPY_2, npy as npy_file, npz as npz_file, objects, zip};

#[track_caller]
fn look(extension: &str, bytes: &[u8]) -> DataFacts {
    inspect_data(&bytes, &DataOptions::thorough(extension, false))
}

fn kinds(facts: &DataFacts) -> Vec<DataFaultKind> {
    facts.faults.iter().map(|fault| fault.kind).collect()
}

#[test]
fn arrays_are_told_from_their_headers() {
    let facts = look("npz", &npz_file());
    assert_eq!((facts.format, facts.faults.len()), (DataFormat::Npz, 0));
    let told: Vec<_> = facts
        .arrays
        .iter()
        .map(|a| {
            (a.name.as_deref().unwrap(), a.dtype.as_str(), &a.shape[..], a.compressed.is_some())
        })
        .collect();
    assert_eq!(told, [("a", "'<u4'", &[10, 10][..], false), ("b", "'<u4'", &[3_000], true)]);
    let text = "{'descr': '>M8[ns]', 'fortran_order': True, 'shape': (1, 2), }";
    let facts = look("npy", &npy_file(text, &[0; 16]));
    let array = &facts.arrays[0];
    assert_eq!((array.dtype.as_str(), array.fortran_order, array.nbytes), ("'>M8[ns]'", true, 16));
    assert!(array.obstacles.is_empty());
}

#[test]
fn the_pickle_in_an_array_of_objects_is_walked() {
    let members = zip(&[("x.npy", &objects(ARRAY_OF_NUMPY_2))]);
    for (extension, bytes) in [("npy", objects(ARRAY_OF_NUMPY_2)), ("npz", members)] {
        let facts = look(extension, &bytes);
        assert_eq!(facts.faults, [], "{extension}");
        let (name, pickle) = facts.pickles().next().unwrap();
        assert_eq!(name, (extension == "npz").then_some("x"));
        assert_eq!(facts.arrays[0].dtype, "'|O'");
        assert_eq!(pickle.names[0].module, "numpy._core.multiarray");
        assert!(facts.arrays[0].obstacles.is_empty(), "the pickle says it");
    }
    let cut = &objects(ARRAY_OF_NUMPY_2);
    assert_eq!(kinds(&look("npy", &cut[..cut.len() - 1])), [DataFaultKind::Damaged]);
    let options = DataOptions { member_bytes: 20, ..DataOptions::quick("npz") };
    let bytes = zip(&[("x.npy", &objects(ARRAY_OF_NUMPY_2))]);
    let facts = inspect_data(&bytes, &options);
    assert_eq!(facts.arrays[0].pickle.as_ref().unwrap().untold, [crate::Untold::TooMuch]);
}

#[test]
fn obstacles_name_their_numpys() {
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (np.int64(1),), }";
    let facts = look("npy", &npy_file(text, &[0; 4]));
    let obstacle = &facts.arrays[0].obstacles[0];
    assert!(obstacle.refused && obstacle.since.is_none() && obstacle.before.is_none());
    let long = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }}{}",
        " ".repeat(10_000)
    );
    let facts = look("npy", &npy_file(&long, &[0; 4]));
    assert_eq!(facts.arrays[0].obstacles[0].since.as_deref(), Some("1.23.5"));
}

#[test]
fn damage_and_malice_are_told_apart() {
    let whole = npz_file();
    for length in [whole.len() / 2, whole.len() - 1, 30] {
        assert_eq!(kinds(&look("npz", &whole[..length])), [DataFaultKind::Damaged], "{length}");
    }
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (100,), }";
    assert_eq!(kinds(&look("npy", &npy_file(text, &[0; 4]))), [DataFaultKind::Damaged]);
    let plain = npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", &[0; 4]);
    let longer = npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", &[0; 40]);
    for (members, kind) in [
        (vec![("../x.npy", &plain)], DataFaultKind::Hostile),
        (vec![("x.npy", &plain), ("x.npy", &plain)], DataFaultKind::Hostile),
        (vec![("x.npy", &longer)], DataFaultKind::Hostile),
    ] {
        let members: Vec<(&str, &[u8])> =
            members.iter().map(|(name, data)| (*name, data.as_slice())).collect();
        assert_eq!(kinds(&look("npz", &zip(&members))), [kind], "{members:?}");
    }
}

#[test]
fn checksums_are_compared_when_asked_for() {
    let mut bytes = npz_file();
    let at = bytes.windows(2).position(|two| two == [99, 0]).unwrap();
    bytes[at] ^= 1;
    assert_eq!(look("npz", &bytes).faults, []);
    let facts = inspect_data(&bytes, &DataOptions::thorough("npz", true));
    assert_eq!((kinds(&facts), facts.verified), (vec![DataFaultKind::Damaged], true));
}

#[test]
fn what_is_not_looked_into_is_recognised() {
    let tar = [&[0; 257][..], b"ustar\0", &[0; 400]].concat();
    for (extension, bytes, format, faults) in [
        ("joblib", &b"\x78\x9c1234"[..], DataFormat::Compressed, 1),
        ("pkl", b"\x1f\x8b\x08\0\0", DataFormat::Compressed, 1),
        ("pkl", b"BZh91AY&SY", DataFormat::Compressed, 0),
        ("joblib", b"\xfd7zXZ\0", DataFormat::Compressed, 0),
        ("zip", &zip(&[("a.txt", b"x")]), DataFormat::Zip, 0),
        ("pt", &tar, DataFormat::Tar, 0),
        ("pkl", b"7z\xbc\xaf\x27\x1c\0\x04", DataFormat::SevenZip, 0),
    ] {
        let facts = look(extension, bytes);
        let found = facts.faults.iter().filter(|fault| fault.kind != DataFaultKind::Mislabelled);
        assert_eq!((facts.format, found.count()), (format, faults), "{bytes:?}");
        assert!(!format.is_judged());
    }
}

#[test]
fn pickles_in_archives_are_walked() {
    let evil = b"\x80\x02cos\nsystem\n.";
    let facts = look("pt", &zip(&[("m/data.pkl", b"\x80\x02N."), ("m/data/0", evil)]));
    assert_eq!((facts.format, facts.members.len()), (DataFormat::Torch, 1));
    let facts = look("pt", &zip(&[("m/data.pkl", evil), ("m/other.pkl", evil)]));
    assert_eq!(facts.pickles().filter(|(_, p)| p.dangerous().next().is_some()).count(), 2);
    let facts = look("zip", &zip(&[("a.txt", b"x"), ("b.txt", evil)]));
    assert_eq!((facts.members.len(), facts.more_members), (1, 1));
}

#[test]
fn files_that_are_not_what_their_name_says() {
    for (extension, bytes) in [
        ("npy", &b""[..]),
        ("npy", b"Loading model...\nPK\x03\x04"),
        ("npz", &[0; 100]),
        ("npz", &zip(&[("a.txt", b"x")])),
        ("pkl", b"\xff\xfe\xfd"),
    ] {
        let facts = look(extension, bytes);
        assert_eq!(kinds(&facts), [DataFaultKind::Mislabelled], "{extension} {bytes:?}");
    }
    assert_eq!(look("npy", b"\x80\x04N.").format, DataFormat::Pickle);
    assert_eq!(look("pkl", b"cos\nsystem\n(S'ls'\ntR.").format, DataFormat::Pickle);
}
