//! The Arrow types that a consumer asks for, where they say the same.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, BinaryArray, LargeStringArray, ListArray, RecordBatch};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Schema, SchemaRef};

/// The batches in the types of the requested schema, as far as that can be: what cannot be given in
/// another type comes in its own, as the protocol allows.
///
/// # Errors
/// When the request is for other columns, in words.
pub(crate) fn fit(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    requested: &Schema,
) -> Result<(SchemaRef, Vec<RecordBatch>), String> {
    let names = |schema: &Schema| -> Vec<String> {
        schema.fields().iter().map(|field| field.name().clone()).collect()
    };
    if names(schema) != names(requested) {
        return Err(format!(
            "the requested schema has the columns {:?}, but these are {:?}",
            names(requested),
            names(schema)
        ));
    }
    let mut columns: Vec<Vec<ArrayRef>> =
        batches.iter().map(|batch| batch.columns().to_vec()).collect();
    let mut fields = Vec::with_capacity(schema.fields().len());
    for (place, (own, wanted)) in schema.fields().iter().zip(requested.fields()).enumerate() {
        let cast: Option<Vec<ArrayRef>> =
            columns.iter().map(|columns| cast(&columns[place], wanted.data_type())).collect();
        let fits = own.data_type() == wanted.data_type()
            || is_castable(own.data_type(), wanted.data_type());
        match cast {
            Some(cast) if fits => {
                for (columns, cast) in columns.iter_mut().zip(cast) {
                    columns[place] = cast;
                }
                fields.push(Arc::new(
                    own.as_ref().clone().with_data_type(wanted.data_type().clone()),
                ));
            }
            _ => fields.push(Arc::clone(own)),
        }
    }
    let schema: SchemaRef = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
    let batches: Result<Vec<RecordBatch>, _> = columns
        .into_iter()
        .map(|columns| RecordBatch::try_new(Arc::clone(&schema), columns))
        .collect();
    Ok((schema, batches.map_err(|error| error.to_string())?))
}

fn is_castable(own: &DataType, wanted: &DataType) -> bool {
    match (own, wanted) {
        (DataType::Utf8, DataType::LargeUtf8) | (DataType::LargeBinary, DataType::Binary) => true,
        (DataType::LargeList(own), DataType::List(wanted)) => own.data_type() == wanted.data_type(),
        _ => false,
    }
}

/// The same values in another type; `None` where they do not fit or are not cast.
fn cast(array: &ArrayRef, wanted: &DataType) -> Option<ArrayRef> {
    if array.data_type() == wanted {
        return Some(Arc::clone(array));
    }
    match (array.data_type(), wanted) {
        (DataType::Utf8, DataType::LargeUtf8) => {
            Some(Arc::new(LargeStringArray::from_iter(array.as_string::<i32>().iter())))
        }
        (DataType::LargeBinary, DataType::Binary) => {
            let binary = array.as_binary::<i64>();
            let offsets = narrow(binary.offsets())?;
            let values = binary.values().clone();
            Some(Arc::new(BinaryArray::try_new(offsets, values, binary.nulls().cloned()).ok()?))
        }
        (DataType::LargeList(_), DataType::List(item)) => {
            let list = array.as_list::<i64>();
            let offsets = narrow(list.offsets())?;
            let values = Arc::clone(list.values());
            let nulls = list.nulls().cloned();
            Some(Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, nulls).ok()?))
        }
        _ => None,
    }
}

/// Offsets of four bytes, if they are not too large for that.
fn narrow(offsets: &OffsetBuffer<i64>) -> Option<OffsetBuffer<i32>> {
    let narrow: Result<Vec<i32>, _> = offsets.iter().map(|&offset| i32::try_from(offset)).collect();
    Some(OffsetBuffer::new(narrow.ok()?.into()))
}
