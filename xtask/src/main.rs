//! `cargo xtask`: the chores of this repository, and everything else is the truewheel program.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "chores print (I5)")]

mod bench;
mod fuzz;
mod miri;
mod test;
mod tools;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};
use report::ExitStatus;

/// The chores of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
enum Chore {
    Test(test::Flags),
    Bench(bench::Flags),
    Fuzz(fuzz::Flags),
    Miri(miri::Flags),
    /// Check formatting, lints and the rules of the repository.
    Tidy,
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let first = arguments.first().and_then(|argument| argument.to_str());
    if first.is_some_and(|name| Chore::command().find_subcommand(name).is_some()) {
        return chore(arguments);
    }
    truewheel::run_with_help(arguments, "cargo xtask", list_of_chores())
}

fn list_of_chores() -> String {
    let mut text = String::from("Chores of this repository:");
    for chore in Chore::command().get_subcommands() {
        let about = chore.get_about().map(ToString::to_string).unwrap_or_default();
        text.push_str(&format!("\n  {:<8} {about}", chore.get_name()));
    }
    text
}

fn chore(arguments: Vec<OsString>) -> ExitCode {
    let program = std::iter::once(OsString::from("cargo xtask"));
    let chore = match Chore::try_parse_from(program.chain(arguments)) {
        Ok(chore) => chore,
        Err(error) => {
            // There is nobody to tell when even the message cannot be printed.
            let _ = error.print();
            let wrong = error.use_stderr();
            return if wrong { ExitStatus::BadInput } else { ExitStatus::Healthy }.into();
        }
    };
    let done = match chore {
        Chore::Test(flags) => test::run(&flags),
        Chore::Bench(flags) => bench::run(&flags),
        Chore::Fuzz(flags) => fuzz::run(&flags),
        Chore::Miri(flags) => miri::run(&flags),
        Chore::Tidy => test::tidy(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitStatus::ToolFailed.into()
    })
}
