//! The flags of `doctor --watch`.

use clap::Args;

/// Diagnosing again and again.
#[derive(Debug, Args)]
pub(crate) struct WatchFlags {
    /// Diagnose again whenever a file changes that the facts rest on, and print what is new and what
    /// is gone, until interrupted; with `--format json` a line for each time
    #[arg(long, conflicts_with_all = ["facts", "list", "save", "redact", "fix", "undo", "undo_clear"])]
    pub(crate) watch: bool,
}
