//! The cell that is no Python: a command of the project, which is asked by its arguments and answers
//! in files.
//!
//! `COMMAND write ARRAYS.npz` writes what the program's `write` gives, and `COMMAND read ARRAYS.npz
//! RESULTS.npz ...` makes of each first file what `read` gives and writes it to the second. Why it
//! could not read one it writes to `RESULTS.npz.error`, as text; for anything else it ends with
//! another code than 0 and says why in its last line on standard error.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::Invocation;

use super::{ARRAYS, OWN_RESULTS};
use crate::process::{self, CellError};

/// How many files one process is asked to read: some systems allow 32,000 bytes of arguments.
const MOST_FILES: usize = 50;

/// The command and how to run it.
pub(crate) struct Command<'a> {
    /// Program and first arguments.
    pub(crate) words: &'a [String],
    /// The project, where it runs, and from which the program's path counts.
    pub(crate) project: &'a Path,
    /// How long one process may take.
    pub(crate) limit: Duration,
}

impl Command<'_> {
    /// Writes the arrays of the cell whose directory is `own`, and reads them once.
    pub(crate) fn write(&self, own: &Path) -> Result<Duration, CellError> {
        let arrays = own.join(ARRAYS);
        let written = self.run("write", std::slice::from_ref(&arrays))?;
        let read = self.run("read", &[arrays, own.join(OWN_RESULTS)])?;
        Ok(written + read)
    }

    /// Reads files, each with the file that its results are written to.
    pub(crate) fn read(&self, files: &[[PathBuf; 2]]) -> Result<Duration, CellError> {
        let mut elapsed = Duration::ZERO;
        for files in files.chunks(MOST_FILES) {
            elapsed += self.run("read", files.as_flattened())?;
        }
        Ok(elapsed)
    }

    fn run(&self, role: &str, files: &[PathBuf]) -> Result<Duration, CellError> {
        let Some((program, arguments)) = self.words.split_first() else {
            return Err(CellError::Other("`exchange-core` names no program".to_owned()));
        };
        let is_path = program.contains(['/', '\\']);
        let program = if is_path { self.project.join(program) } else { PathBuf::from(program) };
        let command =
            Invocation::new(program).args(arguments).arg(role).args(files).directory(self.project);
        process::run_as_it_is(command, self.limit)
    }
}
