//! What a run of the tool found, as data, and its renderers.
//!
//! The crate is a leaf: it knows nothing of Python, of facts or of the machine. Every renderer
//! reads the same [`Report`], so that text and JSON cannot disagree.

mod exit;
mod finding;
mod fix;
mod model;
mod outline;
pub mod render;

pub use exit::ExitStatus;
pub use finding::{BecauseOf, Evidence, Finding, Severity, Subject, SubjectKind};
pub use fix::{Fix, Platform, Safety, Step};
pub use model::{CheckRecord, Outcome, REPORT_SCHEMA, Report, Summary, Suppressed};
pub use outline::causes;
pub use render::Shell;
