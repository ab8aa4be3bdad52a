//! The doctor: facts gathered once, pure checks over them, and a page for every fault.
//!
//! [`gather`] looks at the machine and returns [`Facts`]; [`diagnose`] runs the checks of
//! [`CHECKS`] over them and returns a [`report::Report`]. The two never mix: a check sees only
//! facts, so that the same diagnosis can be made from a file on another machine.

mod causes;
mod check;
mod checks;
mod cures;
pub mod data;
mod facts;
mod gather;
pub mod log;
mod pages;
mod run;
mod selection;
mod subjects;
#[cfg(test)]
mod testing;

pub use check::{Check, Findings};
pub use checks::CHECKS;
pub use facts::*;
pub use gather::{GatherOptions, gather};
pub use pages::{Page, page, pages};
pub use run::diagnose;
pub use selection::{Selection, UnknownCode, distance};
