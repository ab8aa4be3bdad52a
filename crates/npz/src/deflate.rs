//! Deflate: streams read in order, and streams made of chunks that are written and read in parallel.
//!
//! A chunk is one or more complete deflate blocks that end at a byte and refer to nothing before
//! them, so that chunks one after another are one ordinary deflate stream for every reader.

use std::io::{self, Read};

use crc32fast::Hasher;
use rayon::prelude::*;
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateFlush, Status, Strategy};

use crate::error::{Error, ErrorKind, Result};
use crate::source::{Section, Source};
use crate::transfer::PIECE;

/// The data of a chunk, at least. Longer arrays have longer chunks, so that the list of chunks fits
/// into the directory of the archive.
const CHUNK: usize = 1 << 20;

/// The most chunks of which the list fits into an extra field beside what else may be there.
const MAX_CHUNKS: usize = 15_000;

/// What follows the last chunk: an empty block that is the last one.
pub(crate) const LAST_BLOCK: [u8; 2] = [3, 0];

/// A block of stored data is at most this long.
const STORED_BLOCK: usize = 65_535;

/// How many bytes are tried to decide how to compress.
const SAMPLE: usize = 64 << 10;

/// Deflate cannot make data smaller than this fraction of what they are.
const MAX_INFLATION: u64 = 1032;

/// Whether `compressed` bytes could inflate to `size` bytes at all.
pub(crate) fn is_possible(compressed: u64, size: u64) -> bool {
    size <= compressed.saturating_add(2).saturating_mul(MAX_INFLATION)
}

/// How much data each chunk of an array of `size` bytes has.
pub(crate) fn chunk_length(size: usize) -> usize {
    let mut length = CHUNK;
    while size.div_ceil(length) > MAX_CHUNKS {
        length *= 2;
    }
    length
}

fn bad_deflate(reason: impl Into<String>) -> Error {
    ErrorKind::BadDeflate { reason: reason.into() }.into()
}

/// A deflate stream, inflated in order.
pub(crate) struct Inflater<'a, S> {
    section: Section<'a, S>,
    inflate: Inflate,
    /// Compressed bytes that were read, unless they are in memory anyway.
    buffer: Vec<u8>,
    /// The part of the compressed bytes that is not used yet.
    pending: std::ops::Range<usize>,
    /// All compressed bytes, when they are in memory.
    all: Option<&'a [u8]>,
    ended: bool,
}

impl<'a, S: Source> Inflater<'a, S> {
    pub(crate) fn new(source: &'a S, start: u64, compressed: u64) -> Self {
        let all = source.in_memory().and_then(|bytes| {
            let start = usize::try_from(start).ok()?;
            bytes.get(start..start.checked_add(usize::try_from(compressed).ok()?)?)
        });
        Inflater {
            section: Section::new(source, start, compressed),
            inflate: Inflate::new(false, 15),
            buffer: Vec::new(),
            pending: 0..all.map_or(0, <[u8]>::len),
            all,
            ended: false,
        }
    }

    /// Whether the stream ended, and used all its bytes.
    pub(crate) fn is_complete(&self) -> bool {
        self.ended
            && self.pending.is_empty()
            && (self.all.is_some() || self.section.remaining() == 0)
    }

    fn refill(&mut self) -> io::Result<()> {
        if !self.pending.is_empty() || self.all.is_some() || self.section.remaining() == 0 {
            return Ok(());
        }
        let wanted = usize::try_from(self.section.remaining()).unwrap_or(PIECE).min(PIECE);
        self.buffer.resize(wanted, 0);
        self.section.read_exact(&mut self.buffer)?;
        self.pending = 0..wanted;
        Ok(())
    }
}

impl<S: Source> Read for Inflater<'_, S> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !output.is_empty() {
            self.refill()?;
            let input = &self.all.unwrap_or(&self.buffer)[self.pending.clone()];
            let starved = input.is_empty();
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(input, output, InflateFlush::NoFlush)
                .map_err(|error| bad_deflate(error.as_str()))?;
            self.pending.start += (self.inflate.total_in() - before_in) as usize;
            let produced = (self.inflate.total_out() - before_out) as usize;
            self.ended = status == Status::StreamEnd;
            if produced > 0 {
                return Ok(produced);
            }
            if starved && !self.ended {
                return Err(bad_deflate("the data end within a block").into());
            }
        }
        Ok(0)
    }
}

/// The places where decoding of a member can start, as this crate writes them into the directory:
/// the mark, the length of the data of a chunk, the compressed length of the chunk with the npy
/// header, and the compressed length of each chunk of data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunks {
    pub(crate) length: usize,
    pub(crate) header: u32,
    pub(crate) data: Vec<u32>,
}

const MARK: &[u8; 4] = b"npz1";

impl Chunks {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = MARK.to_vec();
        bytes.extend_from_slice(&(self.length as u32).to_le_bytes());
        bytes.extend_from_slice(&self.header.to_le_bytes());
        self.data.iter().for_each(|length| bytes.extend_from_slice(&length.to_le_bytes()));
        bytes
    }

    /// The list for a member with `compressed` bytes and an array of `size` bytes, if it fits both.
    pub(crate) fn decode(bytes: &[u8], compressed: u64, size: usize) -> Option<Chunks> {
        let (numbers, []) = bytes.strip_prefix(MARK)?.as_chunks::<4>() else { return None };
        let mut numbers = numbers.iter().map(|number| u32::from_le_bytes(*number));
        let length = usize::try_from(numbers.next()?).ok().filter(|&length| length >= CHUNK)?;
        let (header, data) = (numbers.next()?, numbers.collect::<Vec<u32>>());
        let total: u64 = data.iter().map(|&length| u64::from(length)).sum();
        let fits = data.len() == size.div_ceil(length)
            && total + u64::from(header) + LAST_BLOCK.len() as u64 == compressed;
        fits.then_some(Chunks { length, header, data })
    }

    /// The checksum of the npy header of `length` bytes, which is a chunk of its own.
    ///
    /// # Errors
    /// When it is not as listed.
    pub(crate) fn inflate_header<S: Source>(
        &self,
        source: &S,
        start: u64,
        length: usize,
    ) -> Result<Hasher> {
        let mut compressed = vec![0; longest(length).min(self.header as usize)];
        source.read_exact_at(&mut compressed, start)?;
        inflate_chunk(&compressed, &mut vec![0; length])
    }

    /// Inflates all chunks of data in parallel into `output`, and adds the data to `hasher`.
    ///
    /// # Errors
    /// When something is not as listed; the stream may still be fine when it is read in order.
    pub(crate) fn inflate<S: Source>(
        &self,
        source: &S,
        start: u64,
        output: &mut [u8],
        hasher: &mut Hasher,
    ) -> Result<()> {
        let mut at = start + u64::from(self.header);
        let mut places = Vec::with_capacity(self.data.len());
        for &length in &self.data {
            places.push((at, length as usize));
            at += u64::from(length);
        }
        let mut last = LAST_BLOCK;
        source.read_exact_at(&mut last, at)?;
        if last != LAST_BLOCK {
            return Err(bad_deflate("another block follows the listed chunks"));
        }
        let parts = output
            .par_chunks_mut(self.length)
            .zip(places)
            .map(|(data, (at, length))| {
                let mut compressed = Vec::new();
                let input = match source.in_memory().and_then(|all| slice(all, at, length)) {
                    Some(input) => input,
                    None => {
                        if length > longest(data.len()) {
                            return Err(bad_deflate("a listed chunk is too long"));
                        }
                        compressed.resize(length, 0);
                        source.read_exact_at(&mut compressed, at)?;
                        &compressed
                    }
                };
                inflate_chunk(input, data)
            })
            .collect::<Result<Vec<Hasher>>>()?;
        parts.iter().for_each(|part| hasher.combine(part));
        Ok(())
    }
}

/// A chunk is never much longer than its data, so a longer one need not be read.
fn longest(length: usize) -> usize {
    length + length / 8 + 4096
}

fn slice(all: &[u8], at: u64, length: usize) -> Option<&[u8]> {
    let start = usize::try_from(at).ok()?;
    all.get(start..start.checked_add(length)?)
}

/// Inflates a chunk that has to fill `output` exactly.
fn inflate_chunk(mut input: &[u8], output: &mut [u8]) -> Result<Hasher> {
    let mut inflate = Inflate::new(false, 15);
    let mut hasher = Hasher::new();
    let mut step = |input: &mut &[u8], output: &mut [u8]| -> Result<(usize, Status)> {
        let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
        let status = inflate
            .decompress(input, output, InflateFlush::NoFlush)
            .map_err(|error| bad_deflate(error.as_str()))?;
        *input = &input[(inflate.total_in() - before_in) as usize..];
        Ok(((inflate.total_out() - before_out) as usize, status))
    };
    // Piece by piece, so that the checksum finds the data in the processor's cache.
    for piece in output.chunks_mut(PIECE) {
        let mut filled = 0;
        while filled < piece.len() {
            let (produced, status) = step(&mut input, &mut piece[filled..])?;
            if produced == 0 || (status == Status::StreamEnd && filled + produced < piece.len()) {
                return Err(bad_deflate("a listed chunk is too short"));
            }
            filled += produced;
        }
        hasher.update(piece);
    }
    // All of the chunk must be used without more data, and it must end between two blocks: then
    // the empty last block ends the stream. Otherwise reading in order could give other data.
    let mut nothing = [0; 1];
    let (produced, status) = step(&mut input, &mut nothing)?;
    if produced > 0 || !input.is_empty() || status == Status::StreamEnd {
        return Err(bad_deflate("a listed chunk is too long"));
    }
    let (produced, status) = step(&mut LAST_BLOCK.as_slice(), &mut nothing)?;
    if produced > 0 || status != Status::StreamEnd {
        return Err(bad_deflate("a listed chunk ends within a block"));
    }
    Ok(hasher)
}

/// A compressed chunk, and the checksum of its data.
pub(crate) struct Chunk {
    pub(crate) compressed: Vec<u8>,
    pub(crate) sum: Hasher,
}

/// Compresses data in chunks of `length` bytes, in parallel. The result does not depend on how many
/// processors there are.
pub(crate) fn deflate(data: &[u8], length: usize, level: u8) -> Result<Vec<Chunk>> {
    data.par_chunks(length).map(|data| deflate_chunk(data, level)).collect()
}

pub(crate) fn deflate_chunk(data: &[u8], level: u8) -> Result<Chunk> {
    let mut sum = Hasher::new();
    sum.update(data);
    let mut compressed = run(data, level, strategy(data, level)?)?;
    if compressed.len() >= stored_length(data.len()) {
        compressed = stored(data);
    }
    Ok(Chunk { compressed, sum })
}

/// Whether looking for repetitions pays. In noise there are none: the bytes are only more or less
/// frequent, and giving them codes by frequency alone is several times faster and no larger.
fn strategy(data: &[u8], level: u8) -> Result<Strategy> {
    if data.len() < 4 * SAMPLE {
        return Ok(Strategy::Default);
    }
    let middle = data.len() / 2;
    let sample = &data[middle..middle + SAMPLE / 2];
    let codes_only = run(sample, level, Strategy::HuffmanOnly)?.len();
    // The lowest level finds nearly every repetition that matters for this question.
    let with_search = run(sample, level.clamp(2, 4), Strategy::Default)?.len();
    let no_larger = codes_only <= with_search + with_search / 256;
    Ok(if no_larger { Strategy::HuffmanOnly } else { Strategy::Default })
}

/// Compresses into blocks that end at a byte.
fn run(data: &[u8], level: u8, strategy: Strategy) -> Result<Vec<u8>> {
    let mut deflate = Deflate::new_with_config(DeflateConfig {
        level: i32::from(level.clamp(1, 9)),
        window_bits: -15,
        mem_level: 9,
        strategy,
        ..DeflateConfig::default()
    });
    // Some levels make noise larger than any bound of the format's, so the room can grow.
    let mut compressed = vec![0; data.len() + data.len() / 8 + 256];
    loop {
        let consumed = deflate.total_in() as usize;
        let filled = deflate.total_out() as usize;
        deflate
            .compress(&data[consumed..], &mut compressed[filled..], DeflateFlush::SyncFlush)
            .map_err(|error| bad_deflate(error.as_str()))?;
        let filled = deflate.total_out() as usize;
        // Room that is left means that the flush is complete.
        if deflate.total_in() as usize == data.len() && filled < compressed.len() {
            compressed.truncate(filled);
            return Ok(compressed);
        }
        let room = compressed.len();
        compressed.resize(room * 2, 0);
    }
}

fn stored_length(length: usize) -> usize {
    length + 5 * length.div_ceil(STORED_BLOCK)
}

/// The data in stored blocks, none of them the last.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut blocks = Vec::with_capacity(stored_length(data.len()));
    for piece in data.chunks(STORED_BLOCK) {
        let length = piece.len() as u16;
        blocks.push(0);
        blocks.extend_from_slice(&length.to_le_bytes());
        blocks.extend_from_slice(&(!length).to_le_bytes());
        blocks.extend_from_slice(piece);
    }
    blocks
}

/// Whether compressing is worth it: samples all over the data lose at least a tenth.
///
/// The samples are at least a thousandth of the data, so what they save is more than what stored
/// blocks can cost elsewhere.
pub(crate) fn is_worth_it(data: &[u8]) -> Result<bool> {
    let count = (data.len() / (SAMPLE << 10)).max(8);
    let samples: Vec<&[u8]> = if data.len() <= count * SAMPLE {
        data.chunks(SAMPLE).collect()
    } else {
        let step = (data.len() - SAMPLE) / (count - 1);
        (0..count).map(|index| &data[index * step..index * step + SAMPLE]).collect()
    };
    let total: usize = samples.iter().map(|sample| sample.len()).sum();
    let compressed = samples
        .par_iter()
        .map(|sample| run(sample, 2, Strategy::Default).map(|compressed| compressed.len()))
        .try_reduce(|| 0, |a, b| Ok(a + b))?;
    Ok(compressed < total - total / 10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 88_172_645_463_325_252u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        };
        (0..length).map(|_| next()).collect()
    }

    fn whole(data: &[u8], length: usize, level: u8) -> (Vec<u8>, Chunks) {
        let chunks = deflate(data, length, level).unwrap();
        let list = chunks.iter().map(|chunk| chunk.compressed.len() as u32).collect();
        let mut stream: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.compressed).collect();
        stream.extend(LAST_BLOCK);
        (stream, Chunks { length, header: 0, data: list })
    }

    fn in_order(stream: &[u8]) -> Result<Vec<u8>> {
        let mut inflater = Inflater::new(&stream, 0, stream.len() as u64);
        let mut data = Vec::new();
        inflater.read_to_end(&mut data)?;
        assert!(inflater.is_complete());
        Ok(data)
    }

    fn mixed() -> Vec<u8> {
        let mut data: Vec<u8> = (0..700_000u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
        data.extend(noise(1_500_000));
        data.extend(vec![0; 1_000_000]);
        data
    }

    #[test]
    fn chunks_are_one_stream_and_can_be_read_in_parallel() {
        let data = mixed();
        for level in 1..=9 {
            let (stream, chunks) = whole(&data, CHUNK, level);
            assert!(in_order(&stream).unwrap() == data, "level {level}");
            let mut output = vec![0; data.len()];
            let mut hasher = Hasher::new();
            chunks.inflate(&stream, 0, &mut output, &mut hasher).unwrap();
            assert!(output == data, "level {level}");
            assert_eq!(hasher.finalize(), crc32fast::hash(&data));
            let again = Chunks::decode(&chunks.encode(), stream.len() as u64, data.len()).unwrap();
            assert_eq!(again, chunks);
        }
    }

    #[test]
    fn noise_does_not_grow() {
        let data = noise(3 * CHUNK);
        let (stream, _) = whole(&data, CHUNK, 6);
        assert!(stream.len() <= stored_length(data.len()) + 3 * 5 + 2, "{}", stream.len());
        assert!(!is_worth_it(&data).unwrap());
        assert!(is_worth_it(&vec![0; 3 * CHUNK]).unwrap());
        assert!(!is_worth_it(&[]).unwrap());
    }

    #[test]
    fn wrong_lists_are_noticed() {
        let data = mixed();
        let (stream, chunks) = whole(&data, CHUNK, 6);
        let fails = |chunks: &Chunks| {
            let mut output = vec![0; data.len()];
            chunks.inflate(&stream, 0, &mut output, &mut Hasher::new()).is_err()
        };
        let mut moved = chunks.clone();
        moved.data[0] -= 1;
        moved.data[1] += 1;
        assert!(fails(&moved));
        moved.data[0] -= 4;
        moved.data[1] += 4;
        assert!(fails(&moved));
        let mut swapped = chunks.clone();
        swapped.data.swap(0, 3);
        assert!(fails(&swapped));
        let (size, whole) = (data.len(), stream.len() as u64);
        assert_eq!(Chunks::decode(&moved.encode(), whole + 1, size), None);
        assert_eq!(Chunks::decode(&chunks.encode(), whole, size + 4 * CHUNK), None);
        assert_eq!(Chunks::decode(&chunks.encode()[..7], whole, size), None);
        assert_eq!(Chunks::decode(b"", whole, size), None);
    }

    #[test]
    fn damaged_streams_are_errors() {
        let data = mixed();
        let (stream, _) = whole(&data, CHUNK, 6);
        assert!(in_order(&stream[..stream.len() - 2]).is_err());
        assert!(in_order(&stream[..1000]).is_err());
        assert!(in_order(&[]).is_err());
        assert!(in_order(&[7]).is_err());
    }

    proptest! {
        #[test]
        fn any_data_come_back(
            data in proptest::collection::vec(any::<u8>(), 0..2000),
            repeat in 1usize..50,
            level in 1u8..=9,
        ) {
            let data = data.repeat(repeat);
            let (stream, _) = whole(&data, CHUNK, level);
            prop_assert!(in_order(&stream).unwrap() == data);
        }

        #[test]
        fn no_stream_panics(stream in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut inflater = Inflater::new(&stream, 0, stream.len() as u64);
            let mut data = Vec::new();
            let _ = inflater.read_to_end(&mut data);
            let _ = inflate_chunk(&stream, &mut [0; 100]);
        }
    }
}
