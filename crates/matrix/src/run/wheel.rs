//! The parts of a run that only cells with a wheel under test have.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Outcome, Ready, Run};
use crate::exchange::{Exchange, Writer};
use crate::plan::{PlannedCell, Way};
use crate::process::CellError;
use crate::wheel::{self, Command, Reading, Written};
use crate::{CellKind, Lane, MatrixResult};

impl<'a> Run<'a> {
    /// Installs the wheel of a cell beside its environment; every run does so, as it takes less time
    /// than to find out whether it has to.
    pub(super) fn site(
        &self,
        cell: &PlannedCell,
        python: Option<&Path>,
    ) -> Result<Option<PathBuf>, String> {
        let (Some(Way::Make { interpreter, wheel: Some(wheel), .. }), Some(python)) =
            (&cell.way, python)
        else {
            return Ok(None);
        };
        let site = self.directory_of(&cell.result.name).join("site");
        let installer = self.plan.installer.as_ref().ok_or("there is no installer")?;
        installer
            .install_wheel(interpreter, python, &site, &wheel.path)
            .map_err(|reason| format!("the wheel cannot be installed: {reason}"))?;
        Ok(Some(site))
    }

    /// Whether the environment of a cell with a wheel is also that of one without.
    pub(super) fn is_shared(&self, cell: &PlannedCell) -> bool {
        let recipe = |way: &Option<Way>| match way {
            Some(Way::Make { recipe, .. }) => Some(recipe.clone()),
            _ => None,
        };
        let others = self.plan.cells.iter().filter(|other| other.result.kind == CellKind::Cpython);
        cell.result.kind == CellKind::Wheel
            && others.map(|other| recipe(&other.way)).any(|other| other == recipe(&cell.way))
    }

    /// What a cell with a wheel is asked to run.
    pub(super) fn exchange(&self, cell: &Ready<'_>) -> Option<Exchange> {
        let program = self.options.specification.exchange.clone()?;
        Some(Exchange { program, site: cell.site.clone()? })
    }

    /// Lets the cell write if it is a command.
    pub(super) fn write_by_command(&self, cell: &Ready<'_>) -> Option<Result<Duration, CellError>> {
        let command = self.command_of(cell)?;
        let own = self.directory_of(&cell.cell.result.name);
        let made = host::create_directory(&own);
        let made = made.map_err(|error| CellError::Other(error.to_string()));
        Some(made.and_then(|()| command.write(&own)))
    }

    /// Lets the cell read these writers if it is a command.
    pub(super) fn read_by_command(
        &self,
        cell: &Ready<'_>,
        writers: &[Writer],
    ) -> Option<Result<Duration, CellError>> {
        let command = self.command_of(cell)?;
        let own = &cell.cell.result.name;
        let files = writers.iter().map(|writer| {
            [writer.directory.join(wheel::ARRAYS), self.results_of(own, &writer.directory)]
        });
        Some(command.read(&files.collect::<Vec<_>>()))
    }

    fn command_of<'c>(&'c self, cell: &'c Ready<'_>) -> Option<Command<'c>> {
        let Some(Way::Command { command }) = &cell.cell.way else { return None };
        let limit = self.options.specification.time_limit;
        Some(Command { words: command, project: self.options.project, limit })
    }

    /// Where a reader keeps what it made of the arrays in a writer's directory.
    fn results_of(&self, reader: &str, writer: &Path) -> PathBuf {
        let writer = writer.file_name().unwrap_or_default().to_string_lossy();
        self.directory_of(reader).join(format!("of-{writer}.npz"))
    }

    /// Adds the pairs of the cells with wheels, and their arrays.
    pub(super) fn judge_wheels(
        &self,
        outcome: &Outcome<'a>,
        writers: &BTreeMap<&str, Writer>,
        result: &mut MatrixResult,
    ) {
        let of_wheels = |cell: &&PlannedCell| cell.result.kind.lane() == Lane::Wheel;
        let cells = || self.plan.cells.iter().filter(of_wheels);
        let mut written = Vec::new();
        for name in cells().map(|cell| cell.result.name.as_str()) {
            let Some((answer, _)) = outcome.written.get(name) else { continue };
            let own = self.directory_of(name);
            written.push(Written {
                name: name.to_owned(),
                arrays: own.join(wheel::ARRAYS),
                own_results: own.join(wheel::OWN_RESULTS),
                differs: answer.writes_differ,
            });
        }
        let mut readings = Vec::new();
        for cell in cells().filter(|cell| outcome.read.contains_key(&*cell.result.name)) {
            let reader = cell.result.name.as_str();
            for writer in self.writers_of(cell, writers) {
                let place = written.iter().position(|cell| cell.name == writer.name);
                let results = self.results_of(reader, &writer.directory);
                let reading = |writer| Reading { writer, reader: reader.into(), results };
                readings.extend(place.map(reading));
            }
        }
        let judged = wheel::judge(self.options.host, self.options.jobs, &written, &readings);
        result.pairs.extend(judged.pairs);
        result.cases.extend(judged.cases);
    }
}
