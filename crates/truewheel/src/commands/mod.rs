//! One file per command.

pub(crate) mod init;

use std::path::{Path, PathBuf};

use host::Host;

use crate::failure::Failure;
use crate::output::Printer;

/// Name of the configuration file in a project.
pub(crate) const CONFIG_FILE: &str = "truewheel.toml";

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
}
