//! Faults made for real, and healthy machines: the program is run on each.
//!
//! The module of a test is its lane in `cargo xtask test`; a test whose name says `conda` or
//! `mount` is in the lane of that name.

#![expect(clippy::unwrap_used, reason = "all of this is test code")]

mod bld;
mod ctr;
mod dat;
mod env;
mod ext;
mod fix;
mod fs;
mod garbage;
mod harness;
mod itself;
mod libraries;
mod npy;
mod pkg;
mod silence;
#[path = "../skips.rs"]
mod skips;
mod unchanged;
