//! The registry of checks: one family a directory, one check a file.

mod env;

use crate::Check;

/// Every check, by family and code.
pub const CHECKS: &[&Check] = &[&env::env001::CHECK];

#[cfg(test)]
mod tests;
