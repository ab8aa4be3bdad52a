//! The flags of every command.

mod build;
#[cfg(feature = "completions")]
mod completions;
mod diff;
mod engines;
mod fix;
mod matrix;
mod scan;
mod watch;
mod wheel;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use build::{
    BuildFlags, FetchFlags, InputFlags, ReproduceFlags, RoomFlags, ToolchainFlag, What,
};
#[cfg(feature = "completions")]
pub(crate) use completions::CompletionsFlags;
pub(crate) use diff::{DiffFlags, DiffFormat, DoctorCommand};
pub(crate) use engines::{
    BootstrapFlags, BuildFormat, EnginesFlags, ImageCheckFlags, ImageCommand, ImageFlags,
    ImageListFlags, ImageLockFlags,
};
pub(crate) use fix::FixFlags;
pub(crate) use matrix::{
    CellFlags, InstallerFlag, MatrixCommand, MatrixFlags, MatrixFormat, MatrixOutput, MergeFlags,
    PlanFlags, PlanFormat, ShowFlags,
};

pub(crate) use scan::{ScanFlags, ScanFormat};
pub(crate) use watch::WatchFlags;
pub(crate) use wheel::{Accepted, CheckFlags, CompareFlags, WheelFormat};

/// Heading of the options that every command has.
const COMMON: &str = "Common options";

/// Finds out why Rust shipped to Python breaks on this machine, and what to type to mend it.
#[derive(Debug, Parser)]
#[command(name = "truewheel", version, disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// The project to look at (default: the nearest directory upward with a truewheel.toml,
    /// pyproject.toml or Cargo.toml)
    #[arg(long, value_name = "DIR", global = true, help_heading = COMMON)]
    pub(crate) project: Option<PathBuf>,

    /// When to use colour: `auto` is on a terminal, unless `NO_COLOR` is set
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    #[arg(help_heading = COMMON)]
    pub(crate) color: Color,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Build(Box<BuildFlags>),
    Check(CheckFlags),
    Compare(CompareFlags),
    #[cfg(feature = "completions")]
    Completions(CompletionsFlags),
    Doctor(DoctorFlags),
    Engines(EnginesFlags),
    Envs(EnvsFlags),
    Explain(ExplainFlags),
    Fetch(FetchFlags),
    Image(ImageFlags),
    Init(InitFlags),
    Matrix(Box<MatrixFlags>),
    Reproduce(Box<ReproduceFlags>),
    Scan(ScanFlags),
}

/// Say what is wrong on this machine, why, and what to type to mend it
///
/// Ends with 0 when nothing is wrong, 1 when there are errors (with --strict also warnings), 2 when
/// the tool itself failed, and 3 when it was called wrongly or its configuration is wrong.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct DoctorFlags {
    #[command(subcommand)]
    pub(crate) command: Option<DoctorCommand>,

    /// How to print the report
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: DoctorFormat,

    /// Run only these checks: codes (NPY004) or families (NPY), separated by commas
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// Do not run these checks: codes or families, separated by commas
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,

    /// Count warnings as problems
    #[arg(long)]
    pub(crate) strict: bool,

    /// An interpreter or environment to judge besides those found
    #[arg(long, value_name = "PATH")]
    pub(crate) python: Option<PathBuf>,

    /// Judge every environment found, not only those that the project uses
    #[arg(long)]
    pub(crate) all: bool,

    /// Import the project's compiled module in each Python that has it, isolated and with a time
    /// limit, to see the names it really has: its own code runs
    #[arg(long, conflicts_with_all = ["facts", "list"])]
    pub(crate) import: bool,

    /// List the checks that would run, and run none
    #[arg(long, conflicts_with_all = ["python", "all", "save", "facts", "redact"])]
    pub(crate) list: bool,

    /// Also show what was checked and how long it took, what could not be read, and what is
    /// suppressed
    #[arg(long, short)]
    pub(crate) verbose: bool,

    /// Write the facts that the diagnosis rests on to a file
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,

    /// Diagnose from a facts file, perhaps of another machine, instead of looking at this one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["python", "all"])]
    pub(crate) facts: Option<PathBuf>,

    /// Take names of users and machines, tokens and credentials out of the facts
    #[arg(long)]
    pub(crate) redact: bool,

    #[command(flatten)]
    pub(crate) watching: WatchFlags,

    #[command(flatten)]
    pub(crate) fix: FixFlags,
}

/// How to print a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoctorFormat {
    /// For a person
    Human,
    /// For a program; docs/report.schema.json describes it
    Json,
    /// Annotations for GitHub Actions
    Github,
    /// To paste into an issue
    Markdown,
    /// For dashboards of code scanning: SARIF 2.1.0
    Sarif,
    /// For the test views of CI systems: JUnit XML
    Junit,
}

/// List every Python on this machine, and which one each tool would pick here
#[derive(Debug, Args)]
pub(crate) struct EnvsFlags {
    /// How to print the list
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: EnvsFormat,

    /// Also list the packages installed in each
    #[arg(long)]
    pub(crate) packages: bool,
}

/// How to print a list of environments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EnvsFormat {
    /// For a person
    Human,
    /// For a program
    Json,
}

/// Explain a fault by its code, or say what the log of a failure means here
///
/// Without a code, a log is read: from standard input if something is piped into it, from a file with
/// --log, or from a command with --run. Every code that the text speaks of is held against the facts
/// of this machine, and is confirmed, with its evidence and cure; ruled out; or not decidable here.
/// A log that speaks of nothing known says so. Without a code and a log, every code is listed.
///
/// Ends with 0 when there is an answer, 1 when a log speaks of nothing that is known or all of it is
/// ruled out, 2 when the tool itself failed, and 3 when it was called wrongly. With --run it ends as
/// the command does.
#[derive(Debug, Args)]
pub(crate) struct ExplainFlags {
    /// A code (NPY004) or name, or `-` for a log on standard input
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,

    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: ExplainFormat,

    /// A file with a log
    #[arg(long, value_name = "FILE", conflicts_with = "code")]
    pub(crate) log: Option<PathBuf>,

    /// Run the command after `--`, pass on what it prints, and explain it if it fails
    #[arg(long, requires = "command", conflicts_with_all = ["code", "log"])]
    pub(crate) run: bool,

    /// Judge a log by a facts file, perhaps of another machine, instead of this one
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: Option<PathBuf>,

    /// The command of --run
    #[arg(value_name = "COMMAND", last = true, requires = "run")]
    pub(crate) command: Vec<OsString>,
}

/// How to print a page, or what a log means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainFormat {
    /// For a person
    Human,
    /// The page as it is; not for logs
    Markdown,
    /// For a program; docs/explain.schema.json describes what it says of a log
    Json,
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
