//! `explain`: the page of a code, or what a log means on this machine.

mod human;
mod log;
mod page;

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use doctor::log::LogReader;
use host::Invocation;
use report::ExitStatus;

use crate::cli::{ExplainFlags, ExplainFormat};
use crate::commands::Context;
use crate::failure::Failure;

pub(crate) use human::short;
pub(crate) use log::{Explanation, explanation};

/// Longest log that is read; what comes after it is left unread, which is told.
const LONGEST: u64 = 4 << 30;
/// How much is read at once.
const PIECE: usize = 256 << 10;

pub(crate) fn run(context: &Context<'_>, flags: &ExplainFlags) -> Result<ExitCode, Failure> {
    let is_piped = flags.code.is_none() && host::has_standard_input();
    let is_log = flags.run || flags.log.is_some() || flags.code.as_deref() == Some("-") || is_piped;
    if is_log {
        if flags.format == ExplainFormat::Markdown {
            return Err(Failure::input("`--format markdown` is for pages")
                .hint("use `--format human` or `--format json` for a log"));
        }
        return if flags.run { run_command(context, flags) } else { explain_log(context, flags) };
    }
    if flags.facts.is_some() {
        return Err(Failure::input("`--facts` is for logs")
            .hint(format!("`{} explain --facts FILE < build.log`", context.name)));
    }
    let text = match &flags.code {
        Some(code) => page::explain(page::find(code, context.name)?, flags.format)?,
        None => page::list(flags.format)?,
    };
    context.printer.data(&text)?;
    Ok(ExitStatus::Healthy.into())
}

/// A log that is there.
fn explain_log(context: &Context<'_>, flags: &ExplainFlags) -> Result<ExitCode, Failure> {
    let mut reader = LogReader::new();
    match flags.log.as_deref().filter(|file| *file != Path::new("-")) {
        Some(file) => read_file(context, file, &mut reader)?,
        None => read_standard_input(context, &mut reader)?,
    }
    let explanation = explanation(context, reader, flags.facts.as_deref())?;
    let text = match flags.format {
        ExplainFormat::Json => log::json(&explanation)?,
        _ => human::render(context, &explanation),
    };
    context.printer.data(&text)?;
    let status =
        if explanation.answer().is_some() { ExitStatus::Healthy } else { ExitStatus::Problems };
    Ok(status.into())
}

/// Runs a command and explains its failure on standard error.
fn run_command(context: &Context<'_>, flags: &ExplainFlags) -> Result<ExitCode, Failure> {
    let Some((program, arguments)) = flags.command.split_first() else {
        return Err(Failure::input("`--run` needs a command after `--`"));
    };
    let mut invocation = Invocation::new(program).args(arguments);
    // cargo does not see the terminal behind the pipe.
    let has_choice = context.host.variables.is_set("CARGO_TERM_COLOR")
        || context.host.variables.is_set("NO_COLOR");
    if context.printer.is_watched() && !has_choice {
        invocation = invocation.env("CARGO_TERM_COLOR", "always");
    }
    let mut reader = LogReader::new();
    let ended = invocation.pass(|stream, bytes| {
        context.printer.pass(stream, bytes);
        reader.push(bytes);
    });
    let output = ended.map_err(|error| {
        Failure::input(format!("cannot run {}", program.display()))
            .details(vec![error.to_string()])
            .hint("the command after `--` is started as it stands, without a shell")
    })?;
    if output.success() {
        return Ok(ExitStatus::Healthy.into());
    }
    let explanation = explanation(context, reader, flags.facts.as_deref())?;
    let text = match flags.format {
        ExplainFormat::Json => log::json(&explanation)?,
        _ => human::render(context, &explanation),
    };
    context.printer.talk(&format!("\n{text}"));
    // As shells put it, a command that a signal ends has 128 and its number.
    let code = output.code.or_else(|| output.signal.map(|signal| 128 + signal)).unwrap_or(1);
    Ok(ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1)))
}

fn read_file(context: &Context<'_>, file: &Path, reader: &mut LogReader) -> Result<(), Failure> {
    let failed = |reason: String| {
        Failure::input(format!("cannot read {}", file.display()))
            .details(vec![reason])
            .hint("`--log` takes a file; a pipe goes to standard input, with `explain -`")
    };
    let open = context.host.open(&context.host.absolute(file));
    let open = open.map_err(|error| failed(error.reason()))?;
    let length = open.length().min(LONGEST);
    let mut piece = vec![0; PIECE];
    let mut offset = 0;
    while offset < length {
        let size = usize::try_from(length - offset).map_or(PIECE, |rest| rest.min(PIECE));
        let piece = &mut piece[..size];
        open.read_exact_at(piece, offset).map_err(|error| failed(error.to_string()))?;
        reader.push(piece);
        offset += size as u64;
    }
    if open.length() > LONGEST {
        tell_of_the_rest(context);
    }
    Ok(())
}

fn read_standard_input(context: &Context<'_>, reader: &mut LogReader) -> Result<(), Failure> {
    let mut input = std::io::stdin().lock();
    let mut piece = vec![0; PIECE];
    let mut total = 0;
    loop {
        match input.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                reader.push(&piece[..length]);
                total += length as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::tool(error, "cannot read standard input")),
        }
        if total > LONGEST {
            tell_of_the_rest(context);
            return Ok(());
        }
    }
}

fn tell_of_the_rest(context: &Context<'_>) {
    context.printer.talk("the log is longer than 4 GiB, and its rest was not read\n");
}
