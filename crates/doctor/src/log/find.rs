//! From lines to codes: rules held against what was kept of a log.

use std::collections::BTreeMap;

use super::paths;
use super::reader::{LogReader, Seen};
use super::table::{Numbers, Rule, Table, table};
use super::{Confidence, LogLine, Match, Reading};

/// Most lines that are shown for one code.
const SHOWN: usize = 6;

/// A rule that holds.
struct Held<'a> {
    rule: &'a Rule,
    /// The lines that it holds for, as places in the list of lines.
    lines: Vec<usize>,
}

impl LogReader {
    /// What the log speaks of, the likeliest first.
    #[must_use]
    pub fn finish(mut self) -> Reading {
        self.end();
        let table = table();
        let numbers = if self.marks[0] > self.marks[1] { Numbers::Windows } else { Numbers::Unix };
        let log = Log {
            errors: self.seen.iter().map(|seen| errors_of(table, seen, numbers)).collect(),
            lines: &self.seen,
            numbers,
        };
        let held: Vec<Held<'_>> = table.rules.iter().filter_map(|rule| log.holds(rule)).collect();
        let matches = matches(&held, &self.seen);
        Reading {
            matches,
            lines: self.lines,
            bytes: self.bytes,
            of_windows: (self.marks != [0, 0]).then_some(numbers == Numbers::Windows),
            paths: paths::named(self.seen.iter().map(|line| line.text.as_str())),
        }
    }
}

/// What was kept of a log, with its errors understood.
struct Log<'a> {
    lines: &'a [Seen],
    /// The errors of each line, as places in the table.
    errors: Vec<Vec<usize>>,
    numbers: Numbers,
}

impl Log<'_> {
    /// The first lines for which the rule holds.
    fn holds<'r>(&self, rule: &'r Rule) -> Option<Held<'r>> {
        if rule.os.is_some_and(|os| os != self.numbers) {
            return None;
        }
        let anywhere = |patterns: &[usize]| self.lines.iter().any(|line| line.has_any(patterns));
        if !rule.somewhere.iter().all(|group| anywhere(group)) || anywhere(&rule.nowhere) {
            return None;
        }
        (0..self.lines.len()).find_map(|place| self.holds_at(rule, place))
    }

    fn holds_at<'r>(&self, rule: &'r Rule, place: usize) -> Option<Held<'r>> {
        let line = &self.lines[place];
        let has_error = |place: usize| rule.errors.iter().any(|e| self.errors[place].contains(e));
        if rule.when.is_empty() {
            if !has_error(place) {
                return None;
            }
        } else if !line.has_any(&rule.when) {
            return None;
        }
        if rule.module_twice && !names_a_module_twice(&line.text) {
            return None;
        }
        let near: Vec<usize> = self.near(place, rule.near).collect();
        if near.iter().any(|other| self.lines[*other].has_any(&rule.not)) {
            return None;
        }
        let mut lines = vec![place];
        let nearest = |wanted: &dyn Fn(usize) -> bool| {
            // What follows explains; what stands before is the second choice.
            let distance = |other: &usize| (other.abs_diff(place), *other < place);
            near.iter().copied().filter(|other| wanted(*other)).min_by_key(distance)
        };
        if !rule.when.is_empty() && !rule.errors.is_empty() {
            let error = nearest(&has_error)?;
            // What stands between a message and its error belongs to it.
            let between = place.min(error)..=place.max(error);
            lines.extend(between.filter(|other| self.lines[*other].has_any(&rule.when)));
            lines.push(error);
        }
        for group in &rule.also {
            lines.push(nearest(&|other| self.lines[other].has_any(group))?);
        }
        if let Some(length) = rule.long_word {
            lines.push(nearest(&|other| longest_word(&self.lines[other].text) >= length)?);
        }
        lines.sort_unstable();
        lines.dedup();
        Some(Held { rule, lines })
    }

    /// The lines at most so many lines away, this one included.
    fn near(&self, place: usize, distance: u64) -> impl Iterator<Item = usize> {
        let number = self.lines[place].number;
        let from = self.lines.partition_point(|line| line.number + distance < number);
        let to = self.lines.partition_point(|line| line.number <= number + distance);
        from..to
    }
}

/// Which errors a line speaks of. A number alone is ambiguous: 5 is an input/output error on one
/// system and a refusal on another. The text beside it decides, else the system.
fn errors_of(table: &Table, line: &Seen, system: Numbers) -> Vec<usize> {
    let says = |error: usize| line.has_any(&table.errors[error].texts);
    let mut found = Vec::new();
    for (number, told) in &line.numbers {
        let has_number = |error: &usize, system: Numbers| {
            let error = &table.errors[*error];
            match system {
                Numbers::Unix => error.unix.contains(number),
                Numbers::Windows => error.windows.contains(number),
            }
        };
        let all = 0..table.errors.len();
        let either: Vec<usize> = all
            .clone()
            .filter(|e| has_number(e, Numbers::Unix) || has_number(e, Numbers::Windows))
            .filter(|e| says(*e) && told.is_none_or(|told| has_number(e, told)))
            .collect();
        if either.is_empty() {
            let system = told.unwrap_or(system);
            found.extend(all.filter(|error| has_number(error, system)));
        } else {
            found.extend(either);
        }
    }
    if line.numbers.is_empty() {
        found.extend((0..table.errors.len()).filter(|error| says(*error)));
    }
    found
}

/// The rules' codes, merged: a code is as sure as its surest rule, and what leads the log leads.
fn matches(held: &[Held<'_>], seen: &[Seen]) -> Vec<Match> {
    let mut best: BTreeMap<&str, (u8, &Held<'_>)> = BTreeMap::new();
    for one in held {
        for (code, score) in &one.rule.codes {
            let place = best.entry(code).or_insert((*score, one));
            let earlier = one.lines < place.1.lines;
            let band = (Confidence::of(*score), Confidence::of(place.0));
            if band.0 > band.1 || (band.0 == band.1 && earlier) {
                *place = (*score.max(&place.0), one);
            }
        }
    }
    let mut matches: Vec<Match> = best
        .into_iter()
        .filter_map(|(code, (score, held))| {
            let page = crate::page(code)?;
            let mut lines: Vec<LogLine> = Vec::new();
            for place in &held.lines {
                let line = LogLine { number: seen[*place].number, text: seen[*place].text.clone() };
                if lines.len() < SHOWN && !lines.contains(&line) {
                    lines.push(line);
                }
            }
            Some(Match {
                code: page.code,
                name: page.name,
                score,
                confidence: Confidence::of(score),
                lines,
                next: held.rule.next.clone(),
            })
        })
        .collect();
    matches.sort_by_key(|one| {
        let first = one.lines.first().map_or(u64::MAX, |line| line.number);
        (std::cmp::Reverse(one.confidence), first, std::cmp::Reverse(one.score), one.code)
    });
    matches
}

/// The longest word of a text, quotes left out.
fn longest_word(text: &str) -> usize {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '‘' | '’');
    text.split(is_end).map(|word| word.chars().count()).max().unwrap_or(0)
}

/// Whether a quoted name has its first part once more as its last: `pkg.pkg`, `pkg._pkg`.
fn names_a_module_twice(text: &str) -> bool {
    text.split(['\'', '`', '"', '‘', '’']).any(|quoted| {
        let mut parts = quoted.split('.');
        match (parts.next(), parts.next_back()) {
            (Some(first), Some(last)) => !first.is_empty() && last.trim_start_matches('_') == first,
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_modules_are_told_from_text() {
        assert_eq!(longest_word("a `bbb` 'cc'"), 3);
        assert!(names_a_module_twice("No module named 'pkg.pkg'"));
        assert!(names_a_module_twice("No module named 'pkg._pkg'"));
        assert!(!names_a_module_twice("No module named 'pkg.other'"));
        assert!(!names_a_module_twice("No module named 'pkg'"));
    }
}
