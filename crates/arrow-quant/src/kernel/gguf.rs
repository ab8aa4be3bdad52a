//! Blocks of GGUF, bit for bit as ggml's reference makes them: `Q8_0` and `Q4_0`.
//!
//! What is computed is stated at [`Scheme`]; the arithmetic of `Q4_0` is that of `f64`, in which the
//! product and the sum are exact, so that it does not depend on whether a processor fuses them.

use half::f16;

use super::group::{Job, Restore, judge};
use super::lanes::Lanes;
use super::sums::{Sums, range};
use crate::options::{GGUF_BLOCK, Scheme};

/// Bytes of a block: the scale, and the codes.
pub(super) const Q8_0_BYTES: usize = 2 + GGUF_BLOCK;
pub(super) const Q4_0_BYTES: usize = 2 + GGUF_BLOCK / 2;

/// Quantizes whole blocks.
///
/// # Errors
/// The index of the first number that is not finite, or of one whose scale is no finite `f16`.
#[inline(always)]
pub(super) fn quantize<L: Lanes>(job: Job<'_>) -> Result<Sums, usize> {
    let Job { plan, x, codes, .. } = job;
    let is_wide = plan.scheme == Scheme::GgufQ8_0;
    let size = if is_wide { Q8_0_BYTES } else { Q4_0_BYTES };
    let mut total = Sums::default();
    let blocks = x.as_chunks::<GGUF_BLOCK>().0.iter().zip(codes.chunks_mut(size));
    for (index, (x, codes)) in blocks.enumerate() {
        let range = range::<L>(x);
        if range.magnitude >= f32::INFINITY.to_bits() {
            let first = x.iter().position(|number| !number.is_finite()).unwrap_or(0);
            return Err(index * GGUF_BLOCK + first);
        }
        let farthest = x.iter().position(|number| number.abs() == range.absolute()).unwrap_or(0);
        let scale = if is_wide { range.absolute() / 127.0 } else { x[farthest] / -8.0 };
        let stored = f16::from_f32(scale);
        if stored.is_infinite() {
            return Err(index * GGUF_BLOCK + farthest);
        }
        // The quotient of a scale that is nearly nothing has no reciprocal; it is stored as zero, and
        // so its codes mean nothing.
        let inverse = 1.0 / scale;
        let inverse = if inverse.is_finite() { inverse } else { 0.0 };
        let (head, body) = codes.split_at_mut(2);
        head.copy_from_slice(&stored.to_le_bytes());
        if is_wide {
            wide(x, inverse, body);
        } else {
            narrow(x, inverse, body);
        }
        let mut returned = [0.0; GGUF_BLOCK];
        restore_block(is_wide, codes, &mut returned);
        total.add(judge::<L>(GGUF_BLOCK, x, &returned));
    }
    Ok(total)
}

/// Rounded to the nearest, ties away from zero.
#[inline(always)]
fn wide(x: &[f32; GGUF_BLOCK], inverse: f32, codes: &mut [u8]) {
    for (x, code) in x.iter().zip(codes) {
        let scaled = x * inverse;
        let size = scaled.abs();
        let below = size.floor();
        let size = below + if size - below >= 0.5 { 1.0 } else { 0.0 };
        *code = size.copysign(scaled) as i8 as u8;
    }
}

#[inline(always)]
fn narrow(x: &[f32; GGUF_BLOCK], inverse: f32, codes: &mut [u8]) {
    let mut levels = [0u8; GGUF_BLOCK];
    for (x, level) in x.iter().zip(&mut levels) {
        // A conversion to an integer cuts off what is behind the point.
        *level = ((f64::from(*x) * f64::from(inverse) + 8.5) as u8).min(15);
    }
    let (low, high) = levels.split_at(GGUF_BLOCK / 2);
    for ((code, low), high) in codes.iter_mut().zip(low).zip(high) {
        *code = low | high << 4;
    }
}

#[inline(always)]
fn restore_block(is_wide: bool, codes: &[u8], x: &mut [f32]) {
    let (head, body) = codes.split_at(2);
    let scale = f16::from_le_bytes([head[0], head[1]]).to_f32();
    // Adding zero makes a negative zero the positive one.
    if is_wide {
        for (x, code) in x.iter_mut().zip(body) {
            *x = f32::from(*code as i8) * scale + 0.0;
        }
        return;
    }
    let (low, high) = x.split_at_mut(GGUF_BLOCK / 2);
    for ((low, high), code) in low.iter_mut().zip(high).zip(body) {
        *low = (f32::from(code & 15) - 8.0) * scale + 0.0;
        *high = (f32::from(code >> 4) - 8.0) * scale + 0.0;
    }
}

/// Restores the numbers of whole blocks.
#[inline(always)]
pub(super) fn restore(restore: Restore<'_>) {
    let Restore { scheme, codes, x, .. } = restore;
    let is_wide = scheme == Scheme::GgufQ8_0;
    let size = if is_wide { Q8_0_BYTES } else { Q4_0_BYTES };
    for (x, codes) in x.chunks_mut(GGUF_BLOCK).zip(codes.chunks(size)) {
        restore_block(is_wide, codes, x);
    }
}
