//! Symbols that a module takes from the Python interpreter, and the sections it consists of.

use std::collections::BTreeSet;

use object::read::macho::{FatArch, MachOFatFile32, MachOFatFile64};
use object::{File, FileKind, Object as _, ObjectSection as _};

use crate::inspect::read_headers;
use crate::macho;
use crate::model::{ModuleError, ObjectFormat};
use crate::{collect, elf, pe};

/// Names or sections that are kept; the largest modules known have a few hundred.
const LIMIT: usize = 20_000;

/// One section of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Name; in a universal file with the architecture before it.
    pub name: String,
    /// Where it starts in the file.
    pub offset: u64,
    /// Bytes of it in the file.
    pub size: u64,
}

/// The symbols whose names begin with `Py` or `_Py` that a whole module expects others to define,
/// sorted, as C names them: without the underscore that Mach-O puts before every name.
///
/// # Errors
/// When the module cannot be read, or its tables do not hold together.
pub fn python_imports(bytes: &[u8]) -> Result<Vec<String>, ModuleError> {
    let (format, _) = read_headers(bytes)?;
    let mut names = BTreeSet::new();
    let mut add = |name: &[u8]| {
        if (name.starts_with(b"Py") || name.starts_with(b"_Py")) && names.len() < LIMIT {
            names.insert(collect::text(name));
        }
    };
    match format {
        ObjectFormat::Elf => elf::undefined(bytes, &mut add)?,
        ObjectFormat::Pe => pe::imported_names(bytes, &mut add)?,
        ObjectFormat::MachO => {
            for (_, image) in images(format, bytes)? {
                for import in image.imports().map_err(|error| malformed(format, &error))? {
                    let import = import.map_err(|error| malformed(format, &error))?;
                    let own = import.name();
                    let name = own.name().unwrap_or_default();
                    add(name.strip_prefix(b"_").unwrap_or(name));
                }
            }
        }
    }
    Ok(names.into_iter().collect())
}

/// The sections of a whole module that have bytes in the file, in the order of its table.
///
/// # Errors
/// When the module cannot be read, or its tables do not hold together.
pub fn sections(bytes: &[u8]) -> Result<Vec<Section>, ModuleError> {
    let (format, found) = read_headers(bytes)?;
    let is_universal = found.architectures.as_slice().len() > 1;
    let mut sections = Vec::new();
    for (start, image) in images(format, bytes)? {
        let architecture = format!("{:?}", image.architecture()).to_ascii_lowercase();
        for section in image.sections().take(LIMIT) {
            // In PE, memory that starts as zeros may have a size and the place 0.
            let in_file = |(offset, size): &(u64, u64)| {
                let end = start.checked_add(*offset).and_then(|begin| begin.checked_add(*size));
                *offset > 0 && *size > 0 && end.is_some_and(|end| end <= bytes.len() as u64)
            };
            let Some((offset, size)) = section.file_range().filter(in_file) else { continue };
            let own = section.name_bytes().map_err(|error| malformed(format, &error))?;
            let segment = section.segment_name_bytes().ok().flatten().map(collect::text);
            let mut name = collect::text(own);
            if let Some(segment) = segment {
                name = format!("{segment},{name}");
            }
            if is_universal {
                name = format!("{architecture}:{name}");
            }
            sections.push(Section { name, offset: start + offset, size });
        }
    }
    Ok(sections)
}

/// The images of a file, with where they start: one, or those of a universal file.
fn images(format: ObjectFormat, bytes: &[u8]) -> Result<Vec<(u64, File<'_>)>, ModuleError> {
    let wrong = |error: object::Error| malformed(format, &error);
    let slices = match FileKind::parse(bytes).map_err(wrong)? {
        FileKind::MachOFat32 => slices(MachOFatFile32::parse(bytes).map_err(wrong)?.arches()),
        FileKind::MachOFat64 => slices(MachOFatFile64::parse(bytes).map_err(wrong)?.arches()),
        _ => vec![(0, bytes.len() as u64)],
    };
    let mut images = Vec::new();
    for (start, size) in slices {
        let slice = usize::try_from(start)
            .ok()
            .and_then(|start| bytes.get(start..start.checked_add(usize::try_from(size).ok()?)?))
            .ok_or_else(|| macho::malformed("an image lies outside of the file"))?;
        images.push((start, File::parse(slice).map_err(wrong)?));
    }
    Ok(images)
}

fn slices<Fat: FatArch>(arches: &[Fat]) -> Vec<(u64, u64)> {
    arches.iter().map(FatArch::file_range).collect()
}

fn malformed(format: ObjectFormat, error: &object::Error) -> ModuleError {
    ModuleError::Malformed { format, reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::samples::elf::{Elf, Lookup, Symbol};

    #[test]
    fn undefined_names_of_python_are_imports() {
        let symbol = |name: &str, kind| (name.to_owned(), kind);
        for lookup in [Lookup::GnuHash, Lookup::Hash, Lookup::Sections] {
            let sample = Elf {
                lookup,
                symbols: vec![
                    symbol("PyList_New", Symbol::Undefined),
                    symbol("_Py_Dealloc", Symbol::Undefined),
                    symbol("malloc", Symbol::Undefined),
                    symbol("PyInit_core", Symbol::Global),
                ],
                ..Elf::empty()
            };
            assert_eq!(python_imports(&sample.build()).unwrap(), ["PyList_New", "_Py_Dealloc"]);
        }
    }

    #[test]
    fn damage_is_told_in_every_format() {
        for (name, bytes) in samples::all() {
            let _ = (python_imports(&bytes), sections(&bytes));
            for length in 0..bytes.len() {
                assert!(python_imports(&bytes[..length]).is_err(), "{name}: {length}");
                assert!(sections(&bytes[..length]).is_err(), "{name}: {length}");
            }
        }
    }

    #[test]
    fn sections_lie_in_the_file() {
        let path = std::env::current_exe().unwrap();
        let bytes = fs_err::read(path).unwrap();
        let sections = sections(&bytes).unwrap();
        assert!(sections.len() > 5, "{sections:?}");
        for section in &sections {
            assert!(section.offset + section.size <= bytes.len() as u64, "{section:?}");
        }
        assert!(sections.iter().any(|section| section.name.contains("text")), "{sections:?}");
    }
}
