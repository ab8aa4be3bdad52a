//! What is remembered between runs: the facts of files that have not changed.
//!
//! An entry is keyed by device, inode, length and both times of a file, so that hard links share
//! one entry and any change makes a new one. Each project has a file of its own, so that a run reads
//! what it needs and no more. A cache that cannot be read is an empty one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use artifacts::{NativeModule, WantedName};
use host::{Host, Metadata, Seen};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Rustc;

/// Layout of the files; part of their directory's name, so that two versions of the tool do not
/// fight.
const LAYOUT: u32 = 2;

/// Projects that are remembered, those that changed last.
const PROJECTS_KEPT: usize = 50;

/// Modules kept at most; with more, only the new ones are, and the next run reads the others again.
const ENTRY_LIMIT: usize = 10_000;

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
    /// Reads what earlier runs for this project left in `directory`; with `None`, nothing is read or
    /// written.
    pub(super) fn open(host: &Host, directory: Option<&Path>, project: &Path) -> Self {
        let file = directory.filter(|_| host.is_real()).map(|directory| {
            let name =
                format!("{}.json", digest(Sha256::digest(project.as_os_str().as_encoded_bytes())));
            directory.join(format!("files-{LAYOUT}")).join(name)
        });
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
        let key = format!("{}-{}", key(metadata), digest(sum.finalize()));
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
    pub(super) fn store(self, host: &Host) {
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
        if let Some(directory) = file.parent() {
            host.keep_newest(directory, "json", PROJECTS_KEPT);
        }
    }
}

/// The first bytes of a sum, enough to tell a project's files and questions apart.
fn digest(sum: impl AsRef<[u8]>) -> String {
    sum.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn key(metadata: &Metadata) -> String {
    format!(
        "{:x}-{:x}-{:x}-{:x}-{:x}",
        metadata.device, metadata.inode, metadata.len, metadata.modified_ns, metadata.changed_ns
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_project_has_a_file_of_its_own_and_the_oldest_go() {
        let host = Host::current().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("module.so");
        fs_err::write(&file, "x").unwrap();
        let metadata = host.metadata(&file).unwrap();
        let run = |project: &Path| {
            let mut asked = false;
            let cache = Cache::open(&host, Some(directory.path()), project);
            cache.module(&metadata, || {
                asked = true;
                Seen::Broken("no module".to_owned())
            });
            cache.store(&host);
            asked
        };
        let (one, other) = (Path::new("/one"), Path::new("/other"));
        assert!(run(one) && run(other));
        assert!(!run(one) && !run(other));
        for number in 0..PROJECTS_KEPT {
            run(&Path::new("/more").join(number.to_string()));
        }
        let kept = host.list(&directory.path().join(format!("files-{LAYOUT}")), 1000).unwrap();
        assert_eq!(kept.len(), PROJECTS_KEPT);
        assert!(run(one));
    }
}
