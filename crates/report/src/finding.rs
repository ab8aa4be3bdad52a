//! One thing that is wrong, with everything a reader needs to believe it and to mend it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Fix;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing fails because of it.
    Info,
    /// Something will likely fail here.
    Warning,
    /// Something will fail here.
    Error,
}

impl Severity {
    /// `info`, `warning` or `error`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What kind of thing a finding is about; findings are grouped by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// The machine, the shell and its environment variables.
    Machine,
    /// A Rust toolchain, a linker, a container engine.
    Toolchain,
    /// A directory that builds use.
    Directory,
    /// The project's own files.
    Project,
    /// One Python environment.
    Environment,
    /// One data file.
    File,
    /// Two environments that exchange data; `path` is the writer's prefix and the label names both.
    Pair,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// Kind of thing.
    pub kind: SubjectKind,
    /// Its name for a reader, for example `.venv (Python 3.11.7)`.
    pub label: String,
    /// Its path, where it has one. Together with `kind` it identifies the subject.
    pub path: Option<String>,
}

impl Subject {
    /// A subject without a path.
    pub fn new(kind: SubjectKind, label: impl Into<String>) -> Self {
        Self { kind, label: label.into(), path: None }
    }

    /// A subject with a path.
    pub fn at(kind: SubjectKind, label: impl Into<String>, path: impl Into<String>) -> Self {
        Self { kind, label: label.into(), path: Some(path.into()) }
    }
}

/// One observation that a finding rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// File or directory where it was seen; `None` for a variable or a computed value.
    pub path: Option<String>,
    /// What was seen there.
    pub value: String,
}

/// The finding that another one follows from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BecauseOf {
    /// Its code.
    pub code: String,
    /// Its subject.
    pub subject: Subject,
}

/// One fault, found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable code, for example `NPY004`.
    pub code: String,
    /// Kebab-case name of the check.
    pub name: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// What is wrong, in one sentence without a final period.
    pub message: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// The root cause, in one or two sentences.
    pub cause: String,
    /// The finding that this one follows from, if any.
    pub because_of: Option<BecauseOf>,
    /// Cures, best first.
    pub fixes: Vec<Fix>,
}

impl Finding {
    /// A finding to be completed by the builder calls below. Code and name are filled in by
    /// whoever runs the check.
    pub fn new(severity: Severity, subject: Subject, message: impl Into<String>) -> Self {
        Self {
            code: String::new(),
            name: String::new(),
            severity,
            subject,
            message: message.into(),
            evidence: Vec::new(),
            cause: String::new(),
            because_of: None,
            fixes: Vec::new(),
        }
    }

    /// Adds an observation made at a path.
    #[must_use]
    pub fn seen_at(mut self, path: impl fmt::Display, value: impl Into<String>) -> Self {
        self.evidence.push(Evidence { path: Some(path.to_string()), value: value.into() });
        self
    }

    /// Adds an observation that has no path.
    #[must_use]
    pub fn seen(mut self, value: impl Into<String>) -> Self {
        self.evidence.push(Evidence { path: None, value: value.into() });
        self
    }

    /// Sets the root cause.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = cause.into();
        self
    }

    /// Adds a cure.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fixes.push(fix);
        self
    }

    /// Folds this finding under another one.
    #[must_use]
    pub fn because_of(mut self, code: &str, subject: Subject) -> Self {
        self.because_of = Some(BecauseOf { code: code.to_owned(), subject });
        self
    }
}
