//! Activation ranges over timesteps, and how smoothly they change.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Float64Type, UInt8Type};
use arrow_array::{
    ArrayRef, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    UInt8Array,
};
use arrow_quant::Error;
use arrow_quant::diffusion::{Severity, activation_ranges, ranges_schema, smoothness};
use proptest::prelude::*;

fn statistics(rows: &[(&str, i64, f32, f32)]) -> RecordBatch {
    RecordBatch::try_from_iter([
        (
            "layer_name",
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0))) as ArrayRef,
        ),
        ("timestep", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1)))),
        ("min", Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.2)))),
        ("max", Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.3)))),
    ])
    .unwrap()
}

fn with(batch: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
    let schema = batch.schema();
    let mut columns: Vec<(String, ArrayRef)> = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .filter(|(field, _)| field.name() != name)
        .map(|(field, column)| (field.name().clone(), Arc::clone(column)))
        .collect();
    columns.push((name.to_owned(), column));
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Layer, start, end, scale and zero point of each row.
fn read(ranges: &RecordBatch) -> Vec<(String, f64, f64, f32, u8)> {
    let starts = ranges["t_start"].as_primitive::<Float64Type>();
    let ends = ranges["t_end"].as_primitive::<Float64Type>();
    let scales = ranges["scale"].as_primitive::<Float32Type>();
    let zeros = ranges["zero_point"].as_primitive::<UInt8Type>();
    (0..ranges.num_rows())
        .map(|row| {
            let layer = ranges["layer_name"].as_string::<i32>().value(row).to_owned();
            let (start, end) = (starts.value(row), ends.value(row));
            (layer, start, end, scales.value(row), zeros.value(row))
        })
        .collect()
}

#[test]
fn timesteps_are_divided_evenly_and_no_group_is_empty() {
    // Two batches, out of order; nothing between 250 and 749.
    let one = statistics(&[("b", 5, 1.0, 2.0), ("a", 999, -1.0, 1.0), ("a", 100, -2.0, 0.5)]);
    let two = statistics(&[("a", 0, 0.0, 51.0), ("a", 249, -0.5, 0.75), ("a", 750, -4.0, 1.1)]);
    let ranges = activation_ranges([&one, &two], 4).unwrap();
    assert_eq!(ranges.schema(), ranges_schema());
    let expected = [
        // The range of one positive row still has zero.
        ("b".to_owned(), 5.0, 5.0, 2.0f32 / 255.0, 0),
        ("a".to_owned(), 0.0, 749.25, 53.0 / 255.0, 10),
        ("a".to_owned(), 749.25, 999.0, 5.1 / 255.0, 200),
    ];
    assert_eq!(read(&ranges), expected);
    let least = ranges["min"].as_primitive::<Float32Type>().values().to_vec();
    let largest = ranges["max"].as_primitive::<Float32Type>().values().to_vec();
    assert_eq!((least, largest), (vec![1.0, -2.0, -4.0], vec![2.0, 51.0, 1.1]));
}

#[test]
fn whole_steps_of_a_thousand_fall_into_tens() {
    let rows: Vec<_> = (0..1000).map(|t| ("a", t, -1.0, (t / 100 + 1) as f32)).collect();
    let ranges = activation_ranges([&statistics(&rows)], 10).unwrap();
    let largest = ranges["max"].as_primitive::<Float32Type>().values().to_vec();
    assert_eq!(largest, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]);
}

#[test]
fn extremes_have_finite_scales() {
    let times = Float64Array::from(vec![0.25]);
    for (least, largest, scale, zero) in [
        (0.0, 0.0, f32::MIN_POSITIVE, 0),
        (f32::MIN, f32::MAX, (2.0 * f64::from(f32::MAX) / 255.0) as f32, 128),
        (-1e-45, 0.0, f32::MIN_POSITIVE, 0),
        (-255.0, -1.0, 1.0, 255),
        (-0.5, 254.5, 1.0, 0),
    ] {
        let input = statistics(&[("a", 0, least, largest)]);
        let input = with(&input, "timestep", Arc::new(times.clone()));
        let found = &read(&activation_ranges([&input], 100).unwrap())[0];
        assert_eq!((found.1, found.3, found.4), (0.25, scale, zero), "{least} {largest}");
    }
}

#[test]
fn rows_that_saw_nothing_count_for_nothing() {
    let input = statistics(&[("a", 1, -1.0, 1.0), ("a", 9, f32::INFINITY, f32::NEG_INFINITY)]);
    assert!(activation_ranges([&input], 2).is_err());
    let counted = with(&input, "count", Arc::new(Int64Array::from(vec![None, Some(0)])));
    assert_eq!(read(&activation_ranges([&counted], 2).unwrap()).len(), 1);
    let none = with(&input, "count", Arc::new(Int64Array::from(vec![0, 0])));
    assert!(matches!(activation_ranges([&none], 2), Err(Error::NoRows { .. })));
    let negative = with(&input, "count", Arc::new(Int64Array::from(vec![1, -1])));
    let error = activation_ranges([&negative], 2).unwrap_err().to_string();
    assert_eq!(error, "layer \"a\", row 1: bad activation range: count is less than 0");
}

#[test]
fn statistics_that_cannot_be_are_named() {
    let good = ("a", 1, -1.0, 1.0);
    for (bad, reason) in [
        (("b", 2, 2.0, 1.0), "min is 2 and max is 1, which is less"),
        (("b", 2, f32::NAN, 1.0), "min is NaN, which has no scale"),
        (("b", 2, 0.0, f32::INFINITY), "max is inf, which has no scale"),
        (
            ("b", i64::MAX, 0.0, 1.0),
            "timestep is 9223372036854776000, which is not within -2^53 to 2^53",
        ),
    ] {
        let error = activation_ranges([&statistics(&[good, bad])], 3).unwrap_err().to_string();
        assert_eq!(error, format!("layer \"b\", row 1: bad activation range: {reason}"));
    }
    let input = statistics(&[good, good]);
    for groups in [0, 101] {
        assert!(matches!(
            activation_ranges([&input], groups),
            Err(Error::Option { name: "time_groups", .. })
        ));
    }
    assert!(matches!(activation_ranges([], 1), Err(Error::NoRows { table: "statistics" })));
    let null = with(&input, "min", Arc::new(Float32Array::from(vec![Some(0.0), None])));
    let error = activation_ranges([&null], 1).unwrap_err().to_string();
    assert_eq!(error, "layer \"a\", row 1: min is null");
    let null = with(&input, "timestep", Arc::new(Float64Array::from(vec![None, Some(0.0)])));
    assert!(matches!(
        activation_ranges([&null], 1),
        Err(Error::Null { row: 0, column: "timestep", .. })
    ));
    let nan = with(&input, "timestep", Arc::new(Float64Array::from(vec![0.0, f64::NAN])));
    assert!(matches!(activation_ranges([&nan], 1), Err(Error::Activations { row: 1, .. })));
    for name in ["timestep", "min", "max", "count", "layer_name"] {
        let wrong = with(&input, name, Arc::new(Int32Array::from(vec![1, 1])));
        assert!(matches!(activation_ranges([&wrong], 1), Err(Error::ColumnType { .. })), "{name}");
    }
    let lacking = input.project(&[0, 1, 2]).unwrap();
    assert!(matches!(activation_ranges([&lacking], 1), Err(Error::MissingColumn { name: "max" })));
}

fn ranges(rows: &[(&str, f64, f32, u8)]) -> RecordBatch {
    RecordBatch::try_from_iter([
        (
            "layer_name",
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0))) as ArrayRef,
        ),
        ("t_start", Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.1)))),
        ("scale", Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.2)))),
        ("zero_point", Arc::new(UInt8Array::from_iter_values(rows.iter().map(|row| row.3)))),
    ])
    .unwrap()
}

#[test]
fn scores_are_those_of_the_definition() {
    // Out of order, as the rows of a table may be.
    let table = ranges(&[
        ("a", 500.0, 1.25, 51),
        ("b", 0.0, 1.0, 7),
        ("a", 0.0, 1.0, 0),
        ("a", 750.0, 5.0, 51),
        ("c", 0.0, 0.5, 0),
        ("c", 10.0, 0.75, 0),
        ("c", 20.0, 1.125, 255),
    ]);
    let found = smoothness(&table).unwrap();
    let [a, b, c] = found.layers.as_slice() else { panic!("{found:?}") };
    let jumps = |boundary: &arrow_quant::diffusion::Boundary| {
        (boundary.timestep, boundary.scale_jump, boundary.zero_point_jump)
    };
    assert_eq!(
        a.boundaries.iter().map(jumps).collect::<Vec<_>>(),
        [(500.0, 0.25, 0.2), (750.0, 3.0, 0.0)]
    );
    assert_eq!(a.boundaries[0].score(), 1.0 - 0.45 / 2.0);
    assert_eq!(a.boundaries[1].score(), 0.0);
    assert_eq!(a.score(), 1.0 - 3.45 / 4.0);
    assert_eq!((b.boundaries.len(), b.score()), (0, 1.0));
    assert_eq!(c.score(), 1.0 - (0.5 + 0.5 + 1.0) / 4.0);
    assert_eq!(found.score(), 1.0 - 5.45 / 8.0);
    // Half is not above a half.
    let violations: Vec<_> = found
        .violations()
        .map(|(layer, boundary)| (layer, boundary.timestep, boundary.severity().unwrap()))
        .collect();
    assert_eq!(
        violations,
        [
            ("a", 750.0, Severity::High),
            ("c", 10.0, Severity::Medium),
            ("c", 20.0, Severity::Medium)
        ]
    );
    let rough = ranges(&[("a", 0.0, 1e-3, 0), ("a", 1.0, 1.0, 0)]);
    assert_eq!(smoothness(&rough).unwrap().score(), 0.0);
}

#[test]
fn ranges_that_cannot_be_are_named() {
    for (bad, reason) in [
        (("a", 1.0, 0.0, 0), "scale is 0, which is not above zero"),
        (("a", 1.0, f32::NAN, 0), "scale is NaN, which is not above zero"),
        (("a", f64::NAN, 1.0, 0), "t_start is NaN"),
        (("a", 0.0, 1.0, 0), "row 0 starts at 0 too"),
    ] {
        let error = smoothness(&ranges(&[("a", 0.0, 1.0, 0), bad])).unwrap_err().to_string();
        assert_eq!(error, format!("layer \"a\", row 1: bad activation range: {reason}"));
    }
    assert!(matches!(smoothness(&ranges(&[])), Err(Error::NoRows { .. })));
    let table = ranges(&[("a", 0.0, 1.0, 0)]);
    for name in ["t_start", "scale", "zero_point"] {
        let wrong = with(&table, name, Arc::new(Int32Array::from(vec![1])));
        assert!(matches!(smoothness(&wrong), Err(Error::ColumnType { .. })), "{name}");
    }
}

proptest! {
    #[test]
    fn groups_cover_every_timestep_once(
        rows in prop::collection::vec((0usize..3, -1000i64..1000, -9f32..9.0, 0f32..9.0), 1..60),
        groups in 1usize..=100,
    ) {
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(layer, time, least, width)| (["a", "b", "c"][layer], time, least, least + width))
            .collect();
        let input = statistics(&rows);
        let output = activation_ranges([&input], groups).unwrap();
        let found = read(&output);
        let least = output["min"].as_primitive::<Float32Type>();
        let largest = output["max"].as_primitive::<Float32Type>();
        for (layer, time, low, high) in rows {
            let time = time as f64;
            let of_layer = |row: &usize| found[*row].0 == layer;
            let last = (0..found.len()).rfind(of_layer).unwrap();
            let has = |row: &usize| {
                let (_, start, end, ..) = found[*row];
                start <= time && (time < end || *row == last && time == end)
            };
            let its: Vec<_> = (0..found.len()).filter(of_layer).filter(has).collect();
            prop_assert_eq!(its.len(), 1);
            prop_assert!(least.value(its[0]) <= low && high <= largest.value(its[0]));
            prop_assert!((0..found.len()).filter(of_layer).count() <= groups);
        }
        let score = smoothness(&output).unwrap().score();
        prop_assert!((0.0..=1.0).contains(&score));
    }
}
