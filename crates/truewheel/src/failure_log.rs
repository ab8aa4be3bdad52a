//! What a command said before it failed, explained in a few lines, for other commands and for
//! `cargo xtask`.

use std::path::Path;

use doctor::log::LogReader;

use crate::cli::Color;
use crate::commands::{Context, explain};
use crate::output::Printer;

/// The output of a command, of which only what speaks of faults is kept.
#[derive(Default)]
pub struct FailureLog {
    reader: LogReader,
}

impl FailureLog {
    /// Nothing was said yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The command said more. Pieces may end anywhere.
    pub fn push(&mut self, bytes: &[u8]) {
        self.reader.push(bytes);
    }

    /// What the output means on this machine, in a few lines; nothing where it speaks of nothing
    /// that is known, or of nothing that is true here. `name` is how the user calls the program.
    #[must_use]
    pub fn explain(self, project: &Path, name: &'static str) -> Option<String> {
        let host = host::Host::current().ok()?;
        let printer = Printer::new(Color::Auto);
        let context = Context { host: &host, printer: &printer, project: Some(project), name };
        // Whoever failed has said so; that this failed as well helps nobody.
        let explanation = explain::explanation(&context, self.reader, None).ok()?;
        explain::short(&explanation, name)
    }
}
