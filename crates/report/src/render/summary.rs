//! The one line that says how a run went.

use super::text::count;
use crate::{Outcome, Report};

/// What was found: `2 errors, 1 warning`, or `no problems`.
pub(crate) fn found(report: &Report) -> String {
    let summary = &report.summary;
    let mut parts = Vec::new();
    for (number, one, many) in [
        (summary.errors, "error", "errors"),
        (summary.warnings, "warning", "warnings"),
        (summary.infos, "info", "infos"),
    ] {
        if number > 0 {
            parts.push(count(number, one, many));
        }
    }
    if parts.is_empty() { "no problems".to_owned() } else { parts.join(", ") }
}

/// Everything else that a reader must know to trust that, in parts.
pub(crate) fn circumstances(report: &Report) -> Vec<String> {
    let summary = &report.summary;
    let mut parts = Vec::new();
    if summary.folded > 0 {
        let roots = summary.errors + summary.warnings + summary.infos;
        let verb = if summary.folded == 1 { "follows" } else { "follow" };
        let them = if roots == 1 { "it" } else { "them" };
        parts.push(format!("{} {verb} from {them}", summary.folded));
    }
    if summary.suppressed > 0 {
        parts.push(format!("{} suppressed", summary.suppressed));
    }
    if !report.unreadable.is_empty() {
        parts.push(format!("{} unreadable", report.unreadable.len()));
    }
    let ok = report.checks.iter().filter(|check| check.outcome == Outcome::Ok).count();
    let mut checks = format!("{} ok", count(ok, "check", "checks"));
    if summary.skipped > 0 {
        checks.push_str(&format!(", {} skipped", summary.skipped));
    }
    if summary.crashed > 0 {
        checks.push_str(&format!(", {} crashed", summary.crashed));
    }
    parts.push(checks);
    let used = match summary.judged {
        0 => " found, none used here".to_owned(),
        // All of them may have been asked for, used here or not.
        all if all == summary.environments => " found and judged".to_owned(),
        some => format!(" found, {some} used here"),
    };
    parts.push(count(summary.environments, "Python", "Pythons") + &used);
    let checks_ms: f64 = report.checks.iter().map(|check| check.elapsed_ms).sum();
    parts.push(duration(report.gather_ms + checks_ms));
    parts
}

/// A time as a person reads it.
pub(crate) fn duration(milliseconds: f64) -> String {
    if milliseconds < 1.0 {
        format!("{milliseconds:.2} ms")
    } else if milliseconds < 10.0 {
        format!("{milliseconds:.1} ms")
    } else if milliseconds < 10_000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.1} s", milliseconds / 1000.0)
    }
}
