//! For GitHub Actions: one annotation for each root cause, and the summary.

use super::text::{visible, visible_lines};
use super::{Options, summary};
use crate::outline::{Outline, Root};
use crate::{Report, Severity};

/// The report as workflow commands. What follows from a finding is told in its annotation, since
/// GitHub shows only the first ten of a step.
#[must_use]
pub fn render(report: &Report, _options: &Options) -> String {
    let mut text = String::new();
    for group in &Outline::new(report).groups {
        for root in &group.roots {
            text.push_str(&annotation(root, report));
        }
    }
    let mut line = summary::found(report);
    for part in summary::circumstances(report) {
        line.push_str(" · ");
        line.push_str(&part);
    }
    text.push_str(&line);
    text.push('\n');
    text
}

fn annotation(root: &Root<'_>, report: &Report) -> String {
    let finding = root.finding;
    let command = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let mut properties = Vec::new();
    if let Some(file) = file_of(root, report) {
        properties.push(format!("file={}", property(&visible(file))));
    }
    let title = format!("{} {}", finding.code, finding.name);
    properties.push(format!("title={}", property(&visible(&title))));
    let mut lines = vec![
        visible(&finding.message).into_owned(),
        format!("in: {}", visible(&finding.subject.label)),
    ];
    if !finding.cause.is_empty() {
        lines.push(format!("cause: {}", visible(&finding.cause)));
    }
    if let Some(fix) = finding.fixes.iter().find(|fix| fix.applies_to(&report.os)) {
        lines.push(format!("fix: {}", visible(&fix.title)));
        let shell = super::Shell::of(&report.os);
        for step in fix.steps.iter().filter(|step| !step.is_silent()) {
            match shell.line(step) {
                Some(command) => lines.push(format!("  {command}")),
                None => lines.extend(visible_lines(&step.words()).iter().map(|l| format!("  {l}"))),
            }
        }
    }
    for (_, follower) in &root.follows {
        let line = format!("from it: {} {}: {}", follower.code, follower.name, follower.message);
        lines.push(visible(&line).into_owned());
    }
    format!("::{command} {}::{}\n", properties.join(","), data(&lines.join("\n")))
}

/// The file of the project that a finding is about, relative to it: GitHub can show no other.
fn file_of<'a>(root: &Root<'a>, report: &Report) -> Option<&'a str> {
    let finding = root.finding;
    let paths = finding.evidence.iter().filter_map(|evidence| evidence.path.as_deref());
    paths.chain(finding.subject.path.as_deref()).find_map(|path| {
        let inside = path.strip_prefix(report.project.trim_end_matches(['/', '\\']))?;
        let inside = inside.strip_prefix(['/', '\\'])?;
        (!inside.is_empty()).then_some(inside)
    })
}

/// The escaping of an annotation's text.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The escaping of a property, which also may not hold its own separators.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
