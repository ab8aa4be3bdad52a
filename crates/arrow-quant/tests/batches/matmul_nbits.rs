//! Matrices for ONNX Runtime: what is padded, what is repeated, and what is refused. That the operator
//! computes with the same numbers is shown in tests/numpy.

use arrow_array::RecordBatch;
use arrow_quant::{Error, MatMulNBits, Scheme, Search, dequantize, matmul_nbits};
use proptest::prelude::*;

use crate::support::{Part, Random, batch, floats, options, quantized, single};

/// What the operator multiplies with, by its own definition, and what stands in the padding.
fn meaning(matrix: &MatMulNBits) -> (Vec<f32>, Vec<f32>) {
    let bits = usize::from(matrix.bits);
    let code = |packed: &[u8], index: usize| {
        let byte = packed[index * bits / 8] >> (index * bits % 8);
        f32::from(byte & (0xff >> (8 - bits)))
    };
    let blocks = matrix.k_blocks();
    assert_eq!(matrix.b.len(), matrix.n * blocks * matrix.block_size * bits / 8);
    assert_eq!(matrix.scales.len(), matrix.n * blocks);
    let zero_bytes = (blocks * bits).div_ceil(8);
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for row in 0..matrix.n {
        let length = matrix.b.len() / matrix.n;
        let codes = &matrix.b[row * length..][..length];
        for column in 0..blocks * matrix.block_size {
            let block = column / matrix.block_size;
            let zero = match &matrix.zero_points {
                Some(zeros) => code(&zeros[row * zero_bytes..], block),
                None => f32::from(1u8 << (bits - 1)),
            };
            let x = (code(codes, column) - zero) * matrix.scales[row * blocks + block];
            if column < matrix.k { inside.push(x) } else { outside.push(x) }
        }
    }
    (inside, outside)
}

fn refused(batch: &RecordBatch, row: usize) -> String {
    let error = matmul_nbits(batch, row).unwrap_err();
    assert!(matches!(error, Error::Unfit { .. }), "{error}");
    error.to_string()
}

proptest! {
    #[test]
    fn the_operator_multiplies_with_what_comes_back(
        scheme in prop::sample::select(vec![
            Scheme::Int8Sym, Scheme::Int4Sym, Scheme::Int4Asym, Scheme::Int2Asym,
        ]),
        rows in 1usize..6,
        columns in 1usize..700,
        group in (0usize..=16).prop_map(|sixteens| sixteens * 16),
    ) {
        let x = Random::new(columns as u64).weights(rows * columns);
        let output = quantized(
            &single(&x, &[rows as i64, columns as i64]),
            &options(scheme, group, Search::MinMax),
        );
        let matrix = matmul_nbits(&output, 0).unwrap();
        prop_assert_eq!((matrix.n, matrix.k), (rows, columns));
        prop_assert!(matrix.block_size.is_power_of_two());
        prop_assert!((16..=256).contains(&matrix.block_size));
        let (inside, outside) = meaning(&matrix);
        prop_assert_eq!(inside, floats(&dequantize(&output).unwrap(), "weights", 0));
        prop_assert!(outside.iter().all(|x| *x == 0.0));
    }
}

#[test]
fn what_the_operator_does_not_have_is_refused() {
    let x = Random::new(8).weights(256);
    let input = single(&x, &[2, 128]);
    let nf4 = quantized(&input, &options(Scheme::Nf4, 64, Search::MinMax));
    assert_eq!(
        refused(&nf4, 0),
        "layer \"layer\", row 0: nothing for MatMulNBits: it has no nf4; quantize with int4_sym, for \
         example"
    );
    let fitted = quantized(&input, &options(Scheme::Int4Asym, 64, Search::Mse));
    let message = refused(&fitted, 0);
    assert!(
        message.contains("no integer from 0 to 15; quantize with the search minmax"),
        "{message}"
    );
    let empty = single(&[], &[3, 0]);
    let empty = quantized(&empty, &options(Scheme::Int4Sym, 64, Search::MinMax));
    assert!(refused(&empty, 0).ends_with("a matrix of 3 rows and 0 columns has no numbers"));
    assert!(matches!(matmul_nbits(&nf4, 1), Err(Error::Option { name: "row", .. })));
}

#[test]
fn one_row_of_several_is_converted_and_named() {
    let (one, other) = (Random::new(1).weights(64), Random::new(2).weights(96));
    let parts = [
        Part { layer: "one", x: &one, shape: &[64], row_start: 0 },
        Part { layer: "other", x: &other, shape: &[9, 32], row_start: 4 },
        Part { layer: "none", x: &[], shape: &[0, 3], row_start: 0 },
    ];
    let output = quantized(&batch(&parts), &options(Scheme::Int4Sym, 32, Search::Mse));
    let matrix = matmul_nbits(&output, 1).unwrap();
    assert_eq!((matrix.n, matrix.k, matrix.bits, matrix.block_size), (3, 32, 4, 32));
    assert_eq!(meaning(&matrix).0, floats(&dequantize(&output).unwrap(), "weights", 1));
    assert_eq!(matrix.zero_points, None);
    assert!(refused(&output, 2).starts_with("layer \"none\", row 2: "));
}
