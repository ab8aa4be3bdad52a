//! The flags of the commands about wheels.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use host::Version;

/// Say whether wheels are what they say they are
///
/// Compares tags with the symbols and libraries that the native modules really need, abi3 with the
/// stable ABI, RECORD with every file, and METADATA with the file name; and looks in every file for
/// what tells of the machine that built it: the home directory, the project's path, CARGO_HOME, and
/// the names of user and host. Nothing is unpacked to disk or run.
///
/// Ends with 0 when nothing is wrong, 4 when there are errors (with --strict also warnings), 2 when
/// the tool itself failed, and 3 when it was called wrongly or a file cannot be read.
#[derive(Debug, Args)]
pub(crate) struct CheckFlags {
    /// Wheels
    #[arg(value_name = "WHEEL", required = true)]
    pub(crate) wheels: Vec<PathBuf>,

    /// How to print what was found
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    #[arg(long_help = "How to print what was found; docs/check.schema.json describes `json`")]
    pub(crate) format: WheelFormat,

    /// The newest glibc that may be needed, whatever the tags say (2.28)
    #[arg(long, value_name = "VERSION")]
    pub(crate) max_glibc: Option<Version>,

    /// Megabytes that a wheel may have
    #[arg(long, value_name = "MB", default_value_t = 100)]
    pub(crate) max_size: u32,

    /// A shared library that may be needed besides those of the platform, by its name
    /// (libcuda.so.1)
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_library: Vec<String>,

    /// A text that no file of a wheel may hold, besides what tells of this machine
    #[arg(long, value_name = "TEXT")]
    pub(crate) secret: Vec<String>,

    /// Do not look for what tells of this machine, as in a wheel that was built elsewhere
    #[arg(long)]
    pub(crate) foreign: bool,

    /// Count warnings as problems
    #[arg(long)]
    pub(crate) strict: bool,
}

/// Say where two wheels differ, why, and how to make them the same
///
/// Compares by layers: name and tags, list and order of the entries, their metadata, their data,
/// sections of native modules, strings. The verdict is one of `identical`, `same content` (stored
/// otherwise), `same except` (fields known to be harmless, which are named), and `different`.
///
/// Ends with 0 when the wheels are identical, or with --accept no more different than that, with 4
/// when they differ, with 2 when the tool itself failed, and with 3 when it was called wrongly or a
/// file cannot be read.
#[derive(Debug, Args)]
pub(crate) struct CompareFlags {
    /// A wheel
    #[arg(value_name = "A")]
    pub(crate) a: PathBuf,

    /// Another build of it
    #[arg(value_name = "B")]
    pub(crate) b: PathBuf,

    /// How to print what was found
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    #[arg(long_help = "How to print what was found; docs/compare.schema.json describes `json`")]
    pub(crate) format: WheelFormat,

    /// The weakest verdict that counts as success
    #[arg(long, value_name = "VERDICT", default_value = "identical")]
    pub(crate) accept: Accepted,
}

/// The weakest verdict that counts as success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Accepted {
    /// Every byte
    Identical,
    /// The same files with the same data
    SameContent,
    /// The same but for fields that are known to be harmless
    SameExcept,
}

/// How to print what was found in wheels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WheelFormat {
    /// For a person
    Human,
    /// For a program
    Json,
}
