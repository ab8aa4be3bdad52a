//! Columns of a record batch, by name and type.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float16Type, Float32Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;

use crate::error::{Error, Result};
use crate::weights::{Dtype, WeightDtype, Weights};

/// What a column of text may be.
const TEXT: &str = "utf8, large_utf8 or utf8_view, or a dictionary of these";

/// A column that must be there.
pub(crate) fn required<'a>(batch: &'a RecordBatch, name: &'static str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or(Error::MissingColumn { name })
}

/// A column of a type that is not read.
pub(crate) fn wrong_type(name: &'static str, expected: &'static str, column: &dyn Array) -> Error {
    Error::ColumnType { name, expected, found: Box::new(column.data_type().clone()) }
}

/// The values of a column of text; `None` for null.
pub(crate) fn texts<'a>(column: &'a ArrayRef, name: &'static str) -> Result<Vec<Option<&'a str>>> {
    match column.data_type() {
        DataType::Utf8 => Ok(column.as_string::<i32>().iter().collect()),
        DataType::LargeUtf8 => Ok(column.as_string::<i64>().iter().collect()),
        DataType::Utf8View => Ok(column.as_string_view().iter().collect()),
        DataType::Dictionary(..) => dictionary_texts(column, name),
        _ => Err(wrong_type(name, TEXT, column)),
    }
}

/// The same of texts that are numbered. A row is null if its number is, or the text of that number.
fn dictionary_texts<'a>(column: &'a ArrayRef, name: &'static str) -> Result<Vec<Option<&'a str>>> {
    let dictionary = column.as_any_dictionary();
    if !matches!(
        dictionary.values().data_type(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    ) {
        return Err(wrong_type(name, TEXT, column));
    }
    let values = texts(dictionary.values(), name)?;
    if values.is_empty() {
        return Ok(vec![None; column.len()]);
    }
    let text = |(row, number): (usize, usize)| match column.is_null(row) {
        true => None,
        false => values.get(number).copied().flatten(),
    };
    Ok(dictionary.normalized_keys().into_iter().enumerate().map(text).collect())
}

/// The names of the layers, none of which may be null.
pub(crate) fn layer_names(batch: &RecordBatch) -> Result<Vec<&str>> {
    let names = texts(required(batch, "layer_name")?, "layer_name")?;
    let name = |(row, name): (usize, Option<_>)| {
        name.ok_or(Error::Null { layer: String::new(), row, column: "layer_name", index: None })
    };
    names.into_iter().enumerate().map(name).collect()
}

/// The values of a column of integers; `None` for null.
pub(crate) fn integers(column: &ArrayRef, name: &'static str) -> Result<Vec<Option<i64>>> {
    let column =
        column.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong_type(name, "int64", column))?;
    Ok(column.iter().collect())
}

/// Where the elements of each row of a list are.
struct Rows<'a> {
    values: &'a ArrayRef,
    bounds: Vec<(usize, usize)>,
}

fn rows<'a>(column: &'a ArrayRef) -> Option<Rows<'a>> {
    let count = column.len();
    // Arrow has checked that offsets are within the values and never fall, and views as well.
    match column.data_type() {
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            let offsets = list.value_offsets();
            let bounds = offsets.windows(2).map(|ends| (ends[0] as usize, ends[1] as usize));
            Some(Rows { values: list.values(), bounds: bounds.collect() })
        }
        DataType::LargeList(_) => {
            let list = column.as_list::<i64>();
            let offsets = list.value_offsets();
            let bounds = offsets.windows(2).map(|ends| (ends[0] as usize, ends[1] as usize));
            Some(Rows { values: list.values(), bounds: bounds.collect() })
        }
        DataType::ListView(_) => {
            let list = column.as_list_view::<i32>();
            let bounds = list.offsets().iter().zip(list.sizes());
            let bounds = bounds.map(|(&at, &size)| (at as usize, at as usize + size as usize));
            Some(Rows { values: list.values(), bounds: bounds.collect() })
        }
        DataType::LargeListView(_) => {
            let list = column.as_list_view::<i64>();
            let bounds = list.offsets().iter().zip(list.sizes());
            let bounds = bounds.map(|(&at, &size)| (at as usize, at as usize + size as usize));
            Some(Rows { values: list.values(), bounds: bounds.collect() })
        }
        DataType::FixedSizeList(_, _) => {
            let list = column.as_fixed_size_list();
            let length = list.value_length() as usize;
            let start = |row| list.value_offset_at(row);
            let bounds = (0..count).map(|row| (start(row), start(row) + length));
            Some(Rows { values: list.values(), bounds: bounds.collect() })
        }
        _ => None,
    }
}

/// The lists of integers of a column; `None` for null.
pub(crate) fn integer_lists(
    column: &ArrayRef,
    name: &'static str,
    layers: &[&str],
) -> Result<Vec<Option<Vec<i64>>>> {
    let expected = "list<int64>";
    let Rows { values, bounds } = rows(column).ok_or_else(|| wrong_type(name, expected, column))?;
    let numbers =
        values.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong_type(name, expected, column))?;
    let list = |(row, (start, end)): (usize, (usize, usize))| {
        if column.is_null(row) {
            return Ok(None);
        }
        no_nulls(numbers, (start, end), layers[row], row, name)?;
        Ok(Some(numbers.values()[start..end].to_vec()))
    };
    bounds.into_iter().enumerate().map(list).collect()
}

/// The lists of `f32` of a column.
pub(crate) fn float_lists<'a>(
    column: &'a ArrayRef,
    name: &'static str,
    layers: &[&str],
) -> Result<Vec<&'a [f32]>> {
    let expected = "large_list<float32>";
    let Rows { values, bounds } = rows(column).ok_or_else(|| wrong_type(name, expected, column))?;
    let numbers = values
        .as_primitive_opt::<Float32Type>()
        .ok_or_else(|| wrong_type(name, expected, column))?;
    let list = |(row, (start, end)): (usize, (usize, usize))| {
        let layer = layers[row];
        if column.is_null(row) {
            return Err(Error::Null { layer: layer.to_owned(), row, column: name, index: None });
        }
        no_nulls(numbers, (start, end), layer, row, name)?;
        Ok(&numbers.values()[start..end])
    };
    bounds.into_iter().enumerate().map(list).collect()
}

/// The bytes of each row of a binary column; `None` for null.
pub(crate) fn bytes(column: &ArrayRef) -> Option<Vec<Option<&[u8]>>> {
    match column.data_type() {
        DataType::Binary => Some(column.as_binary::<i32>().iter().collect()),
        DataType::LargeBinary => Some(column.as_binary::<i64>().iter().collect()),
        DataType::BinaryView => Some(column.as_binary_view().iter().collect()),
        _ => None,
    }
}

fn no_nulls(
    values: &dyn Array,
    (start, end): (usize, usize),
    layer: &str,
    row: usize,
    column: &'static str,
) -> Result<()> {
    if values.null_count() == 0 {
        return Ok(());
    }
    match (start..end).find(|&index| values.is_null(index)) {
        Some(index) => {
            let index = Some(index - start);
            Err(Error::Null { layer: layer.to_owned(), row, column, index })
        }
        None => Ok(()),
    }
}

/// The weights of each row, where Arrow keeps them.
pub(crate) fn weights<'a>(
    batch: &'a RecordBatch,
    layers: &[&str],
) -> Result<Vec<(Dtype, Weights<'a>)>> {
    let column = required(batch, "weights")?;
    let dtypes = match batch.column_by_name("dtype") {
        Some(column) => texts(column, "dtype")?,
        None => vec![None; batch.num_rows()],
    };
    let mut stated = Vec::with_capacity(dtypes.len());
    for (row, text) in dtypes.into_iter().enumerate() {
        let dtype = text.map(|text| {
            Dtype::from_name(text).ok_or_else(|| Error::Dtype {
                layer: layers[row].to_owned(),
                row,
                reason: format!(
                    "{text:?} is none of f32, f16 and bf16, and no type that can be kept, such as i64"
                ),
            })
        });
        stated.push(dtype.transpose()?);
    }
    if let Some(rows) = bytes(column) {
        return binary_weights(&rows, &stated, layers);
    }
    let expected = "a list of float32 or float16, or binary";
    let wrong = || wrong_type("weights", expected, column);
    let Rows { values, bounds } = rows(column).ok_or_else(wrong)?;
    let (dtype, whole) = match values.data_type() {
        DataType::Float32 => {
            let values = values.as_primitive::<Float32Type>();
            (Dtype::from(WeightDtype::F32), Weights::F32(values.values()))
        }
        DataType::Float16 => {
            let values = values.as_primitive::<Float16Type>();
            (Dtype::from(WeightDtype::F16), Weights::F16(values.values()))
        }
        _ => return Err(wrong()),
    };
    let mut found = Vec::with_capacity(bounds.len());
    for (row, (start, end)) in bounds.into_iter().enumerate() {
        let layer = layers[row];
        if column.is_null(row) {
            let layer = layer.to_owned();
            return Err(Error::Null { layer, row, column: "weights", index: None });
        }
        if let Some(other) = stated[row].filter(|stated| *stated != dtype) {
            let reason = format!("it says {}, but the list holds {}", other.name(), dtype.name());
            return Err(Error::Dtype { layer: layer.to_owned(), row, reason });
        }
        no_nulls(values, (start, end), layer, row, "weights")?;
        let part = match whole {
            Weights::F32(x) => Weights::F32(&x[start..end]),
            Weights::F16(x) => Weights::F16(&x[start..end]),
            other => other,
        };
        found.push((dtype, part));
    }
    Ok(found)
}

fn binary_weights<'a>(
    rows: &[Option<&'a [u8]>],
    stated: &[Option<Dtype>],
    layers: &[&str],
) -> Result<Vec<(Dtype, Weights<'a>)>> {
    let mut found = Vec::with_capacity(rows.len());
    for (row, bytes) in rows.iter().enumerate() {
        let layer = || layers[row].to_owned();
        let Some(bytes) = *bytes else {
            return Err(Error::Null { layer: layer(), row, column: "weights", index: None });
        };
        let Some(dtype) = stated[row] else {
            let reason = "binary weights need the column dtype: f32, f16 or bf16".to_owned();
            return Err(Error::Dtype { layer: layer(), row, reason });
        };
        let Some(weights) = Weights::from_bytes(dtype, bytes) else {
            let reason = format!("{} bytes are no whole number of {}", bytes.len(), dtype.name());
            return Err(Error::Dtype { layer: layer(), row, reason });
        };
        found.push((dtype, weights));
    }
    Ok(found)
}
