//! What a project asks of its matrix, as `truewheel.toml` says it.

use std::path::PathBuf;
use std::time::Duration;

use crate::Format;

/// The oldest Python that is taken when a project names none.
pub(crate) const OLDEST_PYTHON: [u64; 2] = [3, 8];

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Specification {
    /// Pythons: versions (`3.11`, `3.11.7`) or paths of interpreters. Without any, every CPython
    /// of version 3.8 or newer that is found, the newest of each minor version.
    pub pythons: Vec<String>,
    /// numpys: versions, or `newest` for the newest that each Python can have.
    pub numpys: Vec<String>,
    /// What else is installed in every cell, as pip takes it.
    pub requirements: Vec<String>,
    /// Where the wheel under test lies: a file, a pattern for file names, or a directory.
    pub wheel: Option<PathBuf>,
    /// The Python program whose `write` and `read` each cell with the wheel calls.
    pub exchange: Option<PathBuf>,
    /// The command that writes and reads the same without Python; empty without one.
    pub exchange_core: Vec<String>,
    /// Versions of Pyodide: of the npm package (`0.25.1`), `newest`, or paths of directories in which
    /// a `pyodide.mjs` lies.
    pub pyodides: Vec<String>,
    /// Modules that every cell with a numpy must be able to import.
    pub imports: Vec<String>,
    /// Environments that exist already and take part as they are.
    pub environments: Vec<NamedEnvironment>,
    /// The formats of array files that are exchanged.
    pub formats: Vec<Format>,
    /// Whether pickles are exchanged and compared with the table of rules.
    pub pickles: bool,
    /// Whether the cells of `pythons` and `numpys` take part.
    pub cpython: bool,
    /// Whether the Rust core takes part.
    pub core: bool,
    /// Whether cells with the wheel take part.
    pub wheel_lane: bool,
    /// Whether the cells of `pyodides` take part.
    pub pyodide: bool,
    /// How long a cell may write, or read, before it is killed.
    pub time_limit: Duration,
}

/// An environment that takes part as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedEnvironment {
    /// Its name in the report.
    pub name: String,
    /// Its directory or interpreter.
    pub path: PathBuf,
}

impl Default for Specification {
    /// What is run for a project that says nothing: a numpy on either side of each change that
    /// decides which pickles load, and the ends of the range that is supported.
    fn default() -> Self {
        let numpys = [
            "1.17.5", "1.21.6", "1.23.5", "1.24.4", "1.26.0", "1.26.4", "2.0.2", "2.2.6", "newest",
        ];
        Self {
            pythons: Vec::new(),
            numpys: numpys.map(str::to_owned).into(),
            requirements: Vec::new(),
            wheel: None,
            exchange: None,
            exchange_core: Vec::new(),
            pyodides: vec!["newest".to_owned()],
            imports: Vec::new(),
            environments: Vec::new(),
            formats: Format::ALL.to_vec(),
            pickles: true,
            cpython: true,
            core: true,
            wheel_lane: false,
            pyodide: false,
            time_limit: Duration::from_secs(300),
        }
    }
}
