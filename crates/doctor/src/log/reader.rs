//! A log, read as it comes: what speaks of faults is kept, everything else is forgotten at once.

use std::collections::VecDeque;

use super::automaton::Hit;
use super::line;
use super::table::{Numbers, Pattern, Table, table};

/// Longest part of a line that is looked at: its beginning and its end.
const LONGEST_LINE: usize = 64 << 10;
/// What is kept of the end of a longer one.
const LONGEST_END: usize = 4 << 10;
/// Lines kept for one pattern; a log that repeats itself says nothing new.
const KEPT: u16 = 64;
/// Lines of patterns that are full, kept in case a line near them is kept.
const RECENT: usize = 16;
/// How much of the line before is looked at together with a line, for messages that were broken.
const OVERLAP: usize = 80;
/// Longest text of a line that is kept.
const LONGEST_TEXT: usize = 2_000;

/// A line that speaks of something.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Its number, from 1.
    pub(super) number: u64,
    pub(super) text: String,
    /// Its patterns, in order of number.
    pub(super) patterns: Vec<usize>,
    /// Numbers of errors on it, with whose numbers they are, if it says so.
    pub(super) numbers: Vec<(i64, Option<Numbers>)>,
}

impl Seen {
    pub(super) fn has_any(&self, patterns: &[usize]) -> bool {
        patterns.iter().any(|pattern| self.patterns.binary_search(pattern).is_ok())
    }
}

/// How the bytes of a log are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// Not told yet: the first bytes will tell.
    Unknown,
    Bytes,
    /// As Windows PowerShell writes files; the low byte comes first, or it does not.
    Utf16 {
        low_first: bool,
    },
}

/// Reads a log piece by piece.
pub struct LogReader {
    table: &'static Table,
    encoding: Encoding,
    /// Bytes of UTF-16, or of a mark of the encoding, of which more must come.
    partial: Vec<u8>,
    /// The text that is not yet complete.
    line: Vec<u8>,
    line_end: VecDeque<u8>,
    /// Whether the last line has begun.
    is_begun: bool,
    /// The end of the line before.
    before: Vec<u8>,
    hits: Vec<Hit>,
    /// How many lines were kept for each pattern.
    counts: Vec<u16>,
    /// How many lines were kept for nothing but the number of an error.
    numbered: u16,
    recent: VecDeque<Seen>,
    last_kept: u64,
    pub(super) seen: Vec<Seen>,
    pub(super) marks: [u64; 2],
    pub(super) lines: u64,
    pub(super) bytes: u64,
}

impl Default for LogReader {
    fn default() -> Self {
        Self::new()
    }
}

impl LogReader {
    /// A reader of a log of which nothing was read.
    #[must_use]
    pub fn new() -> Self {
        let table = table();
        Self {
            table,
            encoding: Encoding::Unknown,
            partial: Vec::new(),
            line: Vec::new(),
            line_end: VecDeque::new(),
            is_begun: false,
            before: Vec::new(),
            hits: Vec::new(),
            counts: vec![0; table.patterns.len()],
            numbered: 0,
            recent: VecDeque::new(),
            last_kept: 0,
            seen: Vec::new(),
            marks: [0; 2],
            lines: 0,
            bytes: 0,
        }
    }

    /// Reads on. Pieces may end anywhere.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        match self.encoding {
            Encoding::Bytes => self.push_text(bytes),
            Encoding::Utf16 { low_first } => self.push_utf16(bytes, low_first),
            Encoding::Unknown => {
                self.partial.extend_from_slice(bytes);
                if self.partial.len() >= 3 {
                    self.begin();
                }
            }
        }
    }

    /// The log is at its end.
    pub(super) fn end(&mut self) {
        if self.encoding == Encoding::Unknown {
            self.begin();
        }
        self.end_text();
        self.lines += u64::from(self.is_begun);
    }

    fn begin(&mut self) {
        let first = std::mem::take(&mut self.partial);
        let (encoding, skipped) = match first.as_slice() {
            [0xff, 0xfe, ..] => (Encoding::Utf16 { low_first: true }, 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16 { low_first: false }, 2),
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Bytes, 3),
            _ => (Encoding::Bytes, 0),
        };
        self.encoding = encoding;
        match encoding {
            Encoding::Utf16 { low_first } => self.push_utf16(&first[skipped..], low_first),
            _ => self.push_text(&first[skipped..]),
        }
    }

    fn push_utf16(&mut self, bytes: &[u8], low_first: bool) {
        let mut units = std::mem::take(&mut self.partial);
        units.extend_from_slice(bytes);
        let whole = units.len() / 2 * 2;
        let values = units[..whole].chunks_exact(2).map(|pair| {
            let pair = [pair[0], pair[1]];
            if low_first { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
        });
        // A character of two units that falls apart at the end of a piece is lost; messages have none.
        let text: String =
            char::decode_utf16(values).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        self.partial = units[whole..].to_vec();
        self.push_text(text.as_bytes());
    }

    fn push_text(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        // What a carriage return hides on a terminal may be the error, so it ends a text too, though
        // not a line.
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            self.add(&rest[..end]);
            self.end_text();
            self.lines += u64::from(rest[end] == b'\n');
            self.is_begun = rest[end] != b'\n';
            rest = &rest[end + 1..];
        }
        self.is_begun |= !rest.is_empty();
        self.add(rest);
    }

    fn add(&mut self, bytes: &[u8]) {
        let room = LONGEST_LINE.saturating_sub(self.line.len());
        let (head, tail) = bytes.split_at(bytes.len().min(room));
        self.line.extend_from_slice(head);
        if !tail.is_empty() {
            let tail = &tail[tail.len().saturating_sub(LONGEST_END)..];
            self.line_end.extend(tail);
            let surplus = self.line_end.len().saturating_sub(LONGEST_END);
            self.line_end.drain(..surplus);
        }
    }

    fn end_text(&mut self) {
        let mut line = std::mem::take(&mut self.line);
        if !self.line_end.is_empty() {
            line.push(b' ');
            line.extend(self.line_end.drain(..));
        }
        self.look_at(&line);
        line.clear();
        self.line = line;
    }

    fn look_at(&mut self, line: &[u8]) {
        let plain = line::without_escapes(line);
        let folded = line::folded(&plain);
        let trimmed = folded.trim_ascii();
        if trimmed.is_empty() {
            return;
        }
        let text = bare(trimmed);
        let mut searched = std::mem::take(&mut self.before);
        let overlap = searched.len();
        searched.extend_from_slice(text);
        self.hits.clear();
        self.table.automaton.search(&searched, &mut self.hits);
        if self.hits.iter().any(|hit| hit.end > overlap) {
            self.keep(&searched, &plain, overlap);
        }
        // The next line may go on where this one was broken.
        let tail = searched.len().saturating_sub(OVERLAP).max(overlap);
        searched.drain(..tail);
        searched.push(b' ');
        self.before = searched;
    }

    fn keep(&mut self, searched: &[u8], plain: &[u8], overlap: usize) {
        let table = self.table;
        let mut patterns: Vec<usize> =
            self.hits.iter().flat_map(|hit| &table.of_piece[hit.text]).copied().collect();
        patterns.sort_unstable();
        patterns.dedup();
        patterns.retain(|pattern| ends_after(&table.patterns[*pattern], &self.hits, overlap));
        let numbers = numbers(table, &self.hits, searched, overlap);
        for (count, marks) in self.marks.iter_mut().zip(&table.marks) {
            *count += u64::from(marks.iter().any(|mark| patterns.binary_search(mark).is_ok()));
        }
        let mut is_new = false;
        let mut speaks = !numbers.is_empty();
        if patterns.is_empty() && speaks {
            is_new = self.numbered < KEPT;
            self.numbered = self.numbered.saturating_add(1);
        }
        for pattern in &patterns {
            if !table.marks.iter().any(|marks| marks.contains(pattern)) {
                speaks = true;
                let count = &mut self.counts[*pattern];
                is_new |= *count < KEPT;
                *count = count.saturating_add(1);
            }
        }
        if !speaks {
            return;
        }
        let text = String::from_utf8_lossy(plain);
        let text: String = line::without_prefix(&text).chars().take(LONGEST_TEXT).collect();
        let seen = Seen { number: self.lines + 1, text, patterns, numbers };
        if is_new {
            // What stood just before may be what this line speaks of.
            self.seen.extend(self.recent.drain(..));
            self.last_kept = seen.number;
            self.seen.push(seen);
        } else if seen.number - self.last_kept < RECENT as u64 {
            self.seen.push(seen);
        } else {
            self.recent.push_back(seen);
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
        }
    }
}

/// The line without its columns, as bytes.
fn bare(line: &[u8]) -> &[u8] {
    std::str::from_utf8(line).map_or(line, |text| line::without_prefix(text).as_bytes())
}

/// Whether the parts of a pattern occur one after the other, the last of them past `overlap`.
fn ends_after(pattern: &Pattern, hits: &[Hit], overlap: usize) -> bool {
    // A message that lies wholly in the line before was seen there.
    [0, overlap].iter().any(|start| {
        let mut from = *start;
        let found = pattern.pieces.iter().all(|piece| {
            let fitting = |hit: &&Hit| hit.text == *piece && hit.start >= from;
            let end = hits.iter().find(fitting).map(|hit| hit.end);
            from = end.unwrap_or(from);
            end.is_some()
        });
        found && from > overlap
    })
}

/// The numbers that stand after `os error` and its like.
fn numbers(
    table: &Table,
    hits: &[Hit],
    bytes: &[u8],
    overlap: usize,
) -> Vec<(i64, Option<Numbers>)> {
    let mut numbers = Vec::new();
    for hit in hits.iter().filter(|hit| hit.end > overlap) {
        let Some((_, system)) = table.leads.iter().find(|(text, _)| *text == hit.text) else {
            continue;
        };
        let rest = &bytes[hit.end..];
        let length = rest
            .iter()
            .enumerate()
            .take_while(|(index, byte)| byte.is_ascii_digit() || (*index == 0 && **byte == b'-'))
            .count();
        let number = std::str::from_utf8(&rest[..length]).ok().and_then(|text| text.parse().ok());
        if let Some(number) = number
            && !numbers.contains(&(number, *system))
        {
            numbers.push((number, *system));
        }
    }
    numbers
}
