//! A scan for a person: one paragraph a file, and a line that sums up.

use anstyle::{AnsiColor, Style};
use doctor::data::{ArrayFacts, DataFormat, PickleFacts, Reader, Scan, ScanOptions, ScannedFile};
use host::{Host, HostPath};
use numpy_rules::Reading;
use report::Severity;
use report::render::visible;

use super::special;
use crate::commands::envs::short;
use crate::output::size;

/// Arrays and names that are shown of one file, unless more are asked for.
const SHOWN: usize = 8;

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const RED: Style = AnsiColor::Red.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const DIM: Style = Style::new().dimmed();

pub(super) fn render(scan: &Scan, options: &ScanOptions, host: &Host, verbose: bool) -> String {
    let readers = options.readers.as_slice();
    let mut text = String::new();
    // Of one file everything is told; of many, those with something to tell.
    let every = verbose || scan.files.len() <= 10;
    let shown = |file: &&ScannedFile| every || !file.untold.is_empty() || !file.findings.is_empty();
    for file in scan.files.iter().filter(shown) {
        text.push_str(&paragraph(file, options, host, verbose));
        text.push('\n');
    }
    for what in &scan.unreadable {
        text.push_str(&format!("{RED}✗{RED:#} {}\n", visible(what)));
    }
    text.push_str(&summary(scan, readers));
    text
}

fn paragraph(file: &ScannedFile, options: &ScanOptions, host: &Host, verbose: bool) -> String {
    let (readers, pythons) = (options.readers.as_slice(), options.pythons.as_slice());
    let path = below(&file.path, host);
    let facts = match &file.facts {
        Ok(facts) => facts,
        Err(reason) => {
            return format!(
                "{BOLD}{path}{BOLD:#}\n  {RED}✗ cannot be read: {}{RED:#}\n",
                visible(reason)
            );
        }
    };
    let mut what = format_name(facts.format).to_owned();
    if facts.format == DataFormat::Npz {
        let count = facts.arrays.len() + facts.more_arrays;
        what.push_str(&format!(", {count} array{}", if count == 1 { "" } else { "s" }));
    }
    if let Some(pickle) = &facts.pickle {
        what.push_str(&format!(", protocol {}", pickle.protocol));
    }
    if let Some(compression) = facts.compression {
        what.push_str(&format!(", compressed with {}", compression.name()));
    }
    let mut text = format!("{BOLD}{path}{BOLD:#}  {DIM}{what}, {}{DIM:#}\n", size(facts.size));
    let most = if verbose { usize::MAX } else { SHOWN };
    for array in facts.arrays.iter().take(most) {
        text.push_str(&format!("  {}\n", array_line(array)));
    }
    let more = facts.arrays.len().saturating_sub(most) + facts.more_arrays;
    if more > 0 {
        text.push_str(&format!("  {DIM}and {more} more{DIM:#}\n"));
    }
    for (name, pickle) in facts.pickles() {
        if let Some(line) = names_line(name, pickle, most) {
            text.push_str(&format!("  {DIM}{line}{DIM:#}\n"));
        }
    }
    for note in facts.arrays.iter().flat_map(notes) {
        text.push_str(&format!("  {YELLOW}!{YELLOW:#} {}\n", visible(&note)));
    }
    text.push_str(&numpy_lines(file));
    text.push_str(&here_lines(file, readers, host));
    text.push_str(&special::lines(file, pythons, host, most));
    if !file.unlisted.is_empty() {
        let names = visible(&file.unlisted.join(", ")).into_owned();
        text.push_str(&format!("  {YELLOW}?{YELLOW:#} nothing is known of {names}\n"));
    }
    for finding in &file.findings {
        // What the lines above say is not said twice.
        let is_said = matches!(finding.code.as_str(), "DAT001" | "DAT006");
        if is_said && finding.severity == Severity::Info {
            continue;
        }
        let (mark, style) = match finding.severity {
            Severity::Error => ("✗", RED),
            Severity::Warning => ("!", YELLOW),
            Severity::Info => ("i", DIM),
        };
        let (code, message) = (&finding.code, visible(&finding.message));
        text.push_str(&format!("  {style}{mark} {code}{style:#} {message}\n"));
        let same = |evidence: &&report::Evidence| {
            evidence.path.is_none() && finding.code != "DAT001" && finding.code != "DAT006"
        };
        if finding.severity > Severity::Info {
            for evidence in finding.evidence.iter().filter(same) {
                text.push_str(&format!("      {}\n", visible(&evidence.value)));
            }
            if let Some(fix) = finding.fixes.first() {
                text.push_str(&format!("      fix: {}\n", visible(&fix.title)));
            }
        }
    }
    for reason in &file.untold {
        text.push_str(&format!("  {YELLOW}? not judged whole{YELLOW:#}: {}\n", visible(reason)));
    }
    text
}

fn array_line(array: &ArrayFacts) -> String {
    let mut line = String::new();
    if let Some(name) = &array.name {
        line.push_str(&visible(name));
        line.push_str("  ");
    }
    let shape: Vec<String> = array.shape.iter().map(ToString::to_string).collect();
    let shape = match shape.as_slice() {
        [one] => format!("({one},)"),
        all => format!("({})", all.join(", ")),
    };
    let dtype = if array.dtype.len() > 60 {
        let end = (0..=57).rev().find(|end| array.dtype.is_char_boundary(*end)).unwrap_or(0);
        format!("{}...", &array.dtype[..end])
    } else {
        array.dtype.clone()
    };
    line.push_str(&format!("{} {shape}", visible(&dtype)));
    if array.fortran_order && array.shape.len() > 1 {
        line.push_str(", Fortran order");
    }
    line.push_str(&format!("  {}", size(array.nbytes)));
    if let Some(compressed) = array.compressed {
        line.push_str(&format!(", deflated to {}", size(compressed)));
    }
    line
}

fn names_line(holder: Option<&str>, pickle: &PickleFacts, most: usize) -> Option<String> {
    if pickle.names.is_empty() {
        return None;
    }
    let mut names: Vec<String> = pickle
        .names
        .iter()
        .take(most)
        .map(|name| visible(&format!("{}.{}", name.module, name.name)).into_owned())
        .collect();
    if pickle.names.len() > most {
        names.push(format!("and {} more", pickle.names.len() - most));
    }
    let who = holder.map(|name| format!("{} ", visible(name))).unwrap_or_default();
    Some(format!("{who}imports {}", names.join(", ")))
}

/// What is true of some readers whatever their version.
fn notes(array: &ArrayFacts) -> Vec<String> {
    let name = array.name.as_deref().map(|name| format!("{name}: ")).unwrap_or_default();
    array
        .obstacles
        .iter()
        .filter(|obstacle| obstacle.condition.is_some() || !obstacle.refused)
        .map(|obstacle| {
            let who = obstacle.condition.as_deref().unwrap_or("every numpy");
            let what = if obstacle.refused { "cannot load it" } else { "loads something else" };
            format!("{name}{who} {what}: {}", obstacle.reason)
        })
        .collect()
}

pub(super) fn numpy_lines(file: &ScannedFile) -> String {
    let mut text = String::new();
    let is_pickled = file.facts.as_ref().is_ok_and(|facts| facts.pickles().next().is_some());
    for segment in &file.numpys {
        let name = segment.name();
        let (mark, style, says) = match &segment.reading {
            Reading::Loads if is_pickled => ("✓", GREEN, "can unpickle it".to_owned()),
            Reading::Loads => ("✓", GREEN, "can load it".to_owned()),
            Reading::Warns(says) => ("✓", GREEN, format!("can unpickle it, with a {says}")),
            Reading::Alters(what) => ("!", YELLOW, format!("loads it as something else: {what}")),
            Reading::Fails(says) => ("✗", RED, format!("cannot load it: {says}")),
        };
        text.push_str(&format!("  {style}{mark}{style:#} {name} {}\n", visible(&says)));
    }
    text
}

pub(super) fn here_lines(file: &ScannedFile, readers: &[Reader], host: &Host) -> String {
    let (mut can, mut cannot) = (Vec::new(), Vec::new());
    for (reader, reading) in readers.iter().zip(&file.here) {
        let name = format!("{} (numpy {})", short(&reader.prefix, host), reader.numpy);
        if reading.failure().is_some() { cannot.push(name) } else { can.push(name) }
    }
    let mut text = String::new();
    for (what, list) in [("here it loads in", can), ("here it fails in", cannot)] {
        if !list.is_empty() {
            text.push_str(&format!("    {DIM}{what} {}{DIM:#}\n", list.join(", ")));
        }
    }
    text
}

fn summary(scan: &Scan, readers: &[Reader]) -> String {
    if scan.files.is_empty() {
        return format!("i no data files found{}\n", left_out(scan));
    }
    let count = |severity: Severity| {
        let of =
            |file: &ScannedFile| file.findings.iter().filter(|f| f.severity == severity).count();
        scan.files.iter().map(of).sum::<usize>()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let untold = scan.files.iter().filter(|file| !file.untold.is_empty()).count();
    let plural =
        |number: usize, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
    let mut parts = vec![plural(scan.files.len(), "file")];
    parts.push(if errors + warnings == 0 && untold == 0 && scan.unreadable.is_empty() {
        "nothing wrong".to_owned()
    } else {
        format!("{}, {}", plural(errors, "error"), plural(warnings, "warning"))
    });
    if untold > 0 {
        parts.push(format!("{untold} not judged whole"));
    }
    if !scan.unreadable.is_empty() {
        let count = scan.unreadable.len();
        let noun = if count == 1 { "directory" } else { "directories" };
        parts.push(format!("{count} {noun} unreadable"));
    }
    if scan.truncated {
        parts.push("there are more files than are looked at".to_owned());
    }
    parts.push(format!("{} here with numpy", plural(readers.len(), "Python")));
    let is_fine = errors == 0 && untold == 0 && scan.unreadable.is_empty() && !scan.truncated;
    let (mark, style) = if is_fine { ("✓", GREEN) } else { ("✗", RED) };
    format!("{style}{mark}{style:#} {}{}\n", parts.join(" · "), left_out(scan))
}

fn left_out(scan: &Scan) -> String {
    match scan.left_out {
        0 => String::new(),
        1 => " · 1 environment or cache left out".to_owned(),
        many => format!(" · {many} environments and caches left out"),
    }
}

fn format_name(format: DataFormat) -> &'static str {
    match format {
        DataFormat::Npy => "npy",
        DataFormat::Npz => "npz",
        DataFormat::Pickle => "pickle",
        DataFormat::Joblib => "joblib",
        DataFormat::Compressed => "compressed data",
        DataFormat::Torch => "PyTorch",
        DataFormat::Zip => "zip archive",
        DataFormat::Tar => "tar archive",
        DataFormat::SevenZip => "7z archive",
        DataFormat::Module => "native module",
        DataFormat::Wheel => "wheel",
        DataFormat::Source => "Python source",
        DataFormat::Empty => "empty",
        DataFormat::Unknown => "unknown",
    }
}

/// The path as it may be typed here.
pub(super) fn below(path: &HostPath, host: &Host) -> String {
    match path.strip_prefix(&host.working_directory) {
        Ok(rest) if !rest.as_os_str().is_empty() => {
            visible(&HostPath::from(rest).native(host.os)).into_owned()
        }
        _ => short(path, host),
    }
}
