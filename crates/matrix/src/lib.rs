//! Which Python and numpy read what every other one, and the Rust core, wrote.
//!
//! A *cell* is one Python with one numpy, the Rust core, or a Pyodide. Every cell but Pyodide's writes
//! the same corpus of arrays once, and every cell reads what every one of these wrote once; a *pair* is one writer and one reader, and
//! passes when dtype, byte order, memory order, shape and every byte agree. Pickles are the control:
//! they fail between some versions, a table says between which, and the matrix fails when that
//! prediction is wrong in either direction.
//!
//! Cells with a wheel under test exchange what that wheel makes, among themselves: a program of the
//! project calls it, and a pair passes when writer and reader have the bits that most cells have.

mod core;
mod corpus;
mod environment;
mod error;
mod exchange;
mod index;
mod installer;
mod interpreters;
mod judge;
mod merge;
mod model;
mod parallel;
mod plan;
mod process;
pub mod pyodide;
pub mod render;
mod run;
mod specification;
mod wheel;

pub use core::run_core_cell;
pub use error::Error;
pub use index::{index_variables, without_credentials};
pub use installer::InstallerChoice;
pub(crate) use interpreters::Interpreter;
pub use merge::merge;
pub use model::{
    CellKind, CellResult, CellState, Expectation, Format, FormatResult, Lane, LeftOut, MachineInfo,
    MatrixResult, Observation, PairResult, PickleResult, PickledObject, Problem, ProblemKind,
    RESULT_SCHEMA, Shard, StoredCase, Summary, TestedWheel, WrongPrediction,
};
pub use plan::{Plan, PlannedCell, plan};
pub use run::{CORE_CELL, CellSelection, NamePredicate, Options, Progress, run};
pub use specification::{NamedEnvironment, Specification};
