//! What a log means, with the facts of a machine.

use std::path::Path;

use doctor::log::{Judged, LogReader, Place, Reading, answer, judge};
use doctor::{Facts, Selection};
use report::Report;
use report::render::json::{FindingWithLines, escape_hidden, with_lines};
use serde::Serialize;

use crate::commands::{Context, doctor as doctor_command};
use crate::config::Config;
use crate::failure::Failure;
use crate::output;

/// Version of the JSON layout; raised with every change that a reader could notice.
const SCHEMA: &str = "truewheel-explain/1";

/// What a log means.
pub(crate) struct Explanation {
    pub(super) reading: Reading,
    pub(super) judged: Vec<Judged>,
    pub(super) place: Place,
    /// What the verdicts rest on: the facts, and a diagnosis of them without its findings, which
    /// stand beside their codes. There is none where the log matched nothing.
    pub(super) basis: Option<(Facts, Report)>,
}

impl Explanation {
    /// The one answer, if there is one.
    pub(crate) fn answer(&self) -> Option<&Judged> {
        answer(&self.judged)
    }
}

/// Judges what was read by the facts of this machine, or by those in a file.
pub(crate) fn explanation(
    context: &Context<'_>,
    reader: LogReader,
    facts_file: Option<&Path>,
) -> Result<Explanation, Failure> {
    let reading = reader.finish();
    let saved = facts_file.map(|file| doctor_command::read_facts(context, file)).transpose()?;
    if reading.matches.is_empty() {
        let (judged, place) = (Vec::new(), Place::Here);
        return Ok(Explanation { reading, judged, place, basis: None });
    }
    let project = context.project()?;
    let config = Config::load(context.host, &project)?;
    let is_saved = saved.is_some();
    let facts =
        saved.unwrap_or_else(|| doctor_command::gather(context, None, false, project, &config));
    let mut diagnosis = doctor_command::diagnose(context, &facts, &Selection::default());
    let place = Place::of(&reading, &facts, |path| {
        if is_saved { is_known(&facts, path) } else { context.host.exists(Path::new(path)) }
    });
    let judged = judge(&reading, &facts, &diagnosis, &place);
    diagnosis.findings.clear();
    Ok(Explanation { reading, judged, place, basis: Some((facts, diagnosis)) })
}

/// Whether a path is of the machine that facts were saved on.
fn is_known(facts: &Facts, path: &str) -> bool {
    let known = [Some(&facts.project.root), facts.machine.home.as_ref()];
    let known = known.into_iter().flatten().chain([&facts.machine.working_directory]);
    let mut known = known.map(|known| facts.native(known));
    known.any(|known| known.starts_with(path) || path.starts_with(&known))
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: &'static str,
    log: Log<'a>,
    answer: Option<&'static str>,
    matches: Vec<Matched<'a>>,
}

#[derive(Serialize)]
struct Log<'a> {
    lines: u64,
    bytes: u64,
    elsewhere: Option<&'a str>,
}

#[derive(Serialize)]
struct Matched<'a> {
    code: &'static str,
    name: &'static str,
    confidence: doctor::log::Confidence,
    verdict: doctor::log::Verdict,
    reason: &'a str,
    lines: &'a [doctor::log::LogLine],
    finding: Option<FindingWithLines<'a>>,
    root: Option<FindingWithLines<'a>>,
    next: Option<&'a str>,
}

/// For programs: `docs/explain.schema.json` describes it.
pub(super) fn json(explanation: &Explanation) -> Result<String, Failure> {
    let os = explanation.basis.as_ref().map_or("", |(_, diagnosis)| diagnosis.os.as_str());
    let matches = explanation.judged.iter().map(|one| Matched {
        code: one.code,
        name: one.name,
        confidence: one.confidence,
        verdict: one.verdict,
        reason: &one.reason,
        lines: &one.lines,
        finding: one.finding.as_ref().map(|finding| with_lines(finding, os)),
        root: one.root.as_ref().map(|finding| with_lines(finding, os)),
        next: one.next.as_deref(),
    });
    let elsewhere = match &explanation.place {
        Place::Here => None,
        Place::Elsewhere(why) => Some(why.as_str()),
    };
    Ok(escape_hidden(&output::json(&Document {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        log: Log { lines: explanation.reading.lines, bytes: explanation.reading.bytes, elsewhere },
        answer: explanation.answer().map(|one| one.code),
        matches: matches.collect(),
    })?))
}
