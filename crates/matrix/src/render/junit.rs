//! For the test views of CI systems: JUnit XML, with one suite per reader and one for the cells.

use report::render::visible_lines;

use super::table::{Table, Verdict};
use super::words::{counted, shortened};
use super::{absent, causes};
use crate::{CellState, MatrixResult, PairResult};

/// The most lines of text in one failure; a reader with more than that needs another format.
const MOST_LINES: usize = 100;

/// The result as JUnit XML. A pair is a test of its reader; a pair that was not run is a skipped
/// test; a cell that could not take part is an error in the suite `cells`, and one that does not
/// exist is skipped there.
#[must_use]
pub fn render(result: &MatrixResult) -> String {
    let table = Table::new(result);
    let mut suites = vec![cells(result)];
    suites.extend(table.readers.iter().map(|reader| reader_suite(&table, *reader)));
    let total = |count: fn(&Suite) -> usize| suites.iter().map(count).sum::<usize>();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"truewheel matrix\" \
         tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{}\">\n",
        total(|suite| suite.tests.len()),
        total(|suite| suite.count("failure")),
        total(|suite| suite.count("error")),
        time(result.seconds)
    );
    for suite in &suites {
        suite.write(result, &mut text);
    }
    text.push_str("</testsuites>\n");
    text
}

struct Suite {
    name: String,
    seconds: f64,
    tests: Vec<Test>,
}

struct Test {
    name: String,
    outcome: Option<Outcome>,
}

/// What is said of a test that did not pass.
struct Outcome {
    element: &'static str,
    kind: &'static str,
    message: String,
    lines: Vec<String>,
}

impl Suite {
    fn count(&self, element: &str) -> usize {
        let outcomes = self.tests.iter().filter_map(|test| test.outcome.as_ref());
        outcomes.filter(|outcome| outcome.element == element).count()
    }

    fn write(&self, result: &MatrixResult, text: &mut String) {
        let name = escape(&self.name);
        text.push_str(&format!(
            "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" \
             skipped=\"{}\" time=\"{}\" timestamp=\"{}\">\n",
            self.tests.len(),
            self.count("failure"),
            self.count("error"),
            self.count("skipped"),
            time(self.seconds),
            escape(result.started.trim_end_matches('Z'))
        ));
        for test in &self.tests {
            let head = format!(
                "    <testcase classname=\"matrix.{name}\" name=\"{}\"",
                escape(&test.name)
            );
            let Some(outcome) = &test.outcome else {
                text.push_str(&format!("{head}/>\n"));
                continue;
            };
            let element = outcome.element;
            text.push_str(&format!(
                "{head}>\n      <{element} message=\"{}\"",
                escape(&outcome.message)
            ));
            if element != "skipped" {
                text.push_str(&format!(" type=\"{}\"", outcome.kind));
            }
            if outcome.lines.is_empty() {
                text.push_str("/>\n");
            } else {
                let lines: Vec<String> = outcome.lines.iter().map(|line| escape(line)).collect();
                text.push_str(&format!(">{}</{element}>\n", lines.join("\n")));
            }
            text.push_str("    </testcase>\n");
        }
        text.push_str("  </testsuite>\n");
    }
}

fn cells(result: &MatrixResult) -> Suite {
    let failed = absent::failed(result);
    let tests = result.cells.iter().map(|cell| {
        let outcome = match &cell.state {
            CellState::Ran => None,
            CellState::NotAvailable { reason } => Some(skipped(reason)),
            _ => failed.iter().find(|failed| failed.cell.name == cell.name).map(|failed| Outcome {
                element: "error",
                kind: absent::state(&cell.state),
                message: failed.what.to_owned(),
                lines: visible_lines(&format!("{}\nnext: {}", failed.reason, failed.next))
                    .into_iter()
                    .map(std::borrow::Cow::into_owned)
                    .collect(),
            }),
        };
        Test { name: cell.name.clone(), outcome }
    });
    let seconds = result.cells.iter().filter_map(|cell| cell.write_seconds).sum();
    Suite { name: "cells".to_owned(), seconds, tests: tests.collect() }
}

fn reader_suite(table: &Table<'_>, reader: usize) -> Suite {
    let cell = table.cells[reader];
    let tests = table.writers.iter().filter_map(|writer| {
        let pair = (*writer, reader);
        let outcome = match table.verdict(pair) {
            Verdict::Passed => None,
            Verdict::Failed => table.pair(pair).map(|run| failure(table, run)),
            Verdict::NotRun => Some(skipped("not run")),
            Verdict::NoCell => {
                let named = [*writer, reader].map(|cell| table.cells[cell]);
                let absent = named.iter().find(|cell| cell.state.is_failure());
                let reason = absent.map_or_else(
                    || Verdict::NoCell.meaning().to_owned(),
                    |cell| format!("{}: {}", cell.name, absent::state(&cell.state)),
                );
                Some(skipped(&reason))
            }
            Verdict::NotAsked => return None,
        };
        Some(Test { name: table.cells[*writer].name.clone(), outcome })
    });
    let seconds = cell.read_seconds.unwrap_or(0.0);
    Suite { name: format!("read by {}", cell.name), seconds, tests: tests.collect() }
}

fn failure(table: &Table<'_>, run: &PairResult) -> Outcome {
    let mut lines = Vec::new();
    let mut arrays = 0;
    for format in &run.formats {
        for problem in &format.problems {
            arrays += 1;
            let kind = causes::kind(problem.kind);
            let message = shortened(&problem.message);
            lines.push(format!("{} {}: {kind}: {message}", format.format, problem.case));
        }
    }
    let mut pickles = 0;
    for wrong in run.pickles.iter().flat_map(|pickles| &pickles.wrong) {
        pickles += 1;
        let message = causes::prediction(table, wrong);
        lines.push(format!("pickle {} in protocol {}: {message}", wrong.object, wrong.protocol));
    }
    let all = lines.len();
    lines.truncate(MOST_LINES);
    if all > MOST_LINES {
        lines.push(format!("… and {} more", all - MOST_LINES));
    }
    let mut parts = Vec::new();
    if arrays > 0 {
        parts.push(format!("{} not read as written", counted(arrays, "array", "arrays")));
    }
    if pickles > 0 {
        let pickles = counted(pickles, "pickle", "pickles");
        parts.push(format!("{pickles} behaved otherwise than predicted"));
    }
    Outcome { element: "failure", kind: "mismatch", message: parts.join(", "), lines }
}

fn skipped(reason: &str) -> Outcome {
    Outcome { element: "skipped", kind: "", message: shortened(reason), lines: Vec::new() }
}

fn time(seconds: f64) -> String {
    let seconds = if seconds.is_finite() { seconds.max(0.0) } else { 0.0 };
    format!("{seconds:.3}")
}

/// Text that XML 1.0 may hold: hidden and forbidden characters are shown by their escapes, so that
/// none of them is a line break or a control character.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in report::render::visible(text).chars() {
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
