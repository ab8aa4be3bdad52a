//! The registry of checks: one family a directory, one check a file.

mod env;
mod pkg;

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
    &pkg::pkg001::CHECK,
    &pkg::pkg002::CHECK,
    &pkg::pkg003::CHECK,
    &pkg::pkg004::CHECK,
    &pkg::pkg005::CHECK,
    &pkg::pkg006::CHECK,
];

#[cfg(test)]
mod tests;
