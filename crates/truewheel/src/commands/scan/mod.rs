//! `scan`: data files, what they hold, and which numpys can load them.

mod human;
mod json;
mod rewrite;
mod sarif;
mod special;

use doctor::data::{self, Progress, Scan, ScanOptions};
use report::{ExitStatus, Severity};

use crate::cli::{ScanFlags, ScanFormat};
use crate::commands::Context;
use crate::config::Config;
use crate::failure::Failure;
use crate::progress::watched;

pub(crate) fn run(context: &Context<'_>, flags: &ScanFlags) -> Result<ExitStatus, Failure> {
    let host = context.host;
    let mut paths = Vec::new();
    for named in &flags.paths {
        let path = host.absolute(named);
        if host.symlink_metadata(&path).is_err_and(|error| is_missing(&error)) {
            return Err(Failure::input(format!("{} does not exist", named.display()))
                .hint("`scan` takes data files, and directories that hold some"));
        }
        paths.push(path);
    }
    let project = context.project()?;
    let config = Config::load(host, &project)?;
    let (pythons, readers) = data::pythons_and_readers(host, &project, &config.python);
    let options =
        ScanOptions { paths, verify: flags.verify, readers, pythons, all_files: flags.all_files };
    if flags.output.is_some() && !flags.repair && !flags.to_npz {
        return Err(Failure::input("--output goes with --repair or --to-npz"));
    }
    let progress = Progress::default();
    let line = || {
        let (done, found) = progress.counts();
        format!("{} {done} of {found} files", bar(done, found))
    };
    let scan = watched(context.printer, line, || data::scan(host, &options, &progress));
    if flags.repair || flags.to_npz {
        return rewrite::run(context, flags, &options, &scan);
    }
    let text = match flags.format {
        ScanFormat::Human => human::render(&scan, &options, host, flags.verbose),
        ScanFormat::Sarif => sarif::render(&scan, host),
        ScanFormat::Json => json::render(&scan, &options, host)?,
    };
    context.printer.data(&text)?;
    Ok(status(&scan, flags.strict || config.strict))
}

/// A bar as long as the part that is done. While files are still being found it may grow shorter.
fn bar(done: usize, found: usize) -> String {
    const WIDTH: usize = 30;
    let filled = (done * WIDTH).checked_div(found).unwrap_or(0).min(WIDTH);
    format!("[{}{}]", "#".repeat(filled), "-".repeat(WIDTH - filled))
}

fn is_missing(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// Something wrong, or something that could not be told: what is unknown is not fine.
fn status(scan: &Scan, strict: bool) -> ExitStatus {
    let least = if strict { Severity::Warning } else { Severity::Error };
    let is_wrong = scan
        .files
        .iter()
        .any(|file| !file.untold.is_empty() || file.findings.iter().any(|f| f.severity >= least));
    if is_wrong || scan.truncated || !scan.unreadable.is_empty() {
        ExitStatus::Problems
    } else {
        ExitStatus::Healthy
    }
}
