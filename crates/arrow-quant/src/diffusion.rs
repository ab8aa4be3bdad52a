//! Activation ranges over the timesteps of a diffusion model: a table beside the quantized weights.
//!
//! While a diffusion model denoises, its activations change with the timestep, and one range for all
//! timesteps is too wide for most of them: PTQ4DM (arXiv 2211.15736), Q-Diffusion (2302.04304), TDQ
//! (2306.02316), TFMQ-DM (2311.16503), Q-DiT (2406.17343) and TQ-DiT (2502.04056) calibrate over
//! timesteps, and TQ-DiT keeps one scale for each group of them, as is done here. In all six the
//! weights do not depend on time, and nothing in this module touches a weight.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, Float32Array, Float64Array, RecordBatch, StringArray, UInt8Array,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::columns::{layer_names, required, wrong_type};
use crate::error::{Error, Result};

mod smoothness;

pub use smoothness::{Boundary, LayerSmoothness, Severity, Smoothness, smoothness};

/// The largest code of an activation.
const HIGHEST: f64 = 255.0;

/// Integers up to here are numbers of an `f64`.
const LARGEST_TIMESTEP: f64 = 9_007_199_254_740_992.0;

/// The schema of what [`activation_ranges`] yields.
///
/// | Column | Type | Meaning |
/// |---|---|---|
/// | `layer_name` | utf8 | the layer, in the order of their first appearance |
/// | `t_start`, `t_end` | float64 | the timesteps `t_start <= t < t_end`; the last group of a layer has `t_end` too |
/// | `min`, `max` | float32 | the least and the largest activation that was seen at these timesteps |
/// | `scale` | float32 | see [`activation_ranges`] |
/// | `zero_point` | uint8 | the code of zero |
#[must_use]
pub fn ranges_schema() -> SchemaRef {
    let field = |name, kind| Field::new(name, kind, false);
    Arc::new(Schema::new(vec![
        field("layer_name", DataType::Utf8),
        field("t_start", DataType::Float64),
        field("t_end", DataType::Float64),
        field("min", DataType::Float32),
        field("max", DataType::Float32),
        field("scale", DataType::Float32),
        field("zero_point", DataType::UInt8),
    ]))
}

/// Scales and zero points of the activations of each layer, for groups of timesteps.
///
/// Columns of the statistics, one row for each time a layer was looked at, in any order, other columns
/// being left alone:
///
/// | Column | Type | Meaning |
/// |---|---|---|
/// | `layer_name` | utf8, large_utf8 or utf8_view | the layer |
/// | `timestep` | int64 or float64, at most 2^53 in size | when |
/// | `min`, `max` | float32 | the least and the largest activation |
/// | `count` | int64, may be absent or null | activations that were seen; a row of 0 counts for nothing |
///
/// The timesteps of a layer, from its first `t0` to its last `t1`, are divided into `time_groups`
/// intervals of the same length: group `i` starts at `t0 + i (t1 - t0) / time_groups`, and has its
/// start but not its end, except for the last one. A group without a row is joined to the one before
/// it, so every timestep from `t0` to `t1` is in one group, and a layer with one timestep has one.
///
/// Activations are to become `uint8` codes `q = round(x / scale) + zero_point`, clamped to 0..=255,
/// which stand for `(q - zero_point) scale` (Jacob et al., arXiv 1712.05877). With the range widened to
/// include zero, `scale = (max - min) / 255` in `f32`, but never below its least normal number, which
/// is what a layer of nothing but zeros gets, and `zero_point = round(-min / scale)`, ties to even.
///
/// # Errors
/// When `time_groups` is not within 1..=100; columns that are missing or of other types; nulls; a
/// timestep, `min` or `max` that is not finite; `min` above `max`; and statistics without rows.
pub fn activation_ranges<'a>(
    statistics: impl IntoIterator<Item = &'a RecordBatch>,
    time_groups: usize,
) -> Result<RecordBatch> {
    if !(1..=100).contains(&time_groups) {
        let reason = format!("{time_groups} is not within 1 to 100");
        return Err(Error::Option { name: "time_groups", reason });
    }
    let mut layers: ByLayer<Seen> = ByLayer::default();
    for batch in statistics {
        let names = layer_names(batch)?;
        let times = timesteps(batch, &names)?;
        let (least, largest) = (numbers(batch, "min", &names)?, numbers(batch, "max", &names)?);
        let counts = counts(batch, &names)?;
        for (row, layer) in names.iter().enumerate() {
            if counts[row] == Some(0) {
                continue;
            }
            let seen = Seen { time: times[row], least: least[row], largest: largest[row] };
            seen.check().map_err(|reason| bad(layer, row, reason))?;
            layers.add(layer, seen);
        }
    }
    if layers.all.is_empty() {
        return Err(Error::NoRows { table: "statistics" });
    }
    let groups = layers
        .all
        .iter()
        .flat_map(|(layer, seen)| groups(seen, time_groups).into_iter().map(move |x| (layer, x)));
    table(&groups.collect::<Vec<_>>())
}

/// What belongs to each layer, in the order of their first appearance.
struct ByLayer<T> {
    all: Vec<(String, Vec<T>)>,
    places: HashMap<String, usize>,
}

impl<T> Default for ByLayer<T> {
    fn default() -> Self {
        ByLayer { all: Vec::new(), places: HashMap::new() }
    }
}

impl<T> ByLayer<T> {
    fn add(&mut self, layer: &str, value: T) {
        if let Some(&place) = self.places.get(layer) {
            self.all[place].1.push(value);
            return;
        }
        self.places.insert(layer.to_owned(), self.all.len());
        self.all.push((layer.to_owned(), vec![value]));
    }
}

/// A row of statistics.
#[derive(Debug, Clone, Copy)]
struct Seen {
    time: f64,
    least: f32,
    largest: f32,
}

impl Seen {
    fn check(self) -> std::result::Result<(), String> {
        let Seen { time, least, largest } = self;
        // Of NaN too.
        if !(-LARGEST_TIMESTEP..=LARGEST_TIMESTEP).contains(&time) {
            return Err(format!("timestep is {time}, which is not within -2^53 to 2^53"));
        }
        for (name, number) in [("min", least), ("max", largest)] {
            if !number.is_finite() {
                return Err(format!("{name} is {number}, which has no scale"));
            }
        }
        if least > largest {
            return Err(format!("min is {least} and max is {largest}, which is less"));
        }
        Ok(())
    }
}

/// A group of timesteps of a layer.
struct Group {
    start: f64,
    end: f64,
    least: f32,
    largest: f32,
}

impl Group {
    /// Scale and zero point of `uint8` codes.
    fn affine(&self) -> (f32, u8) {
        // In f64, as the range of two numbers of f32 may not be one.
        let (low, high) = (f64::from(self.least.min(0.0)), f64::from(self.largest.max(0.0)));
        let scale = (((high - low) / HIGHEST) as f32).max(f32::MIN_POSITIVE);
        let zero = (-low / f64::from(scale)).round_ties_even().clamp(0.0, HIGHEST);
        (scale, zero as u8)
    }
}

/// The groups of a layer, none of them without a row.
fn groups(seen: &[Seen], count: usize) -> Vec<Group> {
    let first = seen.iter().fold(f64::INFINITY, |first, seen| first.min(seen.time));
    let last = seen.iter().fold(f64::NEG_INFINITY, |last, seen| last.max(seen.time));
    let edge = |group: usize| first + (last - first) * group as f64 / count as f64;
    let inner: Vec<f64> = (1..count).map(edge).collect();
    let mut ranges: Vec<Option<(f32, f32)>> = vec![None; count];
    for seen in seen {
        let group =
            if first == last { 0 } else { inner.partition_point(|edge| *edge <= seen.time) };
        let range = &mut ranges[group];
        let (least, largest) = range.unwrap_or((seen.least, seen.largest));
        *range = Some((least.min(seen.least), largest.max(seen.largest)));
    }
    let mut groups: Vec<Group> = Vec::new();
    for (place, range) in ranges.into_iter().enumerate() {
        let Some((least, largest)) = range else { continue };
        let start = if place == 0 { first } else { inner[place - 1] };
        if let Some(before) = groups.last_mut() {
            before.end = start;
        }
        groups.push(Group { start, end: last, least, largest });
    }
    groups
}

fn table(groups: &[(&String, Group)]) -> Result<RecordBatch> {
    let doubles = |value: fn(&Group) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(groups.iter().map(|(_, group)| value(group))))
    };
    let floats = |value: fn(&Group) -> f32| -> ArrayRef {
        Arc::new(Float32Array::from_iter_values(groups.iter().map(|(_, group)| value(group))))
    };
    let zeros = groups.iter().map(|(_, group)| group.affine().1);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(groups.iter().map(|(layer, _)| layer))),
        doubles(|group| group.start),
        doubles(|group| group.end),
        floats(|group| group.least),
        floats(|group| group.largest),
        floats(|group| group.affine().0),
        Arc::new(UInt8Array::from_iter_values(zeros)),
    ];
    Ok(RecordBatch::try_new(ranges_schema(), columns)?)
}

fn bad(layer: &str, row: usize, reason: String) -> Error {
    Error::Activations { layer: layer.to_owned(), row, reason }
}

/// # Errors
/// Names the first null.
fn no_nulls(column: &dyn Array, name: &'static str, layers: &[&str]) -> Result<()> {
    match (0..column.len()).find(|&row| column.is_null(row)) {
        None => Ok(()),
        Some(row) => {
            Err(Error::Null { layer: layers[row].to_owned(), row, column: name, index: None })
        }
    }
}

fn timesteps(batch: &RecordBatch, layers: &[&str]) -> Result<Vec<f64>> {
    let name = "timestep";
    let column = required(batch, name)?;
    no_nulls(column, name, layers)?;
    match column.data_type() {
        DataType::Float64 => Ok(column.as_primitive::<Float64Type>().values().to_vec()),
        DataType::Int64 => {
            let values = column.as_primitive::<Int64Type>().values();
            Ok(values.iter().map(|&time| time as f64).collect())
        }
        _ => Err(wrong_type(name, "int64 or float64", column)),
    }
}

fn numbers<'a>(batch: &'a RecordBatch, name: &'static str, layers: &[&str]) -> Result<&'a [f32]> {
    let column = required(batch, name)?;
    let numbers = column.as_primitive_opt::<Float32Type>();
    let numbers = numbers.ok_or_else(|| wrong_type(name, "float32", column))?;
    no_nulls(numbers, name, layers)?;
    Ok(numbers.values())
}

fn counts(batch: &RecordBatch, layers: &[&str]) -> Result<Vec<Option<i64>>> {
    let Some(column) = batch.column_by_name("count") else { return Ok(vec![None; layers.len()]) };
    let counts = crate::columns::integers(column, "count")?;
    match counts.iter().position(|count| count.is_some_and(|count| count < 0)) {
        Some(row) => Err(bad(layers[row], row, "count is less than 0".to_owned())),
        None => Ok(counts),
    }
}
