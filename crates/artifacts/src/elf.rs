//! ELF: the header, the program headers and what they lead to.

use object::elf;
use object::endian::Endianness;
use object::read::elf::{FileHeader, ProgramHeader};
use object::{ReadRef, pod::Pod};

use crate::collect::{Collected, NAME_LIMIT, text, text_at};
use crate::elf_dynamic;
use crate::model::{ModuleError, ObjectFormat};

pub(crate) fn malformed(reason: impl Into<String>) -> ModuleError {
    ModuleError::Malformed { format: ObjectFormat::Elf, reason: reason.into() }
}

/// An ELF file with its header and those of its program headers that lie within the bytes given.
pub(crate) struct Image<'data, Elf: FileHeader<Endian = Endianness>> {
    pub(crate) bytes: &'data [u8],
    pub(crate) endian: Endianness,
    pub(crate) header: &'data Elf,
    /// Program headers, none if they lie beyond the bytes given.
    segments: &'data [Elf::ProgramHeader],
    /// Where the program headers end.
    segments_end: u64,
}

/// Runs the same code on 32-bit and 64-bit files.
macro_rules! with_image {
    ($bytes:expr, $image:ident => $result:expr) => {
        match class($bytes)? {
            Class::Bits32 => {
                let $image = Image::<elf::FileHeader32<Endianness>>::parse($bytes)?;
                $result
            }
            Class::Bits64 => {
                let $image = Image::<elf::FileHeader64<Endianness>>::parse($bytes)?;
                $result
            }
        }
    };
}

/// Reads everything that the headers and the dynamic table say.
pub(crate) fn collect(bytes: &[u8], found: &mut Collected) -> Result<(), ModuleError> {
    found.architectures.push(architecture(bytes)?);
    found.interpreter = interpreter(bytes)?;
    with_image!(bytes, image => elf_dynamic::collect(&image, found))
}

/// Names of the symbols that others must define.
pub(crate) fn undefined(bytes: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<(), ModuleError> {
    with_image!(bytes, image => elf_dynamic::undefined(&image, each))
}

/// The architecture, from the header.
pub(crate) fn architecture(bytes: &[u8]) -> Result<String, ModuleError> {
    let bits = class(bytes)?;
    with_image!(bytes, image => Ok(architecture_name(
        image.header.e_machine(image.endian),
        bits,
        image.endian,
    )))
}

/// The program interpreter, if one is named.
pub(crate) fn interpreter(bytes: &[u8]) -> Result<Option<String>, ModuleError> {
    with_image!(bytes, image => image.interpreter())
}

/// How many bytes the file must have, as far as the bytes given tell.
pub(crate) fn declared_size(bytes: &[u8]) -> Result<u64, ModuleError> {
    with_image!(bytes, image => image.declared_size())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Bits32,
    Bits64,
}

fn class(bytes: &[u8]) -> Result<Class, ModuleError> {
    match bytes.get(4) {
        Some(1) => Ok(Class::Bits32),
        Some(2) => Ok(Class::Bits64),
        Some(other) => Err(malformed(format!("class {other} is neither 32-bit nor 64-bit"))),
        None => Err(truncated(bytes, size_of::<elf::FileHeader32<Endianness>>() as u64)),
    }
}

fn truncated(bytes: &[u8], expected: u64) -> ModuleError {
    ModuleError::Truncated { format: ObjectFormat::Elf, length: bytes.len() as u64, expected }
}

impl<'data, Elf: FileHeader<Endian = Endianness>> Image<'data, Elf> {
    fn parse(bytes: &'data [u8]) -> Result<Self, ModuleError> {
        if bytes.len() < size_of::<Elf>() {
            return Err(truncated(bytes, size_of::<Elf>() as u64));
        }
        let header = Elf::parse(bytes).map_err(|_| malformed("unknown version or byte order"))?;
        let endian = header.endian().map_err(|_| malformed("unknown byte order"))?;
        let offset: u64 = header.e_phoff(endian).into();
        let count = u64::from(header.e_phnum(endian));
        let entry = u64::from(header.e_phentsize(endian));
        if count == 0 || offset == 0 {
            return Ok(Self { bytes, endian, header, segments: &[], segments_end: 0 });
        }
        if entry != size_of::<Elf::ProgramHeader>() as u64 {
            return Err(malformed(format!("program headers of {entry} bytes")));
        }
        let segments_end = end(offset, count * entry)?;
        let segments = bytes.read_slice_at(offset, count as usize).unwrap_or(&[]);
        Ok(Self { bytes, endian, header, segments, segments_end })
    }

    /// The program headers, all of which must lie within the bytes given.
    pub(crate) fn segments(&self) -> Result<&'data [Elf::ProgramHeader], ModuleError> {
        if self.segments_end > self.bytes.len() as u64 {
            return Err(truncated(self.bytes, self.segments_end));
        }
        Ok(self.segments)
    }

    fn interpreter(&self) -> Result<Option<String>, ModuleError> {
        let segments = self.segments()?;
        let Some(segment) =
            segments.iter().find(|segment| segment.p_type(self.endian) == elf::PT_INTERP)
        else {
            return Ok(None);
        };
        let (offset, size) = segment.file_range(self.endian);
        let segment_end = end(offset, size)?;
        if size > NAME_LIMIT as u64 {
            return Err(malformed(format!("the name of the interpreter takes {size} bytes")));
        }
        let Ok(data) = self.bytes.read_bytes_at(offset, size) else {
            return Err(truncated(self.bytes, segment_end));
        };
        match text_at(data, 0, NAME_LIMIT) {
            Some(name) => Ok(Some(text(name))),
            None => Err(malformed("the name of the interpreter does not end")),
        }
    }

    fn declared_size(&self) -> Result<u64, ModuleError> {
        let mut size = (size_of::<Elf>() as u64).max(self.segments_end);
        for segment in self.segments {
            if matches!(
                segment.p_type(self.endian),
                elf::PT_LOAD | elf::PT_DYNAMIC | elf::PT_INTERP
            ) {
                let (offset, length) = segment.file_range(self.endian);
                size = size.max(end(offset, length)?);
            }
        }
        let sections: u64 = self.header.e_shoff(self.endian).into();
        if sections != 0 {
            let count = u64::from(self.header.e_shnum(self.endian));
            let entry = u64::from(self.header.e_shentsize(self.endian));
            // No count means that there are too many for its field: at least one is there.
            size = size.max(end(sections, count.max(1) * entry)?);
        }
        Ok(size)
    }

    /// The bytes from a virtual address to the end of its segment in the file.
    pub(crate) fn at_address(&self, address: u64) -> Result<&'data [u8], ModuleError> {
        for segment in self.segments()? {
            if segment.p_type(self.endian) != elf::PT_LOAD {
                continue;
            }
            let start: u64 = segment.p_vaddr(self.endian).into();
            let (offset, size) = segment.file_range(self.endian);
            let Some(inside) = address.checked_sub(start).filter(|inside| *inside < size) else {
                continue;
            };
            if let Ok(data) = self.bytes.read_bytes_at(end(offset, inside)?, size - inside) {
                return Ok(data);
            }
        }
        Err(malformed(format!("no segment holds the address {address:#x}")))
    }

    /// The entries of the dynamic table, without the null entry that ends it. None in a static
    /// executable or an object file.
    pub(crate) fn dynamic(&self) -> Result<&'data [Elf::Dyn], ModuleError> {
        for segment in self.segments()? {
            let entries: Option<&[Elf::Dyn]> = segment
                .dynamic(self.endian, self.bytes)
                .map_err(|_| malformed("the dynamic table lies outside the file"))?;
            if let Some(entries) = entries {
                let end = entries.iter().position(|entry| {
                    object::read::elf::Dyn::tag(entry, self.endian) == elf::DT_NULL
                });
                return Ok(&entries[..end.unwrap_or(entries.len())]);
            }
        }
        Ok(&[])
    }
}

/// `offset + size`, which no real file makes overflow.
pub(crate) fn end(offset: u64, size: u64) -> Result<u64, ModuleError> {
    offset
        .checked_add(size)
        .ok_or_else(|| malformed(format!("{size} bytes at offset {offset} cannot be in a file")))
}

/// The record at `offset` of a table.
pub(crate) fn record<T: Pod>(table: &[u8], offset: u64) -> Option<&T> {
    table.read_at(offset).ok()
}

fn architecture_name(machine: elf::Machine, class: Class, endian: Endianness) -> String {
    let bits64 = class == Class::Bits64;
    let little = endian == Endianness::Little;
    let name = match machine {
        elf::EM_X86_64 if bits64 => "x86_64",
        elf::EM_X86_64 => "x32",
        elf::EM_386 => "i686",
        elf::EM_AARCH64 if !bits64 => "aarch64_ilp32",
        elf::EM_AARCH64 if little => "aarch64",
        elf::EM_AARCH64 => "aarch64_be",
        elf::EM_ARM if little => "arm",
        elf::EM_ARM => "armeb",
        elf::EM_PPC => "powerpc",
        elf::EM_PPC64 if little => "powerpc64le",
        elf::EM_PPC64 => "powerpc64",
        elf::EM_S390 if bits64 => "s390x",
        elf::EM_S390 => "s390",
        elf::EM_RISCV if bits64 => "riscv64",
        elf::EM_RISCV => "riscv32",
        elf::EM_LOONGARCH if bits64 => "loongarch64",
        elf::EM_LOONGARCH => "loongarch32",
        elf::EM_MIPS => match (bits64, little) {
            (true, true) => "mips64el",
            (true, false) => "mips64",
            (false, true) => "mipsel",
            (false, false) => "mips",
        },
        elf::EM_SPARCV9 => "sparc64",
        elf::EM_SPARC | elf::EM_SPARC32PLUS => "sparc",
        elf::EM_68K => "m68k",
        other => return format!("elf-machine-{}", other.0),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Order;
    use crate::samples::elf::Elf;

    #[test]
    fn architectures_have_the_names_of_target_triples() {
        for (machine, bits64, order, name) in [
            (62, true, Order::Little, "x86_64"),
            (62, false, Order::Little, "x32"),
            (3, false, Order::Little, "i686"),
            (183, true, Order::Little, "aarch64"),
            (183, true, Order::Big, "aarch64_be"),
            (40, false, Order::Little, "arm"),
            (20, false, Order::Big, "powerpc"),
            (21, true, Order::Little, "powerpc64le"),
            (21, true, Order::Big, "powerpc64"),
            (22, true, Order::Big, "s390x"),
            (243, true, Order::Little, "riscv64"),
            (243, false, Order::Little, "riscv32"),
            (258, true, Order::Little, "loongarch64"),
            (8, false, Order::Big, "mips"),
            (8, true, Order::Little, "mips64el"),
            (9999, true, Order::Little, "elf-machine-9999"),
        ] {
            let sample = Elf { machine, bits64, order, ..Elf::empty() }.build();
            assert_eq!(architecture(&sample), Ok(name.to_owned()));
        }
    }

    #[test]
    fn the_interpreter_is_read_from_the_beginning() {
        let name = "/lib64/ld-linux-x86-64.so.2";
        for bits64 in [false, true] {
            let sample = Elf { bits64, interpreter: Some(name), ..Elf::extension() }.build();
            assert_eq!(interpreter(&sample), Ok(Some(name.to_owned())));

            // Each time with as much as was asked for: header, program headers, name.
            let mut asked = vec![20];
            while let Err(error) = interpreter(&sample[..asked[asked.len() - 1]]) {
                let ModuleError::Truncated { expected, .. } = error else {
                    panic!("{error}");
                };
                asked.push(usize::try_from(expected).unwrap());
            }
            assert_eq!(asked.len(), 4, "{asked:?}");
            assert!(asked.is_sorted() && asked[3] < 300, "{asked:?}");
        }
        assert_eq!(interpreter(&Elf::extension().build()), Ok(None));
    }

    #[test]
    fn an_interpreter_without_end_is_damage() {
        let sample = Elf { interpreter: Some("/lib/ld.so"), ..Elf::empty() }.build();
        let sample = crate::samples::replaced(sample, b"/lib/ld.so\0", b"/lib/ld.so/");
        assert_eq!(
            interpreter(&sample),
            Err(malformed("the name of the interpreter does not end"))
        );
    }

    #[test]
    fn a_header_that_is_cut_says_how_long_it_is() {
        let sample = Elf::empty().build();
        for (length, expected) in [(4, 52), (5, 64), (63, 64)] {
            let error = architecture(&sample[..length]);
            assert_eq!(error, Err(truncated(&sample[..length], expected)));
        }
        assert!(architecture(&sample[..64]).is_ok(), "the rest is not needed");
    }

    #[test]
    fn odd_headers_are_damage() {
        let sample = Elf::empty().build();
        for (offset, value) in [(4, 0), (4, 3), (5, 0), (5, 9), (6, 2), (54, 55)] {
            let mut odd = sample.clone();
            odd[offset] = value;
            let error = architecture(&odd);
            assert!(matches!(error, Err(ModuleError::Malformed { .. })), "{offset}: {error:?}");
        }
    }

    #[test]
    fn sizes_that_overflow_are_damage() {
        let mut sample = Elf::empty().build();
        // The file offset of the first segment.
        sample[64 + 8..64 + 16].fill(0xff);
        assert!(matches!(declared_size(&sample), Err(ModuleError::Malformed { .. })));
    }
}
