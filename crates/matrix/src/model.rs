//! What a run of the matrix found, as data: what the renderers read, shards are merged from, and
//! `--rerun-failed` starts from.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};

/// Name and version of the JSON form of [`MatrixResult`].
pub const RESULT_SCHEMA: &str = "truewheel-matrix/2";

/// Everything that a run, or several merged shards of one, found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MatrixResult {
    /// [`RESULT_SCHEMA`].
    pub schema: String,
    /// Name and version of the program that ran it.
    pub tool: String,
    /// Where it ran.
    pub machine: MachineInfo,
    /// When it began, in UTC: `2027-01-31T12:00:00Z`.
    pub started: String,
    /// How long it took, in seconds; of merged shards the sum.
    pub seconds: f64,
    /// The part of the pairs that this run was asked for; `None` when it was all of them.
    pub shard: Option<Shard>,
    /// The wheels under test: of several that lay there, those that some Python takes.
    pub wheels: Vec<TestedWheel>,
    /// File formats that were exchanged, in the order of the report.
    pub formats: Vec<Format>,
    /// The arrays of the corpus, and those of the wheel's program.
    pub cases: Vec<StoredCase>,
    /// The kinds of objects that were pickled; empty when pickles were left out.
    pub objects: Vec<PickledObject>,
    /// The pickle protocols, ascending.
    pub protocols: Vec<u8>,
    /// What reading a pickle can come to; [`PickleResult`] holds indices into this list.
    pub observations: Vec<Observation>,
    /// Every cell that was asked for, in the order of the report.
    pub cells: Vec<CellResult>,
    /// Every pair that was run, by writer and then by reader, in the order of the cells.
    pub pairs: Vec<PairResult>,
}

/// Where a run took place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineInfo {
    /// `linux`, `macos` or `windows`.
    pub os: String,
    /// `x86_64`, `aarch64`, and so on.
    pub arch: String,
}

/// One of several parts that the pairs are divided into, by their readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shard {
    /// Which part, from 1.
    pub index: u32,
    /// Of how many.
    pub count: u32,
}

impl fmt::Display for Shard {
    /// `2/4`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// A wheel under test.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TestedWheel {
    /// Its file name.
    pub file: String,
    /// SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
}

/// A format of array files, or what the wheel's program makes of arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One array in a file, as `np.save` writes it.
    Npy,
    /// All arrays in one archive, as `np.savez` writes it.
    Npz,
    /// The same, as `np.savez_compressed` writes it.
    NpzDeflated,
    /// What `write` of the wheel's program gave: the same in every cell.
    WheelWritten,
    /// What `read` of the wheel's program made of that: the same for every reader.
    WheelRead,
}

impl Format {
    /// Every format of array files.
    pub const ALL: [Self; 3] = [Self::Npy, Self::Npz, Self::NpzDeflated];

    /// Both of the lane `wheel`.
    pub const OF_WHEELS: [Self; 2] = [Self::WheelWritten, Self::WheelRead];

    /// `npy`, `npz`, `npz-deflated`, `wheel-written` or `wheel-read`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::Npz => "npz",
            Self::NpzDeflated => "npz-deflated",
            Self::WheelWritten => "wheel-written",
            Self::WheelRead => "wheel-read",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One array of the corpus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredCase {
    /// What it shows, such as `big-endian float64`.
    pub name: String,
    /// The family that a report lists it under, such as `floats`.
    pub group: String,
    /// Its type as an npy header says it, such as `'>f8'`.
    pub descr: String,
    /// Its shape.
    pub shape: Vec<u64>,
    /// Whether it lies in Fortran order.
    pub fortran: bool,
    /// The only format that has it: one of the wheel's program; `None` if every array file has it.
    pub only_in: Option<Format>,
}

/// One kind of object that is pickled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PickledObject {
    /// Its name, such as `array`.
    pub name: String,
    /// What it is, such as `an array that is contiguous in memory`.
    pub summary: String,
}

/// What became of one pickle at one reader.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Observation {
    /// The writer has no such object or protocol, so there is nothing to read.
    NotWritten {
        /// Why, such as `numpy 1.24.4 has no StringDType`.
        reason: String,
    },
    /// It loads, and is what was written.
    Loads,
    /// It loads, and is what was written, with a warning.
    Warns {
        /// The warning's type and text.
        message: String,
    },
    /// It does not load.
    Fails {
        /// The exception's type and text.
        message: String,
    },
    /// It loads as something else than what was written.
    Differs {
        /// What differs.
        message: String,
    },
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWritten { reason } => write!(f, "not written: {reason}"),
            Self::Loads => f.write_str("loads"),
            Self::Warns { message } => write!(f, "loads with {message}"),
            Self::Fails { message } => write!(f, "fails with {message}"),
            Self::Differs { message } => write!(f, "loads as something else: {message}"),
        }
    }
}

/// What a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellKind {
    /// A CPython with a numpy, in an environment that the matrix made.
    Cpython,
    /// An environment that was there already and that `truewheel.toml` names.
    Environment,
    /// The Rust crate `npz`.
    Core,
    /// A CPython with a numpy and the wheel under test, in an environment that the matrix made.
    Wheel,
    /// The program that does what the wheel does without Python.
    WheelCore,
    /// Pyodide under Node.js: it has no numpy, and reads with the loader that needs none.
    Pyodide,
}

/// Cells that exchange arrays with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Array files of numpy, and pickles.
    Arrays,
    /// What the wheel under test writes and reads.
    Wheel,
}

impl CellKind {
    /// The lane of such cells.
    #[must_use]
    pub fn lane(self) -> Lane {
        match self {
            Self::Cpython | Self::Environment | Self::Core | Self::Pyodide => Lane::Arrays,
            Self::Wheel | Self::WheelCore => Lane::Wheel,
        }
    }

    /// Whether such cells write arrays; every cell reads.
    #[must_use]
    pub fn writes(self) -> bool {
        self != Self::Pyodide
    }
}

/// Whether a cell took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum CellState {
    /// It wrote its corpus, if cells of its kind do, and read the others' if it was asked to.
    Ran,
    /// There is no such cell, and nothing is wrong with that: the index has no wheel of this numpy
    /// for this Python, or it is the same as another cell.
    NotAvailable {
        /// Why.
        reason: String,
    },
    /// The interpreter that was asked for is not on this machine.
    MissingInterpreter {
        /// What was looked for, and how to get it.
        reason: String,
    },
    /// Its environment could not be made or does not work.
    BrokenEnvironment {
        /// What the installer or the interpreter said.
        reason: String,
    },
    /// It could not write its corpus: it crashed, was killed, ran too long, or the disk was full.
    WritingFailed {
        /// What happened.
        reason: String,
    },
    /// It did not finish reading the others' arrays, after it wrote its own if its kind does.
    ReadingFailed {
        /// What happened.
        reason: String,
    },
}

impl CellState {
    /// Why it did not take part in full; `None` when it did.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ran => None,
            Self::NotAvailable { reason }
            | Self::MissingInterpreter { reason }
            | Self::BrokenEnvironment { reason }
            | Self::WritingFailed { reason }
            | Self::ReadingFailed { reason } => Some(reason),
        }
    }

    /// Whether it makes the matrix fail.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        !matches!(self, Self::Ran | Self::NotAvailable { .. })
    }
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellResult {
    /// Its name, which pairs refer to: `py3.11-numpy2.2.6`, `core`.
    pub name: String,
    /// What it is.
    pub kind: CellKind,
    /// The Python that was asked for (`3.11`); of a cell that ran, its version (`3.11.7`).
    pub python: Option<String>,
    /// The numpy that was asked for (`newest`); of a cell that ran, its version (`2.4.6`).
    pub numpy: Option<String>,
    /// The version of the crate `npz`, of the Rust core.
    pub core: Option<String>,
    /// The file name of the wheel that is installed in it.
    pub wheel: Option<String>,
    /// The version of Pyodide.
    pub pyodide: Option<String>,
    /// Whether it was asked to write.
    pub writes: bool,
    /// Whether it was asked to read; of several shards, one asks each cell.
    pub reads: bool,
    /// Whether it took part.
    #[serde(flatten)]
    pub state: CellState,
    /// The arrays of the corpus that it cannot hold, so that it neither writes nor reads them.
    pub left_out: Vec<LeftOut>,
    /// What somebody should know who uses it.
    pub remarks: Vec<String>,
    /// Seconds that writing its corpus took.
    pub write_seconds: Option<f64>,
    /// Seconds that reading everyone's took.
    pub read_seconds: Option<f64>,
}

/// An array that a cell cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Name of the case.
    pub case: String,
    /// Why, in the words of the cell.
    pub reason: String,
}

/// One writer and one reader.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairResult {
    /// Name of the cell that wrote.
    pub writer: String,
    /// Name of the cell that read.
    pub reader: String,
    /// What became of each file format.
    pub formats: Vec<FormatResult>,
    /// What became of the pickles; `None` where one side is not Python or pickles were left out.
    pub pickles: Option<PickleResult>,
}

/// What became of one file format between two cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormatResult {
    /// The format.
    pub format: Format,
    /// How many arrays were compared; those of the corpus that are not in `problems` agreed.
    pub compared: usize,
    /// What did not agree.
    pub problems: Vec<Problem>,
}

/// One array that was not read as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Name of the case.
    pub case: String,
    /// What happened.
    pub kind: ProblemKind,
    /// The exception's type and text, or what differs: `shape is (3,), not (3, 1)`.
    pub message: String,
}

/// How an array was not read as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// Reading it ended in an error.
    Error,
    /// It was read as something else.
    Differs,
    /// The reader said nothing about it.
    Missing,
}

/// What became of the pickles between two cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PickleResult {
    /// By name of the object, for each of [`MatrixResult::protocols`] an index into
    /// [`MatrixResult::observations`].
    pub observed: BTreeMap<String, Vec<usize>>,
    /// Where the table of rules said something else.
    pub wrong: Vec<WrongPrediction>,
}

/// What the table of rules says becomes of a pickle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Expectation {
    /// The writer has no such object or protocol.
    NotWritten,
    /// It loads.
    Loads,
    /// It loads with a warning that begins so.
    Warns {
        /// The beginning of the warning's type and text.
        message: String,
    },
    /// It loads as something else, and what differs begins so.
    Differs {
        /// The beginning of what differs.
        message: String,
    },
    /// It fails with a message that begins so.
    Fails {
        /// The beginning of the exception's type and text.
        message: String,
    },
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWritten => f.write_str("is not written"),
            Self::Loads => f.write_str("loads"),
            Self::Warns { message } => write!(f, "loads with {message}"),
            Self::Differs { message } => write!(f, "loads as something else: {message}"),
            Self::Fails { message } => write!(f, "fails with {message}"),
        }
    }
}

/// A pickle that behaved otherwise than the table of rules says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrongPrediction {
    /// Name of the object.
    pub object: String,
    /// The pickle protocol.
    pub protocol: u8,
    /// What the table says.
    pub predicted: Expectation,
    /// Index into [`MatrixResult::observations`] of what happened.
    pub observed: usize,
}

impl PairResult {
    /// Whether every array agreed and every pickle behaved as predicted.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.formats.iter().all(|format| format.problems.is_empty())
            && self.pickles.as_ref().is_none_or(|pickles| pickles.wrong.is_empty())
    }
}

/// A run in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Cells that took part.
    pub cells: usize,
    /// Cells that do not exist, such as a numpy without wheels for a Python.
    pub unavailable: usize,
    /// Cells that should have taken part and could not.
    pub failed_cells: usize,
    /// Pairs that passed.
    pub passed: usize,
    /// Pairs that failed.
    pub failed: usize,
    /// Pairs that the run was asked for and whose cells took part, but that were not run.
    pub not_run: usize,
    /// Arrays that were compared.
    pub arrays: usize,
    /// Pickles that were read.
    pub pickles: usize,
    /// Of these, pickles that failed as predicted.
    pub predicted_failures: usize,
}

impl Summary {
    /// Whether nothing failed and nothing is missing.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.failed_cells == 0 && self.failed == 0 && self.not_run == 0 && self.passed > 0
    }
}

impl MatrixResult {
    /// Every pair that was run, by the names of its writer and its reader.
    #[must_use]
    pub fn pairs_by_name(&self) -> HashMap<(&str, &str), &PairResult> {
        self.pairs.iter().map(|pair| ((pair.writer.as_str(), pair.reader.as_str()), pair)).collect()
    }

    /// The cells that are part of the table: those that exist.
    pub fn shown_cells(&self) -> impl Iterator<Item = &CellResult> {
        self.cells.iter().filter(|cell| !matches!(cell.state, CellState::NotAvailable { .. }))
    }

    /// Whether the run was asked for this pair, and both of its cells were able to take part.
    #[must_use]
    pub fn expects(&self, writer: &CellResult, reader: &CellResult) -> bool {
        let wrote = matches!(writer.state, CellState::Ran | CellState::ReadingFailed { .. });
        let same_lane = writer.kind.lane() == reader.kind.lane();
        same_lane && writer.writes && wrote && reader.reads && reader.state == CellState::Ran
    }

    /// The run in numbers.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for cell in &self.cells {
            match &cell.state {
                CellState::Ran => summary.cells += 1,
                CellState::NotAvailable { .. } => summary.unavailable += 1,
                _ => summary.failed_cells += 1,
            }
        }
        let pairs = self.pairs_by_name();
        for writer in &self.cells {
            for reader in self.cells.iter().filter(|reader| self.expects(writer, reader)) {
                match pairs.get(&(writer.name.as_str(), reader.name.as_str())) {
                    None => summary.not_run += 1,
                    Some(pair) if pair.passed() => summary.passed += 1,
                    Some(_) => summary.failed += 1,
                }
            }
        }
        for pair in &self.pairs {
            summary.arrays += pair.formats.iter().map(|format| format.compared).sum::<usize>();
            let observed = pair.pickles.iter().flat_map(|pickles| pickles.observed.values());
            for index in observed.flatten() {
                match self.observations.get(*index) {
                    None | Some(Observation::NotWritten { .. }) => {}
                    Some(Observation::Fails { .. }) => {
                        summary.pickles += 1;
                        summary.predicted_failures += 1;
                    }
                    Some(_) => summary.pickles += 1,
                }
            }
            let wrong = pair.pickles.iter().flat_map(|pickles| &pickles.wrong);
            let unpredicted = wrong
                .filter(|wrong| {
                    matches!(self.observations.get(wrong.observed), Some(Observation::Fails { .. }))
                })
                .count();
            summary.predicted_failures = summary.predicted_failures.saturating_sub(unpredicted);
        }
        summary
    }
}
