//! The questions that can be asked of a native module, whatever its format.

use crate::collect::Collected;
use crate::model::{ModuleError, NativeModule, ObjectFormat};
use crate::{elf, libpython, macho, pe, scan};

/// What a native module says about itself: an extension module, a shared library or an executable.
///
/// `bytes` is the whole file. One that ends before what its headers speak of is
/// [`ModuleError::Truncated`].
pub fn inspect(bytes: &[u8]) -> Result<NativeModule, ModuleError> {
    let format = format(bytes)?;
    let expected = declared_size(bytes)?;
    let length = bytes.len() as u64;
    if length < expected {
        return Err(ModuleError::Truncated { format, length, expected });
    }
    let mut found = Collected::default();
    match format {
        ObjectFormat::Elf => elf::collect(bytes, &mut found)?,
        ObjectFormat::MachO => macho::collect(bytes, &mut found)?,
        ObjectFormat::Pe => pe::collect(bytes, &mut found)?,
    }
    let scanned = scan::scan(bytes);
    let capped = found.is_capped() || scanned.capped;
    let libraries = found.needed.as_slice().iter().chain(found.optional.as_slice());
    Ok(NativeModule {
        format,
        libpython: libpython::libpython(libraries.map(String::as_str)).map(str::to_owned),
        architectures: found.architectures.into_vec(),
        needed: found.needed.into_vec(),
        search_paths: found.search_paths.into_vec(),
        library_path_first: found.library_path_first,
        version_needs: found.version_needs.into_vec(),
        version_definitions: found.version_definitions.into_vec(),
        init_functions: found.init_functions.into_vec(),
        numpy: scanned.numpy,
        rust_crates: scanned.rust_crates,
        rustc_commit: scanned.rustc_commit,
        interpreter: found.interpreter,
        capped,
    })
}

/// Format and architectures of a file, by its beginning: the first 4 KiB are enough.
pub fn architectures(prefix: &[u8]) -> Result<(ObjectFormat, Vec<String>), ModuleError> {
    let format = format(prefix)?;
    let architectures = match format {
        ObjectFormat::Elf => vec![elf::architecture(prefix)?],
        ObjectFormat::MachO => macho::architectures(prefix)?,
        ObjectFormat::Pe => vec![pe::architecture(prefix)?],
    };
    Ok((format, architectures))
}

/// The program interpreter that a file names, by its beginning. `None` if it names none, as in a
/// shared library, a static executable, or another format than ELF.
///
/// [`ModuleError::Truncated`] says how much of the file must be given where `prefix` is too short;
/// 4 KiB are enough unless a tool has rewritten the file.
pub fn elf_interpreter(prefix: &[u8]) -> Result<Option<String>, ModuleError> {
    match format(prefix)? {
        ObjectFormat::Elf => elf::interpreter(prefix),
        ObjectFormat::MachO | ObjectFormat::Pe => Ok(None),
    }
}

/// How many bytes a file must have at least, by its beginning: the end of the last segment,
/// section or table that its headers speak of. A shorter file is truncated.
///
/// What the headers within `prefix` do not tell is left out: with 4 KiB nearly nothing, so that
/// this and the file's size show a truncated executable without reading it.
pub fn declared_size(prefix: &[u8]) -> Result<u64, ModuleError> {
    match format(prefix)? {
        ObjectFormat::Elf => elf::declared_size(prefix),
        ObjectFormat::MachO => macho::declared_size(prefix),
        ObjectFormat::Pe => pe::declared_size(prefix),
    }
}

fn format(bytes: &[u8]) -> Result<ObjectFormat, ModuleError> {
    if bytes.starts_with(b"\x7fELF") {
        Ok(ObjectFormat::Elf)
    } else if bytes.starts_with(b"MZ") {
        Ok(ObjectFormat::Pe)
    } else if macho::is_macho(bytes) {
        Ok(ObjectFormat::MachO)
    } else {
        Err(ModuleError::UnknownFormat)
    }
}
