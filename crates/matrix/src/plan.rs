//! From a specification to cells: which Pythons are here, which numpys the index has for each, and
//! who reads whom.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use host::Host;

use crate::environment::{Recipe, file_digest};
use crate::installer::{Availability, Installer};
use crate::interpreters::{self, Interpreter};
use crate::parallel::parallel;
use crate::{
    CellKind, CellResult, CellState, Error, MatrixResult, Options, Progress, Shard, Specification,
};

/// The name of the Rust core's cell.
pub(crate) const CORE: &str = "core";
/// How many questions the index is asked at once.
const QUESTIONS: usize = 4;

/// The cells of a run, and who reads whom.
#[derive(Debug)]
pub struct Plan {
    /// Every cell, in the order of the report.
    pub cells: Vec<PlannedCell>,
    /// The installer that answered, and that makes environments.
    pub(crate) installer: Option<Installer>,
    /// Pairs that are run, where they are fewer than those that the cells' roles allow.
    pub(crate) pairs: Option<BTreeSet<(String, String)>>,
}

/// One cell before it is run.
#[derive(Debug)]
pub struct PlannedCell {
    /// What is known of it; of a cell that can run, its state is not yet true.
    pub result: CellResult,
    /// How it is run; `None` when it cannot be.
    pub(crate) way: Option<Way>,
}

/// How a cell is run.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// In an environment that is made for it.
    Make { interpreter: Interpreter, recipe: Recipe },
    /// In an environment that is there.
    Existing { python: PathBuf },
    /// By this program.
    Core,
}

impl Plan {
    /// The cells that take part.
    pub fn runnable(&self) -> impl Iterator<Item = &PlannedCell> {
        self.cells.iter().filter(|cell| cell.way.is_some())
    }

    /// Whether this pair is run.
    pub(crate) fn wants(&self, writer: &PlannedCell, reader: &PlannedCell) -> bool {
        let (writer, reader) = (&writer.result, &reader.result);
        writer.writes
            && reader.reads
            && self
                .pairs
                .as_ref()
                .is_none_or(|pairs| pairs.contains(&(writer.name.clone(), reader.name.clone())))
    }
}

/// Finds out which cells there are, and chooses among them.
///
/// # Errors
/// The index cannot be asked, a numpy exists for no Python, or nothing is left to run.
pub fn plan(options: &Options<'_>) -> Result<Plan, Error> {
    let Options { host, project, specification, .. } = options;
    let found = interpreters::find(host, project);
    let mut cells = Vec::new();
    let mut installer = None;
    if specification.cpython && !specification.numpys.is_empty() {
        if let Some(bootstrap) = found.first() {
            options.report(Progress::Phase { name: "asking the index", total: 0 });
            installer = Some(Installer::find(
                host,
                options.installer,
                bootstrap,
                &options.directory,
                options.offline,
            )?);
        }
        cpython_cells(options, &found, installer.as_ref(), &mut cells)?;
    }
    environment_cells(options, &mut cells);
    if specification.core {
        cells.push(core_cell());
    }
    unique_names(&mut cells);
    let mut plan = Plan { cells, installer, pairs: None };
    select(options, &mut plan)?;
    Ok(plan)
}

fn core_cell() -> PlannedCell {
    let mut result = cell(CORE, CellKind::Core);
    result.core = Some(npz::VERSION.to_owned());
    PlannedCell { result, way: Some(Way::Core) }
}

fn cell(name: &str, kind: CellKind) -> CellResult {
    CellResult {
        name: name.to_owned(),
        kind,
        python: None,
        numpy: None,
        core: None,
        writes: true,
        reads: true,
        state: CellState::Ran,
        write_seconds: None,
        read_seconds: None,
    }
}

/// One question to the index: a Python, by its place in the list of those found, and a numpy.
struct Question<'a> {
    python: &'a str,
    interpreter: Result<&'a Interpreter, &'a String>,
    numpy: &'a str,
}

fn cpython_cells(
    options: &Options<'_>,
    found: &[Interpreter],
    installer: Option<&Installer>,
    cells: &mut Vec<PlannedCell>,
) -> Result<(), Error> {
    let Options { host, project, specification, .. } = options;
    let requests = match specification.pythons.as_slice() {
        [] => interpreters::every_minor(found),
        named => named.to_vec(),
    };
    if requests.is_empty() {
        let reason = "there is no CPython of version 3.8 or newer on this machine".to_owned();
        return Err(Error::NothingToRun { reason });
    }
    let picked: Vec<(String, Result<Interpreter, String>)> = requests
        .into_iter()
        .map(|request| {
            let interpreter = interpreters::pick(host, project, found, &request);
            (request, interpreter)
        })
        .collect();
    let questions: Vec<Question<'_>> = picked
        .iter()
        .flat_map(|(python, interpreter)| {
            let question = |numpy| Question { python, interpreter: interpreter.as_ref(), numpy };
            specification.numpys.iter().map(move |numpy| question(numpy))
        })
        .collect();
    let wheel = wheel(host, specification)?;
    options.report(Progress::Phase { name: "asking the index", total: questions.len() });
    let answers = parallel(QUESTIONS, &questions, |question| {
        options.report(Progress::Begin { what: format!("{} {}", question.python, question.numpy) });
        let answer = match (question.interpreter, installer) {
            (Ok(interpreter), Some(installer)) => {
                let others = others(specification);
                let requirement = requirement(question.numpy);
                installer.available(interpreter, &requirement, &others).map(Some)
            }
            _ => Ok(None),
        };
        options.report(Progress::Done);
        answer
    });
    let mut known: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut exists: BTreeMap<&str, Result<(), String>> = BTreeMap::new();
    for (question, answer) in questions.iter().zip(answers) {
        let answer = answer?;
        let numpy_exists = exists.entry(question.numpy).or_insert(Err(String::new()));
        let mut planned = cell("", CellKind::Cpython);
        planned.name = format!("py{}-numpy{}", question.python, question.numpy);
        planned.python = Some(question.python.to_owned());
        planned.numpy = Some(question.numpy.to_owned());
        let mut way = None;
        planned.state = match (question.interpreter, answer) {
            (Ok(interpreter), Some(Availability::Version(numpy))) => {
                *numpy_exists = Ok(());
                planned.name = format!("py{}-numpy{numpy}", interpreter.minor());
                planned.python = Some(interpreter.version.to_string());
                planned.numpy = Some(numpy.clone());
                let key = (interpreter.executable.display().to_string(), numpy.clone());
                match known.get(&key) {
                    Some(first) => {
                        planned.name = format!("py{}-numpy{}", question.python, question.numpy);
                        let reason = format!("it is the same as {first}");
                        CellState::NotAvailable { reason }
                    }
                    None => {
                        known.insert(key, planned.name.clone());
                        let recipe = recipe(interpreter, &numpy, specification, wheel.as_ref());
                        way = Some(Way::Make { interpreter: interpreter.clone(), recipe });
                        CellState::Ran
                    }
                }
            }
            (Ok(_), Some(Availability::None(reason))) => {
                if let Err(said) = numpy_exists {
                    said.clone_from(&reason);
                }
                CellState::NotAvailable { reason }
            }
            (Err(reason), _) => {
                // Nobody knows whether the index has it.
                *numpy_exists = Ok(());
                CellState::MissingInterpreter { reason: reason.clone() }
            }
            (Ok(_), None) => {
                let reason = "there is no interpreter that could ask the index".to_owned();
                CellState::MissingInterpreter { reason }
            }
        };
        cells.push(PlannedCell { result: planned, way });
    }
    match exists.into_iter().find_map(|(numpy, exists)| Some((numpy, exists.err()?))) {
        Some((numpy, reason)) => Err(Error::NoSuchNumpy { numpy: numpy.to_owned(), reason }),
        None => Ok(()),
    }
}

fn requirement(numpy: &str) -> String {
    if numpy == "newest" { "numpy".to_owned() } else { format!("numpy=={numpy}") }
}

fn others(specification: &Specification) -> Vec<String> {
    let wheel = specification.wheel.iter().map(|path| path.display().to_string());
    specification.requirements.iter().cloned().chain(wheel).collect()
}

fn wheel(host: &Host, specification: &Specification) -> Result<Option<String>, Error> {
    let Some(path) = &specification.wheel else { return Ok(None) };
    let digest = file_digest(host, path).map_err(|reason| Error::NothingToRun {
        reason: format!("the wheel under test cannot be read: {reason}"),
    })?;
    Ok(Some(digest))
}

fn recipe(
    interpreter: &Interpreter,
    numpy: &str,
    specification: &Specification,
    wheel: Option<&String>,
) -> Recipe {
    let numpy = std::iter::once(format!("numpy=={numpy}"));
    Recipe {
        python: interpreter.executable.clone(),
        python_version: interpreter.version.to_string(),
        requirements: numpy.chain(others(specification)).collect(),
        wheel: wheel.cloned(),
    }
}

fn environment_cells(options: &Options<'_>, cells: &mut Vec<PlannedCell>) {
    for named in &options.specification.environments {
        let mut planned = cell(&named.name, CellKind::Environment);
        let mut way = None;
        match pyenvs::read_environment(options.host, &named.path) {
            Some(environment) if environment.is_usable() => {
                planned.python = environment.version.get().map(ToString::to_string);
                way = environment
                    .executable
                    .as_ref()
                    .map(|python| Way::Existing { python: python.to_path_buf() });
            }
            _ => {
                let reason = format!("there is no usable Python at {}", named.path.display());
                planned.state = CellState::MissingInterpreter { reason };
            }
        }
        cells.push(PlannedCell { result: planned, way });
    }
}

/// Pairs refer to cells by name, so a name that is taken gets a number.
fn unique_names(cells: &mut [PlannedCell]) {
    let mut taken = BTreeSet::new();
    for cell in cells {
        let name = cell.result.name.clone();
        let mut number = 2;
        while !taken.insert(cell.result.name.clone()) {
            cell.result.name = format!("{name}-{number}");
            number += 1;
        }
    }
}

/// Leaves what the user selected, the shard, and what failed last time.
fn select(options: &Options<'_>, plan: &mut Plan) -> Result<(), Error> {
    let chosen = &options.selection;
    plan.cells.retain(|cell| chosen.only.as_ref().is_none_or(|only| only(&cell.result.name)));
    for cell in &mut plan.cells {
        let CellResult { name, writes, reads, .. } = &mut cell.result;
        *writes = chosen.writers.as_ref().is_none_or(|writers| writers(name));
        *reads = chosen.readers.as_ref().is_none_or(|readers| readers(name));
    }
    if let Some(shard) = options.shard {
        let readers = plan.cells.iter_mut().filter(|cell| {
            cell.result.reads && !matches!(cell.result.state, CellState::NotAvailable { .. })
        });
        for (index, cell) in readers.enumerate() {
            cell.result.reads = shard.holds(index);
        }
    }
    if let Some(previous) = options.previous {
        let again = failed_pairs(previous);
        if again.is_empty() {
            let reason = "nothing failed in the last run".to_owned();
            return Err(Error::NothingToRun { reason });
        }
        for cell in &mut plan.cells {
            let name = &cell.result.name;
            cell.result.writes &= again.iter().any(|(writer, _)| writer == name);
            cell.result.reads &= again.iter().any(|(_, reader)| reader == name);
        }
        plan.pairs = Some(again);
    }
    if options.shard.is_none() {
        plan.cells.retain(|cell| cell.result.writes || cell.result.reads);
    }
    let has_pair = plan.runnable().any(|cell| cell.result.writes)
        && plan.runnable().any(|cell| cell.result.reads);
    let could_not = plan.cells.iter().any(|cell| cell.result.state.is_failure());
    if !has_pair && !could_not && options.shard.is_none() {
        let reason = match plan.cells.len() {
            0 => "no cell was selected".to_owned(),
            _ => "no cell that was selected can write, or none can read".to_owned(),
        };
        return Err(Error::NothingToRun { reason });
    }
    Ok(())
}

impl Shard {
    /// Whether the reader at this place, from 0, belongs to the shard.
    fn holds(self, place: usize) -> bool {
        place % self.count as usize == self.index as usize - 1
    }
}

/// The pairs that failed, and every pair of a cell that did not take part.
fn failed_pairs(result: &MatrixResult) -> BTreeSet<(String, String)> {
    let pairs = result.pairs_by_name();
    let mut failed = BTreeSet::new();
    for writer in result.shown_cells().filter(|cell| cell.writes) {
        for reader in result.shown_cells().filter(|cell| cell.reads) {
            let pair = pairs.get(&(writer.name.as_str(), reader.name.as_str()));
            if pair.is_none_or(|pair| !pair.passed()) {
                failed.insert((writer.name.clone(), reader.name.clone()));
            }
        }
    }
    failed
}
