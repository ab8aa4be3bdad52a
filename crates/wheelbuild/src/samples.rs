//! Wheels made by hand, for tests: of parts that `artifacts` has for its own tests.

#[path = "../../artifacts/src/samples/bytes.rs"]
mod bytes;
#[path = "../../artifacts/src/samples/elf.rs"]
#[expect(dead_code, reason = "shared with artifacts, which uses all of it")]
pub(crate) mod elf;
#[path = "../../artifacts/src/samples/wheel.rs"]
pub(crate) mod wheel;

pub(crate) use bytes::{Order, Texts, pad};

use artifacts::wheel::Wheel;
use sha2::{Digest as _, Sha256};

use crate::check::base64;
use elf::{Elf, Symbol};
use wheel::{File, file, zip};

/// File name of the wheel that [`files`] makes.
pub(crate) const NAME: &str = "example-1.0-cp310-abi3-manylinux_2_17_x86_64.whl";

/// Name of its module.
pub(crate) const MODULE: &str = "example/_core.abi3.so";

const INFO: &str = "example-1.0.dist-info";

/// An extension module that the stable ABI of 3.10 and glibc 2.17 are enough for.
pub(crate) fn module() -> Elf {
    Elf {
        needed: vec!["libc.so.6".to_owned(), "libgcc_s.so.1".to_owned()],
        version_needs: vec![("libc.so.6", vec![("GLIBC_2.17", false), ("GLIBC_2.28", true)])],
        symbols: vec![
            ("PyList_New".to_owned(), Symbol::Undefined),
            ("_Py_Dealloc".to_owned(), Symbol::Undefined),
            ("malloc".to_owned(), Symbol::Undefined),
            ("PyInit__core".to_owned(), Symbol::Global),
        ],
        ..Elf::empty()
    }
}

/// The files of a wheel in which nothing is wrong, without `RECORD`.
pub(crate) fn files() -> Vec<File> {
    vec![
        file("example/__init__.py", "from example._core import run\n"),
        File { mode: 0o100_755, ..file(MODULE, module().build()) },
        file(
            &format!("{INFO}/METADATA"),
            "Metadata-Version: 2.4\nName: example\nVersion: 1.0\nRequires-Python: >=3.10\n\nText.\n",
        ),
        file(
            &format!("{INFO}/WHEEL"),
            "Wheel-Version: 1.0\nGenerator: maturin (1.16.0)\nRoot-Is-Purelib: false\n\
             Tag: cp310-abi3-manylinux_2_17_x86_64\n",
        ),
        file(
            &format!("{INFO}/sboms/example.cyclonedx.json"),
            "{\n  \"serialNumber\": \"urn:uuid:1\",\n  \"metadata\": {\n    \
             \"timestamp\": \"2026-01-01T00:00:00Z\"\n  },\n  \"components\": []\n}\n",
        ),
    ]
}

/// The same with one file replaced or added.
pub(crate) fn with(changed: File) -> Vec<File> {
    let mut files = files();
    match files.iter_mut().find(|file| file.name == changed.name) {
        Some(file) => *file = changed,
        None => files.push(changed),
    }
    files
}

/// The file of this name.
pub(crate) fn named(name: &str) -> File {
    files().into_iter().find(|file| file.name.ends_with(name)).unwrap()
}

/// `RECORD` of these files.
pub(crate) fn record(files: &[File]) -> File {
    let mut text = String::new();
    for file in files {
        let digest = base64(&Sha256::digest(&file.data));
        text.push_str(&format!("{},sha256={digest},{}\n", file.name, file.data.len()));
    }
    text.push_str(&format!("{INFO}/RECORD,,\n"));
    file(&format!("{INFO}/RECORD"), text)
}

/// The wheel of these files, with a `RECORD` that is right.
pub(crate) fn wheel(name: &str, files: &[File]) -> Wheel {
    let all = [files, &[record(files)]].concat();
    Wheel::open(name, zip(&all)).unwrap()
}
