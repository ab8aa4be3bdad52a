//! From what a project asks for to what lies in the store: the only part that uses the network.

use std::path::{Path, PathBuf};

use host::Host;

use super::crates::CrateGraph;
use super::lock::{BuildLock, Crates, Image, PythonFile, Rust};
use super::project::Project;
use super::stage::Inputs;
use super::store::{Store, Target};
use super::tools::program;
use super::vendored::{Vendored, check_vendored};
use super::{Error, Result};
use crate::digest::sha256;
use crate::image::Toolchain;

const LOCK_LIMIT: u64 = 64 << 20;
/// The program that makes wheels.
const MATURIN: &str = "maturin";

/// What a build is to be made with.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a machine has no short form")]
pub struct Wanted<'a> {
    /// This machine.
    pub host: &'a Host,
    /// The program cargo.
    pub cargo: &'a Path,
    /// What is built.
    pub project: &'a Project,
    /// The compiler.
    pub toolchain: &'a Toolchain,
    /// Whether it is this machine's and must be shown, rather than being in the image.
    pub shows_toolchain: bool,
    /// The diffID of the root file system; none where the build runs on this machine itself.
    pub image: Option<&'a str>,
    /// For which Python files are chosen.
    pub target: &'a Target,
    /// What the test of the wheel needs from the package index.
    pub requirements: &'a [String],
    /// Where inputs are kept.
    pub store: &'a Store,
}

/// What may be written into the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// Nothing: what is not locked, or otherwise, is an error.
    Nothing,
    /// What is not there yet, and the crates when `Cargo.lock` has changed.
    Missing,
    /// Everything, chosen anew.
    Everything,
}

/// Everything that a build takes besides the sources.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// What it is locked to.
    pub lock: BuildLock,
    /// Whether the lock is another than the one in the project, which `BuildLock::write` changes.
    pub is_changed: bool,
    /// Where it is.
    pub inputs: Inputs,
    /// The files that the test of the wheel installs.
    pub test_files: Vec<PathBuf>,
}

impl Wanted<'_> {
    /// Sees to it that everything is in the store, and says where.
    ///
    /// # Errors
    /// Something differs from the lock, or is missing and may or can not be fetched.
    pub fn prepare(&self, update: Update) -> Result<Prepared> {
        let Wanted { host, project, toolchain, store, .. } = *self;
        let old = BuildLock::read(host, &project.lock_directory())?;
        let crates = store.crates(host, self.cargo, project)?;
        let path = project.lock_file();
        let cargo_lock = host.read(&path, LOCK_LIMIT).map_err(Error::read(&path))?;
        let locked_crates = Crates { cargo_lock: sha256(&cargo_lock), files: crates.files.clone() };
        let lock = match &old {
            Some(lock) if update != Update::Everything => {
                self.check(lock.clone(), locked_crates, update)?
            }
            _ if update == Update::Nothing => {
                return Err(Error::Missing {
                    what: format!("build.lock.toml of {}", project.name),
                    cure: "run `fetch`, which writes it, and commit it".to_owned(),
                });
            }
            _ => self.choose(locked_crates)?,
        };
        let python = |file: &PythonFile| store.python_file(host, file, self.target);
        let maturin = lock.python(MATURIN).ok_or_else(|| Error::Lock {
            reason: "build.lock.toml names no maturin".to_owned(),
            cure: "run `fetch --update`".to_owned(),
        })?;
        let maturin = program(host, store, maturin, &python(maturin)?, MATURIN)?;
        let others = lock.python.iter().filter(|file| file.name != MATURIN);
        let test_files = others.map(python).collect::<Result<Vec<PathBuf>>>()?;
        let graph = CrateGraph::of(host, self.cargo, project, &crates, &toolchain.host)?;
        check_vendored(host, &crates, &graph.checksums())?;
        Ok(Prepared {
            is_changed: old.as_ref() != Some(&lock),
            inputs: Inputs {
                crates,
                toolchain: toolchain.clone(),
                shows_toolchain: self.shows_toolchain,
                maturin,
                graph,
            },
            lock,
            test_files,
        })
    }

    fn rust(&self) -> Rust {
        let Toolchain { release, commit, host, .. } = self.toolchain.clone();
        Rust { release, commit, host }
    }

    fn asked(&self) -> Vec<String> {
        let mut asked = vec![self.project.maturin.clone()];
        asked.extend(self.requirements.iter().cloned());
        asked
    }

    /// A lock that is there, with what was missing; or what in it is not what is at hand.
    fn check(&self, mut lock: BuildLock, crates: Crates, update: Update) -> Result<BuildLock> {
        let wrong = |reason: String, cure: &str| Error::Lock { reason, cure: cure.to_owned() };
        lock.check_rust(&self.rust())?;
        match (&lock.image, self.image) {
            (_, None) => {}
            (Some(locked), Some(here)) if locked.diff_id == here => {}
            (Some(locked), Some(here)) => {
                return Err(wrong(
                    format!("the image is {here}, but build.lock.toml says {}", locked.diff_id),
                    "make the locked one with `image bootstrap`, or accept this one with \
                     `fetch --update`",
                ));
            }
            (None, Some(here)) if update == Update::Missing => {
                lock.image = Some(Image { diff_id: here.to_owned() });
            }
            (None, Some(_)) => {
                return Err(wrong("build.lock.toml names no image".to_owned(), "run `fetch`"));
            }
        }
        let asked = self.asked();
        if lock.requirements != asked {
            return Err(wrong(
                format!(
                    "{} is asked for, but build.lock.toml was made for {}",
                    asked.join(", "),
                    lock.requirements.join(", ")
                ),
                "run `fetch --update`",
            ));
        }
        if lock.crates != crates {
            if lock.crates.cargo_lock == crates.cargo_lock {
                return Err(wrong(
                    format!(
                        "the crates of Cargo.lock have the sum {}, but build.lock.toml says {}",
                        crates.files, lock.crates.files
                    ),
                    "find out who changed them; `fetch --update` accepts what is here",
                ));
            }
            if update == Update::Nothing {
                return Err(wrong(
                    "Cargo.lock has changed since build.lock.toml was written".to_owned(),
                    "run `fetch`, and commit build.lock.toml",
                ));
            }
            lock.crates = crates;
        }
        Ok(lock)
    }

    fn choose(&self, crates: Crates) -> Result<BuildLock> {
        let Wanted { host, store, target, .. } = *self;
        let maturin = std::slice::from_ref(&self.project.maturin);
        let mut files = store.download(host, maturin, target, &["--no-deps"])?;
        if !self.requirements.is_empty() {
            files.extend(store.download(host, self.requirements, target, &[])?);
        }
        files.dedup();
        let image = self.image.map(|diff_id| Image { diff_id: diff_id.to_owned() });
        Ok(BuildLock::new(self.rust(), image, crates, self.asked(), files))
    }
}

/// What a lock says of the crates, checked against what lies in a directory.
///
/// # Errors
/// They are others.
pub(super) fn check_files(host: &Host, lock: &BuildLock, vendored: &Vendored) -> Result<()> {
    let found = super::vendored::sum_of_tree(host, &vendored.directory)?;
    if found == lock.crates.files {
        return Ok(());
    }
    Err(Error::Lock {
        reason: format!(
            "the crates have the sum {found}, but build.lock.toml says {}",
            lock.crates.files
        ),
        cure: "do not build with them: get them from somewhere else".to_owned(),
    })
}
