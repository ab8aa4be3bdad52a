//! PE modules made by hand.

/// Where the only section lies in memory, and in the file.
pub(crate) const ADDRESS: u32 = 0x1000;
pub(crate) const OFFSET: usize = 0x400;

/// A PE module.
#[derive(Clone)]
pub(crate) struct Pe {
    pub(crate) bits64: bool,
    pub(crate) machine: u16,
    pub(crate) imports: Vec<String>,
    pub(crate) delayed: Vec<&'static str>,
    pub(crate) exports: Vec<&'static str>,
    /// Bytes that nothing leads to.
    pub(crate) data: Vec<u8>,
}

impl Pe {
    /// An extension module as a compiler makes it.
    pub(crate) fn extension() -> Self {
        Self {
            bits64: true,
            machine: 0x8664,
            imports: vec!["KERNEL32.dll".to_owned(), "python311.dll".to_owned()],
            delayed: vec!["cublas64_12.dll"],
            exports: vec!["PyInit_core", "other"],
            data: b"numpy.core.multiarray\0numpy._core.multiarray\0_ARRAY_API\0".to_vec(),
        }
    }

    /// The bytes of the module.
    pub(crate) fn build(&self) -> Vec<u8> {
        let mut section = Vec::new();
        let texts = |section: &mut Vec<u8>, text: &str| {
            let address = ADDRESS + section.len() as u32;
            section.extend(text.as_bytes());
            section.push(0);
            address
        };
        let imports: Vec<u32> = self.imports.iter().map(|name| texts(&mut section, name)).collect();
        let delayed: Vec<u32> = self.delayed.iter().map(|name| texts(&mut section, name)).collect();
        let exports: Vec<u32> = self.exports.iter().map(|name| texts(&mut section, name)).collect();
        section.extend(&self.data);

        let mut directories = [(0u32, 0u32); 16];
        if !exports.is_empty() {
            let names_at = put(&mut section, &exports);
            let ordinals_at = put(&mut section, &[0]);
            let count = exports.len() as u32;
            let table = [0, 0, 0, 0, 1, count, count, names_at, names_at, ordinals_at];
            directories[0] = (put(&mut section, &table), 40);
        }
        if !imports.is_empty() {
            let mut table = Vec::new();
            for name in &imports {
                table.extend([ADDRESS, 0, 0, *name, ADDRESS]);
            }
            table.extend([0; 5]);
            directories[1] = (put(&mut section, &table), 4 * table.len() as u32);
        }
        if !delayed.is_empty() {
            let mut table = Vec::new();
            for name in &delayed {
                table.extend([1, *name, 0, 0, 0, 0, 0, 0]);
            }
            table.extend([0; 8]);
            directories[13] = (put(&mut section, &table), 4 * table.len() as u32);
        }

        let mut bytes = b"MZ".to_vec();
        bytes.resize(0x3c, 0);
        bytes.extend(0x80u32.to_le_bytes());
        bytes.resize(0x80, 0);
        bytes.extend(b"PE\0\0");
        bytes.extend(self.machine.to_le_bytes());
        bytes.extend(1u16.to_le_bytes());
        bytes.extend([0; 12]);
        let (magic, fields) = if self.bits64 { (0x20b_u16, 112) } else { (0x10b, 96) };
        bytes.extend((fields as u16 + 128).to_le_bytes());
        bytes.extend([0, 0x20]);
        let optional = bytes.len();
        bytes.extend(magic.to_le_bytes());
        // The last field before the directories is their number.
        bytes.resize(optional + fields - 4, 0);
        bytes.extend(16u32.to_le_bytes());
        for (address, size) in directories {
            bytes.extend(address.to_le_bytes());
            bytes.extend(size.to_le_bytes());
        }
        bytes.extend(b".rdata\0\0");
        let size = section.len() as u32;
        for word in [size, ADDRESS, size, OFFSET as u32, 0, 0, 0, 0x4000_0040] {
            bytes.extend(word.to_le_bytes());
        }
        assert!(bytes.len() <= OFFSET, "the headers take {} bytes", bytes.len());
        bytes.resize(OFFSET, 0);
        bytes.extend(section);
        bytes
    }
}

/// Adds words to the section; their address.
fn put(section: &mut Vec<u8>, words: &[u32]) -> u32 {
    section.resize(section.len().next_multiple_of(4), 0);
    let address = ADDRESS + section.len() as u32;
    for word in words {
        section.extend(word.to_le_bytes());
    }
    address
}
