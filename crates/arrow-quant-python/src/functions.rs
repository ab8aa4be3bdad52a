//! The functions of the module: quantizing, restoring, judging.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray};
use arrow_quant::{Error, Quantizer, RowQuality};
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::buffer::{Buffer, Element};
use crate::error::{self, Failure};
use crate::input::{self, Weights};
use crate::options::{self, Keywords};
use crate::schema::Schema;
use crate::table::{Evaluation, QuantTable, Table};
use crate::work::{detached, on_threads};

/// Quantizes weights.
///
/// data
///     Weights. A ``dict`` or other mapping of names to arrays (numpy's, or anything with
///     ``__array_interface__`` or ``__array__``; float32, float16 or bfloat16; any number of axes, groups run along the last), or
///     anything that gives Arrow record batches (``__arrow_c_stream__`` or ``__arrow_c_array__``) with
///     the columns ``layer_name`` (string), ``weights`` (list, large_list or fixed_size_list of float32
///     or float16; binary or large_binary with a ``dtype``), ``dtype`` (string: f32, f16, bf16; may be
///     absent), ``shape`` (list of int64; may be absent) and ``row_start`` (int64: where a part of a
///     layer starts along its first axis; may be absent). Memory in C order is read where it is; the
///     arrays must not be written to meanwhile.
/// bits
///     2, 4 or 8; 4 unless ``scheme`` says otherwise.
/// scheme
///     ``"auto"`` (by ``bits``: int8_sym, int4_sym or int2_asym), ``"int8_sym"``, ``"int4_sym"``,
///     ``"int4_asym"``, ``"int2_asym"``, ``"nf4"``; ``"gguf_q8_0"`` and ``"gguf_q4_0"``, the blocks of
///     ggml bit for bit (last axis a multiple of 32); ``"none"``, which keeps the bytes.
/// group_size
///     Weights that share a scale: a multiple of 16 from 16 to 256, or 0 for a whole row.
/// search
///     How a scale is found: ``"minmax"`` by the formula, ``"mse"`` by least squared error, ``"auto"``
///     the former for 8 bits and the latter for fewer.
/// scale_dtype
///     What scales and zero points are rounded to, ``"f16"`` or ``"f32"``.
/// fallback_sqnr_db
///     The least signal-to-quantization-noise ratio in dB: a row with less gets more bits, 2 to 4 to 8.
/// overrides
///     Other settings for layers whose names fit a pattern (``*`` any characters, ``?`` one): a mapping
///     of patterns to a scheme or to a ``dict`` with any of ``bits``, ``scheme``, ``group_size``,
///     ``search``, ``scale_dtype`` and ``fallback_sqnr_db``, or a list of such dicts that also have a
///     ``pattern``. Of several that fit, the last one that says something of a setting decides it.
/// threads
///     How many to use; all processors by default. The result does not depend on it.
/// progress
///     Called after each row with the name of its layer, the bytes of weights done, and of all weights
///     (``None`` if that is not known). What it raises stops the work and is raised.
/// dtype
///     For a mapping of arrays, what they hold, one for all or a ``dict`` of names: ``"bf16"`` for
///     two-byte numbers that are bfloat16, and the array's own type, such as ``"i64"``, for a layer that
///     is no weights and is kept as it is (it is refused otherwise).
///
/// Returns a ``QuantTable`` with one row for each row of ``data``, in the same order.
///
/// Raises ``QuantizationError`` for NaN, infinities and nulls (with ``layer``, ``row`` and ``index``),
/// ``ConfigurationError`` for arguments, ``MetadataError`` for columns and types,
/// ``ShapeMismatchError`` for shapes (all ``ValueError``), ``InputTypeError`` (a ``TypeError``) for
/// objects that are not read, and ``MemoryError``.
#[pyfunction]
#[pyo3(signature = (
    data, bits = None, scheme = "auto", group_size = 128, search = "auto", scale_dtype = "f16",
    fallback_sqnr_db = None, overrides = None, threads = None, progress = None, dtype = None,
))]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub(crate) fn quantize(
    py: Python<'_>,
    data: &Bound<'_, PyAny>,
    bits: Option<i64>,
    scheme: &str,
    group_size: i64,
    search: &str,
    scale_dtype: &str,
    fallback_sqnr_db: Option<f32>,
    overrides: Option<&Bound<'_, PyAny>>,
    threads: Option<i64>,
    progress: Option<&Bound<'_, PyAny>>,
    dtype: Option<&Bound<'_, PyAny>>,
) -> PyResult<Py<QuantTable>> {
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
    let options = keywords.options(py)?;
    let weights = input::weights(data, dtype)?;
    let progress = progress.map(|callback| callback.clone().unbind());
    let (quantizer, batches) = detached(py, || {
        let mut quantizer = Quantizer::new(&options)?;
        let has_own_threads = options.threads.is_some();
        let batches = quantized(&mut quantizer, has_own_threads, weights, progress.as_ref())?;
        Ok((quantizer, batches))
    })?;
    let schema = SchemaRef::clone(quantizer.schema());
    QuantTable::create(py, schema, batches, quantizer.layers().to_vec())
}

/// Batch after batch, telling how far it is and letting Python interrupt in between.
fn quantized(
    quantizer: &mut Quantizer,
    has_own_threads: bool,
    weights: Weights,
    progress: Option<&Py<PyAny>>,
) -> Result<Vec<RecordBatch>, Failure> {
    let Weights { batches, total_bytes } = weights;
    let mut done = 0u64;
    let mut all = Vec::new();
    for batch in batches {
        let batch = batch?;
        let result = if has_own_threads {
            quantizer.quantize(&batch)?
        } else {
            on_threads(|| quantizer.quantize(&batch))?
        };
        Python::attach(|py| {
            py.check_signals()?;
            let Some(progress) = progress else { return Ok(()) };
            let names = result.column(0);
            let names = names.as_any().downcast_ref::<StringArray>();
            for (row, name) in names.into_iter().flatten().enumerate() {
                done += input::row_bytes(&batch, row);
                progress.call1(py, (name, done, total_bytes))?;
            }
            Ok::<_, PyErr>(())
        })?;
        all.push(result);
    }
    Ok(all)
}

/// # Errors
/// When the user has asked Python to stop.
fn interrupted() -> PyResult<()> {
    #[expect(clippy::redundant_closure_for_method_calls, reason = "its lifetime is too narrow")]
    Python::attach(|py| py.check_signals())
}

/// Restores weights.
///
/// q
///     Quantized weights: a ``QuantTable``, anything that gives Arrow record batches with its columns,
///     or a list of rows as ``rows()`` gives them, in which ``quantized_data`` may be a ``Buffer``,
///     ``bytes`` or an array of uint8, and ``scales`` and ``zero_points`` a ``Buffer``, an array of
///     float32 or a list.
/// dtype
///     What comes back: ``"f32"``, or ``"f16"`` or ``"bf16"`` (little-endian bytes in a binary column),
///     to which each number is rounded, ties to even.
///
/// Returns a ``Table`` with the columns ``layer_name``, ``weights``, ``dtype``, ``shape`` and
/// ``row_start``, row for row; every machine restores the same bits.
///
/// Raises ``ValidationError`` for rows that are not quantized weights, and as ``quantize`` does.
#[pyfunction]
#[pyo3(signature = (q, dtype = "f32"))]
pub(crate) fn dequantize(py: Python<'_>, q: &Bound<'_, PyAny>, dtype: &str) -> PyResult<Table> {
    let Some(wanted) = arrow_quant::WeightDtype::from_name(dtype) else {
        let message = format!("dtype is {dtype:?}, but can be \"f32\", \"f16\" or \"bf16\"");
        return Err(error::configuration(py, &message));
    };
    let batches = input::quantized(q)?;
    let (schema, batches) = detached(py, || {
        let mut all = Vec::new();
        for batch in batches {
            let batch = batch?;
            all.push(on_threads(|| arrow_quant::dequantize_as(&batch, wanted))?);
            interrupted()?;
        }
        let schema = match all.first() {
            Some(batch) => batch.schema(),
            // Nothing, restored, still has its columns.
            None => {
                let none = RecordBatch::new_empty(arrow_quant::output_schema(&Default::default()));
                arrow_quant::dequantize_as(&none, wanted)?.schema()
            }
        };
        Ok((schema, all))
    })?;
    Ok(Table { schema, batches })
}

/// A quantized matrix as ONNX Runtime's operator ``MatMulNBits`` takes it.
///
/// q
///     Quantized weights, as ``dequantize`` takes them.
/// row
///     Which of their rows; its scheme is ``int8_sym``, ``int4_sym``, ``int4_asym`` or ``int2_asym``,
///     with whole zero points (``search="minmax"``).
///
/// Returns a dict with ``b`` (a ``Buffer`` of uint8, of shape ``b_shape``: n, blocks, bytes of a
/// block), ``scales`` (a ``Buffer`` of float32, one for each block), ``zero_points`` (a ``Buffer`` of
/// uint8, or ``None``), and the attributes ``n``, ``k``, ``block_size`` and ``bits``.
///
/// Raises ``ValidationError`` for a row that the operator has no form for, and ``ConfigurationError``
/// for one that is not there.
#[pyfunction]
#[pyo3(signature = (q, row = 0))]
pub(crate) fn matmul_nbits<'py>(
    py: Python<'py>,
    q: &Bound<'py, PyAny>,
    row: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let batches = input::quantized(q)?;
    let matrix = detached(py, || {
        let mut before = 0;
        for batch in batches {
            let batch = batch?;
            if row < before + batch.num_rows() {
                return Ok(Some(on_threads(|| arrow_quant::matmul_nbits(&batch, row - before))?));
            }
            before += batch.num_rows();
        }
        Ok(None)
    })?;
    let Some(matrix) = matrix else {
        return Err(error::configuration(py, &format!("there is no row {row}")));
    };
    let blocks = matrix.k_blocks();
    let bytes = matrix.block_size * usize::from(matrix.bits) / 8;
    let of_bytes = |bytes: Vec<u8>| Buffer { data: bytes.into(), element: Element::U8 };
    let dict = PyDict::new(py);
    dict.set_item("b_shape", (matrix.n, blocks, bytes))?;
    dict.set_item("b", of_bytes(matrix.b))?;
    let scales = arrow_buffer::Buffer::from_vec(matrix.scales);
    dict.set_item("scales", Buffer { data: scales, element: Element::F32 })?;
    dict.set_item("zero_points", matrix.zero_points.map(of_bytes))?;
    dict.set_item("n", matrix.n)?;
    dict.set_item("k", matrix.k)?;
    dict.set_item("block_size", matrix.block_size)?;
    dict.set_item("bits", matrix.bits)?;
    Ok(dict)
}

/// Judges quantized weights by the weights that they stand for.
///
/// original
///     The weights, as ``quantize`` takes them.
/// q
///     The quantized weights of the same rows in the same order, as ``dequantize`` takes them.
/// dtype
///     As ``quantize`` takes it.
///
/// Returns an ``Evaluation``: a table with ``layer_name``, ``row_start``, ``elements``, ``bits`` (of
/// codes, scales and zero points), ``sqnr_db`` (dB), ``cosine`` and ``max_abs_err`` for each row, and
/// ``layers()``.
///
/// Raises ``ValidationError`` if these are not the same weights, and as ``quantize`` and
/// ``dequantize`` do.
#[pyfunction]
#[pyo3(signature = (original, q, dtype = None))]
pub(crate) fn evaluate(
    py: Python<'_>,
    original: &Bound<'_, PyAny>,
    q: &Bound<'_, PyAny>,
    dtype: Option<&Bound<'_, PyAny>>,
) -> PyResult<Py<Evaluation>> {
    let Weights { batches: originals, .. } = input::weights(original, dtype)?;
    let coded = input::quantized(q)?;
    let (batch, layers) = detached(py, || {
        let mut originals: Vec<RecordBatch> = originals.collect::<Result<_, ArrowError>>()?;
        let mut coded: Vec<RecordBatch> = coded.collect::<Result<_, ArrowError>>()?;
        let lengths = |batches: &[RecordBatch]| -> Vec<usize> {
            batches.iter().map(RecordBatch::num_rows).collect()
        };
        if lengths(&originals) != lengths(&coded) {
            (originals, coded) = (single_rows(&originals), single_rows(&coded));
        }
        let found = on_threads(|| arrow_quant::evaluate(&originals, &coded))?;
        Ok((qualities(&found.rows)?, found.layers))
    })?;
    Evaluation::create(py, batch, layers)
}

/// The same rows, each in a batch of its own, for streams that were divided differently.
fn single_rows(batches: &[RecordBatch]) -> Vec<RecordBatch> {
    let rows = |batch: &RecordBatch| -> Vec<RecordBatch> {
        (0..batch.num_rows()).map(|row| batch.slice(row, 1)).collect()
    };
    batches.iter().flat_map(rows).collect()
}

pub(crate) fn qualities(rows: &[RowQuality]) -> Result<RecordBatch, Error> {
    let integers = |value: &dyn Fn(&RowQuality) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(rows.iter().map(value)))
    };
    let floats = |value: &dyn Fn(&RowQuality) -> f32| -> ArrayRef {
        Arc::new(Float32Array::from_iter_values(rows.iter().map(value)))
    };
    let names = StringArray::from_iter_values(rows.iter().map(|row| &row.layer_name));
    Ok(RecordBatch::try_from_iter([
        ("layer_name", Arc::new(names) as ArrayRef),
        ("row_start", integers(&|row| row.row_start)),
        ("elements", integers(&|row| row.elements as i64)),
        ("bits", integers(&|row| row.bits as i64)),
        ("sqnr_db", floats(&|row| row.sums.sqnr_db())),
        ("cosine", floats(&|row| row.sums.cosine())),
        ("max_abs_err", floats(&|row| row.sums.max_abs_err())),
    ])?)
}

/// The columns that ``quantize`` yields with these options, for engines that want them beforehand.
///
/// The arguments are those of ``quantize``; the columns are the same for all, the metadata says which
/// were chosen. Raises ``ConfigurationError``.
#[pyfunction]
#[pyo3(signature = (
    bits = None, scheme = "auto", group_size = 128, search = "auto", scale_dtype = "f16",
    fallback_sqnr_db = None, overrides = None,
))]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub(crate) fn output_schema(
    py: Python<'_>,
    bits: Option<i64>,
    scheme: &str,
    group_size: i64,
    search: &str,
    scale_dtype: &str,
    fallback_sqnr_db: Option<f32>,
    overrides: Option<&Bound<'_, PyAny>>,
) -> PyResult<Schema> {
    let keywords = Keywords {
        bits,
        scheme,
        group_size,
        search,
        scale_dtype,
        fallback_sqnr_db,
        overrides,
        threads: None,
    };
    Ok(Schema { schema: arrow_quant::output_schema(&keywords.options(py)?) })
}

/// Chooses a scheme for each layer, so that all together take at most so many bits for each weight.
///
/// data
///     Weights, as ``quantize`` takes them; a stream that can be read once is used up.
/// target_bits_per_weight
///     Scales and zero points included.
///
/// The other arguments are those of ``quantize``. Layers that an override gives a scheme keep it.
///
/// Returns overrides for ``quantize``: those that were given, and one more for each layer that was
/// chosen for. Raises ``ConfigurationError`` for a target that not even the fewest bits meet, and as
/// ``quantize`` does.
#[pyfunction]
#[pyo3(signature = (
    data, target_bits_per_weight, scheme = "auto", group_size = 128, search = "auto",
    scale_dtype = "f16", overrides = None, threads = None, dtype = None,
))]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub(crate) fn allocate<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    target_bits_per_weight: f64,
    scheme: &str,
    group_size: i64,
    search: &str,
    scale_dtype: &str,
    overrides: Option<&Bound<'py, PyAny>>,
    threads: Option<i64>,
    dtype: Option<&Bound<'py, PyAny>>,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let keywords = Keywords {
        bits: None,
        scheme,
        group_size,
        search,
        scale_dtype,
        fallback_sqnr_db: None,
        overrides,
        threads,
    };
    let options = keywords.options(py)?;
    let Weights { batches, .. } = input::weights(data, dtype)?;
    let found = detached(py, || {
        Ok(on_threads(|| arrow_quant::allocate(batches, &options, target_bits_per_weight))?)
    })?;
    found.iter().map(|other| options::to_dict(py, other)).collect()
}
