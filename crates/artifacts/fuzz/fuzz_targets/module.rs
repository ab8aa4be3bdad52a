//! Every question that can be asked of a native module.

use artifacts::{ModuleError, WantedName};

/// The bytes with one of the marks before them, unless they have one.
pub(crate) fn marked(bytes: &[u8], marks: &[&[u8]]) -> Vec<u8> {
    if marks.iter().any(|mark| bytes.starts_with(mark)) {
        return bytes.to_vec();
    }
    let chosen = bytes.first().map_or(0, |first| usize::from(*first) % marks.len());
    [marks[chosen], bytes].concat()
}

/// Asks them all, and holds the answers against each other.
pub(crate) fn ask(bytes: &[u8]) {
    let module = artifacts::inspect(bytes);
    let start = &bytes[..bytes.len().min(4096)];
    if let Ok(size) = artifacts::declared_size(bytes) {
        let is_cut = (bytes.len() as u64) < size;
        let is_told =
            matches!(&module, Err(ModuleError::Truncated { expected, .. }) if *expected == size);
        assert_eq!(is_cut, is_told);
    }
    let _ = artifacts::declared_size(start);
    let _ = artifacts::architectures(start);
    let _ = artifacts::elf_interpreter(start);
    let _ = artifacts::python_imports(bytes);
    for section in artifacts::sections(bytes).unwrap_or_default() {
        assert!(section.offset + section.size <= bytes.len() as u64, "{section:?}");
    }
    for name in ["PyInit_core", "numpy", "_"] {
        for is_c_string in [false, true] {
            let found = artifacts::names_in(bytes, &[WantedName { name, is_c_string }])[0];
            let end: &[u8] = if is_c_string { b"\0" } else { b"" };
            let whole = [name.as_bytes(), end].concat();
            assert_eq!(found, bytes.windows(whole.len()).any(|window| window == whole), "{name}");
        }
    }
}
