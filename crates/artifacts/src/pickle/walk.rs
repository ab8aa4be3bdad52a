//! The 68 instructions of protocols 0 to 5, one after another.

use std::borrow::Cow;
use std::collections::HashSet;

use super::input::{Input, Line, Part, Stop};
use super::machine::{Inconsistent, Item, Machine, TEXT_LENGTH};
use super::{NAME_LIMIT, PickleDamage, PickleFacts, PickleName, Untold};

/// Why the walk through one pickle ended.
enum End {
    /// Its last instruction was reached.
    Stopped,
    /// There are no more bytes, or they could not be read.
    Input(Stop),
    /// A byte that is no instruction.
    NoInstruction(u8),
    /// An instruction whose operand cannot be.
    BadOperand,
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        Self::Input(stop)
    }
}

pub(crate) struct Walker<'a> {
    input: Input<'a>,
    machine: Machine,
    known: HashSet<PickleName>,
    left: u64,
}

impl<'a> Walker<'a> {
    pub(crate) fn new(part: &Part<'a>, instructions: u64) -> Self {
        Self {
            input: Input::new(part),
            machine: Machine::default(),
            known: HashSet::new(),
            left: instructions,
        }
    }

    pub(crate) fn position(&self) -> u64 {
        self.input.position()
    }

    pub(crate) fn end(&self) -> u64 {
        self.input.end()
    }

    /// Whether the bytes at a place begin as a pickle of protocol 2 or newer does.
    pub(crate) fn begins_at(&mut self, position: u64) -> bool {
        self.input.go_to(position);
        let start = [self.input.byte(), self.input.byte()];
        matches!(start, [Ok(0x80), Ok(2..=5)])
    }

    /// Walks one pickle. Whether it was whole.
    pub(crate) fn run(&mut self, facts: &mut PickleFacts) -> bool {
        self.machine.clear();
        loop {
            let at = self.input.position();
            if self.left == 0 {
                facts.add_untold(Untold::TooMuch);
                return false;
            }
            self.left -= 1;
            match self.step(facts) {
                Ok(Ok(())) => {}
                Ok(Err(Inconsistent)) => {
                    let is_known = |untold: &Untold| matches!(untold, Untold::Inconsistent { .. });
                    if !facts.untold.iter().any(is_known) {
                        facts.add_untold(Untold::Inconsistent { at });
                    }
                }
                Err(end) => {
                    if self.machine.is_full {
                        facts.add_untold(Untold::TooMuch);
                    }
                    match end {
                        End::Stopped => return true,
                        End::Input(Stop::End) => {
                            facts.damage = Some(PickleDamage::Truncated { at });
                        }
                        End::Input(Stop::Io(error)) => {
                            facts.add_untold(Untold::Unreadable { reason: error.to_string() });
                        }
                        End::NoInstruction(byte) => {
                            facts.damage = Some(PickleDamage::NoInstruction { at, byte });
                        }
                        End::BadOperand => facts.add_untold(Untold::Inconsistent { at }),
                    }
                    return false;
                }
            }
        }
    }

    /// One instruction. The inner error is of the stack, and the walk goes on after it.
    fn step(&mut self, facts: &mut PickleFacts) -> Result<Result<(), Inconsistent>, End> {
        let code = self.input.byte()?;
        let since = protocol_of(code);
        facts.protocol = facts.protocol.max(since);
        let done = match code {
            b'(' => {
                self.machine.push(Item::Mark);
                Ok(())
            }
            b'.' => return Err(End::Stopped),
            b'0' => self.machine.pop_any(),
            b'1' => self.machine.pop_group(),
            b'2' => self.machine.top().map(|item| self.machine.push(item)),
            // Numbers and nothing.
            b'F' | b'I' | b'L' => {
                self.input.line(0)?;
                self.other()
            }
            b'J' => self.skipped(4)?,
            b'K' => {
                let number = self.input.byte()?;
                self.machine.push(Item::Int(number));
                Ok(())
            }
            b'M' => self.skipped(2)?,
            b'G' => self.skipped(8)?,
            0x8a => self.sized(1)?,
            0x8b => self.sized(4)?,
            b'N' | 0x88 | 0x89 | b'}' | b']' | b')' | 0x8f => self.other(),
            // Texts and bytes.
            b'S' => {
                let line = self.input.line(4 * TEXT_LENGTH)?;
                self.machine.push_text(quoted(&line).as_deref());
                Ok(())
            }
            b'V' => {
                let line = self.input.line(12 * TEXT_LENGTH)?;
                self.machine.push_text(raw_unicode(&line).as_deref());
                Ok(())
            }
            b'T' => self.text(4)?,
            b'U' | 0x8c => self.text(1)?,
            b'X' => self.text(4)?,
            0x8d => self.text(8)?,
            b'B' => self.sized(4)?,
            b'C' => self.sized(1)?,
            0x8e | 0x96 => self.sized(8)?,
            // Containers.
            b'a' => self.machine.pop().map(|_| ()),
            b'b' => self.build(facts),
            b'd' | b'l' | 0x91 => self.machine.pop_group().map(|()| self.machine.push(Item::Other)),
            b'e' | b'u' | 0x90 => self.machine.pop_group(),
            b's' => self.machine.pop_many(2),
            b't' => self.machine.pop_tuple().map(|item| self.machine.push(item)),
            0x85..=0x87 => self.replaced(usize::from(code - 0x84)),
            // Names, and what is made of them.
            b'c' => {
                self.named_by_lines(facts)?;
                self.machine.push(Item::Name);
                Ok(())
            }
            b'i' => {
                self.named_by_lines(facts)?;
                self.machine.pop_group().map(|()| self.machine.push(Item::Other))
            }
            0x93 => self.named_by_stack(facts),
            0x82..=0x84 => {
                self.input.skip([1, 2, 4][usize::from(code - 0x82)])?;
                facts.add_untold(Untold::RegisteredName);
                self.other()
            }
            b'o' => self.machine.pop_group().map(|()| self.machine.push(Item::Other)),
            b'R' | 0x81 => self.replaced(2),
            0x92 => self.replaced(3),
            // Objects that are elsewhere.
            b'P' => {
                self.input.line(0)?;
                facts.is_partial = true;
                self.other()
            }
            b'Q' => {
                facts.is_partial = true;
                self.replaced(1)
            }
            0x97 => {
                facts.is_partial = true;
                self.other()
            }
            0x98 => self.replaced(1),
            // The memo.
            b'p' => {
                let place = self.place_in_line()?;
                self.machine.put(place)
            }
            b'q' => {
                let place = self.input.number(1)?;
                self.machine.put(place)
            }
            b'r' => {
                let place = self.input.number(4)?;
                self.machine.put(place)
            }
            0x94 => self.machine.memoize(),
            b'g' => {
                let place = self.place_in_line()?;
                self.machine.get(place)
            }
            b'h' => {
                let place = self.input.number(1)?;
                self.machine.get(place)
            }
            b'j' => {
                let place = self.input.number(4)?;
                self.machine.get(place)
            }
            // About the stream.
            0x80 => {
                let protocol = self.input.byte()?;
                if protocol > 5 {
                    return Err(End::BadOperand);
                }
                facts.protocol = facts.protocol.max(protocol);
                Ok(())
            }
            0x95 => {
                let length = self.input.number(8)?;
                if length > self.input.end() - self.input.position() {
                    return Err(Stop::End.into());
                }
                Ok(())
            }
            other => return Err(End::NoInstruction(other)),
        };
        Ok(done)
    }

    fn other(&mut self) -> Result<(), Inconsistent> {
        self.machine.push(Item::Other);
        Ok(())
    }

    fn replaced(&mut self, count: usize) -> Result<(), Inconsistent> {
        let popped = self.machine.pop_many(count);
        self.machine.push(Item::Other);
        popped
    }

    fn skipped(&mut self, count: u64) -> Result<Result<(), Inconsistent>, End> {
        self.input.skip(count)?;
        Ok(self.other())
    }

    /// Something with its length in front, which nobody looks at.
    fn sized(&mut self, width: usize) -> Result<Result<(), Inconsistent>, End> {
        let length = self.input.number(width)?;
        self.skipped(length)
    }

    /// A text with its length in front.
    fn text(&mut self, width: usize) -> Result<Result<(), Inconsistent>, End> {
        let length = self.input.number(width)?;
        let bytes = self.input.short(length, TEXT_LENGTH)?;
        self.machine.push_text(bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()));
        Ok(Ok(()))
    }

    fn build(&mut self, facts: &mut PickleFacts) -> Result<(), Inconsistent> {
        let state = self.machine.pop()?;
        if self.machine.top()? == Item::Name {
            // A class, a function or a module gets other attributes.
            facts.add_untold(Untold::ChangesName);
        }
        let names_types = || facts.names.iter().any(|n| n.module == "numpy" && n.name == "dtype");
        if state == Item::AlignedState && names_types() {
            facts.aligned_by_numpy_2 = true;
        }
        Ok(())
    }

    fn place_in_line(&mut self) -> Result<u64, End> {
        let line = self.input.line(32)?;
        let text = std::str::from_utf8(&line.text).map_err(|_| End::BadOperand)?;
        text.trim().parse().map_err(|_| End::BadOperand)
    }

    fn named_by_lines(&mut self, facts: &mut PickleFacts) -> Result<(), End> {
        let (module, name) = (self.input.line(TEXT_LENGTH)?, self.input.line(TEXT_LENGTH)?);
        if !module.is_whole || !name.is_whole {
            facts.add_untold(Untold::TooMuch);
            return Ok(());
        }
        let text = |line: Line| String::from_utf8(line.text).map_err(|_| End::BadOperand);
        let name = PickleName { module: text(module)?, name: text(name)? };
        self.ask_for(name, facts);
        Ok(())
    }

    fn named_by_stack(&mut self, facts: &mut PickleFacts) -> Result<(), Inconsistent> {
        let name = self.machine.pop();
        let module = self.machine.pop();
        self.machine.push(Item::Name);
        let (name, module) = (name?, module?);
        if let (Item::Text(module), Item::Text(name)) = (module, name) {
            let text = |index| self.machine.text(index).to_owned();
            let name = PickleName { module: text(module), name: text(name) };
            self.ask_for(name, facts);
        } else {
            facts.add_untold(Untold::ComputedName);
        }
        Ok(())
    }

    fn ask_for(&mut self, name: PickleName, facts: &mut PickleFacts) {
        if self.known.contains(&name) {
            return;
        }
        if facts.names.len() == NAME_LIMIT {
            facts.add_untold(Untold::TooMuch);
            return;
        }
        self.known.insert(name.clone());
        facts.names.push(name);
    }
}

/// The protocol that brought an instruction.
pub(super) fn protocol_of(code: u8) -> u8 {
    match code {
        0x80..=0x8b => 2,
        b'B' | b'C' => 3,
        0x8c..=0x95 => 4,
        0x96..=0x98 => 5,
        b']' | b'}' | b')' | b'1' | b'J' | b'K' | b'M' | b'G' | b'T' | b'U' | b'X' | b'Q'
        | b'e' | b'u' | b'o' | b'q' | b'r' | b'h' | b'j' => 1,
        _ => 0,
    }
}

/// The text of a quoted line: `'os'`, with the escapes of Python 2.
pub(super) fn quoted(line: &Line) -> Option<String> {
    let text = line.text.trim_ascii();
    let quote = *text.first().filter(|quote| matches!(quote, b'\'' | b'"'))?;
    let inner =
        text.get(1..text.len() - 1).filter(|_| text.len() > 1 && text.ends_with(&[quote]))?;
    if !line.is_whole {
        return None;
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let [escape, after @ ..] = rest else { return None };
        rest = after;
        match escape {
            b'\\' | b'\'' | b'"' => bytes.push(*escape),
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'a' => bytes.push(7),
            b'b' => bytes.push(8),
            b'f' => bytes.push(12),
            b'v' => bytes.push(11),
            b'x' => {
                let digits = rest.get(..2)?;
                bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                rest = &rest[2..];
            }
            b'0'..=b'7' => {
                let more = rest.iter().take(2).take_while(|b| (b'0'..=b'7').contains(b)).count();
                let mut value = u32::from(escape - b'0');
                for digit in &rest[..more] {
                    value = value * 8 + u32::from(digit - b'0');
                }
                bytes.push((value & 0xff) as u8);
                rest = &rest[more..];
            }
            other => bytes.extend([b'\\', *other]),
        }
    }
    // Python 3 takes such a text for ASCII unless told otherwise.
    String::from_utf8(bytes).ok().filter(|text| text.is_ascii())
}

/// The text of a line in which `\uXXXX` and `\UXXXXXXXX` are characters and other bytes Latin-1.
pub(super) fn raw_unicode(line: &Line) -> Option<Cow<'_, str>> {
    if !line.is_whole {
        return None;
    }
    if line.text.is_ascii() && !line.text.contains(&b'\\') {
        return std::str::from_utf8(&line.text).ok().map(Cow::Borrowed);
    }
    let mut text = String::new();
    let mut rest = line.text.as_slice();
    while let [first, after @ ..] = rest {
        rest = after;
        let width = match (first, rest.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            (b'\\', Some(b'\\')) => {
                // Two backslashes are two: neither starts an escape.
                text.push_str("\\\\");
                rest = &rest[1..];
                continue;
            }
            _ => {
                text.push(char::from(*first));
                continue;
            }
        };
        let digits = std::str::from_utf8(rest.get(1..=width)?).ok()?;
        text.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
        rest = &rest[1 + width..];
    }
    Some(Cow::Owned(text))
}
