//! Many texts searched for at once, in one pass over the bytes (Aho and Corasick's automaton).
//!
//! Letters of ASCII are the same in either case, and a backtick is an apostrophe: tools quote with
//! either.

use std::collections::VecDeque;

/// No such state yet.
const NONE: u32 = u32::MAX;

/// An automaton that knows its texts.
pub(super) struct Automaton {
    /// Which column of the table a byte has; bytes that no text holds share column 0.
    columns: [u8; 256],
    width: usize,
    /// The next state, by state and column.
    table: Vec<u32>,
    /// The texts that end in a state.
    ends: Vec<Vec<u32>>,
    lengths: Vec<usize>,
}

/// A text, found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    /// Its place in the list of texts.
    pub(super) text: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Automaton {
    /// An automaton for texts in lower case.
    pub(super) fn new(texts: &[&str]) -> Self {
        let (columns, width) = columns(texts);
        let mut automaton = Self {
            columns,
            width,
            table: vec![NONE; width],
            ends: vec![Vec::new()],
            lengths: texts.iter().map(|text| text.len()).collect(),
        };
        for (index, text) in texts.iter().enumerate() {
            automaton.add(text, u32::try_from(index).unwrap_or(NONE));
        }
        automaton.complete();
        automaton
    }

    fn add(&mut self, text: &str, index: u32) {
        let mut state = 0;
        for byte in text.bytes() {
            let at = state * self.width + usize::from(self.columns[usize::from(byte)]);
            if self.table[at] == NONE {
                self.table[at] = u32::try_from(self.ends.len()).unwrap_or(NONE);
                self.table.extend(std::iter::repeat_n(NONE, self.width));
                self.ends.push(Vec::new());
            }
            state = self.table[at] as usize;
        }
        if state != 0 {
            self.ends[state].push(index);
        }
    }

    /// Where a text cannot go on, goes on with the longest text that its end begins.
    fn complete(&mut self) {
        let mut fallback = vec![0_usize; self.ends.len()];
        let mut pending = VecDeque::new();
        for column in 0..self.width {
            match self.table[column] {
                NONE => self.table[column] = 0,
                next => pending.push_back(next as usize),
            }
        }
        while let Some(state) = pending.pop_front() {
            let shorter = fallback[state];
            let inherited = self.ends[shorter].clone();
            self.ends[state].extend(inherited);
            for column in 0..self.width {
                let instead = self.table[shorter * self.width + column];
                let at = state * self.width + column;
                match self.table[at] {
                    NONE => self.table[at] = instead,
                    next => {
                        fallback[next as usize] = instead as usize;
                        pending.push_back(next as usize);
                    }
                }
            }
        }
    }

    /// Every text that occurs, also where two overlap, in the order of their ends.
    pub(super) fn search(&self, bytes: &[u8], hits: &mut Vec<Hit>) {
        let mut state = 0;
        for (index, byte) in bytes.iter().enumerate() {
            let column = usize::from(self.columns[usize::from(*byte)]);
            state = self.table[state * self.width + column] as usize;
            for text in &self.ends[state] {
                let text = *text as usize;
                let end = index + 1;
                hits.push(Hit { text, start: end - self.lengths[text], end });
            }
        }
    }
}

/// A column for every byte that a text holds.
fn columns(texts: &[&str]) -> ([u8; 256], usize) {
    let mut columns = [0_u8; 256];
    let mut width = 1_usize;
    for byte in texts.iter().flat_map(|text| text.bytes()) {
        let column = &mut columns[usize::from(byte)];
        if *column == 0 {
            // There are fewer bytes in UTF-8 than columns.
            *column = u8::try_from(width).unwrap_or(u8::MAX);
            width += 1;
        }
    }
    for letter in b'A'..=b'Z' {
        columns[usize::from(letter)] = columns[usize::from(letter.to_ascii_lowercase())];
    }
    columns[usize::from(b'`')] = columns[usize::from(b'\'')];
    (columns, width)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(texts: &[&str], text: &str) -> Vec<(usize, usize)> {
        let mut hits = Vec::new();
        Automaton::new(texts).search(text.as_bytes(), &mut hits);
        let mut found: Vec<_> = hits.iter().map(|hit| (hit.text, hit.start)).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn texts_that_overlap_are_all_found() {
        assert_eq!(found(&["he", "she", "hers"], "ushers"), [(0, 2), (1, 1), (2, 2)]);
        assert_eq!(found(&["aa"], "aaaa"), [(0, 0), (0, 1), (0, 2)]);
        assert_eq!(found(&["'cc' not"], "linker `CC` not found"), [(0, 7)]);
        assert_eq!(found(&[], "anything"), []);
    }

    proptest! {
        #[test]
        fn as_many_are_found_as_there_are(
            texts in prop::collection::vec("[abc]{1,4}", 1..6),
            text in "[abcd]{0,40}",
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let mut wanted = Vec::new();
            for (index, one) in texts.iter().enumerate() {
                for start in 0..text.len() {
                    if text[start..].starts_with(one) {
                        wanted.push((index, start));
                    }
                }
            }
            prop_assert_eq!(found(&texts, &text), wanted);
        }
    }
}
