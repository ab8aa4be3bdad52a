//! One file per command.

pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod compare;
#[cfg(feature = "completions")]
pub(crate) mod completions;
mod dashboards;
mod diff;
pub(crate) mod doctor;
pub(crate) mod engines;
pub(crate) mod envs;
pub(crate) mod explain;
mod fix;
pub(crate) mod image;
pub(crate) mod init;
pub(crate) mod matrix;
pub(crate) mod scan;
mod watch;
mod wheels;

use std::path::{Path, PathBuf};

use host::Host;

use crate::config::CONFIG_FILE;
use crate::failure::Failure;
use crate::output::Printer;

/// What every command gets.
pub(crate) struct Context<'a> {
    /// This machine.
    pub(crate) host: &'a Host,
    /// The two streams.
    pub(crate) printer: &'a Printer,
    /// `--project`, as given.
    pub(crate) project: Option<&'a Path>,
    /// How the user calls the program.
    pub(crate) name: &'static str,
}

impl Context<'_> {
    /// The project's directory: the one named, or else the nearest one upward that a project's
    /// file marks, or else the working directory.
    pub(crate) fn project(&self) -> Result<PathBuf, Failure> {
        if let Some(named) = self.project {
            let directory = self.host.absolute(named);
            if !self.host.is_dir(&directory) {
                return Err(Failure::input(format!("{} is not a directory", named.display()))
                    .hint("`--project` names the directory of the project to look at"));
            }
            return Ok(directory);
        }
        let here = &self.host.working_directory;
        let marked = |names: &[&str]| {
            here.ancestors().find(|d| names.iter().any(|name| self.host.is_file(&d.join(name))))
        };
        let project = marked(&[CONFIG_FILE])
            .or_else(|| marked(&["pyproject.toml", "Cargo.toml"]))
            .unwrap_or(here);
        Ok(project.to_path_buf())
    }

    /// A Python named on the command line: a path, or a program on `PATH`.
    pub(crate) fn python(&self, named: &Path) -> Result<PathBuf, Failure> {
        let path = self.host.absolute(named);
        if self.host.symlink_metadata(&path).is_ok() {
            return Ok(path);
        }
        let on_path = named.to_str().filter(|name| !name.contains(['/', '\\']));
        on_path.and_then(|name| self.host.program(name)).ok_or_else(|| {
            Failure::input(format!("there is no Python at {}", named.display()))
                .hint("`--python` takes an interpreter or the directory of an environment")
        })
    }
}
