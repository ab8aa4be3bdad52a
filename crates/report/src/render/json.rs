//! For programs: the report as it is, with the lines to paste. `docs/report.schema.json`
//! describes the layout.

use serde::Serialize;

use super::Options;
use super::text::is_hidden;
use crate::{
    BecauseOf, CheckRecord, Evidence, Finding, Fix, Report, Severity, Subject, Summary, Suppressed,
};

/// The report as JSON, `schema` first. Nothing in it depends on the reader's terminal.
#[must_use]
pub fn render(report: &Report, _options: &Options) -> String {
    let os = report.os.as_str();
    let document = Document {
        schema: &report.schema,
        version: &report.version,
        os,
        project: &report.project,
        summary: &report.summary,
        findings: report.findings.iter().map(|finding| with_lines(finding, os)).collect(),
        suppressed: report.suppressed.iter().map(|entry| suppressed(entry, os)).collect(),
        checks: &report.checks,
        unreadable: &report.unreadable,
        gather_ms: report.gather_ms,
    };
    // Plain data with text for keys: serialising it cannot fail.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    escape_hidden(&text)
}

/// serde_json escapes what JSON demands; what a terminal would obey or hide is escaped too, so
/// that the output can be shown as it is. Such characters occur within strings only.
#[must_use]
pub fn escape_hidden(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut units = [0; 2];
    for c in text.chars() {
        if c == '\n' || !is_hidden(c) {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    escaped
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'a str,
    version: &'a str,
    os: &'a str,
    project: &'a str,
    summary: &'a Summary,
    findings: Vec<FindingWithLines<'a>>,
    suppressed: Vec<SuppressedWithLines<'a>>,
    checks: &'a [CheckRecord],
    unreadable: &'a [String],
    gather_ms: f64,
}

/// One finding as it stands in the report: with the lines to paste.
#[derive(Serialize)]
pub struct FindingWithLines<'a> {
    code: &'a str,
    name: &'a str,
    severity: Severity,
    subject: &'a Subject,
    message: &'a str,
    evidence: &'a [Evidence],
    cause: &'a str,
    because_of: Option<&'a BecauseOf>,
    fixes: Vec<FixWithLines<'a>>,
}

#[derive(Serialize)]
struct FixWithLines<'a> {
    #[serde(flatten)]
    fix: &'a Fix,
    shell: Vec<String>,
}

#[derive(Serialize)]
struct SuppressedWithLines<'a> {
    finding: FindingWithLines<'a>,
    reason: &'a str,
    until: Option<&'a str>,
}

/// A finding with its lines for the shells of a system.
#[must_use]
pub fn with_lines<'a>(finding: &'a Finding, os: &str) -> FindingWithLines<'a> {
    let fixes = finding.fixes.iter().map(|fix| FixWithLines { fix, shell: fix.shell_lines(os) });
    FindingWithLines {
        code: &finding.code,
        name: &finding.name,
        severity: finding.severity,
        subject: &finding.subject,
        message: &finding.message,
        evidence: &finding.evidence,
        cause: &finding.cause,
        because_of: finding.because_of.as_ref(),
        fixes: fixes.collect(),
    }
}

fn suppressed<'a>(entry: &'a Suppressed, os: &str) -> SuppressedWithLines<'a> {
    SuppressedWithLines {
        finding: with_lines(&entry.finding, os),
        reason: &entry.reason,
        until: entry.until.as_deref(),
    }
}
