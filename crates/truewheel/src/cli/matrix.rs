//! The flags of `matrix` and its subcommands.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};

/// Prove that every Python and numpy, and the Rust core, reads what every other one wrote
///
/// Makes an environment for every pair of a Python and a numpy that the index has a wheel for
/// (`[matrix]` in truewheel.toml says which), lets each write the same arrays once and read
/// everyone's once, and compares dtype, byte order, memory order, shape and every byte. Pickles are
/// the control: between some versions they must fail, as a table predicts.
///
/// With `--wheel`, cells with that wheel take part as well, in a lane of their own. Each calls two
/// functions of a Python program of the project, which `exchange` in `[matrix]` names: `write()`
/// gives a dict of arrays that it makes with the wheel, and `read(arrays)` gives one that it makes
/// of those of every cell. Both must give the same bits in every cell; a program whose arrays are
/// meant to differ sets `WRITES_DIFFER = True`. A command named by `exchange-core` does the same
/// without Python, called as `COMMAND write ARRAYS.npz` and `COMMAND read ARRAYS.npz RESULTS.npz
/// ...`; why it cannot read a file it writes to `RESULTS.npz.error`.
///
/// Pyodides that `pyodides` in `[matrix]` names, run by Node.js, read what the others wrote. They have
/// no numpy: arrays become memoryviews, and those of types that these do not have are left out, which
/// the report says.
///
/// Ends with 0 when every pair passed, 5 when a pair or a cell failed, 2 when the tool itself
/// failed, and 3 when it was called wrongly or its configuration is wrong.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct MatrixFlags {
    #[command(subcommand)]
    pub(crate) command: Option<MatrixCommand>,

    #[command(flatten)]
    pub(crate) output: MatrixOutput,

    #[command(flatten)]
    pub(crate) cells: CellFlags,

    /// Run only this part of the pairs, by their readers: `2/4` is the second of four
    #[arg(long, value_name = "I/N", conflicts_with = "rerun_failed")]
    pub(crate) shard: Option<ShardFlag>,

    /// Run again what failed in the last run, and keep the rest of its result
    #[arg(long)]
    pub(crate) rerun_failed: bool,

    /// How many cells run at once (default: as many as there are processors)
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
}

/// What can be done besides running.
#[derive(Debug, Subcommand)]
pub(crate) enum MatrixCommand {
    Plan(PlanFlags),
    Merge(MergeFlags),
    Show(ShowFlags),
}

/// List the cells, and why others do not exist, without running any
#[derive(Debug, Args)]
pub(crate) struct PlanFlags {
    #[command(flatten)]
    pub(crate) cells: CellFlags,

    /// How to print the plan
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: PlanFormat,

    /// For `--format github`: into how many shards to divide it
    #[arg(long, value_name = "N", default_value = "4")]
    pub(crate) shards: std::num::NonZeroU32,
}

/// How to print a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanFormat {
    /// For a person
    Human,
    /// For a program
    Json,
    /// The matrix of a GitHub Actions job, one entry a shard
    Github,
}

/// Join the results of all shards, which `--report FILE.json` wrote, into one
#[derive(Debug, Args)]
pub(crate) struct MergeFlags {
    /// Results of shards, one of each
    #[arg(value_name = "RESULT", required = true)]
    pub(crate) results: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) output: MatrixOutput,
}

/// Print a result once more, in any format
#[derive(Debug, Args)]
pub(crate) struct ShowFlags {
    /// A result in JSON (default: that of the last run)
    #[arg(value_name = "RESULT")]
    pub(crate) result: Option<PathBuf>,

    /// Where the last run kept its result
    #[arg(long, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) output: MatrixOutput,
}

/// Which cells, and with what they are made.
#[derive(Debug, Args)]
pub(crate) struct CellFlags {
    /// Only these cells: names, in which `*` stands for anything, separated by commas
    /// (`py3.11-*,core`)
    #[arg(long, value_name = "CELLS", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// Let only these cells write
    #[arg(long, value_name = "CELLS", value_delimiter = ',')]
    pub(crate) writers: Vec<String>,

    /// Let only these cells read
    #[arg(long, value_name = "CELLS", value_delimiter = ',')]
    pub(crate) readers: Vec<String>,

    /// Let cells with this wheel take part: a file, or the newest that each Python takes of those in
    /// a directory or with a name such as `dist/a-*.whl` (default: `wheel` in `[matrix]`)
    #[arg(long, value_name = "PATH")]
    pub(crate) wheel: Option<PathBuf>,

    /// Where environments are kept and the last result is (default: `target/matrix` in the project)
    #[arg(long, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,

    /// Who makes environments: `auto` is uv from PATH, else uv fetched with pip, else pip
    #[arg(long, value_name = "INSTALLER", default_value = "auto")]
    pub(crate) installer: InstallerFlag,

    /// Do not use the network: only what uv has in its cache, and Pyodides that a run has installed
    #[arg(long)]
    pub(crate) offline: bool,
}

/// Where results go.
#[derive(Debug, Args)]
pub(crate) struct MatrixOutput {
    /// How to print the result
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: MatrixFormat,

    /// Also write the result to this file, in the format that its name ends with: .json, .xml
    /// (JUnit), .md, .html or .txt; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Vec<PathBuf>,
}

/// How to print a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MatrixFormat {
    /// For a person
    Human,
    /// For a program; docs/matrix.schema.json describes it
    Json,
    /// For a CI system
    Junit,
    /// To paste into an issue or a job summary
    Markdown,
    /// A page to open in a browser
    Html,
}

/// Who makes environments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InstallerFlag {
    Auto,
    Uv,
    Pip,
}

/// `2/4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShardFlag {
    pub(crate) index: u32,
    pub(crate) count: u32,
}

impl FromStr for ShardFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(index, count)| {
            let (index, count) = (index.parse().ok()?, count.parse().ok()?);
            Some(Self { index, count })
        });
        match numbers {
            Some(shard) if (1..=shard.count).contains(&shard.index) => Ok(shard),
            Some(shard) => Err(format!("there is no part {} of {}", shard.index, shard.count)),
            None => Err("two numbers are needed, such as 2/4".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_one_of_its_parts() {
        let parse = |text: &str| text.parse::<ShardFlag>();
        assert_eq!(parse("2/4"), Ok(ShardFlag { index: 2, count: 4 }));
        for wrong in ["0/4", "5/4", "1/0", "2", "a/b", "-1/2", "1/2/3"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
