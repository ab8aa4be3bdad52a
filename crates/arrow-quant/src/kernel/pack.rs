//! Codes to bytes, low bits first, and back.

use super::lanes::BLOCK;

/// Packs the first `count` codes; the bits after the last one are zero.
#[inline(always)]
pub(super) fn pack<const BITS: usize>(codes: &mut [u8; BLOCK], count: usize, packed: &mut [u8]) {
    let per_byte = 8 / BITS;
    codes[count..count.next_multiple_of(per_byte)].fill(0);
    // A word holds the codes of one byte, one in each of its bytes; the shifts bring them together.
    match BITS {
        8 => packed.copy_from_slice(&codes[..count]),
        4 => {
            for (byte, pair) in packed.iter_mut().zip(codes.as_chunks::<2>().0) {
                let word = u16::from_le_bytes(*pair);
                *byte = (word | word >> 4) as u8;
            }
        }
        _ => {
            for (byte, four) in packed.iter_mut().zip(codes.as_chunks::<4>().0) {
                let word = u32::from_le_bytes(*four);
                *byte = (word | word >> 6 | word >> 12 | word >> 18) as u8;
            }
        }
    }
}

/// Code `index` of a row.
#[inline(always)]
pub(super) fn code_at(packed: &[u8], bits: usize, index: usize) -> u8 {
    let per_byte = 8 / bits;
    let shift = index % per_byte * bits;
    // At eight bits the mask is all ones.
    (packed[index / per_byte] >> shift) & (0xff >> (8 - bits))
}
