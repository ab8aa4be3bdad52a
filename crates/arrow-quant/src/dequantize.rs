//! Record batches of codes back to weights.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};

use crate::columns;
use crate::error::{Error, Result};
use crate::kernel::Restore;
use crate::options::{GGUF_BLOCK, Scheme, is_group_size};
use crate::quantize::{shapes, split_off};
use crate::schema::restored_schema;
use crate::slab::Slab;
use crate::tensor::{Layout, matrix};
use crate::weights::{Dtype, WeightDtype, Weights};
use crate::work::{Workers, pieces, span_bytes};

/// One row of quantized weights, checked.
#[derive(Debug, Clone)]
pub(crate) struct Coded<'a> {
    pub(crate) layer: &'a str,
    pub(crate) shape: Vec<i64>,
    pub(crate) row_start: i64,
    pub(crate) scheme: Scheme,
    pub(crate) layout: Layout,
    /// What the weights were.
    pub(crate) dtype: Dtype,
    pub(crate) codes: &'a [u8],
    pub(crate) scales: &'a [f32],
    pub(crate) zeros: &'a [f32],
    /// Whether scales and zero points are said to be `f16`.
    pub(crate) has_half_scales: bool,
}

impl Coded<'_> {
    /// The rows of a batch.
    ///
    /// # Errors
    /// Columns that are missing or of other types, nulls, and rows that contradict themselves.
    pub(crate) fn all(batch: &RecordBatch) -> Result<Vec<Coded<'_>>> {
        let layers = columns::layer_names(batch)?;
        let shapes = columns::integer_lists(columns::required(batch, "shape")?, "shape", &layers)?;
        let starts = columns::integers(columns::required(batch, "row_start")?, "row_start")?;
        let counts = columns::integers(columns::required(batch, "row_count")?, "row_count")?;
        let schemes = columns::texts(columns::required(batch, "scheme")?, "scheme")?;
        let sizes = group_sizes(batch)?;
        let data = columns::required(batch, "quantized_data")?;
        let expected = "large_binary";
        let data = columns::bytes(data).ok_or_else(|| Error::ColumnType {
            name: "quantized_data",
            expected,
            found: Box::new(data.data_type().clone()),
        })?;
        let scales = columns::float_lists(columns::required(batch, "scales")?, "scales", &layers)?;
        let zeros = columns::required(batch, "zero_points")?;
        let zeros = columns::float_lists(zeros, "zero_points", &layers)?;
        let types = columns::texts(columns::required(batch, "dtype")?, "dtype")?;
        let dtypes = columns::texts(columns::required(batch, "scale_dtype")?, "scale_dtype")?;
        let mut all = Vec::with_capacity(layers.len());
        for (row, layer) in layers.iter().enumerate() {
            let null =
                |column| Error::Null { layer: (*layer).to_owned(), row, column, index: None };
            let parts = Parts {
                shape: shapes[row].clone().ok_or_else(|| null("shape"))?,
                row_start: starts[row].ok_or_else(|| null("row_start"))?,
                row_count: counts[row].ok_or_else(|| null("row_count"))?,
                dtype: types[row].ok_or_else(|| null("dtype"))?,
                scheme: schemes[row].ok_or_else(|| null("scheme"))?,
                group_size: sizes[row].ok_or_else(|| null("group_size"))?,
                codes: data[row].ok_or_else(|| null("quantized_data"))?,
                scales: scales[row],
                zeros: zeros[row],
                scale_dtype: dtypes[row].ok_or_else(|| null("scale_dtype"))?,
            };
            let coded = parts.check(layer).map_err(|reason| Error::Quantized {
                layer: (*layer).to_owned(),
                row,
                reason,
            })?;
            all.push(coded);
        }
        Ok(all)
    }

    /// Numbers that come back.
    pub(crate) fn len(&self) -> usize {
        self.layout.rows * self.layout.columns
    }

    /// Bits of its codes, scales and zero points.
    pub(crate) fn bits(&self) -> u64 {
        let of_scale = if self.has_half_scales { 16 } else { 32 };
        self.codes.len() as u64 * 8 + (self.scales.len() + self.zeros.len()) as u64 * of_scale
    }

    /// Writes the numbers to `x`, which has [`len`](Coded::len) of them.
    /// Of a layer that holds no weights, none are written.
    pub(crate) fn restore(&self, workers: &Workers, mut x: &mut [f32]) {
        let Coded { scheme, layout, codes, scales, zeros, .. } = self;
        if *scheme == Scheme::None {
            self.restore_kept(workers, x);
            return;
        }
        let is_grouped = scheme.is_grouped();
        let (mut code, mut scale) = (0, 0);
        let mut tasks = Vec::new();
        for piece in pieces(layout) {
            tasks.push((piece, code, scale, split_off(&mut x, piece.length())));
            code += span_bytes(*scheme, &piece) * piece.spans;
            scale += if is_grouped { piece.groups * piece.spans } else { 0 };
        }
        workers.run(tasks, |(piece, mut code, mut scale, x)| {
            for x in x.chunks_mut(piece.span) {
                let scales_end = scale + if is_grouped { piece.groups } else { 0 };
                let codes_end = code + span_bytes(*scheme, &piece);
                workers.level.restore(Restore {
                    scheme: *scheme,
                    group: layout.group,
                    codes: &codes[code..codes_end],
                    scales: &scales[scale..scales_end],
                    zeros: if zeros.is_empty() { zeros } else { &zeros[scale..scales_end] },
                    x,
                });
                (code, scale) = (codes_end, scales_end);
            }
        });
    }
}

impl Coded<'_> {
    /// As [`restore`](Coded::restore), for a layer that was kept.
    fn restore_kept(&self, workers: &Workers, mut x: &mut [f32]) {
        let Some(kept) = Weights::from_bytes(self.dtype, self.codes) else { return };
        let tasks: Vec<_> = pieces(&self.layout)
            .into_iter()
            .map(|piece| (piece.start, split_off(&mut x, piece.length())))
            .collect();
        workers.run(tasks, |(start, x)| {
            let numbers = kept.as_f32(start..start + x.len());
            if numbers.len() == x.len() {
                x.copy_from_slice(&numbers);
            }
        });
    }
}

fn group_sizes(batch: &RecordBatch) -> Result<Vec<Option<i32>>> {
    let name = "group_size";
    let column = columns::required(batch, name)?;
    let wrong = || Error::ColumnType {
        name,
        expected: "int32",
        found: Box::new(column.data_type().clone()),
    };
    Ok(column.as_primitive_opt::<Int32Type>().ok_or_else(wrong)?.iter().collect())
}

/// One row as the columns say it.
struct Parts<'a> {
    shape: Vec<i64>,
    row_start: i64,
    row_count: i64,
    dtype: &'a str,
    scheme: &'a str,
    group_size: i32,
    codes: &'a [u8],
    scales: &'a [f32],
    zeros: &'a [f32],
    scale_dtype: &'a str,
}

impl<'a> Parts<'a> {
    fn check(self, layer: &'a str) -> std::result::Result<Coded<'a>, String> {
        let Parts { shape, row_start, row_count, codes, scales, zeros, .. } = self;
        let scheme = Scheme::from_name(self.scheme)
            .ok_or_else(|| format!("{:?} is no scheme that is known here", self.scheme))?;
        let group_size = usize::try_from(self.group_size)
            .ok()
            .filter(|&size| is_group_size(size))
            .ok_or_else(|| format!("{} is no group size", self.group_size))?;
        let (rows, columns) = matrix(&shape, row_start, row_count)?;
        let dtype = Dtype::from_name(self.dtype)
            .ok_or_else(|| format!("{:?} is no type that is known here", self.dtype))?;
        if dtype.weights.is_none() && scheme != Scheme::None {
            return Err(format!("{} of {} are no weights", scheme.name(), dtype.name()));
        }
        let layout = match scheme {
            Scheme::None => Layout::kept(rows, columns, dtype.bytes()),
            scheme if !scheme.is_grouped() && !columns.is_multiple_of(GGUF_BLOCK) => {
                return Err(format!("{} in rows of {columns} weights", scheme.name()));
            }
            scheme => Layout::new(rows, columns, group_size, scheme),
        };
        for (what, found, needed) in [
            ("bytes of codes", codes.len(), layout.code_bytes()),
            ("scales", scales.len(), layout.scales(scheme)),
            ("zero points", zeros.len(), layout.zeros(scheme)),
        ] {
            if found != needed {
                return Err(format!("{found} {what}, but the shape {shape:?} needs {needed}"));
            }
        }
        let has_half_scales = match self.scale_dtype {
            "f16" => true,
            "f32" => false,
            other => return Err(format!("{other:?} is neither f16 nor f32")),
        };
        Ok(Coded {
            layer,
            shape,
            row_start,
            scheme,
            layout,
            dtype,
            codes,
            scales,
            zeros,
            has_half_scales,
        })
    }
}

/// Restores the weights of a quantized batch, as `f32`, row for row.
///
/// The columns are those that [`quantize`](crate::quantize()) reads: `layer_name`, `weights` (a
/// large_list of float32), `dtype` (`f32`), `shape`, `row_start`. The arithmetic is that of the
/// scheme's formula in `f32`, so every machine restores the same bits.
///
/// # Errors
/// Columns that are missing or of other types, nulls, rows that contradict themselves, rows that were
/// kept as something that is no weights, and too little memory.
pub fn dequantize(batch: &RecordBatch) -> Result<RecordBatch> {
    let workers = Workers::new(None)?;
    let rows = Coded::all(batch)?;
    refuse_kept(&rows)?;
    let bounds = offsets(&rows)?;
    let mut slab = Slab::new(0, rows.iter().map(Coded::len).sum(), 0)?;
    let (_, mut x, _) = slab.parts();
    for row in &rows {
        row.restore(&workers, split_off(&mut x, row.len()));
    }
    let empty = vec![0; rows.len() + 1];
    let [_, weights, _] = slab.into_columns(empty.clone(), bounds, empty)?;
    restored(&rows, weights, WeightDtype::F32)
}

/// That every row holds weights.
///
/// # Errors
/// The first one that was kept as something else.
pub(crate) fn refuse_kept(rows: &[Coded<'_>]) -> Result<()> {
    match rows.iter().enumerate().find(|(_, coded)| coded.dtype.weights.is_none()) {
        None => Ok(()),
        Some((row, coded)) => Err(Error::Quantized {
            layer: coded.layer.to_owned(),
            row,
            reason: format!(
                "it was kept as {}, which is no type of weights: take its bytes from the column \
                 quantized_data, and leave the row out here",
                coded.dtype.name()
            ),
        }),
    }
}

/// Where the weights of each row start and end, the rows one after the other.
///
/// # Errors
/// When there are more than can be addressed.
pub(crate) fn offsets(rows: &[Coded<'_>]) -> Result<Vec<i64>> {
    let mut offsets = vec![0];
    let mut next = 0usize;
    for row in rows {
        next = next.checked_add(row.len()).ok_or(Error::Memory { bytes: None })?;
        offsets.push(i64::try_from(next).map_err(|_| Error::Memory { bytes: None })?);
    }
    Ok(offsets)
}

/// The batch of restored weights.
///
/// # Errors
/// When there are not as many of them as rows.
pub(crate) fn restored(
    rows: &[Coded<'_>],
    weights: ArrayRef,
    dtype: WeightDtype,
) -> Result<RecordBatch> {
    let dtypes = rows.iter().map(|_| dtype.name());
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.layer))),
        weights,
        Arc::new(StringArray::from_iter_values(dtypes)),
        shapes(rows.iter().map(|row| row.shape.as_slice())),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.row_start))),
    ];
    Ok(RecordBatch::try_new(restored_schema(dtype), columns)?)
}
