//! Restored weights in half the memory: `f16` and `bf16`.

use arrow_array::{ArrayRef, RecordBatch};
use half::slice::HalfFloatSliceExt as _;
use half::{bf16, f16};

use crate::dequantize::{Coded, dequantize, offsets, refuse_kept, restored};
use crate::error::{Error, Result};
use crate::quantize::split_off;
use crate::slab::Slab;
use crate::tensor::Layout;
use crate::weights::WeightDtype;
use crate::work::Workers;

/// Numbers that are restored as `f32` before they are narrowed, unless one row has more.
const CHUNK: usize = 1 << 20;

/// Numbers that are narrowed by one thread at a time.
const PIECE: usize = 1 << 15;

/// Restores the weights of a quantized batch as [`dequantize`](crate::dequantize()) does, each number
/// rounded to the nearest of the type that is asked for, ties to even.
///
/// The column `weights` is a large_list of float32 or float16, and of `bf16` a large_binary of
/// little-endian bytes; the column `dtype` says which, so [`quantize`](crate::quantize()) reads all of
/// them.
///
/// # Errors
/// As of [`dequantize`](crate::dequantize()), and a number that is too large for the type.
pub fn dequantize_as(batch: &RecordBatch, dtype: WeightDtype) -> Result<RecordBatch> {
    if dtype == WeightDtype::F32 {
        return dequantize(batch);
    }
    let workers = Workers::new(None)?;
    let rows = Coded::all(batch)?;
    refuse_kept(&rows)?;
    let mut bounds = offsets(&rows)?;
    let count = rows.iter().map(Coded::len).sum::<usize>();
    let bytes = count.checked_mul(2).ok_or(Error::Memory { bytes: None })?;
    let mut slab = Slab::new(bytes, 0, 0)?;
    let (memory, _, _) = slab.parts();
    let mut halves: &mut [u16] = bytemuck::cast_slice_mut(memory);
    for (number, row) in rows.iter().enumerate() {
        narrow_row(&workers, row, dtype, split_off(&mut halves, row.len())).map_err(
            |(index, value)| Error::Dtype {
                layer: row.layer.to_owned(),
                row: number,
                reason: format!(
                    "weight {index} is {value}, which is too large for {}; ask for f32",
                    dtype.name()
                ),
            },
        )?;
    }
    let weights: ArrayRef = if dtype == WeightDtype::F16 {
        slab.into_half_lists(bounds)?
    } else {
        // Bytes, of which a number has two.
        bounds.iter_mut().for_each(|bound| *bound *= 2);
        let none = vec![0; bounds.len()];
        let [data, _, _] = slab.into_columns(bounds, none.clone(), none)?;
        data
    };
    restored(&rows, weights, dtype)
}

/// Restores and narrows a row of a batch, some of its own rows at a time.
///
/// # Errors
/// The index of a number that is too large, and the number.
fn narrow_row(
    workers: &Workers,
    coded: &Coded<'_>,
    dtype: WeightDtype,
    mut halves: &mut [u16],
) -> std::result::Result<(), (usize, f32)> {
    if halves.is_empty() {
        return Ok(());
    }
    let Layout { rows, columns, .. } = coded.layout;
    let together = (CHUNK / columns).max(1);
    let mut wide = vec![0.0; together.min(rows) * columns];
    for first in (0..rows).step_by(together) {
        let part = part(coded, first, together.min(rows - first));
        let wide = &mut wide[..part.len()];
        part.restore(workers, wide);
        let start = first * columns;
        let pieces: Vec<_> = wide
            .chunks(PIECE)
            .zip(split_off(&mut halves, part.len()).chunks_mut(PIECE))
            .enumerate()
            .collect();
        let results = workers.run(pieces, |(piece, (wide, halves))| {
            let too_large = |index: usize| (start + piece * PIECE + index, wide[index]);
            narrow(wide, dtype, halves).map_err(too_large)
        });
        results.into_iter().collect::<std::result::Result<(), _>>()?;
    }
    Ok(())
}

/// Some rows of a matrix.
fn part<'a>(coded: &Coded<'a>, first: usize, rows: usize) -> Coded<'a> {
    let layout = coded.layout;
    let of_rows = |all: &'a [f32]| {
        if all.is_empty() { all } else { &all[first * layout.groups..][..rows * layout.groups] }
    };
    Coded {
        layout: Layout { rows, ..layout },
        codes: &coded.codes[first * layout.row_bytes..][..rows * layout.row_bytes],
        scales: of_rows(coded.scales),
        zeros: of_rows(coded.zeros),
        ..coded.clone()
    }
}

/// # Errors
/// The index of a number that is too large.
fn narrow(wide: &[f32], dtype: WeightDtype, halves: &mut [u16]) -> std::result::Result<(), usize> {
    let too_large = if dtype == WeightDtype::F16 {
        let halves: &mut [f16] = bytemuck::cast_slice_mut(halves);
        halves.convert_from_f32_slice(wide);
        wide.iter().zip(halves).position(|(x, half)| x.is_finite() && half.is_infinite())
    } else {
        let brains: &mut [bf16] = bytemuck::cast_slice_mut(halves);
        brains.convert_from_f32_slice(wide);
        wide.iter().zip(brains).position(|(x, half)| x.is_finite() && half.is_infinite())
    };
    if dtype == WeightDtype::Bf16 {
        // They are to be bytes, and those are little-endian.
        halves.iter_mut().for_each(|half| *half = half.to_le());
    }
    too_large.map_or(Ok(()), Err)
}
