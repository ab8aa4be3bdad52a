//! `build.lock.toml`: the inputs of a build that are not sources, each by what it is and not by
//! where it came from.

use std::path::Path;

use host::Host;
use serde::{Deserialize, Serialize};

use super::{Error, Result};

/// The name of the file, beside `Cargo.lock`.
pub const FILE: &str = "build.lock.toml";

const LIMIT: u64 = 4 << 20;

/// The version of the file's format.
const VERSION: u32 = 1;

/// The inputs of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BuildLock {
    version: u32,
    /// What was asked for when the files from the package index were chosen.
    pub requirements: Vec<String>,
    /// The compiler.
    pub rust: Rust,
    /// The root file system; none until a build has used one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// The crates.
    pub crates: Crates,
    /// Files from the package index: maturin, and what the tests of the wheel need.
    #[serde(default, rename = "python")]
    pub python: Vec<PythonFile>,
}

/// A compiler, by its commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rust {
    /// Such as `1.95.0`.
    pub release: String,
    /// The commit it was built of.
    pub commit: String,
    /// What it compiles for.
    pub host: String,
}

/// The crates of `Cargo.lock`, by what is in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Crates {
    /// The sha256 of `Cargo.lock`.
    pub cargo_lock: String,
    /// The sha256 of their files, as the store sums them.
    pub files: String,
}

/// A root file system, by what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Image {
    /// The sha256 of its one layer, uncompressed.
    pub diff_id: String,
}

/// A file from the package index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PythonFile {
    /// The name of the distribution.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The name of the file.
    pub file: String,
    /// The sha256 of it.
    pub sha256: String,
}

impl BuildLock {
    /// A lock of these inputs.
    #[must_use]
    pub fn new(
        rust: Rust,
        image: Option<Image>,
        crates: Crates,
        requirements: Vec<String>,
        mut python: Vec<PythonFile>,
    ) -> BuildLock {
        python.sort();
        BuildLock { version: VERSION, requirements, rust, image, crates, python }
    }

    /// The lock in a directory, if there is one.
    ///
    /// # Errors
    /// It cannot be read, or is not understood.
    pub fn read(host: &Host, directory: &Path) -> Result<Option<BuildLock>> {
        let path = directory.join(FILE);
        let text = match host.read_text(&path, LIMIT) {
            Ok(text) => text,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(Error::Read { path, source: error }),
        };
        let lock: BuildLock = toml::from_str(&text).map_err(|error| Error::Lock {
            reason: format!("{}: {}", path.display(), error.message()),
            cure: "restore the file, or write it anew with `fetch --update`".to_owned(),
        })?;
        if lock.version != VERSION {
            return Err(Error::Lock {
                reason: format!("{} is of version {}", path.display(), lock.version),
                cure: format!("this program writes version {VERSION}: run `fetch --update`"),
            });
        }
        Ok(Some(lock))
    }

    /// The lock as a file.
    #[must_use]
    pub fn text(&self) -> String {
        let body = toml::to_string(self).unwrap_or_default();
        format!("# What a build of the wheel is made with; written by `fetch`.\n\n{body}")
    }

    /// Writes the lock into a directory.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, directory: &Path) -> Result<()> {
        let path = directory.join(FILE);
        host::write_atomically(&path, self.text().as_bytes()).map_err(Error::write(&path))
    }

    /// The file of a distribution.
    #[must_use]
    pub fn python(&self, name: &str) -> Option<&PythonFile> {
        self.python.iter().find(|file| file.name == name)
    }

    /// That the compiler at hand is the one of the lock.
    ///
    /// # Errors
    /// It is another one.
    pub fn check_rust(&self, rust: &Rust) -> Result<()> {
        if self.rust == *rust {
            return Ok(());
        }
        let Rust { release, commit, host } = rust;
        Err(Error::Lock {
            reason: format!(
                "rustc here is {release} ({commit}, {host}), but {FILE} says {} ({}, {})",
                self.rust.release, self.rust.commit, self.rust.host
            ),
            cure: format!(
                "install the toolchain {} (`rustup toolchain install {}`), or accept this one with \
                 `fetch --update`",
                self.rust.release, self.rust.release
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> BuildLock {
        let file = |name: &str| PythonFile {
            name: name.to_owned(),
            version: "1.16.0".to_owned(),
            file: format!("{name}-1.16.0-py3-none-any.whl"),
            sha256: "00".repeat(32),
        };
        BuildLock::new(
            Rust {
                release: "1.95.0".to_owned(),
                commit: "f00".to_owned(),
                host: "x86_64-unknown-linux-gnu".to_owned(),
            },
            Some(Image { diff_id: "sha256:11".to_owned() }),
            Crates { cargo_lock: "22".to_owned(), files: "33".to_owned() },
            vec!["maturin>=1".to_owned()],
            vec![file("numpy"), file("maturin")],
        )
    }

    #[test]
    fn a_lock_reads_back_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let host = Host::current().unwrap();
        assert_eq!(BuildLock::read(&host, directory.path()).unwrap(), None);
        let lock = lock();
        assert_eq!(lock.python[0].name, "maturin");
        fs_err::write(directory.path().join(FILE), lock.text()).unwrap();
        assert_eq!(BuildLock::read(&host, directory.path()).unwrap(), Some(lock));
    }

    #[test]
    fn a_lock_that_is_broken_or_of_another_version_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let host = Host::current().unwrap();
        for text in ["", "version = ", &lock().text().replace("version = 1\n", "version = 2\n")] {
            fs_err::write(directory.path().join(FILE), text).unwrap();
            let error = BuildLock::read(&host, directory.path()).unwrap_err();
            assert!(error.is_input() && error.cure().is_some(), "{error}");
        }
    }

    #[test]
    fn another_compiler_is_named() {
        let lock = lock();
        lock.check_rust(&lock.rust.clone()).unwrap();
        let other = Rust { commit: "bad".to_owned(), ..lock.rust.clone() };
        let error = lock.check_rust(&other).unwrap_err().to_string();
        assert!(error.contains("bad") && error.contains("f00"), "{error}");
    }
}
