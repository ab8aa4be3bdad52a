//! Round trips with real numpys: what each of them writes is read here, what is written here is
//! read by each of them, and dtype, shape, order and every byte agree.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(unsafe_code, reason = "files in directories of the test's own are mapped")]

mod environments;
mod lanes;

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use environments::{run, skip};
use lanes::{LANES, Lane};
use npz::{
    Array, ArrayView, Compression, ErrorKind, Limits, Npy, NpyReader, Npz, NpzWriter, Order, bf16,
};
use serde_json::Value;

/// What numpy says of each array of its corpus, and its files.
struct Corpus {
    directory: tempfile::TempDir,
    python: PathBuf,
    arrays: BTreeMap<String, Value>,
    odd: Vec<String>,
    is_numpy2: bool,
}

fn script(python: &Path, role: &str, directory: &Path) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/numpy/corpus.py");
    run(Command::new(python).args(["-I", "-B", script, role]).arg(directory)).unwrap()
}

impl Corpus {
    fn write(lane: &Lane) -> Result<Corpus, String> {
        let python = lane.interpreter()?;
        let directory = tempfile::tempdir().unwrap();
        script(&python, "write", directory.path());
        let described = fs::read(directory.path().join("described.json")).unwrap();
        let described: Value = serde_json::from_slice(&described).unwrap();
        let arrays = described["arrays"].as_object().unwrap();
        let odd = described["odd"].as_array().unwrap();
        Ok(Corpus {
            arrays: arrays.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            odd: odd.iter().map(|name| name.as_str().unwrap().to_owned()).collect(),
            is_numpy2: described["numpy"].as_str().unwrap().starts_with('2'),
            directory,
            python,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The npy file of an array, whose name starts with its number.
    fn npy(&self, name: &str) -> PathBuf {
        self.path(&format!("{}.npy", &name[..3]))
    }
}

/// Compares an array with what numpy said of it.
fn assert_described(name: &str, array: &ArrayView<'_>, described: &Value) {
    let shape: Vec<u64> = array.shape().iter().map(|&length| length as u64).collect();
    assert_eq!(array.dtype().to_string(), described["descr"].as_str().unwrap(), "{name}");
    assert_eq!(Value::from(shape), described["shape"], "{name}");
    assert_eq!(array.order() == Order::Fortran, described["fortran"], "{name}");
}

fn lane(name: &str) -> &'static Lane {
    LANES.iter().find(|lane| lane.name == name).unwrap()
}

fn round_trip(test: &str, name: &str) {
    let corpus = match Corpus::write(lane(name)) {
        Ok(corpus) => corpus,
        Err(reason) => return skip(test, &reason),
    };
    let stored = Npz::open(corpus.path("stored.npz")).unwrap();
    // SAFETY: nobody else knows the directory, here and below.
    let mapped = unsafe { Npz::map(corpus.path("stored.npz")) }.unwrap();
    let deflated = Npz::open(corpus.path("deflated.npz")).unwrap();
    assert_eq!(stored.names().count(), corpus.arrays.len());
    let all: BTreeMap<String, Array> = deflated.read_all().unwrap().into_iter().collect();

    let out = tempfile::tempdir().unwrap();
    let mut writers: Vec<(&str, NpzWriter<npz::NewFile>, Compression)> = [
        ("stored.npz", Compression::Stored),
        ("deflated.npz", Compression::Deflate(6)),
        ("fast.npz", Compression::Deflate(1)),
        ("auto.npz", Compression::Auto),
    ]
    .map(|(file, how)| (file, NpzWriter::create(out.path().join(file)).unwrap(), how))
    .into();
    let mut streamed = NpzWriter::create(out.path().join("streamed.npz")).unwrap();

    for (name, described) in &corpus.arrays {
        let path = corpus.npy(name);
        let npy = Npy::open(&path).unwrap();
        assert_eq!(npy.trailing_bytes(), 0, "{name}");
        let array = npy.read().unwrap();
        assert_described(name, &array.view(), described);

        // Every way to read gives the same.
        let same = |other: &ArrayView<'_>| {
            assert_eq!(other.dtype(), array.dtype(), "{name}");
            assert_eq!(other.shape(), array.shape(), "{name}");
            assert_eq!(other.order(), array.order(), "{name}");
            // numpy does not clear the padding of records, so it differs from file to file.
            if array.dtype().as_record().is_none() {
                assert!(other.bytes() == array.bytes(), "{name}");
            }
        };
        // SAFETY: as above.
        same(&unsafe { Npy::map(&path) }.unwrap().view().unwrap());
        let file = fs::read(&path).unwrap();
        let reader = NpyReader::new(file.as_slice(), Limits::default()).unwrap();
        same(&reader.read_array().unwrap().view());
        same(&stored.read(name).unwrap().view());
        same(&mapped.view(name).unwrap());
        same(&all[name].view());
        same(&deflated.stream(name).unwrap().read_array().unwrap().view());
        mapped.verify(name).unwrap();
        deflated.verify(name).unwrap();

        // What is written is read back by numpy, below.
        npz::write_npy(out.path().join(format!("{}.npy", &name[..3])), &array.view()).unwrap();
        let again = fs::read(out.path().join(format!("{}.npy", &name[..3]))).unwrap();
        if corpus.is_numpy2 {
            assert!(again == file, "{name}: other bytes than numpy's");
        }
        for (_, writer, how) in &mut writers {
            writer.add(name, &array.view(), *how).unwrap();
        }
        let mut member = streamed.stream(name, array.header(), Compression::Auto).unwrap();
        array.bytes().chunks(100_000).for_each(|piece| member.write_bytes(piece).unwrap());
        member.finish().unwrap();
    }
    let mut files = vec!["streamed.npz"];
    streamed.commit().unwrap();
    for (file, writer, _) in writers {
        files.push(file);
        writer.commit().unwrap();
    }
    odd_arrays(&corpus);

    let read: Value = serde_json::from_str(&script(&corpus.python, "read", out.path())).unwrap();
    for (name, described) in &corpus.arrays {
        assert_eq!(&read[&format!("{}.npy", &name[..3])], described, "{name} in npy");
        for file in &files {
            assert_eq!(&read[file][name], described, "{name} in {file}");
        }
    }
    for file in files {
        // SAFETY: as above.
        let npz = unsafe { Npz::map(out.path().join(file)) }.unwrap();
        for member in npz.members() {
            npz.verify(member.name).unwrap();
            let again = npz.read(member.name).unwrap();
            let first = Npy::open(corpus.npy(member.name)).unwrap().read().unwrap();
            assert!(again.bytes() == first.bytes(), "{} in {file}", member.name);
            if member.is_stored {
                let view = npz.view(member.name).unwrap();
                assert_eq!(view.bytes().as_ptr().addr() % npz::ALIGNMENT, 0);
            }
        }
    }
}

/// Arrays that are not numbers or text are named for what they are.
fn odd_arrays(corpus: &Corpus) {
    for name in &corpus.odd {
        let npy = Npy::open(corpus.path(&format!("odd-{name}.npy"))).unwrap();
        match name.as_str() {
            "object" | "string" => {
                let what = if name == "string" { "StringDType" } else { "objects" };
                let error = npy.read().unwrap_err();
                assert!(
                    matches!(error.kind(), ErrorKind::Pickled { what: found } if *found == what),
                    "{error}"
                );
            }
            "bfloat16" => {
                let values = npy.read().unwrap().to_vec::<bf16>().unwrap();
                assert_eq!(values.map_to_f32(), [1.0, 2.5]);
                assert!(npy.header().dtype().as_scalar().unwrap().may_be_extension());
            }
            "float8_e5m2" => {
                assert_eq!(npy.header().dtype().to_string(), "'<f1'");
                assert_eq!(npy.read().unwrap().bytes(), [0x3c, 0x41]);
            }
            other => panic!("{other} is not expected"),
        }
    }
}

trait MapToF32 {
    fn map_to_f32(self) -> Vec<f32>;
}

impl MapToF32 for Vec<bf16> {
    fn map_to_f32(self) -> Vec<f32> {
        self.into_iter().map(bf16::to_f32).collect()
    }
}

#[test]
fn numpy_1_17_5() {
    round_trip("numpy_1_17_5", "1.17.5");
}

#[test]
fn numpy_1_24_4() {
    round_trip("numpy_1_24_4", "1.24.4");
}

#[test]
fn numpy_2_2_6() {
    round_trip("numpy_2_2_6", "2.2.6");
}

#[test]
fn numpy_newest() {
    round_trip("numpy_newest", "newest");
}

/// What one numpy writes, this crate writes again, and every other numpy reads.
#[test]
fn every_numpy_reads_what_came_from_every_other() {
    let test = "every_numpy_reads_what_came_from_every_other";
    let mut corpora = Vec::new();
    for lane in &LANES {
        match Corpus::write(lane) {
            Ok(corpus) => corpora.push(corpus),
            Err(reason) => skip(test, &reason),
        }
    }
    for writer in &corpora {
        let out = tempfile::tempdir().unwrap();
        let npz = Npz::open(writer.path("deflated.npz")).unwrap();
        let mut bytes = NpzWriter::new(Cursor::new(Vec::new())).unwrap();
        for name in writer.arrays.keys() {
            bytes.add(name, &npz.read(name).unwrap().view(), Compression::Auto).unwrap();
        }
        let bytes = bytes.finish().unwrap().into_inner();
        fs::write(out.path().join("all.npz"), bytes).unwrap();
        for reader in &corpora {
            let read = script(&reader.python, "read", out.path());
            let read: Value = serde_json::from_str(&read).unwrap();
            for (name, described) in &writer.arrays {
                assert_eq!(&read["all.npz"][name], described, "{name}");
            }
        }
    }
}
