//! `doctor --watch`: a diagnosis whenever the facts may have changed, told by what it changes.
//!
//! The facts name every file that they rest on. Those files, and the directories around them in the
//! project and in environments, are looked at every second: that takes milliseconds, works on every
//! file system, and needs nothing that each system does in its own way. An interruption ends the
//! program at once, as nothing is ever half-done between two lines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use doctor::{Change, Comparison, Facts, Sides};
use report::render::json::{FindingWithLines, escape_hidden, with_lines};
use report::render::{Options, human, visible};
use report::{ExitStatus, Finding, Report, Summary};
use serde::Serialize;
use serde_json::Value;

use super::doctor::shorten_home;
use crate::cli::DoctorFormat;
use crate::commands::Context;
use crate::failure::Failure;

/// Time between two looks.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long nothing must change before the facts are gathered again: an installation changes
/// thousands of files.
const QUIET: Duration = Duration::from_millis(300);
/// Looks that are waited for quiet at most; a build may go on for minutes.
const MOST_LOOKS: usize = 30;
/// Files watched at most.
const MOST_FILES: usize = 20_000;
/// Changed files that are named.
const NAMED: usize = 3;
/// Version of the layout of a line.
const WATCH_SCHEMA: &str = "truewheel-watch/1";

/// What is known of a file without reading it: what replaces it changes one of these.
type Stamp = Option<(i64, i64, u64, u64)>;
type Stamps = BTreeMap<PathBuf, Stamp>;

/// Diagnoses, watches, and diagnoses again. Returns only when nobody reads any more.
pub(super) fn run(
    context: &Context<'_>,
    format: DoctorFormat,
    options: &Options,
    diagnose: &dyn Fn() -> (Facts, Report),
) -> Result<ExitStatus, Failure> {
    if !matches!(format, DoctorFormat::Human | DoctorFormat::Json) {
        return Err(Failure::input("`--watch` is for people or programs")
            .hint("use `--format human` or `--format json` with it"));
    }
    let (mut facts, mut report) = diagnose();
    let first = match format {
        DoctorFormat::Json => line(&Event::first(&report))?,
        _ => {
            let mut shown = report.clone();
            shorten_home(&mut shown, &facts);
            human::render(&shown, options)
        }
    };
    if !context.printer.live(&first)? {
        return Ok(ExitStatus::Healthy);
    }
    let mut stamps = look(context, &watched(&facts));
    context
        .printer
        .talk(&format!("watching {} files and directories; interrupt to end\n", stamps.len()));
    loop {
        sleep(INTERVAL);
        let changed = changed(context, &stamps);
        if changed.is_empty() {
            continue;
        }
        settle(context, &stamps);
        let (new_facts, new_report) = diagnose();
        let comparison = doctor::compare(
            Sides { facts: &facts, report: &report },
            Sides { facts: &new_facts, report: &new_report },
        )
        .map_err(|error| Failure::tool(error, "cannot compare the facts"))?;
        if comparison.matters() {
            let text = match format {
                DoctorFormat::Json => line(&Event::change(&comparison, &report, &new_report))?,
                _ => told(&comparison, &changed, &new_facts, &new_report, options),
            };
            if !context.printer.live(&text)? {
                return Ok(ExitStatus::Healthy);
            }
        }
        (facts, report) = (new_facts, new_report);
        stamps = look(context, &watched(&facts));
    }
}

/// Every path that the facts name, and what is around it in the project and in environments. The
/// directories that everybody writes to all the time are left out.
fn watched(facts: &Facts) -> BTreeSet<PathBuf> {
    let mut named = BTreeSet::new();
    let value = facts.to_json().ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
    if let Some(Value::Object(mut sections)) = value {
        // Where builds write, and the memory of processes that are gone.
        sections.remove("directories");
        sections.values().for_each(|section| paths(section, &mut named));
    }
    let root = facts.project.root.as_path();
    let prefixes: Vec<&Path> =
        facts.judged().map(|environment| environment.python.prefix.as_path()).collect();
    let is_inside = |path: &Path| {
        path.starts_with(root) || prefixes.iter().any(|prefix| path.starts_with(prefix))
    };
    let parents: Vec<PathBuf> = named
        .iter()
        .filter_map(|path| path.parent())
        .filter(|parent| is_inside(parent))
        .map(Path::to_path_buf)
        .collect();
    named.extend(parents);
    named.insert(root.to_path_buf());
    // A file that is not there yet is a fact as well.
    named.extend(
        ["pyproject.toml", "Cargo.toml", "Cargo.lock", "truewheel.toml", ".venv", "uv.lock"]
            .map(|name| root.join(name)),
    );
    let busy = facts.directories.iter().filter(|directory| !is_inside(&directory.path));
    for directory in busy {
        named.remove(directory.path.as_path());
        named.remove(directory.nearest.as_path());
    }
    if let Some(home) = &facts.machine.home {
        named.remove(home.as_path());
    }
    named.into_iter().take(MOST_FILES).collect()
}

fn paths(value: &Value, named: &mut BTreeSet<PathBuf>) {
    match value {
        Value::String(text) => {
            let path = Path::new(text);
            if path.is_absolute() && path.parent().is_some() && !text.contains('\n') {
                named.insert(path.to_path_buf());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| paths(item, named)),
        Value::Object(fields) => fields.values().for_each(|field| paths(field, named)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn stamp(context: &Context<'_>, path: &Path) -> Stamp {
    let metadata = context.host.metadata(path).ok()?;
    // The link itself may have been turned to another file of the same times.
    let link = context.host.symlink_metadata(path).ok()?;
    Some((metadata.modified_ns, link.changed_ns, metadata.len, metadata.inode))
}

fn look(context: &Context<'_>, files: &BTreeSet<PathBuf>) -> Stamps {
    files.iter().map(|path| (path.clone(), stamp(context, path))).collect()
}

fn changed(context: &Context<'_>, stamps: &Stamps) -> Vec<PathBuf> {
    let differs = |(path, known): &(&PathBuf, &Stamp)| stamp(context, path) != **known;
    stamps.iter().filter(differs).map(|(path, _)| path.clone()).collect()
}

/// Waits until nothing changes any more.
fn settle(context: &Context<'_>, stamps: &Stamps) {
    let files: BTreeSet<PathBuf> = stamps.keys().cloned().collect();
    let mut last = look(context, &files);
    for _ in 0..MOST_LOOKS {
        sleep(QUIET);
        let now = look(context, &files);
        if now == last {
            return;
        }
        last = now;
    }
}

/// What changed, for a person.
fn told(
    comparison: &Comparison,
    changed: &[PathBuf],
    facts: &Facts,
    report: &Report,
    options: &Options,
) -> String {
    // Directories change with the files in them, which say more.
    let is_around = |path: &PathBuf| changed.iter().any(|one| one != path && one.starts_with(path));
    let files: Vec<&PathBuf> = changed.iter().filter(|path| !is_around(path)).collect();
    let names: Vec<String> =
        files.iter().take(NAMED).map(|path| facts.short(&path.as_path().into())).collect();
    let more = match files.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let time = host::utc(SystemTime::now());
    let names = visible(&names.join(", ")).into_owned();
    let mut text = format!("\n── {time} · changed: {names}{more}\n\n");
    for gone in comparison.lost.iter().filter_map(|change| change.before.as_ref()) {
        text.push_str(&format!(
            "✓ gone: {} {}: {} ({})\n",
            gone.code,
            gone.name,
            visible(&gone.message),
            visible(&gone.subject.label)
        ));
    }
    if !comparison.lost.is_empty() {
        text.push('\n');
    }
    // The new ones whole, and the line that sums up everything.
    let new = comparison.gained.iter().chain(&comparison.changed);
    let mut shown = Report {
        findings: new.filter_map(|change| change.after.clone()).collect(),
        suppressed: Vec::new(),
        ..report.clone()
    };
    shorten_home(&mut shown, facts);
    text.push_str(&human::render(&shown, &Options { verbose: false, ..options.clone() }));
    text
}

/// One line for a program.
#[derive(Serialize)]
struct Event<'a> {
    schema: &'static str,
    time: String,
    event: &'static str,
    gained: Vec<FindingWithLines<'a>>,
    lost: Vec<FindingWithLines<'a>>,
    changed: Vec<FindingWithLines<'a>>,
    summary: &'a Summary,
}

impl<'a> Event<'a> {
    fn first(report: &'a Report) -> Self {
        let all = report.findings.iter().map(|finding| with_lines(finding, &report.os));
        Self::new("start", report, [all.collect(), Vec::new(), Vec::new()])
    }

    fn change(comparison: &'a Comparison, before: &Report, after: &'a Report) -> Self {
        fn side<'a>(
            changes: &'a [Change],
            of: fn(&'a Change) -> Option<&'a Finding>,
            os: &str,
        ) -> Vec<FindingWithLines<'a>> {
            changes.iter().filter_map(of).map(|finding| with_lines(finding, os)).collect()
        }
        let lists = [
            side(&comparison.gained, |change| change.after.as_ref(), &after.os),
            side(&comparison.lost, |change| change.before.as_ref(), &before.os),
            side(&comparison.changed, |change| change.after.as_ref(), &after.os),
        ];
        Self::new("change", after, lists)
    }

    fn new(event: &'static str, report: &'a Report, lists: [Vec<FindingWithLines<'a>>; 3]) -> Self {
        let [gained, lost, changed] = lists;
        let time = host::utc(SystemTime::now());
        Self { schema: WATCH_SCHEMA, time, event, gained, lost, changed, summary: &report.summary }
    }
}

fn line(event: &Event<'_>) -> Result<String, Failure> {
    let mut text =
        serde_json::to_string(event).map_err(|error| Failure::tool(error, "cannot write JSON"))?;
    text.push('\n');
    Ok(escape_hidden(&text))
}
