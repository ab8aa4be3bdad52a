//! Calibration of diffusion models: ranges of activations over the timesteps, and how smooth they are.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray, UInt8Array,
};
use arrow_data::transform::MutableArrayData;
use arrow_quant::diffusion;
use arrow_schema::ArrowError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::error;
use crate::input;
use crate::table::Table;
use crate::work::detached;

/// Scales and zero points of the activations of each layer, for groups of timesteps.
///
/// stats
///     What calibration saw, one row for each time that a layer was looked at: anything that gives Arrow
///     record batches, or a list of dicts, with ``layer_name``, ``timestep``, ``min`` and ``max`` of the
///     activations, and perhaps ``count`` (a row of 0 counts for nothing).
/// time_groups
///     Groups for each layer, 1 to 100: its timesteps are divided into so many intervals of the same
///     length, and those in which nothing was seen are joined to the one before.
///
/// Returns a ``Table`` with ``layer_name``, ``t_start``, ``t_end``, ``min``, ``max``, ``scale`` and
/// ``zero_point`` for ``uint8`` codes (Jacob et al., arXiv 1712.05877). Weights do not depend on time
/// (PTQ4DM, arXiv 2211.15736; Q-Diffusion, 2302.04304): never use these as scales of weights.
///
/// Raises ``MetadataError`` for columns and values, ``ConfigurationError`` for ``time_groups``.
#[pyfunction]
#[pyo3(signature = (stats, time_groups = 10))]
pub(crate) fn activation_ranges(
    py: Python<'_>,
    stats: &Bound<'_, PyAny>,
    time_groups: usize,
) -> PyResult<Table> {
    let batches = batches(stats, &|rows| {
        let mut columns = vec![
            ("layer_name", text(rows, "layer_name")?),
            (
                "timestep",
                Arc::new(Float64Array::from(numbers::<f64>(rows, "timestep")?)) as ArrayRef,
            ),
            ("min", Arc::new(Float32Array::from(numbers::<f32>(rows, "min")?))),
            ("max", Arc::new(Float32Array::from(numbers::<f32>(rows, "max")?))),
        ];
        let mut counts = Vec::with_capacity(rows.len());
        for row in rows {
            counts.push(row.get_item("count")?.map(|count| count.extract::<i64>()).transpose()?);
        }
        columns.push(("count", Arc::new(Int64Array::from(counts))));
        RecordBatch::try_from_iter(columns).map_err(|error| error::metadata(py, &error.to_string()))
    })?;
    let ranges = detached(py, || {
        let batches: Vec<RecordBatch> = batches.collect::<Result<_, ArrowError>>()?;
        Ok(diffusion::activation_ranges(&batches, time_groups)?)
    })?;
    Ok(Table { schema: ranges.schema(), batches: vec![ranges] })
}

/// How smoothly ranges of activations change from one group of timesteps to the next.
///
/// ranges
///     What ``activation_ranges`` returned, as a table or as rows.
///
/// Of two neighbours, ``scale_jump`` is ``|s1 - s0| / s0`` and ``zero_point_jump`` ``|z1 - z0| / 255``;
/// the score of their boundary is ``1 - min((scale_jump + zero_point_jump) / 2, 1)``. A jump of the
/// scale by more than 0.3 is a violation, ``"medium"``, and by more than 0.5 ``"high"``. These are
/// conventions; no literature connects them with what a model loses.
///
/// Returns a ``dict``: ``smoothness_score`` (of all boundaries, 0 to 1), ``boundary_scores`` (layer by
/// layer, in the order of time), ``violation_count``, ``violations`` (dicts with ``boundary_idx``,
/// ``layer_name``, ``timestep``, ``scale_jump``, ``zero_point_jump`` and ``severity``), ``is_valid``
/// (there are none) and ``layers`` (a ``dict`` of names to scores).
///
/// Raises ``MetadataError`` for columns and values.
#[pyfunction]
pub(crate) fn smoothness<'py>(
    py: Python<'py>,
    ranges: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    let batches = batches(ranges, &|rows| {
        let points: Vec<u8> = numbers(rows, "zero_point")?;
        let columns: [(_, ArrayRef); 4] = [
            ("layer_name", text(rows, "layer_name")?),
            ("t_start", Arc::new(Float64Array::from(numbers::<f64>(rows, "t_start")?))),
            ("scale", Arc::new(Float32Array::from(numbers::<f32>(rows, "scale")?))),
            ("zero_point", Arc::new(UInt8Array::from(points))),
        ];
        RecordBatch::try_from_iter(columns).map_err(|error| error::metadata(py, &error.to_string()))
    })?;
    let found = detached(py, || {
        let batches: Vec<RecordBatch> = batches.collect::<Result<_, ArrowError>>()?;
        Ok(diffusion::smoothness(&together(&batches)?)?)
    })?;
    let (scores, violations, layers) = (PyList::empty(py), PyList::empty(py), PyDict::new(py));
    for layer in &found.layers {
        layers.set_item(&layer.layer_name, layer.score())?;
        for boundary in &layer.boundaries {
            if let Some(severity) = boundary.severity() {
                let violation = PyDict::new(py);
                violation.set_item("boundary_idx", scores.len())?;
                violation.set_item("layer_name", &layer.layer_name)?;
                violation.set_item("timestep", boundary.timestep)?;
                violation.set_item("scale_jump", boundary.scale_jump)?;
                violation.set_item("zero_point_jump", boundary.zero_point_jump)?;
                violation.set_item("severity", severity.name())?;
                violations.append(violation)?;
            }
            scores.append(boundary.score())?;
        }
    }
    let result = PyDict::new(py);
    result.set_item("smoothness_score", found.score())?;
    result.set_item("boundary_scores", scores)?;
    result.set_item("violation_count", violations.len())?;
    result.set_item("is_valid", violations.is_empty())?;
    result.set_item("violations", violations)?;
    result.set_item("layers", layers)?;
    Ok(result)
}

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// Batches of Arrow data, or one of a list of dicts.
fn batches(
    data: &Bound<'_, PyAny>,
    of_rows: &dyn Fn(&[Bound<'_, PyDict>]) -> PyResult<RecordBatch>,
) -> PyResult<Batches> {
    if !data.is_instance_of::<PyList>() && !data.is_instance_of::<PyTuple>() {
        return input::arrow(data, "a list of dicts");
    }
    let mut rows = Vec::new();
    for row in data.try_iter()? {
        let row = row?
            .cast_into::<PyDict>()
            .map_err(|_| error::input_type(data.py(), &format!("row {} is no dict", rows.len())))?;
        rows.push(row);
    }
    Ok(Box::new(std::iter::once(Ok(of_rows(&rows)?))))
}

fn text(rows: &[Bound<'_, PyDict>], key: &str) -> PyResult<ArrayRef> {
    Ok(Arc::new(StringArray::from(numbers::<String>(rows, key)?)))
}

/// What each row has under a key.
fn numbers<'py, T>(rows: &[Bound<'py, PyDict>], key: &str) -> PyResult<Vec<T>>
where
    T: for<'a> FromPyObject<'a, 'py>,
{
    let mut found = Vec::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        let wrong = |what: &str| error::metadata(row.py(), &format!("row {place}: {key:?} {what}"));
        let value = row.get_item(key)?.ok_or_else(|| wrong("is not there"))?;
        found.push(value.extract().map_err(|_| wrong("has a value of a type that is not read"))?);
    }
    Ok(found)
}

/// All rows in one batch.
fn together(batches: &[RecordBatch]) -> Result<RecordBatch, ArrowError> {
    let (first, others) = match batches {
        [] => return Ok(RecordBatch::new_empty(diffusion::ranges_schema())),
        [one] => return Ok(one.clone()),
        [first, others @ ..] => (first, others),
    };
    let mut columns = Vec::with_capacity(first.num_columns());
    for (place, column) in first.columns().iter().enumerate() {
        let mut parts = vec![column.to_data()];
        parts.extend(others.iter().map(|batch| batch.column(place).to_data()));
        let mut joined = MutableArrayData::new(parts.iter().collect(), false, 0);
        for (number, part) in parts.iter().enumerate() {
            joined.try_extend(number, 0, part.len())?;
        }
        columns.push(arrow_array::make_array(joined.freeze()));
    }
    RecordBatch::try_new(first.schema(), columns)
}
