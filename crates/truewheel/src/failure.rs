//! Why a command could not do what was asked, and the one renderer of it.

use std::fmt::Display;

use anyhow::Error;
use report::ExitStatus;

/// A command that could not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the program ends.
    pub(crate) status: ExitStatus,
    error: Error,
    hint: Option<String>,
}

impl Failure {
    /// The user asked for something that cannot be: flags, configuration or input files.
    pub(crate) fn input(message: impl Display) -> Self {
        Self { status: ExitStatus::BadInput, error: Error::msg(message.to_string()), hint: None }
    }

    /// The tool itself could not go on.
    pub(crate) fn tool(error: impl Into<Error>, doing: impl Display) -> Self {
        let error = error.into().context(doing.to_string());
        Self { status: ExitStatus::ToolFailed, error, hint: None }
    }

    /// Adds what the user can do.
    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// The message, the chain of causes, and the hint.
    pub(crate) fn render(&self) -> String {
        let mut text = format!("error: {}\n", self.error);
        for cause in self.error.chain().skip(1) {
            text.push_str(&format!("  caused by: {cause}\n"));
        }
        if let Some(hint) = &self.hint {
            text.push_str(&format!("\nhint: {hint}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_and_the_hint_are_printed() {
        let failure = Failure::tool(Error::msg("disk full"), "cannot write a").hint("make room");
        assert_eq!(
            failure.render(),
            "error: cannot write a\n  caused by: disk full\n\nhint: make room\n"
        );
        assert_eq!(failure.status, ExitStatus::ToolFailed);
    }
}
