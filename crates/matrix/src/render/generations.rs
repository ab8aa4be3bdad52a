//! The pickle control by numpy: how many pickles of one do not load in another.

use super::control::numpys;
use super::table::Table;
use crate::{CellResult, Observation};

/// What became of the pickles between two numpys, over all of their Pythons.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Pickles that were read.
    pub(crate) read: usize,
    /// Of these, that did not load, or as something else.
    pub(crate) failed: usize,
    /// That loaded with a warning.
    pub(crate) warned: usize,
    /// That behaved otherwise than predicted.
    pub(crate) wrong: usize,
}

/// The pickles by numpy: for each writer (rows) and reader (columns) what became of them.
pub(crate) struct Generations {
    pub(crate) numpys: Vec<String>,
    pub(crate) tallies: Vec<Vec<Tally>>,
}

pub(crate) fn generations(table: &Table<'_>) -> Generations {
    let numpys = numpys(table);
    let mut tallies = vec![vec![Tally::default(); numpys.len()]; numpys.len()];
    let place = |cell: &CellResult| {
        let numpy = cell.numpy.as_ref()?;
        numpys.iter().position(|known| known == numpy)
    };
    for ((writer, reader), run) in table.run_pairs() {
        let Some(pickles) = &run.pickles else { continue };
        let (Some(from), Some(to)) = (place(table.cells[writer]), place(table.cells[reader]))
        else {
            continue;
        };
        let tally = &mut tallies[from][to];
        for index in pickles.observed.values().flatten() {
            let Some(observation) = table.result.observations.get(*index) else { continue };
            let (read, failed, warned) = match observation {
                Observation::NotWritten { .. } => (0, 0, 0),
                Observation::Loads => (1, 0, 0),
                Observation::Warns { .. } => (1, 0, 1),
                Observation::Fails { .. } | Observation::Differs { .. } => (1, 1, 0),
            };
            tally.read += read;
            tally.failed += failed;
            tally.warned += warned;
        }
        tally.wrong += pickles.wrong.len();
    }
    Generations { numpys, tallies }
}
