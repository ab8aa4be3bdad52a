//! The flags of what makes wheels: `build`, `fetch` and `reproduce`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use host::Version;

use super::engines::{BuildFormat, EngineFlag};

/// Build the wheel in a clean container without a network, the same bits everywhere
///
/// Takes exactly the files that git knows, the crates of Cargo.lock and what build.lock.toml names;
/// what is not here yet is fetched first, which is the only part that uses the network. Then the
/// wheel is built, checked, and installed and imported in another container. It appears in --out with
/// SHA256SUMS and a record of what it was made of (an in-toto statement with SLSA provenance,
/// unsigned), which `reproduce` can build again from.
///
/// Ends with 0 when everything went well, 4 when the wheel fails its check or a second build is
/// another one, 1 when a phase of the build failed, 2 when the tool itself failed, and 3 when it was
/// called wrongly or the project cannot be built so.
#[derive(Debug, Args)]
pub(crate) struct BuildFlags {
    /// What to make
    #[arg(value_name = "WHAT", default_value = "wheel")]
    pub(crate) what: What,

    /// Where to put it (default: `out` under [build] in truewheel.toml, or else dist)
    #[arg(long, short, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Build a second time with everything else changed (directories, user, umask, machine's name,
    /// time zone, locale, number of jobs, CARGO_HOME, engine), compare, and find what is to blame
    #[arg(long)]
    pub(crate) reproduce: bool,

    /// Do not install and import the wheel
    #[arg(long)]
    pub(crate) no_test: bool,

    /// The newest glibc that the wheel may need (2.28)
    #[arg(long, value_name = "VERSION")]
    pub(crate) max_glibc: Option<Version>,

    #[command(flatten)]
    pub(crate) room: RoomFlags,

    #[command(flatten)]
    pub(crate) inputs: InputFlags,

    /// Do not write build.lock.toml: what it does not say, or says otherwise, is an error
    #[arg(long, help_heading = "What it is built of")]
    pub(crate) locked: bool,

    /// Show everything that is said meanwhile
    #[arg(long, short)]
    pub(crate) verbose: bool,

    /// How to print what happens: `json` is a line for each event
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: BuildFormat,
}

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// The wheel
    Wheel,
    /// The Rust crates that the wheel is made of: tested, and each as a .crate file
    Core,
    /// The sources as the package index takes them
    Sdist,
    /// All of these
    All,
}

/// Where a build runs.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Where it is built")]
pub(crate) struct RoomFlags {
    /// Who runs the containers (default: the first that works)
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Option<EngineFlag>,

    /// Whose Rust compiles: that of this machine, shown read-only, or that at /toolchain in the image
    #[arg(long, value_name = "WHOSE", default_value = "host")]
    pub(crate) toolchain: ToolchainFlag,

    /// An image that podman or docker has, instead of the locked base image
    #[arg(long, value_name = "NAME")]
    pub(crate) image: Option<String>,

    /// A Python of this machine to build with, shown read-only, instead of the image's: a path or a
    /// program on PATH
    #[arg(long, value_name = "PYTHON")]
    pub(crate) python: Option<PathBuf>,
}

/// Whose Rust compiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ToolchainFlag {
    /// This machine's
    Host,
    /// The image's, at /toolchain
    Image,
}

/// What a build may take from where.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What it is built of")]
pub(crate) struct InputFlags {
    /// Do not use the network at all, and leave build.lock.toml as it is: what is not here or not
    /// locked is an error
    #[arg(long)]
    pub(crate) offline: bool,

    /// Take everything from a file that `fetch --bundle` wrote; implies --offline
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
}

/// Fetch everything that a build takes, and lock it: the only part that uses the network
///
/// Crates by cargo, and files of Python's package index by pip, each with whatever mirror, proxy and
/// credentials these are configured for; the base image as by `image bootstrap`. build.lock.toml,
/// beside Cargo.lock, says what they are: commit it.
#[derive(Debug, Args)]
pub(crate) struct FetchFlags {
    /// Choose everything anew and lock that: the newest maturin that pyproject.toml allows, the Rust
    /// and the image that are here
    #[arg(long, conflicts_with = "locked")]
    pub(crate) update: bool,

    /// Do not write build.lock.toml: what it does not say, or says otherwise, is an error
    #[arg(long)]
    pub(crate) locked: bool,

    /// Also write everything into one file, for a machine without a network
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) room: RoomFlags,

    /// How to print what was fetched: `json` is a line for each event
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: BuildFormat,
}

/// Build a wheel again that somebody else built, from the record that came with it, and compare
///
/// Checks out the commit that the record names into a directory of its own, looks whether everything
/// else that it names is the same here, builds with what build.lock.toml of that commit names, and
/// compares by layers.
///
/// Ends with 0 when the wheel is identical (with --accept: no more different than that), 4 when it is
/// not, 1 when the build failed, 2 when the tool itself failed, and 3 when it was called wrongly or
/// what the record names is not here.
#[derive(Debug, Args)]
pub(crate) struct ReproduceFlags {
    /// The wheel
    #[arg(value_name = "WHEEL")]
    pub(crate) wheel: PathBuf,

    /// Its record (default: WHEEL.intoto.json)
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,

    /// The weakest verdict that counts as success
    #[arg(long, value_name = "VERDICT", default_value = "identical")]
    pub(crate) accept: super::Accepted,

    #[command(flatten)]
    pub(crate) room: RoomFlags,

    #[command(flatten)]
    pub(crate) inputs: InputFlags,

    /// Show everything that is said meanwhile
    #[arg(long, short)]
    pub(crate) verbose: bool,

    /// How to print what happens: `json` is a line for each event
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: BuildFormat,
}
