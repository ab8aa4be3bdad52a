//! What is seen of every entry in one pass: size and digest, the module it may be, and secrets.

use std::collections::BTreeMap;

use artifacts::wheel::{Entry, Wheel};
use artifacts::{NativeModule, ObjectFormat, inspect, python_imports};
use sha2::{Digest as _, Sha256};

use super::{Policy, Problem, leaks};

/// What is known of the entries.
pub(super) struct Facts {
    /// Size and digest of every file that could be read.
    pub(super) digests: BTreeMap<String, Contents>,
    /// Its native modules, libraries and programs.
    pub(super) modules: Vec<Module>,
}

/// The data of a file, in short.
pub(super) struct Contents {
    pub(super) size: u64,
    pub(super) sha256: [u8; 32],
}

/// A native module of the wheel.
pub(super) struct Module {
    /// The entry.
    pub(super) name: String,
    pub(super) native: NativeModule,
    /// Symbols that it takes from the interpreter.
    pub(super) imports: Vec<String>,
}

impl Module {
    /// The name without directories.
    pub(super) fn file_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }

    /// Whether Python could import it.
    pub(super) fn is_extension(&self) -> bool {
        !self.native.init_functions.is_empty()
    }
}

/// Reads every entry once.
pub(super) fn gather(wheel: &Wheel, policy: &Policy, problems: &mut Vec<Problem>) -> Facts {
    let mut facts = Facts { digests: BTreeMap::new(), modules: Vec::new() };
    for entry in wheel.entries.iter().filter(|entry| !entry.is_directory()) {
        let data = match wheel.read(entry) {
            Ok(data) => data,
            Err(error) => {
                problems.push(
                    Problem::error("entry-unreadable", &entry.name)
                        .seen(error.to_string())
                        .because("the archive was damaged, or written by a program that is wrong")
                        .cure("build the wheel again, or download it again"),
                );
                continue;
            }
        };
        let contents = Contents { size: data.len() as u64, sha256: Sha256::digest(&data).into() };
        facts.digests.insert(entry.name.clone(), contents);
        leaks::search(entry, &data, &policy.secrets, problems);
        if let Some(module) = module(entry, &data, problems) {
            facts.modules.push(module);
        }
    }
    facts
}

/// The native module that an entry is, by its first bytes or its name.
fn module(entry: &Entry, data: &[u8], problems: &mut Vec<Problem>) -> Option<Module> {
    let looks_native = data.starts_with(b"\x7fELF")
        || matches!(
            data.get(..4)?,
            b"\xcf\xfa\xed\xfe" | b"\xce\xfa\xed\xfe" | b"\xca\xfe\xba\xbe" | b"\xca\xfe\xba\xbf"
        )
        || (data.starts_with(b"MZ") && has_suffix(&entry.name, &[".pyd", ".dll", ".exe"]));
    let is_named_native = has_suffix(&entry.name, &[".so", ".pyd", ".dylib", ".dll"]);
    if !looks_native && !is_named_native {
        return None;
    }
    let seen = inspect(data).and_then(|native| {
        // Object files and static programs have no dynamic table, and import nothing.
        let imports = python_imports(data)?;
        Ok((native, imports))
    });
    match seen {
        Ok((native, imports)) => Some(Module { name: entry.name.clone(), native, imports }),
        // A linker script or a text is called `.so` at times, and a class of Java begins as a
        // universal file does: only what is imported must be a module.
        Err(_) if !is_named_native => None,
        Err(error) => {
            problems.push(
                Problem::error("module-unreadable", &entry.name)
                    .seen(error.to_string())
                    .because("it is named like a native module and cannot be read as one")
                    .cure("build the wheel again; if the file is meant so, give it another name"),
            );
            None
        }
    }
}

/// Whether a name ends in one of these, in any case.
pub(super) fn has_suffix(name: &str, suffixes: &[&str]) -> bool {
    suffixes.iter().any(|suffix| {
        name.len()
            .checked_sub(suffix.len())
            .and_then(|start| name.get(start..))
            .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    })
}

/// A format by the name that platforms have for it.
pub(super) fn system_of(format: ObjectFormat) -> &'static str {
    match format {
        ObjectFormat::Elf => "Linux",
        ObjectFormat::MachO => "macOS",
        ObjectFormat::Pe => "Windows",
    }
}
