//! Tables that turn the next bits of a deflate stream into a literal, a length or a distance.
//!
//! An entry holds, from the lowest bit: in 8 bits how many bits it takes, extra bits included; in 4
//! how many of them are its code; flags; and from bit 16 on its literal, the base of its length or
//! distance, or the place of a subtable for the codes that are longer than the table is wide.

/// How many bits the table of literals and lengths looks at.
pub(super) const LENGTH_BITS: u32 = 11;
/// How many bits the table of distances looks at.
pub(super) const DISTANCE_BITS: u32 = 8;

/// The entry is a literal.
pub(super) const LITERAL: u32 = 1 << 31;
/// The entry is neither a literal nor a length or distance.
pub(super) const EXCEPTIONAL: u32 = 1 << 15;
/// The entry leads to a subtable.
pub(super) const SUBTABLE: u32 = 1 << 14;
/// The entry ends the block.
pub(super) const END: u32 = 1 << 13;

/// A code has at most this many bits.
const LONGEST_CODE: usize = 15;

/// The table of literals and lengths. The sizes are the powers of two that hold every code there
/// can be: 2342 entries for 288 symbols, 402 for 32.
pub(super) type Lengths = Table<4096>;
/// The table of distances.
pub(super) type Distances = Table<512>;

/// A table and its subtables.
pub(super) struct Table<const N: usize>([u32; N]);

impl<const N: usize> Table<N> {
    /// How many entries there are.
    pub(super) const SIZE: usize = N;
}

impl<const N: usize> std::ops::Index<usize> for Table<N> {
    type Output = u32;

    #[inline(always)]
    fn index(&self, index: usize) -> &u32 {
        &self.0[index]
    }
}

/// The tables of a block.
pub(super) struct Tables {
    pub(super) lengths: Box<Lengths>,
    pub(super) distances: Box<Distances>,
    /// Whether they are those of the fixed code.
    is_fixed: bool,
}

impl Tables {
    pub(super) fn new() -> Tables {
        Tables {
            lengths: Box::new(Table([0; Lengths::SIZE])),
            distances: Box::new(Table([0; Distances::SIZE])),
            is_fixed: false,
        }
    }

    /// Sets the tables for codes of these widths.
    pub(super) fn set(&mut self, lengths: &[u8], distances: &[u8]) -> Result<(), &'static str> {
        self.is_fixed = false;
        if lengths.get(256).is_none_or(|&width| width == 0) {
            return Err("a block that cannot end");
        }
        build(&mut self.lengths.0, LENGTH_BITS, lengths, &LENGTHS)?;
        build(&mut self.distances.0, DISTANCE_BITS, distances, &DISTANCES)
    }

    /// Sets the tables of the code that needs no description.
    pub(super) fn set_fixed(&mut self) -> Result<(), &'static str> {
        if self.is_fixed {
            return Ok(());
        }
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        self.set(&lengths, &[5; 32])?;
        self.is_fixed = true;
        Ok(())
    }
}

/// What each symbol means, as an entry without a code.
const LENGTHS: [u32; 288] = {
    let mut meanings = [EXCEPTIONAL; 288];
    let mut symbol = 0;
    while symbol < 256 {
        meanings[symbol] = LITERAL | (symbol as u32) << 16;
        symbol += 1;
    }
    meanings[256] = EXCEPTIONAL | END;
    let mut base = 3;
    symbol = 257;
    while symbol < 285 {
        let extra = if symbol < 265 { 0 } else { (symbol as u32 - 261) / 4 };
        meanings[symbol] = base << 16 | extra;
        base += 1 << extra;
        symbol += 1;
    }
    meanings[285] = 258 << 16;
    meanings
};

const DISTANCES: [u32; 32] = {
    let mut meanings = [EXCEPTIONAL; 32];
    let mut base = 1;
    let mut symbol = 0;
    while symbol < 30 {
        let extra = if symbol < 4 { 0 } else { (symbol as u32 - 2) / 2 };
        meanings[symbol] = base << 16 | extra;
        base += 1 << extra;
        symbol += 1;
    }
    meanings
};

/// How many codes of each width there are, checked to be a code that zlib takes too: complete, or
/// with `may_be_short` a single code of one bit, or none.
fn count(widths: &[u8], may_be_short: bool) -> Result<[usize; LONGEST_CODE + 1], &'static str> {
    let mut counts = [0; LONGEST_CODE + 1];
    for &width in widths {
        counts[usize::from(width)] += 1;
    }
    counts[0] = 0;
    let mut left = 1usize;
    for &count in &counts[1..] {
        left = (left * 2).checked_sub(count).ok_or("more codes than there can be")?;
    }
    let longest = counts.iter().rposition(|&count| count > 0).unwrap_or(0);
    if left > 0 && (longest > 1 || !may_be_short) {
        return Err("less codes than there must be");
    }
    Ok(counts)
}

/// The symbols of a code, shortest codes first.
fn sorted<'a>(
    widths: &[u8],
    counts: &[usize; LONGEST_CODE + 1],
    places: &'a mut [u16; 288],
) -> &'a [u16] {
    let mut next = [0; LONGEST_CODE + 1];
    for width in 1..LONGEST_CODE {
        next[width + 1] = next[width] + counts[width];
    }
    for (symbol, &width) in widths.iter().enumerate().filter(|(_, width)| **width > 0) {
        let place = &mut next[usize::from(width)];
        places[*place] = symbol as u16;
        *place += 1;
    }
    &places[..counts.iter().sum()]
}

/// The code after `code` of the same width, with the first bit lowest.
fn following(code: usize, width: usize) -> usize {
    let zeros = !code & ((1 << width) - 1);
    match zeros.checked_ilog2() {
        Some(highest) => code & ((1 << highest) - 1) | 1 << highest,
        None => 0,
    }
}

/// Fills a table for symbols with codes of these widths and these meanings.
fn build(
    table: &mut [u32],
    bits: u32,
    widths: &[u8],
    meanings: &[u32],
) -> Result<(), &'static str> {
    let mut counts = count(widths, true)?;
    let mut places = [0; 288];
    let mut symbols = sorted(widths, &counts, &mut places).iter();
    let entry = |symbol: u16, width: usize| {
        meanings[usize::from(symbol)] + ((width as u32) << 8) + width as u32
    };
    let bits = bits as usize;
    // A table for codes of one bit more is the table twice, and then the codes of that width.
    table[0] = EXCEPTIONAL;
    let mut code = 0;
    for (width, &count) in counts.iter().enumerate().take(bits + 1).skip(1) {
        let half = 1 << (width - 1);
        table.copy_within(..half, half);
        for &symbol in symbols.by_ref().take(count) {
            table[code] = entry(symbol, width);
            code = following(code, width);
        }
    }
    let (mut prefix, mut start, mut size, mut end) = (usize::MAX, 0, 0, 1 << bits);
    for width in bits + 1..=LONGEST_CODE {
        while counts[width] > 0 {
            let Some(&symbol) = symbols.next() else { break };
            if code & ((1 << bits) - 1) != prefix {
                // As wide as the codes with this prefix need it: until they fill it.
                prefix = code & ((1 << bits) - 1);
                let mut sub_bits = width - bits;
                let mut used = counts[width];
                while used < 1 << sub_bits && bits + sub_bits < LONGEST_CODE {
                    sub_bits += 1;
                    used = used * 2 + counts[bits + sub_bits];
                }
                (start, size) = (end, 1 << sub_bits);
                end += size;
                table[prefix] = EXCEPTIONAL
                    | SUBTABLE
                    | (start as u32) << 16
                    | (sub_bits as u32) << 8
                    | bits as u32;
            }
            let places = (code >> bits..size).step_by(1 << (width - bits));
            for place in places {
                table[start + place] = entry(symbol, width - bits);
            }
            code = following(code, width);
            counts[width] -= 1;
        }
    }
    Ok(())
}

/// The table of the code in which the widths of the other codes are written: the symbol in the upper
/// bits, the width in the lower eight, which is 0 where there is no code.
pub(super) fn code_of_widths(widths: &[u8; 19]) -> Result<[u32; 128], &'static str> {
    let counts = count(widths, false)?;
    let mut places = [0; 288];
    let mut symbols = sorted(widths, &counts, &mut places).iter();
    let mut table = [0; 128];
    let mut code = 0;
    for (width, &count) in counts.iter().enumerate().take(8).skip(1) {
        let half = 1 << (width - 1);
        table.copy_within(..half, half);
        for &symbol in symbols.by_ref().take(count) {
            table[code] = u32::from(symbol) << 8 | width as u32;
            code = following(code, width);
        }
    }
    Ok(table)
}
