//! Model files: weights read from them and quantized into others, in bounded memory.

mod assemble;
mod bounds;
mod gguf;
mod header;
mod journal;
mod output;
#[cfg(feature = "parquet")]
mod parquet_source;
mod quantized;
mod run;
mod source;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use crate::error::{Error, Result};
use crate::options::Options;
use crate::quality::LayerQuality;

pub use quantized::{QuantizedFile, read_quantized};
pub use run::quantize_file;
pub use source::{Source, manifest};

/// The formats of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// The file format of Arrow IPC, with the columns of record batches.
    Ipc,
    /// Parquet, with the same columns; needs the feature `parquet`.
    Parquet,
    /// safetensors: `LAYER.quantized_data`, `LAYER.scales` and `LAYER.zero_points`, and each kept layer
    /// under its own name.
    Safetensors,
    /// GGUF, version 3: layers of the schemes `gguf_q8_0` and `gguf_q4_0`, and kept ones.
    Gguf,
    /// npz: read only.
    Npz,
}

impl Format {
    /// What a file's name says of its format.
    #[must_use]
    pub fn from_path(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "arrow" | "ipc" | "feather" => Some(Format::Ipc),
            "parquet" => Some(Format::Parquet),
            "safetensors" => Some(Format::Safetensors),
            "gguf" => Some(Format::Gguf),
            "npz" => Some(Format::Npz),
            _ => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Ipc => "ipc",
            Format::Parquet => "parquet",
            Format::Safetensors => "safetensors",
            Format::Gguf => "gguf",
            Format::Npz => "npz",
        }
    }

    /// The format of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Format> {
        [Format::Ipc, Format::Parquet, Format::Safetensors, Format::Gguf, Format::Npz]
            .into_iter()
            .find(|format| format.name() == name)
    }
}

/// How to quantize a file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileOptions {
    /// How to quantize its layers.
    pub options: Options,
    /// The format of the result; by the destination's name if `None`.
    pub format: Option<Format>,
    /// Bytes of weights that are read at once; a row of a tensor is read whole even if it has more.
    pub chunk_bytes: usize,
    /// Whether to go on where a run that was killed has stopped.
    pub resume: bool,
    /// Whether layers of one axis, which are biases and norms, are kept as they are unless an override
    /// says otherwise. They are few, and what is lost in them is felt.
    pub keep_vectors: bool,
    /// Bits for each weight that the whole may take: see [`allocate`](crate::allocate()). Reads the
    /// source twice.
    pub target_bits_per_weight: Option<f64>,
}

impl Default for FileOptions {
    /// Chunks of 16 MiB; vectors are kept; a run that was killed is resumed.
    fn default() -> Self {
        FileOptions {
            options: Options::default(),
            format: None,
            chunk_bytes: 16 << 20,
            resume: true,
            keep_vectors: true,
            target_bits_per_weight: None,
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The layer that was just done.
    pub layer: &'a str,
    /// Bytes of weights that are done, also by the run before.
    pub done_bytes: u64,
    /// All of them, as far as the source says.
    pub total_bytes: u64,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct FileReport {
    /// Where the result is.
    pub destination: PathBuf,
    /// Its format.
    pub format: Format,
    /// What each layer takes and lost.
    pub layers: Vec<LayerQuality>,
    /// Bytes of weights that were read.
    pub input_bytes: u64,
    /// Bytes of the result.
    pub output_bytes: u64,
    /// Parts that the source was read in.
    pub chunks: usize,
    /// Parts that a run before had done.
    pub resumed_chunks: usize,
    /// Why the work of a run before was not used, if there was some.
    pub started_over: Option<String>,
}

/// A file that is not what it should be.
fn bad(path: &Path, reason: impl Into<String>) -> Error {
    Error::File { path: path.to_path_buf(), reason: reason.into() }
}

/// What the system said of a file.
fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error + '_ {
    move |source| Error::Io { path: path.to_path_buf(), source }
}

/// A failure of the library that reads or writes a format.
fn failed(path: &Path) -> impl FnOnce(ArrowError) -> Error + '_ {
    move |error| match error {
        ArrowError::IoError(_, source) => Error::Io { path: path.to_path_buf(), source },
        other => bad(path, other.to_string()),
    }
}

/// Parses and runs code of a library that may panic on bad input; its panic is an error of the file.
///
/// Lengths are checked before, so that nothing larger than the file is asked for; this is for what is
/// left.
fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(bad(path, "it is damaged: what it says of itself contradicts itself"))
    })
}

/// The batches of a reader of a library, guarded one by one.
fn guarded_batches(
    path: PathBuf,
    mut reader: impl Iterator<Item = std::result::Result<RecordBatch, ArrowError>>,
) -> impl Iterator<Item = Result<RecordBatch>> {
    std::iter::from_fn(move || {
        guarded(&path, || reader.next().transpose().map_err(failed(&path))).transpose()
    })
}
