//! What is planned and what came of it, for a person.

use anstyle::{AnsiColor, Style};
use doctor::{Action, Entry, Facts};
use report::render::{count, visible, wrap};
use report::{Report, Safety, Severity};

use super::outcome::{Outcome, Outcomes, Told};
use super::record::Record;
use crate::commands::Context;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const CYAN: Style = AnsiColor::Cyan.on_default();
const GREEN: Style = AnsiColor::Green.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const RED: Style = AnsiColor::Red.on_default().bold();

/// A tagged paragraph that fits the terminal; what follows the first line is indented below it.
fn paragraph(width: usize, indent: usize, tag: &str, style: Style, text: &str) -> String {
    let room = width.max(40) - indent;
    let first = room.saturating_sub(report::render::width(tag) + 1);
    let mut out = String::new();
    for (index, line) in wrap(&visible(text), first, room - 2).iter().enumerate() {
        match index {
            0 if tag.is_empty() => out.push_str(&format!("{:indent$}{line}\n", "")),
            0 => out.push_str(&format!("{:indent$}{style}{tag}{style:#} {line}\n", "")),
            _ => out.push_str(&format!("{:1$}{line}\n", "", indent + 2)),
        }
    }
    out
}

/// The plan.
pub(super) fn plan(context: &Context<'_>, entries: &[Entry], facts: &Facts) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let os = facts.machine.os.name();
    let width = context.printer.width(context.host);
    let mut text = format!("{BOLD}plan{BOLD:#}\n");
    for (index, entry) in entries.iter().enumerate() {
        text.push_str(&head(width, index + 1, entry));
        text.push_str(&cure(width, entry, os));
        if !entry.followers.is_empty() {
            let followers = entry.followers.join(", ");
            text.push_str(&paragraph(width, 5, "looked at again afterwards:", DIM, &followers));
        }
    }
    if context.host.user_id == Some(0) {
        text.push_str(&of_others(context, facts));
    }
    text.push('\n');
    text
}

/// Root writes files that their owner cannot write any more.
fn of_others(context: &Context<'_>, facts: &Facts) -> String {
    let root = context.host.metadata(&facts.project.root);
    match root.map(|metadata| metadata.uid) {
        Ok(owner) if owner != 0 => format!(
            "     {YELLOW}note:{YELLOW:#} you are root and the project belongs to user {owner}: what \
             commands write will belong to root\n"
        ),
        _ => String::new(),
    }
}

fn head(width: usize, number: usize, entry: &Entry) -> String {
    let style = match entry.severity {
        Severity::Error => RED,
        Severity::Warning => YELLOW,
        Severity::Info => AnsiColor::Blue.on_default().bold(),
    };
    let tag = format!("{number}. {} {}:", entry.code, entry.name);
    let text = format!("{} ({})", entry.message, entry.subject.label);
    paragraph(width, 2, &tag, style, &text)
}

fn cure(width: usize, entry: &Entry, os: &str) -> String {
    let cure = &entry.cure;
    let care = match cure.safety {
        Safety::Safe => "safe:",
        Safety::Confirm => "after a yes:",
        Safety::Manual => "by hand:",
    };
    let mut text = paragraph(width, 5, care, BOLD, &cure.title);
    for action in &cure.actions {
        match action {
            // A command is never broken: it is there to be pasted.
            Action::Run { variables, .. } => {
                let mut prefix = String::new();
                for (name, value) in variables {
                    match value {
                        Some(value) => prefix.push_str(&format!("{name}={value} ")),
                        None => prefix.push_str(&format!("without {name}: ")),
                    }
                }
                let (prefix, typed) = (visible(&prefix), action.typed(os));
                text.push_str(&format!("       run: {CYAN}{prefix}{typed}{CYAN:#}\n"));
            }
            other => text.push_str(&paragraph(width, 7, "", DIM, &other.changes())),
        }
        if let Action::Configure { table, key, value, .. } = action {
            let line = format!("[{}] {key} = {value}", table.join("."));
            text.push_str(&format!("         {CYAN}{}{CYAN:#}\n", visible(&line)));
        }
    }
    let lead = if cure.actions.is_empty() { "" } else { "then, by hand:" };
    for line in &cure.left {
        for (index, line) in report::render::visible_lines(line).iter().enumerate() {
            let (indent, tag) = if index == 0 { (7, lead) } else { (9, "") };
            text.push_str(&match tag {
                // It may be a line to paste.
                "" => format!("{:indent$}{line}\n", ""),
                tag => format!("{:indent$}{DIM}{tag}{DIM:#} {line}\n", ""),
            });
        }
    }
    if let Some(reason) = &cure.reason {
        text.push_str(&paragraph(width, 7, "", DIM, &format!("({reason})")));
    }
    text
}

/// The beginning of one cure.
pub(super) fn begun(number: usize, entry: &Entry) -> String {
    format!("{BOLD}{number}. {}{BOLD:#}: {}\n", entry.code, visible(&entry.cure.title))
}

/// What the user is asked about.
pub(super) fn question(entry: &Entry) -> String {
    let mut text = format!("{BOLD}{}{BOLD:#}: {}\n", entry.code, visible(&entry.cure.title));
    for action in &entry.cure.actions {
        let what = match action {
            Action::Run { .. } => action.typed(host::Os::current().name()),
            other => other.changes(),
        };
        text.push_str(&format!("  {}\n", visible(&what)));
    }
    text
}

fn mark(told: Told) -> (Style, &'static str) {
    match told {
        Told::Fixed => (GREEN, "✓ fixed"),
        Told::GoneToo => (GREEN, "✓ gone too"),
        Told::NotFixed => (RED, "✗ not fixed"),
        Told::MadeWorse => (RED, "✗ made worse"),
        Told::Failed => (RED, "✗ failed"),
        Told::Stopped => (YELLOW, "- not tried"),
        Told::Declined => (YELLOW, "- left, as you said"),
        Told::NeedsYes => (YELLOW, "- left"),
        Told::ByHand => (YELLOW, "- by hand"),
    }
}

/// What came of one.
pub(super) fn outcome(context: &Context<'_>, entry: &Entry, outcome: &Outcome) -> String {
    let (style, mark) = mark(outcome.told);
    let mut text = format!("  {style}{mark}{style:#} {}", entry.code);
    if !outcome.reason.is_empty() {
        text.push_str(&format!(": {}", visible(&outcome.reason)));
    }
    text.push('\n');
    for line in &outcome.output {
        text.push_str(&format!("    {DIM}|{DIM:#} {line}\n"));
    }
    for line in &outcome.brought_back {
        text.push_str(&format!("    {}\n", visible(line)));
    }
    for line in &outcome.not_brought_back {
        text.push_str(&format!("    {YELLOW}!{YELLOW:#} {}\n", visible(line)));
    }
    for finding in &outcome.new_errors {
        text.push_str(&format!(
            "    {RED}new:{RED:#} {} {}: {} ({})\n",
            finding.code,
            finding.name,
            visible(&finding.message),
            visible(&finding.subject.label)
        ));
    }
    if outcome.told == Told::MadeWorse
        && let Some(id) = outcome.undo
    {
        text.push_str(&format!("    `{} doctor --undo {id}` brings it back\n", context.name));
    }
    text
}

/// A cure that was stopped half-way.
pub(super) fn interrupted(name: &str, record: &Record) -> String {
    format!(
        "{YELLOW}note:{YELLOW:#} the cure of {} begun at {} was stopped half-way: `{name} doctor \
         --undo {}` brings back what it changed\n",
        record.code, record.begun, record.id
    )
}

/// What came of everything, in a few lines.
pub(super) fn end(
    context: &Context<'_>,
    report: &Report,
    outcomes: &Outcomes,
    dry_run: bool,
) -> String {
    let name = context.name;
    let mut text = String::new();
    if outcomes.planned.is_empty() {
        text.push_str("nothing to fix");
    } else if dry_run {
        let of = |safety| outcomes.planned.iter().filter(|e| e.cure.safety == safety).count();
        text.push_str(&format!(
            "nothing was changed · {} safe, {} after a yes, {} by hand",
            of(Safety::Safe),
            of(Safety::Confirm),
            of(Safety::Manual)
        ));
    } else {
        let of = |wanted: &[Told]| {
            outcomes.list.iter().filter(|(_, outcome)| wanted.contains(&outcome.told)).count()
        };
        let fixed = of(&[Told::Fixed, Told::GoneToo]);
        let mut parts = vec![format!("{GREEN}{fixed} fixed{GREEN:#}")];
        for (wanted, words) in [
            (&[Told::NotFixed][..], "not fixed"),
            (&[Told::MadeWorse], "made worse"),
            (&[Told::Failed], "failed"),
            (&[Told::Stopped], "not tried"),
            (&[Told::NeedsYes, Told::Declined], "left"),
            (&[Told::ByHand], "by hand"),
        ] {
            let number = of(wanted);
            if number > 0 {
                parts.push(format!("{number} {words}"));
            }
        }
        text.push_str(&parts.join(" · "));
    }
    let counts = &report.summary;
    let remain = [
        (counts.errors, "error", "errors"),
        (counts.warnings, "warning", "warnings"),
        (counts.infos, "info", "infos"),
    ];
    let remain: Vec<String> = remain
        .into_iter()
        .filter(|(number, _, _)| *number > 0)
        .map(|(number, one, many)| count(number, one, many))
        .collect();
    match remain.is_empty() {
        true => text.push_str(" · nothing remains\n"),
        false => text.push_str(&format!(" · remaining: {}\n", remain.join(", "))),
    }
    let left = outcomes.list.iter().filter(|(_, o)| o.told == Told::NeedsYes).count();
    if left > 0 {
        text.push_str("the same command with `--yes` does what was left\n");
    }
    let undo: Vec<String> =
        outcomes.list.iter().filter_map(|(_, o)| o.undo).map(|id| id.to_string()).collect();
    if !undo.is_empty() {
        text.push_str(&format!(
            "`{name} doctor --undo {}` brings back what was changed{}\n",
            if undo.len() == 1 { undo[0].clone() } else { "ID".to_owned() },
            if undo.len() == 1 { String::new() } else { format!(": {}", undo.join(", ")) }
        ));
    }
    text
}
