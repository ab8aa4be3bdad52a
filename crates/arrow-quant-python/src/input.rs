//! What Python gives as weights and as quantized weights: record batches.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{
    Array as _, ArrayRef, Int64Array, LargeBinaryArray, ListArray, RecordBatch, StringArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType, Field};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyTuple};

use crate::array_interface::{self, Array, Kind};
use crate::table::Table;
use crate::{capsule, error, rows};

/// Batches of weights, and their size if it is known.
pub(crate) struct Weights {
    pub(crate) batches: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>,
    pub(crate) total_bytes: Option<u64>,
}

/// Weights: a dict of arrays, each a batch of one row, or anything that gives record batches.
pub(crate) fn weights(
    data: &Bound<'_, PyAny>,
    dtype: Option<&Bound<'_, PyAny>>,
) -> PyResult<Weights> {
    let py = data.py();
    if let Ok(arrays) = data.cast::<PyMapping>() {
        let mut batches = Vec::with_capacity(arrays.len()?);
        for item in arrays.items()? {
            let (name, array): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
            let name: String = name.extract().map_err(|_| {
                error::input_type(py, "the names of the layers, the keys of the dict, must be str")
            })?;
            batches.push(named_array(&name, &array, stated(dtype, &name)?.as_deref())?);
        }
        let total = batches.iter().map(|batch| row_bytes(batch, 0)).sum();
        return Ok(Weights { batches: in_order(batches), total_bytes: Some(total) });
    }
    if dtype.is_some() {
        let message = "dtype is for a dict of arrays: Arrow data has a column of that name";
        return Err(error::configuration(py, message));
    }
    if let Some(batches) = own(data) {
        let rows = batches
            .iter()
            .flat_map(|batch| (0..batch.num_rows()).map(move |row| row_bytes(batch, row)));
        return Ok(Weights { total_bytes: Some(rows.sum()), batches: in_order(batches) });
    }
    match capsule::import(data)? {
        Some(batches) => Ok(Weights { batches, total_bytes: None }),
        None => Err(neither(data, "a dict of arrays, {\"name\": array}")?),
    }
}

/// Quantized weights: a table of this library, anything that gives record batches, or a list of rows.
pub(crate) fn quantized(
    data: &Bound<'_, PyAny>,
) -> PyResult<Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>> {
    if data.is_instance_of::<PyList>() || data.is_instance_of::<PyTuple>() {
        let mut batches = Vec::new();
        for (row, object) in data.try_iter()?.enumerate() {
            let object = object?;
            let dict = object.cast::<PyDict>().map_err(|_| {
                error::input_type(data.py(), &format!("row {row} is no dict as rows() gives them"))
            })?;
            batches.push(rows::to_batch(dict, row)?);
        }
        return Ok(in_order(batches));
    }
    arrow(data, "a list of rows as rows() gives them")
}

/// Record batches of a table of this library or of any other; `alternative` is what could be given
/// instead.
pub(crate) fn arrow(
    data: &Bound<'_, PyAny>,
    alternative: &str,
) -> PyResult<Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>> {
    if let Some(batches) = own(data) {
        return Ok(in_order(batches));
    }
    match capsule::import(data)? {
        Some(batches) => Ok(batches),
        None => Err(neither(data, alternative)?),
    }
}

fn in_order(
    batches: Vec<RecordBatch>,
) -> Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send> {
    Box::new(batches.into_iter().map(Ok))
}

/// The batches of a table of this library, which need no way through capsules.
fn own(data: &Bound<'_, PyAny>) -> Option<Vec<RecordBatch>> {
    Some(data.cast::<Table>().ok()?.get().batches.clone())
}

fn neither(data: &Bound<'_, PyAny>, alternative: &str) -> PyResult<PyErr> {
    let kind = data.get_type().name()?;
    Ok(error::input_type(
        data.py(),
        &format!(
            "{kind} is no Arrow data (it has neither __arrow_c_stream__ nor __arrow_c_array__): \
             pass a table or record batch of pyarrow 14 or newer, polars, nanoarrow, arro3 or \
             duckdb, or {alternative}"
        ),
    ))
}

/// What `dtype` says of a layer: one name for all, or a dict of names.
fn stated(dtype: Option<&Bound<'_, PyAny>>, layer: &str) -> PyResult<Option<String>> {
    let Some(dtype) = dtype else { return Ok(None) };
    let found = match dtype.cast::<PyDict>() {
        Ok(dict) => dict.get_item(layer)?,
        Err(_) => Some(dtype.clone()),
    };
    let wrong = |_| error::configuration(dtype.py(), "dtype must be a str or a dict of them");
    found.map(|found| found.extract().map_err(wrong)).transpose()
}

/// A batch of one row, where the array has its memory.
fn named_array(
    name: &str,
    object: &Bound<'_, PyAny>,
    stated: Option<&str>,
) -> PyResult<RecordBatch> {
    let py = object.py();
    let array = match array_interface::read(object)? {
        Some(array) => array.map_err(|reason| error::dtype(py, name, &reason))?,
        None => return list(name, object),
    };
    let dtype = dtype(&array.kind, stated).map_err(|reason| error::dtype(py, name, &reason))?;
    let Array { bytes, shape, .. } = array;
    batch(name, bytes, dtype, shape).map_err(|error| error::metadata(py, &error.to_string()))
}

/// What the column `dtype` says of an array. What is no weight is kept as it is, and only if that is
/// said.
fn dtype(kind: &Kind, stated: Option<&str>) -> Result<&'static str, String> {
    let described = kind.describe();
    let Some(stated) = stated else {
        let cure = match kind.name() {
            Some(own @ ("f32" | "f16" | "bf16")) => return Ok(own),
            _ if kind.is_two_bytes() => {
                " say dtype=\"bf16\" if that is what they are, or".to_owned()
            }
            Some(own) => format!(" say dtype={own:?} to keep the layer as it is, or"),
            None => String::new(),
        };
        return Err(format!(
            "weights of {described} are not quantized, float32, float16 and bfloat16 are:{cure} \
             convert it, `array.astype(\"float32\")`"
        ));
    };
    match kind.name() {
        _ if stated == "bf16" && kind.is_two_bytes() => Ok("bf16"),
        Some(own) if own == stated => Ok(own),
        _ => Err(format!("dtype says {stated:?}, but the array holds {described}")),
    }
}

/// Numbers in a list, copied.
fn list(name: &str, object: &Bound<'_, PyAny>) -> PyResult<RecordBatch> {
    let py = object.py();
    let wrong = || {
        let kind = object.get_type().name().map(|name| name.to_string()).unwrap_or_default();
        let message = format!(
            "layer {name:?}: {kind} is no array (it has no __array_interface__) and no list of floats"
        );
        error::input_type(py, &message)
    };
    if !object.is_instance_of::<PyList>() && !object.is_instance_of::<PyTuple>() {
        return Err(wrong());
    }
    let numbers: Vec<f32> = object.extract().map_err(|_| wrong())?;
    let shape = vec![numbers.len() as i64];
    let bytes = arrow_buffer::Buffer::from(numbers.as_slice().to_vec());
    batch(name, bytes, "f32", shape).map_err(|error| error::metadata(py, &error.to_string()))
}

fn batch(
    name: &str,
    bytes: arrow_buffer::Buffer,
    dtype: &str,
    shape: Vec<i64>,
) -> Result<RecordBatch, ArrowError> {
    let offsets = OffsetBuffer::from_lengths([bytes.len()]);
    let shape = Int64Array::from(shape);
    let lengths = OffsetBuffer::from_lengths([shape.len()]);
    let item = Arc::new(Field::new_list_field(DataType::Int64, true));
    RecordBatch::try_from_iter([
        ("layer_name", Arc::new(StringArray::from(vec![name])) as ArrayRef),
        ("weights", Arc::new(LargeBinaryArray::try_new(offsets, bytes, None)?)),
        ("dtype", Arc::new(StringArray::from(vec![dtype]))),
        ("shape", Arc::new(ListArray::try_new(item, lengths, Arc::new(shape), None)?)),
    ])
}

/// The bytes of the weights of a row; 0 for columns that are not read.
pub(crate) fn row_bytes(batch: &RecordBatch, row: usize) -> u64 {
    let Some(column) = batch.column_by_name("weights") else { return 0 };
    let width = |item: &Field| item.data_type().primitive_width().unwrap_or(0);
    let bytes = match column.data_type() {
        DataType::Binary => column.as_binary::<i32>().value_length(row) as usize,
        DataType::LargeBinary => column.as_binary::<i64>().value_length(row) as usize,
        DataType::BinaryView => column.as_binary_view().value(row).len(),
        DataType::List(item) => column.as_list::<i32>().value_length(row) as usize * width(item),
        DataType::LargeList(item) => {
            column.as_list::<i64>().value_length(row) as usize * width(item)
        }
        DataType::FixedSizeList(item, length) => *length as usize * width(item),
        _ => 0,
    };
    bytes as u64
}

/// Some rows along the first axis of a layer, which is the only row of its batch; `None` if it has none
/// such, or keeps its numbers in a way that is not divided.
pub(crate) fn rows_of(whole: &RecordBatch, start: i64, count: i64) -> Option<RecordBatch> {
    let shape = whole.column_by_name("shape")?.as_list_opt::<i32>()?.value(0);
    let shape = shape.as_primitive_opt::<Int64Type>()?.values().to_vec();
    let first = shape.first().copied().unwrap_or(1);
    let own_start = whole
        .column_by_name("row_start")
        .map_or(Some(0), |column| Some(column.as_primitive_opt::<Int64Type>()?.value(0)))?;
    if own_start == start && (start, count) == (0, first) {
        return Some(whole.clone());
    }
    let weights = whole.column_by_name("weights")?.as_binary_opt::<i64>()?;
    let length = weights.value_length(0);
    let rows = length.checked_div(first)?;
    let (from, bytes) = (start.checked_mul(rows)?, count.checked_mul(rows)?);
    if own_start != 0 || from < 0 || bytes < 0 || from.checked_add(bytes)? > length {
        return None;
    }
    let offset = weights.value_offsets()[0] + from;
    let part = weights.values().slice_with_length(offset as usize, bytes as usize);
    let lengths = OffsetBuffer::from_lengths([part.len()]);
    let mut columns = Vec::new();
    for (field, column) in whole.schema().fields().iter().zip(whole.columns()) {
        columns.push((
            field.name().clone(),
            match field.name().as_str() {
                "weights" => {
                    Arc::new(LargeBinaryArray::try_new(lengths.clone(), part.clone(), None).ok()?)
                        as ArrayRef
                }
                "row_start" => Arc::new(Int64Array::from(vec![start])),
                _ => Arc::clone(column),
            },
        ));
    }
    RecordBatch::try_from_iter(columns).ok()
}
