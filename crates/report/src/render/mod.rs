//! Renderers, one per file; all read the same [`Report`].

pub mod github;
pub mod human;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod sarif;

mod shell;
mod summary;
mod text;

pub use shell::Shell;
pub use text::{count, is_hidden, visible, visible_lines, width, wrap};

/// What a renderer may need to know of its reader; each takes what concerns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to colour.
    pub color: bool,
    /// Whether to list every check, what could not be read, and what is suppressed.
    pub verbose: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { width: 100, color: false, verbose: false }
    }
}
