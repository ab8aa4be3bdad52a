//! The lane `wheel`: cells that have a wheel under test installed, and a program of the project that
//! writes and reads arrays with it.
//!
//! Each cell calls `write` of the program and keeps the arrays as an npz file, and calls `read` with
//! the arrays of every cell and keeps what that gives. A command may do the same without Python.
//! Nobody here knows what the wheel does, so that nothing but agreement can be judged: `write` gives
//! the same bits in every cell, and `read` makes the same bits of one file in every cell.

mod command;
mod difference;
mod judge;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use host::{Host, Scratch};

pub(crate) use self::command::Command;
pub(crate) use self::judge::{Reading, Written, judge};
use crate::environment::file_digest;
use crate::installer::Installer;
use crate::plan::Picked;
use crate::{Error, Options, TestedWheel};

/// What a cell wrote, in its directory.
pub(crate) const ARRAYS: &str = "arrays.npz";
/// What it made of its own arrays.
pub(crate) const OWN_RESULTS: &str = "own.npz";
/// Added to the name of a file of results: why there are none.
pub(crate) const ERROR_SUFFIX: &str = "error";

/// A wheel that some Python takes.
#[derive(Debug, Clone)]
pub(crate) struct Wheel {
    pub(crate) path: PathBuf,
    sha256: String,
}

impl Wheel {
    fn read(host: &Host, path: &Path) -> Result<Self, Error> {
        let unfit = |reason| Error::UnfitWheel { wheel: path.to_path_buf(), reason };
        let sha256 = file_digest(host, path).map_err(unfit)?;
        Ok(Self { path: path.to_path_buf(), sha256 })
    }

    pub(crate) fn file_name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Whether a requirement (`a==1.0`) is one of this wheel.
    pub(crate) fn provides(&self, requirement: &str) -> bool {
        let (name, _) = requirement.split_once("==").unwrap_or((requirement, ""));
        normalized(name) == self.name()
    }

    /// Whether a sentence of an installer is about this wheel.
    pub(crate) fn is_named_in(&self, sentence: &str) -> bool {
        normalized(sentence).contains(&self.name())
    }

    /// The name of what it holds; a `-` ends it.
    fn name(&self) -> String {
        let file = self.file_name();
        normalized(file.split('-').next().unwrap_or_default())
    }
}

/// Names of packages are the same if they are in lower case and with one kind of line.
fn normalized(name: &str) -> String {
    name.to_lowercase().replace(['_', '.'], "-")
}

/// For each Python the newest wheel that it takes, or why it takes none.
///
/// # Errors
/// Nothing can be tested: there is no program, a wheel is damaged, or no Python takes any.
pub(crate) fn fitting(
    options: &Options<'_>,
    installer: Option<&Installer>,
    pythons: &[Picked],
) -> Result<Vec<Result<Wheel, String>>, Error> {
    let program = options.specification.exchange.as_ref().ok_or_else(|| {
        let reason = "no program is named that writes and reads with the wheel".to_owned();
        Error::WheelLane { reason }
    })?;
    if !options.host.is_file(program) {
        let reason = format!("there is no program at {}", program.display());
        return Err(Error::WheelLane { reason });
    }
    let scratch = Scratch::new(&options.directory, "probe")
        .map_err(|source| Error::Write { path: options.directory.clone(), source })?;
    let mut fitting = Vec::new();
    for Picked { interpreter, .. } in pythons {
        let (Ok(interpreter), Some(installer)) = (interpreter, installer) else {
            fitting.push(Err("there is no such Python".to_owned()));
            continue;
        };
        let mut found = Err("there is no wheel".to_owned());
        for (place, path) in options.wheels.iter().enumerate() {
            match installer.refusal(interpreter, scratch.path(), path)? {
                None => {
                    found = Ok(Wheel::read(options.host, path)?);
                    break;
                }
                // What the newest lacks is what the user must know.
                Some(reason) if place == 0 => found = Err(reason),
                Some(_) => {}
            }
        }
        fitting.push(found);
    }
    let asked = pythons.iter().zip(&fitting).filter(|(python, _)| python.interpreter.is_ok());
    let mut refusals = asked.map(|(_, wheel)| wheel.as_ref().err());
    match (options.wheels.first(), refusals.next()) {
        (Some(wheel), Some(Some(reason))) if refusals.all(|refusal| refusal.is_some()) => {
            let reason = format!("no Python of the matrix takes it: {reason}");
            Err(Error::UnfitWheel { wheel: wheel.clone(), reason })
        }
        _ => Ok(fitting),
    }
}

/// The wheels among these, each once.
pub(crate) fn tested(wheels: &[Result<Wheel, String>]) -> Vec<TestedWheel> {
    let wheels = wheels.iter().flatten();
    let tested: BTreeSet<TestedWheel> = wheels
        .map(|wheel| TestedWheel { file: wheel.file_name(), sha256: wheel.sha256.clone() })
        .collect();
    tested.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wheel_knows_its_name_in_every_spelling() {
        let path = PathBuf::from("/d/Arrow_Quant.V2-0.1.0-cp39-abi3-linux_x86_64.whl");
        let wheel = Wheel { path, sha256: String::new() };
        assert!(wheel.provides("arrow-quant-v2==0.1.0") && wheel.provides("Arrow_quant_v2==0.1.0"));
        assert!(!wheel.provides("arrow-quant==0.1.0"));
        assert!(wheel.is_named_in("only arrow-quant-v2==0.1.0 is available"));
        assert!(!wheel.is_named_in("numpy==1.17.5 has no usable wheels"));
    }
}
