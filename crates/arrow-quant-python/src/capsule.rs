//! The Arrow PyCapsule interface: streams, arrays and schemas of any library in, ours out.
//!
//! The protocol is <https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html>.
#![allow(unsafe_code, reason = "capsules hold pointers to the structs of the C data interface")]

use std::ffi::CStr;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, to_ffi};
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{
    Array as _, ArrayRef, RecordBatch, RecordBatchIterator, RecordBatchReader, StructArray,
};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};

use crate::error;
use crate::work::{attached, detached};

const STREAM: &CStr = c"arrow_array_stream";
const ARRAY: &CStr = c"arrow_array";
const SCHEMA: &CStr = c"arrow_schema";

/// Record batches as a library gives them, checked one by one.
pub(crate) type Batches = Box<dyn RecordBatchReader + Send>;

/// The record batches of an object, or `None` if it gives none.
pub(crate) fn import(object: &Bound<'_, PyAny>) -> PyResult<Option<Batches>> {
    if let Some(export) = object.getattr_opt("__arrow_c_stream__")? {
        return import_stream(&export.call0()?).map(Some);
    }
    if let Some(export) = object.getattr_opt("__arrow_c_array__")? {
        let batch = import_batch(&export.call0()?)?;
        let schema = batch.schema();
        return Ok(Some(Box::new(RecordBatchIterator::new([Ok(batch)], schema))));
    }
    Ok(None)
}

/// The struct that a capsule of this name points to.
fn pointer<T>(object: &Bound<'_, PyAny>, name: &CStr) -> PyResult<*mut T> {
    let py = object.py();
    let wrong = || {
        let name = name.to_string_lossy();
        error::input_type(py, &format!("the object exports no capsule of the name {name:?}"))
    };
    let capsule = object.cast::<PyCapsule>().map_err(|_| wrong())?;
    let pointer = capsule.pointer_checked(Some(name)).map_err(|_| wrong())?;
    Ok(pointer.as_ptr().cast())
}

fn import_stream(capsule: &Bound<'_, PyAny>) -> PyResult<Batches> {
    let py = capsule.py();
    let raw = pointer::<FFI_ArrowArrayStream>(capsule, STREAM)?;
    // SAFETY: a capsule of this name points to such a struct; taking it marks it as released.
    let stream = unsafe { FFI_ArrowArrayStream::from_raw(raw) };
    if stream.release().is_none() {
        return Err(error::metadata(py, "the Arrow stream was read before, and can be read once"));
    }
    // The producer may need the interpreter, and takes it itself.
    let reader = detached(py, || Ok(RecordBatchStreamReader::try_new(stream)?))?;
    Ok(Box::new(Checked(reader)))
}

fn import_batch(capsules: &Bound<'_, PyAny>) -> PyResult<RecordBatch> {
    let py = capsules.py();
    let Ok(capsules) = capsules.cast::<PyTuple>() else {
        return Err(error::input_type(py, "__arrow_c_array__ returned no pair of capsules"));
    };
    let raw_schema = pointer::<FFI_ArrowSchema>(&capsules.get_item(0)?, SCHEMA)?;
    let raw_array = pointer::<FFI_ArrowArray>(&capsules.get_item(1)?, ARRAY)?;
    // SAFETY: capsules of these names point to such structs; taking them marks them as released.
    let (schema, array) =
        unsafe { (FFI_ArrowSchema::from_raw(raw_schema), FFI_ArrowArray::from_raw(raw_array)) };
    if array.is_released() {
        return Err(error::metadata(py, "the Arrow array was read before, and can be read once"));
    }
    attached(py, || {
        // SAFETY: the producer states that array and schema follow the C data interface.
        let data = unsafe { from_ffi(array, &schema) }?;
        if !matches!(data.data_type(), DataType::Struct(_)) {
            let reason = format!(
                "the Arrow array is {}, but a record batch is needed (a struct of columns)",
                data.data_type()
            );
            return Err(ArrowError::SchemaError(reason).into());
        }
        data.validate_full()?;
        let columns = StructArray::from(data);
        if columns.null_count() > 0 {
            let reason = "the record batch has rows that are null as a whole".to_owned();
            return Err(ArrowError::SchemaError(reason).into());
        }
        let metadata = Schema::try_from(&schema)?.metadata;
        let batch = RecordBatch::from(columns);
        let schema = batch.schema().as_ref().clone().with_metadata(metadata);
        Ok(batch.with_schema(schema.into())?)
    })
}

/// A stream whose batches are looked at before they are used: offsets and text of another library.
struct Checked(RecordBatchStreamReader);

impl Iterator for Checked {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.0.next()?;
        Some(batch.and_then(|batch| {
            for column in batch.columns() {
                column.to_data().validate_full()?;
            }
            Ok(batch)
        }))
    }
}

impl RecordBatchReader for Checked {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }
}

/// The schema in a capsule.
pub(crate) fn import_schema(capsule: &Bound<'_, PyAny>) -> PyResult<Schema> {
    let py = capsule.py();
    let raw = pointer::<FFI_ArrowSchema>(capsule, SCHEMA)?;
    // SAFETY: a capsule of this name points to such a struct; taking it marks it as released.
    let schema = unsafe { FFI_ArrowSchema::from_raw(raw) };
    attached(py, || Ok(Schema::try_from(&schema)?))
}

/// A schema as a capsule that frees it.
pub(crate) fn export_schema<'py>(
    py: Python<'py>,
    schema: &Schema,
) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema)
        .map_err(|error| error::metadata(py, &error.to_string()))?;
    PyCapsule::new_with_value(py, schema, SCHEMA)
}

/// An array as capsules that free it.
pub(crate) fn export_array<'py>(
    py: Python<'py>,
    array: &ArrayRef,
) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
    let (array, schema) =
        to_ffi(&array.to_data()).map_err(|error| error::metadata(py, &error.to_string()))?;
    let schema = PyCapsule::new_with_value(py, schema, SCHEMA)?;
    Ok((schema, PyCapsule::new_with_value(py, array, ARRAY)?))
}

/// Record batches as a capsule that frees what nobody took.
pub(crate) fn export_stream(
    py: Python<'_>,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
) -> PyResult<Bound<'_, PyCapsule>> {
    let reader = RecordBatchIterator::new(batches.into_iter().map(Ok), schema);
    let stream = FFI_ArrowArrayStream::new(Box::new(reader));
    PyCapsule::new_with_value(py, stream, STREAM)
}
