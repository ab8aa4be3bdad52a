//! Whether what a wheel says of itself is true: its tags, its modules, its texts, and what it tells
//! of the machine that it was built on.

mod abi;
mod archive;
mod facts;
mod glibc;
mod leaks;
mod metadata;
mod platform;
mod record;
mod suffix;
mod tables;
#[cfg(test)]
mod tests;

use artifacts::wheel::Wheel;
use host::Version;
use report::Severity;
use serde::Serialize;

pub use leaks::{Secret, SecretKind};
#[cfg(test)]
pub(crate) use record::base64;

/// The longest file that the Python Package Index takes unless it is asked to take more, 100 MB.
pub const SIZE_LIMIT: u64 = 100 * 1024 * 1024;

/// What a wheel is held against, besides its own words.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The newest glibc that may be needed, whatever the tag says.
    pub max_glibc: Option<Version>,
    /// Bytes that the wheel may have.
    pub size_limit: u64,
    /// Shared libraries that may be needed besides those of the platform's policy.
    pub libraries: Vec<String>,
    /// What no file of the wheel may hold.
    pub secrets: Vec<Secret>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { max_glibc: None, size_limit: SIZE_LIMIT, libraries: Vec::new(), secrets: Vec::new() }
    }
}

/// One thing that is wrong with a wheel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Its name, which never changes: `glibc-too-new`.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The entry of the wheel, or the part of it, that it is about.
    pub place: String,
    /// What was seen.
    pub evidence: Vec<String>,
    /// Why it is so.
    pub cause: String,
    /// What to do about it.
    pub cure: String,
}

impl Problem {
    pub(crate) fn error(name: &'static str, place: impl Into<String>) -> Self {
        Self::new(name, Severity::Error, place)
    }

    pub(crate) fn warning(name: &'static str, place: impl Into<String>) -> Self {
        Self::new(name, Severity::Warning, place)
    }

    pub(crate) fn info(name: &'static str, place: impl Into<String>) -> Self {
        Self::new(name, Severity::Info, place)
    }

    fn new(name: &'static str, severity: Severity, place: impl Into<String>) -> Self {
        let place = place.into();
        Self {
            name,
            severity,
            place,
            evidence: Vec::new(),
            cause: String::new(),
            cure: String::new(),
        }
    }

    pub(crate) fn seen(mut self, evidence: impl Into<String>) -> Self {
        self.evidence.push(evidence.into());
        self
    }

    /// Several lines of evidence, of which the first few are kept and the others counted.
    pub(crate) fn seen_all(mut self, evidence: impl IntoIterator<Item = String>) -> Self {
        const SHOWN: usize = 8;
        let mut more = 0;
        for line in evidence {
            if self.evidence.len() < SHOWN {
                self.evidence.push(line);
            } else {
                more += 1;
            }
        }
        if more > 0 {
            self.evidence.push(format!("and {more} more"));
        }
        self
    }

    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = cause.into();
        self
    }

    pub(crate) fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cure = cure.into();
        self
    }
}

/// Everything that is wrong with a wheel, the worst first.
///
/// Every entry is unpacked once, in memory; nothing is executed.
#[must_use]
pub fn check(wheel: &Wheel, policy: &Policy) -> Vec<Problem> {
    let mut problems = Vec::new();
    let facts = facts::gather(wheel, policy, &mut problems);
    archive::check(wheel, policy, &mut problems);
    metadata::check(wheel, &facts, &mut problems);
    record::check(wheel, &facts, &mut problems);
    platform::check(wheel, &facts, &mut problems);
    glibc::check(wheel, policy, &facts, &mut problems);
    abi::check(wheel, &facts, &mut problems);
    problems.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
    problems
}
