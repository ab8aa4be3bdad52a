//! The flags of every command.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Finds out why Rust shipped to Python breaks on this machine, and what to type to mend it.
#[derive(Debug, Parser)]
#[command(name = "truewheel", version, disable_help_subcommand = true, subcommand_required = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// The project to look at (default: the nearest directory upward with a truewheel.toml,
    /// pyproject.toml or Cargo.toml)
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) project: Option<PathBuf>,

    /// When to use colour
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    pub(crate) color: Color,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(InitFlags),
}

/// Write a commented truewheel.toml into the project
#[derive(Debug, Args)]
pub(crate) struct InitFlags {
    /// Replace a truewheel.toml that is already there
    #[arg(long)]
    pub(crate) force: bool,
}

/// `--color` as written, looked for before the flags are parsed: help and usage errors are
/// printed by whoever parses them.
pub(crate) fn color_asked_for(args: &[OsString]) -> Color {
    let mut chosen = Color::Auto;
    let mut args = args.iter().map(OsString::as_os_str).take_while(|arg| *arg != "--").peekable();
    while let Some(arg) = args.next() {
        let value = if arg == "--color" {
            args.peek().and_then(|value| value.to_str())
        } else {
            arg.to_str().and_then(|text| text.strip_prefix("--color="))
        };
        if let Some(value) = value {
            chosen = Color::from_str(value, false).unwrap_or(chosen);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_flags_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn colour_is_known_before_the_flags_are() {
        let asked =
            |args: &[&str]| color_asked_for(&args.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(asked(&["doctor", "--color", "never", "--bad"]), Color::Never);
        assert_eq!(asked(&["--color=always"]), Color::Always);
        assert_eq!(asked(&["--color"]), Color::Auto);
        assert_eq!(asked(&["--", "--color=always"]), Color::Auto);
    }
}
