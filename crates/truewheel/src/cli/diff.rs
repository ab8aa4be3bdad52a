//! The flags of `doctor diff`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What the doctor can do besides diagnosing.
#[derive(Debug, Subcommand)]
pub(crate) enum DoctorCommand {
    Diff(DiffFlags),
}

/// Say what differs between two machines, or between before and after, and which of it matters
///
/// Takes the files that `doctor --save` writes; with one file, that is compared with this machine as
/// it is now. What lies in two homes, two copies of the project or two environments of the same part
/// is compared as the same thing. First come the findings that only one side has, each with the
/// differences that make it so, then what differs besides.
///
/// Ends with 0 when both sides have the same findings, 1 when any is gained, lost or changed, 2 when
/// the tool itself failed, and 3 when it was called wrongly or a file is no facts file.
#[derive(Debug, Args)]
pub(crate) struct DiffFlags {
    /// Facts of one machine, or of before
    #[arg(value_name = "A.json")]
    pub(crate) before: PathBuf,

    /// Facts of another machine, or of after (default: this machine now)
    #[arg(value_name = "B.json")]
    pub(crate) after: Option<PathBuf>,

    /// How to print the differences
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: DiffFormat,

    /// Compare only what these checks say: codes (NPY004) or families (NPY), separated by commas
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// Leave out what these checks say: codes or families, separated by commas
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,

    /// Show every difference that a check looks at
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// How to print differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffFormat {
    /// For a person
    Human,
    /// For a program; docs/diff.schema.json describes it
    Json,
}
