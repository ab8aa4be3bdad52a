//! The unpickler's stack and memo, as far as names are concerned, in bounded memory.

use std::collections::{HashMap, HashSet};

/// The longest text that is kept for a name.
pub(crate) const TEXT_LENGTH: usize = 512;

/// Bytes of texts that are kept at most.
const TEXT_BYTES: usize = 32 << 20;

/// Texts that are kept at most.
const TEXT_COUNT: usize = 1 << 20;

/// Entries of the stack that are told apart at most; more than that are taken for anything.
const STACK_LIMIT: usize = 1 << 20;

/// Places of the memo outside its unbroken beginning.
const SPARSE_LIMIT: usize = 1 << 20;

/// What lies in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    /// The start of a group.
    Mark,
    /// A text that was kept.
    Text(u32),
    /// A small number.
    Int(u8),
    /// Something that was asked for by its name.
    Name,
    /// The state of an aligned structure of numpy 2.
    AlignedState,
    /// Anything else.
    Other,
}

/// Something did not fit: the stack was too short, or the memo had no such place.
#[derive(Debug)]
pub(crate) struct Inconsistent;

/// The texts that may be names.
#[derive(Debug, Default)]
struct Texts {
    bytes: String,
    /// Start and length of each.
    places: Vec<(u32, u16)>,
}

/// Stack and memo.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    /// Items with how many of them lie here in a row; only `Other` is counted above one.
    stack: Vec<(Item, u64)>,
    texts: Texts,
    /// Places `0..dense` of the memo are taken.
    dense: u64,
    /// Those that are taken besides.
    sparse: HashSet<u64>,
    /// Those that hold texts, and those that hold what was asked for by its name.
    named: HashMap<u64, Item>,
    /// Whether something was not kept for want of room.
    pub(crate) is_full: bool,
}

impl Machine {
    /// Forgets everything, as for a new pickle.
    pub(crate) fn clear(&mut self) {
        self.stack.clear();
        self.texts.bytes.clear();
        self.texts.places.clear();
        self.dense = 0;
        self.sparse.clear();
        self.named.clear();
    }

    pub(crate) fn push(&mut self, item: Item) {
        let length = self.stack.len();
        let item = if length >= STACK_LIMIT && item != Item::Mark {
            self.is_full |= matches!(item, Item::Text(_));
            Item::Other
        } else {
            item
        };
        match self.stack.last_mut() {
            Some((Item::Other, count)) if item == Item::Other => *count += 1,
            _ if length >= 2 * STACK_LIMIT => self.is_full = true,
            _ => self.stack.push((item, 1)),
        }
    }

    /// Keeps a text and pushes it.
    pub(crate) fn push_text(&mut self, text: Option<&str>) {
        let item = text.and_then(|text| self.texts.keep(text)).map_or(Item::Other, Item::Text);
        self.push(item);
    }

    pub(crate) fn text(&self, index: u32) -> &str {
        self.texts.get(index)
    }

    /// Takes the topmost item, which may not be the start of a group.
    pub(crate) fn pop(&mut self) -> Result<Item, Inconsistent> {
        match self.stack.last_mut() {
            None | Some((Item::Mark, _)) => Err(Inconsistent),
            Some((item, count)) => {
                let item = *item;
                *count -= 1;
                if *count == 0 {
                    self.stack.pop();
                }
                Ok(item)
            }
        }
    }

    /// Takes the topmost item, whatever it is.
    pub(crate) fn pop_any(&mut self) -> Result<(), Inconsistent> {
        if let Some((Item::Mark, _)) = self.stack.last() {
            self.stack.pop();
            return Ok(());
        }
        self.pop().map(|_| ())
    }

    pub(crate) fn pop_many(&mut self, count: usize) -> Result<(), Inconsistent> {
        for _ in 0..count {
            self.pop()?;
        }
        Ok(())
    }

    pub(crate) fn top(&self) -> Result<Item, Inconsistent> {
        match self.stack.last() {
            None | Some((Item::Mark, _)) => Err(Inconsistent),
            Some((item, _)) => Ok(*item),
        }
    }

    /// Takes a group with its start.
    pub(crate) fn pop_group(&mut self) -> Result<(), Inconsistent> {
        while let Some((item, _)) = self.stack.pop() {
            if item == Item::Mark {
                return Ok(());
            }
        }
        Err(Inconsistent)
    }

    /// Takes a group with its start, and says whether it is the state of an aligned structure:
    /// a version of 3 or 4, then seven more (or eight, with metadata last), the flags above 127.
    pub(crate) fn pop_tuple(&mut self) -> Result<Item, Inconsistent> {
        let start = self.stack.iter().rposition(|(item, _)| *item == Item::Mark);
        let start = start.ok_or(Inconsistent)?;
        let group = &self.stack[start + 1..];
        let count: u64 = group.iter().map(|(_, count)| count).sum();
        let first = group.first().map(|(item, _)| *item);
        let flags = match count {
            8 => group.last(),
            9 => group.len().checked_sub(2).and_then(|place| group.get(place)),
            _ => None,
        };
        let is_aligned =
            matches!(first, Some(Item::Int(3 | 4))) && matches!(flags, Some((Item::Int(128..), _)));
        self.stack.truncate(start);
        Ok(if is_aligned { Item::AlignedState } else { Item::Other })
    }

    /// Puts the topmost item into a place of the memo.
    pub(crate) fn put(&mut self, place: u64) -> Result<(), Inconsistent> {
        let item = self.top()?;
        if place == self.dense {
            self.dense += 1;
            while self.sparse.remove(&self.dense) {
                self.dense += 1;
            }
        } else if place > self.dense {
            if self.sparse.len() >= SPARSE_LIMIT {
                self.is_full = true;
            } else {
                self.sparse.insert(place);
            }
        }
        if matches!(item, Item::Text(_) | Item::Name) {
            self.named.insert(place, item);
        } else {
            self.named.remove(&place);
        }
        Ok(())
    }

    /// Puts the topmost item into the next place: as many as the memo has.
    pub(crate) fn memoize(&mut self) -> Result<(), Inconsistent> {
        self.put(self.dense + self.sparse.len() as u64)
    }

    /// Pushes what lies in a place of the memo.
    pub(crate) fn get(&mut self, place: u64) -> Result<(), Inconsistent> {
        let is_taken = place < self.dense || self.sparse.contains(&place);
        let item = self.named.get(&place).copied().unwrap_or(Item::Other);
        self.push(item);
        if is_taken { Ok(()) } else { Err(Inconsistent) }
    }
}

impl Texts {
    fn keep(&mut self, text: &str) -> Option<u32> {
        let is_name = !text.contains(|c: char| c.is_whitespace() || c.is_control());
        let has_room =
            self.bytes.len() + text.len() <= TEXT_BYTES && self.places.len() < TEXT_COUNT;
        if !is_name || !has_room || text.len() > TEXT_LENGTH {
            return None;
        }
        let start = u32::try_from(self.bytes.len()).ok()?;
        let length = u16::try_from(text.len()).ok()?;
        let index = u32::try_from(self.places.len()).ok()?;
        self.bytes.push_str(text);
        self.places.push((start, length));
        Some(index)
    }

    fn get(&self, index: u32) -> &str {
        let place = self.places.get(index as usize);
        let range =
            place.map(|(start, length)| *start as usize..*start as usize + *length as usize);
        range.and_then(|range| self.bytes.get(range)).unwrap_or_default()
    }
}
