//! Numbers, times and sentences that all reports share.

use report::render::count;

use crate::{MatrixResult, Summary};

/// The most characters of a message from outside that a report repeats.
const MOST_CHARACTERS: usize = 600;

/// A number with its thousands apart: `1,024`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 pair`, `1,024 pairs`.
pub(crate) fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// A time as a person reads it.
pub(crate) fn duration(seconds: f64) -> String {
    let seconds = if seconds.is_finite() { seconds.max(0.0) } else { 0.0 };
    if seconds < 10.0 {
        return format!("{seconds:.1} s");
    }
    // Far below the range of the type: a run of a century has ten digits.
    let whole = seconds.round().min(1e15) as u64;
    match whole {
        0..120 => format!("{whole} s"),
        120..7200 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

/// A message from outside, cut where it would fill the page.
pub(crate) fn shortened(message: &str) -> String {
    match message.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

/// Words as a sentence lists them, the last of many left out: `a, b, c and 4 more`.
pub(crate) fn listed(items: &[String], most: usize) -> String {
    if items.len() <= most + 1 {
        return items.join(", ");
    }
    format!("{} and {} more", items[..most].join(", "), items.len() - most)
}

/// What came of the run, in a few words.
pub(crate) fn verdict(summary: &Summary) -> String {
    let run = summary.passed + summary.failed;
    let mut parts = Vec::new();
    if summary.failed > 0 {
        parts.push(format!(
            "{} of {} failed",
            grouped(summary.failed),
            counted(run, "pair", "pairs")
        ));
    }
    if summary.failed_cells > 0 {
        parts.push(format!(
            "{} could not take part",
            counted(summary.failed_cells, "cell", "cells")
        ));
    }
    if summary.not_run > 0 {
        parts.push(format!("{} not run", counted(summary.not_run, "pair was", "pairs were")));
    }
    if run == 0 {
        parts.push("no pair was run".to_owned());
    }
    if parts.is_empty() {
        return match run {
            1 => "the only pair passed".to_owned(),
            2 => "both pairs passed".to_owned(),
            _ => format!("all {} pairs passed", grouped(run)),
        };
    }
    parts.join(", ")
}

/// What else a reader must know to trust the verdict, in parts.
pub(crate) fn circumstances(result: &MatrixResult, summary: &Summary) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(shard) = result.shard {
        parts.push(format!("part {shard} of the pairs"));
    }
    let mut cells = count(summary.cells, "cell", "cells");
    if summary.unavailable > 0 {
        cells.push_str(&format!(", {} not available", summary.unavailable));
    }
    parts.push(cells);
    if !result.wheels.is_empty() {
        parts.push(count(result.wheels.len(), "wheel", "wheels"));
    }
    parts.push(format!("{} compared", counted(summary.arrays, "array", "arrays")));
    if summary.pickles > 0 {
        parts.push(format!(
            "{} read, {} failed as predicted",
            counted(summary.pickles, "pickle", "pickles"),
            grouped(summary.predicted_failures)
        ));
    }
    parts.push(duration(result.seconds));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn times_are_read_at_a_glance() {
        let times = [0.04, 9.96, 119.4, 192.0, 7261.0, f64::NAN, -1.0, f64::MAX];
        let texts: Vec<String> = times.into_iter().map(duration).collect();
        assert_eq!(texts[..4], ["0.0 s", "10.0 s", "119 s", "3 min 12 s"]);
        assert_eq!(texts[4..7], ["2 h 01 min", "0.0 s", "0.0 s"]);
    }

    #[test]
    fn a_verdict_names_everything_that_is_wrong() {
        let mut summary = Summary { passed: 9, ..Summary::default() };
        assert_eq!(verdict(&summary), "all 9 pairs passed");
        summary.failed = 1;
        summary.failed_cells = 2;
        summary.not_run = 1;
        let words = "1 of 10 pairs failed, 2 cells could not take part, 1 pair was not run";
        assert_eq!(verdict(&summary), words);
        assert_eq!(verdict(&Summary::default()), "no pair was run");
    }

    #[test]
    fn long_lists_and_messages_are_cut() {
        let items: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        assert_eq!(listed(&items, 3), "a, b, c, d");
        assert_eq!(listed(&items, 2), "a, b and 2 more");
        assert_eq!(shortened(&"é".repeat(700)).chars().count(), 601);
    }
}
