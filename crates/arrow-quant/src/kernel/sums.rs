//! Passes over the numbers of a group: their range, the error of a scale, the best fit, the codes.

use super::codec::{Codec, Coded};
use super::lanes::{BLOCK, LANES, Lanes};
use super::pack::pack;

/// What a group of numbers spans.
#[derive(Clone, Copy)]
pub(super) struct Range {
    /// The bits of the largest magnitude; from those of infinity on, a number is not finite.
    pub(super) magnitude: u32,
    pub(super) smallest: f32,
    pub(super) largest: f32,
}

impl Range {
    #[inline(always)]
    pub(super) fn absolute(self) -> f32 {
        f32::from_bits(self.magnitude)
    }
}

/// What quantizing did to some numbers, from which every measure of quality follows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sums {
    /// Sum of squares of the numbers.
    pub signal: f64,
    /// Sum of squares of what comes back.
    pub returned: f64,
    /// Sum of squares of the differences.
    pub error: f64,
    /// The largest difference.
    pub worst: f64,
}

impl Sums {
    /// Adds those of the numbers that follow.
    pub(crate) fn add(&mut self, next: Sums) {
        self.signal += next.signal;
        self.returned += next.returned;
        self.error += next.error;
        self.worst = if next.worst > self.worst { next.worst } else { self.worst };
    }

    /// The same for numbers that are `factor` times smaller.
    pub(super) fn divided(self, factor: f64) -> Sums {
        // Twice, since the square of the factor may be too large.
        Sums {
            signal: self.signal / factor / factor,
            returned: self.returned / factor / factor,
            error: self.error / factor / factor,
            worst: self.worst / factor,
        }
    }
}

#[inline(always)]
pub(super) fn range<L: Lanes>(x: &[f32]) -> Range {
    let Some(&first) = x.first() else {
        return Range { magnitude: 0, smallest: 0.0, largest: 0.0 };
    };
    let mut magnitude = L::splat(0.0);
    let (mut smallest, mut largest) = (L::splat(first), L::splat(first));
    let (whole, rest) = x.as_chunks::<LANES>();
    let mut add = |lanes: L| {
        magnitude = magnitude.most_bits(lanes.absolute());
        smallest = smallest.least(lanes);
        largest = largest.most(lanes);
    };
    for lanes in whole {
        add(L::load(lanes));
    }
    if !rest.is_empty() {
        let mut lanes = [first; LANES];
        lanes[..rest.len()].copy_from_slice(rest);
        add(L::load(&lanes));
    }
    let magnitude = magnitude.numbers().map(f32::to_bits).into_iter().fold(0, u32::max);
    // Of two zeros either may be the smallest: adding zero makes both the positive one.
    let smallest = smallest.least_of_all() + 0.0;
    Range { magnitude, smallest, largest: largest.most_of_all() + 0.0 }
}

/// The sum of squared errors.
#[inline(always)]
pub(super) fn squared_error<L: Lanes, C: Codec>(x: &[f32], codec: C) -> f64 {
    let mut total = 0.0;
    for block in x.chunks(BLOCK) {
        let mut sum = L::splat(0.0);
        let (whole, rest) = block.as_chunks::<LANES>();
        for lanes in whole {
            let x = L::load(lanes);
            let error = x.sub(codec.code(x).value);
            sum = sum.add(error.mul(error));
        }
        if !rest.is_empty() {
            let x = L::padded(rest);
            let error = x.sub(codec.code(x).value).first(rest.len());
            sum = sum.add(error.mul(error));
        }
        total += f64::from(sum.sum());
    }
    total
}

/// Sums for a least-squares fit of the numbers `x` to their levels `l`.
#[derive(Default)]
pub(super) struct Fit {
    pub(super) x: f64,
    pub(super) l: f64,
    pub(super) xl: f64,
    pub(super) ll: f64,
}

#[inline(always)]
pub(super) fn fit<L: Lanes, C: Codec>(x: &[f32], codec: C) -> Fit {
    let mut fit = Fit::default();
    for block in x.chunks(BLOCK) {
        let zeros = L::splat(0.0);
        let [mut sum_x, mut sum_l, mut sum_xl, mut sum_ll] = [zeros; 4];
        let (whole, rest) = block.as_chunks::<LANES>();
        for lanes in whole {
            let x = L::load(lanes);
            let level = codec.code(x).level;
            sum_x = sum_x.add(x);
            sum_l = sum_l.add(level);
            sum_xl = sum_xl.add(x.mul(level));
            sum_ll = sum_ll.add(level.mul(level));
        }
        if !rest.is_empty() {
            let x = L::padded(rest);
            let level = codec.code(x).level.first(rest.len());
            sum_x = sum_x.add(x);
            sum_l = sum_l.add(level);
            sum_xl = sum_xl.add(x.mul(level));
            sum_ll = sum_ll.add(level.mul(level));
        }
        fit.x += f64::from(sum_x.sum());
        fit.l += f64::from(sum_l.sum());
        fit.xl += f64::from(sum_xl.sum());
        fit.ll += f64::from(sum_ll.sum());
    }
    fit
}

/// Sums of one block, lane by lane.
struct BlockSums<L> {
    signal: L,
    returned: L,
    error: L,
    worst: L,
}

impl<L: Lanes> BlockSums<L> {
    #[inline(always)]
    fn new() -> Self {
        let zeros = L::splat(0.0);
        BlockSums { signal: zeros, returned: zeros, error: zeros, worst: zeros }
    }

    #[inline(always)]
    fn add(&mut self, x: L, value: L) {
        let error = x.sub(value);
        self.signal = self.signal.add(x.mul(x));
        self.returned = self.returned.add(value.mul(value));
        self.error = self.error.add(error.mul(error));
        self.worst = self.worst.most(error.absolute());
    }

    #[inline(always)]
    fn total(self) -> Sums {
        Sums {
            signal: f64::from(self.signal.sum()),
            returned: f64::from(self.returned.sum()),
            error: f64::from(self.error.sum()),
            worst: f64::from(self.worst.most_of_all()),
        }
    }
}

/// Writes the packed codes of a group, which starts on a byte.
#[inline(always)]
pub(super) fn encode<L: Lanes, C: Codec, const BITS: usize>(
    x: &[f32],
    codec: C,
    packed: &mut [u8],
) -> Sums {
    let mut total = Sums::default();
    let mut codes = [0u8; BLOCK];
    for (block, packed) in x.chunks(BLOCK).zip(packed.chunks_mut(BLOCK * BITS / 8)) {
        let mut sums = BlockSums::<L>::new();
        let (whole, rest) = block.as_chunks::<LANES>();
        let (slots, _) = codes.as_chunks_mut::<LANES>();
        for (lanes, slot) in whole.iter().zip(slots.iter_mut()) {
            let x = L::load(lanes);
            let Coded { value, code, .. } = codec.code(x);
            *slot = code.low_bytes(codec.offset());
            sums.add(x, value);
        }
        if !rest.is_empty() {
            let x = L::padded(rest);
            let Coded { value, code, .. } = codec.code(x);
            slots[whole.len()] = code.low_bytes(codec.offset());
            sums.add(x, value.first(rest.len()));
        }
        pack::<BITS>(&mut codes, block.len(), packed);
        total.add(sums.total());
    }
    total
}

/// The sums of numbers and of what came back for them, added as [`encode`] adds them.
#[inline(always)]
pub(super) fn compare<L: Lanes>(x: &[f32], returned: &[f32]) -> Sums {
    let mut total = Sums::default();
    for (x, returned) in x.chunks(BLOCK).zip(returned.chunks(BLOCK)) {
        let mut sums = BlockSums::<L>::new();
        let (whole, rest) = x.as_chunks::<LANES>();
        let (whole_returned, rest_returned) = returned.as_chunks::<LANES>();
        for (x, returned) in whole.iter().zip(whole_returned) {
            sums.add(L::load(x), L::load(returned));
        }
        if !rest.is_empty() {
            sums.add(L::padded(rest), L::padded(rest_returned));
        }
        total.add(sums.total());
    }
    total
}
