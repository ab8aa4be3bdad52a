//! Mach-O: universal files and the load commands of each of their images.

use object::endian::Endianness;
use object::macho;
use object::pod::Pod;
use object::read::ReadRef;
use object::read::macho::{FatArch, MachHeader, MachOFatFile32, MachOFatFile64, Nlist, Segment};

use crate::collect::{Collected, ENTRY_LIMIT, NAME_LIMIT, init_function_at, text, text_at};
use crate::exports_trie;
use crate::model::{ModuleError, ObjectFormat};

/// How many images a universal file may hold. A compiled Java class begins with the same four
/// bytes; in it, this count is the version of its format, 45 at least.
const IMAGE_LIMIT: u32 = 44;

/// What an init function's name begins with: C names have an underscore before them.
const INIT_PREFIX: &[u8] = b"_PyInit_";

fn malformed(reason: impl Into<String>) -> ModuleError {
    ModuleError::Malformed { format: ObjectFormat::MachO, reason: reason.into() }
}

fn truncated(bytes: &[u8], expected: u64) -> ModuleError {
    ModuleError::Truncated { format: ObjectFormat::MachO, length: bytes.len() as u64, expected }
}

/// The four bytes at `offset`, the most significant first.
fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    let word = bytes.get(offset..offset + 4)?;
    Some(u32::from_be_bytes([word[0], word[1], word[2], word[3]]))
}

/// What the first four bytes announce.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Image32,
    Image64,
    Universal32,
    Universal64,
}

fn kind(bytes: &[u8]) -> Option<Kind> {
    match word(bytes, 0)? {
        macho::MH_MAGIC | macho::MH_CIGAM => Some(Kind::Image32),
        macho::MH_MAGIC_64 | macho::MH_CIGAM_64 => Some(Kind::Image64),
        macho::FAT_MAGIC | macho::FAT_MAGIC_64 if word(bytes, 4)? > IMAGE_LIMIT => None,
        macho::FAT_MAGIC => Some(Kind::Universal32),
        macho::FAT_MAGIC_64 => Some(Kind::Universal64),
        _ => None,
    }
}

/// Whether the bytes begin like a Mach-O file.
pub(crate) fn is_macho(bytes: &[u8]) -> bool {
    kind(bytes).is_some()
}

/// One image of a universal file, by the header of that file.
struct Slice {
    architecture: String,
    offset: u64,
    end: u64,
}

/// The images of a universal file.
fn slices(bytes: &[u8], kind: Kind) -> Result<Vec<Slice>, ModuleError> {
    let count = u64::from(word(bytes, 4).unwrap_or(0));
    let (entry, slices) = match kind {
        Kind::Universal64 => {
            let file = MachOFatFile64::parse(bytes).ok();
            (size_of::<macho::FatArch64>(), file.map(|file| describe(file.arches())))
        }
        _ => {
            let file = MachOFatFile32::parse(bytes).ok();
            (size_of::<macho::FatArch32>(), file.map(|file| describe(file.arches())))
        }
    };
    let slices = slices.ok_or_else(|| {
        truncated(bytes, size_of::<macho::FatHeader>() as u64 + count * entry as u64)
    })?;
    if slices.is_empty() {
        return Err(malformed("a universal file without images"));
    }
    Ok(slices)
}

fn describe<Fat: FatArch>(arches: &[Fat]) -> Vec<Slice> {
    arches
        .iter()
        .map(|arch| {
            let (offset, size) = arch.file_range();
            Slice {
                architecture: architecture_name(arch.cputype()),
                offset,
                end: offset.saturating_add(size),
            }
        })
        .collect()
}

/// The architectures, from the headers.
pub(crate) fn architectures(bytes: &[u8]) -> Result<Vec<String>, ModuleError> {
    match kind(bytes).ok_or(ModuleError::UnknownFormat)? {
        Kind::Image32 => Image::<macho::MachHeader32<Endianness>>::parse(bytes)
            .map(|image| vec![image.architecture()]),
        Kind::Image64 => Image::<macho::MachHeader64<Endianness>>::parse(bytes)
            .map(|image| vec![image.architecture()]),
        universal => {
            let mut names: Vec<String> = Vec::new();
            for slice in slices(bytes, universal)? {
                if !names.contains(&slice.architecture) {
                    names.push(slice.architecture);
                }
            }
            Ok(names)
        }
    }
}

/// How many bytes the file must have, as far as the bytes given tell.
pub(crate) fn declared_size(bytes: &[u8]) -> Result<u64, ModuleError> {
    match kind(bytes).ok_or(ModuleError::UnknownFormat)? {
        Kind::Image32 => Image::<macho::MachHeader32<Endianness>>::parse(bytes)?.declared_size(),
        Kind::Image64 => Image::<macho::MachHeader64<Endianness>>::parse(bytes)?.declared_size(),
        universal => {
            let ends = slices(bytes, universal)?.into_iter().map(|slice| slice.end);
            Ok(ends.max().unwrap_or_default())
        }
    }
}

/// Reads everything that the load commands of every image say.
pub(crate) fn collect(bytes: &[u8], found: &mut Collected) -> Result<(), ModuleError> {
    let kind = kind(bytes).ok_or(ModuleError::UnknownFormat)?;
    if matches!(kind, Kind::Image32 | Kind::Image64) {
        return collect_image(bytes, found);
    }
    let mut slices = slices(bytes, kind)?;
    slices.sort_by_key(|slice| (slice.offset, slice.end));
    let mut free_from = 0;
    for slice in &slices {
        // Images that overlap would be read many times over; no tool makes them.
        if slice.offset < free_from {
            return Err(malformed("images of the universal file overlap"));
        }
        free_from = slice.end;
        let image = usize::try_from(slice.offset)
            .ok()
            .zip(usize::try_from(slice.end).ok())
            .and_then(|(offset, end)| bytes.get(offset..end))
            .ok_or_else(|| truncated(bytes, slice.end))?;
        collect_image(image, found)?;
    }
    Ok(())
}

/// Reads one image. A universal file in a universal file is none.
fn collect_image(bytes: &[u8], found: &mut Collected) -> Result<(), ModuleError> {
    match kind(bytes) {
        Some(Kind::Image32) => {
            Image::<macho::MachHeader32<Endianness>>::parse(bytes)?.collect(found)
        }
        Some(Kind::Image64) => {
            Image::<macho::MachHeader64<Endianness>>::parse(bytes)?.collect(found)
        }
        Some(Kind::Universal32 | Kind::Universal64) | None => {
            Err(malformed("a part of the universal file is not a Mach-O image"))
        }
    }
}

/// One image with its header.
struct Image<'data, Mach: MachHeader<Endian = Endianness>> {
    bytes: &'data [u8],
    endian: Endianness,
    header: &'data Mach,
}

impl<'data, Mach: MachHeader<Endian = Endianness>> Image<'data, Mach> {
    fn parse(bytes: &'data [u8]) -> Result<Self, ModuleError> {
        let Ok(header) = Mach::parse(bytes, 0) else {
            return Err(truncated(bytes, size_of::<Mach>() as u64));
        };
        let endian = header.endian().map_err(|_| malformed("unknown byte order"))?;
        Ok(Self { bytes, endian, header })
    }

    fn architecture(&self) -> String {
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

    fn declared_size(&self) -> Result<u64, ModuleError> {
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

    fn collect(&self, found: &mut Collected) -> Result<(), ModuleError> {
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
                    match kind {
                        macho::LC_LOAD_WEAK_DYLIB | macho::LC_LAZY_LOAD_DYLIB => {
                            found.optional.push(name);
                        }
                        _ => found.needed.push(name),
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

fn architecture_name(cpu: macho::CpuType) -> String {
    let name = match cpu {
        macho::CPU_TYPE_X86_64 => "x86_64",
        macho::CPU_TYPE_ARM64 => "aarch64",
        macho::CPU_TYPE_X86 => "i686",
        macho::CPU_TYPE_ARM64_32 => "arm64_32",
        macho::CPU_TYPE_ARM => "arm",
        macho::CPU_TYPE_POWERPC64 => "powerpc64",
        macho::CPU_TYPE_POWERPC => "powerpc",
        other => return format!("macho-cpu-{}", other.0),
    };
    name.to_owned()
}
