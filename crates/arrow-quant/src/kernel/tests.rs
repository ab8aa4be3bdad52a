//! Kernels against plain arithmetic, and every level of the processor against the portable one.

use proptest::prelude::*;

use super::group::packed_length;
use super::*;
use crate::options::{ScaleDtype, Scheme, Search};

/// What a job writes.
#[derive(Debug, Clone, PartialEq)]
struct Outcome {
    codes: Vec<u8>,
    scales: Vec<u32>,
    zeros: Vec<u32>,
    sums: Result<[u64; 4], usize>,
    restored: Vec<u32>,
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

fn outcome(level: Level, plan: Plan, group: usize, x: &[f32]) -> Outcome {
    let groups = if plan.scheme.is_grouped() { x.len().div_ceil(group) } else { 0 };
    let mut codes = vec![0; packed_length(plan.scheme, x.len())];
    let mut scales = vec![0.0; groups];
    let mut zeros = vec![0.0; if plan.scheme.has_zero_points() { groups } else { 0 }];
    let job = Job { plan, group, x, codes: &mut codes, scales: &mut scales, zeros: &mut zeros };
    let sums = level.quantize(job);
    let mut restored = vec![0.0; x.len()];
    if sums.is_ok() {
        level.restore(Restore {
            scheme: plan.scheme,
            group,
            codes: &codes,
            scales: &scales,
            zeros: &zeros,
            x: &mut restored,
        });
    }
    let sums = sums.map(|sums| {
        let judged = level.judge(group, x, &restored);
        let extreme = x.iter().any(|x| *x != 0.0 && !(1e-12..=1e12).contains(&x.abs()));
        assert!(judged == sums || extreme, "{plan:?}: {judged:?} after {sums:?}");
        [sums.signal, sums.returned, sums.error, sums.worst].map(f64::to_bits)
    });
    Outcome { codes, scales: bits(&scales), zeros: bits(&zeros), sums, restored: bits(&restored) }
}

fn plans() -> impl Strategy<Value = Plan> {
    (
        prop::sample::select(Scheme::GROUPED.to_vec()),
        prop::sample::select(vec![Search::MinMax, Search::Mse]),
        prop::sample::select(vec![ScaleDtype::F16, ScaleDtype::F32]),
    )
        .prop_map(|(scheme, search, scale_dtype)| Plan { scheme, search, scale_dtype })
}

/// Numbers of every size and sign, with zeros and repetitions among them.
fn numbers() -> impl Strategy<Value = Vec<f32>> {
    let finite = prop_oneof![
        4 => -1.0f32..1.0,
        2 => -0.05f32..0.05,
        1 => Just(0.0f32),
        1 => Just(-0.0f32),
        1 => prop::num::f32::NORMAL,
        1 => prop::num::f32::SUBNORMAL,
    ];
    let small = prop_oneof![Just(0.0f32), -2.0f32..2.0];
    prop_oneof![
        prop::collection::vec(finite, 1..600),
        prop::collection::vec(small.clone(), 1..2500),
        (small, 1usize..300).prop_map(|(value, count)| vec![value; count]),
        (prop::num::f32::NORMAL, 1usize..300).prop_map(|(value, count)| vec![value; count]),
        prop::collection::vec(0.9f32..1.1, 1..300),
    ]
}

/// Miri takes a thousand times as long, and sees no files.
fn config() -> ProptestConfig {
    if cfg!(miri) {
        return ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4) };
    }
    ProptestConfig::with_cases(600)
}

fn groups() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![16, 32, 48, 64, 128, 256, 4096])
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_level_gives_the_same_bits(
        plan in plans(),
        group in groups(),
        mut x in numbers(),
        bad in prop::option::weighted(0.1, (any::<prop::sample::Index>(), 0usize..3)),
    ) {
        if let Some((index, kind)) = bad {
            let index = index.index(x.len());
            x[index] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][kind];
        }
        let portable = outcome(Level::PORTABLE, plan, group, &x);
        prop_assert_eq!(portable.sums.err(), x.iter().position(|x| !x.is_finite()));
        for level in Level::available() {
            prop_assert_eq!(&outcome(level, plan, group, &x), &portable, "{:?}", level);
        }
    }

    #[test]
    fn blocks_of_gguf_have_the_same_bits_at_every_level(
        scheme in prop::sample::select(vec![Scheme::GgufQ8_0, Scheme::GgufQ4_0]),
        mut x in numbers(),
    ) {
        x.resize(x.len().next_multiple_of(32), 0.0);
        let plan = Plan { scheme, search: Search::MinMax, scale_dtype: ScaleDtype::F16 };
        let portable = outcome(Level::PORTABLE, plan, 32, &x);
        match portable.sums {
            Ok(_) => {
                let restored = portable.restored.iter().map(|bits| f32::from_bits(*bits));
                let steps = if scheme == Scheme::GgufQ8_0 { 127.0 } else { 8.0 };
                for (block, restored) in x.chunks(32).zip(restored.collect::<Vec<_>>().chunks(32)) {
                    let largest = block.iter().fold(0f32, |most, x| most.max(x.abs()));
                    for (x, restored) in block.iter().zip(restored) {
                        // A level, and what the scale loses as a small `f16`.
                        let allowed = largest / steps * 1.01 + 127.0 * 3e-8;
                        prop_assert!((x - restored).abs() <= allowed, "{x} {restored} {largest}");
                    }
                }
            }
            Err(index) => prop_assert!(x[index].abs() > 65000.0 * 8.0),
        }
        for level in Level::available() {
            prop_assert_eq!(&outcome(level, plan, 32, &x), &portable, "{:?}", level);
        }
    }

    #[test]
    fn every_number_gets_its_nearest_level(plan in plans(), group in groups(), x in numbers()) {
        let found = outcome(Level::widest(), plan, group, &x);
        let restored: Vec<f32> = found.restored.iter().map(|bits| f32::from_bits(*bits)).collect();
        prop_assert!(restored.iter().all(|x| x.is_finite()));
        for (number, (x, restored)) in x.iter().zip(&restored).enumerate() {
            let scale = f64::from(f32::from_bits(found.scales[number / group]));
            prop_assert!(scale.is_finite());
            let zero = found.zeros.get(number / group).map_or(0.0, |bits| f32::from_bits(*bits));
            prop_assert!(zero.is_finite());
            let zero = f64::from(zero);
            let levels: Vec<f64> = match plan.scheme {
                Scheme::Int8Sym => (-127..=127).map(|q| f64::from(q) * scale).collect(),
                Scheme::Int4Sym => (-8..=7).map(|q| f64::from(q) * scale).collect(),
                Scheme::Int4Asym => (0..=15).map(|q| (f64::from(q) - zero) * scale).collect(),
                Scheme::Int2Asym => (0..=3).map(|q| (f64::from(q) - zero) * scale).collect(),
                _ => NF4.iter().map(|&q| f64::from(q) * scale).collect(),
            };
            let nearest = levels.iter().map(|level| (level - f64::from(*x)).abs())
                .fold(f64::INFINITY, f64::min);
            let error = (f64::from(*restored) - f64::from(*x)).abs();
            // Half a level is decided in f32, and large zero points take bits from it.
            let slack = scale.abs() * (1e-5 + 1e-6 * zero.abs()) + f64::from(x.abs()) * 1e-6;
            prop_assert!(error <= nearest + slack, "{x} came back as {restored}: {error} > {nearest}");
        }
    }

    #[test]
    fn a_search_never_loses_more_than_the_formula(
        plan in plans(),
        group in groups(),
        x in numbers(),
    ) {
        let error = |search| {
            let found = outcome(Level::widest(), Plan { search, ..plan }, group, &x);
            found.sums.map(|sums| f64::from_bits(sums[2])).unwrap()
        };
        prop_assert!(error(Search::Mse) <= error(Search::MinMax));
    }
}

#[test]
fn formulas_by_hand() {
    let plan = |scheme| Plan { scheme, search: Search::MinMax, scale_dtype: ScaleDtype::F32 };
    let x = [1.0, -2.0, 0.5, 0.0, 1.5];
    let found = outcome(Level::PORTABLE, plan(Scheme::Int8Sym), 16, &x);
    assert_eq!(f32::from_bits(found.scales[0]), 2.0 / 127.0);
    // 63.5 and 31.75 and 95.25, ties to even.
    assert_eq!(found.codes, [64, -127i8 as u8, 32, 0, 95]);
    let found = outcome(Level::PORTABLE, plan(Scheme::Int4Sym), 16, &x);
    assert_eq!(f32::from_bits(found.scales[0]), 0.25);
    assert_eq!(found.codes, [0x0c, 0x8a, 0x0e]);
    let found = outcome(Level::PORTABLE, plan(Scheme::Int4Sym), 16, &x.map(|x| -x));
    assert_eq!(f32::from_bits(found.scales[0]), -0.25);
    assert_eq!(found.codes, [0x0c, 0x8a, 0x0e]);
    let found = outcome(Level::PORTABLE, plan(Scheme::Int2Asym), 16, &[-1.0, 2.0, 0.4, 1.0, -0.6]);
    assert_eq!((f32::from_bits(found.scales[0]), f32::from_bits(found.zeros[0])), (1.0, 1.0));
    assert_eq!(found.codes, [0b10_01_11_00, 0]);
    let found = outcome(Level::PORTABLE, plan(Scheme::Nf4), 16, &[-4.0, 4.0, 0.0, 0.3]);
    assert_eq!(f32::from_bits(found.scales[0]), 4.0);
    assert_eq!(found.codes, [0xf0, 0x87]);
}

#[test]
fn extremes_come_back_finite_and_near() {
    let least = f32::from_bits(1);
    for scheme in Scheme::GROUPED {
        for search in [Search::MinMax, Search::Mse] {
            for scale_dtype in [ScaleDtype::F16, ScaleDtype::F32] {
                let plan = Plan { scheme, search, scale_dtype };
                for x in [
                    vec![f32::MAX],
                    vec![f32::MAX, f32::MIN, 1.0],
                    vec![f32::MIN; 40],
                    vec![least, 0.0, -least],
                    vec![f32::MIN_POSITIVE, -1e-40],
                    vec![1e-30; 17],
                    vec![3.0; 130],
                    vec![-7e4],
                ] {
                    let found = outcome(Level::widest(), plan, 128, &x);
                    let largest = x.iter().fold(0f32, |most, x| most.max(x.abs()));
                    for (x, bits) in x.iter().zip(&found.restored) {
                        let restored = f32::from_bits(*bits);
                        let error = (f64::from(*x) - f64::from(restored)).abs();
                        let step = if scheme.bit_width() == Some(2) { 0.51 } else { 0.13 };
                        let allowed = f64::from(largest) * step + f64::from(least);
                        assert!(error <= allowed, "{plan:?}: {x} came back as {restored}");
                    }
                    assert!(found.scales.iter().all(|bits| f32::from_bits(*bits).is_finite()));
                }
            }
        }
    }
}

#[test]
fn zeros_stay_zeros() {
    for scheme in Scheme::GROUPED {
        let plan = Plan { scheme, search: Search::Mse, scale_dtype: ScaleDtype::F16 };
        for count in [1, 16, 17, 131] {
            let found = outcome(Level::widest(), plan, 64, &vec![0.0; count]);
            assert!(found.restored.iter().all(|bits| *bits == 0));
            assert_eq!(found.sums, Ok([0; 4]));
            let code = [0, 8, 0, 0, 7][Scheme::GROUPED.iter().position(|s| *s == scheme).unwrap()];
            let bits = usize::from(scheme.bit_width().unwrap());
            for index in 0..count {
                let packed = found.codes[index * bits / 8] >> (index * bits % 8);
                assert_eq!(packed & (0xff >> (8 - bits)), code, "{scheme:?} {index} of {count}");
            }
            let padding =
                found.codes[count * bits / 8..].iter().map(|byte| byte >> (count * bits % 8));
            assert!(padding.sum::<u8>() == 0, "{scheme:?} {count}");
        }
    }
}
