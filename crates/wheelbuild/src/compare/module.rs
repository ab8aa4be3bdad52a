//! Native modules: which sections differ, and which strings explain it.

use std::borrow::Cow;
use std::ops::Range;

use artifacts::{Section, sections};

use super::strings::{self, Found};
use super::{Difference, causes, shown};

/// Times of builds that numbers in a module can be: from 2014 on, for forty years.
const TIMES: Range<u32> = 1_400_000_000..2_660_000_000;

/// What lies before the first section: what the loader goes by.
const FRONT: &str = "headers of the file";

/// What else belongs to no section.
const HEADERS: &str = "headers of sections, and padding";

/// The file, where nothing says what its sections are.
const WHOLE: &str = "whole file";

/// One side of a section that differs.
struct Changed<'a> {
    name: &'a str,
    a: Option<&'a [u8]>,
    b: Option<&'a [u8]>,
}

impl Changed<'_> {
    fn is_build_id(&self) -> bool {
        matches!(self.name, ".note.gnu.build-id" | ".buildid")
    }

    fn is_debug(&self) -> bool {
        let own = self.name.rsplit([',', ':']).next().unwrap_or(self.name);
        own.starts_with(".debug")
            || own.starts_with("__debug")
            || own.starts_with(".zdebug")
            || matches!(own, ".symtab" | ".strtab" | ".gnu_debuglink" | ".gnu_debugdata")
    }

    /// Whether strings in it were written by people or tools, and not by accident.
    fn has_strings(&self) -> bool {
        let own = self.name.rsplit([',', ':']).next().unwrap_or(self.name);
        [
            WHOLE,
            "rodata",
            "rdata",
            ".data",
            "__data",
            "__const",
            "__cstring",
            "debug_str",
            "debug_line",
            "note.",
        ]
        .iter()
        .any(|part| own.contains(part))
    }

    /// Sizes and places that differ.
    fn describe(&self) -> String {
        match (self.a, self.b) {
            (Some(a), Some(b)) if a.len() == b.len() => {
                let ranges = ranges(a, b);
                let total: usize = ranges.iter().map(ExactSizeIterator::len).sum();
                let first = ranges.first().map_or(0, |range| range.start);
                let place = if ranges.len() == 1 { "place" } else { "places" };
                format!(
                    "{}: {total} of {} bytes in {} {place}, the first at +{first:#x}",
                    self.name,
                    a.len(),
                    ranges.len()
                )
            }
            (Some(a), Some(b)) => format!("{}: {} and {} bytes", self.name, a.len(), b.len()),
            (Some(a), None) => format!("{}: {} bytes only in A", self.name, a.len()),
            (None, Some(b)) => format!("{}: {} bytes only in B", self.name, b.len()),
            (None, None) => self.name.to_owned(),
        }
    }
}

/// Compares two native modules; says whether they are such.
pub(super) fn compare(name: &str, a: &[u8], b: &[u8], found: &mut Vec<Difference>) -> bool {
    let (Ok(own), Ok(others)) = (sections(a), sections(b)) else { return false };
    let (parts_a, parts_b) = (parts(a, &own), parts(b, &others));
    let changed = changed(&parts_a, &parts_b);
    if changed.is_empty() {
        return false;
    }
    let describe = |changed: &[&Changed<'_>]| shown(changed.iter().map(|one| one.describe()));
    let all: Vec<&Changed<'_>> = changed.iter().collect();
    type Several<'a> = Vec<&'a Changed<'a>>;
    let (ids, rest): (Several<'_>, Several<'_>) =
        all.iter().copied().partition(|one| one.is_build_id());
    // Lengths of other sections move what the headers point to.
    let (headers, rest): (Several<'_>, Several<'_>) =
        rest.into_iter().partition(|one| matches!(one.name, FRONT | HEADERS));
    let (comments, other): (Several<'_>, Several<'_>) =
        rest.iter().copied().partition(|one| one.name == ".comment");
    let is_front_same = !headers.iter().any(|one| one.name == FRONT);
    let loaded = other.iter().filter(|one| !one.is_debug()).count();

    let details = describe(&all);
    let count = format!("{} of {} sections differ", rest.len(), own.len().max(others.len()));
    if let Some(comment) = comments.first() {
        // With other sections, what names the tools explains them.
        let is_harmless = loaded == 0 && is_front_same;
        let cause = if is_harmless { &causes::TOOLCHAIN_COMMENT } else { &causes::TOOLCHAIN };
        let mut difference = cause.at(name, "other compilers are named in .comment");
        let strings =
            strings::compare(&[comment.a.unwrap_or_default()], &[comment.b.unwrap_or_default()]);
        difference.only_a = shown(strings.only_a);
        difference.only_b = shown(strings.only_b);
        difference.details.clone_from(&details);
        found.push(difference);
        if other.is_empty() {
            return true;
        }
    }
    if other.is_empty() {
        let difference = if is_front_same && !ids.is_empty() {
            causes::BUILD_ID.at(name, "only the build id differs")
        } else {
            causes::HEADER.at(name, "only headers differ")
        };
        found.push(Difference { details, ..difference });
        return true;
    }
    let before = found.len();
    explain(name, &other, &details, found);
    if found.len() == before && loaded == 0 {
        found.push(Difference { details, ..causes::DEBUG_INFO.at(name, count) });
    } else if found.len() == before && comments.is_empty() {
        found.push(Difference { details, ..causes::CODE.at(name, count) });
    }
    true
}

/// Finds strings, or a time that is a number, that explain the sections that differ.
fn explain(name: &str, changed: &[&Changed<'_>], details: &[String], found: &mut Vec<Difference>) {
    let with_strings: Vec<_> = changed.iter().filter(|one| one.has_strings()).collect();
    let a: Vec<&[u8]> = with_strings.iter().filter_map(|one| one.a).collect();
    let b: Vec<&[u8]> = with_strings.iter().filter_map(|one| one.b).collect();
    let Found { groups, only_a, only_b } = strings::compare(&a, &b);
    let is_told = !groups.is_empty();
    for group in groups.into_values() {
        let what =
            format!("{} strings only in A, {} only in B", group.only_a.len(), group.only_b.len());
        let mut difference = group.cause.at(name, what);
        difference.layer = super::Layer::Strings;
        difference.only_a = shown(group.only_a);
        difference.only_b = shown(group.only_b);
        difference.details = details.to_vec();
        found.push(difference);
    }
    if is_told {
        return;
    }
    if let Some((one, other)) = changed.iter().find_map(|one| number(one)) {
        let mut difference = causes::STAMPED_TIME.at(name, "a number that is a time");
        difference.only_a.push(format!("{one} seconds since 1970"));
        difference.only_b.push(format!("{other} seconds since 1970"));
        difference.details = details.to_vec();
        found.push(difference);
    } else if !(only_a.is_empty() && only_b.is_empty()) {
        let what = format!("{} strings only in A, {} only in B", only_a.len(), only_b.len());
        let mut difference = causes::STRINGS.at(name, what);
        difference.only_a = shown(only_a);
        difference.only_b = shown(only_b);
        difference.details = details.to_vec();
        found.push(difference);
    }
}

/// The parts of a file: its sections, and what belongs to none.
fn parts<'a>(bytes: &'a [u8], sections: &[Section]) -> Vec<(String, Cow<'a, [u8]>)> {
    if sections.is_empty() {
        return vec![(WHOLE.to_owned(), Cow::Borrowed(bytes))];
    }
    let mut parts: Vec<(String, Cow<'a, [u8]>)> = Vec::new();
    let mut covered: Vec<Range<usize>> = Vec::new();
    for section in sections {
        let (Ok(start), Ok(size)) =
            (usize::try_from(section.offset), usize::try_from(section.size))
        else {
            continue;
        };
        let end = start.saturating_add(size).min(bytes.len());
        let Some(data) = bytes.get(start..end) else { continue };
        let count = parts.iter().filter(|(name, _)| *name == section.name).count();
        let name = match count {
            0 => section.name.clone(),
            more => format!("{} #{}", section.name, more + 1),
        };
        parts.push((name, Cow::Borrowed(data)));
        covered.push(start..end);
    }
    covered.sort_by_key(|range| range.start);
    let first = covered.first().map_or(0, |range| range.start);
    let mut front = bytes.get(..first).unwrap_or_default().to_vec();
    forget_section_table(&mut front);
    let (mut rest, mut at) = (Vec::new(), first);
    for range in covered {
        rest.extend(bytes.get(at..range.start).unwrap_or_default());
        at = at.max(range.end);
    }
    rest.extend(bytes.get(at..).unwrap_or_default());
    parts.push((FRONT.to_owned(), Cow::Owned(front)));
    parts.push((HEADERS.to_owned(), Cow::Owned(rest)));
    parts
}

/// Clears the place of the section headers in the header of an ELF file: they lie at its end, and
/// move with sections that are never loaded.
fn forget_section_table(front: &mut [u8]) {
    let place = match front.get(..5) {
        Some(b"\x7fELF\x02") => 0x28..0x30,
        Some(b"\x7fELF\x01") => 0x20..0x24,
        _ => return,
    };
    if let Some(place) = front.get_mut(place) {
        place.fill(0);
    }
}

/// The parts that differ, in the order of the first file.
fn changed<'a>(
    a: &'a [(String, Cow<'_, [u8]>)],
    b: &'a [(String, Cow<'_, [u8]>)],
) -> Vec<Changed<'a>> {
    let find = |parts: &'a [(String, Cow<'_, [u8]>)], name: &str| -> Option<&'a [u8]> {
        parts.iter().find(|(own, _)| own == name).map(|(_, data)| data.as_ref())
    };
    let only_b = b.iter().filter(|(name, _)| find(a, name).is_none());
    a.iter()
        .chain(only_b)
        .map(|(name, _)| Changed { name, a: find(a, name), b: find(b, name) })
        .filter(|one| one.a != one.b)
        .collect()
}

/// Where two parts of one length differ; differences that are close count as one.
fn ranges(a: &[u8], b: &[u8]) -> Vec<Range<usize>> {
    const CLOSE: usize = 8;
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (at, _) in a.iter().zip(b).enumerate().filter(|(_, (one, other))| one != other) {
        match ranges.last_mut() {
            Some(last) if at - last.end < CLOSE => last.end = at + 1,
            _ => ranges.push(at..at + 1),
        }
    }
    ranges
}

/// The two times that a part has as numbers, if hardly anything else differs in it.
fn number(changed: &Changed<'_>) -> Option<(u32, u32)> {
    const FEW: usize = 4;
    let (a, b) = (changed.a?, changed.b?);
    if a.len() != b.len() || changed.is_debug() {
        return None;
    }
    let ranges = ranges(a, b);
    if ranges.len() > FEW {
        return None;
    }
    let candidates = ranges.iter().filter(|range| range.len() <= 4).flat_map(|range| {
        let places = range.end.saturating_sub(4)..=range.start;
        places.filter_map(|at| {
            let value = |side: &[u8]| {
                let bytes = side.get(at..at + 4)?.try_into().ok()?;
                Some(u32::from_le_bytes(bytes)).filter(|value| TIMES.contains(value))
            };
            Some((value(a)?, value(b)?))
        })
    });
    // Where the number begins is not known; read from another byte on, the two are far apart.
    candidates.filter(|(one, other)| one != other).min_by_key(|(one, other)| one.abs_diff(*other))
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn differences_that_are_close_are_one_place() {
        let (a, mut b) = (vec![0; 100], vec![0; 100]);
        for at in [3, 5, 12, 40] {
            b[at] = 1;
        }
        assert_eq!(ranges(&a, &b), [3..13, 40..41]);
        assert!(ranges(&a, &a).is_empty());
    }

    #[test]
    fn a_time_may_be_a_number() {
        let side =
            |time: u32| [vec![0x90; 21], time.to_le_bytes().to_vec(), vec![0x90; 9]].concat();
        let (a, b) = (side(1_764_309_089), side(1_764_309_095));
        let changed = |a, b| Changed { name: ".text", a: Some(a), b: Some(b) };
        assert_eq!(number(&changed(&a, &b)), Some((1_764_309_089, 1_764_309_095)));
        assert_eq!(number(&changed(&side(5), &side(6))), None);
    }

    #[test]
    fn what_belongs_to_no_section_is_a_part() {
        let section = |name: &str, offset, size| Section { name: name.to_owned(), offset, size };
        let parts = parts(b"HH11P22T", &[section("a", 2, 2), section("a", 5, 2)]);
        let shown: Vec<(&str, &[u8])> =
            parts.iter().map(|(name, data)| (name.as_str(), data.as_ref())).collect();
        assert_eq!(shown, [("a", &b"11"[..]), ("a #2", b"22"), (FRONT, b"HH"), (HEADERS, b"PT")]);
    }
}
