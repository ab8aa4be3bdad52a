//! Renderers, one per file; all read the same [`MatrixResult`](crate::MatrixResult), and none does
//! any input or output.

pub mod html;
pub mod human;
pub mod json;
pub mod junit;
pub mod markdown;

mod absent;
mod causes;
mod control;
mod generations;
mod names;
mod page;
mod remarks;
mod table;
mod words;

/// What the renderer for a terminal needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to colour.
    pub color: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { width: 100, color: false }
    }
}
