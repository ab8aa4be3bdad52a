//! `scan`: data files, what they hold, and which numpys can load them.

mod human;
mod json;

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
    let options = ScanOptions {
        paths,
        verify: flags.verify,
        readers: data::readers(host, &project, &config.python),
    };
    let progress = Progress::default();
    let line = || {
        let (done, found) = progress.counts();
        format!("scanned {done} of {found} files")
    };
    let scan = watched(context.printer, line, || data::scan(host, &options, &progress));
    let text = match flags.format {
        ScanFormat::Human => human::render(&scan, &options.readers, host, flags.verbose),
        ScanFormat::Json => json::render(&scan, &options, host)?,
    };
    context.printer.data(&text)?;
    Ok(status(&scan, flags.strict || config.strict))
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
