//! What the first bytes of a program say: its processor architectures and its loader.

use std::path::PathBuf;

use host::Arch;

/// A program's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// Architectures; several in a universal binary.
    pub(crate) architectures: Vec<Arch>,
    /// The loader an ELF program asks for.
    pub(crate) loader: Loader,
}

/// `PT_INTERP` of an ELF program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Loader {
    /// Not an ELF program, or one without a loader.
    None,
    /// Its path.
    Path(PathBuf),
    /// Its path lies behind the bytes at hand; this many are needed.
    Behind(u64),
}

/// Slices of a universal binary; Java class files share its magic number and claim more.
const SLICE_LIMIT: u32 = 16;
/// Program headers of an ELF file.
const SEGMENT_LIMIT: u16 = 512;

/// Reads a header from the first bytes of a file.
pub(crate) fn parse(bytes: &[u8]) -> Result<Header, &'static str> {
    let plain = |architectures| Ok(Header { architectures, loader: Loader::None });
    match bytes.get(..4) {
        Some([0x7f, b'E', b'L', b'F']) => elf(bytes).ok_or("a damaged ELF header"),
        Some([0xcf | 0xce, 0xfa, 0xed, 0xfe]) => {
            let arch = number32(bytes, 4, false).ok_or("a damaged Mach-O header")?;
            plain(vec![mach_arch(arch)])
        }
        Some([0xca, 0xfe, 0xba, 0xbe | 0xbf]) => {
            plain(universal(bytes).ok_or("a damaged universal binary")?)
        }
        Some([b'M', b'Z', ..]) => plain(vec![pe(bytes).ok_or("a damaged PE header")?]),
        Some([b'#', b'!', ..]) => Err("a script, not a program"),
        _ if bytes.is_empty() => Err("an empty file"),
        _ => Err("no program this tool knows"),
    }
}

fn elf(bytes: &[u8]) -> Option<Header> {
    let wide = *bytes.get(4)? == 2;
    let big = *bytes.get(5)? == 2;
    let machine = number16(bytes, 18, big)?;
    let architecture = match (machine, wide) {
        (3, _) => Arch::I686,
        (62, true) => Arch::X86_64,
        (62, false) => Arch::Other("x32".to_owned()),
        (183, _) => Arch::Aarch64,
        (8, _) => Arch::Other("mips".to_owned()),
        (20, _) => Arch::Other("powerpc".to_owned()),
        (21, _) => Arch::Other(if big { "powerpc64" } else { "powerpc64le" }.to_owned()),
        (22, _) => Arch::Other("s390x".to_owned()),
        (40, _) => Arch::Other("arm".to_owned()),
        (243, true) => Arch::Other("riscv64".to_owned()),
        (243, false) => Arch::Other("riscv32".to_owned()),
        (258, _) => Arch::Other("loongarch64".to_owned()),
        (other, _) => Arch::Other(format!("elf-machine-{other}")),
    };
    let (table, size, count) = if wide {
        (number64(bytes, 32, big)?, number16(bytes, 54, big)?, number16(bytes, 56, big)?)
    } else {
        (number32(bytes, 28, big)?.into(), number16(bytes, 42, big)?, number16(bytes, 44, big)?)
    };
    let mut loader = Loader::None;
    for index in 0..count.min(SEGMENT_LIMIT) {
        let start = table.checked_add(u64::from(index) * u64::from(size))?;
        let at = usize::try_from(start).ok()?;
        let Some(kind) = number32(bytes, at, big) else {
            loader = Loader::Behind(start.checked_add(u64::from(count) * u64::from(size))?);
            break;
        };
        if kind != 3 {
            continue;
        }
        let (offset, length) = if wide {
            (number64(bytes, at.checked_add(8)?, big)?, number64(bytes, at.checked_add(32)?, big)?)
        } else {
            (
                number32(bytes, at.checked_add(4)?, big)?.into(),
                number32(bytes, at.checked_add(16)?, big)?.into(),
            )
        };
        let end = offset.checked_add(length)?;
        let range = usize::try_from(offset).ok()?..usize::try_from(end).ok()?;
        loader = match bytes.get(range) {
            Some(text) => {
                let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
                Loader::Path(PathBuf::from(std::str::from_utf8(text).ok()?))
            }
            None => Loader::Behind(end),
        };
        break;
    }
    Some(Header { architectures: vec![architecture], loader })
}

fn universal(bytes: &[u8]) -> Option<Vec<Arch>> {
    let entry_size = if bytes.get(3) == Some(&0xbf) { 32 } else { 20 };
    let count = number32(bytes, 4, true)?;
    if count == 0 || count > SLICE_LIMIT {
        return None;
    }
    (0..count as usize)
        .map(|index| number32(bytes, 8 + index * entry_size, true).map(mach_arch))
        .collect()
}

fn mach_arch(cpu: u32) -> Arch {
    match cpu {
        0x0100_0007 => Arch::X86_64,
        0x0100_000c => Arch::Aarch64,
        7 => Arch::I686,
        other => Arch::Other(format!("mach-cpu-{other}")),
    }
}

fn pe(bytes: &[u8]) -> Option<Arch> {
    let header = usize::try_from(number32(bytes, 0x3c, false)?).ok()?;
    if bytes.get(header..header.checked_add(4)?)? != b"PE\0\0" {
        return None;
    }
    Some(match number16(bytes, header.checked_add(4)?, false)? {
        0x8664 => Arch::X86_64,
        0xaa64 => Arch::Aarch64,
        0x014c => Arch::I686,
        other => Arch::Other(format!("pe-machine-{other:#x}")),
    })
}

fn number16(bytes: &[u8], at: usize, big: bool) -> Option<u16> {
    let raw = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    Some(if big { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
}

fn number32(bytes: &[u8], at: usize, big: bool) -> Option<u32> {
    let raw = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(if big { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) })
}

fn number64(bytes: &[u8], at: usize, big: bool) -> Option<u64> {
    let raw = bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
    Some(if big { u64::from_be_bytes(raw) } else { u64::from_le_bytes(raw) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A 64-bit little-endian ELF program with one segment, its loader.
    pub(crate) fn elf64(machine: u16, loader: &str) -> Vec<u8> {
        let mut bytes = vec![0; 120];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes[32..40].copy_from_slice(&64u64.to_le_bytes());
        bytes[54..56].copy_from_slice(&56u16.to_le_bytes());
        bytes[56..58].copy_from_slice(&1u16.to_le_bytes());
        bytes[64..68].copy_from_slice(&3u32.to_le_bytes());
        bytes[72..80].copy_from_slice(&120u64.to_le_bytes());
        bytes[96..104].copy_from_slice(&(loader.len() as u64 + 1).to_le_bytes());
        bytes.extend_from_slice(loader.as_bytes());
        bytes.push(0);
        bytes
    }

    #[test]
    fn elf_tells_its_architecture_and_loader() {
        let header = parse(&elf64(62, "/lib64/ld-linux-x86-64.so.2")).unwrap();
        assert_eq!(header.architectures, [Arch::X86_64]);
        assert_eq!(header.loader, Loader::Path("/lib64/ld-linux-x86-64.so.2".into()));
        let cut = &elf64(183, "/lib/ld-musl-aarch64.so.1")[..130];
        assert_eq!(parse(cut).unwrap().loader, Loader::Behind(146));
        assert_eq!(parse(&elf64(243, "/x")).unwrap().architectures[0].name(), "riscv64");
    }

    #[test]
    fn universal_binaries_tell_every_architecture() {
        let mut bytes = b"\xca\xfe\xba\xbe\0\0\0\x02".to_vec();
        for cpu in [0x0100_0007u32, 0x0100_000c] {
            bytes.extend_from_slice(&cpu.to_be_bytes());
            bytes.extend_from_slice(&[0; 16]);
        }
        assert_eq!(parse(&bytes).unwrap().architectures, [Arch::X86_64, Arch::Aarch64]);
        assert!(parse(b"\xca\xfe\xba\xbe\0\0\0\x34").is_err());
        let thin = b"\xcf\xfa\xed\xfe\x0c\0\0\x01";
        assert_eq!(parse(thin).unwrap().architectures, [Arch::Aarch64]);
    }

    #[test]
    fn pe_tells_its_architecture() {
        let mut bytes = b"MZ".to_vec();
        bytes.resize(0x3c, 0);
        bytes.extend_from_slice(&0x40u32.to_le_bytes());
        bytes.extend_from_slice(b"PE\0\0\x4c\x01");
        assert_eq!(parse(&bytes).unwrap().architectures, [Arch::I686]);
        assert!(parse(&bytes[..0x42]).is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(magic in 0..6usize, rest in proptest::collection::vec(any::<u8>(), 0..300)) {
            let magics: [&[u8]; 6] =
                [b"\x7fELF\x02\x01", b"\x7fELF\x01\x02", b"\xca\xfe\xba\xbf", b"\xcf\xfa\xed\xfe", b"MZ", b""];
            let mut bytes = magics[magic].to_vec();
            bytes.extend_from_slice(&rest);
            let _ = parse(&bytes);
        }

        #[test]
        fn a_bent_header_does_not_panic(at in 0..130usize, byte: u8) {
            let mut bytes = elf64(62, "/lib64/ld-linux-x86-64.so.2");
            bytes[at] = byte;
            let _ = parse(&bytes);
        }
    }
}
