//! Matrices divided into spans that several threads work on.
//!
//! How a matrix is divided depends on its columns and groups alone, so that sums are added in the
//! same order whatever the number of threads and however the rows came.

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use crate::error::{Error, Result};
use crate::kernel::Level;
use crate::options::Scheme;
use crate::tensor::Layout;

/// Numbers that are worth a thread's while.
const PIECE: usize = 1 << 15;

/// Whole rows, or consecutive groups of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The first number within the matrix.
    pub(crate) start: usize,
    /// Numbers of each span; a span is a row or a part of one, and has its own sums.
    pub(crate) span: usize,
    pub(crate) spans: usize,
    /// Groups of each span.
    pub(crate) groups: usize,
}

impl Piece {
    /// Numbers of all spans.
    pub(crate) fn length(&self) -> usize {
        self.span * self.spans
    }
}

/// The pieces of a matrix, in order.
pub(crate) fn pieces(layout: &Layout) -> Vec<Piece> {
    let Layout { rows, columns, group, groups, .. } = *layout;
    if columns == 0 {
        return Vec::new();
    }
    let mut pieces = Vec::new();
    if columns <= PIECE || groups == 1 {
        let together = (PIECE / columns).max(1);
        let mut row = 0;
        while row < rows {
            let spans = together.min(rows - row);
            pieces.push(Piece { start: row * columns, span: columns, spans, groups });
            row += spans;
        }
        return pieces;
    }
    let longest = PIECE / group * group;
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let span = longest.min(columns - column);
            let groups = span.div_ceil(group);
            pieces.push(Piece { start: row * columns + column, span, spans: 1, groups });
            column += span;
        }
    }
    pieces
}

/// Bytes of the codes of a span, which starts on a byte.
pub(crate) fn span_bytes(scheme: Scheme, piece: &Piece) -> usize {
    crate::kernel::packed_length(scheme, piece.span)
}

/// Threads, and the instructions they use.
#[derive(Debug)]
pub(crate) struct Workers {
    /// `None` for the threads that rayon shares among all.
    pool: Option<rayon::ThreadPool>,
    is_alone: bool,
    pub(crate) level: Level,
}

impl Workers {
    /// # Errors
    /// When the system starts no threads.
    pub(crate) fn new(threads: Option<usize>) -> Result<Workers> {
        let pool = match threads {
            None | Some(1) => None,
            Some(threads) => {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                Some(pool.map_err(|error| Error::Threads { reason: error.to_string() })?)
            }
        };
        Ok(Workers { pool, is_alone: threads == Some(1), level: Level::widest() })
    }

    /// Works on every task and gives the results in order.
    pub(crate) fn run<T: Send, R: Send>(
        &self,
        tasks: Vec<T>,
        work: impl Fn(T) -> R + Send + Sync,
    ) -> Vec<R> {
        if self.is_alone || tasks.len() < 2 {
            return tasks.into_iter().map(work).collect();
        }
        let all = || tasks.into_par_iter().map(work).collect();
        match &self.pool {
            Some(pool) => pool.install(all),
            None => all(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_matrix_in_order() {
        for (rows, columns, group) in
            [(3, 100_000, 128), (5, 7, 16), (100_000, 1, 0), (2, 70_000, 0), (1, 32_769, 16)]
        {
            let layout = Layout::new(rows, columns, group, Scheme::Int4Sym);
            let pieces = pieces(&layout);
            let mut next = 0;
            for piece in &pieces {
                assert_eq!(piece.start, next);
                assert!(piece.span.is_multiple_of(16) || (piece.start + piece.span) % columns == 0);
                next += piece.length();
            }
            assert_eq!(next, rows * columns);
            let groups: usize = pieces.iter().map(|piece| piece.groups * piece.spans).sum();
            assert_eq!(groups, layout.scales(Scheme::Int4Sym));
            assert!(pieces.len() <= rows.max(rows * columns / 16_384 + rows));
        }
    }
}
