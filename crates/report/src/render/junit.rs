//! For the test views of CI systems: JUnit XML, from whatever has tests.
//!
//! The writer knows nothing of checks or cells; [`render`] is what a diagnosis looks like in it.

use std::borrow::Cow;

use super::{visible, visible_lines};
use crate::{CheckRecord, Finding, Outcome, Report, Severity};

/// A whole run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What ran.
    pub name: String,
    /// How long it took.
    pub seconds: f64,
    /// Its suites.
    pub suites: Vec<Suite>,
}

/// Tests that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// What its tests are sorted under.
    pub class: String,
    /// How long it took.
    pub seconds: f64,
    /// When it started, `2027-01-31T12:00:00`, in UTC.
    pub started: String,
    /// Its tests.
    pub tests: Vec<Test>,
}

/// One test.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// How long it took, if it was measured alone.
    pub seconds: Option<f64>,
    /// What is said of it if it did not pass.
    pub result: Option<NotPassed>,
    /// What it has to say besides.
    pub output: Vec<String>,
}

/// How a test did not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It says no.
    Failure,
    /// It could not be run.
    Error,
    /// It was not run.
    Skipped,
}

/// What is said of a test that did not pass.
#[derive(Debug, Clone, PartialEq)]
pub struct NotPassed {
    /// How.
    pub manner: Manner,
    /// A word for the kind of failure; skipped tests have none.
    pub kind: String,
    /// One line.
    pub message: String,
    /// The rest.
    pub lines: Vec<String>,
}

impl Manner {
    fn element(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Error => "error",
            Self::Skipped => "skipped",
        }
    }
}

impl Suite {
    fn count(&self, manner: Manner) -> usize {
        let results = self.tests.iter().filter_map(|test| test.result.as_ref());
        results.filter(|result| result.manner == manner).count()
    }

    fn write(&self, text: &mut String) {
        text.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" \
             skipped=\"{}\" time=\"{}\" timestamp=\"{}\">\n",
            escape(&self.name),
            self.tests.len(),
            self.count(Manner::Failure),
            self.count(Manner::Error),
            self.count(Manner::Skipped),
            time(self.seconds),
            escape(self.started.trim_end_matches('Z'))
        ));
        for test in &self.tests {
            test.write(&self.class, text);
        }
        text.push_str("  </testsuite>\n");
    }
}

impl Test {
    fn write(&self, class: &str, text: &mut String) {
        let (class, name) = (escape(class), escape(&self.name));
        text.push_str(&format!("    <testcase classname=\"{class}\" name=\"{name}\""));
        if let Some(seconds) = self.seconds {
            text.push_str(&format!(" time=\"{}\"", time(seconds)));
        }
        if self.result.is_none() && self.output.is_empty() {
            text.push_str("/>\n");
            return;
        }
        text.push_str(">\n");
        if let Some(result) = &self.result {
            let element = result.manner.element();
            text.push_str(&format!("      <{element} message=\"{}\"", escape(&result.message)));
            if result.manner != Manner::Skipped {
                text.push_str(&format!(" type=\"{}\"", escape(&result.kind)));
            }
            text.push_str(&match joined(&result.lines) {
                lines if lines.is_empty() => "/>\n".to_owned(),
                lines => format!(">{lines}</{element}>\n"),
            });
        }
        if !self.output.is_empty() {
            text.push_str(&format!("      <system-out>{}</system-out>\n", joined(&self.output)));
        }
        text.push_str("    </testcase>\n");
    }
}

/// The run as JUnit XML.
#[must_use]
pub fn write(run: &Run) -> String {
    let total = |count: &dyn Fn(&Suite) -> usize| run.suites.iter().map(count).sum::<usize>();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{}\" tests=\"{}\" \
         failures=\"{}\" errors=\"{}\" time=\"{}\">\n",
        escape(&run.name),
        total(&|suite| suite.tests.len()),
        total(&|suite| suite.count(Manner::Failure)),
        total(&|suite| suite.count(Manner::Error)),
        time(run.seconds)
    );
    for suite in &run.suites {
        suite.write(&mut text);
    }
    text.push_str("</testsuites>\n");
    text
}

/// A diagnosis: every check is a test. It fails where its findings count as problems (with `strict`
/// warnings do), and says the others as its output; one that could not judge is skipped.
#[must_use]
pub fn render(report: &Report, strict: bool, started: &str) -> String {
    let tests = report.checks.iter().map(|check| test_of(check, report, strict)).collect();
    let checks: f64 = report.checks.iter().map(|check| check.elapsed_ms).sum();
    let seconds = (report.gather_ms + checks) / 1000.0;
    write(&Run {
        name: "truewheel doctor".to_owned(),
        seconds,
        suites: vec![Suite {
            name: "doctor".to_owned(),
            class: "doctor".to_owned(),
            seconds,
            started: started.to_owned(),
            tests,
        }],
    })
}

fn test_of(check: &CheckRecord, report: &Report, strict: bool) -> Test {
    let least = if strict { Severity::Warning } else { Severity::Error };
    let mine = report.findings.iter().filter(|finding| finding.code == check.code);
    let (failed, told): (Vec<&Finding>, Vec<&Finding>) =
        mine.partition(|finding| finding.severity >= least);
    let reason = || check.reason.clone().unwrap_or_default();
    let result = match check.outcome {
        Outcome::Crashed => Some((Manner::Error, "crashed", reason(), Vec::new())),
        Outcome::Skipped => Some((Manner::Skipped, "", reason(), Vec::new())),
        Outcome::Ok | Outcome::Findings => failed.first().map(|first| {
            let message = match failed.len() {
                1 => first.message.clone(),
                count => format!("{} (and {} more)", first.message, count - 1),
            };
            let worst = failed.iter().map(|finding| finding.severity).max();
            let lines = failed.iter().flat_map(|finding| lines(finding, &report.os)).collect();
            (Manner::Failure, worst.map_or("", Severity::name), message, lines)
        }),
    };
    let suppressed = report.suppressed.iter().filter(|entry| entry.finding.code == check.code);
    let suppressed =
        suppressed.map(|entry| format!("suppressed: {}: {}", entry.finding.message, entry.reason));
    Test {
        name: format!("{} {}", check.code, check.name),
        seconds: Some(check.elapsed_ms / 1000.0),
        result: result.map(|(manner, kind, message, lines)| NotPassed {
            manner,
            kind: kind.to_owned(),
            message,
            lines,
        }),
        output: told.into_iter().flat_map(|f| lines(f, &report.os)).chain(suppressed).collect(),
    }
}

/// All that is said of a finding.
fn lines(finding: &Finding, os: &str) -> Vec<String> {
    let mut lines = vec![
        format!("{}: {}", finding.severity, finding.message),
        format!("in: {}", finding.subject.label),
    ];
    if !finding.cause.is_empty() {
        lines.push(format!("cause: {}", finding.cause));
    }
    for seen in &finding.evidence {
        lines.push(match &seen.path {
            Some(path) => format!("seen: {path}: {}", seen.value),
            None => format!("seen: {}", seen.value),
        });
    }
    for fix in finding.fixes.iter().filter(|fix| fix.applies_to(os)) {
        lines.push(format!("fix: {}", fix.title));
        lines.extend(fix.shell_lines(os).into_iter().map(|line| format!("  {line}")));
    }
    lines
}

fn joined(lines: &[String]) -> String {
    let lines = lines.iter().flat_map(|line| visible_lines(line));
    lines.map(|line: Cow<'_, str>| escape(&line)).collect::<Vec<_>>().join("\n")
}

fn time(seconds: f64) -> String {
    let seconds = if seconds.is_finite() { seconds.max(0.0) } else { 0.0 };
    format!("{seconds:.3}")
}

/// Text that XML 1.0 may hold: hidden and forbidden characters are shown by their escapes, so that
/// none of them is a line break or a control character.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in visible(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => escaped.extend(c.escape_unicode()),
            c => escaped.push(c),
        }
    }
    escaped
}
