//! The questions that can be asked of a native module, whatever its format.

use crate::collect::Collected;
use crate::model::{ModuleError, NativeModule, ObjectFormat};
use crate::{elf, libpython, macho, pe, scan};

/// What a native module says about itself: an extension module, a shared library or an executable.
///
/// `bytes` is the whole file. One that ends before what its headers speak of is
/// [`ModuleError::Truncated`].
pub fn inspect(bytes: &[u8]) -> Result<NativeModule, ModuleError> {
    let (format, found) = read_headers(bytes)?;
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

/// What the headers of a whole file, and the tables that they lead to, say.
pub(crate) fn read_headers(bytes: &[u8]) -> Result<(ObjectFormat, Collected), ModuleError> {
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
    Ok((format, found))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::VersionNeed;
    use crate::samples;

    #[test]
    fn an_elf_module_is_told_whole() {
        let sample = samples::elf::Elf {
            data: b"numpy.core.multiarray\0_ARRAY_API\0/rustc/\
            f6e511eec7342f59a25f7c0534f1dbea00d01b14/library/std/src/lib.rs\0/registry/src/\
            index-0/pyo3-0.22.6/src/gil.rs"
                .to_vec(),
            ..samples::elf::Elf::extension()
        };
        let need = |library: &str, version: &str, weak| VersionNeed {
            library: library.to_owned(),
            version: version.to_owned(),
            weak,
        };
        let strings = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let module = inspect(&sample.build()).unwrap();
        assert_eq!(
            module,
            NativeModule {
                format: ObjectFormat::Elf,
                architectures: strings(&["x86_64"]),
                needed: strings(&["libpython3.11.so.1.0", "libc.so.6"]),
                search_paths: strings(&["$ORIGIN/../lib", "/opt/lib"]),
                library_path_first: true,
                version_needs: vec![
                    need("libc.so.6", "GLIBC_2.17", false),
                    need("libc.so.6", "GLIBC_2.28", true),
                    need("libstdc++.so.6", "GLIBCXX_3.4.30", false),
                ],
                version_definitions: strings(&["CORE_1", "CORE_2"]),
                init_functions: strings(&["core"]),
                libpython: Some("libpython3.11.so.1.0".to_owned()),
                numpy: crate::NumpyUse {
                    mentions_core: true,
                    mentions_underscore_core: false,
                    mentions_c_api: true,
                    imports_c_api: false,
                    checks_type_sizes: false,
                    oldest_numpy: None,
                },
                rust_crates: vec![crate::RustCrate {
                    name: "pyo3".to_owned(),
                    version: "0.22.6".to_owned(),
                }],
                rustc_commit: Some("f6e511eec7342f59a25f7c0534f1dbea00d01b14".to_owned()),
                interpreter: None,
                capped: false,
            }
        );
    }

    #[test]
    fn libpython_is_known_in_every_format() {
        for (name, bytes) in samples::all() {
            let module = inspect(&bytes).unwrap();
            let expected = match module.format {
                ObjectFormat::Elf => "libpython3.11.so.1.0",
                ObjectFormat::MachO => "@rpath/libpython3.12.dylib",
                ObjectFormat::Pe => "python311.dll",
            };
            assert_eq!(module.libpython.as_deref(), Some(expected), "{name}");
            assert_eq!(module.init_functions, ["core"], "{name}");
            assert!(module.numpy.mentions_c_api, "{name}");
        }
    }

    #[test]
    fn a_libpython_that_may_be_missing_is_one_all_the_same() {
        let sample = samples::pe::Pe {
            imports: vec!["KERNEL32.dll".to_owned()],
            delayed: vec!["python3.dll"],
            ..samples::pe::Pe::extension()
        };
        let module = inspect(&sample.build()).unwrap();
        assert_eq!(module.libpython.as_deref(), Some("python3.dll"));
        assert_eq!(module.needed, ["KERNEL32.dll"]);
    }

    #[test]
    fn the_beginning_agrees_with_the_whole() {
        for (name, bytes) in samples::all() {
            let module = inspect(&bytes).unwrap();
            let (format, architectures) = architectures(&bytes[..bytes.len().min(4096)]).unwrap();
            assert_eq!((format, architectures), (module.format, module.architectures), "{name}");
            assert_eq!(declared_size(&bytes), Ok(bytes.len() as u64), "{name}");
            assert_eq!(elf_interpreter(&bytes), Ok(None), "{name}");
        }
    }

    #[test]
    fn a_file_that_is_cut_anywhere_is_truncated() {
        for (name, bytes) in samples::all() {
            for length in 0..bytes.len() {
                match inspect(&bytes[..length]) {
                    Err(ModuleError::Truncated { length: told, expected, .. }) => {
                        assert_eq!(told, length as u64, "{name}");
                        assert!(expected > told, "{name}: {expected} > {told}");
                        assert!(expected <= bytes.len() as u64, "{name}: {expected}");
                    }
                    Err(ModuleError::UnknownFormat) => assert!(length < 8, "{name}: {length}"),
                    other => panic!("{name}, {length} of {} bytes: {other:?}", bytes.len()),
                }
            }
            let longer = [&bytes[..], b"appended"].concat();
            assert!(inspect(&longer).is_ok(), "{name}: more than enough is no damage");
        }
    }

    #[test]
    fn other_files_are_unknown() {
        for bytes in [
            &b""[..],
            b"M",
            b"\x7fEL",
            b"#!/bin/sh\n",
            b"!<arch>\nlibpython3.11.a",
            b"\0asm\x01\0\0\0",
            b"INPUT ( -lc )",
            b"\xca\xfe\xba\xbe\0\0\0\x34",
        ] {
            assert_eq!(inspect(bytes), Err(ModuleError::UnknownFormat));
            assert_eq!(architectures(bytes), Err(ModuleError::UnknownFormat));
            assert_eq!(elf_interpreter(bytes), Err(ModuleError::UnknownFormat));
            assert_eq!(declared_size(bytes), Err(ModuleError::UnknownFormat));
        }
    }

    #[test]
    fn this_very_program_is_read() {
        let path = std::env::current_exe().unwrap();
        let bytes = fs_err::read(path).unwrap();
        let module = inspect(&bytes).unwrap();
        let expected = if cfg!(windows) {
            ObjectFormat::Pe
        } else if cfg!(target_os = "macos") {
            ObjectFormat::MachO
        } else {
            ObjectFormat::Elf
        };
        assert_eq!(module.format, expected);
        let (format, architectures) = architectures(&bytes[..4096]).unwrap();
        assert_eq!((format, &architectures), (module.format, &module.architectures));
        if cfg!(target_arch = "x86_64") {
            assert_eq!(architectures, ["x86_64"]);
        }
        if cfg!(all(target_os = "linux", target_env = "gnu")) {
            assert!(module.needed.contains(&"libc.so.6".to_owned()), "{:?}", module.needed);
            assert!(module.version_needs.iter().any(|need| need.version.starts_with("GLIBC_2.")));
            assert_eq!(elf_interpreter(&bytes[..4096]), Ok(module.interpreter.clone()));
            assert!(module.interpreter.is_some_and(|name| name.contains("ld")));
        }
        assert!(declared_size(&bytes[..4096]).unwrap() <= bytes.len() as u64);
    }
}
