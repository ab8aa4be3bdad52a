//! Rows of record batches as dicts, and dicts as rows of quantized weights.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int32Type, Int64Type, UInt8Type, UInt64Type,
};
use arrow_array::{
    Array as _, ArrayRef, Float32Array, Int32Array, Int64Array, LargeBinaryArray, LargeListArray,
    ListArray, RecordBatch, StringArray,
};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::array_interface;
use crate::buffer::{Buffer, Element, of_bytes};
use crate::error;

/// One row of a batch of this crate.
pub(crate) fn of_batch<'py>(
    py: Python<'py>,
    batch: &RecordBatch,
    row: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    // How binary weights are to be read.
    let dtype = batch.column_by_name("dtype").and_then(|column| column.as_string_opt::<i32>());
    let dtype = dtype.map_or("", |column| column.value(row));
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let name = field.name();
        match column.data_type() {
            DataType::Utf8 => dict.set_item(name, column.as_string::<i32>().value(row))?,
            DataType::Int64 => {
                dict.set_item(name, column.as_primitive::<Int64Type>().value(row))?;
            }
            DataType::Int32 => {
                dict.set_item(name, column.as_primitive::<Int32Type>().value(row))?;
            }
            DataType::UInt8 => {
                dict.set_item(name, column.as_primitive::<UInt8Type>().value(row))?;
            }
            DataType::UInt64 => {
                dict.set_item(name, column.as_primitive::<UInt64Type>().value(row))?;
            }
            DataType::Float64 => {
                dict.set_item(name, column.as_primitive::<Float64Type>().value(row))?;
            }
            DataType::Float32 if column.is_null(row) => dict.set_item(name, py.None())?,
            DataType::Float32 => {
                dict.set_item(name, column.as_primitive::<Float32Type>().value(row))?;
            }
            DataType::LargeBinary => {
                let element = if name == "weights" { Element::from_name(dtype) } else { None };
                let binary = column.as_binary::<i64>();
                let [start, end] = [row, row + 1].map(|at| binary.value_offsets()[at] as usize);
                let data = binary.values().slice_with_length(start, end - start);
                dict.set_item(name, Buffer { data, element: element.unwrap_or(Element::U8) })?;
            }
            DataType::LargeList(item) if *item.data_type() == DataType::Float32 => {
                let list = column.as_list::<i64>();
                let [start, end] = [row, row + 1].map(|at| list.value_offsets()[at] as usize);
                let values = list.values().as_primitive::<Float32Type>().values();
                let data = values.inner().slice_with_length(start * 4, (end - start) * 4);
                dict.set_item(name, Buffer { data, element: Element::F32 })?;
            }
            DataType::LargeList(item) if *item.data_type() == DataType::Float16 => {
                let list = column.as_list::<i64>();
                let [start, end] = [row, row + 1].map(|at| list.value_offsets()[at] as usize);
                let values = list.values().as_primitive::<Float16Type>().values();
                let data = values.inner().slice_with_length(start * 2, (end - start) * 2);
                dict.set_item(name, Buffer { data, element: Element::F16 })?;
            }
            DataType::List(item) if *item.data_type() == DataType::Int64 => {
                let values = column.as_list::<i32>().value(row);
                let values = values.as_primitive::<Int64Type>().values();
                dict.set_item(name, PyList::new(py, values.iter().copied())?)?;
            }
            other => {
                let message = format!("column {name:?} is {other}, which rows() does not give");
                return Err(error::metadata(py, &message));
            }
        }
    }
    Ok(dict)
}

/// A batch of one row of quantized weights, from a dict as [`of_batch`] makes it.
pub(crate) fn to_batch(dict: &Bound<'_, PyDict>, row: usize) -> PyResult<RecordBatch> {
    let py = dict.py();
    let read = Row { dict, row };
    let name: String = read.value("layer_name")?;
    let shape: Vec<i64> = read.value("shape")?;
    let row_start: i64 = read.value_or("row_start", 0)?;
    let whole = shape.first().copied().unwrap_or(1);
    let row_count: i64 = read.value_or("row_count", whole.saturating_sub(row_start))?;
    let scheme: String = read.value("scheme")?;
    let group_size: i32 = read.value("group_size")?;
    let scale_dtype: String = read.value_or("scale_dtype", "f32".to_owned())?;
    let dtype: String = read.value_or("dtype", "f32".to_owned())?;
    let data = read.bytes("quantized_data")?;
    let scales = read.floats("scales")?;
    let zeros = read.floats("zero_points")?;
    let integers = |value: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![value])) };
    let text = |value: String| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let make = || {
        let shape = Int64Array::from(shape);
        let item = |kind| Arc::new(Field::new_list_field(kind, true));
        let shape = ListArray::try_new(
            item(DataType::Int64),
            OffsetBuffer::from_lengths([shape.len()]),
            Arc::new(shape),
            None,
        )?;
        let list = |values: Float32Array| {
            let offsets = OffsetBuffer::from_lengths([values.len()]);
            LargeListArray::try_new(item(DataType::Float32), offsets, Arc::new(values), None)
        };
        let offsets = OffsetBuffer::from_lengths([data.len()]);
        RecordBatch::try_from_iter([
            ("layer_name", text(name)),
            ("shape", Arc::new(shape) as ArrayRef),
            ("row_start", integers(row_start)),
            ("row_count", integers(row_count)),
            ("dtype", text(dtype)),
            ("scheme", text(scheme)),
            ("group_size", Arc::new(Int32Array::from(vec![group_size]))),
            ("quantized_data", Arc::new(LargeBinaryArray::try_new(offsets, data, None)?)),
            ("scales", Arc::new(list(scales)?)),
            ("zero_points", Arc::new(list(zeros)?)),
            ("scale_dtype", text(scale_dtype)),
        ])
    };
    make().map_err(|error| error::metadata(py, &format!("row {row}: {error}")))
}

/// A dict that stands for a row.
struct Row<'a, 'py> {
    dict: &'a Bound<'py, PyDict>,
    row: usize,
}

impl<'py> Row<'_, 'py> {
    fn wrong(&self, key: &str, what: &str) -> PyErr {
        error::metadata(self.dict.py(), &format!("row {}: {key:?} {what}", self.row))
    }

    fn object(&self, key: &str) -> PyResult<Bound<'py, PyAny>> {
        self.dict.get_item(key)?.ok_or_else(|| self.wrong(key, "is not there"))
    }

    fn value<T: for<'a> FromPyObject<'a, 'py>>(&self, key: &str) -> PyResult<T> {
        let object = self.object(key)?;
        // numpy's integers are read as Python's are; its arrays are lists of them.
        let object = match object.getattr_opt("tolist")? {
            Some(convert) => convert.call0()?,
            None => object,
        };
        object.extract().map_err(|_| {
            let kind = object.get_type().name().map(|name| name.to_string());
            let kind = kind.unwrap_or_else(|_| "something else".to_owned());
            self.wrong(key, &format!("is of a type that is not read there, {kind}"))
        })
    }

    fn value_or<T: for<'a> FromPyObject<'a, 'py>>(&self, key: &str, default: T) -> PyResult<T> {
        if self.dict.contains(key)? { self.value(key) } else { Ok(default) }
    }

    /// Bytes: a `Buffer`, `bytes`, or an array of uint8, none of them copied; else anything that
    /// `bytes()` takes.
    fn bytes(&self, key: &str) -> PyResult<arrow_buffer::Buffer> {
        let object = self.object(key)?;
        if let Ok(buffer) = object.cast::<Buffer>() {
            return Ok(buffer.get().data.clone());
        }
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(of_bytes(bytes));
        }
        match array_interface::read(&object)? {
            Some(Ok(array)) if array.kind.is('u', 1) || array.kind.is('i', 1) => Ok(array.bytes),
            Some(Ok(array)) => {
                let kind = array.kind.describe();
                Err(self.wrong(key, &format!("is an array of {kind}, but of uint8 is needed")))
            }
            Some(Err(reason)) => Err(self.wrong(key, &format!("is an array, but {reason}"))),
            None => {
                let wrong = |_| self.wrong(key, "is neither a Buffer, bytes nor an array of uint8");
                let bytes =
                    self.dict.py().get_type::<PyBytes>().call1((&object,)).map_err(wrong)?;
                Ok(of_bytes(bytes.cast::<PyBytes>()?))
            }
        }
    }

    /// Numbers of `f32`: a `Buffer` or an array, not copied where it is aligned, or a list.
    fn floats(&self, key: &str) -> PyResult<Float32Array> {
        let object = self.object(key)?;
        if object.is_instance_of::<PyBytes>() {
            return Err(self.wrong(key, "is bytes: say what is in them, `Buffer(data, \"f32\")`"));
        }
        let data = match object.cast::<Buffer>() {
            Ok(buffer) if buffer.get().element == Element::F32 => buffer.get().data.clone(),
            Ok(_) => return Err(self.wrong(key, "is a Buffer, but not of f32")),
            Err(_) => match array_interface::read(&object)? {
                Some(Ok(array)) if array.kind.is('f', 4) => array.bytes,
                Some(Ok(array)) => {
                    let kind = array.kind.describe();
                    let cure = "convert it, `array.astype(\"float32\")`";
                    return Err(self.wrong(key, &format!("is an array of {kind}: {cure}")));
                }
                Some(Err(reason)) => {
                    return Err(self.wrong(key, &format!("is an array, but {reason}")));
                }
                None => {
                    let numbers: Vec<f32> = self.value(key)?;
                    return Ok(Float32Array::from(numbers));
                }
            },
        };
        let count = data.len() / 4;
        let is_aligned = data.as_ptr().align_offset(4) == 0;
        // A copy that is aligned for every type, also when it is empty.
        let data = if is_aligned { data } else { arrow_buffer::Buffer::from_slice_ref(&*data) };
        Ok(Float32Array::new(ScalarBuffer::new(data, 0, count), None))
    }
}
