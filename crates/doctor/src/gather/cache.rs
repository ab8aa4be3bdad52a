//! What is remembered between runs: the facts of files that have not changed.
//!
//! An entry is keyed by device, inode, length and both times of a file, so that hard links share
//! one entry and any change makes a new one. A cache that cannot be read is an empty one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use artifacts::{NativeModule, WantedName};
use host::{Host, Metadata, Seen};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Rustc;

/// Layout of the file; part of its name, so that two versions of the tool do not fight.
const LAYOUT: u32 = 1;

/// Entries kept at most; the oldest go first.
const ENTRY_LIMIT: usize = 50_000;

/// The same, of what was looked for in modules.
const NAMES_LIMIT: usize = 1_000;

/// Bound on the file's size when read.
const FILE_LIMIT: u64 = 256 << 20;

/// The memory of earlier runs.
pub(super) struct Cache {
    file: Option<PathBuf>,
    old: Remembered,
    new: Mutex<Remembered>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Remembered {
    modules: HashMap<String, Seen<NativeModule>>,
    rustc: HashMap<String, Rustc>,
    /// Names that modules lack, by the module and what was looked for.
    #[serde(default)]
    names: HashMap<String, Vec<String>>,
}

impl Cache {
    /// Reads what earlier runs left in `directory`; with `None`, nothing is read or written.
    pub(super) fn open(host: &Host, directory: Option<&Path>) -> Self {
        let file = directory
            .filter(|_| host.is_real())
            .map(|directory| directory.join(format!("files-{LAYOUT}.json")));
        let old = file
            .as_deref()
            .and_then(|file| host.read_text(file, FILE_LIMIT).ok())
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        Self { file, old, new: Mutex::default() }
    }

    /// The facts of a native module, from memory, or from `read` and then remembered.
    pub(super) fn module(
        &self,
        metadata: &Metadata,
        read: impl FnOnce() -> Seen<NativeModule>,
    ) -> Seen<NativeModule> {
        let key = key(metadata);
        if let Some(known) = self.old.modules.get(&key) {
            return known.clone();
        }
        let fresh = read();
        if let Ok(mut new) = self.new.lock() {
            new.modules.insert(key, fresh.clone());
        }
        fresh
    }

    /// Which of some names a module lacks, from memory, or from `look` and then remembered.
    pub(super) fn names(
        &self,
        metadata: &Metadata,
        wanted: &[WantedName<'_>],
        look: impl FnOnce() -> Seen<Vec<String>>,
    ) -> Seen<Vec<String>> {
        let mut sum = Sha256::new();
        for name in wanted {
            sum.update(name.name);
            sum.update([0, u8::from(name.is_c_string)]);
        }
        let digest = sum.finalize();
        let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let key = format!("{}-{digest}", key(metadata));
        if let Some(known) = self.old.names.get(&key) {
            return Seen::Seen(known.clone());
        }
        let fresh = look();
        if let (Seen::Seen(lacks), Ok(mut new)) = (&fresh, self.new.lock()) {
            new.names.insert(key, lacks.clone());
        }
        fresh
    }

    /// What a rustc says of itself, from memory, or from `ask` and then remembered.
    pub(super) fn rustc(
        &self,
        metadata: &Metadata,
        ask: impl FnOnce() -> Seen<Rustc>,
    ) -> Seen<Rustc> {
        let key = key(metadata);
        if let Some(known) = self.old.rustc.get(&key) {
            return Seen::Seen(known.clone());
        }
        let fresh = ask();
        if let (Seen::Seen(rustc), Ok(mut new)) = (&fresh, self.new.lock()) {
            new.rustc.insert(key, rustc.clone());
        }
        fresh
    }

    /// Writes what is new. A cache that cannot be written is no fault of the machine's, so
    /// nothing is said.
    pub(super) fn store(self) {
        let (Some(file), Ok(new)) = (self.file, self.new.into_inner()) else { return };
        if new.modules.is_empty() && new.rustc.is_empty() && new.names.is_empty() {
            return;
        }
        let mut all = self.old;
        if all.modules.len() + new.modules.len() > ENTRY_LIMIT {
            all.modules.clear();
        }
        // Each edit of the sources asks for other names.
        if all.names.len() + new.names.len() > NAMES_LIMIT {
            all.names.clear();
        }
        all.names.extend(new.names);
        all.modules.extend(new.modules);
        all.rustc.extend(new.rustc);
        if let Ok(bytes) = serde_json::to_vec(&all) {
            let _ = host::write_atomically(&file, &bytes);
        }
    }
}

fn key(metadata: &Metadata) -> String {
    format!(
        "{:x}-{:x}-{:x}-{:x}-{:x}",
        metadata.device, metadata.inode, metadata.len, metadata.modified_ns, metadata.changed_ns
    )
}
