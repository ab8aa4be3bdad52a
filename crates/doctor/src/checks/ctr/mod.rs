//! CTR: container engines.

pub(super) mod ctr001;
pub(super) mod ctr002;
pub(super) mod ctr003;
pub(super) mod ctr004;
pub(super) mod ctr005;

use host::HostPath;
use report::{Severity, Subject, SubjectKind};

use crate::Facts;

/// Container engines, as the subject of a finding.
fn engines() -> Subject {
    Subject::new(SubjectKind::Toolchain, "container engines")
}

/// The file that says that the project wants an engine, and how bad it is to lack one: a
/// `[build]` section is this tool's own, and a Dockerfile may be for another machine.
fn wish(facts: &Facts) -> Option<(&HostPath, bool)> {
    let file = facts.engines.wanted_by.as_ref()?;
    let is_ours = file.file_name().is_some_and(|name| name == "truewheel.toml");
    Some((file, is_ours))
}

/// A warning where this tool itself needs the engine.
fn severity(is_ours: bool) -> Severity {
    if is_ours { Severity::Warning } else { Severity::Info }
}
