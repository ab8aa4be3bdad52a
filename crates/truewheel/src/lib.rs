//! The program: flags, configuration, commands.
//!
//! With `xtask` this is the only crate that prints: data on standard output, talk on standard
//! error. The same program is reached as `truewheel` and as `cargo xtask`.

mod cli;
mod commands;
mod config;
mod failure;
mod failure_log;
mod output;
mod pattern;
mod progress;
mod suppress;
mod table;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};
use report::ExitStatus;

pub use crate::failure_log::FailureLog;

use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::output::Printer;

/// Runs the program and says how it ended.
///
/// `args` are the arguments after the program's name; `name` is how the user calls the program
/// (`truewheel` or `cargo xtask`), as help and usage lines show it.
pub fn run(args: impl IntoIterator<Item = OsString>, name: &'static str) -> ExitCode {
    run_with_help(args, name, String::new())
}

/// As [`run`], with `after_help` below the program's own help: what else the caller can do.
pub fn run_with_help(
    args: impl IntoIterator<Item = OsString>,
    name: &'static str,
    after_help: String,
) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let printer = Printer::new(cli::color_asked_for(&args));
    // The matrix starts this program anew as one of its cells, which is no command of a user's.
    if let [first, request] = args.as_slice()
        && first == matrix::CORE_CELL
    {
        return commands::matrix::core_cell(&printer, request.as_ref());
    }
    let command = Cli::command().bin_name(name).no_binary_name(true).after_help(after_help);
    let cli = match command.try_get_matches_from(args).and_then(|m| Cli::from_arg_matches(&m)) {
        Ok(cli) => cli,
        Err(error) => return usage(&printer, &error, name),
    };
    match dispatch(&cli, &printer, name) {
        Ok(code) => code,
        Err(failure) => {
            printer.talk(&failure.render(name));
            failure.status.into()
        }
    }
}

fn dispatch(cli: &Cli, printer: &Printer, name: &'static str) -> Result<ExitCode, Failure> {
    let host = host::Host::current().map_err(|error| {
        Failure::tool(error, "cannot tell which directory this is run in")
            .hint("the directory may have been deleted: change to one that exists and try again")
    })?;
    let context = commands::Context { host: &host, printer, project: cli.project.as_deref(), name };
    let status = match &cli.command {
        Command::Build(flags) => commands::build::run(&context, flags),
        Command::Check(flags) => commands::check::run(&context, flags),
        Command::Compare(flags) => commands::compare::run(&context, flags),
        #[cfg(feature = "completions")]
        Command::Completions(flags) => commands::completions::run(&context, flags),
        Command::Doctor(flags) => commands::doctor::run(&context, flags),
        Command::Engines(flags) => commands::engines::run(&context, flags),
        Command::Envs(flags) => commands::envs::run(&context, flags),
        // It may end as the command that it runs.
        Command::Explain(flags) => return commands::explain::run(&context, flags),
        Command::Fetch(flags) => commands::build::fetch(&context, flags),
        Command::Image(flags) => commands::image::run(&context, flags),
        Command::Init(flags) => commands::init::run(&context, flags),
        Command::Matrix(flags) => commands::matrix::run(&context, flags),
        Command::Reproduce(flags) => commands::build::reproduce(&context, flags),
        Command::Scan(flags) => commands::scan::run(&context, flags),
    };
    status.map(ExitCode::from)
}

/// Help and version are data; a wrong flag is talk, and counts as bad input.
fn usage(printer: &Printer, error: &clap::Error, name: &str) -> ExitCode {
    let text = error.render().ansi().to_string();
    if error.use_stderr() {
        printer.talk(&text);
        return ExitStatus::BadInput.into();
    }
    match printer.data(&text) {
        Ok(()) => ExitStatus::Healthy.into(),
        Err(failure) => {
            printer.talk(&failure.render(name));
            failure.status.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_shows_the_name_that_the_user_typed() {
        let command = Cli::command().bin_name("cargo xtask").no_binary_name(true);
        let error = command.try_get_matches_from(["doctor", "--bad"]).unwrap_err();
        assert!(error.to_string().contains("Usage: cargo xtask doctor [OPTIONS]"));
    }
}
