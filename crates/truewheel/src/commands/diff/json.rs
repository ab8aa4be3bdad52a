//! Differences for a program. `docs/diff.schema.json` describes the layout.

use doctor::{Change, Comparison, Difference};
use report::Summary;
use report::render::json::{FindingWithLines, escape_hidden, with_lines};
use serde::Serialize;

use super::Side;
use crate::failure::Failure;
use crate::output;

/// Version of the JSON layout; raised with every change that a reader could notice.
const DIFF_SCHEMA: &str = "truewheel-diff/1";

pub(super) fn render(
    comparison: &Comparison,
    before: &Side,
    after: &Side,
) -> Result<String, Failure> {
    let document = Document {
        schema: DIFF_SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        before: SideJson::new(before),
        after: SideJson::new(after),
        gained: listed(&comparison.gained, before, after),
        lost: listed(&comparison.lost, before, after),
        changed: listed(&comparison.changed, before, after),
        differences: comparison.differences.iter().map(DifferenceJson::new).collect(),
        unread: comparison.unread,
    };
    Ok(escape_hidden(&output::json(&document)?))
}

fn listed<'a>(changes: &'a [Change], before: &Side, after: &Side) -> Vec<ChangeJson<'a>> {
    changes
        .iter()
        .map(|change| ChangeJson {
            before: change.before.as_ref().map(|found| with_lines(found, &before.report.os)),
            after: change.after.as_ref().map(|found| with_lines(found, &after.report.os)),
            follows: change.follows,
            because: change.because.iter().map(DifferenceJson::new).collect(),
        })
        .collect()
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: &'static str,
    before: SideJson<'a>,
    after: SideJson<'a>,
    gained: Vec<ChangeJson<'a>>,
    lost: Vec<ChangeJson<'a>>,
    changed: Vec<ChangeJson<'a>>,
    differences: Vec<DifferenceJson<'a>>,
    unread: usize,
}

#[derive(Serialize)]
struct SideJson<'a> {
    name: &'a str,
    os: &'a str,
    project: &'a str,
    version: &'a str,
    summary: &'a Summary,
}

impl<'a> SideJson<'a> {
    fn new(side: &'a Side) -> Self {
        Self {
            name: &side.name,
            os: &side.report.os,
            project: &side.report.project,
            version: &side.report.version,
            summary: &side.report.summary,
        }
    }
}

#[derive(Serialize)]
struct ChangeJson<'a> {
    before: Option<FindingWithLines<'a>>,
    after: Option<FindingWithLines<'a>>,
    follows: bool,
    because: Vec<DifferenceJson<'a>>,
}

#[derive(Serialize)]
struct DifferenceJson<'a> {
    subject: &'a str,
    what: &'a str,
    before: Option<&'a str>,
    after: Option<&'a str>,
    more: usize,
}

impl<'a> DifferenceJson<'a> {
    fn new(difference: &'a Difference) -> Self {
        Self {
            subject: &difference.subject,
            what: &difference.what,
            before: difference.before.as_deref(),
            after: difference.after.as_deref(),
            more: difference.more,
        }
    }
}
