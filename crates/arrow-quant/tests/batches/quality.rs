//! What each scheme must keep of weights as they are in models, in dB.

use arrow_quant::{Options, Quantizer, Scheme, Search};

use crate::readings::{float, text};
use crate::support::{Part, Random, batch, codes, options, quantized, single};

const ROWS: usize = 64;
const COLUMNS: usize = 4096;

fn gaussian() -> Vec<f32> {
    Random::new(1).weights(ROWS * COLUMNS)
}

fn student() -> Vec<f32> {
    let mut random = Random::new(2);
    (0..ROWS * COLUMNS).map(|_| (0.02 * random.student()) as f32).collect()
}

/// Of every 256 input channels, one is ten times as large.
fn outliers() -> Vec<f32> {
    let mut x = gaussian();
    for row in x.chunks_mut(COLUMNS) {
        row.iter_mut().step_by(256).for_each(|x| *x *= 10.0);
    }
    x
}

fn measured(x: &[f32], options: &Options) -> (f32, f64) {
    let mut quantizer = Quantizer::new(options).unwrap();
    quantizer.quantize(&single(x, &[ROWS as i64, COLUMNS as i64])).unwrap();
    let layer = &quantizer.layers()[0];
    (layer.sums.sqnr_db(), layer.bits_per_weight().unwrap())
}

#[test]
fn every_scheme_keeps_what_it_should() {
    use Scheme::{Int2Asym, Int4Asym, Int4Sym, Int8Sym, Nf4};
    use Search::{MinMax, Mse};
    // Least dB on Gaussian, Student's t and outlier weights, and bits per weight.
    let gates = [
        (Int8Sym, 0, MinMax, [40.0, 30.0, 27.0], 8.0 + 16.0 / 4096.0),
        (Int8Sym, 128, MinMax, [43.0, 38.0, 36.0], 8.125),
        (Int4Sym, 128, MinMax, [19.5, 15.0, 12.8], 4.125),
        (Int4Sym, 128, Mse, [20.2, 15.9, 13.4], 4.125),
        (Int4Sym, 32, Mse, [21.6, 18.8, 17.8], 4.5),
        (Int4Asym, 128, MinMax, [19.8, 16.3, 15.5], 4.25),
        (Int4Asym, 128, Mse, [20.4, 17.0, 16.2], 4.25),
        (Nf4, 64, MinMax, [20.6, 18.8, 17.5], 4.25),
        (Int2Asym, 64, Mse, [9.4, 7.4, 7.6], 2.5),
    ];
    let kinds = [gaussian(), student(), outliers()];
    let mut offences = Vec::new();
    for (scheme, group_size, search, least, bits) in gates {
        for (x, least) in kinds.iter().zip(least) {
            let (db, found) = measured(x, &options(scheme, group_size, search));
            assert_eq!(found, bits, "{scheme:?} {group_size}");
            if db < least {
                offences.push(format!("{scheme:?} {group_size} {search:?}: {db} < {least} dB"));
            }
        }
    }
    assert!(offences.is_empty(), "{offences:#?}");
}

#[test]
fn what_loses_too_much_gets_more_bits() {
    let x = gaussian();
    let shape = [ROWS as i64, COLUMNS as i64];
    let zeros = vec![0.0; 64];
    let input = batch(&[
        Part { layer: "weights", x: &x, shape: &shape, row_start: 0 },
        Part { layer: "zeros", x: &zeros, shape: &[64], row_start: 0 },
    ]);
    let two = options(Scheme::Int2Asym, 64, Search::Mse);
    for (floor, scheme) in [
        (None, Scheme::Int2Asym),
        (Some(9.0), Scheme::Int2Asym),
        (Some(15.0), Scheme::Int4Asym),
        (Some(30.0), Scheme::Int8Sym),
        (Some(99.0), Scheme::Int8Sym),
    ] {
        let found = quantized(&input, &Options { fallback_sqnr_db: floor, ..two.clone() });
        assert_eq!(text(&found, "scheme", 0), scheme.name(), "{floor:?}");
        assert_eq!(text(&found, "scheme", 1), "int2_asym", "nothing of zeros is lost");
        let alone = quantized(&input.slice(0, 1), &Options { scheme, ..two.clone() });
        assert_eq!(codes(&found, 0), codes(&alone, 0));
        assert_eq!(float(&found, "sqnr_db", 0), float(&alone, "sqnr_db", 0));
        let metadata = found.schema();
        let recorded = &metadata.metadata()["arrow_quant.fallback_sqnr_db"];
        assert_eq!(*recorded, floor.map_or("none".to_owned(), |floor: f32| floor.to_string()));
    }
}

#[test]
fn scales_that_no_f16_holds_stay_f32() {
    let options = options(Scheme::Int8Sym, 16, Search::MinMax);
    for (size, dtype) in [(1.0f32, "f16"), (1e-4, "f32"), (1e9, "f32")] {
        let x: Vec<f32> = Random::new(5).weights(64).iter().map(|x| x * size).collect();
        let found = quantized(&single(&x, &[4, 16]), &options);
        assert_eq!(text(&found, "scale_dtype", 0), dtype, "{size}");
        assert!(float(&found, "sqnr_db", 0) > 43.0, "{size}");
    }
}
