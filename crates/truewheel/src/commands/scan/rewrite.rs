//! `scan --repair` and `scan --to-npz`: files written anew, and a word about each.

use doctor::data::{self, Outcome, Request, Scan, ScanOptions, Target, Written};
use host::{Host, HostPath};
use report::ExitStatus;
use report::render::visible;

use super::human::{BOLD, DIM, GREEN, RED, YELLOW, below};
use crate::cli::ScanFlags;
use crate::commands::Context;
use crate::failure::Failure;

/// Arrays and what is left out that are shown of one file.
const SHOWN: usize = 50;

pub(super) fn run(
    context: &Context<'_>,
    flags: &ScanFlags,
    options: &ScanOptions,
    scan: &Scan,
) -> Result<ExitStatus, Failure> {
    let host = context.host;
    let files: Vec<&HostPath> = scan
        .files
        .iter()
        .filter(|file| {
            let is_named = options.paths.iter().any(|path| *path == *file.path);
            is_named || needs_it(file, flags.to_npz)
        })
        .map(|file| &file.path)
        .collect();
    if flags.output.is_some() && files.len() != 1 {
        let count = files.len();
        return Err(Failure::input(format!(
            "--output names one file, and {count} would be written"
        ))
        .hint("leave it out: each file is then written beside the old one"));
    }
    let target = match (&flags.output, flags.in_place) {
        (Some(output), _) => Target::File(host.absolute(output)),
        (None, true) => Target::InPlace,
        (None, false) => Target::Beside,
    };
    let request = Request { target, protocol: flags.protocol };
    let mut text = String::new();
    let (mut written, mut refused) = (0, scan.unreadable.len());
    for path in files {
        let outcome = if flags.to_npz {
            data::to_npz(host, path, &request)
        } else {
            data::repair(host, path, &request)
        };
        let old = below(path, host);
        text.push_str(&format!("{BOLD}{old}{BOLD:#}\n"));
        match outcome {
            Outcome::Written(new) => {
                written += 1;
                let (lines, is_fine) = told(&new, options, host);
                text.push_str(&lines);
                refused += usize::from(!is_fine);
            }
            Outcome::Nothing(reason) => {
                text.push_str(&format!("  {DIM}nothing to do: {}{DIM:#}\n", visible(&reason)));
            }
            Outcome::Refused(reason) => {
                refused += 1;
                text.push_str(&format!("  {RED}✗ not written{RED:#}: {}\n", visible(&reason)));
            }
        }
    }
    let mark = if refused == 0 { "✓" } else { "✗" };
    let style = if refused == 0 { GREEN } else { RED };
    let plural = if written == 1 { "" } else { "s" };
    text.push_str(&format!("{style}{mark}{style:#} {written} file{plural} written"));
    if refused > 0 {
        text.push_str(&format!(" · {refused} not, or not whole"));
    }
    text.push('\n');
    context.printer.data(&text)?;
    Ok(if refused == 0 { ExitStatus::Healthy } else { ExitStatus::Problems })
}

/// Of the files in a directory, those with pickles that numpy 1 cannot load, or with any pickle.
fn needs_it(file: &data::ScannedFile, to_npz: bool) -> bool {
    let Ok(facts) = &file.facts else { return false };
    let mut names = facts.pickles().flat_map(|(_, pickle)| &pickle.names);
    if to_npz {
        return facts.pickle.is_some() || facts.format == data::DataFormat::Torch;
    }
    names.any(|name| numpy_rules::name_in_numpy_1(&name.module, &name.name).is_some())
}

/// What was written, and what a second scan says of it.
fn told(new: &Written, options: &ScanOptions, host: &Host) -> (String, bool) {
    let path = below(&HostPath::new(new.path.clone()), host);
    let mut text = format!("  {GREEN}✓{GREEN:#} written to {path}\n");
    if let Some(backup) = &new.backup {
        let backup = below(&HostPath::new(backup.clone()), host);
        text.push_str(&format!("    the old one is {backup}\n"));
    }
    for (change, count) in &new.changes {
        let times = if *count == 1 { String::new() } else { format!(", {count} times") };
        text.push_str(&format!("    {DIM}{}{times}{DIM:#}\n", visible(change)));
    }
    for (name, dtype, shape) in new.arrays.iter().take(SHOWN) {
        let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
        let line = format!("{name}  {dtype} ({})", shape.join(", "));
        text.push_str(&format!("    {DIM}{}{DIM:#}\n", visible(&line)));
    }
    if new.arrays.len() > SHOWN {
        text.push_str(&format!("    {DIM}and {} more{DIM:#}\n", new.arrays.len() - SHOWN));
    }
    for left in new.left_out.iter().take(SHOWN) {
        let line = format!("{} is left out: {}", left.name, left.reason);
        text.push_str(&format!("  {YELLOW}!{YELLOW:#} {}\n", visible(&line)));
    }
    if new.left_out.len() > SHOWN {
        let more = new.left_out.len() - SHOWN;
        text.push_str(&format!("  {YELLOW}!{YELLOW:#} and {more} more are left out\n"));
    }
    let again = data::look(host, &new.path, options);
    let is_whole = again.facts.as_ref().is_ok_and(|facts| facts.faults.is_empty());
    if !is_whole {
        text.push_str(&format!("  {RED}✗ the second scan finds fault with it{RED:#}\n"));
    }
    text.push_str(&super::human::numpy_lines(&again));
    text.push_str(&super::human::here_lines(&again, &options.readers, host));
    (text, is_whole && new.left_out.is_empty())
}
