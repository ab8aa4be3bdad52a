//! Faults made for real, and healthy machines: the program is run on each.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "all of this is test code")]

mod harness;
mod itself;
