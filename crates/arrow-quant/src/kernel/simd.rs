//! The widest instructions that the processor has, chosen when the program runs: the one module with
//! `unsafe`.
//!
//! The kernels are written once, sixteen numbers at a time, and compiled for each level: the same
//! operations in the same order, so the same bits.
#![allow(unsafe_code, reason = "code for instructions that not every processor has")]

use super::group::{self, Job, Restore};
use super::lanes::Portable;
use super::sums::Sums;

#[cfg(target_arch = "aarch64")]
mod neon;

/// Instructions that this processor is known to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Level {
    /// What every processor of this architecture has.
    pub(crate) const PORTABLE: Level = Level(Kind::Portable);

    /// Every level that this processor has, the widest last.
    pub(super) fn available() -> Vec<Level> {
        #[allow(unused_mut, reason = "other processors have no other level")]
        let mut levels = vec![Level::PORTABLE];
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            levels.push(Level(Kind::Neon));
        }
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                levels.push(Level(Kind::Avx2));
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                levels.push(Level(Kind::Avx512));
            }
        }
        levels
    }

    /// The widest level that this processor has.
    pub(crate) fn widest() -> Level {
        Level::available().pop().unwrap_or(Level::PORTABLE)
    }

    /// Quantizes the groups of a job.
    ///
    /// # Errors
    /// The index of the first number that is not finite.
    pub(crate) fn quantize(self, job: Job<'_>) -> Result<Sums, usize> {
        match self.0 {
            Kind::Portable => group::quantize::<Portable>(job),
            // SAFETY: only `available` makes this level, and it found AVX2.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { x86::quantize_avx2(job) },
            // SAFETY: only `available` makes this level, and it found every feature that is named.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { x86::quantize_avx512(job) },
            // SAFETY: only `available` makes this level, and it found NEON.
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => unsafe { neon::quantize(job) },
        }
    }

    /// Restores the numbers of groups.
    pub(crate) fn restore(self, restore: Restore<'_>) {
        match self.0 {
            Kind::Portable => group::restore(restore),
            // The compiler knows that every processor of this architecture has NEON.
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => group::restore(restore),
            // SAFETY: only `available` makes this level, and it found AVX2.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { x86::restore_avx2(restore) },
            // SAFETY: only `available` makes this level, and it found every feature that is named.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { x86::restore_avx512(restore) },
        }
    }

    /// The sums of numbers and of what came back, in groups of `size`.
    pub(crate) fn judge(self, size: usize, x: &[f32], returned: &[f32]) -> Sums {
        match self.0 {
            Kind::Portable => group::judge::<Portable>(size, x, returned),
            // SAFETY: only `available` makes this level, and it found AVX2.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { x86::judge_avx2(size, x, returned) },
            // SAFETY: only `available` makes this level, and it found every feature that is named.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { x86::judge_avx512(size, x, returned) },
            // SAFETY: only `available` makes this level, and it found NEON.
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => unsafe { neon::judge(size, x, returned) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::super::lanes::{LANES, Lanes};
    use super::{Job, Restore, Sums, group};

    #[target_feature(enable = "avx2")]
    pub(super) fn quantize_avx2(job: Job<'_>) -> Result<Sums, usize> {
        group::quantize::<Avx2>(job)
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) fn quantize_avx512(job: Job<'_>) -> Result<Sums, usize> {
        group::quantize::<Avx512>(job)
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn restore_avx2(restore: Restore<'_>) {
        group::restore(restore);
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) fn restore_avx512(restore: Restore<'_>) {
        group::restore(restore);
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn judge_avx2(size: usize, x: &[f32], returned: &[f32]) -> Sums {
        group::judge::<Avx2>(size, x, returned)
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) fn judge_avx512(size: usize, x: &[f32], returned: &[f32]) -> Sums {
        group::judge::<Avx512>(size, x, returned)
    }

    /// Sixteen numbers in two registers. The type is private to this module, whose functions name it
    /// only where AVX2 was found.
    #[derive(Clone, Copy)]
    struct Avx2(__m256, __m256);

    /// Sixteen numbers in one register. The type is private to this module, whose functions name it
    /// only where the features of AVX-512 that are listed above were found.
    #[derive(Clone, Copy)]
    struct Avx512(__m512);

    impl Lanes for Avx2 {
        #[inline(always)]
        fn load(numbers: &[f32; LANES]) -> Self {
            // SAFETY: AVX2 was found; both loads are within the sixteen numbers, at any alignment.
            unsafe {
                let start = numbers.as_ptr();
                Avx2(_mm256_loadu_ps(start), _mm256_loadu_ps(start.add(8)))
            }
        }

        #[inline(always)]
        fn numbers(self) -> [f32; LANES] {
            let mut numbers = [0.0; LANES];
            // SAFETY: AVX2 was found; both stores are within the sixteen numbers, at any alignment.
            unsafe {
                let start = numbers.as_mut_ptr();
                _mm256_storeu_ps(start, self.0);
                _mm256_storeu_ps(start.add(8), self.1);
            }
            numbers
        }

        #[inline(always)]
        fn splat(number: f32) -> Self {
            // SAFETY: AVX2 was found.
            let lanes = unsafe { _mm256_set1_ps(number) };
            Avx2(lanes, lanes)
        }

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            // SAFETY: AVX2 was found.
            unsafe { Avx2(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
        }

        #[inline(always)]
        fn sub(self, other: Self) -> Self {
            // SAFETY: AVX2 was found.
            unsafe { Avx2(_mm256_sub_ps(self.0, other.0), _mm256_sub_ps(self.1, other.1)) }
        }

        #[inline(always)]
        fn mul(self, other: Self) -> Self {
            // SAFETY: AVX2 was found.
            unsafe { Avx2(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
        }

        #[inline(always)]
        fn least(self, other: Self) -> Self {
            // SAFETY: AVX2 was found.
            unsafe { Avx2(_mm256_min_ps(self.0, other.0), _mm256_min_ps(self.1, other.1)) }
        }

        #[inline(always)]
        fn most(self, other: Self) -> Self {
            // SAFETY: AVX2 was found.
            unsafe { Avx2(_mm256_max_ps(self.0, other.0), _mm256_max_ps(self.1, other.1)) }
        }

        #[inline(always)]
        fn absolute(self) -> Self {
            // SAFETY: AVX2 was found.
            unsafe {
                let sign = _mm256_set1_ps(-0.0);
                Avx2(_mm256_andnot_ps(sign, self.0), _mm256_andnot_ps(sign, self.1))
            }
        }

        #[inline(always)]
        fn most_bits(self, other: Self) -> Self {
            // SAFETY: AVX2 was found. Without signs, signed and unsigned order are the same.
            unsafe {
                let most = |a, b| {
                    _mm256_castsi256_ps(_mm256_max_epi32(
                        _mm256_castps_si256(a),
                        _mm256_castps_si256(b),
                    ))
                };
                Avx2(most(self.0, other.0), most(self.1, other.1))
            }
        }

        #[inline(always)]
        fn low_bytes(self, offset: u8) -> [u8; LANES] {
            let mut bytes = [0; LANES];
            // SAFETY: AVX2 was found; the store is of the sixteen bytes, at any alignment.
            unsafe {
                let mask = _mm256_set1_epi32(0xff);
                let first = _mm256_and_si256(_mm256_castps_si256(self.0), mask);
                let second = _mm256_and_si256(_mm256_castps_si256(self.1), mask);
                let words = _mm256_packus_epi32(first, second);
                let packed = _mm256_packus_epi16(words, words);
                // Each half has four bytes of the first eight numbers and four of the second.
                let low = _mm256_castsi256_si128(packed);
                let high = _mm256_extracti128_si256::<1>(packed);
                let ordered = _mm_unpacklo_epi32(low, high);
                let shifted = _mm_add_epi8(ordered, _mm_set1_epi8(offset as i8));
                _mm_storeu_si128(bytes.as_mut_ptr().cast(), shifted);
            }
            bytes
        }

        #[inline(always)]
        fn search(self, nodes: &[[f32; 8]; 4]) -> Self {
            // SAFETY: AVX2 was found; each load is of the eight numbers of a row.
            unsafe {
                let search = |number| {
                    let mut place = _mm256_setzero_si256();
                    for limits in nodes {
                        let limits = _mm256_loadu_ps(limits.as_ptr());
                        let limit = _mm256_permutevar8x32_ps(limits, place);
                        // All ones, that is -1, where the number is above its limit.
                        let above = _mm256_cmp_ps::<_CMP_GT_OQ>(number, limit);
                        let twice = _mm256_add_epi32(place, place);
                        place = _mm256_sub_epi32(twice, _mm256_castps_si256(above));
                    }
                    _mm256_castsi256_ps(place)
                };
                Avx2(search(self.0), search(self.1))
            }
        }

        #[inline(always)]
        fn look_up(self, table: &[f32; LANES]) -> Self {
            // SAFETY: AVX2 was found; both loads are within the sixteen numbers.
            unsafe {
                let low = _mm256_loadu_ps(table.as_ptr());
                let high = _mm256_loadu_ps(table.as_ptr().add(8));
                let look_up = |places| {
                    let places = _mm256_castps_si256(places);
                    // The bit that is worth eight, moved to the sign, chooses the half.
                    let upper = _mm256_castsi256_ps(_mm256_slli_epi32::<28>(places));
                    _mm256_blendv_ps(
                        _mm256_permutevar8x32_ps(low, places),
                        _mm256_permutevar8x32_ps(high, places),
                        upper,
                    )
                };
                Avx2(look_up(self.0), look_up(self.1))
            }
        }

        #[inline(always)]
        fn sum(self) -> f32 {
            // SAFETY: AVX2 was found.
            unsafe { fold(_mm256_add_ps(self.0, self.1), |a, b| _mm_add_ps(a, b)) }
        }

        #[inline(always)]
        fn least_of_all(self) -> f32 {
            // SAFETY: AVX2 was found.
            unsafe { fold(_mm256_min_ps(self.0, self.1), |a, b| _mm_min_ps(a, b)) }
        }

        #[inline(always)]
        fn most_of_all(self) -> f32 {
            // SAFETY: AVX2 was found.
            unsafe { fold(_mm256_max_ps(self.0, self.1), |a, b| _mm_max_ps(a, b)) }
        }
    }

    /// Eight lanes with one operation, halves first.
    ///
    /// # Safety
    /// AVX must have been found.
    #[inline(always)]
    unsafe fn fold(lanes: __m256, operation: impl Fn(__m128, __m128) -> __m128) -> f32 {
        // SAFETY: the caller found AVX.
        unsafe {
            let low = _mm256_castps256_ps128(lanes);
            let four = operation(low, _mm256_extractf128_ps::<1>(lanes));
            let two = operation(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(operation(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }

    impl Avx512 {
        /// The same numbers in two registers.
        #[inline(always)]
        fn halves(self) -> Avx2 {
            // SAFETY: AVX-512 was found, and with it AVX2, which is older.
            unsafe { Avx2(_mm512_castps512_ps256(self.0), _mm512_extractf32x8_ps::<1>(self.0)) }
        }
    }

    impl Lanes for Avx512 {
        #[inline(always)]
        fn load(numbers: &[f32; LANES]) -> Self {
            // SAFETY: AVX-512 was found; the load is of the sixteen numbers, at any alignment.
            unsafe { Avx512(_mm512_loadu_ps(numbers.as_ptr())) }
        }

        #[inline(always)]
        fn numbers(self) -> [f32; LANES] {
            let mut numbers = [0.0; LANES];
            // SAFETY: AVX-512 was found; the store is of the sixteen numbers, at any alignment.
            unsafe { _mm512_storeu_ps(numbers.as_mut_ptr(), self.0) };
            numbers
        }

        #[inline(always)]
        fn splat(number: f32) -> Self {
            // SAFETY: AVX-512 was found.
            unsafe { Avx512(_mm512_set1_ps(number)) }
        }

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            // SAFETY: AVX-512 was found.
            unsafe { Avx512(_mm512_add_ps(self.0, other.0)) }
        }

        #[inline(always)]
        fn sub(self, other: Self) -> Self {
            // SAFETY: AVX-512 was found.
            unsafe { Avx512(_mm512_sub_ps(self.0, other.0)) }
        }

        #[inline(always)]
        fn mul(self, other: Self) -> Self {
            // SAFETY: AVX-512 was found.
            unsafe { Avx512(_mm512_mul_ps(self.0, other.0)) }
        }

        #[inline(always)]
        fn least(self, other: Self) -> Self {
            // SAFETY: AVX-512 was found.
            unsafe { Avx512(_mm512_min_ps(self.0, other.0)) }
        }

        #[inline(always)]
        fn most(self, other: Self) -> Self {
            // SAFETY: AVX-512 was found.
            unsafe { Avx512(_mm512_max_ps(self.0, other.0)) }
        }

        #[inline(always)]
        fn absolute(self) -> Self {
            // SAFETY: AVX-512 was found.
            unsafe { Avx512(_mm512_abs_ps(self.0)) }
        }

        #[inline(always)]
        fn most_bits(self, other: Self) -> Self {
            // SAFETY: AVX-512 was found. Without signs, signed and unsigned order are the same.
            unsafe {
                let (a, b) = (_mm512_castps_si512(self.0), _mm512_castps_si512(other.0));
                Avx512(_mm512_castsi512_ps(_mm512_max_epi32(a, b)))
            }
        }

        #[inline(always)]
        fn low_bytes(self, offset: u8) -> [u8; LANES] {
            let mut bytes = [0; LANES];
            // SAFETY: AVX-512 was found; the store is of the sixteen bytes, at any alignment.
            unsafe {
                let low = _mm512_cvtepi32_epi8(_mm512_castps_si512(self.0));
                let shifted = _mm_add_epi8(low, _mm_set1_epi8(offset as i8));
                _mm_storeu_si128(bytes.as_mut_ptr().cast(), shifted);
            }
            bytes
        }

        #[inline(always)]
        fn search(self, nodes: &[[f32; 8]; 4]) -> Self {
            // SAFETY: AVX-512 was found; each load is of the eight numbers of a row.
            unsafe {
                let one = _mm512_set1_epi32(1);
                let mut place = _mm512_setzero_si512();
                for limits in nodes {
                    let limits = _mm512_castps256_ps512(_mm256_loadu_ps(limits.as_ptr()));
                    // Places are below eight here, so the upper half is never looked at.
                    let limit = _mm512_permutexvar_ps(place, limits);
                    let above = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, limit);
                    let twice = _mm512_add_epi32(place, place);
                    place = _mm512_mask_add_epi32(twice, above, twice, one);
                }
                Avx512(_mm512_castsi512_ps(place))
            }
        }

        #[inline(always)]
        fn look_up(self, table: &[f32; LANES]) -> Self {
            // SAFETY: AVX-512 was found; the load is of the sixteen numbers.
            unsafe {
                let table = _mm512_loadu_ps(table.as_ptr());
                Avx512(_mm512_permutexvar_ps(_mm512_castps_si512(self.0), table))
            }
        }

        #[inline(always)]
        fn sum(self) -> f32 {
            self.halves().sum()
        }

        #[inline(always)]
        fn least_of_all(self) -> f32 {
            self.halves().least_of_all()
        }

        #[inline(always)]
        fn most_of_all(self) -> f32 {
            self.halves().most_of_all()
        }
    }
}
