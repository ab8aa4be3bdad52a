//! `doctor --undo` and `--undo-clear`: what cures have changed, brought back or forgotten.

use std::time::Duration;

use anstyle::Style;
use report::ExitStatus;
use report::render::visible;
use serde::Serialize;

use super::apply::Work;
use super::record::{Record, State, Store};
use super::undo;
use crate::cli::{DoctorFlags, DoctorFormat};
use crate::commands::Context;
use crate::failure::Failure;
use crate::{output, table};

/// Version of the layout.
const SCHEMA: &str = "truewheel-undo/1";

pub(super) fn run(context: &Context<'_>, flags: &DoctorFlags) -> Result<ExitStatus, Failure> {
    let store = Store::of(context.host)?;
    match (flags.fix.undo.as_deref(), flags.fix.undo_clear.as_deref()) {
        (Some("list"), _) => list(context, flags, &store),
        (Some(which), _) => bring_back(context, flags, &store, which),
        (None, which) => clear(context, flags, &store, which.unwrap_or("all")),
    }
}

#[derive(Serialize)]
struct Listed<'a> {
    schema: &'static str,
    records: Vec<Line<'a>>,
    unreadable: Vec<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    id: u64,
    begun: &'a str,
    project: String,
    code: &'a str,
    subject: &'a str,
    title: &'a str,
    state: State,
    interrupted: bool,
}

fn list(
    context: &Context<'_>,
    flags: &DoctorFlags,
    store: &Store<'_>,
) -> Result<ExitStatus, Failure> {
    let mut records = Vec::new();
    let mut unreadable = Vec::new();
    for id in store.ids() {
        match store.load(id) {
            Ok(record) => records.push(record),
            Err(reason) => unreadable.push(reason),
        }
    }
    let is_interrupted = |record: &Record| record.is_interrupted(context.host);
    let text = match flags.format {
        DoctorFormat::Json => output::json(&Listed {
            schema: SCHEMA,
            records: records.iter().map(|r| line(r, is_interrupted(r))).collect(),
            unreadable,
        })?,
        _ if records.is_empty() && unreadable.is_empty() => {
            format!("nothing to undo: `{} doctor --fix` has changed nothing yet\n", context.name)
        }
        _ => {
            let rows: Vec<[String; 5]> = records
                .iter()
                .map(|record| {
                    [
                        record.id.to_string(),
                        record.begun.clone(),
                        record.code.clone(),
                        state(record, is_interrupted(record)).to_owned(),
                        visible(&format!("{} ({})", record.title, record.subject)).into_owned(),
                    ]
                })
                .collect();
            let rows = rows.iter().map(|row| row.each_ref().map(String::as_str));
            let style = Style::new().bold();
            let mut text = table::render(["ID", "WHEN", "CODE", "STATE", "CURE"], rows, style);
            for reason in unreadable {
                text.push_str(&format!("cannot be read: {}\n", visible(&reason)));
            }
            text
        }
    };
    context.printer.data(&text)?;
    Ok(ExitStatus::Healthy)
}

fn line(record: &Record, interrupted: bool) -> Line<'_> {
    Line {
        id: record.id,
        begun: &record.begun,
        project: record.project.display().to_string(),
        code: &record.code,
        subject: &record.subject,
        title: &record.title,
        state: record.state,
        interrupted,
    }
}

fn state(record: &Record, interrupted: bool) -> &'static str {
    match record.state {
        State::Begun if interrupted => "stopped half-way",
        State::Begun => "at work",
        State::Done => "done",
        State::Failed => "failed",
        State::Undone => "undone",
        State::PartlyUndone => "partly undone",
    }
}

#[derive(Serialize)]
struct Undone<'a> {
    schema: &'static str,
    id: u64,
    code: &'a str,
    state: State,
    brought_back: &'a [String],
    not_brought_back: &'a [String],
}

fn bring_back(
    context: &Context<'_>,
    flags: &DoctorFlags,
    store: &Store<'_>,
    which: &str,
) -> Result<ExitStatus, Failure> {
    let _lock = store.lock()?;
    let mut record = if which == "last" {
        let last = store.records().into_iter().rev().find(Record::can_be_undone);
        last.ok_or_else(|| Failure::input("there is nothing to undo"))?
    } else {
        named(context, store, which)?
    };
    if record.state == State::Begun && !record.is_interrupted(context.host) {
        return Err(Failure::input(format!("{} is at work", record.id))
            .hint("wait until that `doctor --fix` has ended"));
    }
    if !record.can_be_undone() {
        let how = match record.state {
            State::Failed => "its cure failed, and was undone then",
            _ => "it is undone already",
        };
        return Err(Failure::input(format!("{} cannot be undone: {how}", record.id)));
    }
    let project = record.project.clone();
    let work = Work {
        context,
        store,
        project: &project,
        limit: Duration::from_secs(flags.fix.time_limit),
        verbose: flags.verbose,
    };
    let brought = undo::bring_back(&work, &mut record)?;
    let text = match flags.format {
        DoctorFormat::Json => output::json(&Undone {
            schema: SCHEMA,
            id: record.id,
            code: &record.code,
            state: record.state,
            brought_back: &brought.back,
            not_brought_back: &brought.cannot,
        })?,
        _ => {
            let mut text = format!("{} {}: {}\n", record.id, record.code, visible(&record.title));
            for line in &brought.back {
                text.push_str(&format!("  ✓ {}\n", visible(line)));
            }
            for line in &brought.cannot {
                text.push_str(&format!("  ! {}\n", visible(line)));
            }
            if brought.back.is_empty() && brought.cannot.is_empty() {
                text.push_str("  it had changed nothing\n");
            }
            text
        }
    };
    context.printer.data(&text)?;
    Ok(if brought.cannot.is_empty() { ExitStatus::Healthy } else { ExitStatus::Problems })
}

fn named(context: &Context<'_>, store: &Store<'_>, which: &str) -> Result<Record, Failure> {
    let hint = format!("`{} doctor --undo` lists what can be undone", context.name);
    let id: u64 = which.parse().map_err(|_| {
        Failure::input(format!("`{which}` is neither `last` nor a number of the list")).hint(&hint)
    })?;
    if !store.ids().contains(&id) {
        return Err(Failure::input(format!("there is no record {id}")).hint(hint));
    }
    store.load(id).map_err(|reason| {
        Failure::input(format!("record {id} cannot be used")).details(vec![reason])
    })
}

fn clear(
    context: &Context<'_>,
    flags: &DoctorFlags,
    store: &Store<'_>,
    which: &str,
) -> Result<ExitStatus, Failure> {
    let _lock = store.lock()?;
    let ids = match which {
        "all" => store.ids(),
        one => vec![named(context, store, one)?.id],
    };
    let project = context.project()?;
    let work = Work {
        context,
        store,
        project: &project,
        limit: Duration::from_secs(flags.fix.time_limit),
        verbose: false,
    };
    let mut cleared = 0;
    for id in ids {
        let record = store.load(id).ok();
        if record
            .as_ref()
            .is_some_and(|r| r.state == State::Begun && !r.is_interrupted(context.host))
        {
            continue;
        }
        undo::forget(&work, record.as_ref(), id).map_err(|error| {
            Failure::tool(error, format!("cannot remove what is kept for {id}"))
        })?;
        cleared += 1;
    }
    let text = match flags.format {
        DoctorFormat::Json => {
            output::json(&serde_json::json!({ "schema": SCHEMA, "cleared": cleared }))?
        }
        _ => format!("{} forgotten\n", report::render::count(cleared, "cure", "cures")),
    };
    context.printer.data(&text)?;
    Ok(ExitStatus::Healthy)
}
