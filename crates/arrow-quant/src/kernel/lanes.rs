//! Sixteen numbers at a time.
//!
//! Element `i` of a block always belongs to lane `i % 16`, and lanes are added in one order, so that
//! sums have the same bits whatever the processor does at once. Rust never fuses a multiplication
//! with an addition, so each operation rounds alike everywhere.

/// Numbers handled together: one register of AVX-512, two of AVX2, four of SSE2 and NEON.
pub(super) const LANES: usize = 16;

/// Elements whose sums are kept in `f32`; sums of blocks are added in `f64`.
pub(super) const BLOCK: usize = 1024;

/// Sixteen numbers.
#[derive(Clone, Copy)]
pub(super) struct F32s(pub(super) [f32; LANES]);

/// The one that is not larger, and `b` of two that are equal: the semantics of `minps`.
#[inline(always)]
pub(super) fn least(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// The one that is not smaller, and `b` of two that are equal: the semantics of `maxps`.
#[inline(always)]
pub(super) fn most(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

impl F32s {
    #[inline(always)]
    pub(super) fn splat(value: f32) -> Self {
        F32s([value; LANES])
    }

    /// Zeros from lane `count` on, so that padding counts for nothing in a sum.
    #[inline(always)]
    pub(super) fn first(mut self, count: usize) -> Self {
        for lane in count..LANES {
            self.0[lane] = 0.0;
        }
        self
    }

    #[inline(always)]
    pub(super) fn zip(self, other: Self, operation: impl Fn(f32, f32) -> f32) -> Self {
        let mut result = self.0;
        for lane in 0..LANES {
            result[lane] = operation(self.0[lane], other.0[lane]);
        }
        F32s(result)
    }

    #[inline(always)]
    pub(super) fn map(self, operation: impl Fn(f32) -> f32) -> Self {
        let mut result = self.0;
        for number in &mut result {
            *number = operation(*number);
        }
        F32s(result)
    }

    #[inline(always)]
    pub(super) fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    pub(super) fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    pub(super) fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    /// All lanes with one operation, halves first.
    #[inline(always)]
    pub(super) fn fold(self, operation: impl Fn(f32, f32) -> f32) -> f32 {
        let mut lanes = self.0;
        let mut width = LANES / 2;
        while width > 0 {
            for lane in 0..width {
                lanes[lane] = operation(lanes[lane], lanes[lane + width]);
            }
            width /= 2;
        }
        lanes[0]
    }

    /// The sum of all lanes.
    #[inline(always)]
    pub(super) fn sum(self) -> f64 {
        f64::from(self.fold(|a, b| a + b))
    }
}

/// The last, incomplete lanes of a slice, zeros after them.
#[inline(always)]
pub(super) fn padded(rest: &[f32]) -> F32s {
    let mut lanes = [0.0; LANES];
    lanes[..rest.len()].copy_from_slice(rest);
    F32s(lanes)
}
