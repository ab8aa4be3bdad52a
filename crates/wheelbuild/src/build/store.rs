//! Inputs on this machine: crates, files from the package index, programs. Each is kept under what it
//! is, appears whole, and is fetched once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::{Host, Invocation, Lock, Output, Scratch};

use super::lock::PythonFile;
use super::project::Project;
use super::vendored::{self, Vendored};
use super::{Error, Result};
use crate::digest::sha256;

/// A slow mirror may take long.
const LIMIT: Duration = Duration::from_secs(1800);
const LOCK_LIMIT: u64 = 64 << 20;
/// The largest file of PyPI.
const WHEEL_LIMIT: u64 = 1 << 30;
/// Files in a directory of what was fetched.
const FILES: usize = 100_000;

/// Where inputs are kept.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
    /// Whether the network may be used.
    offline: bool,
}

/// For which Python files are fetched: not that of this machine, but that of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Such as `3.11`.
    pub python: String,
    /// The minor version of glibc 2.
    pub glibc: u32,
    /// As in the tags of wheels: `x86_64`.
    pub machine: String,
}

impl Target {
    /// The flags that make pip choose for it.
    fn flags(&self) -> Vec<String> {
        let abi = format!("cp{}", self.python.replace('.', ""));
        let mut flags = vec![
            "--python-version".to_owned(),
            self.python.clone(),
            "--implementation".to_owned(),
            "cp".to_owned(),
        ];
        for abi in [abi.as_str(), "abi3", "none"] {
            flags.extend(["--abi".to_owned(), abi.to_owned()]);
        }
        for minor in (5..=self.glibc).rev() {
            flags
                .extend(["--platform".to_owned(), format!("manylinux_2_{minor}_{}", self.machine)]);
        }
        for old in ["manylinux2014", "manylinux2010", "manylinux1"] {
            flags.extend(["--platform".to_owned(), format!("{old}_{}", self.machine)]);
        }
        flags
    }
}

impl Store {
    /// The store in a directory.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, offline: bool) -> Store {
        Store { directory: directory.into(), offline }
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The crates of a project's `Cargo.lock`, fetched if they are not there.
    ///
    /// # Errors
    /// They are not there and the network may not be used, or cargo cannot fetch them.
    pub fn crates(&self, host: &Host, cargo: &Path, project: &Project) -> Result<Vendored> {
        let path = project.lock_file();
        let lock = host.read(&path, LOCK_LIMIT).map_err(Error::read(&path))?;
        let place = self.crates_place(&sha256(&lock));
        let _held = self.hold(&place)?;
        if let Some(vendored) = vendored::read(host, &place)? {
            return Ok(vendored);
        }
        self.require_network(
            "the crates of Cargo.lock",
            "run `fetch`, or name a bundle that has them",
        )?;
        let scratch = self.scratch()?;
        let doing = "fetch the crates of Cargo.lock";
        let output = Invocation::new(cargo)
            // Without it cargo goes past the mirrors that it is configured for.
            .args(["vendor", "--respect-source-config"])
            .args(["--locked", "--versioned-dirs", "--manifest-path"])
            .arg(project.root.join(&project.workspace).join("Cargo.toml"))
            .arg(scratch.path().join("vendor"))
            .directory(project.root.join(&project.workspace))
            .timeout(LIMIT)
            .output()
            .map_err(Error::process(doing))?;
        if !output.success() {
            return Err(cargo_failed(doing, &output));
        }
        // A project without dependencies has nothing to vendor.
        let vendor = scratch.path().join("vendor");
        host::create_directory(&vendor).map_err(Error::write(&vendor))?;
        vendored::describe(host, scratch.path(), &output.stdout_text(), &place)?;
        place.parent().map_or(Ok(()), host::create_directory).map_err(Error::write(&place))?;
        host::rename(scratch.path(), &place).map_err(Error::write(&place))?;
        vendored::read(host, &place)?.ok_or_else(|| Error::Missing {
            what: place.display().to_string(),
            cure: "run `fetch` again".to_owned(),
        })
    }

    /// Where the crates of a `Cargo.lock` are, by its sha256.
    pub(super) fn crates_place(&self, cargo_lock: &str) -> PathBuf {
        self.directory.join("crates").join(cargo_lock)
    }

    /// A file of the package index that is locked, fetched if it is not there.
    ///
    /// # Errors
    /// It is not there and the network may not be used, the index has no such file, or has another
    /// one of that name.
    pub fn python_file(&self, host: &Host, file: &PythonFile, target: &Target) -> Result<PathBuf> {
        let place = self.python_place(file);
        if host.is_file(&place) {
            let bytes = host.read(&place, WHEEL_LIMIT).map_err(Error::read(&place))?;
            if sha256(&bytes) == file.sha256 {
                return Ok(place);
            }
            // It was changed after it was put there.
            host::remove_tree(&place).map_err(Error::write(&place))?;
        }
        self.require_network(&file.file, "run `fetch`, or name a bundle that has it")?;
        let requirement = format!("{}=={}", file.name, file.version);
        let found = self.download(host, &[requirement], target, &["--no-deps"])?;
        let Some(same_name) = found.iter().find(|found| found.name == file.name) else {
            return Err(Error::Missing {
                what: file.file.clone(),
                cure: "look whether the index has it".to_owned(),
            });
        };
        if same_name != file {
            return Err(Error::Lock {
                reason: format!(
                    "the index has {} with sha256 {}, but build.lock.toml says {} with sha256 {}",
                    same_name.file, same_name.sha256, file.file, file.sha256
                ),
                cure: "find out why; `fetch --update` accepts what the index has".to_owned(),
            });
        }
        Ok(place)
    }

    /// The files that an index has for requirements, fetched and kept.
    ///
    /// # Errors
    /// The network may not be used, or pip cannot fetch them.
    pub fn download(
        &self,
        host: &Host,
        requirements: &[String],
        target: &Target,
        flags: &[&str],
    ) -> Result<Vec<PythonFile>> {
        self.require_network(&requirements.join(", "), "run without --offline")?;
        let python = python_with_pip(host)?;
        let scratch = self.scratch()?;
        let doing = format!("fetch {} from the package index", requirements.join(", "));
        let output = Invocation::new(python)
            .args(["-I", "-m", "pip", "download", "--quiet", "--disable-pip-version-check"])
            .args(["--no-input", "--only-binary", ":all:", "--dest"])
            .arg(scratch.path())
            .args(target.flags())
            .args(flags)
            .args(requirements)
            .timeout(LIMIT)
            .output()
            .map_err(Error::process(&doing))?;
        if !output.success() {
            return Err(Error::Program {
                doing,
                reason: last_lines(&output.stderr_text()),
                cure: Some("pip's own configuration says which index and proxy are used: `pip config list`".to_owned()),
            });
        }
        let mut found = Vec::new();
        for entry in host.list(scratch.path(), FILES).map_err(Error::read(scratch.path()))? {
            let from = scratch.path().join(&entry.name);
            let bytes = host.read(&from, WHEEL_LIMIT).map_err(Error::read(&from))?;
            let Some((name, version)) = entry.name_text().and_then(name_and_version) else {
                continue;
            };
            let file = PythonFile {
                name,
                version,
                file: entry.name_text().unwrap_or_default().to_owned(),
                sha256: sha256(&bytes),
            };
            let place = self.python_place(&file);
            host::write_atomically(&place, &bytes).map_err(Error::write(&place))?;
            found.push(file);
        }
        found.sort();
        Ok(found)
    }

    pub(super) fn python_place(&self, file: &PythonFile) -> PathBuf {
        self.directory.join("python").join(&file.sha256).join(&file.file)
    }

    /// A directory for what is not whole yet.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn scratch(&self) -> Result<Scratch> {
        Scratch::new(&self.directory.join("tmp"), "input").map_err(Error::write(&self.directory))
    }

    /// That nobody else makes the same thing meanwhile.
    fn hold(&self, place: &Path) -> Result<Lock> {
        let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = self.directory.join("locks").join(name);
        Lock::wait(&path).map_err(Error::write(path))
    }

    fn require_network(&self, what: &str, cure: &str) -> Result<()> {
        if !self.offline {
            return Ok(());
        }
        Err(Error::Missing { what: what.to_owned(), cure: cure.to_owned() })
    }
}

fn cargo_failed(doing: &str, output: &Output) -> Error {
    let text = output.stderr_text();
    let cure = if text.contains("--locked") {
        Some("Cargo.lock does not fit the manifests: run `cargo update --workspace` and commit it")
    } else if text.contains("checksum") {
        Some("the registry has another file than Cargo.lock says: find out why before accepting it")
    } else {
        None
    };
    Error::Program {
        doing: doing.to_owned(),
        reason: last_lines(&text),
        cure: cure.map(str::to_owned),
    }
}

/// The end of what a program said, without the lines that say that it works.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .filter(|line| {
            !["Downloaded", "Downloading", "Vendoring", "Updating"]
                .iter()
                .any(|word| line.trim_start().starts_with(word))
        })
        .collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// A Python that has pip.
fn python_with_pip(host: &Host) -> Result<PathBuf> {
    let candidates = ["python3", "python"].into_iter().flat_map(|name| host.programs(name));
    let has_pip = |python: &PathBuf| {
        let probe = Invocation::new(python).args(["-I", "-m", "pip", "--version"]);
        probe.timeout(Duration::from_secs(60)).output().is_ok_and(|output| output.success())
    };
    candidates.into_iter().find(has_pip).ok_or_else(|| Error::Program {
        doing: "fetch files from the package index".to_owned(),
        reason: "no Python on PATH has pip".to_owned(),
        cure: Some("install it, such as with `python3 -m ensurepip`, or activate an environment that has it".to_owned()),
    })
}

/// Name and version of a wheel's file name, the name as indexes write it.
fn name_and_version(file: &str) -> Option<(String, String)> {
    let mut parts = file.strip_suffix(".whl")?.split('-');
    let (name, version) = (parts.next()?, parts.next()?);
    Some((name.to_lowercase().replace(['_', '.'], "-"), version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_as_indexes_write_them() {
        assert_eq!(
            name_and_version("Typing_Extensions-4.16.0-py3-none-any.whl"),
            Some(("typing-extensions".to_owned(), "4.16.0".to_owned()))
        );
        assert_eq!(name_and_version("thing-1.0.tar.gz"), None);
    }

    #[test]
    fn without_network_what_is_missing_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path(), true);
        let host = Host::current().unwrap();
        let file = PythonFile {
            name: "maturin".to_owned(),
            version: "1".to_owned(),
            file: "maturin-1-py3-none-any.whl".to_owned(),
            sha256: "00".to_owned(),
        };
        let target = Target { python: "3.11".to_owned(), glibc: 36, machine: "x86_64".to_owned() };
        let error = store.python_file(&host, &file, &target).unwrap_err();
        assert!(matches!(error, Error::Missing { .. }) && error.to_string().contains(&file.file));
    }
}
