//! Every Python on the machine, read from its files.
//!
//! Discovery never starts a process: versions come from `pyvenv.cfg`, `conda-meta`, `patchlevel.h`
//! and directory names, packages from `*.dist-info` and `conda-meta`. A broken environment is a
//! fact like any other and is reported with what is wrong about it.
//!
//! The modules under `sources` say where environments may be, `locate` works out which environment
//! is there, `installation` and `virtual_environment` read its facts, and those under `picks` follow
//! the rules by which each tool chooses among them.

mod abi;
mod activate;
mod binary;
mod candidate;
mod conda_meta;
mod context;
mod discover;
mod installation;
mod kinds;
mod libc;
mod locate;
mod model;
mod packages;
mod paths;
mod picks;
mod pth;
mod pyenv;
mod pyvenv_cfg;
mod record;
mod scripts;
mod site;
mod sources;
mod version;
mod virtual_environment;

pub use discover::{Depth, Discovery, Search, complete, discover, read_environment};
pub use model::{
    Abi, CondaRecord, Environment, EnvironmentKind, FoundBy, Implementation, Libc, LibcFamily,
    Package, PackageSource, Pick, Picks, Problem, ProblemKind, PyvenvCfg, Script,
};
pub use packages::normalized_name;
pub use picks::picks;
pub use pyenv::{PyenvSelection, pyenv_selection};
