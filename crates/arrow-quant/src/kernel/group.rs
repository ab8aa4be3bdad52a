//! Groups: a scale is chosen for each, and its numbers are coded with it.

use std::marker::PhantomData;

use half::f16;

use super::codec::{Codec, Levels, NF4, NF4_ZERO, Nf4, Uniform};
use super::gguf;
use super::lanes::{BLOCK, Lanes, least, most};
use super::pack::unpack;
use super::sums::{Range, Sums, compare, encode, fit, range, squared_error};
use crate::options::{GGUF_BLOCK, ScaleDtype, Scheme, Search};

/// Magnitudes whose squares, and those of their errors, are far from the limits of `f32`. A group
/// beyond them is first multiplied by a power of two.
const ORDINARY: std::ops::RangeInclusive<f32> = 1e-12..=1e12;

/// From here to its maximum, an `f16` has at least nine significant bits.
const LEAST_F16: f32 = 1.0 / 65536.0;

/// From here on it has all eleven.
const LEAST_NORMAL_F16: f32 = 1.0 / 16384.0;

/// The largest `f16`.
const MOST_F16: f32 = 65504.0;

/// Multiples of the scale that the formula gives, tried in this order.
const INT8_GRID: [f32; 7] = [0.97, 0.94, 0.91, 0.88, 0.85, 0.82, 0.79];
const INT4_GRID: [f32; 14] =
    [1.07, 1.03, 0.96, 0.92, 0.88, 0.84, 0.80, 0.76, 0.72, 0.68, 0.64, 0.60, 0.56, 0.50];
const ASYMMETRIC_INT4_GRID: [f32; 12] =
    [1.0, 0.96, 0.92, 0.88, 0.84, 0.80, 0.76, 0.72, 0.68, 0.64, 0.58, 0.52];
const INT2_GRID: [f32; 13] =
    [1.0, 0.94, 0.88, 0.82, 0.77, 0.72, 0.67, 0.62, 0.58, 0.54, 0.50, 0.45, 0.38];
const NF4_GRID: [f32; 7] = [1.05, 0.96, 0.92, 0.88, 0.84, 0.80, 0.75];

/// Larger zero points are not tried: in `f16` they are no longer exact to a quarter of a level.
const LARGEST_ZERO: f32 = 512.0;

/// What is the same for every group of a tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Plan {
    pub(crate) scheme: Scheme,
    pub(crate) search: Search,
    pub(crate) scale_dtype: ScaleDtype,
}

/// Consecutive groups of one row, and where their codes go.
pub(crate) struct Job<'a> {
    pub(crate) plan: Plan,
    /// Numbers of each group; the last one may have fewer.
    pub(crate) group: usize,
    pub(crate) x: &'a [f32],
    pub(crate) codes: &'a mut [u8],
    pub(crate) scales: &'a mut [f32],
    /// Empty if the scheme has none.
    pub(crate) zeros: &'a mut [f32],
}

/// Consecutive groups of one row, and where their numbers go.
pub(crate) struct Restore<'a> {
    pub(crate) scheme: Scheme,
    pub(crate) group: usize,
    pub(crate) codes: &'a [u8],
    pub(crate) scales: &'a [f32],
    pub(crate) zeros: &'a [f32],
    pub(crate) x: &'a mut [f32],
}

/// Bytes of `count` packed codes, or of the blocks that hold as many. What is kept as it is has its own
/// length.
pub(crate) fn packed_length(scheme: Scheme, count: usize) -> usize {
    let blocks = count.div_ceil(GGUF_BLOCK);
    match scheme {
        Scheme::Int8Sym | Scheme::None => count,
        Scheme::Int4Sym | Scheme::Int4Asym | Scheme::Nf4 => count.div_ceil(2),
        Scheme::Int2Asym => count.div_ceil(4),
        Scheme::GgufQ8_0 => blocks.saturating_mul(gguf::Q8_0_BYTES),
        Scheme::GgufQ4_0 => blocks * gguf::Q4_0_BYTES,
    }
}

/// Of the grouped schemes; the others do not come here, and so have those of the last one.
fn levels(scheme: Scheme) -> Levels {
    let (lowest, highest, offset) = match scheme {
        Scheme::Int8Sym => (-127.0, 127.0, 0),
        Scheme::Int4Sym => (-8.0, 7.0, 8),
        Scheme::Int4Asym | Scheme::Nf4 => (0.0, 15.0, 0),
        _ => (0.0, 3.0, 0),
    };
    Levels { lowest, highest, offset }
}

/// How scales and zero points are stored, and by what the numbers of the group were multiplied.
#[derive(Clone, Copy)]
struct Storage {
    dtype: ScaleDtype,
    factor: f64,
}

impl Storage {
    /// The nearest value that can be stored.
    #[inline(always)]
    fn rounded(self, value: f32) -> f32 {
        if self.dtype == ScaleDtype::F32 {
            return value;
        }
        let bits = value.to_bits();
        // An `f16` has thirteen bits less, and ties go to even.
        let rounded = f32::from_bits(bits.wrapping_add(0xfff + (bits >> 13 & 1)) & !0x1fff);
        if value.abs() >= LEAST_NORMAL_F16 && rounded.abs() <= MOST_F16 {
            rounded
        } else if value.abs() >= LEAST_F16 && rounded.abs() <= MOST_F16 {
            f16::from_f32(value).to_f32()
        } else {
            value
        }
    }

    /// The scale as stored, of the numbers as they were before they were multiplied. No number that
    /// comes back overflows, if levels go up to `highest` in size.
    #[inline(always)]
    fn stored(self, scale: f32, highest: f32) -> f32 {
        if self.factor == 1.0 {
            return self.rounded(scale);
        }
        let scale = (f64::from(scale) / self.factor) as f32;
        let mut limit = f32::MAX / highest;
        while !(limit * highest).is_finite() {
            limit = limit.next_down();
        }
        let least = f32::from_bits(1);
        let size = most(least, self::least(self.rounded(scale.abs()), limit));
        if scale.is_sign_negative() { -size } else { size }
    }

    /// The scale to compute with: that of the multiplied numbers.
    #[inline(always)]
    fn scale(self, scale: f32, highest: f32) -> f32 {
        (f64::from(self.stored(scale, highest)) * self.factor) as f32
    }

    #[inline(always)]
    fn zero(self, zero: f32) -> f32 {
        if self.dtype == ScaleDtype::F16 { f16::from_f32(zero).to_f32() } else { zero }
    }
}

/// The best of the codecs tried so far.
struct Best<L, C> {
    codec: C,
    error: f64,
    lanes: PhantomData<L>,
}

impl<L: Lanes, C: Codec> Best<L, C> {
    #[inline(always)]
    fn new(x: &[f32], codec: C) -> Self {
        Best { codec, error: squared_error::<L, _>(x, codec), lanes: PhantomData }
    }

    /// The first of equals stays.
    #[inline(always)]
    fn try_another(&mut self, x: &[f32], codec: C) {
        let error = squared_error::<L, _>(x, codec);
        if error < self.error {
            (self.codec, self.error) = (codec, error);
        }
    }
}

/// A codec whose only parameter is its scale.
#[inline(always)]
fn scaled<L: Lanes, C: Codec>(
    x: &[f32],
    search: Search,
    first: f32,
    grid: &[f32],
    make: impl Fn(f32) -> C,
) -> C {
    let codec = make(first);
    if search == Search::MinMax {
        return codec;
    }
    let mut best = Best::<L, _>::new(x, codec);
    for multiple in grid {
        best.try_another(x, make(first * multiple));
    }
    let sums = fit::<L, _>(x, best.codec);
    let fitted = (sums.xl / sums.ll) as f32;
    if fitted.is_finite() && fitted != 0.0 {
        best.try_another(x, make(fitted));
    }
    best.codec
}

/// A codec with a zero point, and the level farthest from it.
#[inline(always)]
fn asymmetric<L: Lanes>(
    x: &[f32],
    range: Range,
    levels: Levels,
    grid: &[f32],
    plan: Plan,
    storage: Storage,
) -> (Uniform<false>, f32) {
    let highest = levels.highest;
    // Zero is always within the range, so that it comes back as zero.
    let (low, high) = (least(range.smallest, 0.0), most(range.largest, 0.0));
    let wanted = (high - low) / highest;
    let zero = most(least((-low / storage.scale(wanted, 1.0)).round_ties_even(), highest), 0.0);
    let reach = most(zero, highest - zero);
    let codec = Uniform::new(levels, storage.scale(wanted, reach), zero);
    // The numbers of an extreme group could overflow for ranges that are wider than its own.
    if plan.search == Search::MinMax || storage.factor != 1.0 {
        return (codec, reach);
    }
    let mut best = Best::<L, _>::new(x, codec);
    let candidate = |scale: f32, low: f32| {
        let scale = storage.scale(scale, highest);
        let zero = storage.zero(-low / scale);
        // Also false for a scale of zero.
        (zero.abs() <= LARGEST_ZERO && scale > 0.0).then(|| Uniform::new(levels, scale, zero))
    };
    let middle = 0.5 * (range.smallest + range.largest);
    let half = range.largest - middle;
    for multiple in grid {
        let reach = half * multiple;
        if let Some(codec) = candidate(2.0 * reach / highest, middle - reach) {
            best.try_another(x, codec);
        }
    }
    let count = x.len() as f64;
    for _ in 0..2 {
        // x ≈ a l + b, so the scale is a and the zero point -b / a.
        let sums = fit::<L, _>(x, best.codec);
        let spread = count * sums.ll - sums.l * sums.l;
        if spread <= 0.0 {
            break;
        }
        let a = (count * sums.xl - sums.l * sums.x) / spread;
        let b = (sums.x - a * sums.l) / count;
        if let Some(codec) = candidate(a as f32, b as f32) {
            best.try_another(x, codec);
        }
    }
    (best.codec, reach)
}

/// Where the results of a group go.
struct Slots<'a> {
    codes: &'a mut [u8],
    scale: &'a mut f32,
    zero: Option<&'a mut f32>,
}

/// Codes one group whose numbers are finite and not all zero.
#[inline(always)]
fn group<L: Lanes>(
    x: &[f32],
    range: Range,
    plan: Plan,
    storage: Storage,
    slots: Slots<'_>,
) -> Sums {
    let levels = levels(plan.scheme);
    let absolute = range.absolute();
    let (sums, scale, highest) = match plan.scheme {
        Scheme::Int8Sym => {
            let make = |scale| Uniform::<true>::new(levels, storage.scale(scale, 127.0), 0.0);
            let codec = scaled::<L, _>(x, plan.search, absolute / 127.0, &INT8_GRID, make);
            (encode::<L, _, 8>(x, codec, slots.codes), codec.scale(), 127.0)
        }
        Scheme::Int4Sym => {
            let farthest =
                if -range.smallest >= range.largest { range.smallest } else { range.largest };
            let make = |scale| Uniform::<true>::new(levels, storage.scale(scale, 8.0), 0.0);
            let codec = scaled::<L, _>(x, plan.search, farthest / -8.0, &INT4_GRID, make);
            (encode::<L, _, 4>(x, codec, slots.codes), codec.scale(), 8.0)
        }
        Scheme::Nf4 => {
            let make = |scale| Nf4::new(storage.scale(scale, 1.0));
            let codec = scaled::<L, _>(x, plan.search, absolute, &NF4_GRID, make);
            (encode::<L, _, 4>(x, codec, slots.codes), codec.scale(), 1.0)
        }
        Scheme::Int4Asym => {
            let (codec, reach) =
                asymmetric::<L>(x, range, levels, &ASYMMETRIC_INT4_GRID, plan, storage);
            if let Some(zero) = slots.zero {
                *zero = codec.zero;
            }
            (encode::<L, _, 4>(x, codec, slots.codes), codec.scale(), reach)
        }
        // Only the last of the grouped schemes is left.
        _ => {
            let (codec, reach) = asymmetric::<L>(x, range, levels, &INT2_GRID, plan, storage);
            if let Some(zero) = slots.zero {
                *zero = codec.zero;
            }
            (encode::<L, _, 2>(x, codec, slots.codes), codec.scale(), reach)
        }
    };
    // A scale that was chosen is stored already: storing it again changes nothing.
    *slots.scale = storage.stored(scale, highest);
    sums
}

/// Codes a group that is all zeros: the scale is zero, so everything comes back as zero.
fn zeros(scheme: Scheme, count: usize, slots: &mut Slots<'_>) {
    *slots.scale = 0.0;
    let code = match scheme {
        Scheme::Int4Sym => 8,
        Scheme::Nf4 => NF4_ZERO,
        _ => 0,
    };
    let is_half = scheme.bit_width() == Some(4);
    let full = if is_half { code << 4 | code } else { code };
    slots.codes.fill(full);
    if is_half
        && count % 2 == 1
        && let Some(last) = slots.codes.last_mut()
    {
        *last = code;
    }
}

/// A group of numbers too large or too small to square, multiplied by a power of two.
#[cold]
fn normalized(x: &[f32], magnitude: f32) -> (Vec<f32>, f64) {
    // The exponent of an `f32` is a normal one as `f64`, so its bits can be turned round.
    let exponent = f64::from(magnitude).to_bits() >> 52;
    let factor = f64::from_bits((2 * 1023 - exponent) << 52);
    (x.iter().map(|&number| (f64::from(number) * factor) as f32).collect(), factor)
}

/// Quantizes the groups of a job.
///
/// # Errors
/// The index of the first number that is not finite, or too large for the scheme.
#[inline(always)]
pub(super) fn quantize<L: Lanes>(job: Job<'_>) -> Result<Sums, usize> {
    if !job.plan.scheme.is_grouped() {
        return gguf::quantize::<L>(job);
    }
    let Job { plan, group: size, x, mut codes, scales, zeros: zero_points } = job;
    let mut total = Sums::default();
    let mut zero_points = zero_points.iter_mut();
    for (index, (x, scale)) in x.chunks(size.max(1)).zip(scales).enumerate() {
        let (own, rest) = codes.split_at_mut(packed_length(plan.scheme, x.len()));
        codes = rest;
        let mut slots = Slots { codes: own, scale, zero: zero_points.next() };
        let range = range::<L>(x);
        if range.magnitude >= f32::INFINITY.to_bits() {
            let first = x.iter().position(|number| !number.is_finite()).unwrap_or(0);
            return Err(index * size + first);
        }
        let absolute = range.absolute();
        let storage = Storage { dtype: plan.scale_dtype, factor: 1.0 };
        let sums = if absolute == 0.0 {
            zeros(plan.scheme, x.len(), &mut slots);
            Sums::default()
        } else if ORDINARY.contains(&absolute) {
            group::<L>(x, range, plan, storage, slots)
        } else {
            let (x, factor) = normalized(x, absolute);
            let range = self::range::<L>(&x);
            group::<L>(&x, range, plan, Storage { factor, ..storage }, slots).divided(factor)
        };
        total.add(sums);
    }
    Ok(total)
}

/// Restores the numbers of groups.
#[inline(always)]
pub(super) fn restore(restore: Restore<'_>) {
    match restore.scheme {
        Scheme::Int8Sym => restore_bits::<8>(restore),
        Scheme::Int4Sym | Scheme::Int4Asym | Scheme::Nf4 => restore_bits::<4>(restore),
        Scheme::Int2Asym => restore_bits::<2>(restore),
        Scheme::GgufQ8_0 | Scheme::GgufQ4_0 | Scheme::None => gguf::restore(restore),
    }
}

#[inline(always)]
fn restore_bits<const BITS: usize>(restore: Restore<'_>) {
    let Restore { scheme, group, mut codes, scales, zeros, x } = restore;
    let offset = i32::from(levels(scheme).offset);
    let mut unpacked = [0; BLOCK];
    for (index, (x, &scale)) in x.chunks_mut(group.max(1)).zip(scales).enumerate() {
        let (own, rest) = codes.split_at(packed_length(scheme, x.len()));
        codes = rest;
        let zero = zeros.get(index).copied().unwrap_or(0.0);
        for (x, packed) in x.chunks_mut(BLOCK).zip(own.chunks(BLOCK * BITS / 8)) {
            unpack::<BITS>(packed, &mut unpacked);
            let pairs = x.iter_mut().zip(&unpacked);
            // Adding zero makes a negative zero the positive one.
            match scheme {
                Scheme::Nf4 => {
                    pairs.for_each(|(x, code)| *x = NF4[usize::from(code & 15)] * scale + 0.0);
                }
                Scheme::Int8Sym => {
                    pairs.for_each(|(x, code)| *x = f32::from(*code as i8) * scale + 0.0);
                }
                _ => {
                    for (x, code) in pairs {
                        *x = ((i32::from(*code) - offset) as f32 - zero) * scale + 0.0;
                    }
                }
            }
        }
    }
}

/// The sums of numbers and of what came back, group by group as [`quantize`] adds them.
#[inline(always)]
pub(super) fn judge<L: Lanes>(group: usize, x: &[f32], returned: &[f32]) -> Sums {
    let mut total = Sums::default();
    for (x, returned) in x.chunks(group.max(1)).zip(returned.chunks(group.max(1))) {
        let absolute = range::<L>(x).absolute();
        let sums = if absolute == 0.0 || ORDINARY.contains(&absolute) {
            compare::<L>(x, returned)
        } else {
            let (x, factor) = normalized(x, absolute);
            let returned: Vec<f32> =
                returned.iter().map(|&number| (f64::from(number) * factor) as f32).collect();
            compare::<L>(&x, &returned).divided(factor)
        };
        total.add(sums);
    }
    total
}
