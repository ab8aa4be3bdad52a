//! ELF modules made by hand.

use super::{Order, Texts, pad};

/// Where the file lies in memory, so that addresses are not offsets.
pub(crate) const BASE: u64 = 0x10000;

/// How the number of dynamic symbols can be known.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lookup {
    GnuHash,
    Hash,
    Sections,
}

/// What a dynamic symbol is.
#[derive(Clone, Copy)]
pub(crate) enum Symbol {
    Undefined,
    Local,
    Hidden,
    Weak,
    Protected,
    Global,
}

/// An ELF module.
#[derive(Clone)]
pub(crate) struct Elf {
    pub(crate) bits64: bool,
    pub(crate) order: Order,
    pub(crate) machine: u16,
    pub(crate) lookup: Lookup,
    pub(crate) interpreter: Option<&'static str>,
    pub(crate) needed: Vec<String>,
    pub(crate) rpath: Option<String>,
    pub(crate) runpath: Option<String>,
    /// Library, and its versions with whether they are weak.
    pub(crate) version_needs: Vec<(&'static str, Vec<(&'static str, bool)>)>,
    /// Version and its predecessor. A base definition is put before them.
    pub(crate) version_definitions: Vec<(&'static str, Option<&'static str>)>,
    /// Undefined symbols come first, as the hash table wants it.
    pub(crate) symbols: Vec<(String, Symbol)>,
    /// Bytes that nothing leads to.
    pub(crate) data: Vec<u8>,
}

impl Elf {
    /// Nothing but headers and an empty dynamic table.
    pub(crate) fn empty() -> Self {
        Self {
            bits64: true,
            order: Order::Little,
            machine: 62,
            lookup: Lookup::GnuHash,
            interpreter: None,
            needed: Vec::new(),
            rpath: None,
            runpath: None,
            version_needs: Vec::new(),
            version_definitions: Vec::new(),
            symbols: Vec::new(),
            data: Vec::new(),
        }
    }

    /// An extension module as a compiler makes it.
    pub(crate) fn extension() -> Self {
        Self {
            needed: vec!["libpython3.11.so.1.0".to_owned(), "libc.so.6".to_owned()],
            runpath: Some("$ORIGIN/../lib:/opt/lib".to_owned()),
            version_needs: vec![
                ("libc.so.6", vec![("GLIBC_2.17", false), ("GLIBC_2.28", true)]),
                ("libstdc++.so.6", vec![("GLIBCXX_3.4.30", false)]),
            ],
            version_definitions: vec![("CORE_1", None), ("CORE_2", Some("CORE_1"))],
            symbols: vec![
                ("PyInit_elsewhere".to_owned(), Symbol::Undefined),
                ("PyInit_core".to_owned(), Symbol::Global),
            ],
            data: b"numpy.core.multiarray\0_ARRAY_API\0".to_vec(),
            ..Self::empty()
        }
    }

    fn address_sized(&self, value: u64) -> Vec<u8> {
        if self.bits64 {
            self.order.long(value).to_vec()
        } else {
            self.order.word(u32::try_from(value).unwrap()).to_vec()
        }
    }

    fn symbol_table(&self, texts: &mut Texts) -> Vec<u8> {
        let mut table = vec![0; if self.bits64 { 24 } else { 16 }];
        for (name, kind) in &self.symbols {
            let name = self.order.word(texts.offset(name));
            let binding = match kind {
                Symbol::Local => 0,
                Symbol::Weak => 2,
                _ => 1,
            };
            // A function, by its last four bits.
            let info = (binding << 4) | 2;
            let visibility = match kind {
                Symbol::Hidden => 2,
                Symbol::Protected => 3,
                _ => 0,
            };
            let section = self.order.half(if matches!(kind, Symbol::Undefined) { 0 } else { 1 });
            table.extend(name);
            if self.bits64 {
                table.extend([info, visibility]);
                table.extend(section);
                table.extend([0; 16]);
            } else {
                table.extend([0; 8]);
                table.extend([info, visibility]);
                table.extend(section);
            }
        }
        table
    }

    fn gnu_hash(&self) -> Vec<u8> {
        let undefined = |(_, kind): &&(String, Symbol)| matches!(kind, Symbol::Undefined);
        let first = 1 + self.symbols.iter().take_while(undefined).count() as u32;
        let count = 1 + self.symbols.len() as u32;
        // One bucket, the first symbol in it, one word of filter, no shift.
        let mut table = Vec::new();
        for word in [1, first, 1, 0] {
            table.extend(self.order.word(word));
        }
        table.extend(self.address_sized(0));
        table.extend(self.order.word(if first == count { 0 } else { first }));
        for symbol in first..count {
            table.extend(self.order.word(u32::from(symbol + 1 == count)));
        }
        table
    }

    fn hash(&self) -> Vec<u8> {
        let count = 1 + self.symbols.len() as u32;
        let mut table = Vec::new();
        for word in [1, count, 0].into_iter().chain((0..count).map(|_| 0)) {
            table.extend(self.order.word(word));
        }
        table
    }

    fn version_need_table(&self, texts: &mut Texts) -> Vec<u8> {
        let mut table = Vec::new();
        for (index, (library, versions)) in self.version_needs.iter().enumerate() {
            let last = index + 1 == self.version_needs.len();
            let size = 16 + 16 * versions.len() as u32;
            table.extend(self.order.half(1));
            table.extend(self.order.half(versions.len() as u16));
            table.extend(self.order.word(texts.offset(library)));
            table.extend(self.order.word(16));
            table.extend(self.order.word(if last { 0 } else { size }));
            for (index, (version, weak)) in versions.iter().enumerate() {
                table.extend(self.order.word(0));
                table.extend(self.order.half(if *weak { 2 } else { 0 }));
                table.extend(self.order.half(2));
                table.extend(self.order.word(texts.offset(version)));
                let last = index + 1 == versions.len();
                table.extend(self.order.word(if last { 0 } else { 16 }));
            }
        }
        table
    }

    fn version_definition_table(&self, texts: &mut Texts) -> Vec<u8> {
        let mut table = Vec::new();
        let base = [("libsample.so", None)];
        let all = base.iter().chain(&self.version_definitions);
        for (index, (version, predecessor)) in all.enumerate() {
            let last = index == self.version_definitions.len();
            let names: Vec<&str> = [Some(*version), *predecessor].into_iter().flatten().collect();
            let size = 20 + 8 * names.len() as u32;
            table.extend(self.order.half(1));
            table.extend(self.order.half(u16::from(index == 0)));
            table.extend(self.order.half(index as u16 + 1));
            table.extend(self.order.half(names.len() as u16));
            table.extend(self.order.word(0));
            table.extend(self.order.word(20));
            table.extend(self.order.word(if last { 0 } else { size }));
            for (index, name) in names.iter().enumerate() {
                table.extend(self.order.word(texts.offset(name)));
                let last = index + 1 == names.len();
                table.extend(self.order.word(if last { 0 } else { 8 }));
            }
        }
        table
    }

    /// The bytes of the module. The section headers, if it has any, are last.
    pub(crate) fn build(&self) -> Vec<u8> {
        let (header_size, segment_size, section_size) =
            if self.bits64 { (64, 56, 64) } else { (52, 32, 40) };
        let segments = 2 + usize::from(self.interpreter.is_some());
        let mut bytes = vec![0; header_size + segments * segment_size];
        pad(&mut bytes);

        let mut put = |table: &[u8]| {
            let offset = bytes.len() as u64;
            bytes.extend(table);
            pad(&mut bytes);
            offset
        };
        let interpreter =
            self.interpreter.map(|name| (put(&[name.as_bytes(), b"\0"].concat()), name.len() + 1));
        let mut texts = Texts::default();
        let mut entries: Vec<(u64, u64)> = Vec::new();
        for library in &self.needed {
            entries.push((1, texts.offset(library).into()));
        }
        entries.extend(self.rpath.as_ref().map(|path| (15, texts.offset(path).into())));
        entries.extend(self.runpath.as_ref().map(|path| (29, texts.offset(path).into())));
        let symbols = self.symbol_table(&mut texts);
        let symbols_at = put(&symbols);
        entries.push((6, BASE + symbols_at));
        match self.lookup {
            Lookup::GnuHash => entries.push((0x6fff_fef5, BASE + put(&self.gnu_hash()))),
            Lookup::Hash => entries.push((4, BASE + put(&self.hash()))),
            Lookup::Sections => {}
        }
        if !self.version_needs.is_empty() {
            let table = put(&self.version_need_table(&mut texts));
            entries.push((0x6fff_fffe, BASE + table));
            entries.push((0x6fff_ffff, self.version_needs.len() as u64));
        }
        if !self.version_definitions.is_empty() {
            let table = put(&self.version_definition_table(&mut texts));
            entries.push((0x6fff_fffc, BASE + table));
            entries.push((0x6fff_fffd, self.version_definitions.len() as u64 + 1));
        }
        let texts = if texts.bytes.is_empty() { vec![0] } else { texts.bytes };
        entries.push((5, BASE + put(&texts)));
        entries.push((10, texts.len() as u64));
        entries.push((0, 0));
        let dynamic: Vec<u8> = entries
            .iter()
            .flat_map(|(tag, value)| {
                [self.address_sized(*tag), self.address_sized(*value)].concat()
            })
            .collect();
        let dynamic_at = put(&dynamic);
        put(&self.data);
        let loaded = bytes.len();
        let mut sections_at = 0;
        if matches!(self.lookup, Lookup::Sections) {
            sections_at = loaded as u64;
            bytes.resize(loaded + section_size, 0);
            bytes.extend(self.section(11, symbols_at, symbols.len() as u64));
        }

        let mut headers = self.header(header_size, segments, sections_at);
        headers.extend(self.segment(1, 0, loaded as u64));
        headers.extend(self.segment(2, dynamic_at, dynamic.len() as u64));
        headers.extend(
            interpreter
                .map(|(offset, size)| self.segment(3, offset, size as u64))
                .unwrap_or_default(),
        );
        bytes[..headers.len()].copy_from_slice(&headers);
        bytes
    }

    fn header(&self, size: usize, segments: usize, sections_at: u64) -> Vec<u8> {
        let mut header = b"\x7fELF".to_vec();
        header.push(if self.bits64 { 2 } else { 1 });
        header.push(if self.order == Order::Little { 1 } else { 2 });
        header.push(1);
        header.resize(16, 0);
        header.extend(self.order.half(3));
        header.extend(self.order.half(self.machine));
        header.extend(self.order.word(1));
        header.extend(self.address_sized(0));
        header.extend(self.address_sized(size as u64));
        header.extend(self.address_sized(sections_at));
        header.extend(self.order.word(0));
        let (segment_size, section_size) = if self.bits64 { (56, 64) } else { (32, 40) };
        let sections = if sections_at == 0 { 0 } else { 2 };
        for half in [size as u16, segment_size, segments as u16, section_size, sections, 0] {
            header.extend(self.order.half(half));
        }
        header
    }

    fn segment(&self, kind: u32, offset: u64, size: u64) -> Vec<u8> {
        let mut segment = self.order.word(kind).to_vec();
        if self.bits64 {
            segment.extend(self.order.word(4));
        }
        for value in [offset, BASE + offset, BASE + offset, size, size] {
            segment.extend(self.address_sized(value));
        }
        if !self.bits64 {
            segment.extend(self.order.word(4));
        }
        segment.extend(self.address_sized(8));
        segment
    }

    fn section(&self, kind: u32, offset: u64, size: u64) -> Vec<u8> {
        let mut section = [self.order.word(0), self.order.word(kind)].concat();
        for value in [2, BASE + offset, offset, size] {
            section.extend(self.address_sized(value));
        }
        section.extend([0; 8]);
        section.extend(self.address_sized(8));
        section.extend(self.address_sized(if self.bits64 { 24 } else { 16 }));
        section
    }
}
