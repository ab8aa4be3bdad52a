//! The registry of checks: one family a directory, one check a file.

mod env;

use crate::Check;

/// Every check, by family and code.
pub const CHECKS: &[&Check] = &[
    &env::env001::CHECK,
    &env::env002::CHECK,
    &env::env003::CHECK,
    &env::env004::CHECK,
    &env::env005::CHECK,
    &env::env006::CHECK,
    &env::env007::CHECK,
];

#[cfg(test)]
mod tests;
