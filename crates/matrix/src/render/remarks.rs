//! What is worth knowing of cells that took part: arrays that they cannot hold, and their remarks.

use report::render::visible;

use super::words::{counted, listed};
use crate::{CellState, LeftOut, MatrixResult};

/// Arrays that are named.
const MOST_NAMES: usize = 3;

/// Something to know, and of which cells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    /// Their names.
    pub(crate) cells: String,
    /// A sentence without its full stop.
    pub(crate) text: String,
}

/// The remarks of all cells; those of whom the same is to be said stand together.
pub(crate) fn remarks(result: &MatrixResult) -> Vec<Remark> {
    let mut grouped: Vec<(String, Vec<String>)> = Vec::new();
    for cell in result.cells.iter().filter(|cell| cell.state == CellState::Ran) {
        let left_out = left_out(result, &cell.left_out);
        for text in left_out.into_iter().chain(cell.remarks.iter().cloned()) {
            let text = visible(&text).into_owned();
            let name = visible(&cell.name).into_owned();
            match grouped.iter_mut().find(|(known, _)| *known == text) {
                Some((_, cells)) => cells.push(name),
                None => grouped.push((text, vec![name])),
            }
        }
    }
    let remark = |(text, cells): (String, Vec<String>)| Remark { cells: cells.join(", "), text };
    grouped.into_iter().map(remark).collect()
}

/// How many arrays a cell leaves out and which, and why it does so with the first of them.
fn left_out(result: &MatrixResult, left_out: &[LeftOut]) -> Option<String> {
    let first = left_out.first()?;
    let all = result.cases.iter().filter(|case| case.only_in.is_none()).count();
    let names = left_out.iter().map(|left| format!("`{}`", left.case));
    let names: Vec<String> = names.collect();
    Some(format!(
        "{} of {} cannot be held there and {} left out: {} ({})",
        left_out.len(),
        counted(all, "array", "arrays"),
        if left_out.len() == 1 { "was" } else { "were" },
        listed(&names, MOST_NAMES),
        first.reason
    ))
}
