//! From a specification to cells: which Pythons are here, which numpys the index has for each, and
//! who reads whom.

mod pyodide;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub(crate) use self::pyodide::DIRECTORY as PYODIDES;
use crate::environment::Recipe;
use crate::installer::{Availability, Installer};
use crate::interpreters::{self, Interpreter};
use crate::parallel::parallel;
use crate::pyodide::Node;
use crate::wheel::{self, Wheel};
use crate::{
    CellKind, CellResult, CellState, Error, Lane, MatrixResult, Options, Progress, Shard,
    Specification, TestedWheel,
};

/// The name of the Rust core's cell, and that of the program that stands for a wheel.
const CORE: &str = "core";
const WHEEL_CORE: &str = "wheel-core";
/// How many questions the index is asked at once.
const QUESTIONS: usize = 4;

/// The cells of a run, and who reads whom.
#[derive(Debug)]
pub struct Plan {
    /// Every cell, in the order of the report.
    pub cells: Vec<PlannedCell>,
    /// The installer that answered, and that makes environments.
    pub(crate) installer: Option<Installer>,
    /// The wheels under test that some Python takes.
    pub(crate) wheels: Vec<TestedWheel>,
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
    /// In an environment that is made for it, and with a wheel that is installed beside it.
    Make { interpreter: Interpreter, recipe: Recipe, wheel: Option<Wheel> },
    /// In an environment that is there.
    Existing { python: PathBuf },
    /// By this program.
    Core,
    /// By Pyodide, which lies in a directory of the project or is installed by npm.
    Pyodide { node: Node, package: Option<PathBuf> },
    /// By a command of the project.
    Command { command: Vec<String> },
}

impl Plan {
    /// The cells that take part.
    pub fn runnable(&self) -> impl Iterator<Item = &PlannedCell> {
        self.cells.iter().filter(|cell| cell.way.is_some())
    }

    /// How many pairs are run.
    #[must_use]
    pub fn pairs(&self) -> usize {
        let read_by = |reader| self.runnable().filter(move |writer| self.wants(writer, reader));
        self.runnable().map(|reader| read_by(reader).count()).sum()
    }

    /// Whether this pair is run.
    pub(crate) fn wants(&self, writer: &PlannedCell, reader: &PlannedCell) -> bool {
        let (writer, reader) = (&writer.result, &reader.result);
        writer.kind.lane() == reader.kind.lane()
            && writer.writes
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
    let mut wheel_cells = Vec::new();
    let mut wheels = Vec::new();
    let mut installer = None;
    let lane = specification.wheel_lane;
    if (specification.cpython || lane) && !specification.numpys.is_empty() {
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
        let (picked, installer) = (pick(options, &found)?, installer.as_ref());
        if specification.cpython {
            made_cells(options, &picked, installer, &Making::Arrays, &mut cells)?;
        }
        if lane {
            let fitting = wheel::fitting(options, installer, &picked)?;
            wheels = wheel::tested(&fitting);
            let making = Making::Wheels(&fitting);
            made_cells(options, &picked, installer, &making, &mut wheel_cells)?;
        }
    }
    environment_cells(options, &mut cells);
    if specification.core {
        cells.push(core_cell());
    }
    if specification.pyodide {
        cells.append(&mut pyodide::cells(options));
    }
    cells.append(&mut wheel_cells);
    if lane && !specification.exchange_core.is_empty() {
        let command = specification.exchange_core.clone();
        let way = Some(Way::Command { command });
        cells.push(PlannedCell { result: cell(WHEEL_CORE, CellKind::WheelCore), way });
    }
    unique_names(&mut cells);
    let mut plan = Plan { cells, installer, wheels, pairs: None };
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
        wheel: None,
        pyodide: None,
        writes: true,
        reads: true,
        state: CellState::Ran,
        left_out: Vec::new(),
        remarks: Vec::new(),
        write_seconds: None,
        read_seconds: None,
    }
}

/// A Python as it was asked for, and what stands for it on this machine.
pub(crate) struct Picked {
    request: String,
    pub(crate) interpreter: Result<Interpreter, String>,
}

/// What kind of cells are made, and with what.
enum Making<'a> {
    /// numpy alone.
    Arrays,
    /// The wheel that each of the Pythons takes, too, or why it takes none.
    Wheels(&'a [Result<Wheel, String>]),
}

/// One question to the index.
struct Question<'a> {
    python: &'a str,
    interpreter: Result<&'a Interpreter, &'a String>,
    numpy: &'a str,
    wheel: Option<&'a Result<Wheel, String>>,
}

impl Question<'_> {
    /// The name of a cell of this Python and this numpy.
    fn name(&self, python: &str, numpy: &str) -> String {
        let lane = if self.wheel.is_some() { "wheel-" } else { "" };
        format!("{lane}py{python}-numpy{numpy}")
    }
}

fn pick(options: &Options<'_>, found: &[Interpreter]) -> Result<Vec<Picked>, Error> {
    let Options { host, project, specification, .. } = options;
    let requests = match specification.pythons.as_slice() {
        [] => interpreters::every_minor(found),
        named => named.to_vec(),
    };
    if requests.is_empty() {
        let reason = "there is no CPython of version 3.8 or newer on this machine".to_owned();
        return Err(Error::NothingToRun { reason });
    }
    let picked = requests.into_iter().map(|request| {
        let interpreter = interpreters::pick(host, project, found, &request);
        Picked { request, interpreter }
    });
    Ok(picked.collect())
}

fn made_cells(
    options: &Options<'_>,
    picked: &[Picked],
    installer: Option<&Installer>,
    making: &Making<'_>,
    cells: &mut Vec<PlannedCell>,
) -> Result<(), Error> {
    let specification = options.specification;
    let mut questions = Vec::new();
    for (place, Picked { request: python, interpreter }) in picked.iter().enumerate() {
        let wheel = match making {
            Making::Arrays => None,
            Making::Wheels(wheels) => wheels.get(place),
        };
        let interpreter = interpreter.as_ref();
        for numpy in &specification.numpys {
            questions.push(Question { python, interpreter, numpy, wheel });
        }
    }
    options.report(Progress::Phase { name: "asking the index", total: questions.len() });
    let answers = parallel(QUESTIONS, &questions, |question| {
        options.report(Progress::Begin { what: question.name(question.python, question.numpy) });
        let answer = answer(specification, installer, question);
        options.report(Progress::Done);
        answer
    });
    let mut known: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut exists: BTreeMap<&str, Result<(), String>> = BTreeMap::new();
    for (question, answer) in questions.iter().zip(answers) {
        let answer = answer?;
        let numpy_exists = exists.entry(question.numpy).or_insert(Err(String::new()));
        let kind = match question.wheel {
            None => CellKind::Cpython,
            Some(_) => CellKind::Wheel,
        };
        let mut planned = cell("", kind);
        planned.name = question.name(question.python, question.numpy);
        planned.python = Some(question.python.to_owned());
        planned.numpy = Some(question.numpy.to_owned());
        let wheel = question.wheel.and_then(|wheel| wheel.as_ref().ok());
        planned.wheel = wheel.map(Wheel::file_name);
        let mut way = None;
        planned.state = match (question.interpreter, answer) {
            (Ok(interpreter), Answer::Index(Availability::Versions { numpy, others })) => {
                *numpy_exists = Ok(());
                planned.name = question.name(&interpreter.minor(), &numpy);
                planned.python = Some(interpreter.version.to_string());
                planned.numpy = Some(numpy.clone());
                let key = (interpreter.executable.display().to_string(), numpy.clone());
                match known.get(&key) {
                    Some(first) => {
                        planned.name = question.name(question.python, question.numpy);
                        let reason = format!("it is the same as {first}");
                        CellState::NotAvailable { reason }
                    }
                    None => {
                        known.insert(key, planned.name.clone());
                        // What a wheel needs from the index is in the environment below it.
                        let needed = others.into_iter().filter(|requirement| {
                            wheel.is_some_and(|wheel| !wheel.provides(requirement))
                        });
                        let recipe = recipe(interpreter, &numpy, specification, needed.collect());
                        let (interpreter, wheel) = (interpreter.clone(), wheel.cloned());
                        way = Some(Way::Make { interpreter, recipe, wheel });
                        CellState::Ran
                    }
                }
            }
            (Ok(_), Answer::Index(Availability::None(reason))) => {
                if wheel.is_some_and(|wheel| wheel.is_named_in(&reason)) {
                    *numpy_exists = Ok(());
                } else if let Err(said) = numpy_exists {
                    said.clone_from(&reason);
                }
                CellState::NotAvailable { reason }
            }
            // In what follows nobody knows whether the index has it.
            (Ok(_), Answer::Refused(reason)) => {
                *numpy_exists = Ok(());
                CellState::NotAvailable { reason }
            }
            (Err(reason), _) => {
                *numpy_exists = Ok(());
                CellState::MissingInterpreter { reason: reason.clone() }
            }
            (Ok(_), Answer::Nobody) => {
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

/// What a question came to.
enum Answer {
    Index(Availability),
    /// The Python takes no wheel under test.
    Refused(String),
    /// Nobody could be asked.
    Nobody,
}

fn answer(
    specification: &Specification,
    installer: Option<&Installer>,
    question: &Question<'_>,
) -> Result<Answer, Error> {
    let (Ok(interpreter), Some(installer)) = (question.interpreter, installer) else {
        return Ok(Answer::Nobody);
    };
    let mut others = specification.requirements.clone();
    match question.wheel {
        Some(Err(reason)) => return Ok(Answer::Refused(reason.clone())),
        Some(Ok(wheel)) => others.push(wheel.path.display().to_string()),
        None => {}
    }
    let requirement = match question.numpy {
        "newest" => "numpy".to_owned(),
        version => format!("numpy=={version}"),
    };
    installer.available(interpreter, &requirement, &others).map(Answer::Index)
}

fn recipe(
    interpreter: &Interpreter,
    numpy: &str,
    specification: &Specification,
    needed: Vec<String>,
) -> Recipe {
    let requirements = std::iter::once(format!("numpy=={numpy}"))
        .chain(specification.requirements.iter().cloned())
        .chain(needed);
    Recipe {
        python: interpreter.executable.clone(),
        python_version: interpreter.version.to_string(),
        requirements: requirements.collect(),
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
        let CellResult { name, kind, writes, reads, .. } = &mut cell.result;
        *writes = kind.writes() && chosen.writers.as_ref().is_none_or(|writers| writers(name));
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
        let mut again = failed_pairs(previous);
        // What another wheel wrote and read says nothing of this one.
        if previous.wheels != plan.wheels {
            let of_wheels = |cell: &&PlannedCell| cell.result.kind.lane() == Lane::Wheel;
            let names = || plan.cells.iter().filter(of_wheels).map(|cell| cell.result.name.clone());
            for writer in names() {
                again.extend(names().map(|reader| (writer.clone(), reader)));
            }
        }
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
    let has_pair = plan.pairs() > 0;
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
        let reads = |cell: &&CellResult| cell.reads && cell.kind.lane() == writer.kind.lane();
        for reader in result.shown_cells().filter(reads) {
            let pair = pairs.get(&(writer.name.as_str(), reader.name.as_str()));
            if pair.is_none_or(|pair| !pair.passed()) {
                failed.insert((writer.name.clone(), reader.name.clone()));
            }
        }
    }
    failed
}
