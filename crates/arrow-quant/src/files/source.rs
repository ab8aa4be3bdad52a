//! Files of weights, as record batches of bounded size.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use arrow_array::{ArrayRef, Int64Array, LargeBinaryArray, RecordBatch, StringArray, UInt64Array};
use arrow_buffer::{Buffer, OffsetBuffer};
use npz::{Extension, FileSource, Kind, Npz, Source as _};

use super::bounds::open_ipc;
use super::header::{self, Header, Once};
use super::{Format, bad, failed, guarded_batches, io};
use crate::error::{Error, Result};
use crate::quantize::shapes;
use crate::weights::Dtype;

/// A file of weights, or several that are one model.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    pub(super) files: Vec<PathBuf>,
    kind: SourceKind,
    /// Bytes of weights; of the file where that is not known before it is read.
    pub(super) bytes: u64,
    chunk_bytes: usize,
}

#[derive(Debug)]
enum SourceKind {
    /// Ranges of bytes of the files.
    Ranges(Vec<Part>),
    Npz,
    Ipc,
    #[cfg(feature = "parquet")]
    Parquet,
}

/// A part of a tensor, as a range of bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    file: usize,
    tensor: String,
    dtype: Dtype,
    shape: Vec<i64>,
    row_start: i64,
    row_count: i64,
    start: u64,
    length: u64,
}

/// A record batch, and how many bytes of the source it is.
pub(super) type Read = Result<(RecordBatch, u64)>;

impl Source {
    /// Opens a file, a directory with safetensors files, or the index of some
    /// (`model.safetensors.index.json`). Nothing but headers is read.
    ///
    /// `chunk_bytes` bounds the weights of a record batch, but a row along the first axis is never
    /// divided.
    ///
    /// # Errors
    /// It cannot be read, is of no format that is known here, or contradicts itself.
    pub fn open(path: impl AsRef<Path>, chunk_bytes: usize) -> Result<Source> {
        let path = path.as_ref();
        let metadata = fs::metadata(path).map_err(io(path))?;
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let of = |files: Vec<PathBuf>, kind, bytes| Source {
            path: path.to_path_buf(),
            files,
            kind,
            bytes,
            chunk_bytes: chunk_bytes.max(1),
        };
        if metadata.is_dir() || name.ends_with(".safetensors.index.json") {
            let (files, parts) = sharded(path, metadata.is_dir(), chunk_bytes)?;
            let bytes = parts.iter().map(|part| part.length).sum();
            return Ok(of(files, SourceKind::Ranges(parts), bytes));
        }
        let alone = vec![path.to_path_buf()];
        match Format::from_path(path) {
            Some(Format::Safetensors) => {
                let mut parts = Vec::new();
                add_parts(0, open_header(path)?, chunk_bytes, &mut parts);
                let bytes = parts.iter().map(|part| part.length).sum();
                Ok(of(alone, SourceKind::Ranges(parts), bytes))
            }
            Some(Format::Npz) => Ok(of(alone, SourceKind::Npz, metadata.len())),
            Some(Format::Ipc) => Ok(of(alone, SourceKind::Ipc, metadata.len())),
            #[cfg(feature = "parquet")]
            Some(Format::Parquet) => Ok(of(alone, SourceKind::Parquet, metadata.len())),
            #[cfg(not(feature = "parquet"))]
            Some(Format::Parquet) => {
                Err(bad(path, "this build reads no Parquet: it lacks the feature `parquet`"))
            }
            Some(Format::Gguf) => Err(bad(path, "GGUF is written here, and not read")),
            None => Err(bad(
                path,
                "its name says no format that is read here: .safetensors, .arrow, .parquet or .npz, a \
                 directory of safetensors files or their index.json",
            )),
        }
    }

    /// The weights: record batches as [`quantize`](crate::quantize()) takes them, in an order that is
    /// always the same.
    ///
    /// # Errors
    /// The source cannot be read or is damaged; each item can fail so too.
    pub fn weights(&self) -> Result<impl Iterator<Item = Result<RecordBatch>> + Send + '_> {
        Ok(self.batches(0)?.map(|read| read.map(|(batch, _)| batch)))
    }

    /// The record batches, in an order that is always the same, the first `skip` of them left out.
    pub(super) fn batches(
        &self,
        skip: usize,
    ) -> Result<Box<dyn Iterator<Item = Read> + Send + '_>> {
        match &self.kind {
            SourceKind::Ranges(parts) => {
                let files: Vec<FileSource> = self
                    .files
                    .iter()
                    .map(|path| FileSource::open(path).map_err(io(path)))
                    .collect::<Result<_>>()?;
                Ok(Box::new(parts.iter().skip(skip).map(move |part| {
                    let batch = part.read(&files[part.file], &self.files[part.file])?;
                    Ok((batch, part.length))
                })))
            }
            SourceKind::Npz => Ok(Box::new(self.arrays()?.skip(skip))),
            SourceKind::Ipc => {
                let mut reader = open_ipc(&self.path)?;
                if skip >= reader.num_batches() {
                    return Ok(Box::new(std::iter::empty()));
                }
                if skip > 0 {
                    reader.set_index(skip).map_err(failed(&self.path))?;
                }
                let batches = guarded_batches(self.path.clone(), reader);
                Ok(Box::new(batches.map(|batch| batch.map(sized))))
            }
            #[cfg(feature = "parquet")]
            SourceKind::Parquet => {
                let reader = super::parquet_source::parquet_reader(&self.path, self.chunk_bytes)?;
                let batches = guarded_batches(self.path.clone(), reader);
                Ok(Box::new(batches.map(|batch| batch.map(sized)).skip(skip)))
            }
        }
    }

    /// The arrays of an npz file, one in memory at a time, in parts.
    fn arrays(&self) -> Result<impl Iterator<Item = Read> + Send + '_> {
        let npz = Npz::open(&self.path).map_err(Error::Npz)?;
        let names: Vec<String> = npz.names().map(str::to_owned).collect();
        let path = &self.path;
        let chunk_bytes = self.chunk_bytes;
        let mut names = names.into_iter();
        let mut waiting: Vec<Read> = Vec::new();
        Ok(std::iter::from_fn(move || {
            loop {
                if let Some(next) = waiting.pop() {
                    return Some(next);
                }
                let name = names.next()?;
                match array_parts(path, &npz, &name, chunk_bytes) {
                    Ok(mut parts) => {
                        parts.reverse();
                        waiting = parts.into_iter().map(Ok).collect();
                    }
                    Err(error) => return Some(Err(error)),
                }
            }
        }))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What tells this source from another one, or from itself after a change.
    pub(super) fn identity(&self) -> Result<Vec<String>> {
        self.files
            .iter()
            .map(|path| {
                let metadata = fs::metadata(path).map_err(io(path))?;
                let changed =
                    metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
                let name = fs::canonicalize(path).map_err(io(path))?;
                let changed = changed.unwrap_or_default().as_nanos();
                Ok(format!("{} {} {changed}", name.display(), metadata.len()))
            })
            .collect()
    }
}

fn sized(batch: RecordBatch) -> (RecordBatch, u64) {
    let bytes = batch.column_by_name("weights").map_or(0, |column| {
        arrow_array::Array::to_data(column).get_slice_memory_size().unwrap_or(0)
    });
    (batch, bytes as u64)
}

fn open_header(path: &Path) -> Result<Header> {
    let file = FileSource::open(path).map_err(io(path))?;
    header::read(path, &file)
}

/// The files of a model in several, and the parts of all its tensors.
fn sharded(
    path: &Path,
    is_directory: bool,
    chunk_bytes: usize,
) -> Result<(Vec<PathBuf>, Vec<Part>)> {
    let index =
        if is_directory { path.join("model.safetensors.index.json") } else { path.to_path_buf() };
    let directory = index.parent().unwrap_or(Path::new("."));
    let expected = index.is_file().then(|| read_index(&index)).transpose()?;
    let files: Vec<PathBuf> = match &expected {
        Some(map) => {
            let mut names: Vec<&String> = map.values().collect();
            names.sort();
            names.dedup();
            names.into_iter().map(|name| directory.join(name)).collect()
        }
        None => {
            let mut files = Vec::new();
            for entry in fs::read_dir(directory).map_err(io(directory))? {
                let file = entry.map_err(io(directory))?.path();
                if Format::from_path(&file) == Some(Format::Safetensors) {
                    files.push(file);
                }
            }
            files.sort();
            files
        }
    };
    if files.is_empty() {
        return Err(bad(
            path,
            "no safetensors file is there: name the directory of a model, or its file",
        ));
    }
    let mut parts = Vec::new();
    let mut homes: BTreeMap<String, usize> = BTreeMap::new();
    for (place, file) in files.iter().enumerate() {
        let header = open_header(file)?;
        for tensor in &header.tensors {
            if let Some(other) = homes.insert(tensor.name.clone(), place) {
                let reason =
                    format!("tensor {:?} is in {} too", tensor.name, files[other].display());
                return Err(bad(file, reason));
            }
        }
        add_parts(place, header, chunk_bytes, &mut parts);
    }
    if let Some(map) = expected {
        for (tensor, name) in &map {
            if homes.get(tensor).is_none_or(|place| files[*place] != directory.join(name)) {
                return Err(bad(
                    &index,
                    format!("tensor {tensor:?} should be in {name}, and is not"),
                ));
            }
        }
        if let Some((tensor, place)) = homes.iter().find(|(tensor, _)| !map.contains_key(*tensor)) {
            let reason = format!("tensor {tensor:?} is not in the index {}", index.display());
            return Err(bad(&files[*place], reason));
        }
    }
    Ok((files, parts))
}

/// The longest index that is read: a few million tensors.
const INDEX_LIMIT: u64 = 1 << 30;

fn read_index(path: &Path) -> Result<BTreeMap<String, String>> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: Once<String>,
    }
    let size = fs::metadata(path).map_err(io(path))?.len();
    if size > INDEX_LIMIT {
        return Err(bad(path, format!("an index of {size} bytes is not read")));
    }
    let text = fs::read(path).map_err(io(path))?;
    let index: Index = serde_json::from_slice(&text)
        .map_err(|error| bad(path, format!("it is no index of safetensors files: {error}")))?;
    let Once(map) = index.weight_map;
    for name in map.values() {
        // A file beside the index, and no way out of its directory.
        let is_plain = Path::new(name).file_name().is_some_and(|plain| plain == name.as_str());
        if !is_plain || name.contains(['\\', ':']) {
            return Err(bad(path, format!("{name:?} is no name of a file beside the index")));
        }
    }
    Ok(map)
}

/// Divides tensors along their first axis.
fn add_parts(file: usize, header: Header, chunk_bytes: usize, parts: &mut Vec<Part>) {
    for tensor in header.tensors {
        for (row_start, row_count, start, length) in
            division(&tensor.shape, tensor.length, chunk_bytes as u64)
        {
            parts.push(Part {
                file,
                tensor: tensor.name.clone(),
                dtype: tensor.dtype,
                shape: tensor.shape.clone(),
                row_start,
                row_count,
                start: tensor.start + start,
                length,
            });
        }
    }
}

/// Rows of the first axis, and their bytes, in parts of at most `most` bytes or of one row. A tensor of
/// one axis is one part, since a group must not begin in the middle.
fn division(shape: &[i64], bytes: u64, most: u64) -> Vec<(i64, i64, u64, u64)> {
    let first = shape.first().copied().unwrap_or(1);
    if shape.len() < 2 || bytes <= most || first < 2 {
        return vec![(0, first, 0, bytes)];
    }
    let row = bytes / first as u64;
    let rows = (most / row.max(1)).max(1).min(first as u64) as i64;
    let mut parts = Vec::new();
    let mut start = 0;
    while start < first {
        let count = rows.min(first - start);
        parts.push((start, count, start as u64 * row, count as u64 * row));
        start += count;
    }
    parts
}

impl Part {
    fn read(&self, file: &FileSource, path: &Path) -> Result<RecordBatch> {
        let bytes = usize::try_from(self.length).map_err(|_| Error::Memory { bytes: None })?;
        let mut memory =
            npz::Buffer::zeroed(bytes).map_err(|_| Error::Memory { bytes: Some(bytes) })?;
        file.read_exact_at(&mut memory, self.start).map_err(|error| {
            if error.kind() == std::io::ErrorKind::UnexpectedEof {
                bad(
                    path,
                    format!(
                        "tensor {:?} ends before it should: the file was cut off meanwhile",
                        self.tensor
                    ),
                )
            } else {
                Error::Io { path: path.to_path_buf(), source: error }
            }
        })?;
        let memory = Buffer::from(bytes::Bytes::from_owner(crate::slab::Owner(memory)));
        batch(&self.tensor, memory, self.dtype, &self.shape, self.row_start)
    }
}

/// One row of weights, as little-endian bytes.
fn batch(
    layer: &str,
    bytes: Buffer,
    dtype: Dtype,
    shape: &[i64],
    row_start: i64,
) -> Result<RecordBatch> {
    let lengths = OffsetBuffer::<i64>::from_lengths([bytes.len()]);
    let weights = LargeBinaryArray::try_new(lengths, bytes, None)?;
    Ok(RecordBatch::try_from_iter([
        ("layer_name", Arc::new(StringArray::from_iter_values([layer])) as ArrayRef),
        ("weights", Arc::new(weights)),
        ("dtype", Arc::new(StringArray::from_iter_values([dtype.name()]))),
        ("shape", shapes([shape].into_iter())),
        ("row_start", Arc::new(Int64Array::from_iter_values([row_start]))),
    ])?)
}

fn array_parts(
    path: &Path,
    npz: &Npz<FileSource>,
    name: &str,
    chunk_bytes: usize,
) -> Result<Vec<(RecordBatch, u64)>> {
    let array = npz.read(name).and_then(npz::Array::into_native).map_err(Error::Npz)?;
    let Some(dtype) = dtype_of(array.dtype()) else {
        return Err(bad(
            path,
            format!("array {name:?} is of type {:?}, which cannot be read or kept", array.dtype()),
        ));
    };
    let shape: Vec<i64> = array.shape().iter().map(|length| *length as i64).collect();
    let array = match array.order() {
        npz::Order::C => array,
        npz::Order::Fortran => array.view().to_c_order().map_err(Error::Npz)?,
    };
    let divided = division(&shape, array.bytes().len() as u64, chunk_bytes as u64);
    let memory = Buffer::from(bytes::Bytes::from_owner(Whole(array)));
    let part = |(row_start, _, start, length): (i64, i64, u64, u64)| {
        let bytes = memory.slice_with_length(start as usize, length as usize);
        Ok((batch(name, bytes, dtype, &shape, row_start)?, length))
    };
    divided.into_iter().map(part).collect()
}

/// An array as `bytes` takes it over.
struct Whole(npz::Array);

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes()
    }
}

/// What a numpy type is called here.
fn dtype_of(dtype: &npz::DType) -> Option<Dtype> {
    let scalar = dtype.as_scalar()?;
    let name = match (scalar.kind, scalar.size) {
        (Kind::Float, 4) => "f32",
        (Kind::Float, 2) => "f16",
        (Kind::Float, 8) => "f64",
        (Kind::Extension(Extension::Bfloat16), 2) => "bf16",
        (Kind::Bool, 1) => "bool",
        (Kind::Int, 1) => "i8",
        (Kind::Int, 2) => "i16",
        (Kind::Int, 4) => "i32",
        (Kind::Int, 8) => "i64",
        (Kind::UInt, 1) => "u8",
        (Kind::UInt, 2) => "u16",
        (Kind::UInt, 4) => "u32",
        (Kind::UInt, 8) => "u64",
        (Kind::Complex, 8) => "c64",
        _ => return None,
    };
    Dtype::from_name(name)
}

/// What is where in a source, so that work on it can be distributed: a row for each part, with the
/// columns `uri`, `tensor`, `dtype` (utf8), `shape` (list of int64), `row_start`, `row_count` (int64),
/// `byte_start` and `byte_len` (uint64).
///
/// # Errors
/// As [`Source::open`], and for sources whose parts are no ranges of bytes: only safetensors files have
/// a manifest.
pub fn manifest(path: impl AsRef<Path>, chunk_bytes: usize) -> Result<RecordBatch> {
    let source = Source::open(path, chunk_bytes)?;
    let SourceKind::Ranges(parts) = &source.kind else {
        return Err(bad(&source.path, "only safetensors files have tensors at ranges of bytes"));
    };
    let text = |text: &dyn Fn(&Part) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(parts.iter().map(text)))
    };
    let signed = |number: fn(&Part) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(parts.iter().map(number)))
    };
    let unsigned = |number: fn(&Part) -> u64| -> ArrayRef {
        Arc::new(UInt64Array::from_iter_values(parts.iter().map(number)))
    };
    Ok(RecordBatch::try_from_iter([
        ("uri", text(&|part| source.files[part.file].display().to_string())),
        ("tensor", text(&|part| part.tensor.clone())),
        ("dtype", text(&|part| part.dtype.name().to_owned())),
        ("shape", shapes(parts.iter().map(|part| part.shape.as_slice()))),
        ("row_start", signed(|part| part.row_start)),
        ("row_count", signed(|part| part.row_count)),
        ("byte_start", unsigned(|part| part.start)),
        ("byte_len", unsigned(|part| part.length)),
    ])?)
}
