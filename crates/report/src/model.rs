//! A whole run.

use serde::{Deserialize, Serialize};

use crate::{ExitStatus, Finding, Severity, outline};

/// Version of the JSON layout of a [`Report`]; raised with every change that a reader could notice.
pub const REPORT_SCHEMA: &str = "truewheel-report/1";

/// How one check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Looked, and found nothing wrong.
    Ok,
    /// Found something.
    Findings,
    /// Could not judge; the reason says why. Never the same as ok.
    Skipped,
    /// The check itself failed; the reason says how.
    Crashed,
}

/// One check of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// Code of the check.
    pub code: String,
    /// Kebab-case name.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was skipped or crashed.
    pub reason: Option<String>,
    /// Time it took, in milliseconds.
    pub elapsed_ms: f64,
}

/// A finding that the configuration suppresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppressed {
    /// The finding.
    pub finding: Finding,
    /// The reason given in the configuration.
    pub reason: String,
    /// The last day on which the suppression holds, `YYYY-MM-DD`.
    pub until: Option<String>,
}

/// Counts over a run. Findings folded under another one are counted in `folded` only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Errors that are root causes.
    pub errors: usize,
    /// Warnings that are root causes.
    pub warnings: usize,
    /// Infos that are root causes.
    pub infos: usize,
    /// Findings that follow from another one.
    pub folded: usize,
    /// Findings suppressed by the configuration.
    pub suppressed: usize,
    /// Checks that looked.
    pub checked: usize,
    /// Checks that could not judge.
    pub skipped: usize,
    /// Checks that failed themselves.
    pub crashed: usize,
    /// Python environments found on the machine.
    pub environments: usize,
    /// Of those, the ones this project uses and the checks judged.
    pub judged: usize,
}

/// Everything a run of the doctor found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`REPORT_SCHEMA`]; first, so that a reader can stop early.
    pub schema: String,
    /// Version of the tool.
    pub version: String,
    /// System the facts are from: `linux`, `macos`, `windows`. Commands are printed for it.
    pub os: String,
    /// The project's directory.
    pub project: String,
    /// Findings, root causes before what follows from them, worst first within a subject.
    pub findings: Vec<Finding>,
    /// Findings that the configuration suppresses.
    pub suppressed: Vec<Suppressed>,
    /// Every check, in the order of the registry.
    pub checks: Vec<CheckRecord>,
    /// What could not be read on the way; never a reason to stop.
    pub unreadable: Vec<String>,
    /// Counts.
    pub summary: Summary,
    /// Time to gather the facts, in milliseconds.
    pub gather_ms: f64,
}

impl Report {
    /// Fills [`Report::summary`]'s counts of findings and checks from the lists.
    pub fn summarize(&mut self) {
        let mut summary = Summary {
            environments: self.summary.environments,
            judged: self.summary.judged,
            suppressed: self.suppressed.len(),
            ..Summary::default()
        };
        for (finding, cause) in self.findings.iter().zip(outline::causes(&self.findings)) {
            if cause.is_some() {
                summary.folded += 1;
                continue;
            }
            match finding.severity {
                Severity::Error => summary.errors += 1,
                Severity::Warning => summary.warnings += 1,
                Severity::Info => summary.infos += 1,
            }
        }
        for check in &self.checks {
            match check.outcome {
                Outcome::Ok | Outcome::Findings => summary.checked += 1,
                Outcome::Skipped => summary.skipped += 1,
                Outcome::Crashed => summary.crashed += 1,
            }
        }
        self.summary = summary;
    }

    /// The exit status of this run: errors count always, warnings with `strict`, and a check
    /// that crashed is a failure of the tool.
    #[must_use]
    pub fn exit_status(&self, strict: bool) -> ExitStatus {
        let worst = self.findings.iter().map(|finding| finding.severity).max();
        match worst {
            Some(Severity::Error) => ExitStatus::Problems,
            Some(Severity::Warning) if strict => ExitStatus::Problems,
            _ if self.summary.crashed > 0 => ExitStatus::ToolFailed,
            _ => ExitStatus::Healthy,
        }
    }
}
