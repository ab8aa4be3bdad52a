//! The upper layers: file name, list and order of entries, and what the archive says of them.

use artifacts::wheel::{Entry, Wheel, normalized};

use super::causes::{self, Cause};
use super::{Difference, pairs, shown};
use crate::digest::hexadecimal;

/// Compares the file names; says whether the wheels are of the same release, without which there is
/// nothing to compare.
pub(super) fn names(a: &Wheel, b: &Wheel, found: &mut Vec<Difference>) -> bool {
    if a.file_name == b.file_name {
        return true;
    }
    let (Ok(one), Ok(other)) = (&a.name, &b.name) else {
        // A file that was given another name to keep both is compared by what is in it.
        return true;
    };
    let both = |mut difference: Difference, one: String, other: String| {
        difference.only_a.push(one);
        difference.only_b.push(other);
        difference
    };
    let release =
        |name: &artifacts::wheel::WheelName| (normalized(&name.distribution), name.version.clone());
    if release(one) != release(other) {
        let difference = causes::OTHER_RELEASE.at("file name", "they are no builds of one thing");
        let text =
            |name: &artifacts::wheel::WheelName| format!("{} {}", name.distribution, name.version);
        found.push(both(difference, text(one), text(other)));
        return false;
    }
    let difference = causes::OTHER_TAGS.at("file name", "the tags are others");
    found.push(both(difference, a.file_name.clone(), b.file_name.clone()));
    true
}

/// Compares which entries there are, and their order.
pub(super) fn entries(a: &Wheel, b: &Wheel, found: &mut Vec<Difference>) {
    let only = |one: &Wheel, other: &Wheel| -> Vec<String> {
        let names = one.entries.iter().map(|entry| &entry.name);
        names.filter(|name| other.entry(name).is_none()).cloned().collect()
    };
    let (only_a, only_b) = (only(a, b), only(b, a));
    if !(only_a.is_empty() && only_b.is_empty()) {
        let what = format!("{} entries only in A, {} only in B", only_a.len(), only_b.len());
        let mut difference = causes::OTHER_FILES.at("entries", what);
        difference.only_a = shown(only_a);
        difference.only_b = shown(only_b);
        found.push(difference);
    }
    let order = |one: &Wheel, other: &Wheel| -> Vec<String> {
        let names = one.entries.iter().map(|entry| &entry.name);
        names.filter(|name| other.entry(name).is_some()).cloned().collect()
    };
    let (one, other) = (order(a, b), order(b, a));
    if one != other {
        let first = one.iter().zip(&other).position(|(one, other)| one != other).unwrap_or(0);
        let what = format!("the order is another one from entry {} on", first + 1);
        let mut difference = causes::ENTRY_ORDER.at("entries", what);
        difference.only_a = shown(one.into_iter().skip(first).take(3));
        difference.only_b = shown(other.into_iter().skip(first).take(3));
        found.push(difference);
    }
}

/// Compares what the archive says of entries that both have. One difference for each field, with
/// the entries that it was found in.
pub(super) fn metadata(a: &Wheel, b: &Wheel, found: &mut Vec<Difference>) {
    let pairs = pairs(a, b);
    let mut field = |cause: &Cause, what: &str, value: &dyn Fn(&Entry) -> String| {
        let others: Vec<_> =
            pairs.iter().filter(|(one, other)| value(one) != value(other)).collect();
        if others.is_empty() {
            return;
        }
        let what = format!("{what} of {} of {} entries", others.len(), pairs.len());
        let mut difference = cause.at("entries", what);
        difference.details = shown(
            others
                .iter()
                .map(|(one, other)| format!("{}: {} and {}", one.name, value(one), value(other))),
        );
        found.push(difference);
    };
    let executable = |entry: &Entry| match entry.mode() {
        Some(mode) if mode & 0o111 != 0 => "executable".to_owned(),
        _ => "not executable".to_owned(),
    };
    let rest_of_mode = |entry: &Entry| match entry.mode() {
        Some(mode) => format!("{:04o}", mode & 0o7666),
        None => format!("attributes {:#x}", entry.external_attributes),
    };
    // Where only the other bits differ, the whole mode is what people know.
    let mode = |entry: &Entry| entry.mode().map_or_else(String::new, |mode| format!("{mode:o}"));
    field(&causes::EXECUTABLE_BIT, "the executable bit", &executable);
    let is_mode_other = pairs.iter().any(|(one, other)| {
        executable(one) == executable(other) && rest_of_mode(one) != rest_of_mode(other)
    });
    if is_mode_other {
        field(&causes::ENTRY_MODES, "modes", &mode);
    }
    field(&causes::ENTRY_TIMES, "times", &Entry::modified);
    field(&causes::COMPRESSION, "the compression method", &|entry| match entry.method {
        0 => "stored".to_owned(),
        8 => "deflated".to_owned(),
        other => format!("method {other}"),
    });
    field(&causes::ZIP_WRITER, "fields of the archive's writer", &|entry| {
        format!(
            "made by {:#x}, needs {}, flags {:#x}, {}, {}",
            entry.made_by,
            entry.version_needed,
            entry.flags,
            bytes("extra fields", &entry.extra, &entry.local_extra),
            bytes("comment", &entry.comment, &[]),
        )
    });
}

fn bytes(what: &str, one: &[u8], other: &[u8]) -> String {
    match (one, other) {
        ([], []) => format!("no {what}"),
        (one, other) => format!("{what} {} {}", hexadecimal(one), hexadecimal(other)),
    }
}

/// What differs where nothing above does: bytes between entries, comments, and the writer's choices.
pub(super) fn rest(a: &Wheel, b: &Wheel, found: &mut Vec<Difference>) {
    let first = a.bytes().iter().zip(b.bytes()).position(|(one, other)| one != other);
    let at = first.unwrap_or_else(|| a.bytes().len().min(b.bytes().len()));
    let mut difference =
        causes::ZIP_WRITER.at("archive", format!("bytes of no entry, the first at byte {at}"));
    difference.details.push(format!(
        "comments of {} and {} bytes, {} and {} places that belong to no entry",
        a.comment.len(),
        b.comment.len(),
        a.stray.len(),
        b.stray.len()
    ));
    found.push(difference);
}
