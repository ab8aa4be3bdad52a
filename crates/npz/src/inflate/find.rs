//! Finding the header of a block in the middle of a deflate stream.

use super::decode::{Inflate, START};

/// The first bit from `from` on, before bit `to`, at which the header of a block with a code of its
/// own seems to start, and a decoder that stands there. Bits are counted from the start of `input`.
pub(super) fn find(input: &[u8], from: u64, to: u64) -> Option<(u64, Inflate)> {
    let bytes = usize::try_from(from / 8).ok()?..usize::try_from(to.div_ceil(8)).ok()?;
    let words = input.get(bytes.start..)?.windows(8).take(bytes.len());
    for (byte, word) in (bytes.start..).zip(words) {
        let &[first, second, ..] = word else { continue };
        // All eight bits of a byte are compared with the start of a header at once.
        let bits = u16::from_le_bytes([first, second]);
        let mut starts = (!bits & !(bits >> 1) & (bits >> 2)) as u8;
        while starts != 0 {
            let bit = starts.trailing_zeros();
            starts &= starts - 1;
            let place = byte as u64 * 8 + u64::from(bit);
            let word = word.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
            if !(from..to).contains(&place) || !may_start(word >> bit) {
                continue;
            }
            let decoder = || Inflate::at_bit(first, bit);
            if decoder().check_header(&input[byte + 1..]).is_ok() {
                return Some((place, decoder()));
            }
        }
    }
    None
}

/// Whether a header may start with these bits, of which at least 57 count. Of the places where none
/// does, all but one in some thousand are told here.
fn may_start(bits: u64) -> bool {
    let (lengths, distances, codes) = (bits >> 3 & 31, bits >> 8 & 31, bits >> 13 & 15);
    if bits & 7 != START || lengths > 29 || distances > 29 {
        return false;
    }
    // The code of the code lengths has to be complete: what its codes take of 128 adds up to that.
    // The last few lengths may lie behind the bits at hand.
    let at_hand = codes.min(9) + 4;
    let mut taken = 0;
    let mut widths = bits >> 17;
    for _ in 0..at_hand {
        taken += 128 >> (widths & 7) & 127;
        widths >>= 3;
    }
    taken == 128 || (taken < 128 && at_hand < codes + 4)
}

#[cfg(test)]
mod tests {
    use super::super::decode::Pause;
    use super::super::parallel::tests::{stream, walk};
    use super::*;

    /// Where blocks with a code of their own start, by decoding all that comes before.
    fn starts(stream: &[u8], size: usize) -> Vec<u64> {
        let mut decoder = Inflate::new();
        let mut output = vec![0u8; size];
        let (mut at, mut filled, mut starts) = (0, 0, Vec::new());
        loop {
            let progress = decoder.run(&stream[at..], &[], &mut output, filled).unwrap();
            at += progress.used;
            filled = progress.filled;
            if progress.pause == Pause::Ended {
                return starts;
            }
            starts.push(at as u64 * 8 - u64::from(decoder.spare_bits()));
        }
    }

    #[test]
    fn headers_are_found_where_they_are() {
        let data = walk(1 << 20);
        let stream = stream(&data, 6);
        let starts = starts(&stream, data.len());
        assert!(starts.len() > 10, "{} blocks", starts.len());
        let bits = stream.len() as u64 * 8;
        for pair in starts.windows(2) {
            assert_eq!(find(&stream, pair[0] + 1, bits).unwrap().0, pair[1]);
            assert_eq!(find(&stream, pair[0], bits).unwrap().0, pair[0]);
            assert!(find(&stream, pair[0] + 1, pair[1]).is_none());
        }
        assert!(find(&stream, bits, bits + 100).is_none());
        assert!(find(&stream, bits + 100, bits + 200).is_none());
    }
}
