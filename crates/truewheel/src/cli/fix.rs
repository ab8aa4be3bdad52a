//! The flags of `doctor --fix` and `doctor --undo`.

use clap::Args;

/// Heading of these flags in the help.
const FIXING: &str = "Fixing";

/// Whether cures are carried out, and how.
#[derive(Debug, Args)]
pub(crate) struct FixFlags {
    /// Carry the cures out: safe ones at once, those that remove or replace something when you say
    /// yes. After each, look again whether it helped
    #[arg(long, help_heading = FIXING)]
    #[arg(conflicts_with_all = ["facts", "list", "save", "redact"])]
    pub(crate) fix: bool,

    /// Say yes to every cure that would be asked about
    #[arg(long, short, help_heading = FIXING, requires = "fix")]
    pub(crate) yes: bool,

    /// Show what would be done, and change nothing
    #[arg(long, help_heading = FIXING, requires = "fix", conflicts_with = "yes")]
    pub(crate) dry_run: bool,

    /// How long one command of a cure may run
    #[arg(long, value_name = "SECONDS", default_value = "1800", value_parser = seconds)]
    #[arg(help_heading = FIXING)]
    pub(crate) time_limit: u64,

    /// Bring back what a cure changed: `last` or a number of the list, which is shown without one
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "list")]
    #[arg(help_heading = FIXING)]
    #[arg(conflicts_with_all = ["fix", "facts", "list", "save", "redact", "python", "all"])]
    pub(crate) undo: Option<String>,

    /// Forget how to bring back what a cure changed, and remove what was kept for it: a number of
    /// the list, or everything
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "all")]
    #[arg(help_heading = FIXING)]
    #[arg(conflicts_with_all = ["fix", "undo", "facts", "list", "save", "redact", "python", "all"])]
    pub(crate) undo_clear: Option<String>,
}

impl FixFlags {
    /// Whether something other than a diagnosis is asked for.
    pub(crate) fn is_asked(&self) -> bool {
        self.fix || self.undo.is_some() || self.undo_clear.is_some()
    }
}

/// A number of seconds that is not zero.
fn seconds(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("nothing can be done in no time".to_owned()),
        Ok(seconds) => Ok(seconds),
        Err(_) => Err("it is not a whole number of seconds".to_owned()),
    }
}
