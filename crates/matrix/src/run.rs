//! Running the cells: environments, then every corpus, then everyone reads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use host::{Host, Invocation, ProcessError, Scratch};
use serde::de::DeserializeOwned;

use crate::corpus::{self, Case};
use crate::environment::Prepared;
use crate::exchange::{
    self, ObjectToPickle, ReadAnswer, Request, Role, SelfDescription, WriteAnswer, Writer,
};
use crate::judge::Judge;
use crate::merge::replace;
use crate::parallel::parallel;
use crate::plan::{Plan, PlannedCell, Way, plan};
use crate::{
    CellKind, CellState, Error, Format, InstallerChoice, MachineInfo, MatrixResult, Observation,
    PickledObject, RESULT_SCHEMA, Shard, Specification, StoredCase,
};

/// The program that CPython cells run.
const CELL_PROGRAM: &str = include_str!("../python/cell.py");
/// First argument of this program when it is to be the core's cell; the second is a file.
pub const CORE_CELL: &str = "matrix-core-cell";
/// How many environments are made at once: most of it is waiting for the network and the disk.
const INSTALLATIONS: usize = 3;
/// The longest answer that is read; a thousand writers answer with some ten megabytes.
const ANSWER_LIMIT: u64 = 256 << 20;
/// What a process that failed may say of it.
const TALK_LIMIT: u64 = 1 << 20;

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
    python: Option<PathBuf>,
    /// Whether its environment was there before this run.
    reused: bool,
}

/// What a cell did in one role.
type Done<T> = Result<(T, Duration), String>;

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

    let runnable: Vec<&PlannedCell> = plan.runnable().collect();
    options.report(Progress::Phase { name: "environments", total: runnable.len() });
    let ready = parallel(INSTALLATIONS, &runnable, |cell| run.step(cell, || run.ready(cell)));
    let mut states: BTreeMap<&str, CellState> = BTreeMap::new();
    let mut cells = Vec::new();
    for (cell, ready) in runnable.iter().zip(ready) {
        match ready {
            Ok(ready) => cells.push(ready),
            Err(reason) => {
                states.insert(&cell.result.name, CellState::BrokenEnvironment { reason });
            }
        }
    }

    options.report(Progress::Phase { name: "writing", total: cells.len() });
    let written = parallel(options.jobs, &cells, |cell| run.step(cell.cell, || run.write(cell)));
    let mut answers: BTreeMap<&str, (WriteAnswer, Duration)> = BTreeMap::new();
    for (cell, written) in cells.iter().zip(written) {
        let name = cell.cell.result.name.as_str();
        match written {
            Ok(answer) => {
                answers.insert(name, answer);
            }
            Err(state) => {
                states.insert(name, state);
            }
        }
    }
    let writers: BTreeMap<&str, Writer> =
        answers.iter().map(|(name, (answer, _))| (*name, run.writer(name, answer))).collect();

    let readers: Vec<&Ready<'_>> = cells
        .iter()
        .filter(|cell| cell.cell.result.reads && answers.contains_key(&*cell.cell.result.name))
        .collect();
    options.report(Progress::Phase { name: "reading", total: readers.len() });
    let read =
        parallel(options.jobs, &readers, |cell| run.step(cell.cell, || run.read(cell, &writers)));

    let mut judge = Judge::new(&cases, &run.formats, &run.protocols);
    let mut result = run.empty_result(started);
    let mut read_seconds = BTreeMap::new();
    for (cell, read) in readers.iter().zip(read) {
        let name = cell.cell.result.name.as_str();
        match read {
            Ok((answer, elapsed)) => {
                read_seconds.insert(name, elapsed.as_secs_f64());
                for writer in run.writers_of(cell, &writers) {
                    let of_writer = answers.get(&*writer.name).map(|(answer, _)| &answer.of);
                    let sides = of_writer.map(|of| (of, &answer.of));
                    result.pairs.push(judge.pair(writer, name, sides, &answer));
                }
            }
            Err(reason) => {
                states.insert(name, CellState::ReadingFailed { reason });
            }
        }
    }
    for planned in &plan.cells {
        let mut cell = planned.result.clone();
        if let Some((answer, elapsed)) = answers.get(&*cell.name) {
            cell.write_seconds = Some(elapsed.as_secs_f64());
            cell.python = answer.of.python.clone().or(cell.python);
            cell.numpy = answer.of.numpy.clone().or(cell.numpy);
        }
        cell.read_seconds = read_seconds.get(&*cell.name).copied();
        if let Some(state) = states.get(&*cell.name) {
            cell.state = state.clone();
        }
        result.cells.push(cell);
    }
    result.observations = judge.into_observations();
    let place = |name: &str| plan.cells.iter().position(|cell| cell.result.name == name);
    result.pairs.sort_by_key(|pair| (place(&pair.writer), place(&pair.reader)));
    result.seconds = clock.elapsed().as_secs_f64();
    Ok(match options.previous {
        Some(previous) => replace(previous, result),
        None => result,
    })
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

    /// Does one part of a phase, and says so.
    fn step<R>(&self, cell: &PlannedCell, work: impl FnOnce() -> R) -> R {
        self.options.report(Progress::Begin { what: cell.result.name.clone() });
        let result = work();
        self.options.report(Progress::Done);
        result
    }

    fn ready<'c>(&self, cell: &'c PlannedCell) -> Result<Ready<'c>, String> {
        let (python, reused) = match &cell.way {
            Some(Way::Existing { python }) => (Some(python.clone()), false),
            Some(Way::Make { .. }) => {
                let Prepared { python, reused } = self.prepare(cell, false)?;
                (Some(python), reused)
            }
            Some(Way::Core) | None => (None, false),
        };
        Ok(Ready { cell, python, reused })
    }

    fn prepare(&self, cell: &PlannedCell, anew: bool) -> Result<Prepared, String> {
        let Some(Way::Make { interpreter, recipe }) = &cell.way else {
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
        let broken = |reason| CellState::BrokenEnvironment { reason };
        let mut done = self.ask::<WriteAnswer>(cell, Role::Write, Vec::new());
        // A file may be whole by its size and not work all the same.
        if cell.reused && done.as_ref().is_err_and(CellError::is_import_error) {
            self.prepare(cell.cell, true).map_err(broken)?;
            done = self.ask(cell, Role::Write, Vec::new());
        }
        let (answer, elapsed) = done.map_err(|error| match error {
            CellError::Import(reason) => broken(reason),
            CellError::Other(reason) => failed(reason),
        })?;
        self.is_as_asked(cell, &answer.of).map_err(broken)?;
        Ok((answer, elapsed))
    }

    /// Whether the numpy that answered is the one that the cell is named after.
    fn is_as_asked(&self, cell: &Ready<'_>, of: &SelfDescription) -> Result<(), String> {
        if cell.cell.result.kind != CellKind::Cpython || of.numpy == cell.cell.result.numpy {
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
        reader: &'w Ready<'_>,
        writers: &'w BTreeMap<&str, Writer>,
    ) -> impl Iterator<Item = &'w Writer> {
        let wanted = self.plan.runnable().filter(|writer| self.plan.wants(writer, reader.cell));
        wanted.filter_map(|writer| writers.get(&*writer.result.name))
    }

    fn read(&self, cell: &Ready<'_>, writers: &BTreeMap<&str, Writer>) -> Done<ReadAnswer> {
        let wanted = self.writers_of(cell, writers).cloned().collect();
        self.ask(cell, Role::Read, wanted).map_err(CellError::into_reason)
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
        let request = Request {
            role,
            leashed: true,
            corpus: self.scratch.path().to_path_buf(),
            answer: own.join(format!("{role_name}-answer.json")),
            own: own.clone(),
            formats: self.formats.clone(),
            imports: self.options.specification.imports.clone(),
            objects: self.objects.clone(),
            protocols: self.protocols.clone(),
            writers,
        };
        let file = own.join(format!("{role_name}.json"));
        let text = serde_json::to_vec(&request).map_err(|error| other(&error))?;
        host::write_atomically(&file, &text).map_err(|error| other(&error))?;
        let command = match &cell.python {
            Some(python) => {
                Invocation::new(python).args(["-I", "-B"]).arg(&self.program).arg(&file)
            }
            None => {
                let program = host::own_program().map_err(|error| other(&error))?;
                Invocation::new(program).arg(CORE_CELL).arg(&file)
            }
        };
        let output = clean_environment(self.options.host, command)
            .directory(&own)
            .timeout(self.options.specification.time_limit)
            .output_limit(TALK_LIMIT)
            .leashed()
            .output();
        let output = output.map_err(|error| match error {
            ProcessError::TimedOut { limit, .. } => CellError::Other(format!(
                "it ran longer than {} s and was killed; `time-limit` in `[matrix]` sets the limit",
                limit.as_secs()
            )),
            error => other(&error),
        })?;
        if !output.success() {
            return Err(CellError::of(&output));
        }
        let answer = self.options.host.read(&request.answer, ANSWER_LIMIT);
        let answer = answer.map_err(|error| other(&format!("it gave no answer: {error}")))?;
        let answer = serde_json::from_slice(&answer)
            .map_err(|error| other(&format!("its answer is not what was asked: {error}")))?;
        Ok((answer, output.elapsed))
    }

    fn empty_result(&self, started: SystemTime) -> MatrixResult {
        let case = |case: &Case| StoredCase {
            name: case.name.to_owned(),
            group: case.group.to_owned(),
            descr: case.descr.to_owned(),
            shape: case.shape.iter().map(|length| *length as u64).collect(),
            fortran: case.fortran,
        };
        let kinds = numpy_rules::kinds().iter().filter(|_| !self.objects.is_empty());
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
            formats: self.formats.clone(),
            cases: self.cases.iter().map(case).collect(),
            objects: kinds.map(object).collect(),
            protocols: self.protocols.clone(),
            observations: vec![Observation::Loads],
            cells: Vec::new(),
            pairs: Vec::new(),
        }
    }
}

/// Why a cell's process did not do what it was asked.
enum CellError {
    /// It cannot import what it needs.
    Import(String),
    /// Anything else.
    Other(String),
}

impl CellError {
    fn of(output: &host::Output) -> Self {
        let stderr = output.stderr_text();
        let last = stderr.trim_end().lines().last().unwrap_or("").trim().to_owned();
        let ended = match (output.signal, output.code) {
            (Some(signal), _) => format!("it was killed by signal {signal}"),
            (_, Some(code)) => format!("it ended with code {code}"),
            _ => "it ended".to_owned(),
        };
        let reason = if last.is_empty() { ended } else { format!("{ended}: {last}") };
        match output.code {
            Some(exchange::CANNOT_IMPORT) => Self::Import(last),
            _ => Self::Other(reason),
        }
    }

    fn is_import_error(&self) -> bool {
        matches!(self, Self::Import(_))
    }

    fn into_reason(self) -> String {
        match self {
            Self::Import(reason) | Self::Other(reason) => reason,
        }
    }
}

/// What a cell may see of the environment: what its system and its libraries need to work, and
/// nothing that changes what Python imports.
fn clean_environment(host: &Host, command: Invocation) -> Invocation {
    const KEPT: &[&str] = &[
        "PATH",
        "HOME",
        "TMPDIR",
        "TEMP",
        "TMP",
        "SYSTEMROOT",
        "SYSTEMDRIVE",
        "WINDIR",
        "COMSPEC",
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
    ];
    let mut command = command.clear_env();
    for (name, value) in host.variables.iter() {
        // Which kernels OpenBLAS takes is a matter of the processor.
        if KEPT.contains(&name) || name.starts_with("OPENBLAS_") {
            command = command.env(name, value);
        }
    }
    // A pool of threads for linear algebra costs more than everything that a cell does.
    ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"]
        .iter()
        .fold(command, |command, name| command.env(name, "1"))
        .env("LC_ALL", "C.UTF-8")
}
