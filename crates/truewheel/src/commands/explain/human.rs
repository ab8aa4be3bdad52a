//! What a log means, for a person.

use anstyle::{AnsiColor, Style};
use doctor::log::{Judged, Place, Verdict};
use report::render::{Options, count, human, visible, width, wrap};
use report::{Finding, Report};

use super::Explanation;
use crate::commands::Context;
use crate::commands::doctor::shorten_home;

/// Most codes that are listed besides the answer.
const OTHERS: usize = 8;
/// Longest line of a log that is shown.
const LINE: usize = 160;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// The whole explanation.
pub(super) fn render(context: &Context<'_>, explanation: &Explanation) -> String {
    let options =
        Options { width: context.printer.width(context.host), color: true, verbose: false };
    let name = context.name;
    let read = count_lines(explanation.reading.lines);
    if explanation.judged.is_empty() {
        return format!(
            "{YELLOW}? nothing in this log is known{YELLOW:#} · {read}\n\
             `{name} doctor` looks at the machine itself\n"
        );
    }
    let mut text = String::new();
    let answer = explanation.answer();
    let confirmed = |one: &&Judged| one.verdict == Verdict::Confirmed || Some(*one) == answer;
    let mut lines_shown = Vec::new();
    for one in explanation.judged.iter().filter(confirmed) {
        text.push_str(&headline(one));
        if !lines_shown.contains(&&one.lines) {
            text.push_str(&lines(one));
            lines_shown.push(&one.lines);
        }
        text.push('\n');
        text.push_str(&findings(one, explanation, &options));
    }
    if lines_shown.is_empty()
        && let Some(first) = explanation.judged.first()
    {
        text.push_str("The log speaks of:\n");
        text.push_str(&lines(first));
        text.push('\n');
    }
    let others: Vec<&Judged> = explanation.judged.iter().filter(|one| !confirmed(one)).collect();
    let heading = if lines_shown.is_empty() { "Thought of:" } else { "Thought of as well:" };
    text.push_str(&list(heading, &others, &options));
    text.push_str(&conclusion(explanation, name, &read, &options));
    text
}

/// In a few lines, for a command that failed and has said enough already.
pub(crate) fn short(explanation: &Explanation, name: &str) -> Option<String> {
    let one = explanation.answer()?;
    let mut text = format!("{} {} ({})", one.code, one.name, one.verdict.words());
    if let Some(finding) = &one.finding {
        text.push_str(&format!(": {}", visible(&finding.message)));
    } else if let Some(line) = one.lines.first() {
        text.push_str(&format!(", by line {}: {}", line.number, shortened(&line.text)));
    }
    text.push_str(&format!("\n  `{name} explain {}` says how to mend it\n", one.code));
    Some(text)
}

fn headline(one: &Judged) -> String {
    let code = format!("{BOLD}{} {}{BOLD:#}", one.code, one.name);
    match one.verdict {
        Verdict::Confirmed => format!("{GREEN}✓ confirmed{GREEN:#} {code}\n"),
        verdict => {
            let words = verdict.words();
            format!(
                "{YELLOW}? {}{YELLOW:#} {code}, {words}: {}\n",
                one.confidence.name(),
                one.reason
            )
        }
    }
}

/// The lines of the log that led there.
fn lines(one: &Judged) -> String {
    let digits = one.lines.iter().map(|line| line.number.to_string().len()).max().unwrap_or(1);
    let mut text = String::new();
    for line in &one.lines {
        let number = line.number;
        text.push_str(&format!("  {DIM}{number:>digits$} │{DIM:#} {}\n", shortened(&line.text)));
    }
    text
}

fn shortened(text: &str) -> String {
    let text = visible(text);
    if text.chars().count() <= LINE {
        return text.into_owned();
    }
    let mut short: String = text.chars().take(LINE).collect();
    short.push('…');
    short
}

/// The finding as the doctor prints it, with the one that it follows from.
fn findings(one: &Judged, explanation: &Explanation, options: &Options) -> String {
    let findings: Vec<Finding> = [&one.root, &one.finding].into_iter().flatten().cloned().collect();
    let Some((facts, diagnosis)) = &explanation.basis else { return String::new() };
    if findings.is_empty() {
        return String::new();
    }
    let mut part = Report { findings, ..diagnosis.clone() };
    shorten_home(&mut part, facts);
    human::findings(&part, options)
}

fn list(heading: &str, others: &[&Judged], options: &Options) -> String {
    if others.is_empty() {
        return String::new();
    }
    let mut text = format!("{heading}\n");
    let widest = others.iter().map(|one| width(one.verdict.words())).max().unwrap_or(0);
    for one in others.iter().take(OTHERS) {
        let verdict = one.verdict.words();
        let pad = " ".repeat(widest - width(verdict));
        let what = format!("{} {}: {}", one.code, one.name, one.reason);
        let room = options.width.saturating_sub(widest + 4).max(24);
        for (index, line) in wrap(&visible(&what), room, room - 2).iter().enumerate() {
            if index == 0 {
                text.push_str(&format!("  {DIM}{verdict}{DIM:#}{pad}  {line}\n"));
            } else {
                text.push_str(&format!("  {}    {line}\n", " ".repeat(widest)));
            }
        }
    }
    if others.len() > OTHERS {
        text.push_str(&format!("  and {} more\n", others.len() - OTHERS));
    }
    text.push('\n');
    text
}

/// The last lines: the answer, or what to try without one.
fn conclusion(explanation: &Explanation, name: &str, read: &str, options: &Options) -> String {
    let next = explanation.judged.iter().find_map(|one| one.next.as_deref());
    let elsewhere = match &explanation.place {
        Place::Elsewhere(why) => format!(" · the log is of another machine: {why}"),
        Place::Here => String::new(),
    };
    let mut text = String::new();
    match explanation.answer() {
        Some(one) if one.verdict == Verdict::Confirmed => {
            let (code, fault) = (one.code, one.name);
            text.push_str(&format!(
                "{GREEN}✓ {code} {fault} explains this log{GREEN:#} · {read}\n"
            ));
        }
        Some(one) => {
            text.push_str(&try_next(next, options));
            let code = one.code;
            text.push_str(&format!(
                "{YELLOW}? most likely {code}{YELLOW:#}; `{name} explain {code}` says how to mend it · \
                 {read}{elsewhere}\n"
            ));
        }
        None => {
            text.push_str(&try_next(next, options));
            let undecided = |one: &Judged| one.verdict == Verdict::Undecided;
            let and = if explanation.judged.iter().any(undecided) {
                "several faults fit this log, and what can be decided here is ruled out"
            } else {
                "what fits this log is ruled out here"
            };
            text.push_str(&format!("{YELLOW}? {and}{YELLOW:#} · {read}{elsewhere}\n"));
        }
    }
    text
}

fn try_next(next: Option<&str>, options: &Options) -> String {
    let Some(next) = next else { return String::new() };
    let room = options.width.max(24) - 2;
    let mut text = String::new();
    for (index, line) in wrap(next, room.saturating_sub(10), room - 2).iter().enumerate() {
        if index == 0 {
            text.push_str(&format!("{BOLD}try next:{BOLD:#} {line}\n"));
        } else {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

fn count_lines(lines: u64) -> String {
    let lines = usize::try_from(lines).unwrap_or(usize::MAX);
    format!("{} read", count(lines, "line", "lines"))
}
