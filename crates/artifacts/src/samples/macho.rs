//! Mach-O modules made by hand.

use super::{Order, Texts, pad};
use crate::exports_trie::tests::trie_of;

/// `LC_LOAD_DYLIB` and its kin.
pub(crate) const LOAD: u32 = 0xc;
pub(crate) const WEAK: u32 = 0x8000_0018;
pub(crate) const REEXPORT: u32 = 0x8000_001f;
pub(crate) const LAZY: u32 = 0x20;
pub(crate) const UPWARD: u32 = 0x8000_0023;

/// An image.
#[derive(Clone)]
pub(crate) struct Image {
    pub(crate) bits64: bool,
    pub(crate) order: Order,
    pub(crate) cpu: u32,
    /// Kind of command, path, and flags of the newer form.
    pub(crate) libraries: Vec<(u32, String, Option<u32>)>,
    pub(crate) rpaths: Vec<&'static str>,
    /// Whether there is a trie of exported names besides the symbol table.
    pub(crate) trie: bool,
    pub(crate) exports: Vec<&'static str>,
    /// Symbols with their type byte.
    pub(crate) symbols: Vec<(&'static str, u8)>,
    /// Bytes that nothing leads to.
    pub(crate) data: Vec<u8>,
}

impl Image {
    /// An extension module as a compiler makes it.
    pub(crate) fn extension() -> Self {
        Self {
            bits64: true,
            order: Order::Little,
            cpu: 0x0100_000c,
            libraries: vec![
                (LOAD, "@rpath/libpython3.12.dylib".to_owned(), None),
                (LOAD, "/usr/lib/libSystem.B.dylib".to_owned(), None),
            ],
            rpaths: vec!["@loader_path/../lib"],
            trie: true,
            exports: vec!["_PyInit_core", "_other"],
            // Defined and external, then only external.
            symbols: vec![("_PyInit_core", 0x0f), ("_PyInit_elsewhere", 0x01)],
            data: b"numpy._core.multiarray\0_ARRAY_API\0".to_vec(),
        }
    }

    fn address_sized(&self, value: u64) -> Vec<u8> {
        if self.bits64 {
            self.order.long(value).to_vec()
        } else {
            self.order.word(u32::try_from(value).unwrap()).to_vec()
        }
    }

    fn words(&self, words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| self.order.word(*word)).collect()
    }

    /// A command with a name behind its `words`.
    fn named(&self, kind: u32, words: &[u32], name: &str) -> Vec<u8> {
        let mut tail = name.as_bytes().to_vec();
        tail.push(0);
        let head = 12 + 4 * words.len();
        tail.resize((head + tail.len()).next_multiple_of(8) - head, 0);
        let size = (head + tail.len()) as u32;
        let mut command = self.words(&[kind, size, head as u32]);
        command.extend(self.words(words));
        command.extend(tail);
        command
    }

    /// The bytes of the image.
    pub(crate) fn build(&self) -> Vec<u8> {
        let mut commands = Vec::new();
        for (kind, path, flags) in &self.libraries {
            let words: &[u32] = match flags {
                Some(flags) => &[0x1a74_1800, 0, 0, *flags],
                None => &[2, 0, 0],
            };
            commands.push(self.named(*kind, words, path));
        }
        for path in &self.rpaths {
            commands.push(self.named(0x8000_001c, &[], path));
        }
        let header_size = if self.bits64 { 32 } else { 28 };
        let segment_size = if self.bits64 { 72 } else { 56 };
        let before: usize = commands.iter().map(Vec::len).sum();
        // A segment, the symbol table, and the trie.
        let trie_command = if self.trie { 16 } else { 0 };
        let commands_size = before + segment_size + 24 + trie_command;
        let mut bytes = vec![0; header_size + commands_size];
        pad(&mut bytes);

        let mut texts = Texts::default();
        let mut symbols = Vec::new();
        for (name, kind) in &self.symbols {
            symbols.extend(self.order.word(texts.offset(name)));
            symbols.extend([*kind, 1, 0, 0]);
            symbols.extend(self.address_sized(0));
        }
        let mut put = |table: &[u8]| {
            let offset = bytes.len() as u32;
            bytes.extend(table);
            pad(&mut bytes);
            offset
        };
        let symbols_at = put(&symbols);
        let texts_at = put(&texts.bytes);
        let trie = trie_of(&self.exports);
        let trie_at = if self.trie { put(&trie) } else { 0 };
        put(&self.data);

        let segment = if self.bits64 { 0x19 } else { 1 };
        let mut command = self.words(&[segment, segment_size as u32]);
        command.extend(b"__TEXT\0\0\0\0\0\0\0\0\0\0");
        for value in [0x1000, bytes.len() as u64, 0, bytes.len() as u64] {
            command.extend(self.address_sized(value));
        }
        command.extend(self.words(&[5, 5, 0, 0]));
        commands.push(command);
        let count = self.symbols.len() as u32;
        commands.push(self.words(&[2, 24, symbols_at, count, texts_at, texts.bytes.len() as u32]));
        if self.trie {
            commands.push(self.words(&[0x8000_0033, 16, trie_at, trie.len() as u32]));
        }

        let magic = if self.bits64 { 0xfeed_facf } else { 0xfeed_face };
        let mut header =
            self.words(&[magic, self.cpu, 0, 8, commands.len() as u32, commands_size as u32, 0]);
        header.resize(header_size, 0);
        header.extend(commands.concat());
        bytes[..header.len()].copy_from_slice(&header);
        bytes
    }
}

/// A universal file of images, which are Mach-O files themselves.
pub(crate) fn universal(wide: bool, images: &[Vec<u8>]) -> Vec<u8> {
    let entry = if wide { 32 } else { 20 };
    let start = (8 + entry * images.len()).next_multiple_of(16);
    let mut bytes = vec![0; start];
    let mut places = Vec::new();
    for image in images {
        places.push((bytes.len() as u64, image.len() as u64));
        bytes.extend(image);
        bytes.resize(bytes.len().next_multiple_of(16), 0);
    }
    // The last image ends the file.
    let end = places.last().map_or(start as u64, |(offset, size)| offset + size);
    bytes.truncate(end as usize);
    let cpus: Vec<u32> = images
        .iter()
        .map(|image| u32::from_le_bytes([image[4], image[5], image[6], image[7]]))
        .collect();
    let places: Vec<(u32, u64, u64)> =
        cpus.into_iter().zip(places).map(|(cpu, (offset, size))| (cpu, offset, size)).collect();
    let header = universal_header(wide, &places);
    bytes[..header.len()].copy_from_slice(&header);
    bytes
}

/// The header of a universal file: processor, offset and size of each image.
pub(crate) fn universal_header(wide: bool, places: &[(u32, u64, u64)]) -> Vec<u8> {
    let magic: u32 = if wide { 0xcafe_babf } else { 0xcafe_babe };
    let mut header = [magic.to_be_bytes(), (places.len() as u32).to_be_bytes()].concat();
    for (cpu, offset, size) in places {
        header.extend(cpu.to_be_bytes());
        header.extend([0; 4]);
        if wide {
            header.extend(offset.to_be_bytes());
            header.extend(size.to_be_bytes());
            header.extend([0, 0, 0, 4, 0, 0, 0, 0]);
        } else {
            header.extend((*offset as u32).to_be_bytes());
            header.extend((*size as u32).to_be_bytes());
            header.extend([0, 0, 0, 4]);
        }
    }
    header
}
