//! Input that is wrong ends in an error that says where.

use std::sync::Arc;

use arrow_array::builder::{Float32Builder, LargeListBuilder};
use arrow_array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, LargeBinaryArray, RecordBatch, StringArray,
};
use arrow_quant::{Error, Options, Quantizer, Scheme, Search, dequantize, evaluate, quantize};
use arrow_schema::ArrowError;
use proptest::prelude::*;

use crate::support::{Part, Random, batch, codes, options, quantized, single, with_weights};

fn refused(batch: &RecordBatch) -> Error {
    Quantizer::new(&Options::default()).unwrap().quantize(batch).unwrap_err()
}

fn replaced(batch: &RecordBatch, name: &str, column: &ArrayRef) -> RecordBatch {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, old)| {
        let new = if field.name() == name { column } else { old };
        (field.name().clone(), Arc::clone(new))
    });
    RecordBatch::try_from_iter(columns).unwrap()
}

#[test]
fn weights_that_are_not_finite_are_named() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for (shape, at) in [([100, 1000], 54_321), ([1, 100_000], 99_999), ([1000, 100], 0)] {
            let mut x = Random::new(4).weights(100_000);
            x[at] = bad;
            x[99_999] = bad;
            let good = [0.5; 16];
            let parts = [
                Part { layer: "good", x: &good, shape: &[16], row_start: 0 },
                Part { layer: "bad", x: &x, shape: &shape, row_start: 0 },
            ];
            for scheme in Scheme::GROUPED {
                let mut quantizer = Quantizer::new(&options(scheme, 128, Search::MinMax)).unwrap();
                let error = quantizer.quantize(&batch(&parts)).unwrap_err();
                let Error::NonFinite { layer, row, index, value } = &error else {
                    panic!("{error}");
                };
                assert_eq!((layer.as_str(), *row, *index), ("bad", 1, at));
                assert_eq!(value.to_bits(), bad.to_bits());
                assert!(quantizer.layers().is_empty());
            }
        }
    }
}

#[test]
fn nulls_are_named() {
    let mut builder = LargeListBuilder::new(Float32Builder::new());
    builder.append_value([Some(1.0), Some(2.0)]);
    builder.append_value([Some(1.0), None]);
    let parts = [
        Part { layer: "a", x: &[1.0, 2.0], shape: &[2], row_start: 0 },
        Part { layer: "b", x: &[1.0, 2.0], shape: &[2], row_start: 0 },
    ];
    let input = with_weights(&parts, Arc::new(builder.finish()));
    let error = refused(&input).to_string();
    assert_eq!(error, "layer \"b\", row 1: element 1 of weights is null");
    // Out of sight, it does not count.
    quantized(&input.slice(0, 1), &Options::default());

    builder.append_null();
    builder.append_value([Some(1.0), Some(2.0)]);
    let error = refused(&with_weights(&parts, Arc::new(builder.finish()))).to_string();
    assert_eq!(error, "layer \"a\", row 0: weights is null");
    let names = StringArray::from(vec![Some("a"), None]);
    let error = refused(&replaced(&batch(&parts), "layer_name", &(Arc::new(names) as ArrayRef)));
    assert!(matches!(error, Error::Null { row: 1, column: "layer_name", .. }));
}

#[test]
fn columns_of_other_types_and_shapes_that_do_not_fit() {
    let input = single(&[1.0; 6], &[2, 3]);
    let doubles: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    assert!(matches!(
        refused(&replaced(&input, "weights", &doubles)),
        Error::ColumnType { name: "weights", .. }
    ));
    assert!(matches!(refused(&replaced(&input, "shape", &doubles)), Error::ColumnType { .. }));
    let missing = input.project(&[0, 2]).unwrap();
    assert!(matches!(refused(&missing), Error::MissingColumn { name: "weights" }));
    for (shape, start) in [(vec![2i64, 4], 0), (vec![2, 3], 1), (vec![-2, -3], 0), (vec![], 0)] {
        let part = [Part { layer: "layer", x: &[1.0; 6], shape: &shape, row_start: start }];
        assert!(matches!(refused(&batch(&part)), Error::Shape { row: 0, .. }), "{shape:?}");
    }
    let bytes: ArrayRef = Arc::new(LargeBinaryArray::from_iter_values([[0u8; 24]]));
    assert!(matches!(refused(&replaced(&input, "weights", &bytes)), Error::Dtype { .. }));
}

#[test]
fn options_that_cannot_be() {
    for group_size in [1, 8, 24, 100, 257, 512] {
        let wrong = Options { group_size, ..Options::default() };
        assert!(matches!(Quantizer::new(&wrong), Err(Error::Option { name: "group_size", .. })));
    }
    let wrong = Options { fallback_sqnr_db: Some(f32::NAN), ..Options::default() };
    assert!(Quantizer::new(&wrong).is_err());
    assert!(Options::bits(3).is_err());
    assert_eq!(Options::bits(4).unwrap(), Options::default());
}

#[test]
fn an_error_of_the_source_is_passed_on() {
    let batches = [Ok(single(&[1.0], &[1])), Err(ArrowError::IpcError("cut off".to_owned()))];
    let mut stream = quantize(batches, &Options::default()).unwrap();
    assert!(stream.next().unwrap().is_ok());
    assert!(matches!(stream.next().unwrap(), Err(Error::Arrow(ArrowError::IpcError(_)))));
    assert!(stream.next().is_none());
}

#[test]
fn other_weights_are_not_evaluated() {
    let options = Options::default();
    let one = single(&[1.0; 6], &[2, 3]);
    let other = single(&[1.0; 6], &[3, 2]);
    let output = quantized(&one, &options);
    assert!(matches!(evaluate([&other], [&output]), Err(Error::Mismatch { .. })));
    assert!(matches!(evaluate([&one, &one], [&output]), Err(Error::Mismatch { .. })));
    assert!(evaluate([&one], [&output]).is_ok());
}

proptest! {
    #[test]
    fn damaged_codes_end_in_an_error_or_in_numbers(
        scheme in prop::sample::select(Scheme::GROUPED.to_vec()),
        bytes in prop::collection::vec(any::<u8>(), 0..40),
        rows in any::<i64>(),
        start in prop_oneof![Just(0i64), any::<i64>()],
        size in prop_oneof![Just(0i32), Just(16), any::<i32>()],
        which in 0usize..5,
    ) {
        let x = Random::new(6).weights(60);
        let output = quantized(&single(&x, &[3, 20]), &options(scheme, 16, Search::MinMax));
        let (name, column): (&str, ArrayRef) = match which {
            0 => ("quantized_data", Arc::new(LargeBinaryArray::from_iter_values([&bytes]))),
            1 => ("row_count", Arc::new(Int64Array::from(vec![rows]))),
            2 => ("row_start", Arc::new(Int64Array::from(vec![start]))),
            3 => ("group_size", Arc::new(Int32Array::from(vec![size]))),
            _ => ("scheme", Arc::new(StringArray::from(vec!["int3"]))),
        };
        match dequantize(&replaced(&output, name, &column)) {
            Ok(_) => prop_assert!(which > 0 || bytes.len() == codes(&output, 0).len()),
            Err(error) => prop_assert!(matches!(error, Error::Quantized { row: 0, .. }), "{error}"),
        }
    }
}
