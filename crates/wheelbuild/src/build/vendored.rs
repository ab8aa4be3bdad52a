//! Crates as `cargo vendor` puts them into a directory, and whether they are still those.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use host::{FileKind, Host};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{Error, Result};
use crate::digest::hexadecimal;

/// The largest text that is kept beside them.
const TEXT_LIMIT: u64 = 64 << 20;
/// The largest file of a crate.
const FILE_LIMIT: u64 = 1 << 30;
/// Files in one directory.
const FILES: usize = 100_000;
/// What makes cargo find vendored crates.
pub(super) const SOURCES: &str = "sources.toml";
/// The sum of vendored crates.
const SUM: &str = "files.sha256";
/// What cargo knows of the files of a vendored crate.
const CHECKSUMS: &str = ".cargo-checksum.json";

/// Crates in a directory, and what cargo must be told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Vendored {
    /// The directory of `cargo vendor --versioned-dirs`.
    pub directory: PathBuf,
    /// What makes cargo on this machine find them there.
    pub(super) config_file: PathBuf,
    /// The sha256 of the names of the files and of what is in them, in the order of the names.
    pub files: String,
    /// The sources that the directory replaces: its text with the directory left out.
    config: toml::Table,
}

impl Vendored {
    /// `config.toml` for crates that lie at a path.
    #[must_use]
    pub fn config(&self, path: &str) -> String {
        config_for(&self.config, path)
    }
}

fn config_for(config: &toml::Table, path: &str) -> String {
    let mut config = config.clone();
    if let Some(toml::Value::Table(sources)) = config.get_mut("source") {
        for (_, source) in sources.iter_mut() {
            if let toml::Value::Table(source) = source
                && source.contains_key("directory")
            {
                source.insert("directory".to_owned(), path.into());
            }
        }
    }
    toml::to_string(&config).unwrap_or_default()
}

/// The sha256 of a tree: for each file, in the order of their paths, the path, a zero byte, and the
/// sha256 of the file. cargo's own list of checksums, whose form changes with cargo, is left out.
///
/// # Errors
/// A file cannot be read.
pub(super) fn sum_of_tree(host: &Host, root: &Path) -> Result<String> {
    let mut files = Vec::new();
    let mut directories = vec![PathBuf::new()];
    while let Some(relative) = directories.pop() {
        let directory = root.join(&relative);
        for entry in host.list(&directory, FILES).map_err(Error::read(&directory))? {
            let path = relative.join(&entry.name);
            match entry.kind {
                FileKind::Directory => directories.push(path),
                _ if entry.name_text() == Some(CHECKSUMS) => {}
                _ => files.push(path),
            }
        }
    }
    files.sort();
    let mut sum = Sha256::new();
    for relative in files {
        let path = root.join(&relative);
        let bytes = host.read(&path, FILE_LIMIT).map_err(Error::read(&path))?;
        sum.update(relative.to_string_lossy().as_bytes());
        sum.update([0]);
        sum.update(Sha256::digest(&bytes));
    }
    Ok(hexadecimal(&sum.finalize()))
}

/// Writes beside the crates in `directory/vendor`, which will lie at `place`, what cargo said of them
/// and their sum.
///
/// # Errors
/// A file cannot be read or written.
pub(super) fn describe(host: &Host, directory: &Path, said: &str, place: &Path) -> Result<()> {
    let said = toml::from_str(said).unwrap_or_default();
    let config = config_for(&said, &place.join("vendor").display().to_string());
    let sum = sum_of_tree(host, &directory.join("vendor"))?;
    for (name, text) in [(SOURCES, &config), (SUM, &sum)] {
        let path = directory.join(name);
        host::write_atomically(&path, text.as_bytes()).map_err(Error::write(&path))?;
    }
    Ok(())
}

/// The crates in a place of the store, if they are there.
///
/// # Errors
/// What is there cannot be read.
pub(super) fn read(host: &Host, place: &Path) -> Result<Option<Vendored>> {
    let path = place.join(SOURCES);
    let text = match host.read_text(&path, TEXT_LIMIT) {
        Ok(text) => text,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(Error::Read { path, source: error }),
    };
    let config = toml::from_str(&text).map_err(|error| Error::Project {
        path,
        reason: error.message().to_owned(),
        cure: format!("remove {}", place.display()),
    })?;
    let sum = place.join(SUM);
    let files = host.read_text(&sum, TEXT_LIMIT).map_err(Error::read(&sum))?;
    Ok(Some(Vendored {
        directory: place.join("vendor"),
        config_file: place.join(SOURCES),
        files: files.trim().to_owned(),
        config,
    }))
}

/// What `.cargo-checksum.json` of a vendored crate says.
#[derive(Deserialize)]
struct Checksum {
    package: Option<String>,
}

/// That the crates in a directory are those of a lock, by their checksums.
///
/// # Errors
/// The name of the first that is missing or another.
pub fn check_vendored(
    host: &Host,
    vendored: &Vendored,
    checksums: &BTreeMap<(String, String), String>,
) -> Result<()> {
    for ((name, version), checksum) in checksums {
        let path = vendored.directory.join(format!("{name}-{version}")).join(CHECKSUMS);
        let text = host.read_text(&path, TEXT_LIMIT).map_err(|error| {
            if error.is_not_found() {
                Error::Missing {
                    what: format!("the crate {name} {version}"),
                    cure: "run `fetch`".to_owned(),
                }
            } else {
                Error::Read { path: path.clone(), source: error }
            }
        })?;
        let found = serde_json::from_str::<Checksum>(&text).ok().and_then(|found| found.package);
        if found.as_ref() != Some(checksum) {
            return Err(Error::Lock {
                reason: format!(
                    "the crate {name} {version} has checksum {}, but Cargo.lock says {checksum}",
                    found.as_deref().unwrap_or("none")
                ),
                cure: format!(
                    "remove {} and fetch again; find out why if it stays so",
                    vendored.directory.display()
                ),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vendored(directory: &Path) -> Vendored {
        Vendored {
            directory: directory.to_path_buf(),
            config_file: directory.join(SOURCES),
            files: String::new(),
            config: toml::Table::new(),
        }
    }

    #[test]
    fn the_sum_of_a_tree_tells_names_and_contents_apart() {
        let host = Host::current().unwrap();
        let sum = |files: &[(&str, &str)]| {
            let directory = tempfile::tempdir().unwrap();
            for (name, text) in files {
                let path = directory.path().join(name);
                fs_err::create_dir_all(path.parent().unwrap()).unwrap();
                fs_err::write(path, text).unwrap();
            }
            sum_of_tree(&host, directory.path()).unwrap()
        };
        let first = sum(&[("a/x", "1"), ("b", "2")]);
        assert_eq!(first, sum(&[("b", "2"), ("a/x", "1"), ("a/.cargo-checksum.json", "{}")]));
        assert_ne!(first, sum(&[("a/x", "2"), ("b", "1")]));
        assert_ne!(first, sum(&[("a/y", "1"), ("b", "2")]));
    }

    #[test]
    fn the_directory_of_vendored_crates_is_where_the_build_sees_it() {
        let text = "[source.crates-io]\nreplace-with = \"vendored-sources\"\n\
                    [source.vendored-sources]\ndirectory = \"/somewhere/else\"\n";
        let config = toml::from_str(text).unwrap();
        let vendored = Vendored { config, ..vendored(Path::new("")) };
        let seen = vendored.config("/cargo/vendor");
        assert!(
            seen.contains("directory = \"/cargo/vendor\"") && seen.contains("crates-io"),
            "{seen}"
        );
        assert!(!seen.contains("somewhere"));
    }

    #[test]
    fn a_crate_with_another_checksum_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let host = Host::current().unwrap();
        let place = directory.path().join("serde-1.0.0");
        fs_err::create_dir_all(&place).unwrap();
        fs_err::write(place.join(".cargo-checksum.json"), r#"{"files":{},"package":"aa"}"#)
            .unwrap();
        let vendored = vendored(directory.path());
        let sum = |name: &str, sum: &str| {
            [((name.to_owned(), "1.0.0".to_owned()), sum.to_owned())].into()
        };
        check_vendored(&host, &vendored, &sum("serde", "aa")).unwrap();
        let changed = check_vendored(&host, &vendored, &sum("serde", "bb")).unwrap_err();
        assert!(changed.is_input() && changed.to_string().contains("serde"), "{changed}");
        let missing = check_vendored(&host, &vendored, &sum("syn", "aa")).unwrap_err();
        assert!(missing.to_string().contains("syn 1.0.0"), "{missing}");
    }
}
