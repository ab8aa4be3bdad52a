//! Mach-O: one image, its load commands and what they lead to.

use object::endian::{Endianness, U32};
use object::macho;
use object::pod::Pod;
use object::read::ReadRef;
use object::read::macho::{MachHeader, Nlist, Segment};

use crate::collect::{Collected, ENTRY_LIMIT, NAME_LIMIT, init_function_at, text, text_at};
use crate::exports_trie;
use crate::macho::{architecture_name, malformed, truncated};
use crate::model::ModuleError;

/// What an init function's name begins with: C names have an underscore before them.
const INIT_PREFIX: &[u8] = b"_PyInit_";

/// One image with its header.
pub(crate) struct Image<'data, Mach: MachHeader<Endian = Endianness>> {
    bytes: &'data [u8],
    endian: Endianness,
    header: &'data Mach,
}

impl<'data, Mach: MachHeader<Endian = Endianness>> Image<'data, Mach> {
    /// Reads the header.
    pub(crate) fn parse(bytes: &'data [u8]) -> Result<Self, ModuleError> {
        let Ok(header) = Mach::parse(bytes, 0) else {
            return Err(truncated(bytes, size_of::<Mach>() as u64));
        };
        let endian = header.endian().map_err(|_| malformed("unknown byte order"))?;
        Ok(Self { bytes, endian, header })
    }

    /// The architecture, from the header.
    pub(crate) fn architecture(&self) -> String {
        architecture_name(self.header.cputype(self.endian))
    }

    /// Where the load commands end.
    fn commands_end(&self) -> u64 {
        size_of::<Mach>() as u64 + u64::from(self.header.sizeofcmds(self.endian))
    }

    /// Visits the load commands that lie within the bytes given. Says whether those are all.
    fn each_command(
        &self,
        mut visit: impl FnMut(macho::LoadCommandType, &'data [u8]) -> Result<(), ModuleError>,
    ) -> Result<bool, ModuleError> {
        let end = usize::try_from(self.commands_end()).unwrap_or(usize::MAX);
        let mut rest = &self.bytes[size_of::<Mach>()..end.min(self.bytes.len())];
        for _ in 0..self.header.ncmds(self.endian) {
            let Some(head) = record::<macho::LoadCommand<Endianness>>(rest) else {
                return Ok(false);
            };
            let size = head.cmdsize.get(self.endian) as usize;
            if size < size_of::<macho::LoadCommand<Endianness>>() {
                return Err(malformed(format!("a load command of {size} bytes")));
            }
            let Some((command, after)) = rest.split_at_checked(size) else {
                return Ok(false);
            };
            visit(head.cmd.get(self.endian), command)?;
            rest = after;
        }
        Ok(true)
    }

    /// How many bytes the image must have, as far as the bytes given tell.
    pub(crate) fn declared_size(&self) -> Result<u64, ModuleError> {
        let mut size = self.commands_end();
        self.each_command(|kind, command| {
            if matches!(kind, macho::LC_SEGMENT | macho::LC_SEGMENT_64)
                && let Some(segment) = record::<Mach::Segment>(command)
            {
                let (offset, length) = segment.file_range(self.endian);
                let end = offset
                    .checked_add(length)
                    .ok_or_else(|| malformed("a segment cannot be in a file"))?;
                size = size.max(end);
            }
            Ok(())
        })?;
        Ok(size)
    }

    /// Reads everything that the load commands say.
    pub(crate) fn collect(&self, found: &mut Collected) -> Result<(), ModuleError> {
        let expected = self.declared_size()?;
        if (self.bytes.len() as u64) < expected {
            return Err(truncated(self.bytes, expected));
        }
        found.architectures.push(self.architecture());

        let endian = self.endian;
        let incomplete = || malformed("a load command is shorter than its kind");
        let mut trie: &[u8] = &[];
        let mut symbols = None;
        let complete = self.each_command(|kind, command| {
            match kind {
                macho::LC_LOAD_DYLIB
                | macho::LC_REEXPORT_DYLIB
                | macho::LC_LOAD_UPWARD_DYLIB
                | macho::LC_LOAD_WEAK_DYLIB
                | macho::LC_LAZY_LOAD_DYLIB => {
                    let library = record::<macho::DylibCommand<Endianness>>(command)
                        .ok_or_else(incomplete)?;
                    let name = command_text(command, library.dylib.name.offset.get(endian))?;
                    if self.is_optional(kind, command, library) {
                        found.optional.push(name);
                    } else {
                        found.needed.push(name);
                    }
                }
                macho::LC_RPATH => {
                    let path = record::<macho::RpathCommand<Endianness>>(command)
                        .ok_or_else(incomplete)?;
                    found.search_paths.push(command_text(command, path.path.offset.get(endian))?);
                }
                macho::LC_DYLD_INFO | macho::LC_DYLD_INFO_ONLY => {
                    let info = record::<macho::DyldInfoCommand<Endianness>>(command)
                        .ok_or_else(incomplete)?;
                    trie = self.part(info.export_off.get(endian), info.export_size.get(endian))?;
                }
                macho::LC_DYLD_EXPORTS_TRIE => {
                    let info = record::<macho::LinkeditDataCommand<Endianness>>(command)
                        .ok_or_else(incomplete)?;
                    trie = self.part(info.dataoff.get(endian), info.datasize.get(endian))?;
                }
                macho::LC_SYMTAB => {
                    symbols = Some(
                        record::<macho::SymtabCommand<Endianness>>(command)
                            .ok_or_else(incomplete)?,
                    );
                }
                _ => {}
            }
            Ok(())
        })?;
        if !complete {
            return Err(malformed("the load commands do not fit the space they have"));
        }
        if !trie.is_empty() {
            let limit = ENTRY_LIMIT + 1;
            let names = exports_trie::names_with_prefix(trie, INIT_PREFIX, limit)
                .ok_or_else(|| malformed("the trie of exported names does not hold together"))?;
            for name in names.iter().filter(|name| !name.is_empty()) {
                found.init_functions.push(text(name));
            }
        } else if let Some(symbols) = symbols {
            self.init_symbols(symbols, found)?;
        }
        Ok(())
    }

    /// Whether the image loads without this library. The kind of command says so, or a word of
    /// flags that newer linkers add, marked by the timestamp.
    fn is_optional(
        &self,
        kind: macho::LoadCommandType,
        command: &[u8],
        library: &macho::DylibCommand<Endianness>,
    ) -> bool {
        let flags_at = size_of::<macho::DylibCommand<Endianness>>();
        let marked = library.dylib.timestamp.get(self.endian) == macho::DYLIB_USE_MARKER
            && library.dylib.name.offset.get(self.endian) as usize == flags_at + 4;
        let flags: Option<&U32<Endianness, macho::DylibUseFlags>> =
            if marked { command.read_at(flags_at as u64).ok() } else { None };
        matches!(kind, macho::LC_LOAD_WEAK_DYLIB | macho::LC_LAZY_LOAD_DYLIB)
            || flags
                .is_some_and(|flags| flags.get(self.endian).contains(macho::DYLIB_USE_WEAK_LINK))
    }

    /// Takes the init functions from the symbol table, as the loader does where there is no trie.
    fn init_symbols(
        &self,
        table: &macho::SymtabCommand<Endianness>,
        found: &mut Collected,
    ) -> Result<(), ModuleError> {
        let endian = self.endian;
        let strings = self.part(table.stroff.get(endian), table.strsize.get(endian))?;
        let symbols: &[Mach::Nlist] = self
            .bytes
            .read_slice_at(table.symoff.get(endian).into(), table.nsyms.get(endian) as usize)
            .map_err(|()| malformed("the symbol table lies outside the file"))?;
        for symbol in symbols {
            if found.init_functions.is_over() {
                break;
            }
            let kind = symbol.n_type();
            if symbol.is_definition()
                && kind.is_ext()
                && !kind.is_pext()
                && let Some(name) =
                    init_function_at(strings, symbol.n_strx(endian).into(), INIT_PREFIX)
            {
                found.init_functions.push(name);
            }
        }
        Ok(())
    }

    fn part(&self, offset: u32, size: u32) -> Result<&'data [u8], ModuleError> {
        self.bytes
            .read_bytes_at(offset.into(), size.into())
            .map_err(|()| malformed(format!("{size} bytes at {offset:#x} lie outside the file")))
    }
}

/// The record that a load command begins with.
fn record<T: Pod>(command: &[u8]) -> Option<&T> {
    command.read_at(0).ok()
}

fn command_text(command: &[u8], offset: u32) -> Result<String, ModuleError> {
    text_at(command, offset.into(), NAME_LIMIT)
        .map(text)
        .ok_or_else(|| malformed("a name in a load command does not end"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::macho::collect;
    use crate::samples::macho::{self as sample, LAZY, LOAD, REEXPORT, UPWARD, WEAK};
    use crate::samples::{Order, replaced};

    fn read(bytes: &[u8]) -> Result<Collected, ModuleError> {
        let mut found = Collected::default();
        collect(bytes, &mut found)?;
        Ok(found)
    }

    #[test]
    fn everything_is_read_whatever_the_width_the_order_and_the_table() {
        for bits64 in [false, true] {
            for order in [Order::Little, Order::Big] {
                for trie in [false, true] {
                    let image = sample::Image { bits64, order, trie, ..sample::Image::extension() };
                    let found = read(&image.build()).unwrap();
                    assert_eq!(
                        found.needed.as_slice(),
                        ["@rpath/libpython3.12.dylib", "/usr/lib/libSystem.B.dylib"]
                    );
                    assert_eq!(found.search_paths.as_slice(), ["@loader_path/../lib"]);
                    assert_eq!(found.init_functions.as_slice(), ["core"]);
                    assert_eq!(found.architectures.as_slice(), ["aarch64"]);
                }
            }
        }
    }

    #[test]
    fn libraries_that_may_be_missing_are_kept_apart() {
        let library = |kind, name: &str, flags| (kind, name.to_owned(), flags);
        let image = sample::Image {
            libraries: vec![
                library(LOAD, "load", None),
                library(WEAK, "weak", None),
                library(REEXPORT, "reexport", None),
                library(LAZY, "lazy", None),
                library(UPWARD, "upward", None),
                library(LOAD, "flagged weak", Some(1)),
                library(LOAD, "flagged upward", Some(4)),
            ],
            ..sample::Image::extension()
        };
        let found = read(&image.build()).unwrap();
        assert_eq!(found.needed.as_slice(), ["load", "reexport", "upward", "flagged upward"]);
        assert_eq!(found.optional.as_slice(), ["weak", "lazy", "flagged weak"]);
    }

    #[test]
    fn only_functions_that_others_can_call_are_init_functions() {
        let image = sample::Image {
            trie: false,
            symbols: vec![
                ("_PyInit_defined", 0x0f),
                ("_PyInit_undefined", 0x01),
                ("_PyInit_local", 0x0e),
                ("_PyInit_private", 0x1f),
                ("_PyInit_debugging", 0x2f),
                ("PyInit_no_underscore", 0x0f),
                ("_PyInit_", 0x0f),
            ],
            ..sample::Image::extension()
        };
        let found = read(&image.build()).unwrap();
        assert_eq!(found.init_functions.as_slice(), ["defined"]);
    }

    #[test]
    fn the_trie_goes_before_the_symbols() {
        let image = sample::Image { exports: vec!["_PyInit_a"], ..sample::Image::extension() };
        assert_eq!(read(&image.build()).unwrap().init_functions.as_slice(), ["a"]);
        let image = sample::Image { exports: vec!["_other"], ..sample::Image::extension() };
        assert!(read(&image.build()).unwrap().init_functions.as_slice().is_empty());
    }

    #[test]
    fn odd_commands_are_damage() {
        let bytes = sample::Image::extension().build();
        let size = |size: u32| [LOAD.to_le_bytes(), size.to_le_bytes()].concat();
        for odd in [0, 4, 16, 0x7fff_ffff] {
            let mut bytes = bytes.clone();
            bytes[32..40].copy_from_slice(&size(odd));
            let error = read(&bytes);
            assert!(matches!(error, Err(ModuleError::Malformed { .. })), "{odd}: {error:?}");
        }
    }

    #[test]
    fn a_name_without_end_is_damage() {
        let bytes = sample::Image::extension().build();
        let bytes = replaced(bytes, b"/usr/lib/libSystem.B.dylib\0\0\0\0\0\0", &[b'x'; 32]);
        assert_eq!(read(&bytes).unwrap_err(), malformed("a name in a load command does not end"));
    }

    #[test]
    fn a_segment_beyond_the_end_makes_the_image_truncated() {
        let bytes = sample::Image::extension().build();
        let end = bytes.len() as u64;
        assert_eq!(crate::macho::declared_size(&bytes), Ok(end));
        // The commands alone say so.
        assert_eq!(crate::macho::declared_size(&bytes[..300]), Ok(end));
        assert!(matches!(read(&bytes[..bytes.len() - 1]), Err(ModuleError::Truncated { .. })));
    }
}
