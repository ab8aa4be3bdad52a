//! What came of a run, for a program: docs/fix.schema.json describes it.

use std::path::Path;

use doctor::{Action, Entry};
use report::{Report, Safety, Severity, Subject, Summary};
use serde::Serialize;

use super::outcome::{Outcome, Outcomes, Told};
use crate::failure::Failure;
use crate::output;

/// Version of the layout.
const SCHEMA: &str = "truewheel-fix/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: &'static str,
    os: &'a str,
    project: String,
    dry_run: bool,
    plan: Vec<Planned<'a>>,
    results: Vec<Ended<'a>>,
    remaining: Remaining,
}

#[derive(Serialize)]
struct Planned<'a> {
    code: &'a str,
    name: &'a str,
    severity: Severity,
    subject: &'a Subject,
    message: &'a str,
    title: &'a str,
    safety: Safety,
    actions: Vec<Act<'a>>,
    left: &'a [String],
    reason: Option<&'a str>,
    followers: &'a [String],
}

#[derive(Serialize)]
struct Act<'a> {
    kind: &'static str,
    typed: String,
    changes: String,
    argv: Option<&'a [String]>,
    path: Option<&'a str>,
}

#[derive(Serialize)]
struct Ended<'a> {
    code: &'a str,
    subject: &'a Subject,
    outcome: Told,
    reason: Option<&'a str>,
    output: &'a [String],
    brought_back: &'a [String],
    not_brought_back: &'a [String],
    new_errors: Vec<New<'a>>,
    undo: Option<u64>,
}

#[derive(Serialize)]
struct New<'a> {
    code: &'a str,
    subject: &'a Subject,
    message: &'a str,
}

#[derive(Serialize)]
struct Remaining {
    errors: usize,
    warnings: usize,
    infos: usize,
    folded: usize,
}

/// The document.
pub(super) fn render(
    remaining: &Report,
    outcomes: &Outcomes,
    dry_run: bool,
    project: &Path,
) -> Result<String, Failure> {
    let Summary { errors, warnings, infos, folded, .. } = remaining.summary;
    let document = Document {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        os: &outcomes.os,
        project: project.display().to_string(),
        dry_run,
        plan: outcomes.planned.iter().map(|entry| planned(entry, &outcomes.os)).collect(),
        results: outcomes.list.iter().map(|(entry, outcome)| ended(entry, outcome)).collect(),
        remaining: Remaining { errors, warnings, infos, folded },
    };
    output::json(&document).map(|text| report::render::json::escape_hidden(&text))
}

fn planned<'a>(entry: &'a Entry, os: &str) -> Planned<'a> {
    Planned {
        code: &entry.code,
        name: &entry.name,
        severity: entry.severity,
        subject: &entry.subject,
        message: &entry.message,
        title: &entry.cure.title,
        safety: entry.cure.safety,
        actions: entry.cure.actions.iter().map(|action| act(action, os)).collect(),
        left: &entry.cure.left,
        reason: entry.cure.reason.as_deref(),
        followers: &entry.followers,
    }
}

fn act<'a>(action: &'a Action, os: &str) -> Act<'a> {
    let (kind, argv, path) = match action {
        Action::Run { argv, .. } => ("run", Some(argv.as_slice()), None),
        Action::MoveAside { path, .. } => ("move_aside", None, Some(path.as_str())),
        Action::Write { file, .. } => ("write", None, Some(file.as_str())),
        Action::Configure { file, .. } => ("configure", None, Some(file.as_str())),
    };
    Act { kind, typed: action.typed(os), changes: action.changes(), argv, path }
}

fn ended<'a>(entry: &'a Entry, outcome: &'a Outcome) -> Ended<'a> {
    let new = outcome.new_errors.iter();
    Ended {
        code: &entry.code,
        subject: &entry.subject,
        outcome: outcome.told,
        reason: Some(outcome.reason.as_str()).filter(|reason| !reason.is_empty()),
        output: &outcome.output,
        brought_back: &outcome.brought_back,
        not_brought_back: &outcome.not_brought_back,
        new_errors: new
            .map(|f| New { code: &f.code, subject: &f.subject, message: &f.message })
            .collect(),
        undo: outcome.undo,
    }
}
