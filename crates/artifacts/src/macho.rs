//! Mach-O: what the first bytes announce, and universal files, which hold several images.

use object::endian::Endianness;
use object::macho;
use object::read::macho::{FatArch, MachOFatFile32, MachOFatFile64};

use crate::collect::Collected;
use crate::macho_image::Image;
use crate::model::{ModuleError, ObjectFormat};

/// How many images a universal file may hold. A compiled Java class begins with the same four
/// bytes; in it, this count is the version of its format, 45 at least.
const IMAGE_LIMIT: u32 = 44;

pub(crate) fn malformed(reason: impl Into<String>) -> ModuleError {
    ModuleError::Malformed { format: ObjectFormat::MachO, reason: reason.into() }
}

pub(crate) fn truncated(bytes: &[u8], expected: u64) -> ModuleError {
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
        collect_image(image, found).map_err(|error| match error {
            // The file is as long as it should be: what is short is its part.
            ModuleError::Truncated { .. } => {
                malformed("an image of the universal file ends before what its headers speak of")
            }
            other => other,
        })?;
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

/// The name of a processor.
pub(crate) fn architecture_name(cpu: macho::CpuType) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::macho::{Image, universal, universal_header};

    const X86_64: u32 = 0x0100_0007;
    const ARM64: u32 = 0x0100_000c;

    fn image(cpu: u32) -> Vec<u8> {
        Image { cpu, ..Image::extension() }.build()
    }

    fn read(bytes: &[u8]) -> Result<Collected, ModuleError> {
        let mut found = Collected::default();
        collect(bytes, &mut found)?;
        Ok(found)
    }

    #[test]
    fn what_every_image_says_is_put_together() {
        for wide in [false, true] {
            let other = Image {
                cpu: X86_64,
                libraries: vec![(0xc, "/usr/lib/libiconv.2.dylib".to_owned(), None)],
                ..Image::extension()
            };
            let file = universal(wide, &[other.build(), image(ARM64)]);
            assert_eq!(architectures(&file), Ok(vec!["x86_64".to_owned(), "aarch64".to_owned()]));
            assert_eq!(declared_size(&file), Ok(file.len() as u64));
            let found = read(&file).unwrap();
            assert_eq!(found.architectures.as_slice(), ["x86_64", "aarch64"]);
            assert_eq!(
                found.needed.as_slice(),
                [
                    "/usr/lib/libiconv.2.dylib",
                    "@rpath/libpython3.12.dylib",
                    "/usr/lib/libSystem.B.dylib"
                ]
            );
            assert_eq!(found.init_functions.as_slice(), ["core"]);
        }
    }

    #[test]
    fn architectures_need_only_the_header() {
        let file = universal(false, &[image(X86_64), image(ARM64)]);
        assert_eq!(architectures(&file[..48]).map(|names| names.len()), Ok(2));
        assert_eq!(architectures(&file[..47]), Err(truncated(&file[..47], 48)));
        let file = image(ARM64);
        assert_eq!(architectures(&file[..32]), Ok(vec!["aarch64".to_owned()]));
        assert_eq!(architectures(&file[..31]), Err(truncated(&file[..31], 32)));
    }

    #[test]
    fn a_java_class_is_not_a_universal_file() {
        for version in [45u32, 52, 65, 0x0003_002d] {
            let class = [[0xca, 0xfe, 0xba, 0xbe], version.to_be_bytes(), [0; 4]].concat();
            assert!(!is_macho(&class), "version {version}");
        }
        assert!(!is_macho(b"\xca\xfe\xba\xbe"));
    }

    #[test]
    fn images_that_overlap_are_damage() {
        let part = image(ARM64);
        let size = part.len() as u64;
        for places in [
            // The same image twice, and one that begins before another ends.
            [(ARM64, 64, size), (X86_64, 64, size)],
            [(ARM64, 64, size), (X86_64, 63 + size, 1)],
        ] {
            let mut file = universal_header(false, &places);
            file.resize(64, 0);
            file.extend(&part);
            let error = read(&file);
            assert_eq!(error.unwrap_err(), malformed("images of the universal file overlap"));
        }
    }

    #[test]
    fn a_universal_file_holds_no_other() {
        let inner = universal(false, &[image(ARM64)]);
        let error = read(&universal(false, &[inner])).unwrap_err();
        assert_eq!(error, malformed("a part of the universal file is not a Mach-O image"));
        // And not itself.
        let mut file = universal_header(true, &[(ARM64, 0, 40)]);
        file.resize(40, 0);
        assert!(matches!(read(&file), Err(ModuleError::Malformed { .. })));
    }

    #[test]
    fn an_empty_universal_file_is_damage() {
        let error = architectures(&universal_header(false, &[])).unwrap_err();
        assert_eq!(error, malformed("a universal file without images"));
    }

    #[test]
    fn an_image_that_is_cut_inside_the_file_is_damage() {
        let mut part = image(ARM64);
        part.truncate(part.len() - 1);
        let error = read(&universal(false, &[part, image(X86_64)])).unwrap_err();
        assert!(error.to_string().contains("ends before"), "{error}");
    }

    #[test]
    fn an_image_beyond_the_end_makes_the_file_truncated() {
        for (offset, size) in [(64, 1000), (u64::MAX, u64::MAX)] {
            let file = universal_header(true, &[(ARM64, offset, size)]);
            assert_eq!(declared_size(&file), Ok(offset.saturating_add(size)));
            assert!(matches!(read(&file), Err(ModuleError::Truncated { .. })));
        }
    }

    #[test]
    fn architectures_have_the_names_of_target_triples() {
        for (cpu, name) in [
            (X86_64, "x86_64"),
            (ARM64, "aarch64"),
            (7, "i686"),
            (12, "arm"),
            (18, "powerpc"),
            (99, "macho-cpu-99"),
        ] {
            assert_eq!(architectures(&image(cpu)), Ok(vec![name.to_owned()]));
        }
    }
}
