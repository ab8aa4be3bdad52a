//! What a check is.

use report::Finding;

use crate::Facts;

/// One check: a static value in a file of its own, listed in [`crate::CHECKS`].
pub struct Check {
    /// Stable, public code, for example `NPY004`. A code is never used again for something else.
    pub code: &'static str,
    /// Name of the problem in kebab case; reads well after "allow".
    pub name: &'static str,
    /// What it looks for, in one line without a final period.
    pub summary: &'static str,
    /// Its page (`pages/CODE.md`): what it means, why it matters, how it looks, how to mend it.
    pub page: &'static str,
    /// Judges the facts. It does no I/O.
    pub run: fn(&Facts, &mut Findings),
    /// Facts on which it fires and on which it stays silent.
    #[cfg(test)]
    pub cases: Cases,
}

/// Facts for a check's own tests.
#[cfg(test)]
pub struct Cases {
    /// Each yields at least one finding of this check.
    pub fires: &'static [fn() -> Facts],
    /// Each yields none, though the fault is near.
    pub silent: &'static [fn() -> Facts],
}

impl Check {
    /// The letters of the code: `NPY` of `NPY004`.
    #[must_use]
    pub fn family(&self) -> &'static str {
        self.code.trim_end_matches(|c: char| c.is_ascii_digit())
    }
}

/// What one check says.
#[derive(Debug, Default)]
pub struct Findings {
    pub(crate) list: Vec<Finding>,
    pub(crate) skipped: Option<String>,
}

impl Findings {
    /// Reports a finding.
    pub fn push(&mut self, finding: Finding) {
        self.list.push(finding);
    }

    /// Says that the check could not judge here, and why: "not Windows", "no Cargo.lock". A check
    /// that could not judge is never counted as passed.
    pub fn skip(&mut self, reason: impl Into<String>) {
        self.skipped.get_or_insert(reason.into());
    }
}
