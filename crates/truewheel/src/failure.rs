//! Why a command could not do what was asked, and the one renderer of it.

use std::fmt::Display;

use anyhow::Error;
use clap::CommandFactory;
use report::ExitStatus;

use crate::cli::Cli;

/// A command that could not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the program ends.
    pub(crate) status: ExitStatus,
    error: Error,
    details: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    /// The user asked for something that cannot be: flags, configuration or input files.
    pub(crate) fn input(message: impl Display) -> Self {
        Self::new(ExitStatus::BadInput, Error::msg(message.to_string()))
    }

    /// The tool itself could not go on.
    pub(crate) fn tool(error: impl Into<Error>, doing: impl Display) -> Self {
        Self::new(ExitStatus::ToolFailed, error.into().context(doing.to_string()))
    }

    fn new(status: ExitStatus, error: Error) -> Self {
        Self { status, error, details: Vec::new(), hint: None }
    }

    /// Adds lines below the message, one for each thing that is wrong.
    pub(crate) fn details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }

    /// Adds what the user can do.
    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// The message, its details, the chain of causes, and the hint, which calls the program by the
    /// `name` that the user typed.
    pub(crate) fn render(&self, name: &str) -> String {
        let mut text = format!("error: {}\n", self.error);
        for detail in &self.details {
            text.push_str(&format!("  {detail}\n"));
        }
        for cause in self.error.chain().skip(1) {
            text.push_str(&format!("  caused by: {cause}\n"));
        }
        if let Some(hint) = &self.hint {
            text.push_str(&format!("\nhint: {}\n", with_program(hint, name)));
        }
        text
    }
}

/// A sentence in which commands between backticks that begin with a subcommand (`matrix plan`) begin
/// with the program: whoever reads it can type them.
fn with_program(sentence: &str, name: &str) -> String {
    let command = Cli::command();
    let is_subcommand = |word: &str| command.get_subcommands().any(|one| one.get_name() == word);
    let parts = sentence.split('`').enumerate().map(|(index, part)| {
        let first = part.split(' ').next().unwrap_or_default();
        match index % 2 == 1 && is_subcommand(first) {
            true => format!("{name} {part}"),
            false => part.to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_and_the_hint_are_printed() {
        let failure = Failure::tool(Error::msg("disk full"), "cannot write a").hint("make room");
        assert_eq!(
            failure.render("truewheel"),
            "error: cannot write a\n  caused by: disk full\n\nhint: make room\n"
        );
        assert_eq!(failure.status, ExitStatus::ToolFailed);
    }

    #[test]
    fn commands_in_a_hint_can_be_typed() {
        let hint = "`matrix plan` lists cells, `core` under [build] names crates, and `init` or \
                    `truewheel envs` helps; see `--help`";
        assert_eq!(
            with_program(hint, "cargo xtask"),
            "`cargo xtask matrix plan` lists cells, `core` under [build] names crates, and `cargo \
             xtask init` or `truewheel envs` helps; see `--help`"
        );
    }
}
