//! Sixteen numbers at a time.
//!
//! Element `i` of a block always belongs to lane `i % 16`, and lanes are added in one order, so that
//! sums have the same bits whatever the processor does at once. Nothing fuses a multiplication with
//! an addition, so each operation rounds alike everywhere.

/// Numbers handled together: one register of AVX-512, two of AVX2, four of SSE2 and NEON.
pub(super) const LANES: usize = 16;

/// Elements whose sums are kept in `f32`; sums of blocks are added in `f64`.
pub(super) const BLOCK: usize = 1024;

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

/// Sixteen numbers, or the integers that their bits are.
pub(super) trait Lanes: Copy {
    fn load(numbers: &[f32; LANES]) -> Self;
    fn numbers(self) -> [f32; LANES];
    fn splat(number: f32) -> Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// Lane by lane as [`least`].
    fn least(self, other: Self) -> Self;
    /// Lane by lane as [`most`].
    fn most(self, other: Self) -> Self;
    /// Without signs.
    fn absolute(self) -> Self;
    /// The larger of the integers that the bits of numbers without signs are.
    fn most_bits(self, other: Self) -> Self;
    /// The lowest byte of each integer, `offset` added.
    fn low_bytes(self, offset: u8) -> [u8; LANES];
    /// The integers that count how many of fifteen rising limits each number is above. The limits
    /// are given as the nodes of a binary search, level by level.
    fn search(self, nodes: &[[f32; 8]; 4]) -> Self;
    /// The entries of a table that the integers point to.
    fn look_up(self, table: &[f32; LANES]) -> Self;

    /// The last, incomplete lanes of a slice, zeros after them.
    #[inline(always)]
    fn padded(rest: &[f32]) -> Self {
        let mut lanes = [0.0; LANES];
        lanes[..rest.len()].copy_from_slice(rest);
        Self::load(&lanes)
    }

    /// Zeros from lane `count` on, so that padding counts for nothing in a sum.
    #[inline(always)]
    fn first(self, count: usize) -> Self {
        let mut lanes = self.numbers();
        lanes[count..].fill(0.0);
        Self::load(&lanes)
    }

    /// The sum of all lanes: each of the first half with its counterpart in the second, and so on.
    fn sum(self) -> f32;
    /// The one that is not larger than any.
    fn least_of_all(self) -> f32;
    /// The one that is not smaller than any.
    fn most_of_all(self) -> f32;
}

/// What every processor can do.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; LANES]);

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, operation: impl Fn(f32, f32) -> f32) -> Self {
        let mut result = self.0;
        for lane in 0..LANES {
            result[lane] = operation(self.0[lane], other.0[lane]);
        }
        Portable(result)
    }

    /// All lanes with one operation, halves first.
    #[inline(always)]
    fn fold(self, operation: impl Fn(f32, f32) -> f32) -> f32 {
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
}

impl Lanes for Portable {
    #[inline(always)]
    fn load(numbers: &[f32; LANES]) -> Self {
        Portable(*numbers)
    }

    #[inline(always)]
    fn numbers(self) -> [f32; LANES] {
        self.0
    }

    #[inline(always)]
    fn splat(number: f32) -> Self {
        Portable([number; LANES])
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    fn least(self, other: Self) -> Self {
        self.zip(other, least)
    }

    #[inline(always)]
    fn most(self, other: Self) -> Self {
        self.zip(other, most)
    }

    #[inline(always)]
    fn absolute(self) -> Self {
        Portable(self.0.map(f32::abs))
    }

    #[inline(always)]
    fn most_bits(self, other: Self) -> Self {
        self.zip(other, |a, b| if a.to_bits() > b.to_bits() { a } else { b })
    }

    #[inline(always)]
    fn low_bytes(self, offset: u8) -> [u8; LANES] {
        self.0.map(|number| (number.to_bits() as u8).wrapping_add(offset))
    }

    #[inline(always)]
    fn search(self, nodes: &[[f32; 8]; 4]) -> Self {
        Portable(self.0.map(|number| {
            let mut place = 0u32;
            for limits in nodes {
                place = place * 2 + u32::from(number > limits[place as usize & 7]);
            }
            f32::from_bits(place)
        }))
    }

    #[inline(always)]
    fn look_up(self, table: &[f32; LANES]) -> Self {
        Portable(self.0.map(|place| table[place.to_bits() as usize & 15]))
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        self.fold(|a, b| a + b)
    }

    #[inline(always)]
    fn least_of_all(self) -> f32 {
        self.fold(least)
    }

    #[inline(always)]
    fn most_of_all(self) -> f32 {
        self.fold(most)
    }
}
