//! The result of a build, put where the user wants it: whole, or not at all.

use std::path::{Path, PathBuf};

use host::Host;

use super::{Error, Result};
use crate::digest::sha256;

const WHEEL_LIMIT: u64 = 1 << 30;
const FILES: usize = 10_000;
const SUMS: &str = "SHA256SUMS";
const SUMS_LIMIT: u64 = 16 << 20;

/// A file that a build made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called.
    pub name: String,
    /// The sha256 of it.
    pub sha256: String,
    /// Its bytes.
    pub size: u64,
}

/// The files with that ending in a directory: names and bytes.
///
/// # Errors
/// One cannot be read.
pub(super) fn files_with(
    host: &Host,
    directory: &Path,
    ending: &str,
) -> Result<Vec<(String, Vec<u8>)>> {
    let entries = host.list(directory, FILES).map_err(Error::read(directory))?;
    let names = entries.iter().filter_map(|entry| entry.name_text());
    let read = |name: &str| {
        let path = directory.join(name);
        let bytes = host.read(&path, WHEEL_LIMIT).map_err(Error::read(&path))?;
        Ok((name.to_owned(), bytes))
    };
    names.filter(|name| name.ends_with(ending)).map(read).collect()
}

/// That files can be put into a directory, before anything is built.
///
/// # Errors
/// The directory cannot be made or written.
pub fn check_writable(directory: &Path) -> Result<()> {
    let probe = directory.join(".truewheel-probe");
    host::write_atomically(&probe, b"").map_err(Error::write(directory))?;
    host::remove_tree(&probe).map_err(Error::write(directory))
}

/// Puts files into a directory, each under its name by a rename, and their sums last: whoever sees the
/// sums of a file sees the file. Sums of other files stay.
///
/// # Errors
/// A file cannot be read or written; those before it are there.
pub fn deliver(
    host: &Host,
    directory: &Path,
    files: &[(String, Vec<u8>)],
) -> Result<Vec<Artifact>> {
    let mut delivered = Vec::new();
    for (name, bytes) in files {
        let path = directory.join(name);
        host::write_atomically(&path, bytes).map_err(Error::write(&path))?;
        delivered.push(Artifact {
            name: name.clone(),
            sha256: sha256(bytes),
            size: bytes.len() as u64,
            path,
        });
    }
    let path = directory.join(SUMS);
    let others = match host.read_text(&path, SUMS_LIMIT) {
        Ok(text) => text,
        Err(error) if error.is_not_found() => String::new(),
        Err(error) => return Err(Error::Read { path, source: error }),
    };
    let text = sums(&others, &delivered);
    host::write_atomically(&path, text.as_bytes()).map_err(Error::write(&path))?;
    Ok(delivered)
}

/// Lines as `sha256sum --check` reads them, by name.
fn sums(others: &str, delivered: &[Artifact]) -> String {
    let is_other = |line: &&str| {
        line.split_once("  ")
            .is_some_and(|(_, name)| !delivered.iter().any(|file| file.name == name))
    };
    let mut lines: Vec<String> = others.lines().filter(is_other).map(str::to_owned).collect();
    lines.extend(delivered.iter().map(|file| format!("{}  {}", file.sha256, file.name)));
    lines.sort_by(|a, b| a.split_once("  ").map(|it| it.1).cmp(&b.split_once("  ").map(|it| it.1)));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_what_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let host = Host::current().unwrap();
        let out = directory.path().join("dist");
        check_writable(&out).unwrap();
        let file = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
        deliver(&host, &out, &[file("b.whl", b"b"), file("a.json", b"{}")]).unwrap();
        deliver(&host, &out, &[file("b.whl", b"other")]).unwrap();
        let sums = fs_err::read_to_string(out.join(SUMS)).unwrap();
        let expected = format!("{}  a.json\n{}  b.whl\n", sha256(b"{}"), sha256(b"other"));
        assert_eq!(sums, expected);
        let wheels = files_with(&host, &out, ".whl").unwrap();
        assert_eq!(wheels, [("b.whl".to_owned(), b"other".to_vec())]);
        assert_eq!(fs_err::read_dir(&out).unwrap().count(), 3);
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_named_before_the_build() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs_err::write(&file, "").unwrap();
        let error = check_writable(&file.join("dist")).unwrap_err();
        assert!(error.to_string().contains("dist"), "{error}");
    }
}
