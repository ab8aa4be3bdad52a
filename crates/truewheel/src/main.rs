//! The `truewheel` executable; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    truewheel::run(std::env::args_os().skip(1), "truewheel")
}
