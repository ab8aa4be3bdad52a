//! Running the cells: environments, then every corpus, then everyone reads.

mod pyodide;
mod wheel;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use host::{Host, Invocation, Scratch};
use serde::de::DeserializeOwned;

use crate::corpus::{self, Case};
use crate::environment::Prepared;
use crate::exchange::{
    self, ObjectToPickle, ReadAnswer, Request, Role, SelfDescription, WriteAnswer, Writer,
};
use crate::judge::Judge;
use crate::merge::{replace, sort};
use crate::parallel::parallel;
use crate::plan::{Plan, PlannedCell, Way, plan};
use crate::process::{self, CellError};
use crate::{
    CellKind, CellResult, CellState, Error, Format, InstallerChoice, Lane, LeftOut, MachineInfo,
    MatrixResult, Observation, PickledObject, RESULT_SCHEMA, Shard, Specification, StoredCase,
};

/// The program that CPython cells run.
const CELL_PROGRAM: &str = include_str!("../../python/cell.py");
/// First argument of this program when it is to be the core's cell; the second is a file.
pub const CORE_CELL: &str = "matrix-core-cell";
/// How many environments are made at once: most of it is waiting for the network and the disk.
const INSTALLATIONS: usize = 3;
/// The longest answer that is read; a thousand writers answer with some ten megabytes.
const ANSWER_LIMIT: u64 = 256 << 20;
/// The longest note of what a process is doing.
const DOING_LIMIT: u64 = 4096;

/// A question about the name of a cell.
pub type NamePredicate<'a> = Box<dyn Fn(&str) -> bool + Sync + 'a>;

/// Which cells take part, and how.
#[derive(Default)]
pub struct CellSelection<'a> {
    /// Those that take part.
    pub only: Option<NamePredicate<'a>>,
    /// Those of them that write.
    pub writers: Option<NamePredicate<'a>>,
    /// Those of them that read.
    pub readers: Option<NamePredicate<'a>>,
}

/// How to run a matrix.
pub struct Options<'a> {
    /// The machine.
    pub host: &'a Host,
    /// The project, from which paths in the specification count.
    pub project: &'a Path,
    /// Where environments are kept and corpora are written.
    pub directory: PathBuf,
    /// What to run.
    pub specification: &'a Specification,
    /// The wheels that lie where the specification says, the newest first.
    pub wheels: &'a [PathBuf],
    /// Which of it.
    pub selection: CellSelection<'a>,
    /// The part of the pairs to run.
    pub shard: Option<Shard>,
    /// A result of which to run again what failed.
    pub previous: Option<&'a MatrixResult>,
    /// Who makes environments.
    pub installer: InstallerChoice,
    /// Whether the network may not be used.
    pub offline: bool,
    /// How many cells run at once.
    pub jobs: usize,
    /// Name and version of the program, for the result.
    pub tool: String,
    /// Who is told how far it is.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

impl Options<'_> {
    pub(crate) fn report(&self, progress: Progress) {
        (self.progress)(progress);
    }
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Something begins that has this many parts.
    Phase {
        /// What is done.
        name: &'static str,
        /// How many parts there are; 0 when that is not known.
        total: usize,
    },
    /// A part begins.
    Begin {
        /// Which one.
        what: String,
    },
    /// A part is done.
    Done,
}

/// A cell that is ready to run.
struct Ready<'a> {
    cell: &'a PlannedCell,
    /// The interpreter, unless the cell is no CPython.
    python: Option<PathBuf>,
    /// The directory of Pyodide, if the cell is one.
    pyodide: Option<PathBuf>,
    /// Where the wheel under test is installed.
    site: Option<PathBuf>,
    /// Whether its environment was there before this run.
    reused: bool,
}

/// Runs a matrix.
///
/// What goes wrong in one cell is part of the result.
///
/// # Errors
/// It cannot be planned, or the corpus or a request cannot be written.
pub fn run(options: &Options<'_>) -> Result<MatrixResult, Error> {
    let started = SystemTime::now();
    let clock = Instant::now();
    let plan = plan(options)?;
    let cases = corpus::cases();
    let run = Run::new(options, &plan, &cases)?;

    let mut outcome = Outcome::default();
    let cells = run.environments(&mut outcome);
    run.corpora(&cells, &mut outcome);
    let writers: BTreeMap<&str, Writer> = outcome
        .written
        .iter()
        .map(|(name, (answer, _))| (*name, run.writer(name, answer)))
        .collect();
    run.readings(&cells, &writers, &mut outcome);

    let mut judge = Judge::new(&cases, &run.formats, &run.protocols);
    let mut result = run.empty_result(started);
    for planned in plan.cells.iter() {
        result.cells.push(outcome.of(planned, &cases));
        let Some((answer, _)) = outcome.read.get(&*planned.result.name) else { continue };
        if planned.result.kind.lane() == Lane::Wheel {
            continue;
        }
        for writer in run.writers_of(planned, &writers) {
            let of_writer = outcome.written.get(&*writer.name).map(|(answer, _)| &answer.of);
            let sides = of_writer.map(|of| (of, &answer.of));
            result.pairs.push(judge.pair(writer, &planned.result, sides, answer));
        }
    }
    result.observations = judge.into_observations();
    run.judge_wheels(&outcome, &writers, &mut result);
    sort(&mut result);
    result.seconds = clock.elapsed().as_secs_f64();
    Ok(match options.previous {
        Some(previous) => replace(previous, result),
        None => result,
    })
}

/// What came of every cell, by name.
#[derive(Default)]
struct Outcome<'a> {
    written: BTreeMap<&'a str, (WriteAnswer, Duration)>,
    read: BTreeMap<&'a str, (ReadAnswer, Duration)>,
    /// Those that did not do all that they were asked.
    states: BTreeMap<&'a str, CellState>,
}

impl Outcome<'_> {
    /// A cell as the result has it.
    fn of(&self, planned: &PlannedCell, cases: &[Case]) -> CellResult {
        let mut cell = planned.result.clone();
        let written = self.written.get(&*cell.name);
        let read = self.read.get(&*cell.name);
        cell.write_seconds = written.map(|(_, elapsed)| elapsed.as_secs_f64());
        cell.read_seconds = read.map(|(_, elapsed)| elapsed.as_secs_f64());
        let said = written.map(|(answer, _)| &answer.of).or(read.map(|(answer, _)| &answer.of));
        if let Some(of) = said {
            cell.python = of.python.clone().or(cell.python);
            cell.numpy = of.numpy.clone().or(cell.numpy);
            cell.remarks = of.remarks.clone();
        }
        let mut reasons: BTreeMap<usize, &str> = BTreeMap::new();
        if let Some((answer, _)) = written {
            reasons.extend(answer.unsupported.iter().map(|(case, reason)| (*case, &**reason)));
        }
        if let Some((answer, _)) = read {
            let formats = answer.pairs.values().flat_map(|pair| pair.formats.values());
            let refused = formats.flat_map(|format| &format.refused);
            reasons.extend(refused.map(|(case, reason)| (*case, &**reason)));
        }
        cell.left_out = reasons
            .into_iter()
            .filter_map(|(case, reason)| {
                let case = cases.get(case)?.name.to_owned();
                Some(LeftOut { case, reason: reason.to_owned() })
            })
            .collect();
        if let Some(state) = self.states.get(&*cell.name) {
            cell.state = state.clone();
        }
        cell
    }
}

/// What every step of a run needs.
struct Run<'a> {
    options: &'a Options<'a>,
    plan: &'a Plan,
    cases: &'a [Case],
    scratch: Scratch,
    program: PathBuf,
    formats: Vec<Format>,
    objects: Vec<ObjectToPickle>,
    protocols: Vec<u8>,
}

impl<'a> Run<'a> {
    fn new(options: &'a Options<'a>, plan: &'a Plan, cases: &'a [Case]) -> Result<Self, Error> {
        let cannot_write = |path: &Path| {
            let path = path.to_path_buf();
            move |source| Error::Write { path, source }
        };
        let scratch =
            Scratch::new(&options.directory, "run").map_err(cannot_write(&options.directory))?;
        let program = scratch.path().join("cell.py");
        host::write_atomically(&program, CELL_PROGRAM.as_bytes())
            .map_err(cannot_write(&program))?;
        pyodide::write_programs(scratch.path()).map_err(cannot_write(scratch.path()))?;
        exchange::write_corpus(scratch.path(), cases).map_err(cannot_write(scratch.path()))?;
        let pickles = options.specification.pickles;
        let objects = numpy_rules::kinds().iter().filter(|_| pickles);
        let objects = objects
            .map(|kind| ObjectToPickle { name: kind.id.clone(), python: kind.python.clone() });
        Ok(Self {
            options,
            plan,
            cases,
            program,
            scratch,
            formats: options.specification.formats.clone(),
            objects: objects.collect(),
            protocols: if pickles { numpy_rules::PROTOCOLS.collect() } else { Vec::new() },
        })
    }

    /// First phase: an environment for every cell that needs one.
    fn environments(&self, outcome: &mut Outcome<'a>) -> Vec<Ready<'a>> {
        // What neither writes nor reads in this shard is not needed.
        let has_part = |cell: &&PlannedCell| cell.result.kind.writes() || cell.result.reads;
        let cells: Vec<&PlannedCell> = self.plan.runnable().filter(has_part).collect();
        self.options.report(Progress::Phase { name: "environments", total: cells.len() });
        let ready = parallel(INSTALLATIONS, &cells, |cell| self.step(cell, || self.ready(cell)));
        let mut made = Vec::new();
        for (cell, ready) in cells.iter().zip(ready) {
            match ready {
                Ok(ready) => made.push(ready),
                Err(reason) => {
                    let state = CellState::BrokenEnvironment { reason };
                    outcome.states.insert(&cell.result.name, state);
                }
            }
        }
        made
    }

    /// Second phase: every cell of a kind that writes writes the corpus.
    fn corpora(&self, cells: &[Ready<'a>], outcome: &mut Outcome<'a>) {
        let writers: Vec<&Ready<'a>> =
            cells.iter().filter(|cell| cell.cell.result.kind.writes()).collect();
        self.options.report(Progress::Phase { name: "writing", total: writers.len() });
        let written =
            parallel(self.options.jobs, &writers, |cell| self.step(cell.cell, || self.write(cell)));
        for (cell, written) in writers.iter().zip(written) {
            let name = cell.cell.result.name.as_str();
            match written {
                Ok(answer) => drop(outcome.written.insert(name, answer)),
                Err(state) => drop(outcome.states.insert(name, state)),
            }
        }
    }

    /// Third phase: every cell that is to read reads what the others wrote, unless it failed to write.
    fn readings(
        &self,
        cells: &[Ready<'a>],
        writers: &BTreeMap<&str, Writer>,
        outcome: &mut Outcome<'a>,
    ) {
        let is_well = |cell: &&Ready<'_>| {
            let CellResult { name, kind, .. } = &cell.cell.result;
            !kind.writes() || writers.contains_key(name.as_str())
        };
        let readers: Vec<&Ready<'a>> =
            cells.iter().filter(|cell| cell.cell.result.reads).filter(is_well).collect();
        self.options.report(Progress::Phase { name: "reading", total: readers.len() });
        let read = parallel(self.options.jobs, &readers, |cell| {
            self.step(cell.cell, || self.read(cell, writers))
        });
        for (cell, read) in readers.iter().zip(read) {
            let name = cell.cell.result.name.as_str();
            match read {
                Ok(answer) => drop(outcome.read.insert(name, answer)),
                Err(state) => drop(outcome.states.insert(name, state)),
            }
        }
    }

    /// Does one part of a phase, and says so.
    fn step<R>(&self, cell: &PlannedCell, work: impl FnOnce() -> R) -> R {
        self.options.report(Progress::Begin { what: cell.result.name.clone() });
        let result = work();
        self.options.report(Progress::Done);
        result
    }

    fn ready<'c>(&self, cell: &'c PlannedCell) -> Result<Ready<'c>, String> {
        if let Some(package) = self.pyodide(cell, false)? {
            let (pyodide, reused) = (Some(package.directory), package.reused);
            return Ok(Ready { cell, python: None, pyodide, site: None, reused });
        }
        let (python, reused) = match &cell.way {
            Some(Way::Existing { python }) => (Some(python.clone()), false),
            Some(Way::Make { .. }) => {
                let Prepared { python, reused } = self.prepare(cell, false)?;
                // The cell without a wheel makes it again, and is in it at this moment.
                (Some(python), reused && !self.is_shared(cell))
            }
            Some(Way::Core | Way::Command { .. } | Way::Pyodide { .. }) | None => (None, false),
        };
        let site = self.site(cell, python.as_deref())?;
        Ok(Ready { cell, python, pyodide: None, site, reused })
    }

    fn prepare(&self, cell: &PlannedCell, anew: bool) -> Result<Prepared, String> {
        let Some(Way::Make { interpreter, recipe, .. }) = &cell.way else {
            return Err("its environment is not one that the matrix makes".to_owned());
        };
        let installer = self.plan.installer.as_ref().ok_or("there is no installer")?;
        let directory = self.options.directory.join("environments");
        recipe.prepare(self.options.host, installer, &directory, interpreter, anew)
    }

    /// The directory of a cell: names come from the configuration, so they are not file names.
    fn directory_of(&self, name: &str) -> PathBuf {
        let place = self.plan.cells.iter().position(|cell| cell.result.name == name);
        self.scratch.path().join(format!("cell-{}", place.unwrap_or_default()))
    }

    fn write(&self, cell: &Ready<'_>) -> Result<(WriteAnswer, Duration), CellState> {
        let failed = |reason| CellState::WritingFailed { reason };
        if let Some(done) = self.write_by_command(cell) {
            let elapsed = done.map_err(CellError::into_reason).map_err(failed)?;
            return Ok((WriteAnswer::default(), elapsed));
        }
        let broken = |reason| CellState::BrokenEnvironment { reason };
        let mut done = self.ask::<WriteAnswer>(cell, Role::Write, Vec::new());
        // A file may be whole by its size and not work all the same.
        if cell.reused && done.as_ref().is_err_and(CellError::is_import_error) {
            self.prepare(cell.cell, true).map_err(broken)?;
            done = self.ask(cell, Role::Write, Vec::new());
        }
        let (answer, elapsed) = done.map_err(|error| match error {
            CellError::Import(reason) | CellError::Program(reason) => broken(reason),
            CellError::Other(reason) => failed(reason),
        })?;
        self.is_as_asked(cell, &answer.of).map_err(broken)?;
        Ok((answer, elapsed))
    }

    /// Whether the numpy that answered is the one that the cell is named after.
    fn is_as_asked(&self, cell: &Ready<'_>, of: &SelfDescription) -> Result<(), String> {
        let is_made = matches!(cell.cell.result.kind, CellKind::Cpython | CellKind::Wheel);
        if !is_made || of.numpy == cell.cell.result.numpy {
            return Ok(());
        }
        let found = of.numpy.as_deref().unwrap_or("nothing");
        let place = of.numpy_directory.as_deref().unwrap_or(Path::new("nowhere"));
        Err(format!("importing numpy gives {found}, from {}", place.display()))
    }

    fn writer(&self, name: &str, answer: &WriteAnswer) -> Writer {
        Writer {
            name: name.to_owned(),
            directory: self.directory_of(name),
            unsupported: answer.unsupported.clone(),
            pickles: answer.pickles.clone(),
            protocols: self.protocols.clone(),
        }
    }

    fn writers_of<'w>(
        &'w self,
        reader: &'w PlannedCell,
        writers: &'w BTreeMap<&str, Writer>,
    ) -> impl Iterator<Item = &'w Writer> {
        let wanted = self.plan.runnable().filter(|writer| self.plan.wants(writer, reader));
        wanted.filter_map(|writer| writers.get(&*writer.result.name))
    }

    fn read(
        &self,
        cell: &Ready<'_>,
        writers: &BTreeMap<&str, Writer>,
    ) -> Result<(ReadAnswer, Duration), CellState> {
        let failed = |error: CellError| CellState::ReadingFailed { reason: error.into_reason() };
        let wanted: Vec<Writer> = self.writers_of(cell.cell, writers).cloned().collect();
        if let Some(done) = self.read_by_command(cell, &wanted) {
            return Ok((ReadAnswer::default(), done.map_err(failed)?));
        }
        if cell.pyodide.is_some() {
            return self.read_in_pyodide(cell, wanted);
        }
        self.ask(cell, Role::Read, wanted).map_err(failed)
    }

    /// Runs one process of a cell, and reads its answer.
    fn ask<A: DeserializeOwned>(
        &self,
        cell: &Ready<'_>,
        role: Role,
        writers: Vec<Writer>,
    ) -> Result<(A, Duration), CellError> {
        let other = |error: &dyn std::fmt::Display| CellError::Other(error.to_string());
        let own = self.directory_of(&cell.cell.result.name);
        host::create_directory(&own).map_err(|error| other(&error))?;
        let role_name = match role {
            Role::Write => "write",
            Role::Read => "read",
        };
        let exchange = self.exchange(cell);
        // A cell with a wheel has its own arrays.
        let arrays = exchange.is_none();
        let request = Request {
            role,
            leashed: true,
            corpus: self.scratch.path().to_path_buf(),
            answer: own.join(format!("{role_name}-answer.json")),
            own: own.clone(),
            formats: if arrays { self.formats.clone() } else { Vec::new() },
            imports: self.options.specification.imports.clone(),
            objects: if arrays { self.objects.clone() } else { Vec::new() },
            protocols: if arrays { self.protocols.clone() } else { Vec::new() },
            writers,
            exchange,
        };
        let file = own.join(format!("{role_name}.json"));
        let text = serde_json::to_vec(&request).map_err(|error| other(&error))?;
        host::write_atomically(&file, &text).map_err(|error| other(&error))?;
        let command = match (&cell.python, &cell.cell.way, &cell.pyodide) {
            (Some(python), ..) => {
                Invocation::new(python).args(["-I", "-B"]).arg(&self.program).arg(&file)
            }
            (None, Some(Way::Pyodide { node, .. }), Some(package)) => {
                pyodide::command(node, self.scratch.path(), package, &file)
            }
            _ => {
                let program = host::own_program().map_err(|error| other(&error))?;
                Invocation::new(program).arg(CORE_CELL).arg(&file)
            }
        };
        let limit = self.options.specification.time_limit;
        let elapsed =
            process::run(self.options.host, command.directory(&own), limit).map_err(|error| {
                let doing = self.options.host.read_text(&own.join(exchange::DOING), DOING_LIMIT);
                error.while_it(doing.ok().as_deref())
            })?;
        let answer = self.options.host.read(&request.answer, ANSWER_LIMIT);
        let answer = answer.map_err(|error| other(&format!("it gave no answer: {error}")))?;
        let answer = serde_json::from_slice(&answer)
            .map_err(|error| other(&format!("its answer is not what was asked: {error}")))?;
        Ok((answer, elapsed))
    }

    fn empty_result(&self, started: SystemTime) -> MatrixResult {
        let specification = self.options.specification;
        let has_arrays = self.plan.cells.iter().any(|cell| cell.result.kind.lane() == Lane::Arrays);
        let mut formats = if has_arrays { self.formats.clone() } else { Vec::new() };
        if specification.wheel_lane {
            formats.extend(Format::OF_WHEELS);
        }
        let cases = self.cases.iter().filter(|_| has_arrays);
        let case = |case: &Case| StoredCase {
            name: case.name.to_owned(),
            group: case.group.to_owned(),
            descr: case.descr.to_owned(),
            shape: case.shape.iter().map(|length| *length as u64).collect(),
            fortran: case.fortran,
            only_in: None,
        };
        let kinds = numpy_rules::kinds().iter().filter(|_| has_arrays && !self.objects.is_empty());
        let object = |kind: &numpy_rules::Kind| PickledObject {
            name: kind.id.clone(),
            summary: kind.name.clone(),
        };
        MatrixResult {
            schema: RESULT_SCHEMA.to_owned(),
            tool: self.options.tool.clone(),
            machine: MachineInfo {
                os: self.options.host.os.to_string(),
                arch: String::from(self.options.host.arch.clone()),
            },
            started: host::utc(started),
            seconds: 0.0,
            shard: self.options.shard,
            wheels: self.plan.wheels.clone(),
            formats,
            cases: cases.map(case).collect(),
            objects: kinds.map(object).collect(),
            protocols: if has_arrays { self.protocols.clone() } else { Vec::new() },
            observations: vec![Observation::Loads],
            cells: Vec::new(),
            pairs: Vec::new(),
        }
    }
}
