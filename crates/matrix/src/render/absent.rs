//! Cells that did not take part: those that do not exist, and those that could not.

use std::collections::BTreeSet;

use report::render::visible;

use super::names;
use crate::{CellKind, CellResult, CellState, MatrixResult};

/// Cells of one numpy that do not exist, for one reason.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unavailable {
    /// `numpy 1.17.5 on Python 3.9, 3.10`, or less where the reason names the Pythons.
    pub(crate) cells: String,
    /// Why.
    pub(crate) reason: String,
}

/// A cell that should have taken part and could not.
pub(crate) struct FailedCell<'a> {
    pub(crate) cell: &'a CellResult,
    /// `its environment does not work`.
    pub(crate) what: &'static str,
    /// What was found, in the words of the run.
    pub(crate) reason: &'a str,
    /// What to do about it.
    pub(crate) next: &'static str,
}

/// Stands for the place of a version in a reason; no version holds it.
const PLACE: &str = "\0";

/// Up to how many reasons of one numpy are told.
const MOST_REASONS: usize = 2;

/// The cells that do not exist, one entry for each numpy; reasons that differ only in the version
/// of Python are one reason.
pub(crate) fn unavailable(result: &MatrixResult) -> Vec<Unavailable> {
    let pythons: BTreeSet<String> =
        result.cells.iter().filter_map(|cell| cell.python.clone()).collect();
    let mut groups: Vec<(String, Vec<(&CellResult, &str)>)> = Vec::new();
    let mut refusals: Vec<Unavailable> = Vec::new();
    for cell in &result.cells {
        let CellState::NotAvailable { reason } = &cell.state else { continue };
        if is_told_already(result, cell) {
            continue;
        }
        if is_refused(result, cell) {
            let python = cell.python.as_deref().unwrap_or_default();
            let cells = format!("the wheel on Python {}", visible(python));
            let refusal = Unavailable { cells, reason: visible(reason).into_owned() };
            if !refusals.contains(&refusal) {
                refusals.push(refusal);
            }
            continue;
        }
        let key = if is_another(result, cell) { None } else { cell.numpy.clone() };
        let key = key.unwrap_or_default();
        match groups.iter_mut().find(|(known, _)| *known == key && !key.is_empty()) {
            Some((_, cells)) => cells.push((cell, reason)),
            None => groups.push((key, vec![(cell, reason)])),
        }
    }
    groups.sort_by(|(a, _), (b, _)| names::by_version(a, b));
    let groups = groups.into_iter().map(|(numpy, cells)| entry(&numpy, &cells, &pythons));
    groups.chain(refusals).collect()
}

/// Whether a Python takes no wheel under test, whatever its numpy.
fn is_refused(result: &MatrixResult, cell: &CellResult) -> bool {
    // `3.11` was asked for, and `3.11.7` is what a cell that ran has.
    let minor = |cell: &CellResult| {
        let parts = cell.python.as_deref().unwrap_or_default().split('.').take(2);
        parts.map(str::to_owned).collect::<Vec<_>>()
    };
    let same = |other: &&CellResult| other.kind == cell.kind && minor(other) == minor(cell);
    cell.kind == CellKind::Wheel && result.cells.iter().filter(same).all(|c| c.state == cell.state)
}

/// Whether a cell with a wheel does not exist for a reason that one without a wheel has, too.
fn is_told_already(result: &MatrixResult, cell: &CellResult) -> bool {
    let same = |other: &CellResult| {
        other.kind == CellKind::Cpython
            && (&other.python, &other.numpy) == (&cell.python, &cell.numpy)
            && other.state == cell.state
    };
    cell.kind == CellKind::Wheel && result.cells.iter().any(same)
}

/// Whether a cell does not exist because it would be the same as one that does.
fn is_another(result: &MatrixResult, cell: &CellResult) -> bool {
    let is_it = |shown: &CellResult| {
        shown.kind == cell.kind && shown.numpy == cell.numpy && shown.python == cell.python
    };
    result.shown_cells().any(is_it)
}

fn entry(numpy: &str, cells: &[(&CellResult, &str)], all: &BTreeSet<String>) -> Unavailable {
    let versions: BTreeSet<String> =
        cells.iter().filter_map(|(cell, _)| cell.python.clone()).collect();
    let versions = names::versions(&versions, all);
    let mut reasons: Vec<String> = Vec::new();
    for (cell, reason) in cells {
        let reason = match &cell.python {
            Some(python) => replace_version(reason, python, PLACE),
            None => (*reason).to_owned(),
        };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    let reason = match reasons.as_slice() {
        [one] => one.replace(PLACE, &versions),
        // Of many reasons the first one stands for all, as it was given.
        many if many.len() > MOST_REASONS => {
            format!("for example, {}", cells.first().map_or("", |(_, reason)| reason))
        }
        some => some.join("; ").replace(PLACE, &versions),
    };
    let named = if numpy.is_empty() || versions.is_empty() {
        let names: Vec<String> =
            cells.iter().map(|(cell, _)| visible(&cell.name).into_owned()).collect();
        names.join(", ")
    } else if reasons.iter().all(|reason| reason.contains(PLACE)) && reasons.len() == 1 {
        format!("numpy {}", visible(numpy))
    } else {
        format!("numpy {} on Python {versions}", visible(numpy))
    };
    Unavailable { cells: named, reason: visible(&reason).into_owned() }
}

/// Replaces a version where it is not a part of a longer one.
fn replace_version(text: &str, version: &str, with: &str) -> String {
    if version.is_empty() {
        return text.to_owned();
    }
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(version) {
        let end = at + version.len();
        let goes_on = |c: char| c.is_ascii_alphanumeric();
        let before = rest[..at].chars().next_back().or_else(|| replaced.chars().next_back());
        let mut after = rest[end..].chars();
        let after = match after.next() {
            // A full stop ends a sentence unless a number follows it.
            Some('.') => after.next().is_some_and(|c| c.is_ascii_digit()),
            Some(c) => goes_on(c),
            None => false,
        };
        replaced.push_str(&rest[..at]);
        let part_of_longer = after || before.is_some_and(|c| c == '.' || c.is_ascii_digit());
        replaced.push_str(if part_of_longer { version } else { with });
        rest = &rest[end..];
    }
    replaced.push_str(rest);
    replaced
}

/// The cells that should have taken part and could not.
pub(crate) fn failed(result: &MatrixResult) -> Vec<FailedCell<'_>> {
    let failed = result.cells.iter().filter_map(|cell| {
        let (what, reason, next) = match &cell.state {
            CellState::Ran | CellState::NotAvailable { .. } => return None,
            CellState::MissingInterpreter { reason } if cell.kind == CellKind::Pyodide => (
                "it cannot be had",
                reason,
                "mend what the message says, or take it out of `pyodides` in truewheel.toml",
            ),
            CellState::MissingInterpreter { reason } => (
                "its interpreter is missing",
                reason,
                "install that Python, or take it out of truewheel.toml",
            ),
            CellState::BrokenEnvironment { reason } => (
                "its environment does not work",
                reason,
                "mend what the message says; `--rerun-failed` makes the environment anew",
            ),
            CellState::WritingFailed { reason } => (
                "it did not write its arrays, so nobody could read them",
                reason,
                "mend what the message says, then run it again with `--rerun-failed`",
            ),
            CellState::ReadingFailed { reason } => (
                match cell.kind.writes() {
                    true => "it wrote its arrays, but did not finish reading the others'",
                    false => "it did not finish reading the others' arrays",
                },
                reason,
                "mend what the message says, then run it again with `--rerun-failed`",
            ),
        };
        Some(FailedCell { cell, what, reason, next })
    });
    failed.collect()
}

/// The name of a state.
pub(crate) fn state(state: &CellState) -> &'static str {
    match state {
        CellState::Ran => "took part",
        CellState::NotAvailable { .. } => "not available",
        CellState::MissingInterpreter { .. } => "missing interpreter",
        CellState::BrokenEnvironment { .. } => "broken environment",
        CellState::WritingFailed { .. } => "writing failed",
        CellState::ReadingFailed { .. } => "reading failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MachineInfo;

    fn cell(name: &str, python: &str, numpy: &str, reason: Option<&str>) -> CellResult {
        let state = match reason {
            Some(reason) => CellState::NotAvailable { reason: reason.to_owned() },
            None => CellState::Ran,
        };
        CellResult {
            name: name.to_owned(),
            kind: CellKind::Cpython,
            python: Some(python.to_owned()),
            numpy: Some(numpy.to_owned()),
            core: None,
            wheel: None,
            pyodide: None,
            writes: true,
            reads: true,
            state,
            left_out: Vec::new(),
            remarks: Vec::new(),
            write_seconds: None,
            read_seconds: None,
        }
    }

    fn entries(cells: Vec<CellResult>) -> Vec<String> {
        let result = MatrixResult {
            schema: String::new(),
            tool: String::new(),
            machine: MachineInfo { os: String::new(), arch: String::new() },
            started: String::new(),
            seconds: 0.0,
            shard: None,
            wheels: Vec::new(),
            formats: Vec::new(),
            cases: Vec::new(),
            objects: Vec::new(),
            protocols: Vec::new(),
            observations: Vec::new(),
            cells,
            pairs: Vec::new(),
        };
        let entries = unavailable(&result).into_iter();
        entries.map(|entry| format!("{}: {}", entry.cells, entry.reason)).collect()
    }

    #[test]
    fn every_numpy_has_one_entry() {
        let cells = entries(vec![
            cell("a", "3.9", "2.2.6", Some("no wheel for 3.9")),
            cell("b", "3.8", "1.26.0", Some("no usable wheels")),
            cell("c", "3.10", "2.2.6", Some("no wheel for 3.10")),
            cell("d", "3.13", "1.26.0", Some("no usable wheels")),
            cell("e", "3.11", "1.9", Some("no tag cp311")),
            cell("f", "3.12", "1.9", Some("no tag cp312")),
            cell("g", "3.13", "1.9", Some("no tag cp313")),
        ]);
        assert_eq!(
            cells,
            [
                "numpy 1.9 on Python 3.11, 3.12, 3.13: for example, no tag cp311",
                "numpy 1.26.0 on Python 3.8, 3.13: no usable wheels",
                "numpy 2.2.6: no wheel for 3.9, 3.10",
            ]
        );
    }

    #[test]
    fn what_a_wheel_lacks_is_one_entry_and_what_numpy_lacks_is_told_once() {
        let wheel = |python: &str, numpy: &str, reason: Option<&str>| CellResult {
            kind: CellKind::Wheel,
            ..cell(&format!("wheel-py{python}-numpy{numpy}"), python, numpy, reason)
        };
        let (tag, none) = (Some("for CPython 3.9"), Some("no usable wheels"));
        let cells = entries(vec![
            cell("py3.11-numpy1.9", "3.11", "1.9", none),
            cell("py3.10-numpy1.9", "3.10", "1.9", none),
            cell("py3.8-numpy1.9", "3.8", "1.9", None),
            wheel("3.8", "1.9", tag),
            wheel("3.8", "2.2.6", tag),
            wheel("3.11", "1.9", none),
            wheel("3.11", "2.0.2", Some("a depends on numpy>2.1")),
            wheel("3.10", "1.9", none),
            wheel("3.10.13", "2.2.6", None),
            wheel("3.11.7", "2.2.6", None),
        ]);
        assert_eq!(
            cells,
            [
                "numpy 1.9 on Python 3.10, 3.11: no usable wheels",
                "numpy 2.0.2 on Python 3.11: a depends on numpy>2.1",
                "the wheel on Python 3.8: for CPython 3.9",
            ]
        );
    }

    #[test]
    fn a_cell_that_another_one_stands_for_is_named() {
        let cells = entries(vec![
            cell("py3.10-numpy2.2.6", "3.10.1", "2.2.6", None),
            cell("py3.10-numpynewest", "3.10.1", "2.2.6", Some("the same as py3.10-numpy2.2.6")),
        ]);
        assert_eq!(cells, ["py3.10-numpynewest: the same as py3.10-numpy2.2.6"]);
    }

    #[test]
    fn a_version_is_replaced_where_it_stands_alone() {
        let replaced = replace_version("3.1 of 3.12 or 13.1, cp3.1. 3.1.2 and 3.1", "3.1", "X");
        assert_eq!(replaced, "X of 3.12 or 13.1, cpX. 3.1.2 and X");
    }
}
