//! From sources to a wheel: what goes in, in which order, and what is kept of it.

mod conditions;
mod crates;
mod deliver;
mod error;
mod lock;
mod project;
mod run;
mod sbom;
mod sources;
mod stage;
mod statement;
mod store;
mod tools;

pub use conditions::{Axis, Conditions, Paths, bisect};
pub use crates::{Crate, CrateGraph};
pub use deliver::{Artifact, check_writable, deliver};
pub use error::Error;
pub use lock::{BuildLock, PythonFile};
pub use project::{Project, source_date_epoch};
pub use run::{Built, Event, Reproduction, Workshop};
pub use sbom::sbom;
pub use sources::{SourceFile, Sources};
pub use stage::{Inputs, Plan, Stage};
pub use statement::{Parameters, ResourceDescriptor, Statement, Subject};
pub use store::{Store, Target, Vendored, check_vendored};
pub use tools::program;

/// The result of what can fail here.
pub type Result<T> = std::result::Result<T, Error>;
