//! Any record batch of quantized weights: no panic, and everything that reads it agrees.
#![no_main]

use std::sync::Arc;

use arrow_array::builder::{Float32Builder, Int64Builder, LargeListBuilder, ListBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type};
use arrow_array::{
    Array, ArrayRef, Int32Array, Int64Array, LargeBinaryArray, RecordBatch, StringArray,
};
use arrow_quant::{
    MatMulNBits, Scheme, WeightDtype, dequantize, dequantize_as, evaluate, matmul_nbits,
};
use half::{bf16, f16};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;

/// A row as its columns say it.
#[derive(Debug)]
struct Row {
    shape: Vec<i64>,
    row_start: i64,
    row_count: i64,
    dtype: &'static str,
    scheme: &'static str,
    group_size: i32,
    codes: Vec<u8>,
    scales: Vec<f32>,
    zeros: Vec<f32>,
    scale_dtype: &'static str,
}

impl Row {
    /// Anything, but more often than not a row that does not contradict itself.
    fn any(u: &mut Unstructured<'_>) -> Result<Row> {
        let names: Vec<&str> = Scheme::ALL.iter().map(|scheme| scheme.name()).collect();
        let scheme = if u.ratio(1, 20)? { "int3" } else { *u.choose(&names)? };
        let group_size = match u.int_in_range(0..=20u8)? {
            sixteens @ 0..=16 => i32::from(sixteens) * 16,
            17 => u.arbitrary()?,
            _ => 32,
        };
        let axes = u.int_in_range(0..=4u8)?;
        let mut shape = Vec::new();
        for _ in 0..axes {
            let large = u.ratio(1, 30)?;
            shape.push(if large { u.arbitrary()? } else { u.int_in_range(0..=70)? });
        }
        let first = shape.first().copied().unwrap_or(1);
        let row_start = if u.ratio(1, 10)? { u.arbitrary()? } else { 0 };
        let row_count = if u.ratio(1, 10)? { u.arbitrary()? } else { first };
        let (rows, columns) = match shape.as_slice() {
            [] => (row_count, 1),
            [_] => (1, row_count),
            [_, middle @ .., last] => {
                (middle.iter().fold(row_count, |rows: i64, next| rows.saturating_mul(*next)), *last)
            }
        };
        let size = if group_size == 0 { columns.max(1) } else { i64::from(group_size.max(1)) };
        let groups = rows.saturating_mul(columns.saturating_add(size - 1) / size);
        let known = Scheme::from_name(scheme);
        let dtype = if u.ratio(1, 20)? { "i64" } else { *u.choose(&["f32", "f16", "bf16"])? };
        let element = if dtype == "f32" { 4 } else { 2 };
        let row_bytes = match known {
            Some(Scheme::GgufQ8_0) => (columns / 32).saturating_mul(34),
            Some(Scheme::GgufQ4_0) => (columns / 32).saturating_mul(18),
            Some(Scheme::None) => columns.saturating_mul(element),
            Some(scheme) => {
                let bits = scheme.bit_width().map_or(4, i64::from);
                columns.saturating_mul(bits).saturating_add(7) / 8
            }
            None => columns,
        };
        let bytes = rows.saturating_mul(row_bytes);
        let groups = if known.is_none_or(Scheme::is_grouped) { groups } else { 0 };
        let zeros = if known.is_some_and(Scheme::has_zero_points) { groups } else { 0 };
        let mut length = |wanted: i64| -> Result<usize> {
            if u.ratio(1, 40)? {
                return u.int_in_range(0..=300);
            }
            Ok(usize::try_from(wanted).unwrap_or(0).min(1 << 13))
        };
        let (bytes, groups, zeros) = (length(bytes)?, length(groups)?, length(zeros)?);
        let codes = (0..bytes).map(|_| u.arbitrary()).collect::<Result<_>>()?;
        let scales = (0..groups).map(|_| u.arbitrary()).collect::<Result<_>>()?;
        let whole = !u.ratio(1, 4)?;
        let zeros = (0..zeros)
            .map(|_| if whole { Ok(f32::from(u.arbitrary::<u8>()? & 3)) } else { u.arbitrary() })
            .collect::<Result<_>>()?;
        let scale_dtype = if u.ratio(1, 30)? { "f64" } else { *u.choose(&["f16", "f32"])? };
        Ok(Row {
            shape,
            row_start,
            row_count,
            dtype,
            scheme,
            group_size,
            codes,
            scales,
            zeros,
            scale_dtype,
        })
    }
}

fn batch(rows: &[Row]) -> RecordBatch {
    let mut shapes = ListBuilder::new(Int64Builder::new());
    for row in rows {
        shapes.values().append_slice(&row.shape);
        shapes.append(true);
    }
    let floats = |numbers: fn(&Row) -> &[f32]| -> ArrayRef {
        let mut lists = LargeListBuilder::new(Float32Builder::new());
        for row in rows {
            lists.values().append_slice(numbers(row));
            lists.append(true);
        }
        Arc::new(lists.finish())
    };
    let texts = |text: fn(&Row) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(text)))
    };
    let integers = |number: fn(&Row) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(rows.iter().map(number)))
    };
    let sizes = Int32Array::from_iter_values(rows.iter().map(|row| row.group_size));
    let codes = LargeBinaryArray::from_iter_values(rows.iter().map(|row| &row.codes));
    RecordBatch::try_from_iter([
        ("layer_name", texts(|_| "layer")),
        ("shape", Arc::new(shapes.finish())),
        ("row_start", integers(|row| row.row_start)),
        ("row_count", integers(|row| row.row_count)),
        ("dtype", texts(|row| row.dtype)),
        ("scheme", texts(|row| row.scheme)),
        ("group_size", Arc::new(sizes)),
        ("quantized_data", Arc::new(codes)),
        ("scales", floats(|row| &row.scales)),
        ("zero_points", floats(|row| &row.zeros)),
        ("scale_dtype", texts(|row| row.scale_dtype)),
    ])
    .unwrap()
}

fn same(a: f32, b: f32) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

/// What the operator multiplies with, by its own definition; the padding must be zero.
fn meaning(matrix: &MatMulNBits) -> Vec<f32> {
    let bits = usize::from(matrix.bits);
    let code = |packed: &[u8], index: usize| {
        f32::from(packed[index * bits / 8] >> (index * bits % 8) & (0xff >> (8 - bits)))
    };
    let blocks = matrix.k_blocks();
    let (row_bytes, zero_bytes) =
        (blocks * matrix.block_size * bits / 8, (blocks * bits).div_ceil(8));
    assert_eq!(matrix.b.len(), matrix.n * row_bytes);
    assert_eq!(matrix.scales.len(), matrix.n * blocks);
    let mut inside = Vec::new();
    for row in 0..matrix.n {
        for column in 0..blocks * matrix.block_size {
            let block = column / matrix.block_size;
            let zero = match &matrix.zero_points {
                Some(zeros) => code(&zeros[row * zero_bytes..], block),
                None => f32::from(1u8 << (bits - 1)),
            };
            let steps = code(&matrix.b[row * row_bytes..], column) - zero;
            if column < matrix.k {
                inside.push(steps * matrix.scales[row * blocks + block]);
            } else {
                assert_eq!(steps, 0.0);
            }
        }
    }
    inside
}

fn check(batch: &RecordBatch) {
    let restored = dequantize(batch);
    let halves = dequantize_as(batch, WeightDtype::F16);
    let brains = dequantize_as(batch, WeightDtype::Bf16);
    let Ok(restored) = restored else {
        assert!(halves.is_err() && brains.is_err());
        return;
    };
    let lists = restored["weights"].as_list::<i64>();
    let numbers = lists.values().as_primitive::<Float32Type>().values();
    let fits =
        |narrow: fn(f32) -> f32| numbers.iter().all(|&x| !x.is_finite() || narrow(x).is_finite());
    assert_eq!(halves.is_ok(), fits(|x| f16::from_f32(x).to_f32()));
    assert_eq!(brains.is_ok(), fits(|x| bf16::from_f32(x).to_f32()));
    if let Ok(halves) = halves {
        let halves = halves["weights"].as_list::<i64>().values().clone();
        for (x, half) in numbers.iter().zip(halves.as_primitive::<Float16Type>().values()) {
            assert!(same(f16::from_f32(*x).to_f32(), half.to_f32()));
        }
    }
    if let Ok(brains) = brains {
        let (pairs, rest) = brains["weights"].as_binary::<i64>().value_data().as_chunks::<2>();
        assert!(rest.is_empty() && pairs.len() == numbers.len());
        for (x, pair) in numbers.iter().zip(pairs) {
            assert!(same(bf16::from_f32(*x).to_f32(), bf16::from_le_bytes(*pair).to_f32()));
        }
    }
    for row in 0..batch.num_rows() {
        let Ok(matrix) = matmul_nbits(batch, row) else { continue };
        let expected = lists.value(row);
        let expected = expected.as_primitive::<Float32Type>();
        let found = meaning(&matrix);
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected.values()).all(|(a, b)| same(*a, *b)));
    }
    let evaluated = evaluate([&restored], [batch]);
    // Of what is empty it cannot be told how much of the first axis it is.
    let whole = (0..batch.num_rows()).all(|row| !lists.value(row).is_empty());
    // What was kept as a half is not the same when it comes back wide.
    let kept = batch["scheme"].as_string::<i32>().iter().any(|scheme| scheme == Some("none"));
    if whole && !kept && numbers.iter().all(|x| x.is_finite()) {
        let evaluated = evaluated.unwrap();
        assert!(evaluated.rows.iter().all(|row| row.sums.error == 0.0));
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut u = Unstructured::new(bytes);
    let count = u.int_in_range(0..=3usize).unwrap_or(0);
    let rows: Result<Vec<Row>> = (0..count).map(|_| Row::any(&mut u)).collect();
    let Ok(rows) = rows else { return };
    let batch = batch(&rows);
    check(&batch);
    for row in 0..batch.num_rows() {
        check(&batch.slice(row, 1));
    }
});
