//! From numbers to codes and back, sixteen at a time.

use super::lanes::{F32s, LANES, least, most};

/// 1.5 × 2^23: adding it rounds to the nearest integer, ties to even, and leaves that integer in the
/// low bits. It holds for numbers below 2^22 in size.
const MAGIC: f32 = 12_582_912.0;

/// The 16 values of NF4, as bitsandbytes and QLoRA define them.
pub const NF4: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_036,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];

/// The code of zero in NF4.
pub(super) const NF4_ZERO: u8 = 7;

/// Half way between each value of NF4 and the next: above it, the next is nearer.
const NF4_LIMITS: [f32; 15] = {
    let mut limits = [0.0; 15];
    let mut index = 0;
    while index < 15 {
        limits[index] = 0.5 * (NF4[index] + NF4[index + 1]);
        index += 1;
    }
    limits
};

/// Sixteen numbers as codes.
pub(super) struct Coded {
    /// The levels: integers for uniform codes, values of the code book for NF4.
    pub(super) level: F32s,
    /// The numbers that come back.
    pub(super) value: F32s,
    /// The codes as stored, before packing.
    pub(super) code: [u8; LANES],
}

/// A way to code the numbers of a group, its scale chosen.
pub(super) trait Codec: Copy {
    fn code(self, x: F32s) -> Coded;
    fn scale(self) -> f32;
}

/// Evenly spaced levels. Without zero point if `SYMMETRIC`.
#[derive(Clone, Copy)]
pub(super) struct Uniform<const SYMMETRIC: bool> {
    pub(super) scale: f32,
    inverse: f32,
    pub(super) zero: f32,
    lowest: f32,
    highest: f32,
    /// What is added to a level to store it.
    offset: u8,
}

/// The levels of a scheme, and what is added to store them.
#[derive(Clone, Copy)]
pub(super) struct Levels {
    pub(super) lowest: f32,
    pub(super) highest: f32,
    pub(super) offset: u8,
}

impl<const SYMMETRIC: bool> Uniform<SYMMETRIC> {
    #[inline(always)]
    pub(super) fn new(levels: Levels, scale: f32, zero: f32) -> Self {
        let Levels { lowest, highest, offset } = levels;
        Uniform { scale, inverse: 1.0 / scale, zero, lowest, highest, offset }
    }
}

impl<const SYMMETRIC: bool> Codec for Uniform<SYMMETRIC> {
    #[inline(always)]
    fn code(self, x: F32s) -> Coded {
        let scaled = x.map(|x| {
            let scaled = if SYMMETRIC { x * self.inverse } else { x * self.inverse + self.zero };
            most(least(scaled, self.highest), self.lowest)
        });
        let shifted = scaled.map(|scaled| scaled + MAGIC);
        let level = shifted.map(|shifted| shifted - MAGIC);
        let value = level.map(|level| {
            if SYMMETRIC { level * self.scale } else { (level - self.zero) * self.scale }
        });
        let mut code = [0; LANES];
        for lane in 0..LANES {
            code[lane] = (shifted.0[lane].to_bits() as u8).wrapping_add(self.offset);
        }
        Coded { level, value, code }
    }

    #[inline(always)]
    fn scale(self) -> f32 {
        self.scale
    }
}

/// The code book of NF4.
#[derive(Clone, Copy)]
pub(super) struct Nf4 {
    scale: f32,
    inverse: f32,
}

impl Nf4 {
    #[inline(always)]
    pub(super) fn new(scale: f32) -> Self {
        Nf4 { scale, inverse: 1.0 / scale }
    }
}

impl Codec for Nf4 {
    #[inline(always)]
    fn code(self, x: F32s) -> Coded {
        let scaled = x.map(|x| x * self.inverse);
        let mut level = F32s::splat(NF4[0]);
        let mut count = [0u32; LANES];
        for step in 0..NF4_LIMITS.len() {
            for lane in 0..LANES {
                let above = scaled.0[lane] > NF4_LIMITS[step];
                level.0[lane] = if above { NF4[step + 1] } else { level.0[lane] };
                count[lane] += u32::from(above);
            }
        }
        Coded {
            level,
            value: level.map(|level| level * self.scale),
            code: count.map(|count| count as u8),
        }
    }

    #[inline(always)]
    fn scale(self) -> f32 {
        self.scale
    }
}
