//! The instructions, one after another, and what they leave on the stack and in the memo.

use std::collections::HashMap;

use npz::Source;

use super::super::input::{Input, Part, Stop};
use super::super::walk::{protocol_of, quoted, raw_unicode};
use super::{Id, NODE_LIMIT, NameForm, NameSite, Node, Objects, RawArray, Span, Trouble, arrays};

/// The longest name of a module or of something in it.
const NAME_LENGTH: usize = 1024;

/// How deep pickles lie within array data of joblib.
const DEPTH_LIMIT: usize = 16;

/// Reads the pickles that lie in a part of a source, until something is none.
pub(crate) fn read(part: &Part<'_>, instructions: u64) -> Objects {
    let mut reader = Reader {
        source: part.source,
        input: Input::new(part),
        objects: Objects { end: part.start, ..Objects::default() },
        state: State::default(),
        left: instructions,
        depth: 0,
    };
    loop {
        let start = reader.input.position();
        reader.state = State::default();
        match reader.pickle() {
            Ok(root) => {
                reader.objects.roots.push(root);
                reader.objects.end = reader.input.position();
                if reader.input.position() == reader.input.end() {
                    break;
                }
            }
            Err(trouble) => {
                // After a whole pickle, bytes that do not begin one are something else.
                let is_other = !reader.objects.roots.is_empty() && !reader.begins_at(start);
                if !is_other {
                    reader.objects.trouble = Some(trouble);
                }
                break;
            }
        }
    }
    reader.objects
}

/// What an unpickler holds while it runs.
#[derive(Default)]
struct State {
    stack: Vec<Id>,
    /// How high the stack was at each `MARK`.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

struct Reader<'a> {
    source: &'a dyn Source,
    input: Input<'a>,
    objects: Objects,
    state: State,
    left: u64,
    depth: usize,
}

type Step<T> = Result<T, Trouble>;

impl Reader<'_> {
    fn begins_at(&mut self, position: u64) -> bool {
        self.input.go_to(position);
        matches!([self.input.byte(), self.input.byte()], [Ok(0x80), Ok(0..=5)])
    }

    /// One pickle, to its `STOP`.
    fn pickle(&mut self) -> Step<Id> {
        loop {
            let at = self.input.position();
            self.left = self.left.checked_sub(1).ok_or(Trouble::TooMuch)?;
            match self.step(at) {
                Ok(None) => {}
                Ok(Some(root)) => return Ok(root),
                Err(Ended::Stop(Stop::End)) => return Err(Trouble::Truncated { at }),
                Err(Ended::Stop(Stop::Io(error))) => {
                    return Err(Trouble::Unreadable(error.to_string()));
                }
                Err(Ended::Trouble(trouble)) => return Err(trouble),
                Err(Ended::Inconsistent) => return Err(Trouble::Inconsistent { at }),
            }
        }
    }

    fn push(&mut self, at: u64, node: Node) -> Result<Id, Ended> {
        if self.objects.nodes.len() >= NODE_LIMIT {
            return Err(Trouble::TooMuch.into());
        }
        let id = self.objects.nodes.len() as Id;
        self.objects.nodes.push(node);
        self.objects.places.push(at);
        self.state.stack.push(id);
        Ok(id)
    }

    fn pop(&mut self) -> Result<Id, Ended> {
        let floor = self.state.marks.last().copied().unwrap_or(0);
        if self.state.stack.len() <= floor {
            return Err(Ended::Inconsistent);
        }
        self.state.stack.pop().ok_or(Ended::Inconsistent)
    }

    fn top(&self) -> Result<Id, Ended> {
        let floor = self.state.marks.last().copied().unwrap_or(0);
        let is_there = self.state.stack.len() > floor;
        self.state.stack.last().copied().filter(|_| is_there).ok_or(Ended::Inconsistent)
    }

    fn pop_group(&mut self) -> Result<Vec<Id>, Ended> {
        let start = self.state.marks.pop().ok_or(Ended::Inconsistent)?;
        Ok(self.state.stack.split_off(start.min(self.state.stack.len())))
    }

    /// One instruction; what the pickle makes, if it was the last one.
    fn step(&mut self, at: u64) -> Result<Option<Id>, Ended> {
        let code = self.input.byte()?;
        self.objects.protocol = self.objects.protocol.max(protocol_of(code));
        match code {
            b'(' => self.state.marks.push(self.state.stack.len()),
            b'.' => return self.pop().map(Some),
            b'0' => {
                let floor = self.state.marks.last().copied().unwrap_or(0);
                if self.state.stack.len() > floor {
                    self.state.stack.pop();
                } else {
                    self.state.marks.pop().ok_or(Ended::Inconsistent)?;
                }
            }
            b'1' => {
                self.pop_group()?;
            }
            b'2' => {
                let top = self.top()?;
                self.state.stack.push(top);
            }
            b'F' => {
                self.input.line(64)?;
                self.push(at, Node::Opaque)?;
            }
            b'I' | b'L' => {
                let line = self.input.line(64)?;
                let text = String::from_utf8_lossy(&line.text);
                let node = match (code, text.trim()) {
                    (b'I', "00") => Node::Bool(false),
                    (b'I', "01") => Node::Bool(true),
                    (_, number) => {
                        number.trim_end_matches('L').parse().map_or(Node::Opaque, Node::Int)
                    }
                };
                self.push(at, node)?;
            }
            b'J' => {
                let number = self.input.number(4)? as u32;
                self.push(at, Node::Int(i64::from(number.cast_signed())))?;
            }
            b'K' => self.int(at, 1)?,
            b'M' => self.int(at, 2)?,
            b'G' => {
                self.input.skip(8)?;
                self.push(at, Node::Opaque)?;
            }
            0x8a => self.long(at, 1)?,
            0x8b => self.long(at, 4)?,
            b'N' => {
                self.push(at, Node::Nothing)?;
            }
            0x88 | 0x89 => {
                self.push(at, Node::Bool(code == 0x88))?;
            }
            b'}' => {
                self.push(at, Node::Dict)?;
            }
            b']' => {
                self.push(at, Node::List)?;
            }
            0x8f => {
                self.push(at, Node::Set)?;
            }
            b')' => {
                self.push(at, Node::Tuple(Box::default()))?;
            }
            b'S' => {
                let line = self.input.line(4 * NAME_LENGTH)?;
                let node = quoted(&line).map_or(Node::Opaque, |text| Node::Line(text.into()));
                self.push(at, node)?;
            }
            b'V' => {
                let line = self.input.line(16 * NAME_LENGTH)?;
                let node = raw_unicode(&line).map_or(Node::Opaque, |text| Node::Line(text.into()));
                self.push(at, node)?;
            }
            b'T' => self.span(at, 4, Node::Str)?,
            b'U' => self.span(at, 1, Node::Str)?,
            b'X' => self.span(at, 4, Node::Text)?,
            0x8c => self.span(at, 1, Node::Text)?,
            0x8d => self.span(at, 8, Node::Text)?,
            b'B' => self.span(at, 4, Node::Bytes)?,
            b'C' => self.span(at, 1, Node::Bytes)?,
            0x8e => self.span(at, 8, Node::Bytes)?,
            0x96 => {
                self.span(at, 8, Node::Bytes)?;
                let span = Span { start: at + 9, end: self.input.position() };
                self.objects.byte_arrays.push((at, span));
            }
            _ => self.step_of_objects(code, at)?,
        }
        Ok(None)
    }

    fn step_of_objects(&mut self, code: u8, at: u64) -> Result<(), Ended> {
        match code {
            b'a' => {
                let item = self.pop()?;
                let list = self.top()?;
                self.objects.elements.entry(list).or_default().push(item);
            }
            b'e' | 0x90 => {
                let items = self.pop_group()?;
                let list = self.top()?;
                self.objects.elements.entry(list).or_default().extend(items);
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                let dictionary = self.top()?;
                self.objects.entries.entry(dictionary).or_default().push((key, value));
            }
            b'u' => {
                let items = self.pop_group()?;
                let dictionary = self.top()?;
                self.add_pairs(dictionary, &items)?;
            }
            b'd' => {
                let items = self.pop_group()?;
                let dictionary = self.push(at, Node::Dict)?;
                self.add_pairs(dictionary, &items)?;
            }
            b'l' | 0x91 => {
                let items = self.pop_group()?;
                let list = self.push(at, if code == b'l' { Node::List } else { Node::Set })?;
                self.objects.elements.insert(list, items);
            }
            b't' => {
                let items = self.pop_group()?;
                self.push(at, Node::Tuple(items.into()))?;
            }
            0x85..=0x87 => {
                let mut items = Vec::new();
                for _ in 0..code - 0x84 {
                    items.push(self.pop()?);
                }
                items.reverse();
                self.push(at, Node::Tuple(items.into()))?;
            }
            b'b' => {
                let state = self.pop()?;
                let object = self.top()?;
                self.objects.states.insert(object, state);
                self.objects.state_places.insert(object, at);
                self.array_data(object)?;
            }
            b'c' => self.name_of_lines(at, NameForm::Lines)?,
            b'i' => {
                self.name_of_lines(at, NameForm::Instance)?;
                let class = self.pop()?;
                let arguments = self.pop_group()?;
                let arguments = self.push(at, Node::Tuple(arguments.into()))?;
                self.pop()?;
                self.call(at, class, arguments)?;
            }
            b'o' => {
                let mut items = self.pop_group()?;
                if items.is_empty() {
                    return Err(Ended::Inconsistent);
                }
                let class = items.remove(0);
                let arguments = self.push(at, Node::Tuple(items.into()))?;
                self.pop()?;
                self.call(at, class, arguments)?;
            }
            0x93 => self.name_of_stack(at)?,
            0x82..=0x84 => {
                self.input.skip([1, 2, 4][usize::from(code - 0x82)])?;
                self.objects.has_hidden_names = true;
                self.push(at, Node::Opaque)?;
            }
            b'R' | 0x81 => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.call(at, function, arguments)?;
            }
            0x92 => {
                let (_, arguments, function) = (self.pop()?, self.pop()?, self.pop()?);
                self.call(at, function, arguments)?;
            }
            b'P' => {
                let line = self.input.line(NAME_LENGTH)?;
                let text = String::from_utf8_lossy(&line.text).into_owned();
                let what = self.push(at, Node::Line(text.into()))?;
                self.pop()?;
                self.push(at, Node::Persistent(what))?;
            }
            b'Q' => {
                let what = self.pop()?;
                self.push(at, Node::Persistent(what))?;
            }
            0x97 => {
                self.objects.has_outer_buffers = true;
                self.push(at, Node::Opaque)?;
            }
            0x98 => {
                // It is about memory of the reader, which older protocols do not have.
                self.objects.has_outer_buffers = true;
                self.top()?;
            }
            b'p' => {
                let place = self.place_in_line()?;
                self.put(place)?;
            }
            b'q' => {
                let place = self.input.number(1)?;
                self.put(place)?;
            }
            b'r' => {
                let place = self.input.number(4)?;
                self.put(place)?;
            }
            0x94 => self.put(self.state.memo.len() as u64)?,
            b'g' => {
                let place = self.place_in_line()?;
                self.get(place)?;
            }
            b'h' => {
                let place = self.input.number(1)?;
                self.get(place)?;
            }
            b'j' => {
                let place = self.input.number(4)?;
                self.get(place)?;
            }
            0x80 => {
                let protocol = self.input.byte()?;
                if protocol > 5 {
                    return Err(Ended::Inconsistent);
                }
                self.objects.protocols.push((at + 1, protocol));
                self.objects.protocol = self.objects.protocol.max(protocol);
            }
            0x95 => {
                let length = self.input.number(8)?;
                if length > self.input.end() - self.input.position() {
                    return Err(Stop::End.into());
                }
                self.objects.frames.push((at, length));
            }
            byte => return Err(Trouble::NoInstruction { at, byte }.into()),
        }
        Ok(())
    }

    fn add_pairs(&mut self, dictionary: Id, items: &[Id]) -> Result<(), Ended> {
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(Ended::Inconsistent);
        }
        let entries = self.objects.entries.entry(dictionary).or_default();
        entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
        Ok(())
    }

    fn int(&mut self, at: u64, width: usize) -> Result<(), Ended> {
        let number = self.input.number(width)?;
        self.push(at, Node::Int(number.cast_signed()))?;
        Ok(())
    }

    fn long(&mut self, at: u64, width: usize) -> Result<(), Ended> {
        let length = self.input.number(width)?;
        let node = if length <= 8 {
            let number = self.input.number(length as usize)?;
            let unused = 64 - 8 * length as u32;
            let number = number.checked_shl(unused).unwrap_or(0).cast_signed();
            Node::Int(number.checked_shr(unused).unwrap_or(0))
        } else {
            self.input.skip(length)?;
            Node::Opaque
        };
        self.push(at, node)?;
        Ok(())
    }

    fn span(&mut self, at: u64, width: usize, node: fn(Span) -> Node) -> Result<(), Ended> {
        let length = self.input.number(width)?;
        let start = self.input.position();
        self.input.skip(length)?;
        self.push(at, node(Span { start, end: start + length }))?;
        Ok(())
    }

    fn call(&mut self, at: u64, function: Id, arguments: Id) -> Result<(), Ended> {
        let id = self.push(at, Node::Call { function, arguments })?;
        self.objects.builds.push((at, id));
        Ok(())
    }

    fn place_in_line(&mut self) -> Result<u64, Ended> {
        let line = self.input.line(32)?;
        let text = std::str::from_utf8(&line.text).map_err(|_| Ended::Inconsistent)?;
        text.trim().parse().map_err(|_| Ended::Inconsistent)
    }

    fn put(&mut self, place: u64) -> Result<(), Ended> {
        let top = self.top()?;
        if self.state.memo.len() >= NODE_LIMIT {
            return Err(Trouble::TooMuch.into());
        }
        self.state.memo.insert(place, top);
        Ok(())
    }

    fn get(&mut self, place: u64) -> Result<(), Ended> {
        let id = *self.state.memo.get(&place).ok_or(Ended::Inconsistent)?;
        self.state.stack.push(id);
        if self.state.stack.len() > 2 * NODE_LIMIT {
            return Err(Trouble::TooMuch.into());
        }
        Ok(())
    }

    fn name_of_lines(&mut self, at: u64, form: NameForm) -> Result<(), Ended> {
        let mut texts = Vec::new();
        for _ in 0..2 {
            let line = self.input.line(NAME_LENGTH)?;
            let text = String::from_utf8(line.text).map_err(|_| Ended::Inconsistent)?;
            if !line.is_whole {
                return Err(Trouble::TooMuch.into());
            }
            texts.push(text);
        }
        let name = texts.pop().unwrap_or_default();
        let module = texts.pop().unwrap_or_default();
        self.add_name(at, form, module, name)
    }

    fn name_of_stack(&mut self, at: u64) -> Result<(), Ended> {
        let (name, module) = (self.pop()?, self.pop()?);
        let text = |id| match self.objects.node(id) {
            // Only a text can be a name.
            Node::Bytes(_) => None,
            _ => self.objects.text(id, self.source),
        };
        if let (Some(module), Some(name)) = (text(module), text(name)) {
            return self.add_name(at, NameForm::Stack, module, name);
        }
        self.objects.has_hidden_names = true;
        self.push(at, Node::Opaque)?;
        Ok(())
    }

    fn add_name(
        &mut self,
        at: u64,
        form: NameForm,
        module: String,
        name: String,
    ) -> Result<(), Ended> {
        let span = Span { start: at, end: self.input.position() };
        let site = self.objects.names.len() as u32;
        self.objects.names.push(NameSite { span, form, module, name });
        self.push(at, Node::Name(site))?;
        Ok(())
    }

    /// After the state of a wrapper of joblib come the data of its array.
    fn array_data(&mut self, object: Id) -> Result<(), Ended> {
        let at = self.input.position();
        let wrapper = match arrays::wrapper(&self.objects, object, self.source) {
            None => return Ok(()),
            Some(Ok(wrapper)) => wrapper,
            Some(Err(reason)) => return Err(Trouble::RawArray { at, reason }.into()),
        };
        let Some(length) = wrapper.length else {
            return self.nested_pickle(object);
        };
        let mut data = at;
        if wrapper.alignment.is_some() {
            let padding = self.input.byte()?;
            self.input.skip(u64::from(padding))?;
            data = self.input.position();
        }
        self.input.skip(length)?;
        let raw = RawArray {
            padding: Span { start: at, end: data },
            data: Span { start: data, end: self.input.position() },
            alignment: wrapper.alignment,
        };
        self.objects.raw.insert(object, raw);
        Ok(())
    }

    /// An array of objects is a pickle of its own, with a stack and a memo of its own.
    fn nested_pickle(&mut self, object: Id) -> Result<(), Ended> {
        if self.depth == DEPTH_LIMIT {
            return Err(Trouble::TooMuch.into());
        }
        self.depth += 1;
        let outer = std::mem::take(&mut self.state);
        let root = self.pickle();
        self.state = outer;
        self.depth -= 1;
        self.objects.nested.insert(object, root?);
        Ok(())
    }
}

/// Why an instruction could not be carried out.
enum Ended {
    Stop(Stop),
    Inconsistent,
    Trouble(Trouble),
}

impl From<Stop> for Ended {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<Trouble> for Ended {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}
