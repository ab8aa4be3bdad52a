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
mod diff;
mod facts;
mod gather;
pub mod log;
mod pages;
mod plan;
mod requirement;
mod run;
mod selection;
mod subjects;
#[cfg(test)]
mod testing;

pub use check::{Check, Findings};
pub use checks::CHECKS;
pub use diff::{Change, Comparison, Difference, Sides, compare};
pub use facts::*;
pub use gather::{GatherOptions, gather};
pub use pages::{Page, page, pages};
pub use plan::{
    Action, Cure, Entry, Installed, TomlProblem, environment_of_command, installed, plan,
    restore_packages, set_in_toml, toml_string,
};
pub use run::diagnose;
pub use selection::{Selection, UnknownCode, distance};

/// The names that the project's Rust sources declare for Python and that are not in the bytes of a
/// native module, as words; `None` where that cannot be told. Names under a condition that is not
/// known to hold are left out.
#[must_use]
pub fn declared_names_lacking_in(facts: &Facts, module: &[u8]) -> Option<Vec<String>> {
    checks::lacking_in(facts, module)
}
