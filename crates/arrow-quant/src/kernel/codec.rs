//! From numbers to codes and back, sixteen at a time.

use super::lanes::Lanes;

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

/// Half way between each value of NF4 and the next (above it, the next is nearer), as the nodes of a
/// binary search: the middle one, those of its halves, and so on.
const NF4_NODES: [[f32; 8]; 4] = {
    let mut nodes = [[0.0; 8]; 4];
    let mut level = 0;
    while level < 4 {
        let step = 16 >> level;
        let mut node = 0;
        while node < 1 << level {
            let next = node * step + step / 2;
            nodes[level][node] = 0.5 * (NF4[next - 1] + NF4[next]);
            node += 1;
        }
        level += 1;
    }
    nodes
};

/// Sixteen numbers as codes.
pub(super) struct Coded<L> {
    /// The levels: integers for uniform codes, values of the code book for NF4.
    pub(super) level: L,
    /// The numbers that come back.
    pub(super) value: L,
    /// Integers whose lowest byte, with the codec's offset, is the code.
    pub(super) code: L,
}

/// A way to code the numbers of a group, its scale chosen.
pub(super) trait Codec: Copy {
    fn code<L: Lanes>(self, x: L) -> Coded<L>;
    fn scale(self) -> f32;
    /// What is added to a code to store it.
    fn offset(self) -> u8;
}

/// Evenly spaced levels. Without zero point if `SYMMETRIC`.
#[derive(Clone, Copy)]
pub(super) struct Uniform<const SYMMETRIC: bool> {
    scale: f32,
    inverse: f32,
    pub(super) zero: f32,
    levels: Levels,
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
        Uniform { scale, inverse: 1.0 / scale, zero, levels }
    }
}

impl<const SYMMETRIC: bool> Codec for Uniform<SYMMETRIC> {
    #[inline(always)]
    fn code<L: Lanes>(self, x: L) -> Coded<L> {
        let zero = L::splat(self.zero);
        let scaled = x.mul(L::splat(self.inverse));
        let scaled = if SYMMETRIC { scaled } else { scaled.add(zero) };
        let within = scaled.least(L::splat(self.levels.highest)).most(L::splat(self.levels.lowest));
        let code = within.add(L::splat(MAGIC));
        let level = code.sub(L::splat(MAGIC));
        let steps = if SYMMETRIC { level } else { level.sub(zero) };
        Coded { level, value: steps.mul(L::splat(self.scale)), code }
    }

    #[inline(always)]
    fn scale(self) -> f32 {
        self.scale
    }

    #[inline(always)]
    fn offset(self) -> u8 {
        self.levels.offset
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
    fn code<L: Lanes>(self, x: L) -> Coded<L> {
        let code = x.mul(L::splat(self.inverse)).search(&NF4_NODES);
        let level = code.look_up(&NF4);
        Coded { level, value: level.mul(L::splat(self.scale)), code }
    }

    #[inline(always)]
    fn scale(self) -> f32 {
        self.scale
    }

    #[inline(always)]
    fn offset(self) -> u8 {
        0
    }
}
