//! The widest instructions that the processor has, chosen when the program runs.
//!
//! The kernels are written once, sixteen numbers at a time, and compiled once for each level: the
//! same operations in the same order, so the same bits. This is the one module with `unsafe`.
#![allow(unsafe_code, reason = "code for instructions that not every processor has")]

use super::group::{self, Job, Restore};
use super::sums::Sums;

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
}

impl Level {
    /// What every processor of this architecture has.
    pub(crate) const PORTABLE: Level = Level(Kind::Portable);

    /// Every level that this processor has, the widest last.
    pub(super) fn available() -> Vec<Level> {
        let mut levels = vec![Level::PORTABLE];
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
            Kind::Portable => group::quantize(job),
            // SAFETY: only `available` makes this level, and it found AVX2.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { quantize_avx2(job) },
            // SAFETY: only `available` makes this level, and it found every feature that is named.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { quantize_avx512(job) },
        }
    }

    /// Restores the numbers of groups.
    pub(crate) fn restore(self, restore: Restore<'_>) {
        match self.0 {
            Kind::Portable => group::restore(restore),
            // SAFETY: only `available` makes this level, and it found AVX2.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { restore_avx2(restore) },
            // SAFETY: only `available` makes this level, and it found every feature that is named.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { restore_avx512(restore) },
        }
    }

    /// The sums of numbers and of what came back, in groups of `size`.
    pub(crate) fn judge(self, size: usize, x: &[f32], returned: &[f32]) -> Sums {
        match self.0 {
            Kind::Portable => group::judge(size, x, returned),
            // SAFETY: only `available` makes this level, and it found AVX2.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { judge_avx2(size, x, returned) },
            // SAFETY: only `available` makes this level, and it found every feature that is named.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { judge_avx512(size, x, returned) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn quantize_avx2(job: Job<'_>) -> Result<Sums, usize> {
    group::quantize(job)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn quantize_avx512(job: Job<'_>) -> Result<Sums, usize> {
    group::quantize(job)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn restore_avx2(restore: Restore<'_>) {
    group::restore(restore);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn restore_avx512(restore: Restore<'_>) {
    group::restore(restore);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn judge_avx2(size: usize, x: &[f32], returned: &[f32]) -> Sums {
    group::judge(size, x, returned)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn judge_avx512(size: usize, x: &[f32], returned: &[f32]) -> Sums {
    group::judge(size, x, returned)
}
