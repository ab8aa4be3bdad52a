//! Batches of weights to test with.

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, ListBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::types::Float32Type;
use arrow_array::{ArrayRef, Float32Array, Int64Array, LargeListArray, RecordBatch, StringArray};
use arrow_buffer::OffsetBuffer;
use arrow_quant::{Options, Quantizer, ScaleDtype, Scheme, Search};
use arrow_schema::{DataType, Field};

/// A generator of the same numbers everywhere (Steele et al., SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// Uniform in 0..1.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ bits >> 31) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Weights of a normal distribution with a standard deviation of 0.02.
    pub(crate) fn weights(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| (0.02 * self.normal()) as f32).collect()
    }
}

/// A part of a layer.
pub(crate) struct Part<'a> {
    pub(crate) layer: &'a str,
    pub(crate) x: &'a [f32],
    pub(crate) shape: &'a [i64],
    pub(crate) row_start: i64,
}

/// A batch of parts, as a large_list of float32.
pub(crate) fn batch(parts: &[Part<'_>]) -> RecordBatch {
    let item = Arc::new(Field::new_list_field(DataType::Float32, true));
    let values: Vec<f32> = parts.iter().flat_map(|part| part.x.iter().copied()).collect();
    let offsets = OffsetBuffer::<i64>::from_lengths(parts.iter().map(|part| part.x.len()));
    let weights = LargeListArray::new(item, offsets, Arc::new(Float32Array::from(values)), None);
    with_weights(parts, Arc::new(weights))
}

/// The same with weights as they are given.
pub(crate) fn with_weights(parts: &[Part<'_>], weights: ArrayRef) -> RecordBatch {
    let mut shapes = ListBuilder::new(Int64Builder::new());
    for part in parts {
        shapes.values().append_slice(part.shape);
        shapes.append(true);
    }
    let starts = Int64Array::from_iter_values(parts.iter().map(|part| part.row_start));
    let names = StringArray::from_iter_values(parts.iter().map(|part| part.layer));
    RecordBatch::try_from_iter([
        ("layer_name", Arc::new(names) as ArrayRef),
        ("weights", weights),
        ("shape", Arc::new(shapes.finish())),
        ("row_start", Arc::new(starts)),
    ])
    .unwrap()
}

/// A batch of one layer.
pub(crate) fn single(x: &[f32], shape: &[i64]) -> RecordBatch {
    batch(&[Part { layer: "layer", x, shape, row_start: 0 }])
}

pub(crate) fn options(scheme: Scheme, group_size: usize, search: Search) -> Options {
    Options {
        scheme,
        group_size,
        search,
        scale_dtype: ScaleDtype::F16,
        fallback_sqnr_db: None,
        threads: NonZeroUsize::new(1),
        overrides: Vec::new(),
    }
}

pub(crate) fn quantized(batch: &RecordBatch, options: &Options) -> RecordBatch {
    Quantizer::new(options).unwrap().quantize(batch).unwrap()
}

/// The codes of a row.
pub(crate) fn codes(batch: &RecordBatch, row: usize) -> Vec<u8> {
    batch["quantized_data"].as_binary::<i64>().value(row).to_vec()
}

/// The numbers of a row of a list column.
pub(crate) fn floats(batch: &RecordBatch, column: &str, row: usize) -> Vec<f32> {
    batch[column].as_list::<i64>().value(row).as_primitive::<Float32Type>().values().to_vec()
}
