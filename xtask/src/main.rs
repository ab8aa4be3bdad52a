//! `cargo xtask`: the chores of this repository, and everything else is the truewheel program.

use std::process::ExitCode;

fn main() -> ExitCode {
    truewheel::run(std::env::args_os().skip(1), "cargo xtask")
}
