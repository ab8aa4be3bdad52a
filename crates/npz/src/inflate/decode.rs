//! Decoding of one deflate stream (RFC 1951) by table, eight bytes of input at a time.
//!
//! The output is bytes, or 16-bit numbers of which those above 255 stand for bytes that are not
//! known yet.

use super::tables::{
    DISTANCE_BITS, Distances, END, EXCEPTIONAL, LENGTH_BITS, LITERAL, Lengths, SUBTABLE, Tables,
    code_of_widths,
};

/// Matches reach back at most this far.
pub(super) const HISTORY: usize = 32 << 10;

/// The first bits of a block with a code of its own that is not the last.
pub(super) const START: u64 = 0b100;

/// The longest match.
const LONGEST: usize = 258;

/// Matches are copied in words of so many units.
const WORD: usize = 8;

/// How far the fast copying of a match may write past its end.
const OVERSHOOT: usize = 5 * WORD;

/// The fast loop needs this much room for what one round can write: two literals and a match.
const OUTPUT_ROOM: usize = 2 + LONGEST + OVERSHOOT;

/// The fast loop needs this much input for what one round can read, which is three times eight bytes.
const INPUT_ROOM: usize = 24;

const ENDS_EARLY: &str = "the data end within a block";
const INVALID_CODE: &str = "a code that stands for nothing";
const TOO_FAR_BACK: &str = "a repetition of what lies before the start";

/// Why decoding paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// There are more data than room.
    OutputFull,
    /// A block ended, and the next is one that [`find`](super::find) could find.
    Start,
    /// The last block is complete.
    Ended,
}

/// How far decoding came: bytes of input used, bytes of output filled, and why it paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) used: usize,
    pub(super) filled: usize,
    pub(super) pause: Pause,
}

/// The state of decoding one stream.
pub(super) struct Inflate {
    /// Bits that were read and not used, the next one lowest. Those above `count` are what follows
    /// in the input, or zero.
    bits: u64,
    /// How many of them there are; less than eight between two calls.
    count: u32,
    block: Block,
    is_last: bool,
    tables: Tables,
    /// The rest of a match for which there was no room: length and distance.
    pending: (usize, usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    /// A block header is next.
    Between,
    /// So many bytes as they are.
    Stored(usize),
    /// Literals and matches.
    Coded,
}

/// What is decoded: a byte, or a number that stands for one.
pub(super) trait Unit: Copy + Default + From<u8> {}

impl Unit for u8 {}
impl Unit for u16 {}

/// Input and output of one call.
struct Io<'a, T> {
    input: &'a [u8],
    /// Bytes of input used.
    used: usize,
    /// What lies before the output.
    before: &'a [T],
    output: &'a mut [T],
    /// Units of output filled.
    filled: usize,
}

impl Inflate {
    pub(super) fn new() -> Inflate {
        Inflate {
            bits: 0,
            count: 0,
            block: Block::Between,
            is_last: false,
            tables: Tables::new(),
            pending: (0, 0),
        }
    }

    /// A decoder that stands at a block header: bit `bit` of the first byte of its input.
    pub(super) fn at_bit(first: u8, bit: u32) -> Inflate {
        Inflate { bits: u64::from(first >> bit), count: 8 - bit, ..Inflate::new() }
    }

    /// How many bits of the last byte that was used are not.
    pub(super) fn spare_bits(&self) -> u32 {
        self.count
    }

    /// Decodes until there is no more room or input, or a block ends where decoding can start again.
    /// The first `filled` units of `output`, and `before` before them, are what was decoded last;
    /// 32 KiB of it are enough.
    ///
    /// Units of `output` behind what is filled may be overwritten.
    ///
    /// # Errors
    /// What is wrong with the data.
    pub(super) fn run<T: Unit>(
        &mut self,
        input: &[u8],
        before: &[T],
        output: &mut [T],
        filled: usize,
    ) -> Result<Progress, &'static str> {
        let mut io = Io { input, used: 0, before, output, filled };
        let mut is_first = true;
        let pause = loop {
            let pause = match self.block {
                Block::Between => self.between(&mut io, is_first)?,
                Block::Stored(left) => self.stored(&mut io, left)?,
                Block::Coded => self.coded(&mut io)?,
            };
            if let Some(pause) = pause {
                break pause;
            }
            is_first = false;
        };
        // Whole bytes go back to the input.
        io.used -= (self.count / 8) as usize;
        self.count %= 8;
        self.bits &= (1 << self.count) - 1;
        Ok(Progress { used: io.used, filled: io.filled, pause })
    }

    /// Between two blocks: pauses, or reads the header of the next one.
    fn between<T: Unit>(
        &mut self,
        io: &mut Io<'_, T>,
        is_first: bool,
    ) -> Result<Option<Pause>, &'static str> {
        if self.is_last {
            self.count -= self.count % 8;
            return Ok(Some(Pause::Ended));
        }
        self.refill(io);
        if !is_first && self.count >= 3 && self.bits & 7 == START {
            return Ok(Some(Pause::Start));
        }
        self.header(io)?;
        Ok(None)
    }

    /// Reads and checks a block header.
    pub(super) fn check_header(&mut self, input: &[u8]) -> Result<(), &'static str> {
        let mut io = Io::<u8> { input, used: 0, before: &[], output: &mut [], filled: 0 };
        self.header(&mut io)
    }

    /// Reads single bytes until there are at least 56 bits or the input ends.
    fn refill<T: Unit>(&mut self, io: &mut Io<'_, T>) {
        while self.count < 56 {
            let Some(&byte) = io.input.get(io.used) else { return };
            self.bits |= u64::from(byte) << self.count;
            self.count += 8;
            io.used += 1;
        }
    }

    /// The next `width` bits, of at most 32.
    fn take<T: Unit>(&mut self, io: &mut Io<'_, T>, width: u32) -> Result<u32, &'static str> {
        self.refill(io);
        if self.count < width {
            return Err(ENDS_EARLY);
        }
        let value = self.bits & ((1 << width) - 1);
        self.bits >>= width;
        self.count -= width;
        Ok(value as u32)
    }

    /// Reads a block header.
    fn header<T: Unit>(&mut self, io: &mut Io<'_, T>) -> Result<(), &'static str> {
        self.is_last = self.take(io, 1)? == 1;
        match self.take(io, 2)? {
            0 => {
                // The lengths of stored data start at a byte.
                let odd = self.count % 8;
                self.take(io, odd)?;
                let length = self.take(io, 16)?;
                if self.take(io, 16)? != length ^ 0xffff {
                    return Err("the length of a stored block is damaged");
                }
                self.give_back(io);
                self.block = Block::Stored(length as usize);
            }
            1 => {
                self.tables.set_fixed()?;
                self.block = Block::Coded;
            }
            2 => {
                self.dynamic(io)?;
                self.block = Block::Coded;
            }
            _ => return Err("a block of an unknown kind"),
        }
        Ok(())
    }

    /// Gives whole bytes back to the input, of which some are left over after a multiple of eight
    /// bits was taken from the start of a byte.
    fn give_back<T: Unit>(&mut self, io: &mut Io<'_, T>) {
        io.used -= (self.count / 8) as usize;
        (self.bits, self.count) = (0, 0);
    }

    fn dynamic<T: Unit>(&mut self, io: &mut Io<'_, T>) -> Result<(), &'static str> {
        const ORDER: [usize; 19] =
            [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let lengths = self.take(io, 5)? as usize + 257;
        let distances = self.take(io, 5)? as usize + 1;
        let codes = self.take(io, 4)? as usize + 4;
        if lengths > 286 || distances > 30 {
            return Err("too many codes in the header of a block");
        }
        let mut widths = [0u8; 19];
        for &place in &ORDER[..codes] {
            widths[place] = self.take(io, 3)? as u8;
        }
        let code = code_of_widths(&widths)?;
        let mut widths = [0u8; 286 + 30];
        let widths = &mut widths[..lengths + distances];
        let mut known = 0;
        while known < widths.len() {
            self.refill(io);
            let entry = code[(self.bits & 127) as usize];
            let (symbol, width) = (entry >> 8, entry & 0xff);
            if width == 0 {
                return Err(INVALID_CODE);
            }
            self.take(io, width)?;
            let (width, repeat) = match symbol {
                0..16 => (symbol as u8, 1),
                16 if known == 0 => return Err("a repetition of what lies before the start"),
                16 => (widths[known - 1], 3 + self.take(io, 2)?),
                17 => (0, 3 + self.take(io, 3)?),
                _ => (0, 11 + self.take(io, 7)?),
            };
            let end = known + repeat as usize;
            widths
                .get_mut(known..end)
                .ok_or("too many codes in the header of a block")?
                .fill(width);
            known = end;
        }
        let (lengths, distances) = widths.split_at(lengths);
        self.tables.set(lengths, distances)
    }

    fn stored<T: Unit>(
        &mut self,
        io: &mut Io<'_, T>,
        left: usize,
    ) -> Result<Option<Pause>, &'static str> {
        let input = &io.input[io.used..];
        let output = &mut io.output[io.filled..];
        let length = left.min(input.len()).min(output.len());
        for (unit, &byte) in output[..length].iter_mut().zip(input) {
            *unit = T::from(byte);
        }
        io.used += length;
        io.filled += length;
        if length == left {
            self.block = Block::Between;
            return Ok(None);
        }
        self.block = Block::Stored(left - length);
        if io.filled == io.output.len() { Ok(Some(Pause::OutputFull)) } else { Err(ENDS_EARLY) }
    }

    /// Decodes literals and matches until the block ends.
    fn coded<T: Unit>(&mut self, io: &mut Io<'_, T>) -> Result<Option<Pause>, &'static str> {
        loop {
            if self.pending.0 > 0 {
                self.pending.0 -= copy_match(io, self.pending.0, self.pending.1);
                if self.pending.0 > 0 {
                    return Ok(Some(Pause::OutputFull));
                }
            }
            if self.fast(io)? {
                self.block = Block::Between;
                return Ok(None);
            }
            // Near the end of the input or of the room: one symbol at a time, all of it checked.
            self.refill(io);
            let (mut bits, mut width) = (self.bits, 0);
            let mut entry = self.tables.lengths[(bits & LENGTH_MASK) as usize];
            if entry & SUBTABLE != 0 {
                (bits, width) = (bits >> LENGTH_BITS, LENGTH_BITS);
                entry = self.tables.lengths[in_subtable(entry, bits) % Lengths::SIZE];
            }
            width += entry & 0xff;
            if width > self.count {
                return Err(ENDS_EARLY);
            }
            if entry & LITERAL != 0 {
                let Some(place) = io.output.get_mut(io.filled) else {
                    return Ok(Some(Pause::OutputFull));
                };
                *place = T::from((entry >> 16) as u8);
                io.filled += 1;
                self.skip(width);
                continue;
            }
            if entry & END != 0 {
                self.skip(width);
                self.block = Block::Between;
                return Ok(None);
            }
            if entry & EXCEPTIONAL != 0 {
                return Err(INVALID_CODE);
            }
            if io.filled == io.output.len() {
                return Ok(Some(Pause::OutputFull));
            }
            let length = value(entry, bits);
            self.skip(width);
            let (mut bits, mut width) = (self.bits, 0);
            let mut entry = self.tables.distances[(bits & DISTANCE_MASK) as usize];
            if entry & SUBTABLE != 0 {
                (bits, width) = (bits >> DISTANCE_BITS, DISTANCE_BITS);
                entry = self.tables.distances[in_subtable(entry, bits) % Distances::SIZE];
            }
            if entry & EXCEPTIONAL != 0 {
                return Err(INVALID_CODE);
            }
            width += entry & 0xff;
            if width > self.count {
                return Err(ENDS_EARLY);
            }
            let distance = value(entry, bits);
            self.skip(width);
            if distance > io.filled + io.before.len() {
                return Err(TOO_FAR_BACK);
            }
            self.pending = (length, distance);
        }
    }

    fn skip(&mut self, width: u32) {
        self.bits >>= width;
        self.count -= width;
    }

    /// Decodes while there is enough input and room that neither has to be looked at within a round.
    /// Whether the block ended.
    fn fast<T: Unit>(&mut self, io: &mut Io<'_, T>) -> Result<bool, &'static str> {
        let (Some(last_input), Some(last_output)) =
            (io.input.len().checked_sub(INPUT_ROOM), io.output.len().checked_sub(OUTPUT_ROOM))
        else {
            return Ok(false);
        };
        let Tables { lengths, distances, .. } = &self.tables;
        let (input, output) = (io.input, &mut *io.output);
        let (mut bits, mut count) = (self.bits, self.count);
        let (mut used, mut filled) = (io.used, io.filled);
        // Only the low byte of the count means anything within the loop, so that an entry can be
        // subtracted from it as it is.
        macro_rules! skip {
            ($entry:expr) => {
                bits >>= $entry & 63;
                count = count.wrapping_sub($entry);
            };
        }
        macro_rules! refill {
            () => {
                let mut eight = [0; 8];
                eight.copy_from_slice(&input[used..used + 8]);
                bits |= u64::from_le_bytes(eight) << (count & 63);
                used += 7;
                used -= (count >> 3 & 7) as usize;
                count |= 56;
            };
        }
        if used > last_input || filled > last_output {
            return Ok(false);
        }
        refill!();
        let mut entry = lengths[(bits & LENGTH_MASK) as usize];
        let ended = loop {
            if entry & LITERAL != 0 {
                skip!(entry);
                output[filled] = T::from((entry >> 16) as u8);
                filled += 1;
                entry = lengths[(bits & LENGTH_MASK) as usize];
                if entry & LITERAL != 0 {
                    skip!(entry);
                    output[filled] = T::from((entry >> 16) as u8);
                    filled += 1;
                    entry = lengths[(bits & LENGTH_MASK) as usize];
                    if entry & LITERAL != 0 {
                        skip!(entry);
                        output[filled] = T::from((entry >> 16) as u8);
                        filled += 1;
                        if used > last_input || filled > last_output {
                            break false;
                        }
                        refill!();
                        entry = lengths[(bits & LENGTH_MASK) as usize];
                        continue;
                    }
                }
            }
            if entry & EXCEPTIONAL != 0 {
                if entry & SUBTABLE != 0 {
                    skip!(entry);
                    entry = lengths[in_subtable(entry, bits) % Lengths::SIZE];
                    if entry & LITERAL != 0 {
                        skip!(entry);
                        output[filled] = T::from((entry >> 16) as u8);
                        filled += 1;
                        if used > last_input || filled > last_output {
                            break false;
                        }
                        refill!();
                        entry = lengths[(bits & LENGTH_MASK) as usize];
                        continue;
                    }
                }
                if entry & END != 0 {
                    skip!(entry);
                    break true;
                }
                if entry & EXCEPTIONAL != 0 {
                    return Err(INVALID_CODE);
                }
            }
            let length = value(entry, bits);
            skip!(entry);
            if count & 63 < 28 {
                refill!();
            }
            let mut entry_of_distance = distances[(bits & DISTANCE_MASK) as usize];
            if entry_of_distance & EXCEPTIONAL != 0 {
                if entry_of_distance & SUBTABLE == 0 {
                    return Err(INVALID_CODE);
                }
                skip!(entry_of_distance);
                entry_of_distance =
                    distances[in_subtable(entry_of_distance, bits) % Distances::SIZE];
                if entry_of_distance & EXCEPTIONAL != 0 {
                    return Err(INVALID_CODE);
                }
            }
            let distance = value(entry_of_distance, bits);
            skip!(entry_of_distance);
            // The next entry is on its way while the match is copied.
            let more = used <= last_input;
            if more {
                refill!();
                entry = lengths[(bits & LENGTH_MASK) as usize];
            }
            if distance > filled {
                if distance > filled + io.before.len() {
                    return Err(TOO_FAR_BACK);
                }
                copy_from_before(io.before, output, filled, length, distance);
            } else {
                copy_wide(output, filled, length, distance);
            }
            filled += length;
            if !more || filled > last_output {
                break false;
            }
        };
        (self.bits, self.count) = (bits, count & 0xff);
        (io.used, io.filled) = (used, filled);
        Ok(ended)
    }
}

const LENGTH_MASK: u64 = (1 << LENGTH_BITS) - 1;
const DISTANCE_MASK: u64 = (1 << DISTANCE_BITS) - 1;

/// The place of the entry to which a pointer to a subtable leads.
fn in_subtable(pointer: u32, bits: u64) -> usize {
    let width = pointer >> 8 & 15;
    ((pointer >> 16) as u64 + (bits & ((1 << width) - 1))) as usize
}

/// The length or distance that an entry and the extra bits after its code mean.
fn value(entry: u32, bits: u64) -> usize {
    let extra = (bits & ((1 << (entry & 63)) - 1)) >> (entry >> 8 & 15);
    ((entry >> 16) as u64 + extra) as usize
}

/// Copies what lies `distance` back, as far as there is room. How many bytes were copied.
fn copy_match<T: Unit>(io: &mut Io<'_, T>, length: usize, distance: usize) -> usize {
    let length = length.min(io.output.len() - io.filled);
    copy_from_before(io.before, io.output, io.filled, length, distance);
    io.filled += length;
    length
}

/// Copies a match byte by byte, from before the output where it starts there.
#[cold]
fn copy_from_before<T: Unit>(
    before: &[T],
    output: &mut [T],
    filled: usize,
    length: usize,
    distance: usize,
) {
    for at in filled..filled + length {
        output[at] = match at.checked_sub(distance) {
            Some(from) => output[from],
            None => before[before.len() + at - distance],
        };
    }
}

/// Copies a match within the output, and perhaps up to [`OVERSHOOT`] units more than asked: most
/// matches are short, so the first ones are copied without looking at the length.
#[inline(always)]
fn copy_wide<T: Unit>(output: &mut [T], filled: usize, length: usize, distance: usize) {
    // From the source of the match on.
    let window = &mut output[filled - distance..filled + LONGEST + OVERSHOOT];
    if distance >= WORD {
        let mut at = 0;
        while at < OVERSHOOT {
            copy_word(window, at, at + distance);
            at += WORD;
        }
        while at < length {
            copy_word(window, at, at + distance);
            at += WORD;
        }
        return;
    }
    // Repetitions of less than a word: copied one by one until a word of them lies behind.
    let wide = distance * WORD.div_ceil(distance);
    for at in 0..wide {
        window[at + distance] = window[at];
    }
    let mut at = wide;
    while at < length {
        copy_word(window, at + distance - wide, at + distance);
        at += WORD;
    }
}

#[inline(always)]
fn copy_word<T: Unit>(window: &mut [T], from: usize, to: usize) {
    let mut word = [T::default(); WORD];
    word.copy_from_slice(&window[from..from + WORD]);
    window[to..to + WORD].copy_from_slice(&word);
}
