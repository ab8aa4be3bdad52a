//! `completions`: scripts for shells.

use clap::CommandFactory as _;
use report::ExitStatus;

use crate::cli::{Cli, CompletionsFlags};
use crate::commands::Context;
use crate::failure::Failure;

pub(crate) fn run(context: &Context<'_>, flags: &CompletionsFlags) -> Result<ExitStatus, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(flags.shell, &mut Cli::command(), "truewheel", &mut script);
    context.printer.data(&String::from_utf8_lossy(&script))?;
    Ok(ExitStatus::Healthy)
}
