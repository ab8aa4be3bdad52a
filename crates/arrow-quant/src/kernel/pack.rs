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

/// The codes of some bytes, the reverse of [`pack`].
#[inline(always)]
pub(super) fn unpack<const BITS: usize>(packed: &[u8], codes: &mut [u8; BLOCK]) {
    match BITS {
        8 => codes[..packed.len()].copy_from_slice(packed),
        4 => {
            for (byte, pair) in packed.iter().zip(codes.as_chunks_mut::<2>().0) {
                let word = u16::from(*byte);
                *pair = ((word | word << 4) & 0x0f0f).to_le_bytes();
            }
        }
        _ => {
            for (byte, four) in packed.iter().zip(codes.as_chunks_mut::<4>().0) {
                let word = u32::from(*byte);
                let word = word | word << 6 | word << 12 | word << 18;
                *four = (word & 0x0303_0303).to_le_bytes();
            }
        }
    }
}
