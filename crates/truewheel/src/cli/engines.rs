//! The flags of `engines` and `image`.

use clap::{Args, Subcommand, ValueEnum};
use wheelbuild::engine::Engine;

/// Try what could run a build away from this machine's files, network and environment
///
/// Runs a small container with the flags that a build uses, in podman, in docker, in the kernel's
/// namespaces alone and on this machine itself, and looks from inside whether they hold. Where the
/// plain way fails, others are tried, and the one that works is remembered.
///
/// Ends with 0 when one that keeps a build apart works (with --engine, when that one does), 1 when
/// none does, 2 when the tool itself failed, and 3 when it was called wrongly.
#[derive(Debug, Args)]
pub(crate) struct EnginesFlags {
    /// Try only this one
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Option<EngineFlag>,

    /// How to print what came of it
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: BuildFormat,
}

/// Who runs the containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineFlag {
    /// podman, as root or as a user
    Podman,
    /// A docker daemon
    Docker,
    /// The kernel's namespaces, with no engine at all
    Namespaces,
    /// This machine itself, in a clean directory: not hermetic
    Host,
}

impl From<EngineFlag> for Engine {
    fn from(flag: EngineFlag) -> Self {
        match flag {
            EngineFlag::Podman => Self::Podman,
            EngineFlag::Docker => Self::Docker,
            EngineFlag::Namespaces => Self::Namespaces,
            EngineFlag::Host => Self::Host,
        }
    }
}

/// How to print what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BuildFormat {
    /// For a person
    Human,
    /// For a program
    Json,
}

/// Make, check and lock the images that wheels are built in
///
/// `docker/images.toml` says what the base image is made of; without it a small Debian with a C
/// compiler and Python is meant. An image is known by the SHA-256 of its files, which is the same
/// number in the store, in podman and in docker, and `docker/images.lock.toml` keeps it.
#[derive(Debug, Args)]
pub(crate) struct ImageFlags {
    #[command(subcommand)]
    pub(crate) command: ImageCommand,
}

/// What can be done with images.
#[derive(Debug, Subcommand)]
pub(crate) enum ImageCommand {
    Bootstrap(BootstrapFlags),
    Check(ImageCheckFlags),
    Lock(ImageLockFlags),
    List(ImageListFlags),
}

/// Make the base image from Debian's packages, without a registry
///
/// Needs mmdebstrap (or debootstrap, as root) and a Debian mirror. Ends with 1 when the image is not
/// the one that is locked, and says which packages differ.
#[derive(Debug, Args)]
pub(crate) struct BootstrapFlags {
    /// Take the packages from this mirror instead of the recipe's
    #[arg(long, value_name = "URL", conflicts_with = "snapshot")]
    pub(crate) mirror: Option<String>,

    /// Take the packages as they were on a day, such as 20260901T000000Z
    #[arg(long, value_name = "DAY")]
    pub(crate) snapshot: Option<String>,

    /// Make it even if the store has one of this recipe
    #[arg(long)]
    pub(crate) force: bool,

    /// Show everything that is said meanwhile
    #[arg(long, short)]
    pub(crate) verbose: bool,

    /// How to print what was made
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: BuildFormat,
}

/// Prove that every copy of the locked image is that image
///
/// Sums the archive in the store anew, compares what is unpacked with it file by file, and asks
/// engines for the sums of their layers. Ends with 1 when a copy differs or none is there.
#[derive(Debug, Args)]
pub(crate) struct ImageCheckFlags {
    /// Ask only this engine (default: each that works here)
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Option<EngineFlag>,

    /// How to print what was found
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: BuildFormat,
}

/// Write the newest image of the recipe into docker/images.lock.toml
#[derive(Debug, Args)]
pub(crate) struct ImageLockFlags {
    /// Also fetch the images of registries, and lock the digests that their tags mean now
    #[arg(long)]
    pub(crate) registry: bool,
}

/// List the images in the store
#[derive(Debug, Args)]
pub(crate) struct ImageListFlags {
    /// How to print the list
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: BuildFormat,
}
