//! NPY: numpy, and what was compiled for it.

#[cfg(test)]
pub(super) mod cases;
mod files;
mod upgrade;
mod verdict;

pub(crate) use verdict::{mismatched_packages, numpy_mismatch};

pub(super) mod npy001;
pub(super) mod npy002;
pub(super) mod npy003;
pub(super) mod npy004;
pub(super) mod npy005;
pub(super) mod npy006;
pub(super) mod npy007;
pub(super) mod npy008;

pub(in crate::checks) use upgrade::to_numpy_2;
