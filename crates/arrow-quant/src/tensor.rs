//! One row of a record batch: a tensor, or a part of one along its first axis, as a matrix.

use arrow_array::RecordBatch;

use crate::columns;
use crate::error::{Error, Result};
use crate::kernel::packed_length;
use crate::options::Scheme;
use crate::weights::{Dtype, Weights};

/// A part of a tensor.
#[derive(Debug, Clone)]
pub(crate) struct Tensor<'a> {
    pub(crate) layer: &'a str,
    /// Which row of the record batch it is.
    pub(crate) row: usize,
    /// The shape of the whole tensor.
    pub(crate) shape: Vec<i64>,
    /// Where the part starts along the first axis.
    pub(crate) row_start: i64,
    /// How much of the first axis it has.
    pub(crate) row_count: i64,
    /// Rows that groups do not cross, and their length.
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) dtype: Dtype,
    pub(crate) weights: Weights<'a>,
}

/// Rows and columns of the matrix that `row_count` of the first axis are, or why there are none.
///
/// A tensor of one axis is one row, and of none a row of one number.
pub(crate) fn matrix(
    shape: &[i64],
    row_start: i64,
    row_count: i64,
) -> std::result::Result<(usize, usize), String> {
    if let Some(length) = shape.iter().find(|length| **length < 0) {
        return Err(format!("{length} is no length"));
    }
    let first = shape.first().copied().unwrap_or(1);
    if row_start < 0
        || row_count < 0
        || row_start.checked_add(row_count).is_none_or(|end| end > first)
    {
        return Err(format!(
            "{row_count} from {row_start} on are not within the first axis, {first}"
        ));
    }
    let length = |length: i64| usize::try_from(length).ok();
    let (rows, columns) = match shape {
        [] => (length(row_count), Some(1)),
        [_] => (Some(usize::from(row_count > 0)), length(row_count)),
        [_, middle @ .., last] => {
            let rows =
                middle.iter().try_fold(length(row_count).unwrap_or(usize::MAX), |rows, &next| {
                    rows.checked_mul(length(next)?)
                });
            (rows, length(*last))
        }
    };
    match (rows, columns) {
        (Some(rows), Some(columns)) if rows.checked_mul(columns).is_some() => Ok((rows, columns)),
        _ => Err(format!("{shape:?} has more elements than can be counted")),
    }
}

impl Tensor<'_> {
    /// The tensors of a record batch, one for each row.
    ///
    /// # Errors
    /// Columns that are missing or of other types, nulls, and shapes that do not fit.
    pub(crate) fn all(batch: &RecordBatch) -> Result<Vec<Tensor<'_>>> {
        let layers = columns::layer_names(batch)?;
        let weights = columns::weights(batch, &layers)?;
        let count = batch.num_rows();
        let shapes = match batch.column_by_name("shape") {
            Some(column) => columns::integer_lists(column, "shape", &layers)?,
            None => vec![None; count],
        };
        let starts = match batch.column_by_name("row_start") {
            Some(column) => columns::integers(column, "row_start")?,
            None => vec![None; count],
        };
        let mut tensors = Vec::with_capacity(count);
        for (row, (((layer, (dtype, weights)), shape), start)) in
            layers.into_iter().zip(weights).zip(shapes).zip(starts).enumerate()
        {
            let tensor = tensor(shape, start.unwrap_or(0), weights.len());
            let (shape, row_start, row_count, rows, columns) =
                tensor.map_err(|reason| Error::Shape { layer: layer.to_owned(), row, reason })?;
            tensors.push(Tensor {
                layer,
                row,
                shape,
                row_start,
                row_count,
                rows,
                columns,
                dtype,
                weights,
            });
        }
        Ok(tensors)
    }
}

type Geometry = (Vec<i64>, i64, i64, usize, usize);

fn tensor(
    shape: Option<Vec<i64>>,
    row_start: i64,
    count: usize,
) -> std::result::Result<Geometry, String> {
    let whole = i64::try_from(count).map_err(|_| "more weights than can be counted".to_owned())?;
    let Some(shape) = shape else {
        if row_start != 0 {
            return Err(format!("row_start is {row_start}, which needs the column shape"));
        }
        let (rows, columns) = matrix(&[whole], 0, whole)?;
        return Ok((vec![whole], 0, whole, rows, columns));
    };
    // Elements for each position of the first axis.
    let (rows, columns) = match shape.split_first() {
        Some((_, [])) | None => (1, 1),
        Some((_, rest)) => matrix(&[&[1], rest].concat(), 0, 1)?,
    };
    let each = rows * columns;
    let row_count = match each {
        // Nothing is there wherever it starts, so it is taken to be all.
        0 => shape.first().copied().unwrap_or(0).saturating_sub(row_start),
        _ if !count.is_multiple_of(each) => {
            return Err(format!("{count} weights are no whole rows of {each} (shape {shape:?})"));
        }
        _ => (count / each) as i64,
    };
    let (rows, columns) = matrix(&shape, row_start, row_count)?;
    if rows * columns != count {
        return Err(format!("{count} weights, but the shape {shape:?} has {}", rows * columns));
    }
    if shape.is_empty() && count != 1 {
        return Err(format!("{count} weights, but the shape [] has 1"));
    }
    Ok((shape, row_start, row_count, rows, columns))
}

/// How a matrix is laid out when quantized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Numbers of each group; at least 1.
    pub(crate) group: usize,
    /// Groups of a row.
    pub(crate) groups: usize,
    /// Bytes of the codes of a row.
    pub(crate) row_bytes: usize,
}

impl Layout {
    pub(crate) fn new(rows: usize, columns: usize, group_size: usize, scheme: Scheme) -> Layout {
        let group_size = scheme.group_size(group_size);
        let group = if group_size == 0 { columns.max(1) } else { group_size };
        let groups = columns.div_ceil(group);
        Layout { rows, columns, group, groups, row_bytes: packed_length(scheme, columns) }
    }

    /// Of elements that are kept as they are, so many bytes each.
    pub(crate) fn kept(rows: usize, columns: usize, bytes: usize) -> Layout {
        let row_bytes = columns.saturating_mul(bytes);
        Layout { rows, columns, group: columns.max(1), groups: columns.min(1), row_bytes }
    }

    /// Bytes of all codes.
    pub(crate) fn code_bytes(&self) -> usize {
        // More than can be counted is more than there is.
        self.rows.saturating_mul(self.row_bytes)
    }

    /// Scales of all groups, and as many zero points where there are any. Only grouped schemes have
    /// them apart from their codes.
    pub(crate) fn scales(&self, scheme: Scheme) -> usize {
        if scheme.is_grouped() { self.rows * self.groups } else { 0 }
    }

    /// Zero points of all groups.
    pub(crate) fn zeros(&self, scheme: Scheme) -> usize {
        if scheme.has_zero_points() { self.scales(scheme) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_matrices_of_their_last_axis() {
        assert_eq!(matrix(&[2, 3, 4], 0, 2), Ok((6, 4)));
        assert_eq!(matrix(&[2, 3, 4], 1, 1), Ok((3, 4)));
        assert_eq!(matrix(&[7], 2, 5), Ok((1, 5)));
        assert_eq!(matrix(&[], 0, 1), Ok((1, 1)));
        assert_eq!(matrix(&[0, 4], 0, 0), Ok((0, 4)));
        assert_eq!(matrix(&[3, 0], 0, 3), Ok((3, 0)));
        assert!(matrix(&[2, 3], 1, 2).is_err());
        assert!(matrix(&[-1, 3], 0, 0).is_err());
        assert!(matrix(&[i64::MAX, i64::MAX], 0, i64::MAX).is_err());
    }

    #[test]
    fn weights_stay_where_arrow_keeps_them() {
        use std::sync::Arc;

        use arrow_array::{ArrayRef, Float32Array, LargeBinaryArray, LargeListArray, StringArray};
        use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};

        let values = Buffer::from_vec((0..50).map(|x| x as f32).collect::<Vec<_>>());
        let address = values.as_ptr().addr();
        let numbers = Float32Array::new(ScalarBuffer::from(values.clone()), None);
        let offsets = OffsetBuffer::<i64>::from_lengths([10, 15, 25]);
        let list = LargeListArray::new(crate::slab::float_item(), offsets, Arc::new(numbers), None);
        let bytes = LargeBinaryArray::new(OffsetBuffer::from_lengths([40, 60, 100]), values, None);
        for weights in [Arc::new(list) as ArrayRef, Arc::new(bytes)] {
            let batch = RecordBatch::try_from_iter([
                ("layer_name", Arc::new(StringArray::from(vec!["a", "b", "c"])) as ArrayRef),
                ("weights", weights),
                ("dtype", Arc::new(StringArray::from(vec!["f32"; 3]))),
            ])
            .unwrap();
            let sliced = batch.slice(1, 2);
            let tensors = Tensor::all(&sliced).unwrap();
            let x = tensors[1].weights.as_f32(5..25);
            assert!(matches!(x, std::borrow::Cow::Borrowed(_)));
            assert_eq!(x.as_ptr().addr(), address + (10 + 15 + 5) * 4);
        }
    }

    #[test]
    fn weights_must_fill_their_shape() {
        assert_eq!(tensor(None, 0, 5), Ok((vec![5], 0, 5, 1, 5)));
        assert_eq!(tensor(Some(vec![4, 3]), 1, 6), Ok((vec![4, 3], 1, 2, 2, 3)));
        assert_eq!(tensor(Some(vec![]), 0, 1), Ok((vec![], 0, 1, 1, 1)));
        assert_eq!(tensor(Some(vec![2, 0]), 0, 0), Ok((vec![2, 0], 0, 2, 2, 0)));
        for (shape, start, count) in [
            (Some(vec![4, 3]), 0, 7),
            (Some(vec![4, 3]), 3, 6),
            (Some(vec![4, 3]), -1, 3),
            (Some(vec![]), 0, 2),
            (Some(vec![]), 0, 0),
            (Some(vec![2, 0]), 0, 1),
            (Some(vec![1, i64::MAX, i64::MAX]), 0, 1),
            (None, 2, 3),
        ] {
            assert!(tensor(shape.clone(), start, count).is_err(), "{shape:?} {start} {count}");
        }
    }
}
