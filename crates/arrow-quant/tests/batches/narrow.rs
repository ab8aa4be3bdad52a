//! Weights restored as `f16` and `bf16`.

use arrow_array::cast::AsArray as _;
use arrow_array::types::Float16Type;
use arrow_array::{Array as _, RecordBatch};
use arrow_quant::{Error, Scheme, Search, WeightDtype, dequantize, dequantize_as};
use half::{bf16, f16};

use crate::readings::text;
use crate::support::{Part, Random, batch, floats, options, quantized};

/// What a restored row holds, as bits of sixteen.
fn halves(batch: &RecordBatch, row: usize) -> Vec<u16> {
    if let Some(bytes) = batch["weights"].as_binary_opt::<i64>() {
        let (pairs, rest) = bytes.value(row).as_chunks::<2>();
        assert!(rest.is_empty());
        return pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    }
    let list = batch["weights"].as_list::<i64>().value(row);
    list.as_primitive::<Float16Type>().values().iter().map(|x| x.to_bits()).collect()
}

#[test]
fn numbers_are_rounded_to_the_nearest() {
    let mut random = Random::new(11);
    let (tall, long) = (random.weights(1201 * 1000), random.weights(1 << 21 | 5));
    let small: Vec<f32> = random.weights(70).iter().map(|x| x * 1e-6).collect();
    let parts = [
        // More than is restored at once, and a row that is longer than that.
        Part { layer: "tall", x: &tall, shape: &[1201, 1000], row_start: 0 },
        Part { layer: "empty", x: &[], shape: &[1 << 40, 0], row_start: 0 },
        Part { layer: "long", x: &long, shape: &[1 << 21 | 5], row_start: 0 },
        Part { layer: "subnormal", x: &small, shape: &[9, 7, 2], row_start: 4 },
    ];
    for scheme in [Scheme::Int8Sym, Scheme::Int4Asym, Scheme::Nf4] {
        let output = quantized(&batch(&parts), &options(scheme, 64, Search::MinMax));
        let wide = dequantize(&output).unwrap();
        assert_eq!(dequantize_as(&output, WeightDtype::F32).unwrap(), wide);
        for dtype in [WeightDtype::F16, WeightDtype::Bf16] {
            let found = dequantize_as(&output, dtype).unwrap();
            for row in 0..parts.len() {
                assert_eq!(text(&found, "dtype", row), dtype.name());
                let expected: Vec<u16> = floats(&wide, "weights", row)
                    .iter()
                    .map(|&x| match dtype {
                        WeightDtype::F16 => f16::from_f32(x).to_bits(),
                        _ => bf16::from_f32(x).to_bits(),
                    })
                    .collect();
                assert!(halves(&found, row) == expected, "{scheme:?} {dtype:?} {row}");
            }
            for column in ["layer_name", "shape", "row_start"] {
                assert_eq!(&found[column], &wide[column]);
            }
            // What came out goes in.
            let again = quantized(&found, &options(Scheme::Int8Sym, 64, Search::MinMax));
            assert_eq!(text(&again, "dtype", 0), dtype.name());
            assert_eq!(&again["shape"], &output["shape"]);
        }
    }
    let none = quantized(&batch(&[]), &options(Scheme::Nf4, 64, Search::MinMax));
    assert!(dequantize_as(&none, WeightDtype::Bf16).unwrap()["weights"].is_empty());
}

#[test]
fn numbers_that_are_too_large_are_named() {
    let mut x = vec![1.0; 200_000];
    x[150_007] = 1e30;
    let parts = [
        Part { layer: "good", x: &x[..64], shape: &[64], row_start: 0 },
        Part { layer: "bad", x: &x, shape: &[100, 2000], row_start: 0 },
    ];
    let output = quantized(&batch(&parts), &options(Scheme::Int8Sym, 16, Search::MinMax));
    let error = dequantize_as(&output, WeightDtype::F16).unwrap_err();
    assert!(matches!(&error, Error::Dtype { row: 1, .. }), "{error}");
    let message = error.to_string();
    assert!(message.starts_with("layer \"bad\", row 1: bad dtype: weight 150007 is "), "{message}");
    assert!(message.ends_with("too large for f16; ask for f32"), "{message}");
    assert!(dequantize_as(&output, WeightDtype::Bf16).is_ok());
    let largest = [f32::MAX; 32];
    let part = [Part { layer: "largest", x: &largest, shape: &[32], row_start: 0 }];
    let output = quantized(&batch(&part), &options(Scheme::Int4Sym, 16, Search::MinMax));
    assert_eq!(floats(&dequantize(&output).unwrap(), "weights", 0), largest);
    let message = dequantize_as(&output, WeightDtype::Bf16).unwrap_err().to_string();
    assert!(message.ends_with("too large for bf16; ask for f32"), "{message}");
}
