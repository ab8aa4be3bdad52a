//! Every Python on the machine, read from its files.
//!
//! Discovery never starts a process: versions come from `pyvenv.cfg`, `conda-meta`, `patchlevel.h`
//! and directory names, packages from `*.dist-info` and `conda-meta`. A broken environment is a
//! fact like any other and is reported with what is wrong about it.

mod model;

pub use model::{
    Abi, CondaRecord, Environment, EnvironmentKind, FoundBy, Implementation, Libc, LibcFamily,
    Package, PackageSource, Pick, Picks, Problem, ProblemKind, PyvenvCfg, Script,
};
