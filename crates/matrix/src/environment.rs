//! Environments of cells: made once, kept under a name that says what they were made from, and
//! looked through before they are used again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use host::{FileKind, Host, Lock};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Interpreter;
use crate::installer::Installer;

/// The file that is written last, so that an environment without it is not whole.
const STAMP: &str = "made-from.json";
/// Longest stamp: a hundred bytes for each of some ten thousand files.
const STAMP_LIMIT: u64 = 64 << 20;
/// More files are not an environment of a cell.
const FILES_LIMIT: usize = 200_000;
const DIRECTORY_LIMIT: usize = 50_000;

/// What an environment is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recipe {
    /// The interpreter, and its version.
    pub(crate) python: PathBuf,
    pub(crate) python_version: String,
    /// What is installed, numpy first.
    pub(crate) requirements: Vec<String>,
}

/// The stamp: what something was made from, and every file of it by its path with its size in bytes.
#[derive(Serialize, Deserialize)]
struct Stamp<R> {
    recipe: R,
    files: BTreeMap<String, u64>,
}

/// Notes what `prefix` was made from, and which files that gave: the last step of making it.
pub(crate) fn stamp<R: Serialize>(host: &Host, prefix: &Path, recipe: &R) -> Result<(), String> {
    let mut files = BTreeMap::new();
    list(host, prefix, prefix, &mut files)?;
    let stamp = serde_json::to_vec(&Stamp { recipe, files }).map_err(|error| error.to_string())?;
    host::write_atomically(&prefix.join(STAMP), &stamp).map_err(|error| error.to_string())
}

/// Whether `prefix` was made from just this, to the end, and every file of it still has its size.
pub(crate) fn is_whole<R: DeserializeOwned + PartialEq>(
    host: &Host,
    prefix: &Path,
    recipe: &R,
) -> bool {
    let Ok(bytes) = host.read(&prefix.join(STAMP), STAMP_LIMIT) else { return false };
    let Ok(stamp) = serde_json::from_slice::<Stamp<R>>(&bytes) else { return false };
    stamp.recipe == *recipe
        && stamp.files.iter().all(|(path, size)| {
            host.metadata(&prefix.join(path)).is_ok_and(|metadata| metadata.len == *size)
        })
}

/// An environment that is there.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    /// Its interpreter.
    pub(crate) python: PathBuf,
    /// Whether it was there already.
    pub(crate) reused: bool,
}

impl Recipe {
    /// `py3.11.7-numpy2.2.6-0123abcd`: readable, and different for every recipe.
    fn directory_name(&self) -> String {
        let numpy = self.requirements.first().map_or("", String::as_str).replace("==", "");
        let digest = Sha256::digest(serde_json::to_vec(self).unwrap_or_default());
        let hash: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        format!("py{}-{numpy}-{hash}", self.python_version)
    }

    /// The environment of this recipe below `directory`: the one that is there if every file of it
    /// is as it was made, or else a new one. With `anew` it is made in any case.
    pub(crate) fn prepare(
        &self,
        host: &Host,
        installer: &Installer,
        directory: &Path,
        interpreter: &Interpreter,
        anew: bool,
    ) -> Result<Prepared, String> {
        let prefix = directory.join(self.directory_name());
        let python = match host.os {
            host::Os::Windows => prefix.join("Scripts").join("python.exe"),
            _ => prefix.join("bin").join("python"),
        };
        let text = |error: std::io::Error| error.to_string();
        // Somebody else may be making the same one.
        let _lock = Lock::wait(&prefix.with_added_extension("lock")).map_err(text)?;
        if !anew && is_whole(host, &prefix, self) {
            return Ok(Prepared { python, reused: true });
        }
        host::remove_tree(&prefix).map_err(text)?;
        installer.make(interpreter, &prefix, &python, &self.requirements)?;
        stamp(host, &prefix, self)?;
        Ok(Prepared { python, reused: false })
    }
}

/// Every file below a directory with its size; what links lead to counts as theirs.
fn list(
    host: &Host,
    prefix: &Path,
    directory: &Path,
    files: &mut BTreeMap<String, u64>,
) -> Result<(), String> {
    let entries = host.list(directory, DIRECTORY_LIMIT).map_err(|error| error.to_string())?;
    for entry in entries {
        let path = directory.join(&entry.name);
        if entry.kind == FileKind::Directory {
            list(host, prefix, &path, files)?;
            continue;
        }
        let metadata = host.metadata(&path).map_err(|error| error.to_string())?;
        let name = path.strip_prefix(prefix).unwrap_or(&path);
        if let Some(name) = name.to_str().filter(|_| metadata.is_file()) {
            files.insert(name.to_owned(), metadata.len);
        }
        if files.len() > FILES_LIMIT {
            return Err(format!("{} holds more than {FILES_LIMIT} files", prefix.display()));
        }
    }
    Ok(())
}

/// SHA-256 of a file, in hexadecimal digits.
pub(crate) fn file_digest(host: &Host, path: &Path) -> Result<String, String> {
    /// The largest wheel of PyPI, whose files are at most a gigabyte, fits.
    const WHEEL_LIMIT: u64 = 2 << 30;
    let bytes = host.read(path, WHEEL_LIMIT).map_err(|error| error.to_string())?;
    Ok(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> Recipe {
        Recipe {
            python: PathBuf::from("/usr/bin/python3"),
            python_version: "3.11.7".to_owned(),
            requirements: vec!["numpy==2.2.6".to_owned()],
        }
    }

    #[test]
    fn an_environment_is_whole_while_every_file_has_its_size() {
        let host = Host::current().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let prefix = directory.path();
        fs_err::create_dir_all(prefix.join("lib")).unwrap();
        fs_err::write(prefix.join("lib/a.py"), "pass\n").unwrap();
        let recipe = recipe();
        assert!(!is_whole(&host, prefix, &recipe));
        stamp(&host, prefix, &recipe).unwrap();
        let written = fs_err::read_to_string(prefix.join(STAMP)).unwrap();
        assert!(written.ends_with(r#","files":{"lib/a.py":5}}"#), "{written}");
        assert!(is_whole(&host, prefix, &recipe));
        let other = Recipe { python_version: "3.11.8".to_owned(), ..recipe.clone() };
        assert!(!is_whole(&host, prefix, &other));
        fs_err::write(prefix.join("lib/a.py"), "").unwrap();
        assert!(!is_whole(&host, prefix, &recipe));
        fs_err::remove_file(prefix.join("lib/a.py")).unwrap();
        assert!(!is_whole(&host, prefix, &recipe));
    }

    #[test]
    fn recipes_have_names_of_their_own() {
        let one = recipe();
        let mut other = recipe();
        other.requirements.push("six".to_owned());
        assert!(one.directory_name().starts_with("py3.11.7-numpy2.2.6-"));
        assert_ne!(one.directory_name(), other.directory_name());
    }
}
