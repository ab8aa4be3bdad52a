//! A pickle rewritten for older readers, instruction by instruction. Nothing of it is run.
//!
//! A name is changed where it is asked for, not where its texts are written: those may be data as
//! well. `STACK_GLOBAL` takes two texts from the stack, so it becomes two `POP`s and a `GLOBAL` with
//! the new name, and whatever the memo holds stays what it was.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::{self, Write};

use npz::Source;

use super::input::Part;
use super::objects::{self, Id, NameForm, Node, Objects, Span, Trouble};

/// What becomes of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rewrite {
    /// It is called something else.
    Name {
        /// The module.
        module: String,
        /// The name in it.
        name: String,
    },
    /// The class of a bit generator of numpy 2, for which numpy 1 has the name alone.
    BitGenerator,
    /// Older readers have nothing of the kind, for this reason.
    Impossible(String),
}

/// Why a pickle is not rewritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot be read to its end.
    Damaged(String),
    /// A name is computed, or is a number in the reader's registry.
    HiddenNames,
    /// It holds something that older readers have nothing for.
    Impossible(String),
    /// It is written in a way that is not rewritten.
    Unsupported(String),
    /// Its data lie outside of it, so no older protocol can hold them.
    OuterBuffers,
    /// More than is looked at.
    TooLarge,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(what) | Self::Unsupported(what) => f.write_str(what),
            Self::HiddenNames => {
                f.write_str("a name that it imports is computed while it runs: it cannot be told")
            }
            Self::Impossible(what) => write!(f, "it holds what no numpy 1 has: {what}"),
            Self::OuterBuffers => f.write_str(
                "it is written with protocol 5 and its data lie outside of it, in buffers that \
                 protocol 4 has nothing for",
            ),
            Self::TooLarge => f.write_str("it has more instructions than are rewritten"),
        }
    }
}

impl std::error::Error for Refusal {}

/// How to rewrite.
pub struct RepairOptions<'a> {
    /// What becomes of a name of a module; nothing for one that stays.
    pub rewrite: &'a dyn Fn(&str, &str) -> Option<Rewrite>,
    /// The newest protocol that the readers know; 4 or 5.
    pub protocol: u8,
    /// Where the pickle begins: after the header of an npy file.
    pub start: u64,
    /// Instructions that are followed.
    pub instructions: u64,
}

/// A part of what is written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Copy(Span),
    New(Vec<u8>),
}

/// A pickle that was rewritten: pieces of the old one, and new ones. It is a source of bytes itself,
/// so that it can be looked at before it is written.
pub struct Repaired<'a> {
    source: &'a dyn Source,
    /// With the place where each begins.
    pieces: Vec<(u64, Piece)>,
    length: u64,
    /// What was changed, in words, each once with how often.
    pub changes: Vec<(String, usize)>,
}

impl fmt::Debug for Repaired<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repaired").field("changes", &self.changes).finish_non_exhaustive()
    }
}

impl Repaired<'_> {
    /// Writes it.
    ///
    /// # Errors
    /// What reading or writing fails with.
    pub fn write_to(&self, writer: &mut dyn Write) -> io::Result<()> {
        let mut window = vec![0; 1 << 20];
        let mut at = 0;
        while at < self.length {
            let count = (self.length - at).min(window.len() as u64) as usize;
            self.read_exact_at(&mut window[..count], at)?;
            writer.write_all(&window[..count])?;
            at += count as u64;
        }
        Ok(())
    }
}

impl Source for Repaired<'_> {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        let mut index = self.pieces.partition_point(|(start, _)| *start <= offset);
        while !buffer.is_empty() {
            let (start, piece) = index
                .checked_sub(1)
                .and_then(|index| self.pieces.get(index))
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            let within = offset - start;
            let length = piece.length().saturating_sub(within).min(buffer.len() as u64) as usize;
            if length == 0 && index >= self.pieces.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let (now, later) = buffer.split_at_mut(length);
            match piece {
                Piece::Copy(span) => self.source.read_exact_at(now, span.start + within)?,
                Piece::New(bytes) => {
                    now.copy_from_slice(&bytes[within as usize..within as usize + length]);
                }
            }
            buffer = later;
            offset += length as u64;
            index += 1;
        }
        Ok(())
    }
}

impl Piece {
    fn length(&self) -> u64 {
        match self {
            Self::Copy(span) => span.length(),
            Self::New(bytes) => bytes.len() as u64,
        }
    }
}

/// Bytes in the place of others.
struct Edit {
    /// The instruction that is changed, by which a frame counts it.
    owner: u64,
    span: Span,
    put: Put,
}

enum Put {
    Bytes(Vec<u8>),
    /// The padding of joblib, which depends on where it comes to lie.
    Padding(u64),
}

/// Rewrites a pickle. Without anything to change, the result has no changes.
///
/// # Errors
/// When it cannot be told what it does, or older readers have nothing for what it holds.
pub fn repair<'a>(
    source: &'a dyn Source,
    options: &RepairOptions<'_>,
) -> Result<Repaired<'a>, Refusal> {
    let part = Part { source, start: options.start, end: source.length() };
    let objects = objects::read(&part, options.instructions);
    if let Some(trouble) = &objects.trouble {
        return Err(refusal_of(trouble));
    }
    if objects.has_hidden_names {
        return Err(Refusal::HiddenNames);
    }
    let mut editor = Editor {
        objects: &objects,
        source,
        edits: Vec::new(),
        edited: HashSet::new(),
        changes: Vec::new(),
        known: HashMap::new(),
    };
    editor.names(options)?;
    editor.bit_generators(options)?;
    editor.types()?;
    if objects.protocol > options.protocol {
        editor.protocol(options.protocol)?;
    }
    let Editor { edits, changes, .. } = editor;
    assemble(&objects, source, edits, changes)
}

fn refusal_of(trouble: &Trouble) -> Refusal {
    match trouble {
        Trouble::Truncated { at } => Refusal::Damaged(format!("it is truncated at byte {at}")),
        Trouble::NoInstruction { at, byte } => {
            Refusal::Damaged(format!("byte {at} ({byte:#04x}) is no instruction"))
        }
        Trouble::Inconsistent { at } => {
            Refusal::Damaged(format!("its instructions contradict each other at byte {at}"))
        }
        Trouble::RawArray { at, reason } => Refusal::Unsupported(format!(
            "the array data at byte {at} cannot be measured: {reason}"
        )),
        Trouble::Unreadable(reason) => Refusal::Damaged(format!("it cannot be read: {reason}")),
        Trouble::TooMuch => Refusal::TooLarge,
    }
}

struct Editor<'a> {
    objects: &'a Objects,
    source: &'a dyn Source,
    edits: Vec<Edit>,
    /// Where instructions are changed.
    edited: HashSet<u64>,
    changes: Vec<(String, usize)>,
    /// Places in the list of changes.
    known: HashMap<String, usize>,
}

/// Functions of numpy that rebuild random generators, and the classes that numpy 1 can call with a
/// bit generator instead.
const GENERATORS: &[(&str, (&str, &str))] = &[
    ("__generator_ctor", ("numpy.random._generator", "Generator")),
    ("__randomstate_ctor", ("numpy.random.mtrand", "RandomState")),
];

const RANDOM: &str = "numpy.random._pickle";

impl Editor<'_> {
    fn note(&mut self, change: String) {
        let next = self.changes.len();
        let place = *self.known.entry(change.clone()).or_insert(next);
        match self.changes.get_mut(place) {
            Some((_, count)) => *count += 1,
            None => self.changes.push((change, 1)),
        }
    }

    fn put(&mut self, owner: u64, span: Span, bytes: Vec<u8>) {
        self.edited.insert(owner);
        self.edits.push(Edit { owner, span, put: Put::Bytes(bytes) });
    }

    fn names(&mut self, options: &RepairOptions<'_>) -> Result<(), Refusal> {
        let objects = self.objects;
        let rebuilds = objects
            .names
            .iter()
            .any(|site| site.module == RANDOM && site.name == "__bit_generator_ctor");
        for site in &objects.names {
            match (options.rewrite)(&site.module, &site.name) {
                None => {}
                Some(Rewrite::Impossible(reason)) => return Err(Refusal::Impossible(reason)),
                Some(Rewrite::Name { module, name }) => {
                    self.note(format!("{}.{} → {module}.{name}", site.module, site.name));
                    self.rename(site.span, site.form, &module, &name)?;
                }
                Some(Rewrite::BitGenerator) if !rebuilds => {}
                Some(Rewrite::BitGenerator) => {
                    let mut bytes = match site.form {
                        NameForm::Lines => Vec::new(),
                        NameForm::Stack => b"00".to_vec(),
                        NameForm::Instance => {
                            let reason = "a bit generator is made by INST".to_owned();
                            return Err(Refusal::Unsupported(reason));
                        }
                    };
                    bytes.push(b'X');
                    bytes.extend((site.name.len() as u32).to_le_bytes());
                    bytes.extend(site.name.as_bytes());
                    self.note(format!("{}.{} → its name", site.module, site.name));
                    self.put(site.span.start, site.span, bytes);
                }
            }
        }
        Ok(())
    }

    fn rename(
        &mut self,
        span: Span,
        form: NameForm,
        module: &str,
        name: &str,
    ) -> Result<(), Refusal> {
        // The instruction ends its texts with line breaks: what follows one would be instructions.
        if module.contains('\n') || name.contains('\n') {
            return Err(Refusal::Unsupported("a name that it imports has a line break".to_owned()));
        }
        let code = match form {
            NameForm::Lines => "c",
            NameForm::Instance => "i",
            NameForm::Stack => "00c",
        };
        self.put(span.start, span, format!("{code}{module}\n{name}\n").into_bytes());
        Ok(())
    }

    /// numpy 2 gives a class and a pair of states where numpy 1 expects a name and one state, and a
    /// whole bit generator where numpy 1 expects its name.
    fn bit_generators(&mut self, options: &RepairOptions<'_>) -> Result<(), Refusal> {
        let objects = self.objects;
        let mut renamed = HashSet::new();
        for (_, id) in &objects.builds {
            let Node::Call { function, .. } = objects.node(*id) else { continue };
            let Some(((RANDOM, name), arguments)) = objects.call(*id) else { continue };
            let Some(first) = arguments.first() else { continue };
            if name == "__bit_generator_ctor" {
                let class = objects.name(*first);
                let is_new = class.is_some_and(|(module, name)| {
                    (options.rewrite)(module, name) == Some(Rewrite::BitGenerator)
                });
                let state = objects.states.get(id).copied();
                let pair =
                    state.filter(|state| objects.tuple(*state).is_some_and(|t| t.len() == 2));
                if let (true, Some(pair)) = (is_new, pair) {
                    self.drop_second(pair)?;
                }
            }
            let class = GENERATORS.iter().find(|(known, _)| *known == name);
            let takes_object = objects.call(*first).is_some();
            if let (Some((_, (module, class))), true, Node::Name(site)) =
                (class, takes_object, objects.node(*function))
                && renamed.insert(*site)
                && let Some(site_of) = objects.names.get(*site as usize)
            {
                self.note(format!("{RANDOM}.{name} → {module}.{class}"));
                self.rename(site_of.span, site_of.form, module, class)?;
            }
        }
        Ok(())
    }

    /// `TUPLE2` becomes `POP`: the first of the two is left.
    fn drop_second(&mut self, pair: Id) -> Result<(), Refusal> {
        let at = self.objects.places[pair as usize];
        if self.byte(at)? != 0x86 {
            let reason = "a bit generator is pickled with protocol 0 or 1".to_owned();
            return Err(Refusal::Unsupported(reason));
        }
        let second = self.objects.tuple(pair).and_then(|pair| pair.get(1)).copied();
        if let Some(second) = second {
            self.build_nothing(second)?;
        }
        if !self.edited.contains(&at) {
            self.note("the state of a bit generator without its seed sequence".to_owned());
            self.put(at, Span { start: at, end: at + 1 }, b"0".to_vec());
        }
        Ok(())
    }

    /// A seed sequence is dropped, so it need not be built; numpys disagree on how that is done.
    /// `REDUCE` and `BUILD` become `POP`: the function that would be called is left.
    fn build_nothing(&mut self, object: Id) -> Result<(), Refusal> {
        let call = self.objects.places[object as usize];
        if self.objects.call(object).is_none() || self.byte(call)? != b'R' {
            return Ok(());
        }
        let build = self.objects.state_places.get(&object).copied();
        for at in [Some(call), build].into_iter().flatten() {
            if !self.edited.contains(&at) {
                self.put(at, Span { start: at, end: at + 1 }, b"0".to_vec());
            }
        }
        Ok(())
    }

    fn byte(&self, at: u64) -> Result<u8, Refusal> {
        let mut byte = [0];
        let read = self.source.read_exact_at(&mut byte, at);
        read.map_err(|error| Refusal::Damaged(format!("it cannot be read: {error}")))?;
        Ok(byte[0])
    }

    /// Flags of aligned structures, which numpy 1 reads into a signed byte; and the metadata of dates,
    /// which must be a dictionary for it.
    fn types(&mut self) -> Result<(), Refusal> {
        let objects = self.objects;
        let mut states: Vec<(Id, Id)> =
            objects.states.iter().map(|(object, state)| (*object, *state)).collect();
        states.sort_unstable();
        for (object, state) in states {
            let Some((("numpy", "dtype"), _)) = objects.call(object) else { continue };
            let Some(state) = objects.tuple(state) else { continue };
            if !matches!(state.len(), 8 | 9) {
                continue;
            }
            if let Some(flags) = objects.int(state[7]).filter(|flags| (128..256).contains(flags)) {
                let at = objects.places[state[7] as usize];
                if self.byte(at)? != b'K' {
                    let reason = "the flags of a type are not written in one byte".to_owned();
                    return Err(Refusal::Unsupported(reason));
                }
                if !self.edited.contains(&at) {
                    let signed = i32::try_from(flags - 256).unwrap_or_default();
                    let bytes = [b"J", &signed.to_le_bytes()[..]].concat();
                    self.note("the flags of an aligned structure".to_owned());
                    self.put(at, Span { start: at, end: at + 2 }, bytes);
                }
            }
            let metadata = state.get(8).and_then(|metadata| objects.tuple(*metadata));
            if let Some([first, _]) = metadata
                && *objects.node(*first) == Node::Nothing
            {
                let at = objects.places[*first as usize];
                if !self.edited.contains(&at) {
                    self.note("the metadata of a date".to_owned());
                    self.put(at, Span { start: at, end: at + 1 }, b"}".to_vec());
                }
            }
        }
        Ok(())
    }

    /// What protocol 5 brought, said with the instructions of protocol 4.
    fn protocol(&mut self, newest: u8) -> Result<(), Refusal> {
        if newest < 4 {
            let reason = format!("protocol {newest} cannot be written, only 4 and newer");
            return Err(Refusal::Unsupported(reason));
        }
        if self.objects.has_outer_buffers {
            return Err(Refusal::OuterBuffers);
        }
        let before = self.edits.len();
        for (at, protocol) in &self.objects.protocols {
            if *protocol > newest {
                self.put(at - 1, Span { start: *at, end: at + 1 }, vec![newest]);
            }
        }
        for (at, span) in &self.objects.byte_arrays {
            // A bytearray of the same bytes: what is made of it can be written to, as before.
            let start = Span { start: *at, end: at + 1 };
            self.put(*at, start, b"cbuiltins\nbytearray\n\x8e".to_vec());
            self.put(*at, Span { start: span.end, end: span.end }, b"\x85R".to_vec());
        }
        // What follows a whole pickle counts for its protocol, and stays as it is.
        if self.edits.len() > before {
            self.note(format!("protocol 5 → protocol {newest}"));
        }
        Ok(())
    }
}

/// Puts the pieces together, and mends what depends on their lengths.
fn assemble<'a>(
    objects: &Objects,
    source: &'a dyn Source,
    mut edits: Vec<Edit>,
    changes: Vec<(String, usize)>,
) -> Result<Repaired<'a>, Refusal> {
    if !edits.is_empty() {
        // By how much the bytes have grown up to each change, in order of the instructions.
        let mut grown: Vec<(u64, i64)> = edits
            .iter()
            .filter_map(|edit| match &edit.put {
                Put::Bytes(bytes) => {
                    let (new, old) = (bytes.len() as u64, edit.span.length());
                    Some((edit.owner, new.cast_signed() - old.cast_signed()))
                }
                Put::Padding(_) => None,
            })
            .collect();
        grown.sort_unstable();
        let mut sum = 0;
        for (_, growth) in &mut grown {
            sum += *growth;
            *growth = sum;
        }
        let until = |at: u64| match grown.partition_point(|(owner, _)| *owner < at) {
            0 => 0,
            place => grown[place - 1].1,
        };
        for (at, length) in &objects.frames {
            let growth = until(at + 9 + length) - until(at + 9);
            if growth != 0 {
                let new = length.saturating_add_signed(growth);
                let span = Span { start: at + 1, end: at + 9 };
                let put = Put::Bytes(new.to_le_bytes().to_vec());
                edits.push(Edit { owner: *at, span, put });
            }
        }
        for raw in objects.raw.values() {
            if let Some(alignment) = raw.alignment.filter(|alignment| (1..=255).contains(alignment))
            {
                let put = Put::Padding(alignment);
                edits.push(Edit { owner: raw.padding.start, span: raw.padding, put });
            }
        }
    }
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut repaired = Repaired { source, pieces: Vec::new(), length: 0, changes };
    let mut at = 0;
    for edit in edits {
        if edit.span.start < at {
            let reason = "two things at one place would have to be changed".to_owned();
            return Err(Refusal::Unsupported(reason));
        }
        repaired.add(Piece::Copy(Span { start: at, end: edit.span.start }));
        let bytes = match edit.put {
            Put::Bytes(bytes) => bytes,
            Put::Padding(alignment) => {
                let length = alignment - (repaired.length + 1) % alignment;
                let mut padding = vec![length as u8];
                padding.resize(1 + length as usize, 0xff);
                padding
            }
        };
        repaired.add(Piece::New(bytes));
        at = edit.span.end;
    }
    repaired.add(Piece::Copy(Span { start: at, end: source.length() }));
    Ok(repaired)
}

impl Repaired<'_> {
    fn add(&mut self, piece: Piece) {
        let length = piece.length();
        if length > 0 {
            self.pieces.push((self.length, piece));
            self.length += length;
        }
    }
}
