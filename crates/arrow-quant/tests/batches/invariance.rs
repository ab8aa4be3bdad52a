//! The same bits for any number of threads and any division into parts and batches.

use std::num::NonZeroUsize;

use arrow_array::RecordBatch;
use arrow_quant::{Options, Quantizer, ScaleDtype, Scheme, Search, evaluate, quantize};
use proptest::prelude::*;

use crate::readings::float;
use crate::support::{Part, Random, batch, codes, floats, options, quantized, single};

/// Columns that the scheme can hold: whole blocks of GGUF.
fn held(scheme: Scheme, columns: usize) -> usize {
    match scheme {
        Scheme::GgufQ8_0 | Scheme::GgufQ4_0 => columns.next_multiple_of(32),
        _ => columns,
    }
}

fn any_number_of_threads(input: &RecordBatch, alone: &Options) {
    let expected = quantized(input, alone);
    for threads in [None, NonZeroUsize::new(2), NonZeroUsize::new(5)] {
        let found = quantized(input, &Options { threads, ..alone.clone() });
        assert_eq!(found, expected, "{:?}", alone.scheme);
    }
}

#[test]
fn threads_change_nothing() {
    for (shape, count) in [([300, 1000], 300_000), ([2, 150_000], 300_000), ([50_000, 3], 150_000)]
    {
        let x = Random::new(11).weights(count);
        let input = single(&x, &shape);
        for group_size in [0, 128] {
            for scheme in [Scheme::Int8Sym, Scheme::Int4Sym, Scheme::Int2Asym] {
                any_number_of_threads(&input, &options(scheme, group_size, Search::MinMax));
            }
        }
        any_number_of_threads(&input, &options(Scheme::None, 0, Search::MinMax));
    }
    for shape in [[300, 1024], [2, 150_016], [9_376, 32]] {
        let x = Random::new(12).weights((shape[0] * shape[1]) as usize);
        let input = single(&x, &shape);
        for scheme in [Scheme::GgufQ8_0, Scheme::GgufQ4_0] {
            any_number_of_threads(&input, &options(scheme, 128, Search::MinMax));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn parts_change_nothing(
        rows in 1usize..40,
        columns in 1usize..300,
        middle in 1usize..3,
        group_size in prop::sample::select(vec![0usize, 16, 64, 128]),
        scheme in prop::sample::select(Scheme::ALL.to_vec()),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        seed in any::<u64>(),
    ) {
        let columns = held(scheme, columns);
        let each = middle * columns;
        let x = Random::new(seed).weights(rows * each);
        let shape = [rows as i64, middle as i64, columns as i64];
        let options = options(scheme, group_size, Search::Mse);
        let mut whole = Quantizer::new(&options).unwrap();
        let expected = whole.quantize(&single(&x, &shape)).unwrap();

        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(rows)).collect();
        cuts.extend([0, rows]);
        cuts.sort_unstable();
        let batches: Vec<_> = cuts
            .windows(2)
            .map(|ends| {
                let x = &x[ends[0] * each..ends[1] * each];
                batch(&[Part { layer: "layer", x, shape: &shape, row_start: ends[0] as i64 }])
            })
            .collect();
        let mut stream = quantize(batches.iter().cloned().map(Ok), &options).unwrap();
        let parts: Vec<_> = stream.by_ref().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(parts.len(), batches.len());
        let together: Vec<u8> = parts.iter().flat_map(|part| codes(part, 0)).collect();
        prop_assert_eq!(together, codes(&expected, 0));
        for column in ["scales", "zero_points"] {
            let together: Vec<f32> =
                parts.iter().flat_map(|part| floats(part, column, 0)).collect();
            prop_assert_eq!(together, floats(&expected, column, 0));
        }
        prop_assert_eq!(&stream.layers()[0].sums, &whole.layers()[0].sums);
        prop_assert_eq!(stream.layers()[0].elements, (rows * each) as u64);
    }

    #[test]
    fn evaluating_finds_what_quantizing_measured(
        rows in 1usize..10,
        columns in 1usize..2000,
        group_size in prop::sample::select(vec![0usize, 32, 128]),
        scheme in prop::sample::select(Scheme::ALL.to_vec()),
        scale_dtype in prop::sample::select(vec![ScaleDtype::F16, ScaleDtype::F32]),
        seed in any::<u64>(),
    ) {
        let columns = held(scheme, columns);
        let x = Random::new(seed).weights(rows * columns);
        let input = single(&x, &[rows as i64, columns as i64]);
        let options = Options { scale_dtype, ..options(scheme, group_size, Search::MinMax) };
        let mut quantizer = Quantizer::new(&options).unwrap();
        let output = quantizer.quantize(&input).unwrap();
        let found = evaluate([&input], [&output]).unwrap();
        prop_assert_eq!(&found.layers, &quantizer.layers());
        let sums = found.rows[0].sums;
        prop_assert_eq!(sums.sqnr_db().to_bits(), float(&output, "sqnr_db", 0).to_bits());
        prop_assert_eq!(sums.cosine().to_bits(), float(&output, "cosine", 0).to_bits());
        prop_assert_eq!(sums.max_abs_err().to_bits(), float(&output, "max_abs_err", 0).to_bits());
        // And what plain arithmetic finds, to its precision.
        let back = arrow_quant::dequantize(&output).unwrap();
        let restored = floats(&back, "weights", 0);
        let pairs = || x.iter().zip(&restored).map(|(x, y)| (f64::from(*x), f64::from(*y)));
        let signal: f64 = pairs().map(|(x, _)| x * x).sum();
        let error: f64 = pairs().map(|(x, y)| (x - y) * (x - y)).sum();
        let dot: f64 = pairs().map(|(x, y)| x * y).sum();
        let returned: f64 = pairs().map(|(_, y)| y * y).sum();
        let worst = pairs().map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
        if error > 0.0 {
            let db = 10.0 * (signal / error).log10();
            prop_assert!((f64::from(sums.sqnr_db()) - db).abs() < 1e-3, "{} {db}", sums.sqnr_db());
            let cosine = dot / (signal * returned).sqrt();
            prop_assert!((f64::from(sums.cosine()) - cosine).abs() < 1e-5);
        }
        prop_assert!((f64::from(sums.max_abs_err()) - worst).abs() <= worst * 1e-6);
    }
}
