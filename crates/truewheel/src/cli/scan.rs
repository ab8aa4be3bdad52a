//! The flags of `scan`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Say what data files and modules hold, who can load them, and whether that is safe
///
/// Looks into npy and npz files, pickles, files of joblib and PyTorch, native modules, wheels, and
/// Python sources that pickle what they exchange; nothing of them is run. Which numpys can load a
/// file is told by measured rules, and for each of the Pythons on this machine. What a pickle imports
/// is held against lists: only what is known to make data is clean.
///
/// In directories, the end of its name says whether a file is looked at; where that says little, its
/// first bytes do.
///
/// Ends with 0 when nothing is wrong, 1 when there are errors (with --strict also warnings), when
/// something could not be told, or when a file was not written anew; 2 when the tool itself failed,
/// and 3 when it was called wrongly.
#[derive(Debug, Args)]
pub(crate) struct ScanFlags {
    /// Files, and directories with data files
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,

    /// How to print what was found
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: ScanFormat,

    /// Also compare the checksums of archives, which reads all of their data
    #[arg(long)]
    pub(crate) verify: bool,

    /// Look at the first bytes of every file in directories, whatever its name
    #[arg(long)]
    pub(crate) all_files: bool,

    /// Count warnings as problems
    #[arg(long)]
    pub(crate) strict: bool,

    /// Also show every array, every name that a pickle imports, and files in which nothing is wrong
    #[arg(long, short)]
    pub(crate) verbose: bool,

    /// Write pickles of numpy 2 anew so that numpy 1 can load them, beside the old ones
    ///
    /// `model.pkl` becomes `model.numpy1.pkl`. The instructions are changed one by one and never run,
    /// and the result is looked into before and after it is written. What is dangerous, damaged, or
    /// computes the names that it imports is left as it is.
    #[arg(long, conflicts_with_all = ["to_npz", "format"])]
    pub(crate) repair: bool,

    /// Write the arrays of pickles, of files of joblib and of PyTorch into npz files
    ///
    /// Arrays in dictionaries and lists are named after their places: `layer.0.weight`. What an npz
    /// file cannot hold is left out and named. The pickle is not run.
    #[arg(long, conflicts_with = "format")]
    pub(crate) to_npz: bool,

    /// Where --repair or --to-npz writes, for one file
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Put what --repair writes in the place of the old file, which is kept as FILE.before
    #[arg(long, requires = "repair", conflicts_with = "output")]
    pub(crate) in_place: bool,

    /// The newest pickle protocol that the readers of what --repair writes know (4 for Python 3.7)
    #[arg(long, value_name = "N", requires = "repair", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u8).range(4..=5))]
    pub(crate) protocol: u8,
}

/// How to print a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScanFormat {
    /// For a person
    Human,
    /// For a program; docs/scan.schema.json describes it
    Json,
    /// For dashboards of code scanning
    Sarif,
}
