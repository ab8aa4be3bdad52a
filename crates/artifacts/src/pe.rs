//! PE: the headers, the export table and the import tables.

use object::endian::{LittleEndian, U32};
use object::pe;
use object::pod::Pod;
use object::read::ReadRef;
use object::read::coff::SectionTable;
use object::read::pe::{DataDirectories, ImageNtHeaders, ImageOptionalHeader};

use crate::collect::{Collected, NAME_LIMIT, init_function_at, text, text_at};
use crate::model::{ModuleError, ObjectFormat};

const LE: LittleEndian = LittleEndian;

/// How many sections a file may have; real ones have a dozen. Each address is looked for in all.
const SECTION_LIMIT: u64 = 4096;

fn malformed(reason: impl Into<String>) -> ModuleError {
    ModuleError::Malformed { format: ObjectFormat::Pe, reason: reason.into() }
}

fn truncated(bytes: &[u8], expected: u64) -> ModuleError {
    ModuleError::Truncated { format: ObjectFormat::Pe, length: bytes.len() as u64, expected }
}

/// The headers of a file.
struct Headers<'data> {
    machine: pe::Machine,
    /// Width of an address in the tables of imports.
    is_64: bool,
    directories: DataDirectories<'data>,
    /// The sections, none if their headers lie beyond the bytes given.
    sections: SectionTable<'data>,
    /// Where the headers of the sections end.
    sections_end: u64,
}

fn headers(bytes: &[u8]) -> Result<Headers<'_>, ModuleError> {
    let Ok(dos) = pe::ImageDosHeader::parse(bytes) else {
        return Err(truncated(bytes, size_of::<pe::ImageDosHeader>() as u64));
    };
    let offset = u64::from(dos.nt_headers_offset());
    // Both kinds begin alike up to the field that tells them apart.
    let Ok(start) = bytes.read_at::<pe::ImageNtHeaders32>(offset) else {
        return Err(truncated(bytes, offset + size_of::<pe::ImageNtHeaders32>() as u64));
    };
    if start.signature() != pe::IMAGE_NT_SIGNATURE {
        return Err(malformed("a DOS program without a PE header"));
    }
    match start.optional_header().magic() {
        pe::IMAGE_NT_OPTIONAL_HDR32_MAGIC => nt_headers::<pe::ImageNtHeaders32>(bytes, offset),
        pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC => nt_headers::<pe::ImageNtHeaders64>(bytes, offset),
        other => Err(malformed(format!("optional header of unknown kind {other:#x}"))),
    }
}

fn nt_headers<Nt: ImageNtHeaders>(bytes: &[u8], offset: u64) -> Result<Headers<'_>, ModuleError> {
    let Ok(start) = bytes.read_at::<Nt>(offset) else {
        return Err(truncated(bytes, offset + size_of::<Nt>() as u64));
    };
    let file = start.file_header();
    let optional_size = u64::from(file.size_of_optional_header.get(LE));
    // The signature and the file header come before the optional header.
    let sections_at = offset + 4 + size_of::<pe::ImageFileHeader>() as u64 + optional_size;
    let count = u64::from(file.number_of_sections.get(LE));
    if count > SECTION_LIMIT {
        return Err(malformed(format!("{count} sections")));
    }
    let sections_end = sections_at + count * size_of::<pe::ImageSectionHeader>() as u64;
    if sections_at > bytes.len() as u64 {
        return Err(truncated(bytes, sections_at));
    }
    let mut after = offset;
    let (_, directories) = Nt::parse(bytes, &mut after)
        .map_err(|_| malformed("the optional header does not fit the space it has"))?;
    let sections = SectionTable::parse(file, bytes, sections_at).unwrap_or_default();
    let is_64 = size_of::<Nt>() == size_of::<pe::ImageNtHeaders64>();
    Ok(Headers { machine: file.machine.get(LE), is_64, directories, sections, sections_end })
}

/// The architecture, from the header.
pub(crate) fn architecture(bytes: &[u8]) -> Result<String, ModuleError> {
    Ok(architecture_name(headers(bytes)?.machine))
}

/// How many bytes the file must have, as far as the bytes given tell.
pub(crate) fn declared_size(bytes: &[u8]) -> Result<u64, ModuleError> {
    let headers = headers(bytes)?;
    let ends = headers.sections.iter().filter_map(|section| {
        let size = u64::from(section.size_of_raw_data.get(LE));
        // Sections of zeros have no place in the file.
        let start = u64::from(section.pointer_to_raw_data.get(LE));
        (size > 0 && start > 0).then_some(start + size)
    });
    Ok(ends.max().unwrap_or_default().max(headers.sections_end))
}

/// Reads everything that the headers and the tables of exports and imports say.
pub(crate) fn collect(bytes: &[u8], found: &mut Collected) -> Result<(), ModuleError> {
    let headers = headers(bytes)?;
    found.architectures.push(architecture_name(headers.machine));
    let memory = Memory { bytes, sections: headers.sections };
    if let Some(directory) = headers.directories.get(pe::IMAGE_DIRECTORY_ENTRY_IMPORT) {
        imports(&memory, directory.virtual_address.get(LE), found)?;
    }
    if let Some(directory) = headers.directories.get(pe::IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT) {
        delayed_imports(&memory, directory.virtual_address.get(LE), found)?;
    }
    if let Some(directory) = headers.directories.get(pe::IMAGE_DIRECTORY_ENTRY_EXPORT) {
        exports(&memory, directory.virtual_address.get(LE), found)?;
    }
    Ok(())
}

/// The file as it is laid out in memory.
struct Memory<'data> {
    bytes: &'data [u8],
    sections: SectionTable<'data>,
}

impl<'data> Memory<'data> {
    /// The bytes from an address to the end of its section in the file.
    fn at(&self, address: u32) -> Result<&'data [u8], ModuleError> {
        self.sections
            .pe_data_at(self.bytes, address)
            .ok_or_else(|| malformed(format!("no section holds the address {address:#x}")))
    }

    fn name_at(&self, address: u32) -> Result<String, ModuleError> {
        text_at(self.at(address)?, 0, NAME_LIMIT)
            .map(text)
            .ok_or_else(|| malformed(format!("the name at address {address:#x} does not end")))
    }
}

/// The records of a table that ends with one of zeros, at `address`.
fn records<'data, T: Pod>(
    memory: &Memory<'data>,
    address: u32,
) -> Result<impl Iterator<Item = &'data T>, ModuleError> {
    let table = memory.at(address)?;
    let count = table.len() / size_of::<T>();
    let records = table.read_slice_at(0, count).unwrap_or(&[]);
    Ok(records.iter())
}

fn imports(memory: &Memory<'_>, address: u32, found: &mut Collected) -> Result<(), ModuleError> {
    for import in records::<pe::ImageImportDescriptor>(memory, address)? {
        if import.is_null() || found.needed.is_over() {
            break;
        }
        found.needed.push(memory.name_at(import.name.get(LE))?);
    }
    Ok(())
}

/// Names of the symbols that it takes from libraries when it is loaded.
pub(crate) fn imported_names(bytes: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<(), ModuleError> {
    /// Symbols that are looked at, those of all libraries together.
    const LIMIT: usize = 1 << 20;
    let headers = headers(bytes)?;
    let memory = Memory { bytes, sections: headers.sections };
    let Some(directory) = headers.directories.get(pe::IMAGE_DIRECTORY_ENTRY_IMPORT) else {
        return Ok(());
    };
    let mut count = 0;
    for import in records::<pe::ImageImportDescriptor>(&memory, directory.virtual_address.get(LE))?
    {
        if import.is_null() {
            break;
        }
        // The first table is overwritten when the library is bound, and may be the only one.
        let table = match import.original_first_thunk.get(LE) {
            0 => import.first_thunk.get(LE),
            original => original,
        };
        let mut table = memory.at(table)?;
        while let Some((name, rest)) = next_thunk(table, headers.is_64) {
            table = rest;
            count += 1;
            if count > LIMIT {
                return Err(malformed(format!("it imports more than {LIMIT} symbols")));
            }
            // A hint of two bytes stands before the name; by number there is no name.
            let Some(name) = name else { continue };
            let hinted = memory.at(name)?;
            let name = text_at(hinted, 2, NAME_LIMIT);
            each(name.ok_or_else(|| malformed("the name of an imported symbol does not end"))?);
        }
    }
    Ok(())
}

/// The next entry of a table of imports, with what follows it: the address of a name, or none for
/// a symbol that is imported by its number. The table ends with zeros.
fn next_thunk(table: &[u8], is_64: bool) -> Option<(Option<u32>, &[u8])> {
    let (word, rest) = table.split_at_checked(if is_64 { 8 } else { 4 })?;
    let low = u32::from_le_bytes(word[..4].try_into().ok()?);
    let by_number = word.last()? & 0x80 != 0;
    if word.iter().all(|byte| *byte == 0) {
        return None;
    }
    Some(((!by_number).then_some(low), rest))
}

fn delayed_imports(
    memory: &Memory<'_>,
    address: u32,
    found: &mut Collected,
) -> Result<(), ModuleError> {
    for import in records::<pe::ImageDelayloadDescriptor>(memory, address)? {
        // Without its lowest bit set the descriptor is of the old kind, which holds no addresses
        // of this sort.
        if import.is_null() || import.attributes.get(LE) & 1 == 0 || found.optional.is_over() {
            break;
        }
        found.optional.push(memory.name_at(import.dll_name_rva.get(LE))?);
    }
    Ok(())
}

fn exports(memory: &Memory<'_>, address: u32, found: &mut Collected) -> Result<(), ModuleError> {
    let directory: &pe::ImageExportDirectory = memory
        .at(address)?
        .read_at(0)
        .map_err(|()| malformed("the export table does not fit its section"))?;
    let count = directory.number_of_names.get(LE);
    if count == 0 {
        return Ok(());
    }
    let names: &[U32<LittleEndian>] = memory
        .at(directory.address_of_names.get(LE))?
        .read_slice_at(0, count as usize)
        .map_err(|()| malformed(format!("{count} exported names do not fit their section")))?;
    // All names lie in one section: it is looked up once, and not once for each of them.
    let first = names[0].get(LE);
    let (data, start) = memory
        .sections
        .pe_data_containing(memory.bytes, first)
        .ok_or_else(|| malformed(format!("no section holds the exported name at {first:#x}")))?;
    for name in names {
        if found.init_functions.is_over() {
            break;
        }
        let offset = name
            .get(LE)
            .checked_sub(start)
            .ok_or_else(|| malformed("an exported name lies outside the section of the others"))?;
        if let Some(name) = init_function_at(data, offset.into(), b"PyInit_") {
            found.init_functions.push(name);
        }
    }
    Ok(())
}

fn architecture_name(machine: pe::Machine) -> String {
    let name = match machine {
        pe::IMAGE_FILE_MACHINE_AMD64 => "x86_64",
        pe::IMAGE_FILE_MACHINE_ARM64 => "aarch64",
        pe::IMAGE_FILE_MACHINE_ARM64EC => "arm64ec",
        pe::IMAGE_FILE_MACHINE_I386 => "i686",
        pe::IMAGE_FILE_MACHINE_ARM
        | pe::IMAGE_FILE_MACHINE_THUMB
        | pe::IMAGE_FILE_MACHINE_ARMNT => "arm",
        pe::IMAGE_FILE_MACHINE_RISCV64 => "riscv64",
        other => return format!("pe-machine-{:#x}", other.0),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::ENTRY_LIMIT;
    use crate::samples::pe::{ADDRESS, Pe};
    use crate::samples::replaced;

    fn read(bytes: &[u8]) -> Result<Collected, ModuleError> {
        let mut found = Collected::default();
        collect(bytes, &mut found)?;
        Ok(found)
    }

    #[test]
    fn everything_is_read_in_both_widths() {
        for bits64 in [false, true] {
            let bytes = Pe { bits64, ..Pe::extension() }.build();
            let found = read(&bytes).unwrap();
            assert_eq!(found.needed.as_slice(), ["KERNEL32.dll", "python311.dll"]);
            assert_eq!(found.optional.as_slice(), ["cublas64_12.dll"]);
            assert_eq!(found.init_functions.as_slice(), ["core"]);
            assert_eq!(declared_size(&bytes), Ok(bytes.len() as u64));
            assert_eq!(declared_size(&bytes[..0x400]), Ok(bytes.len() as u64));
        }
    }

    #[test]
    fn imported_symbols_have_names_or_numbers() {
        let large = [7_u64, 1 << 63 | 3, 9, 0, 5].map(u64::to_le_bytes).concat();
        let small = [7_u32, 1 << 31 | 3, 9, 0, 5].map(u32::to_le_bytes).concat();
        for (table, is_64) in [(&large, true), (&small, false)] {
            let (mut names, mut rest) = (Vec::new(), &table[..]);
            while let Some((name, after)) = next_thunk(rest, is_64) {
                names.push(name);
                rest = after;
            }
            assert_eq!(names, [Some(7), None, Some(9)]);
        }
        assert!(next_thunk(&[1, 2], true).is_none(), "cut");
    }

    #[test]
    fn a_module_without_tables_is_read() {
        let empty =
            Pe { imports: vec![], delayed: vec![], exports: vec![], ..Pe::extension() }.build();
        let found = read(&empty).unwrap();
        assert!(found.needed.as_slice().is_empty());
        assert!(found.init_functions.as_slice().is_empty());
    }

    #[test]
    fn architectures_have_the_names_of_target_triples() {
        for (machine, name) in [
            (0x8664, "x86_64"),
            (0x014c, "i686"),
            (0xaa64, "aarch64"),
            (0xa641, "arm64ec"),
            (0x01c4, "arm"),
            (0x0200, "pe-machine-0x200"),
        ] {
            let bytes = Pe { machine, ..Pe::extension() }.build();
            assert_eq!(architecture(&bytes[..0x400]), Ok(name.to_owned()));
        }
    }

    #[test]
    fn headers_that_are_cut_say_how_long_they_are() {
        let bytes = Pe::extension().build();
        let mut length = 2;
        // Each time with as much as was asked for.
        for _ in 0..5 {
            match architecture(&bytes[..length]) {
                Err(ModuleError::Truncated { length: given, expected, .. }) => {
                    assert_eq!(given, length as u64);
                    assert!(expected > given);
                    length = usize::try_from(expected).unwrap();
                }
                other => {
                    assert_eq!(other, Ok("x86_64".to_owned()));
                    return;
                }
            }
        }
        panic!("never satisfied");
    }

    #[test]
    fn a_dos_program_is_not_a_module() {
        let bytes = replaced(Pe::extension().build(), b"PE\0\0", b"NE\0\0");
        let error = architecture(&bytes).unwrap_err();
        assert_eq!(error, malformed("a DOS program without a PE header"));
    }

    #[test]
    fn far_too_many_sections_are_damage() {
        let bytes = Pe::extension().build();
        let header = |count: u16| [0x8664u16.to_le_bytes(), count.to_le_bytes()].concat();
        let error = read(&replaced(bytes, &header(1), &header(5000))).unwrap_err();
        assert_eq!(error, malformed("5000 sections"));
    }

    #[test]
    fn addresses_outside_the_sections_are_damage() {
        let bytes = Pe::extension().build();
        for directory in [0, 1, 13] {
            let at = 0x98 + 112 + 8 * directory;
            for address in [1u32, ADDRESS - 1, 0x7fff_ffff, u32::MAX] {
                let mut bytes = bytes.clone();
                bytes[at..at + 4].copy_from_slice(&address.to_le_bytes());
                let error = read(&bytes);
                assert!(matches!(error, Err(ModuleError::Malformed { .. })), "{error:?}");
            }
        }
    }

    #[test]
    fn too_many_imports_are_cut_and_said_to_be() {
        let imports = (0..=ENTRY_LIMIT).map(|index| format!("{index}.dll")).collect();
        let found = read(&Pe { imports, ..Pe::extension() }.build()).unwrap();
        assert_eq!(found.needed.as_slice().len(), ENTRY_LIMIT);
        assert!(found.is_capped());
    }

    #[test]
    fn more_exported_names_than_fit_are_damage() {
        let bytes = Pe::extension().build();
        let counts = [2u32.to_le_bytes(), 2u32.to_le_bytes()].concat();
        let many = [2u32.to_le_bytes(), u32::MAX.to_le_bytes()].concat();
        let error = read(&replaced(bytes, &counts, &many));
        assert!(matches!(error, Err(ModuleError::Malformed { .. })), "{error:?}");
    }
}
