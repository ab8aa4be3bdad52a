//! For the test views of CI systems: JUnit XML, with one suite per reader and one for the cells.

use report::render::junit::{Manner, NotPassed, Run, Suite, Test, write};
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
    suites.extend(table.readers.iter().map(|reader| reader_suite(&table, *reader, result)));
    write(&Run { name: "truewheel matrix".to_owned(), seconds: result.seconds, suites })
}

fn suite(name: String, seconds: f64, tests: Vec<Test>, result: &MatrixResult) -> Suite {
    let class = format!("matrix.{name}");
    Suite { name, class, seconds, started: result.started.clone(), tests }
}

fn test(name: &str, result: Option<NotPassed>) -> Test {
    Test { name: name.to_owned(), result, ..Test::default() }
}

fn cells(result: &MatrixResult) -> Suite {
    let failed = absent::failed(result);
    let tests = result.cells.iter().map(|cell| {
        let outcome = match &cell.state {
            CellState::Ran => None,
            CellState::NotAvailable { reason } => Some(skipped(reason)),
            _ => {
                failed.iter().find(|failed| failed.cell.name == cell.name).map(|failed| NotPassed {
                    manner: Manner::Error,
                    kind: absent::state(&cell.state).to_owned(),
                    message: failed.what.to_owned(),
                    lines: visible_lines(&format!("{}\nnext: {}", failed.reason, failed.next))
                        .into_iter()
                        .map(std::borrow::Cow::into_owned)
                        .collect(),
                })
            }
        };
        test(&cell.name, outcome)
    });
    let seconds = result.cells.iter().filter_map(|cell| cell.write_seconds).sum();
    suite("cells".to_owned(), seconds, tests.collect(), result)
}

fn reader_suite(table: &Table<'_>, reader: usize, result: &MatrixResult) -> Suite {
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
        Some(test(&table.cells[*writer].name, outcome))
    });
    let seconds = cell.read_seconds.unwrap_or(0.0);
    suite(format!("read by {}", cell.name), seconds, tests.collect(), result)
}

fn failure(table: &Table<'_>, run: &PairResult) -> NotPassed {
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
    NotPassed {
        manner: Manner::Failure,
        kind: "mismatch".to_owned(),
        message: parts.join(", "),
        lines,
    }
}

fn skipped(reason: &str) -> NotPassed {
    NotPassed {
        manner: Manner::Skipped,
        kind: String::new(),
        message: shortened(reason),
        lines: Vec::new(),
    }
}
