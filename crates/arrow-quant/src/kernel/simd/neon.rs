//! Sixteen numbers in four registers of NEON.

use std::arch::aarch64::*;

use super::super::lanes::{LANES, Lanes, least, most};
use super::{Job, Sums, group};

#[target_feature(enable = "neon")]
pub(super) fn quantize(job: Job<'_>) -> Result<Sums, usize> {
    group::quantize::<Neon>(job)
}

#[target_feature(enable = "neon")]
pub(super) fn judge(size: usize, x: &[f32], returned: &[f32]) -> Sums {
    group::judge::<Neon>(size, x, returned)
}

/// Four registers of four numbers.
#[derive(Clone, Copy)]
struct Neon([float32x4_t; 4]);

impl Neon {
    #[inline(always)]
    fn map(self, operation: impl Fn(float32x4_t) -> float32x4_t) -> Self {
        Neon(self.0.map(operation))
    }

    #[inline(always)]
    fn zip(self, other: Self, operation: impl Fn(float32x4_t, float32x4_t) -> float32x4_t) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Neon([operation(a, e), operation(b, f), operation(c, g), operation(d, h)])
    }

    /// All lanes with one operation, halves first.
    #[inline(always)]
    fn fold(
        self,
        four: impl Fn(float32x4_t, float32x4_t) -> float32x4_t,
        one: impl Fn(f32, f32) -> f32,
    ) -> f32 {
        let [a, b, c, d] = self.0;
        let mut rest = [0.0; 4];
        // SAFETY: NEON was found; the store is of the four numbers.
        unsafe { vst1q_f32(rest.as_mut_ptr(), four(four(a, c), four(b, d))) };
        one(one(rest[0], rest[2]), one(rest[1], rest[3]))
    }
}

/// Lane by lane as [`least`]: the instruction for minima treats zeros and NaN otherwise.
///
/// # Safety
/// NEON must have been found.
#[inline(always)]
unsafe fn least_of_four(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    // SAFETY: the caller found NEON.
    unsafe { vbslq_f32(vcltq_f32(a, b), a, b) }
}

/// Lane by lane as [`most`].
///
/// # Safety
/// NEON must have been found.
#[inline(always)]
unsafe fn most_of_four(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    // SAFETY: the caller found NEON.
    unsafe { vbslq_f32(vcgtq_f32(a, b), a, b) }
}

/// Where, in a table of numbers, the bytes of those are that places point to.
///
/// # Safety
/// NEON must have been found.
#[inline(always)]
unsafe fn bytes_of(places: uint32x4_t) -> uint8x16_t {
    // SAFETY: the caller found NEON.
    unsafe {
        // Four bytes, the first at four times the place.
        let first = vmulq_u32(places, vdupq_n_u32(0x0404_0404));
        vreinterpretq_u8_u32(vaddq_u32(first, vdupq_n_u32(0x0302_0100)))
    }
}

impl Lanes for Neon {
    #[inline(always)]
    fn load(numbers: &[f32; LANES]) -> Self {
        let (fours, _) = numbers.as_chunks::<4>();
        // SAFETY: NEON was found; each load is of four numbers.
        Neon([0, 1, 2, 3].map(|register: usize| unsafe { vld1q_f32(fours[register].as_ptr()) }))
    }

    #[inline(always)]
    fn numbers(self) -> [f32; LANES] {
        let mut numbers = [0.0; LANES];
        let (fours, _) = numbers.as_chunks_mut::<4>();
        for (four, register) in fours.iter_mut().zip(self.0) {
            // SAFETY: NEON was found; the store is of four numbers.
            unsafe { vst1q_f32(four.as_mut_ptr(), register) };
        }
        numbers
    }

    #[inline(always)]
    fn splat(number: f32) -> Self {
        // SAFETY: NEON was found.
        Neon([unsafe { vdupq_n_f32(number) }; 4])
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: NEON was found.
        self.zip(other, |a, b| unsafe { vaddq_f32(a, b) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: NEON was found.
        self.zip(other, |a, b| unsafe { vsubq_f32(a, b) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: NEON was found.
        self.zip(other, |a, b| unsafe { vmulq_f32(a, b) })
    }

    #[inline(always)]
    fn least(self, other: Self) -> Self {
        // SAFETY: NEON was found.
        self.zip(other, |a, b| unsafe { least_of_four(a, b) })
    }

    #[inline(always)]
    fn most(self, other: Self) -> Self {
        // SAFETY: NEON was found.
        self.zip(other, |a, b| unsafe { most_of_four(a, b) })
    }

    #[inline(always)]
    fn absolute(self) -> Self {
        // SAFETY: NEON was found.
        self.map(|numbers| unsafe { vabsq_f32(numbers) })
    }

    #[inline(always)]
    fn most_bits(self, other: Self) -> Self {
        // SAFETY: NEON was found.
        self.zip(other, |a, b| unsafe {
            let bits = vmaxq_u32(vreinterpretq_u32_f32(a), vreinterpretq_u32_f32(b));
            vreinterpretq_f32_u32(bits)
        })
    }

    #[inline(always)]
    fn low_bytes(self, offset: u8) -> [u8; LANES] {
        let mut bytes = [0; LANES];
        // SAFETY: NEON was found; the store is of the sixteen bytes.
        unsafe {
            let [a, b, c, d] = self.0.map(|numbers| vmovn_u32(vreinterpretq_u32_f32(numbers)));
            let (low, high) = (vmovn_u16(vcombine_u16(a, b)), vmovn_u16(vcombine_u16(c, d)));
            let shifted = vaddq_u8(vcombine_u8(low, high), vdupq_n_u8(offset));
            vst1q_u8(bytes.as_mut_ptr(), shifted);
        }
        bytes
    }

    #[inline(always)]
    fn search(self, nodes: &[[f32; 8]; 4]) -> Self {
        // SAFETY: NEON was found; the loads are of the halves of a row.
        self.map(|numbers| unsafe {
            let mut place = vdupq_n_u32(0);
            for limits in nodes {
                let (halves, _) = limits.as_chunks::<4>();
                let low = vreinterpretq_u8_f32(vld1q_f32(halves[0].as_ptr()));
                let high = vreinterpretq_u8_f32(vld1q_f32(halves[1].as_ptr()));
                let limit = vqtbl2q_u8(uint8x16x2_t(low, high), bytes_of(place));
                // All ones, that is -1, where the number is above its limit.
                let above = vcgtq_f32(numbers, vreinterpretq_f32_u8(limit));
                place = vsubq_u32(vaddq_u32(place, place), above);
            }
            vreinterpretq_f32_u32(place)
        })
    }

    #[inline(always)]
    fn look_up(self, table: &[f32; LANES]) -> Self {
        let table = Self::load(table).0;
        // SAFETY: NEON was found.
        self.map(|places| unsafe {
            let [a, b, c, d] = table.map(|four| vreinterpretq_u8_f32(four));
            let bytes = bytes_of(vreinterpretq_u32_f32(places));
            vreinterpretq_f32_u8(vqtbl4q_u8(uint8x16x4_t(a, b, c, d), bytes))
        })
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: NEON was found.
        self.fold(|a, b| unsafe { vaddq_f32(a, b) }, |a, b| a + b)
    }

    #[inline(always)]
    fn least_of_all(self) -> f32 {
        // SAFETY: NEON was found.
        self.fold(|a, b| unsafe { least_of_four(a, b) }, least)
    }

    #[inline(always)]
    fn most_of_all(self) -> f32 {
        // SAFETY: NEON was found.
        self.fold(|a, b| unsafe { most_of_four(a, b) }, most)
    }
}
