//! From sources to a wheel: what goes in, in which order, and what is kept of it.

mod bundle;
mod checkout;
mod conditions;
mod crates;
mod deliver;
mod error;
mod interpreter;
mod lock;
mod prepare;
mod project;
mod record;
mod run;
mod sbom;
mod sources;
mod stage;
mod statement;
mod store;
mod tools;
mod vendored;

pub use bundle::{read_bundle, write_bundle};
pub use checkout::checkout;
pub use conditions::{Axis, Conditions, Paths, bisect};
pub use crates::{Crate, CrateGraph};
pub use deliver::{Artifact, check_writable, deliver};
pub use error::Error;
pub use interpreter::{Interpreter, QUESTION, target_of};
pub use lock::{BuildLock, Crates, FILE as LOCK_FILE, Image, PythonFile, Rust};
pub use prepare::{Prepared, Update, Wanted};
pub use project::{Project, source_date_epoch};
pub use record::{RECORD, differences, record, sum_of_sources};
pub use run::{Built, Difference, Event, Reproduction, Workshop, compared};
pub use sbom::sbom;
pub use sources::{SourceFile, Sources};
pub use stage::{Inputs, Plan, Product, Stage, Trial};
pub use statement::{Parameters, ResourceDescriptor, Statement, Subject};
pub use store::{Store, Target};
pub use tools::program;
pub use vendored::{Vendored, check_vendored};

/// The result of what can fail here.
pub type Result<T> = std::result::Result<T, Error>;
