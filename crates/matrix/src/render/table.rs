//! The table that every report shows: who wrote, who read, and what became of each pair.

use std::collections::{BTreeSet, HashMap};

use crate::{CellResult, Lane, MatrixResult, PairResult};

/// A writer and a reader, as indices into [`Table::cells`].
pub(crate) type Pair = (usize, usize);

/// What became of one pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every array agreed and every pickle behaved as predicted.
    Passed,
    /// Something did not.
    Failed,
    /// Both cells were able to take part, and it was not run all the same.
    NotRun,
    /// One of the two could not take part.
    NoCell,
    /// This run was not asked for it.
    NotAsked,
}

impl Verdict {
    /// The sign in a table; never colour alone.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Passed => "✓",
            Self::Failed => "✗",
            Self::NotRun => "?",
            Self::NoCell => "-",
            Self::NotAsked => " ",
        }
    }

    /// What the sign means.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotRun => "not run",
            Self::NoCell => "a cell could not take part",
            Self::NotAsked => "not asked for",
        }
    }
}

/// The cells that exist, and the pairs of them.
pub(crate) struct Table<'a> {
    pub(crate) result: &'a MatrixResult,
    /// In the order of the report.
    pub(crate) cells: Vec<&'a CellResult>,
    /// The rows, as indices into `cells`.
    pub(crate) writers: Vec<usize>,
    /// The columns, as indices into `cells`.
    pub(crate) readers: Vec<usize>,
    pairs: HashMap<(&'a str, &'a str), &'a PairResult>,
}

impl<'a> Table<'a> {
    pub(crate) fn new(result: &'a MatrixResult) -> Self {
        let cells: Vec<&CellResult> = result.shown_cells().collect();
        let having = |role: fn(&CellResult) -> bool| {
            cells.iter().enumerate().filter(move |(_, cell)| role(cell)).map(|(index, _)| index)
        };
        Self {
            writers: having(|cell| cell.writes).collect(),
            readers: having(|cell| cell.reads).collect(),
            pairs: result.pairs_by_name(),
            cells,
            result,
        }
    }

    pub(crate) fn pair(&self, (writer, reader): Pair) -> Option<&'a PairResult> {
        let key = (self.cells[writer].name.as_str(), self.cells[reader].name.as_str());
        self.pairs.get(&key).copied()
    }

    pub(crate) fn verdict(&self, pair: Pair) -> Verdict {
        let (writer, reader) = (self.cells[pair.0], self.cells[pair.1]);
        match self.pair(pair) {
            Some(result) if result.passed() => Verdict::Passed,
            Some(_) => Verdict::Failed,
            None if writer.kind.lane() != reader.kind.lane() => Verdict::NotAsked,
            None if !writer.writes || !reader.reads => Verdict::NotAsked,
            None if self.result.expects(writer, reader) => Verdict::NotRun,
            None => Verdict::NoCell,
        }
    }

    /// The writers of which somebody read.
    pub(crate) fn active_writers(&self) -> Vec<usize> {
        let active: BTreeSet<usize> = self.run_pairs().map(|((writer, _), _)| writer).collect();
        active.into_iter().collect()
    }

    /// The readers that read somebody.
    pub(crate) fn active_readers(&self) -> Vec<usize> {
        let active: BTreeSet<usize> = self.run_pairs().map(|((_, reader), _)| reader).collect();
        active.into_iter().collect()
    }

    /// The writers and the readers of a lane.
    pub(crate) fn of_lane(&self, lane: Lane) -> (Vec<usize>, Vec<usize>) {
        let of = |cells: &[usize]| {
            let of_lane = |cell: &usize| self.cells[*cell].kind.lane() == lane;
            cells.iter().copied().filter(of_lane).collect()
        };
        (of(&self.writers), of(&self.readers))
    }

    /// Whether some cells have a wheel and others have none.
    pub(crate) fn has_both_lanes(&self) -> bool {
        let of = |lane| self.cells.iter().any(|cell| cell.kind.lane() == lane);
        of(Lane::Arrays) && of(Lane::Wheel)
    }

    /// Every pair of the table, row by row.
    pub(crate) fn all_pairs(&self) -> impl Iterator<Item = Pair> {
        let across = |writer| self.readers.iter().map(move |reader| (writer, *reader));
        self.writers.iter().flat_map(move |writer| across(*writer))
    }

    /// Every pair that was run, with what became of it, row by row.
    pub(crate) fn run_pairs(&self) -> impl Iterator<Item = (Pair, &'a PairResult)> {
        self.all_pairs().filter_map(|pair| Some((pair, self.pair(pair)?)))
    }
}
