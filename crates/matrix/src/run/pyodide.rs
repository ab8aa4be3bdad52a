//! The parts of a run that only cells in Pyodide have.

use std::path::Path;
use std::time::Duration;

use host::Invocation;

use super::{Ready, Run};
use crate::CellState;
use crate::exchange::{ReadAnswer, Role, Writer};
use crate::plan::{PYODIDES, PlannedCell, Way};
use crate::process::CellError;
use crate::pyodide::{Node, Package};

/// What Node.js runs, what Pyodide runs in it, and the loader of array files that needs no numpy: the
/// one of the wheel, as it tells of itself that it can be copied.
const PROGRAMS: [(&str, &str); 3] = [
    (LAUNCHER, include_str!("../../python/pyodide_cell.mjs")),
    ("pyodide_cell.py", include_str!("../../python/pyodide_cell.py")),
    ("arrays.py", include_str!("../../../arrow-quant-python/python/arrow_quant_v2/arrays.py")),
];
const LAUNCHER: &str = "pyodide_cell.mjs";

/// Writes the programs of a cell into the directory of a run.
pub(super) fn write_programs(directory: &Path) -> std::io::Result<()> {
    PROGRAMS
        .iter()
        .try_for_each(|(name, text)| host::write_atomically(&directory.join(name), text.as_bytes()))
}

/// One process of a cell: Python in it sees the directory of the run, and nothing else of this machine.
pub(super) fn command(node: &Node, run: &Path, package: &Path, request: &Path) -> Invocation {
    Invocation::new(&node.program).arg(run.join(LAUNCHER)).arg(package).arg(run).arg(request)
}

impl Run<'_> {
    /// The directory of a cell's Pyodide; `None` for every other cell.
    pub(super) fn pyodide(
        &self,
        cell: &PlannedCell,
        anew: bool,
    ) -> Result<Option<Package>, String> {
        let Some(Way::Pyodide { node, package }) = &cell.way else { return Ok(None) };
        if let Some(directory) = package {
            return Ok(Some(Package { directory: directory.clone(), reused: false }));
        }
        let directory = self.options.directory.join(PYODIDES);
        let version = cell.result.pyodide.as_deref().unwrap_or_default();
        node.package(self.options.host, &directory, version, anew).map(Some)
    }

    /// Lets a cell in Pyodide read these writers.
    pub(super) fn read_in_pyodide(
        &self,
        cell: &Ready<'_>,
        writers: Vec<Writer>,
    ) -> Result<(ReadAnswer, Duration), CellState> {
        let broken = |reason| CellState::BrokenEnvironment { reason };
        let mut done = self.ask::<ReadAnswer>(cell, Role::Read, writers.clone());
        // A file may be whole by its size and not work all the same.
        if cell.reused && done.as_ref().is_err_and(CellError::is_import_error) {
            self.pyodide(cell.cell, true).map_err(broken)?;
            done = self.ask(cell, Role::Read, writers);
        }
        let (answer, elapsed) = done.map_err(|error| match error {
            CellError::Import(reason) => broken(reason),
            error => CellState::ReadingFailed { reason: error.into_reason() },
        })?;
        let wanted = &cell.cell.result.pyodide;
        if answer.of.pyodide != *wanted {
            let [found, wanted] =
                [&answer.of.pyodide, wanted].map(|v| v.as_deref().unwrap_or("none"));
            return Err(broken(format!("it is Pyodide {found}, and {wanted} was asked for")));
        }
        Ok((answer, elapsed))
    }
}
