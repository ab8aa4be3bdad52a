//! Texts, line by line.

use std::collections::HashMap;

use super::causes::{self, Cause};
use super::strings::times;
use super::{Difference, Layer, shown};

/// Longest text that is compared by lines.
const LIMIT: usize = 64 << 20;
/// Characters of a line that are shown.
const WIDTH: usize = 200;

/// Compares two texts; says whether they are texts.
pub(super) fn compare(name: &str, a: &[u8], b: &[u8], found: &mut Vec<Difference>) -> bool {
    let text = |bytes| std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    let (Some(one), Some(other)) = (text(a), text(b)) else { return false };
    if one.len().max(other.len()) > LIMIT {
        return false;
    }
    if one.replace("\r\n", "\n") == other.replace("\r\n", "\n") {
        found.push(causes::LINE_ENDINGS.at(name, "only the line endings differ"));
        return true;
    }
    let (only_a, only_b) = (only(one, other), only(other, one));
    if only_a.is_empty() && only_b.is_empty() {
        found.push(causes::LINE_ORDER.at(name, "the same lines in another order"));
        return true;
    }
    let what = format!("{} lines only in A, {} only in B", only_a.len(), only_b.len());
    let mut difference = cause(name, &only_a, &only_b).at(name, what);
    difference.layer = Layer::Bytes;
    let cut = |line: &str| line.chars().take(WIDTH).collect::<String>();
    difference.only_a = shown(only_a.into_iter().map(cut));
    difference.only_b = shown(only_b.into_iter().map(cut));
    found.push(difference);
    true
}

fn cause(name: &str, only_a: &[&str], only_b: &[&str]) -> &'static Cause {
    let all = |start: &str| only_a.iter().chain(only_b).all(|line| line.starts_with(start));
    if name.ends_with(".dist-info/WHEEL") && all("Generator:") {
        return &causes::BUILD_TOOL;
    }
    if name.ends_with(".dist-info/WHEEL") && all("Tag:") {
        return &causes::OTHER_TAGS;
    }
    let stamped = |lines: &[&str]| lines.iter().any(|line| !times(line.as_bytes()).is_empty());
    if stamped(only_a) && stamped(only_b) && only_a.len() == only_b.len() {
        return &causes::STAMPED_TIME;
    }
    &causes::TEXT
}

/// The lines of one text that the other has not, or has less often.
fn only<'a>(one: &'a str, other: &str) -> Vec<&'a str> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for line in other.lines() {
        *counts.entry(line).or_default() += 1;
    }
    one.lines()
        .filter(|line| match counts.get_mut(line) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        })
        .collect()
}
