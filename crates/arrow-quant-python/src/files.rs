//! Model files: quantized in bounded memory, listed for engines, read and judged.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::PathBuf;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Array as _, RecordBatch};
use arrow_quant::files::{self, FileOptions, Format, Source};
use arrow_quant::{Error, LayerQuality, RowQuality};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{self, Failure};
use crate::functions::qualities;
use crate::input;
use crate::options::Keywords;
use crate::table::{self, Evaluation, Table};
use crate::work::{detached, on_threads};

/// Quantizes the layers of a file, a directory of shards or their index into another file.
///
/// source
///     ``.safetensors`` (or a directory of them, or ``model.safetensors.index.json``), ``.npz``,
///     ``.arrow`` or ``.parquet``.
/// destination
///     ``.parquet``, ``.arrow``, ``.safetensors`` or ``.gguf``; appears whole, by a rename.
/// target_bits_per_weight
///     What the whole may take: see ``allocate``; reads the source twice.
/// format
///     ``"parquet"``, ``"ipc"``, ``"safetensors"`` or ``"gguf"``; by the destination's name if ``None``.
/// chunk_bytes
///     Bytes of weights that are read at once, which bounds the memory.
/// resume
///     Whether to go on where a run that was killed has stopped; the result has the same bytes.
/// keep_vectors
///     Whether layers of one axis (biases, norms) are kept as they are unless an override says otherwise.
/// progress
///     Called after each chunk with the name of its layer, the bytes done, and all bytes. What it raises
///     stops the work, which can be resumed, and is raised.
///
/// The other arguments are those of ``quantize``.
///
/// Returns a ``dict``: ``destination``, ``format``, ``layers`` (as ``QuantTable.layers``),
/// ``input_bytes``, ``output_bytes``, ``chunks``, ``resumed_chunks`` and ``started_over`` (why the work
/// of a run before was not used, or ``None``).
///
/// Raises ``ModelNotFoundError`` (a ``FileNotFoundError``), ``OSError`` for other failures of the system,
/// ``MetadataError`` for files that are not what they should be, and as ``quantize`` does.
#[pyfunction]
#[pyo3(signature = (
    source, destination, bits = None, scheme = "auto", group_size = 128, search = "auto",
    scale_dtype = "f16", fallback_sqnr_db = None, overrides = None, threads = None,
    target_bits_per_weight = None, format = None, chunk_bytes = 16 << 20, resume = true,
    keep_vectors = true, progress = None,
))]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub(crate) fn quantize_file<'py>(
    py: Python<'py>,
    source: PathBuf,
    destination: PathBuf,
    bits: Option<i64>,
    scheme: &str,
    group_size: i64,
    search: &str,
    scale_dtype: &str,
    fallback_sqnr_db: Option<f32>,
    overrides: Option<&Bound<'py, PyAny>>,
    threads: Option<i64>,
    target_bits_per_weight: Option<f64>,
    format: Option<&str>,
    chunk_bytes: usize,
    resume: bool,
    keep_vectors: bool,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let keywords = Keywords {
        bits,
        scheme,
        group_size,
        search,
        scale_dtype,
        fallback_sqnr_db,
        overrides,
        threads,
    };
    let mut options = keywords.options(py)?;
    if options.threads.is_none() {
        // Threads of its own, since those that all share are not there after a fork.
        options.threads = std::thread::available_parallelism().ok().or(NonZeroUsize::new(1));
    }
    let format = format.map(|name| known_format(py, name)).transpose()?;
    let file_options =
        FileOptions { options, format, chunk_bytes, resume, keep_vectors, target_bits_per_weight };
    let progress = progress.map(|callback| callback.clone().unbind());
    let report = detached(py, move || {
        let mut raised = None;
        let done = files::quantize_file(&source, &destination, &file_options, |step| {
            let told = Python::attach(|py| {
                py.check_signals()?;
                if let Some(progress) = &progress {
                    progress.call1(py, (step.layer, step.done_bytes, step.total_bytes))?;
                }
                Ok::<_, PyErr>(())
            });
            match told {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    raised = Some(error);
                    ControlFlow::Break(())
                }
            }
        });
        match raised {
            Some(error) => Err(Failure::Python(error)),
            None => Ok(done?),
        }
    })?;
    let result = PyDict::new(py);
    result.set_item("destination", report.destination)?;
    result.set_item("format", report.format.name())?;
    result.set_item("layers", table::qualities(py, &report.layers)?)?;
    result.set_item("input_bytes", report.input_bytes)?;
    result.set_item("output_bytes", report.output_bytes)?;
    result.set_item("chunks", report.chunks)?;
    result.set_item("resumed_chunks", report.resumed_chunks)?;
    result.set_item("started_over", report.started_over)?;
    Ok(result)
}

fn known_format(py: Python<'_>, name: &str) -> PyResult<Format> {
    Format::from_name(name).ok_or_else(|| {
        let message = format!("format is {name:?}, but can be parquet, ipc, safetensors or gguf");
        error::configuration(py, &message)
    })
}

/// What is where in a safetensors model, so that work on it can be distributed.
///
/// source
///     A ``.safetensors`` file, a directory of them, or their index.
/// chunk_bytes
///     The most bytes of a part; a row along the first axis is never divided.
///
/// Returns a ``Table`` with a row for each part: ``uri``, ``tensor``, ``dtype``, ``shape``,
/// ``row_start``, ``row_count``, ``byte_start`` and ``byte_len``.
///
/// Raises as ``quantize_file`` does.
#[pyfunction]
#[pyo3(signature = (source, chunk_bytes = 32 << 20))]
pub(crate) fn manifest(py: Python<'_>, source: PathBuf, chunk_bytes: usize) -> PyResult<Table> {
    let batch = detached(py, move || Ok(files::manifest(&source, chunk_bytes)?))?;
    Ok(Table { schema: batch.schema(), batches: vec![batch] })
}

/// The weights of a model: a ``Table`` for ``quantize``.
///
/// path
///     As the ``source`` of ``quantize_file``; all of it is in memory then.
/// chunk_bytes
///     The most bytes of a row of the table; a row along the first axis is never divided.
///
/// Raises as ``quantize_file`` does.
#[pyfunction]
#[pyo3(signature = (path, chunk_bytes = 1 << 40))]
pub(crate) fn read_weights(py: Python<'_>, path: PathBuf, chunk_bytes: usize) -> PyResult<Table> {
    let batches = detached(py, move || {
        let source = Source::open(&path, chunk_bytes)?;
        let batches = source.weights()?.collect::<Result<Vec<RecordBatch>, Error>>()?;
        if batches.is_empty() {
            return Err(Error::NoRows { table: "weights" }.into());
        }
        Ok(batches)
    })?;
    Ok(Table { schema: batches[0].schema(), batches })
}

/// The quantized weights of a file that ``quantize_file`` wrote: a ``Table`` for ``dequantize``.
///
/// ``.parquet``, ``.arrow`` and ``.safetensors`` are read; all of it is in memory then. Raises as
/// ``quantize_file`` does.
#[pyfunction]
pub(crate) fn read_quantized(py: Python<'_>, path: PathBuf) -> PyResult<Table> {
    let (schema, batches) = detached(py, move || {
        let file = files::read_quantized(&path)?;
        let schema = file.schema().clone();
        Ok((schema, file.collect::<Result<Vec<RecordBatch>, Error>>()?))
    })?;
    Ok(Table { schema, batches })
}

/// Judges a file that ``quantize_file`` wrote by the file it was made from, a layer at a time.
///
/// Layers are looked for in the order of the quantized file. Returns an ``Evaluation``. Raises
/// ``ValidationError`` for layers that are not in ``source`` or differ, and as ``quantize_file`` does.
#[pyfunction]
pub(crate) fn evaluate_file(
    py: Python<'_>,
    source: PathBuf,
    quantized: PathBuf,
) -> PyResult<Py<Evaluation>> {
    let (batch, layers) = detached(py, move || {
        let source = Source::open(&source, usize::MAX)?;
        let mut originals = source.weights()?;
        let mut original: Option<RecordBatch> = None;
        let (mut rows, mut layers): (Vec<RowQuality>, Vec<LayerQuality>) = Default::default();
        let mut pending: Vec<(RecordBatch, RecordBatch)> = Vec::new();
        for batch in files::read_quantized(&quantized)? {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                let coded = batch.slice(row, 1);
                let name = layer(&coded)?;
                let same = original.as_ref().map(layer).transpose()?.as_deref() == Some(&*name);
                if !same {
                    judge(&mut pending, &mut rows, &mut layers)?;
                    original = Some(find(&mut originals, &name)?);
                }
                if let Some(whole) = &original {
                    let part = part_of(whole, &coded)?;
                    pending.push((part, coded));
                }
            }
        }
        judge(&mut pending, &mut rows, &mut layers)?;
        Ok((qualities(&rows)?, layers))
    })?;
    Evaluation::create(py, batch, layers)
}

fn layer(batch: &RecordBatch) -> Result<String, Error> {
    let column =
        batch.column_by_name("layer_name").ok_or(Error::MissingColumn { name: "layer_name" })?;
    let name = column.as_string_opt::<i32>().filter(|names| names.len() > 0 && names.is_valid(0));
    let name = name.ok_or_else(|| mismatch("a layer without a name".to_owned()))?;
    Ok(name.value(0).to_owned())
}

fn mismatch(reason: String) -> Error {
    Error::Mismatch { reason }
}

/// The next row of that layer.
fn find(
    originals: &mut impl Iterator<Item = Result<RecordBatch, Error>>,
    name: &str,
) -> Result<RecordBatch, Error> {
    for batch in originals {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            let one = batch.slice(row, 1);
            if layer(&one)? == name {
                return Ok(one);
            }
        }
    }
    Err(mismatch(format!("layer {name:?} is not in the source, or at another place there")))
}

/// The part of a whole layer that a quantized row stands for.
fn part_of(whole: &RecordBatch, coded: &RecordBatch) -> Result<RecordBatch, Error> {
    let number = |name: &'static str| {
        let column = coded.column_by_name(name).ok_or(Error::MissingColumn { name })?;
        let column = column.as_primitive_opt::<Int64Type>().filter(|column| column.is_valid(0));
        column.map(|column| column.value(0)).ok_or(Error::MissingColumn { name })
    };
    let (start, count) = (number("row_start")?, number("row_count")?);
    input::rows_of(whole, start, count).ok_or_else(|| {
        mismatch(format!("layer {:?} has another shape", layer(coded).unwrap_or_default()))
    })
}

fn judge(
    pending: &mut Vec<(RecordBatch, RecordBatch)>,
    rows: &mut Vec<RowQuality>,
    layers: &mut Vec<LayerQuality>,
) -> Result<(), Error> {
    if pending.is_empty() {
        return Ok(());
    }
    let (originals, coded): (Vec<RecordBatch>, Vec<RecordBatch>) =
        std::mem::take(pending).into_iter().unzip();
    let found = on_threads(|| arrow_quant::evaluate(&originals, &coded))?;
    rows.extend(found.rows);
    layers.extend(found.layers);
    Ok(())
}
