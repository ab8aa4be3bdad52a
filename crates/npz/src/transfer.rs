//! Large reads: in parallel, with the checksum on the way.

use std::io;

use crc32fast::Hasher;
use rayon::prelude::*;

use crate::source::Source;

/// A piece that stays in the processor's cache between the copy and the checksum.
pub(crate) const PIECE: usize = 256 << 10;

/// What one thread reads at a time; a multiple of a huge page, so that no two share one.
const SHARE: usize = 8 << 20;

/// Fills `buffer` from `offset` on.
pub(crate) fn read(source: &impl Source, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    if buffer.len() < 2 * SHARE {
        return source.read_exact_at(buffer, offset);
    }
    buffer
        .par_chunks_mut(SHARE)
        .enumerate()
        .try_for_each(|(index, share)| source.read_exact_at(share, offset + (index * SHARE) as u64))
}

/// Fills `buffer` from `offset` on and adds its bytes to `hasher`.
pub(crate) fn read_summed(
    source: &impl Source,
    buffer: &mut [u8],
    offset: u64,
    hasher: &mut Hasher,
) -> io::Result<()> {
    let one = |share: &mut [u8], offset: u64| -> io::Result<Hasher> {
        let mut hasher = Hasher::new();
        let mut at = offset;
        for piece in share.chunks_mut(PIECE) {
            source.read_exact_at(piece, at)?;
            hasher.update(piece);
            at += piece.len() as u64;
        }
        Ok(hasher)
    };
    if buffer.len() < 2 * SHARE {
        hasher.combine(&one(buffer, offset)?);
        return Ok(());
    }
    let parts = buffer
        .par_chunks_mut(SHARE)
        .enumerate()
        .map(|(index, share)| one(share, offset + (index * SHARE) as u64))
        .collect::<io::Result<Vec<Hasher>>>()?;
    parts.iter().for_each(|part| hasher.combine(part));
    Ok(())
}

/// The checksum of `bytes`.
pub(crate) fn sum(bytes: &[u8], hasher: &mut Hasher) {
    if bytes.len() < 2 * SHARE {
        hasher.update(bytes);
        return;
    }
    let parts: Vec<Hasher> = bytes
        .par_chunks(SHARE)
        .map(|share| {
            let mut hasher = Hasher::new();
            hasher.update(share);
            hasher
        })
        .collect();
    parts.iter().for_each(|part| hasher.combine(part));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        let data: Vec<u8> = (0..3 * SHARE + 12345).map(|i| (i % 251) as u8).collect();
        let mut whole = Hasher::new();
        whole.update(&data[7..]);
        let mut shares = Hasher::new();
        let mut copy = vec![0; data.len() - 7];
        read_summed(&data, &mut copy, 7, &mut shares).unwrap();
        assert_eq!(copy, data[7..]);
        let mut summed = Hasher::new();
        sum(&copy, &mut summed);
        copy.fill(0);
        read(&data, &mut copy, 7).unwrap();
        assert_eq!(copy, data[7..]);
        let whole = whole.finalize();
        assert_eq!((shares.finalize(), summed.finalize()), (whole, whole));
        assert!(read(&data, &mut copy, 8).is_err());
    }
}
