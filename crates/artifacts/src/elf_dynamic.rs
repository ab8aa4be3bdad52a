//! ELF: the dynamic table, as the loader reads it. Section headers, which may be stripped, are
//! only asked where the loader's tables do not say how many symbols there are.

use object::ReadRef;
use object::elf;
use object::endian::Endianness;
use object::read::elf::{Dyn, FileHeader, GnuHashTable, HashTable, SectionHeader, Sym};

use crate::collect::{
    Collected, ENTRY_LIMIT, NAME_LIMIT, PATHS_LIMIT, init_function_at, text, text_at,
};
use crate::elf::{Image, end, malformed, record};
use crate::model::{ModuleError, VersionNeed};

/// The entries of the dynamic table that are of use here. Where the loader takes the last of
/// several, so do we.
#[derive(Default)]
struct Tables {
    strings: Option<u64>,
    strings_size: Option<u64>,
    symbols: Option<u64>,
    gnu_hash: Option<u64>,
    hash: Option<u64>,
    version_needs: Option<u64>,
    version_needs_count: u64,
    version_definitions: Option<u64>,
    version_definitions_count: u64,
    rpath: Option<u64>,
    runpath: Option<u64>,
}

/// Reads what the dynamic table says.
pub(crate) fn collect<Elf: FileHeader<Endian = Endianness>>(
    image: &Image<'_, Elf>,
    found: &mut Collected,
) -> Result<(), ModuleError> {
    let entries = image.dynamic()?;
    if entries.is_empty() {
        return Ok(());
    }
    let tables = tables(entries, image.endian);
    let strings = strings(image, &tables)?;

    for entry in entries.iter().filter(|entry| entry.tag(image.endian) == elf::DT_NEEDED) {
        if found.needed.is_over() {
            break;
        }
        found.needed.push(text(name_at(strings, entry.val(image.endian))?));
    }
    if let Some(paths) = tables.runpath.or(tables.rpath) {
        let paths = text_at(strings, paths, PATHS_LIMIT)
            .ok_or_else(|| malformed("the search path has no end"))?;
        for path in paths.split(|byte| *byte == b':').filter(|path| !path.is_empty()) {
            found.search_paths.push(text(path));
        }
        found.library_path_first = tables.runpath.is_some();
    }
    version_needs(image, &tables, strings, found)?;
    version_definitions(image, &tables, strings, found)?;
    init_functions(image, &tables, strings, found)
}

fn tables<D: Dyn<Endian = Endianness>>(entries: &[D], endian: Endianness) -> Tables {
    let mut tables = Tables::default();
    for entry in entries {
        let value = entry.val(endian);
        match entry.tag(endian) {
            elf::DT_STRTAB => tables.strings = Some(value),
            elf::DT_STRSZ => tables.strings_size = Some(value),
            elf::DT_SYMTAB => tables.symbols = Some(value),
            elf::DT_GNU_HASH => tables.gnu_hash = Some(value),
            elf::DT_HASH => tables.hash = Some(value),
            elf::DT_VERNEED => tables.version_needs = Some(value),
            elf::DT_VERNEEDNUM => tables.version_needs_count = value,
            elf::DT_VERDEF => tables.version_definitions = Some(value),
            elf::DT_VERDEFNUM => tables.version_definitions_count = value,
            elf::DT_RPATH => tables.rpath = Some(value),
            elf::DT_RUNPATH => tables.runpath = Some(value),
            _ => {}
        }
    }
    tables
}

fn strings<'data, Elf: FileHeader<Endian = Endianness>>(
    image: &Image<'data, Elf>,
    tables: &Tables,
) -> Result<&'data [u8], ModuleError> {
    let Some(address) = tables.strings else {
        return Ok(&[]);
    };
    let strings = image.at_address(address)?;
    let size = tables.strings_size.and_then(|size| usize::try_from(size).ok());
    Ok(&strings[..size.unwrap_or(usize::MAX).min(strings.len())])
}

fn name_at(strings: &[u8], offset: u64) -> Result<&[u8], ModuleError> {
    text_at(strings, offset, NAME_LIMIT)
        .ok_or_else(|| malformed(format!("no name at {offset:#x} of the dynamic strings")))
}

fn version_needs<Elf: FileHeader<Endian = Endianness>>(
    image: &Image<'_, Elf>,
    tables: &Tables,
    strings: &[u8],
    found: &mut Collected,
) -> Result<(), ModuleError> {
    let Some(address) = tables.version_needs else {
        return Ok(());
    };
    let outside = || malformed("a version need lies outside its segment");
    let endian = image.endian;
    let table = image.at_address(address)?;
    let mut offset = 0;
    for step in 0..tables.version_needs_count {
        // A library without versions adds nothing to the list that is bounded, and still is read.
        if step == ENTRY_LIMIT as u64 {
            return Err(malformed(format!("it needs versions of more than {step} libraries")));
        }
        let need: &elf::Verneed<Endianness> = record(table, offset).ok_or_else(outside)?;
        let library = text(name_at(strings, need.vn_file.get(endian).into())?);
        let mut inner = end(offset, need.vn_aux.get(endian).into())?;
        for _ in 0..need.vn_cnt.get(endian) {
            if found.version_needs.is_over() {
                return Ok(());
            }
            let version: &elf::Vernaux<Endianness> = record(table, inner).ok_or_else(outside)?;
            found.version_needs.push(VersionNeed {
                library: library.clone(),
                version: text(name_at(strings, version.vna_name.get(endian).into())?),
                weak: version.vna_flags.get(endian).contains(elf::VER_FLG_WEAK),
            });
            let next = version.vna_next.get(endian);
            if next == 0 {
                break;
            }
            inner = end(inner, next.into())?;
        }
        let next = need.vn_next.get(endian);
        if next == 0 {
            break;
        }
        offset = end(offset, next.into())?;
    }
    Ok(())
}

fn version_definitions<Elf: FileHeader<Endian = Endianness>>(
    image: &Image<'_, Elf>,
    tables: &Tables,
    strings: &[u8],
    found: &mut Collected,
) -> Result<(), ModuleError> {
    let Some(address) = tables.version_definitions else {
        return Ok(());
    };
    let outside = || malformed("a version definition lies outside its segment");
    let endian = image.endian;
    let table = image.at_address(address)?;
    let mut offset = 0;
    for _ in 0..tables.version_definitions_count {
        if found.version_definitions.is_over() {
            break;
        }
        let definition: &elf::Verdef<Endianness> = record(table, offset).ok_or_else(outside)?;
        // The base definition names the library itself, not a version.
        if !definition.vd_flags.get(endian).contains(elf::VER_FLG_BASE)
            && definition.vd_cnt.get(endian) != 0
        {
            // The first name is its own; the others are those of its predecessors.
            let own = end(offset, definition.vd_aux.get(endian).into())?;
            let own: &elf::Verdaux<Endianness> = record(table, own).ok_or_else(outside)?;
            found
                .version_definitions
                .push(text(name_at(strings, own.vda_name.get(endian).into())?));
        }
        let next = definition.vd_next.get(endian);
        if next == 0 {
            break;
        }
        offset = end(offset, next.into())?;
    }
    Ok(())
}

fn init_functions<Elf: FileHeader<Endian = Endianness>>(
    image: &Image<'_, Elf>,
    tables: &Tables,
    strings: &[u8],
    found: &mut Collected,
) -> Result<(), ModuleError> {
    for symbol in symbols(image, tables)? {
        if found.init_functions.is_over() {
            break;
        }
        let global = matches!(symbol.st_bind(), elf::STB_GLOBAL | elf::STB_WEAK);
        let visible = matches!(symbol.st_visibility(), elf::STV_DEFAULT | elf::STV_PROTECTED);
        if symbol.is_undefined(image.endian) || !global || !visible {
            continue;
        }
        let name = init_function_at(strings, symbol.st_name(image.endian).into(), b"PyInit_");
        if let Some(name) = name {
            found.init_functions.push(name);
        }
    }
    Ok(())
}

/// Names of the symbols that others must define, in the order of the table.
pub(crate) fn undefined<Elf: FileHeader<Endian = Endianness>>(
    image: &Image<'_, Elf>,
    each: &mut dyn FnMut(&[u8]),
) -> Result<(), ModuleError> {
    let tables = tables(image.dynamic()?, image.endian);
    let strings = strings(image, &tables)?;
    for symbol in symbols(image, &tables)? {
        let offset = symbol.st_name(image.endian);
        if symbol.is_undefined(image.endian) && offset != 0 {
            each(name_at(strings, offset.into())?);
        }
    }
    Ok(())
}

/// The dynamic symbols.
fn symbols<'data, Elf: FileHeader<Endian = Endianness>>(
    image: &Image<'data, Elf>,
    tables: &Tables,
) -> Result<&'data [Elf::Sym], ModuleError> {
    let Some(address) = tables.symbols else {
        return Ok(&[]);
    };
    let count = symbol_count(image, tables)?;
    image
        .at_address(address)?
        .read_slice_at(0, count as usize)
        .map_err(|()| malformed(format!("{count} dynamic symbols do not fit their segment")))
}

/// How many dynamic symbols there are. The dynamic table does not say; the hash tables, in which
/// the loader looks symbols up, do.
fn symbol_count<Elf: FileHeader<Endian = Endianness>>(
    image: &Image<'_, Elf>,
    tables: &Tables,
) -> Result<u32, ModuleError> {
    if let Some(address) = tables.gnu_hash {
        let table = GnuHashTable::<Elf>::parse(image.endian, image.at_address(address)?)
            .map_err(|_| malformed("the symbol hash table does not fit its segment"))?;
        if let Some(count) = table.symbol_table_length(image.endian) {
            return Ok(count);
        }
    }
    // On s390x this table is made of 64-bit words.
    if let Some(address) = tables.hash
        && !(image.header.e_machine(image.endian) == elf::EM_S390 && image.header.is_class_64())
    {
        let table = HashTable::<Elf>::parse(image.endian, image.at_address(address)?)
            .map_err(|_| malformed("the symbol hash table does not fit its segment"))?;
        return Ok(table.symbol_table_length());
    }
    let sections = image
        .header
        .section_headers(image.endian, image.bytes)
        .map_err(|_| malformed("the section headers do not fit the file"))?;
    let symbols = sections.iter().find(|section| section.sh_type(image.endian) == elf::SHT_DYNSYM);
    let size = symbols.map_or(0, |section| section.sh_size(image.endian).into());
    u32::try_from(size / size_of::<Elf::Sym>() as u64)
        .map_err(|_| malformed("there are more dynamic symbols than can be"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::elf::{Elf, Lookup, Symbol};
    use crate::samples::{Order, replaced};

    #[track_caller]
    fn read(sample: &Elf) -> Collected {
        try_read(&sample.build()).unwrap()
    }

    fn try_read(bytes: &[u8]) -> Result<Collected, ModuleError> {
        let mut found = Collected::default();
        crate::elf::collect(bytes, &mut found)?;
        Ok(found)
    }

    #[test]
    fn everything_is_read_whatever_the_width_the_order_and_the_lookup() {
        for bits64 in [false, true] {
            for order in [Order::Little, Order::Big] {
                for lookup in [Lookup::GnuHash, Lookup::Hash, Lookup::Sections] {
                    let found = read(&Elf { bits64, order, lookup, ..Elf::extension() });
                    assert_eq!(found.needed.as_slice(), ["libpython3.11.so.1.0", "libc.so.6"]);
                    assert_eq!(found.search_paths.as_slice(), ["$ORIGIN/../lib", "/opt/lib"]);
                    assert_eq!(found.version_definitions.as_slice(), ["CORE_1", "CORE_2"]);
                    assert_eq!(found.init_functions.as_slice(), ["core"]);
                    let needs: Vec<(&str, &str, bool)> = found
                        .version_needs
                        .as_slice()
                        .iter()
                        .map(|need| (need.library.as_str(), need.version.as_str(), need.weak))
                        .collect();
                    assert_eq!(
                        needs,
                        [
                            ("libc.so.6", "GLIBC_2.17", false),
                            ("libc.so.6", "GLIBC_2.28", true),
                            ("libstdc++.so.6", "GLIBCXX_3.4.30", false),
                        ]
                    );
                    assert!(!found.is_capped());
                }
            }
        }
    }

    #[test]
    fn only_functions_that_others_can_call_are_init_functions() {
        let symbol = |name: &str, kind| (name.to_owned(), kind);
        for lookup in [Lookup::GnuHash, Lookup::Hash, Lookup::Sections] {
            let found = read(&Elf {
                lookup,
                symbols: vec![
                    symbol("PyInit_undefined", Symbol::Undefined),
                    symbol("PyInit_local", Symbol::Local),
                    symbol("PyInit_hidden", Symbol::Hidden),
                    symbol("PyInit_weak", Symbol::Weak),
                    symbol("PyInit_protected", Symbol::Protected),
                    symbol("PyInit_global", Symbol::Global),
                    symbol("PyInit_", Symbol::Global),
                    symbol("_PyInit_other", Symbol::Global),
                ],
                ..Elf::empty()
            });
            assert_eq!(found.init_functions.as_slice(), ["weak", "protected", "global"]);
        }
    }

    #[test]
    fn nothing_exported_is_no_damage() {
        for symbols in [vec![], vec![("PyInit_x".to_owned(), Symbol::Undefined)]] {
            let found = read(&Elf { symbols, ..Elf::empty() });
            assert!(found.init_functions.as_slice().is_empty());
        }
    }

    #[test]
    fn runpath_replaces_rpath_and_yields_to_the_environment() {
        let rpath = Some("/a:/b".to_owned());
        let runpath = Some("::/c:/c".to_owned());
        let found = read(&Elf { rpath: rpath.clone(), ..Elf::empty() });
        assert_eq!(found.search_paths.as_slice(), ["/a", "/b"]);
        assert!(!found.library_path_first);
        let found = read(&Elf { rpath, runpath, ..Elf::empty() });
        assert_eq!(found.search_paths.as_slice(), ["/c"]);
        assert!(found.library_path_first);
    }

    #[test]
    fn too_many_entries_are_cut_and_said_to_be() {
        let needed = (0..=ENTRY_LIMIT).map(|index| format!("lib{index}.so")).collect();
        let found = read(&Elf { needed, ..Elf::empty() });
        assert_eq!(found.needed.as_slice().len(), ENTRY_LIMIT);
        assert!(found.is_capped());

        let symbols =
            (0..=ENTRY_LIMIT).map(|index| (format!("PyInit_{index}"), Symbol::Global)).collect();
        let found = read(&Elf { symbols, ..Elf::empty() });
        assert_eq!(found.init_functions.as_slice().len(), ENTRY_LIMIT);
        assert!(found.is_capped());
    }

    #[test]
    fn names_that_are_not_utf8_are_still_names() {
        let bytes = replaced(Elf::extension().build(), b"libpython3.11", b"lib\xffython3.11");
        assert_eq!(try_read(&bytes).unwrap().needed.as_slice()[0], "lib\u{fffd}ython3.11.so.1.0");
    }

    #[test]
    fn a_name_outside_the_strings_is_damage() {
        let sample = Elf { needed: vec!["libc.so.6".to_owned()], ..Elf::empty() };
        let entry = |offset: u64| [1u64.to_le_bytes(), offset.to_le_bytes()].concat();
        for offset in [11, 1000, u64::MAX] {
            let error = try_read(&replaced(sample.build(), &entry(1), &entry(offset)));
            assert!(matches!(error, Err(ModuleError::Malformed { .. })), "{offset}: {error:?}");
        }
    }

    #[test]
    fn tables_outside_the_segment_are_damage() {
        for tag in [5u64, 6, 0x6fff_fef5, 0x6fff_fffc, 0x6fff_fffe] {
            let mut bytes = Elf::extension().build();
            let at = memchr::memmem::rfind(&bytes, &tag.to_le_bytes()).unwrap() + 8;
            for address in [0, 0xffff, 0x7fff_0000, u64::MAX] {
                bytes[at..at + 8].copy_from_slice(&address.to_le_bytes());
                let error = try_read(&bytes);
                assert!(matches!(error, Err(ModuleError::Malformed { .. })), "{tag}: {error:?}");
            }
        }
    }

    #[test]
    fn versions_that_overlap_are_cut() {
        // Sixty thousand versions, each of which begins four bytes after the one before.
        let fours: Vec<u8> = 4u32.to_le_bytes().repeat(61_000);
        let sample = Elf {
            version_needs: vec![("libc.so.6", vec![("GLIBC_2.17", false)])],
            data: fours.clone(),
            ..Elf::empty()
        };
        let mut bytes = sample.build();
        let data = memchr::memmem::find(&bytes, &fours).unwrap();
        // Revision 1, one version, and the first of the dynamic strings.
        let need = memchr::memmem::rfind(&bytes[..data], &[1, 0, 1, 0, 1, 0, 0, 0]).unwrap();
        bytes[need + 2..need + 4].copy_from_slice(&60_000u16.to_le_bytes());
        bytes[need + 8..need + 12].copy_from_slice(&((data - need) as u32).to_le_bytes());
        let found = try_read(&bytes).unwrap();
        assert_eq!(found.version_needs.as_slice().len(), 1, "the same one again and again");
        assert!(found.is_capped());
    }

    #[test]
    fn libraries_without_versions_are_not_read_for_ever() {
        let sample = |count| Elf { version_needs: vec![("l", vec![]); count], ..Elf::empty() };
        assert!(try_read(&sample(ENTRY_LIMIT).build()).is_ok());
        let error = try_read(&sample(ENTRY_LIMIT + 1).build()).unwrap_err();
        assert_eq!(error, malformed("it needs versions of more than 4096 libraries"));
    }
}
