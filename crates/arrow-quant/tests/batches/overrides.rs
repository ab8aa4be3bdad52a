//! Layers with settings of their own: other schemes, blocks of GGUF, and layers that are kept.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Int32Type, UInt8Type};
use arrow_array::{ArrayRef, LargeBinaryArray, RecordBatch, StringArray};
use arrow_quant::{
    Error, Options, Override, Quantizer, Scheme, Search, allocate, dequantize, evaluate,
};

use crate::readings::{float, text};
use crate::support::{Part, Random, batch, codes, floats, options, quantized, single};

fn with(overrides: Vec<Override>) -> Options {
    Options { overrides, ..options(Scheme::Int4Sym, 64, Search::MinMax) }
}

fn of(pattern: &str) -> Override {
    Override { pattern: pattern.to_owned(), ..Override::default() }
}

#[test]
fn each_layer_is_as_if_it_had_been_alone() {
    let x = Random::new(5).weights(4 * 96);
    let shape = [4, 96];
    let part = |layer| Part { layer, x: &x, shape: &shape, row_start: 0 };
    let input = batch(&[part("attention.q"), part("mlp.up"), part("head"), part("norm")]);
    let overrides = vec![
        Override { scheme: Some(Scheme::Int8Sym), group_size: Some(0), ..of("attention.*") },
        Override { scheme: Some(Scheme::GgufQ4_0), ..of("head") },
        Override { scheme: Some(Scheme::None), ..of("n?rm") },
    ];
    let options = with(overrides);
    let found = quantized(&input, &options);
    let schemes: Vec<&str> = (0..4).map(|row| text(&found, "scheme", row)).collect();
    assert_eq!(schemes, ["int8_sym", "int4_sym", "gguf_q4_0", "none"]);
    let widths = found["bit_width"].as_primitive::<UInt8Type>().values().to_vec();
    assert_eq!(widths, [8, 4, 4, 32]);
    let sizes = found["group_size"].as_primitive::<Int32Type>().values().to_vec();
    assert_eq!(sizes, [0, 64, 32, 0]);
    for (row, layer) in ["attention.q", "mlp.up", "head", "norm"].into_iter().enumerate() {
        let alone = quantized(&batch(&[part(layer)]), &options);
        assert_eq!(codes(&alone, 0), codes(&found, row), "{layer}");
        assert_eq!(floats(&alone, "scales", 0), floats(&found, "scales", row));
    }
    let back = dequantize(&found).unwrap();
    assert_eq!(floats(&back, "weights", 3), x);
    assert_eq!(float(&found, "sqnr_db", 3), f32::INFINITY);
    let mut quantizer = Quantizer::new(&options).unwrap();
    quantizer.quantize(&input).unwrap();
    assert_eq!(evaluate([&input], [&found]).unwrap().layers, quantizer.layers());
    assert_eq!(quantizer.layers()[2].bits_per_weight(), Some(4.5));
    assert_eq!(quantizer.layers()[3].bits_per_weight(), Some(32.0));
}

#[test]
fn an_override_can_turn_the_fallback_on_and_off() {
    let x = Random::new(6).weights(256);
    let part = |layer| Part { layer, x: &x, shape: &[1, 256], row_start: 0 };
    let input = batch(&[part("a"), part("b")]);
    let options = Options {
        fallback_sqnr_db: Some(30.0),
        ..with(vec![Override { fallback_sqnr_db: Some(None), ..of("b") }])
    };
    let found = quantized(&input, &options);
    assert_eq!([text(&found, "scheme", 0), text(&found, "scheme", 1)], ["int8_sym", "int4_sym"]);
    let blocks = with(vec![Override {
        scheme: Some(Scheme::GgufQ4_0),
        fallback_sqnr_db: Some(Some(30.0)),
        ..of("*")
    }]);
    assert_eq!(text(&quantized(&input, &blocks), "scheme", 1), "gguf_q8_0");
}

fn binary(dtype: &str, bytes: &[u8], shape: &[i64]) -> RecordBatch {
    let part = Part { layer: "ids", x: &[], shape, row_start: 0 };
    let weights: ArrayRef = Arc::new(LargeBinaryArray::from_iter_values([bytes]));
    let input = crate::support::with_weights(&[part], weights);
    let mut columns: Vec<(&str, ArrayRef)> = input
        .schema_ref()
        .fields()
        .iter()
        .zip(input.columns())
        .map(|(field, column)| (field.name().as_str(), Arc::clone(column)))
        .collect();
    let dtypes: ArrayRef = Arc::new(StringArray::from(vec![dtype]));
    columns.push(("dtype", dtypes));
    RecordBatch::try_from_iter(columns).unwrap()
}

#[test]
fn what_is_no_weight_is_kept_byte_for_byte() {
    let bytes: Vec<u8> = (0..48).collect();
    for (dtype, bits, shape) in
        [("i64", 64, [3, 2]), ("bool", 8, [6, 8]), ("f8_e4m3", 8, [48, 1]), ("f64", 64, [1, 6])]
    {
        let input = binary(dtype, &bytes, &shape);
        let found = quantized(&input, &Options::default());
        assert_eq!(text(&found, "scheme", 0), "none");
        assert_eq!(text(&found, "dtype", 0), dtype);
        assert_eq!(found["bit_width"].as_primitive::<UInt8Type>().value(0), bits);
        assert_eq!(codes(&found, 0), bytes);
        assert_eq!(evaluate([&input], [&found]).unwrap().layers[0].bits, 48 * 8);
        let error = dequantize(&found).unwrap_err();
        assert!(matches!(&error, Error::Quantized { layer, .. } if layer == "ids"), "{error}");
        assert!(error.to_string().contains("quantized_data"), "{error}");
        let other = quantized(&binary(dtype, &[7; 48], &shape), &Options::default());
        assert!(matches!(evaluate([&input], [&other]), Err(Error::Mismatch { .. })));
    }
}

#[test]
fn kept_weights_need_not_be_finite() {
    let x = [1.0, f32::NAN, f32::INFINITY, -0.0];
    let input = single(&x, &[4]);
    let options = with(vec![Override { scheme: Some(Scheme::None), ..of("layer") }]);
    let found = quantized(&input, &options);
    let back = floats(&dequantize(&found).unwrap(), "weights", 0);
    let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&back), bits(&x));
    assert!(evaluate([&input], [&found]).is_ok());
}

#[test]
fn blocks_of_gguf_say_what_they_cannot_hold() {
    let scheme = |scheme| with(vec![Override { scheme: Some(scheme), ..of("*") }]);
    let refused = |x: &[f32], shape: &[i64], wanted| {
        let mut quantizer = Quantizer::new(&scheme(wanted)).unwrap();
        quantizer.quantize(&single(x, shape)).unwrap_err()
    };
    let x = Random::new(7).weights(96);
    let error = refused(&x, &[2, 48], Scheme::GgufQ8_0);
    assert!(matches!(error, Error::Shape { .. }) && error.to_string().contains("32"), "{error}");
    let mut large = x.clone();
    large[70] = 1e9;
    for wanted in [Scheme::GgufQ8_0, Scheme::GgufQ4_0] {
        let error = refused(&large, &[3, 32], wanted);
        assert!(matches!(error, Error::TooLarge { index: 70, .. }), "{error}");
        let found = quantized(&single(&[0.0; 64], &[2, 32]), &scheme(wanted));
        assert_eq!(floats(&dequantize(&found).unwrap(), "weights", 0), [0.0; 64]);
        assert_eq!(
            found["scales"].as_list::<i64>().values().as_primitive::<Float32Type>().len(),
            0
        );
    }
    let mut broken = x;
    broken[40] = f32::NAN;
    let error = refused(&broken, &[3, 32], Scheme::GgufQ4_0);
    assert!(matches!(error, Error::NonFinite { index: 40, .. }), "{error}");
}

#[test]
fn a_target_is_met_and_the_layers_that_need_bits_get_them() {
    let mut random = Random::new(8);
    let small: Vec<f32> = random.weights(64 * 256).iter().map(|x| x * 0.01).collect();
    let large = random.weights(64 * 256);
    let bias = random.weights(64);
    let shape = [64, 256];
    let input = batch(&[
        Part { layer: "small*", x: &small, shape: &shape, row_start: 0 },
        Part { layer: "large", x: &large, shape: &shape, row_start: 0 },
        Part { layer: "bias", x: &bias, shape: &[64], row_start: 0 },
    ]);
    let options = with(vec![Override { scheme: Some(Scheme::None), ..of("bias") }]);
    for target in [2.7, 4.5, 5.5, 8.0, 20.0] {
        let overrides = allocate([Ok(input.clone())], &options, target).unwrap();
        let mut quantizer = Quantizer::new(&Options { overrides, ..options.clone() }).unwrap();
        let found = quantizer.quantize(&input).unwrap();
        let (bits, elements) = quantizer
            .layers()
            .iter()
            .fold((0, 0), |(bits, elements), it| (bits + it.bits, elements + it.elements));
        assert!(bits as f64 <= target * elements as f64, "{target}: {bits} for {elements}");
        let widths = found["bit_width"].as_primitive::<UInt8Type>().values().to_vec();
        assert!(widths[1] >= widths[0], "{target}: {widths:?}");
        assert_eq!(text(&found, "scheme", 2), "none");
        if target > 10.0 {
            assert_eq!(widths, [8, 8, 32]);
        }
    }
    let error = allocate([Ok(input)], &options, 2.0).unwrap_err();
    assert!(matches!(error, Error::Option { name: "target_bits_per_weight", .. }), "{error}");
    assert!(error.to_string().contains("at least 2."), "{error}");
}

#[test]
fn short_rows_get_what_really_takes_least() {
    let x = Random::new(9).weights(16 * 27);
    let part = Part { layer: "convolution", x: &x, shape: &[16, 3, 3, 3], row_start: 0 };
    let input = batch(&[part]);
    let options = with(Vec::new());
    // Three weights of a row: 8 bits and a scale and a zero point, or 16 bits and a scale.
    let overrides = allocate([Ok(input.clone())], &options, 32.0 / 3.0).unwrap();
    let found = quantized(&input, &Options { overrides, ..options.clone() });
    assert_eq!(text(&found, "scheme", 0), "int4_sym");
    let error = allocate([Ok(input)], &options, 10.0).unwrap_err();
    assert!(error.to_string().contains("at least 10.667"), "{error}");
}
