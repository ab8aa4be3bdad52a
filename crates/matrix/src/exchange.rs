//! What is said to a cell's process, and what it answers: JSON files, so that nothing that a cell
//! prints can be mistaken for an answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::corpus::{Case, Origin};
use crate::{Format, Observation};

/// How a cell's process ends that cannot import numpy, or what else it needs; the last line that it
/// prints to standard error says why.
pub(crate) const CANNOT_IMPORT: i32 = 78;

/// How a cell's process ends that cannot import the program of the wheel under test.
pub(crate) const CANNOT_IMPORT_PROGRAM: i32 = 79;

/// The file in a cell's directory that says what its process is doing.
pub(crate) const DOING: &str = "doing.txt";

/// A case as it stands in `corpus.json`; its bytes are in `corpus.bin`.
#[derive(Debug, Serialize)]
struct WrittenCase<'a> {
    name: &'a str,
    descr: &'a str,
    shape: &'a [usize],
    fortran: bool,
    origin: Origin,
    /// Size of an element in bytes, and where in it the bytes are that mean nothing.
    size: usize,
    padding: Vec<usize>,
    start: usize,
    length: usize,
}

/// Writes the corpus for processes that are not this one.
pub(crate) fn write_corpus(directory: &Path, cases: &[Case]) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let mut list = Vec::new();
    for Case { name, descr, shape, fortran, origin, padding, data, .. } in cases {
        let (start, length) = (bytes.len(), data.len());
        bytes.extend_from_slice(data);
        let size = padding.len();
        let padding = (0..size).filter(|place| padding[*place]).collect();
        let (fortran, origin) = (*fortran, *origin);
        list.push(WrittenCase {
            name,
            descr,
            shape,
            fortran,
            origin,
            size,
            padding,
            start,
            length,
        });
    }
    host::write_atomically(&directory.join("corpus.json"), &serde_json::to_vec(&list)?)?;
    host::write_atomically(&directory.join("corpus.bin"), &bytes)
}

/// What a process is asked to do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) role: Role,
    /// Whether standard input ends when the one who asks is gone.
    pub(crate) leashed: bool,
    /// Directory with `corpus.json` and `corpus.bin`.
    pub(crate) corpus: PathBuf,
    /// Directory that the cell writes to.
    pub(crate) own: PathBuf,
    /// File that the answer is written to.
    pub(crate) answer: PathBuf,
    pub(crate) formats: Vec<Format>,
    /// Modules that must be there.
    pub(crate) imports: Vec<String>,
    /// To be pickled.
    pub(crate) objects: Vec<ObjectToPickle>,
    pub(crate) protocols: Vec<u8>,
    /// To be read.
    pub(crate) writers: Vec<Writer>,
    /// Of a cell with a wheel: the program that writes and reads in place of numpy.
    pub(crate) exchange: Option<Exchange>,
}

/// What a cell with a wheel runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Exchange {
    /// A Python program with the functions `write` and `read`.
    pub(crate) program: PathBuf,
    /// The directory that the wheel is installed in.
    pub(crate) site: PathBuf,
}

/// What a cell does in one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Write,
    Read,
}

/// An object to pickle.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ObjectToPickle {
    pub(crate) name: String,
    /// A Python expression that makes it, where `np` is numpy.
    pub(crate) python: String,
}

/// What a cell wrote, for those that read it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Writer {
    pub(crate) name: String,
    pub(crate) directory: PathBuf,
    /// Numbers of the cases that the writer's machine cannot hold, and why.
    pub(crate) unsupported: BTreeMap<usize, String>,
    pub(crate) pickles: BTreeMap<String, WrittenPickle>,
    pub(crate) protocols: Vec<u8>,
}

/// An object that was pickled.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct WrittenPickle {
    /// What it is and holds, to compare with what is loaded: names and values.
    pub(crate) description: Option<Vec<(String, String)>>,
    /// By protocol, why there is no pickle of it.
    pub(crate) missing: BTreeMap<u8, String>,
}

/// Which Python and numpy answered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct SelfDescription {
    pub(crate) python: Option<String>,
    pub(crate) numpy: Option<String>,
    pub(crate) numpy_directory: Option<PathBuf>,
    pub(crate) pyodide: Option<String>,
    /// What somebody should know who uses it.
    #[serde(default)]
    pub(crate) remarks: Vec<String>,
}

/// Answer to [`Role::Write`].
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct WriteAnswer {
    #[serde(flatten)]
    pub(crate) of: SelfDescription,
    /// Whether the wheel's program says that every cell writes something else.
    #[serde(default)]
    pub(crate) writes_differ: bool,
    pub(crate) unsupported: BTreeMap<usize, String>,
    pub(crate) pickles: BTreeMap<String, WrittenPickle>,
}

/// Answer to [`Role::Read`].
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct ReadAnswer {
    #[serde(flatten)]
    pub(crate) of: SelfDescription,
    /// By name of the writer.
    pub(crate) pairs: BTreeMap<String, PairAnswer>,
}

/// What a reader says of one writer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PairAnswer {
    pub(crate) formats: BTreeMap<Format, FormatAnswer>,
    /// By object and protocol.
    pub(crate) pickles: BTreeMap<String, BTreeMap<u8, Observation>>,
}

/// What a reader says of one format of one writer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct FormatAnswer {
    /// Numbers of the cases that were read and compared.
    pub(crate) compared: Vec<usize>,
    /// Number of the case, `error` or `differs`, and the message.
    pub(crate) problems: Vec<(usize, String, String)>,
    /// Numbers of the cases of which the reader says that it can hold no such array, and why.
    #[serde(default)]
    pub(crate) refused: Vec<(usize, String)>,
}

/// The name of a case's own file.
pub(crate) fn npy_name(number: usize) -> String {
    format!("{number:03}.npy")
}

/// The name of the file that holds all cases in a format; npy files hold one each.
pub(crate) fn archive_name(format: Format) -> Option<&'static str> {
    match format {
        Format::Npy | Format::WheelWritten | Format::WheelRead => None,
        Format::Npz => Some("stored.npz"),
        Format::NpzDeflated => Some("deflated.npz"),
    }
}
