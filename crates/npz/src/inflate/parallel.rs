//! Inflating a whole stream with several threads.
//!
//! It goes in rounds. In each, one thread leads: it decodes to bytes from where the last round ended.
//! The others decode shares of what follows to numbers. Then the shares that fit together become
//! bytes.

use crc32fast::Hasher;
use rayon::prelude::*;

use super::decode::{HISTORY, Inflate, Pause, Unit};
use super::find::find;
use crate::buffer::Buffer;
use crate::deflate::Inflater;
use crate::header::read_up_to;
use crate::source::Source;

/// Streams shorter than this are read by one thread. What is fuzzed is always short.
const LEAST: u64 = if cfg!(fuzzing) { 1 } else { 512 << 10 };

/// The most bytes of the stream in a share: enough that finding its start costs little.
const LARGEST_SHARE: u64 = 1 << 20;
/// A share is not smaller than this, which is a few blocks.
const SMALLEST_SHARE: u64 = if cfg!(fuzzing) { 16 } else { 64 << 10 };

/// A share has about so many numbers, if the whole stream is compressed alike, and room for half as
/// many more.
const NUMBERS: u64 = 8 << 20;

/// More threads than this would need much memory for their numbers.
const MOST_THREADS: usize = 16;

/// What is read behind the shares, so that the block in which the last one ends is complete.
const BEHIND: u64 = 256 << 10;

/// What one thread turns into bytes and sums at a time.
const PIECE: usize = 256 << 10;

/// Inflates the `compressed` bytes of a member from `start` on into `head`, its npy header, and
/// `data`, and gives the checksum of both.
///
/// None when one thread does it as well, or something is wrong, which reading in order will tell.
pub(crate) fn inflate<S: Source>(
    source: &S,
    start: u64,
    compressed: u64,
    head: &mut [u8],
    data: &mut [u8],
) -> Option<Hasher> {
    let sum = inflate_in_rounds(source, start, compressed, head, data)?;
    if cfg!(fuzzing) {
        let mut in_order = Inflater::new(source, start, compressed);
        let mut again = vec![0; head.len() + data.len() + 1];
        assert_eq!(read_up_to(&mut in_order, &mut again).ok(), Some(again.len() - 1));
        assert!(again.starts_with(head) && again[head.len()..].starts_with(data));
        assert!(in_order.is_complete());
    }
    Some(sum)
}

fn inflate_in_rounds<S: Source>(
    source: &S,
    start: u64,
    compressed: u64,
    head: &mut [u8],
    data: &mut [u8],
) -> Option<Hasher> {
    let threads = rayon::current_num_threads().min(MOST_THREADS);
    if threads < 2 || compressed < LEAST {
        return None;
    }
    let mut stream = Stream { source, start, compressed, buffer: Buffer::zeroed(0).ok()? };
    let plan = Plan::new(threads, compressed, data.len() as u64);
    let mut shares =
        (1..threads).map(|_| Share::new(plan.numbers)).collect::<Option<Vec<Share>>>()?;
    let mut sum = Hasher::new();
    let (mut bit, mut filled) = (0, 0);
    loop {
        let (byte, odd) = (bit / 8, bit % 8);
        let input = stream.window(byte, plan.window(threads))?;
        let (decoder, at) = if bit == 0 {
            let mut decoder = Inflate::new();
            let at = fill_head(&mut decoder, input, head)?;
            sum.update(head);
            (decoder, at)
        } else {
            (Inflate::at_bit(*input.first()?, odd as u32), 1)
        };
        let end = |index: usize| odd + (plan.lead + index as u64 * plan.share) * 8;
        let (before, output) = (&*head, &mut *data);
        let (led, ()) = rayon::join(
            || decode(decoder, input, at, end(0), before, output, filled),
            || {
                shares
                    .par_iter_mut()
                    .enumerate()
                    .for_each(|(index, share)| share.decode(input, end(index), end(index + 1)));
            },
        );
        let led = led?;
        let (parts, end) = fitting(&shares, led, data);
        finish(&mut data[filled..end.filled], led.filled - filled, &parts, &mut sum);
        (bit, filled) = (byte * 8 + end.bit, end.filled);
        if end.is_last {
            return (bit == compressed * 8 && filled == data.len()).then_some(sum);
        }
    }
}

/// How much is done in a round.
struct Plan {
    /// Bytes of the stream in a share.
    share: u64,
    /// Bytes of the stream for the thread that leads. It has no block to look for and nothing to turn
    /// into bytes afterwards, so it gets more.
    lead: u64,
    /// The most numbers of a share.
    numbers: usize,
}

impl Plan {
    fn new(threads: usize, compressed: u64, size: u64) -> Plan {
        let ratio = size.div_ceil(compressed).max(1);
        let share = (compressed / (2 * threads as u64))
            .min(LARGEST_SHARE)
            .min(NUMBERS / ratio)
            .max(SMALLEST_SHARE);
        let numbers = (share.saturating_mul(ratio)).min(NUMBERS);
        Plan { share, lead: share + share / 8, numbers: (numbers + numbers / 2) as usize }
    }

    /// How many bytes of the stream a round looks at.
    fn window(&self, threads: usize) -> u64 {
        self.lead + (threads as u64 - 1) * self.share + BEHIND
    }
}

/// The bytes of a member.
struct Stream<'a, S> {
    source: &'a S,
    start: u64,
    compressed: u64,
    /// What was read, unless it is in memory anyway.
    buffer: Buffer,
}

impl<S: Source> Stream<'_, S> {
    /// The stream from `byte` on: at least `length` bytes, or up to its end.
    fn window(&mut self, byte: u64, length: u64) -> Option<&[u8]> {
        let left = self.compressed.checked_sub(byte)?;
        if let Some(all) = self.source.in_memory() {
            let from = usize::try_from(self.start + byte).ok()?;
            return all.get(from..from.checked_add(usize::try_from(left).ok()?)?);
        }
        let length = usize::try_from(left.min(length)).ok()?;
        if self.buffer.len() < length {
            self.buffer = Buffer::zeroed(length).ok()?;
        }
        self.source.read_exact_at(&mut self.buffer[..length], self.start + byte).ok()?;
        Some(&self.buffer[..length])
    }
}

/// Decodes the first bytes, which are not part of the array. How much input that took.
fn fill_head(decoder: &mut Inflate, input: &[u8], head: &mut [u8]) -> Option<usize> {
    let (mut at, mut filled) = (0, 0);
    loop {
        let progress = decoder.run(&input[at..], &[], head, filled).ok()?;
        at += progress.used;
        filled = progress.filled;
        match progress.pause {
            Pause::OutputFull => return Some(at),
            Pause::Start => {}
            Pause::Ended => return None,
        }
    }
}

/// Where decoding came to: a bit of the input, after which a block starts, and units of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct End {
    bit: u64,
    filled: usize,
    /// Whether the stream ends there.
    is_last: bool,
}

/// Decodes blocks from byte `at` of the input on, until one starts at or after bit `stop`, the stream
/// ends, or something is in the way. None when not even one block is complete.
fn decode<T: Unit>(
    mut decoder: Inflate,
    input: &[u8],
    mut at: usize,
    stop: u64,
    before: &[T],
    output: &mut [T],
    mut filled: usize,
) -> Option<End> {
    let mut complete = None;
    while let Ok(progress) = decoder.run(&input[at..], before, output, filled) {
        at += progress.used;
        filled = progress.filled;
        if progress.pause == Pause::OutputFull {
            break;
        }
        let bit = at as u64 * 8 - u64::from(decoder.spare_bits());
        let is_last = progress.pause == Pause::Ended;
        complete = Some(End { bit, filled, is_last });
        if is_last || bit >= stop {
            break;
        }
    }
    complete
}

/// A share of the stream, decoded without knowing what lies before it.
struct Share {
    /// 16-bit numbers: [`HISTORY`] ones that stand for the bytes before, and then what was decoded.
    numbers: Buffer,
    /// The bit at which it starts, and where it ends.
    found: Option<(u64, End)>,
}

impl Share {
    fn new(most: usize) -> Option<Share> {
        let mut numbers = Buffer::zeroed((HISTORY + most) * 2).ok()?;
        let history = bytemuck::cast_slice_mut::<u8, u16>(&mut numbers[..HISTORY * 2]);
        for (place, number) in history.iter_mut().enumerate() {
            *number = 256 + place as u16;
        }
        Some(Share { numbers, found: None })
    }

    /// Decodes from the first block between the bits `from` and `to` on.
    fn decode(&mut self, input: &[u8], from: u64, to: u64) {
        let numbers = bytemuck::cast_slice_mut::<u8, u16>(&mut self.numbers);
        self.found = find(input, from, to).and_then(|(start, decoder)| {
            let at = (start / 8) as usize + 1;
            let end = decode(decoder, input, at, to, &[], numbers, HISTORY)?;
            Some((start, end))
        });
    }

    fn numbers(&self, end: End) -> &[u16] {
        &bytemuck::cast_slice(&self.numbers)[HISTORY..end.filled]
    }
}

/// Numbers to be turned into bytes, and the bytes before them.
struct Part<'a> {
    window: Vec<u8>,
    numbers: &'a [u16],
}

/// The shares that fit together: each starts where the one before ended, the first where `led` did.
/// And where the last of them ends.
fn fitting<'a>(shares: &'a [Share], led: End, data: &[u8]) -> (Vec<Part<'a>>, End) {
    let mut parts: Vec<Part<'a>> = Vec::new();
    let mut end = led;
    for share in shares {
        let Some((start, found)) = share.found else { break };
        let numbers = share.numbers(found);
        let fits = start == end.bit && !end.is_last && numbers.len() <= data.len() - end.filled;
        if !fits || led.filled < HISTORY {
            break;
        }
        let window = match parts.last() {
            None => data[led.filled - HISTORY..led.filled].to_vec(),
            Some(part) => part.next_window(),
        };
        parts.push(Part { window, numbers });
        end = End { filled: end.filled + numbers.len(), ..found };
    }
    (parts, end)
}

impl Part<'_> {
    /// The last bytes of the window and the numbers.
    fn next_window(&self) -> Vec<u8> {
        let tail = &self.numbers[self.numbers.len().saturating_sub(HISTORY)..];
        let mut next = self.window[tail.len()..].to_vec();
        next.extend(tail.iter().map(|&number| to_byte(&self.window, number)));
        next
    }
}

fn to_byte(window: &[u8], number: u16) -> u8 {
    match usize::from(number).checked_sub(256) {
        None => number as u8,
        Some(place) => window[place],
    }
}

fn to_bytes(window: &[u8], numbers: &[u16], bytes: &mut [u8]) {
    for (numbers, bytes) in numbers.chunks(32).zip(bytes.chunks_mut(32)) {
        // Most are bytes already, which many can be told of at once.
        if numbers.iter().fold(0, |all, number| all | number) < 256 {
            for (byte, number) in bytes.iter_mut().zip(numbers) {
                *byte = *number as u8;
            }
        } else {
            for (byte, number) in bytes.iter_mut().zip(numbers) {
                *byte = to_byte(window, *number);
            }
        }
    }
}

/// Turns the numbers of `parts` into the bytes after the first `done` ones of `bytes`, and adds all
/// of them to `sum`.
fn finish(bytes: &mut [u8], done: usize, parts: &[Part<'_>], sum: &mut Hasher) {
    let (ready, mut rest) = bytes.split_at_mut(done);
    let mut work: Vec<(&mut [u8], &[u8], &[u16])> =
        ready.chunks_mut(PIECE).map(|bytes| (bytes, [].as_slice(), [].as_slice())).collect();
    for part in parts {
        let (bytes, behind) = rest.split_at_mut(part.numbers.len());
        rest = behind;
        let pieces = bytes.chunks_mut(PIECE).zip(part.numbers.chunks(PIECE));
        work.extend(pieces.map(|(bytes, numbers)| (bytes, part.window.as_slice(), numbers)));
    }
    let sums: Vec<Hasher> = work
        .into_par_iter()
        .map(|(bytes, window, numbers)| {
            to_bytes(window, numbers, bytes);
            let mut sum = Hasher::new();
            sum.update(bytes);
            sum
        })
        .collect();
    sums.iter().for_each(|part| sum.combine(part));
}

#[cfg(test)]
pub(super) mod tests {
    use rayon::{ThreadPool, ThreadPoolBuilder};
    use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Status};

    use super::*;

    /// One deflate stream, as other writers make it.
    pub(crate) fn stream(data: &[u8], level: i32) -> Vec<u8> {
        let config = DeflateConfig { level, window_bits: -15, ..DeflateConfig::default() };
        let mut deflate = Deflate::new_with_config(config);
        let mut stream = vec![0; data.len() * 2 + 1000];
        let status = deflate.compress(data, &mut stream, DeflateFlush::Finish).unwrap();
        assert_eq!(status, Status::StreamEnd);
        stream.truncate(deflate.total_out() as usize);
        stream
    }

    /// A walk, as measured values are: compressed to a fifth, with repetitions from far back.
    pub(crate) fn walk(count: usize) -> Vec<u8> {
        let (mut state, mut value) = (1u32, 0i32);
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            value += (state >> 29) as i32 - 3;
            (value as f32).to_le_bytes()
        };
        (0..count).flat_map(|_| next()).collect()
    }

    fn pool(threads: usize) -> ThreadPool {
        ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    /// The data, if several threads could decode it.
    fn inflated(stream: &[u8], head: usize, size: usize, threads: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; size];
        let (head, data) = bytes.split_at_mut(head);
        let length = stream.len() as u64;
        let sum = pool(threads).install(|| inflate(&stream, 0, length, head, data))?;
        assert_eq!(sum.finalize(), crc32fast::hash(&bytes));
        Some(bytes)
    }

    #[test]
    fn threads_decode_what_was_compressed() {
        let data = walk(2 << 20);
        for level in [1, 4, 6, 9] {
            let stream = stream(&data, level);
            for threads in [2, 3, 7] {
                let got = inflated(&stream, 128, data.len(), threads);
                assert!(got.as_deref() == Some(&*data), "level {level}, {threads} threads");
            }
        }
    }

    #[test]
    fn a_source_that_is_not_in_memory_is_read_in_windows() {
        struct Elsewhere(Vec<u8>);
        impl Source for Elsewhere {
            fn length(&self) -> u64 {
                self.0.len() as u64
            }
            fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
                self.0.read_exact_at(buffer, offset)
            }
        }
        let data = walk(2 << 20);
        let source = Elsewhere(stream(&data, 6));
        let mut bytes = vec![0; data.len()];
        let (head, rest) = bytes.split_at_mut(80);
        pool(2).install(|| inflate(&source, 0, source.length(), head, rest)).unwrap();
        assert!(bytes == data);
    }

    #[test]
    fn parts_that_are_compressed_otherwise_do_not_matter() {
        // Noise and long runs: blocks of many sizes, shares that inflate beyond their room.
        let mut data = walk(500_000);
        let mut state = 7u32;
        for _ in 0..700_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            data.extend_from_slice(&state.to_le_bytes()[2..]);
        }
        data.extend(vec![5; 9_000_000]);
        data.extend(walk(700_000));
        let stream = stream(&data, 6);
        assert!(inflated(&stream, 128, data.len(), 3).is_some_and(|got| got == data));
    }

    #[test]
    fn streams_that_are_wrong_are_left_to_others() {
        let data = walk(1 << 20);
        let good = stream(&data, 6);
        assert!(inflated(&good, 128, data.len() - 1, 2).is_none());
        assert!(inflated(&good, 128, data.len() + 1, 2).is_none());
        assert!(inflated(&good[..good.len() - 1], 128, data.len(), 2).is_none());
        let mut longer = good.clone();
        longer.push(0);
        assert!(inflated(&longer, 128, data.len(), 2).is_none());
        assert!(inflated(&good, 128, data.len(), 1).is_none());
        for place in (0..good.len()).step_by(good.len() / 40) {
            let mut damaged = good.clone();
            damaged[place] ^= 0x10;
            let got = inflated(&damaged, 128, data.len(), 2);
            assert!(got.is_none_or(|got| got != data), "byte {place}");
        }
    }
}
