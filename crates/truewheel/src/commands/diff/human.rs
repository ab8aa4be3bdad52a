//! Differences for a person: what came and went, why, and the rest in few lines.

use anstyle::{AnsiColor, Style};
use doctor::{Change, Comparison, Difference};
use host::HostPath;
use report::render::visible;
use report::{Finding, Severity};

use super::Side;
use crate::commands::doctor::shorten;

/// Differences that are shown of one thing, unless all are asked for.
const SHOWN: usize = 5;
/// Differences that are shown of everything together, unless all are asked for.
const SHOWN_OF_ALL: usize = 20;
/// What is shown of what makes a finding.
const SHOWN_CAUSES: usize = 6;

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const BLUE: Style = AnsiColor::Blue.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const DIM: Style = Style::new().dimmed();

pub(super) fn render(
    comparison: &Comparison,
    (before, after): (&Side, &Side),
    width: usize,
    verbose: bool,
) -> String {
    let page = Page { before, after, width, verbose };
    let mut text = format!(
        "{BOLD}{}{BOLD:#} → {BOLD}{}{BOLD:#}\n\n",
        visible(&before.name),
        visible(&after.name)
    );
    text.push_str(&page.changes("only there now", RED, "+", &comparison.gained));
    text.push_str(&page.changes("no longer there", GREEN, "-", &comparison.lost));
    text.push_str(&page.changes("says something else", YELLOW, "~", &comparison.changed));
    text.push_str(&page.rest(comparison));
    text.push_str(&summary(comparison));
    text
}

struct Page<'a> {
    before: &'a Side,
    after: &'a Side,
    width: usize,
    verbose: bool,
}

impl Page<'_> {
    fn changes(&self, title: &str, style: Style, mark: &str, changes: &[Change]) -> String {
        if changes.is_empty() {
            return String::new();
        }
        let mut text = format!("{BOLD}{title}{BOLD:#}\n");
        for change in changes {
            let (finding, side) = match (&change.after, &change.before) {
                (Some(finding), _) => (finding, self.after),
                (None, Some(finding)) => (finding, self.before),
                (None, None) => continue,
            };
            let indent = if change.follows { "    " } else { "  " };
            let line = format!("{}: {}", finding.name, self.readable(&finding.message, side));
            text.push_str(&format!(
                "{indent}{style}{mark}{style:#} {} {} {}\n",
                severity(finding),
                finding.code,
                self.wrapped(&line, indent.len() + 4)
            ));
            if change.follows {
                continue;
            }
            text.push_str(&format!(
                "    {DIM}in:{DIM:#} {}\n",
                self.readable(&finding.subject.label, side)
            ));
            if let (Some(before), Some(_)) = (&change.before, &change.after) {
                let was = self.readable(&before.message, self.before);
                text.push_str(&format!("    {DIM}was:{DIM:#} {}\n", self.wrapped(&was, 6)));
            }
            for cause in change.because.iter().take(self.most(SHOWN_CAUSES)) {
                let line = self.difference(cause, true);
                text.push_str(&format!("    {DIM}because:{DIM:#} {line}\n"));
            }
            let more = change.because.len().saturating_sub(self.most(SHOWN_CAUSES));
            if more > 0 {
                text.push_str(&format!("    {DIM}and {more} more that it takes{DIM:#}\n"));
            }
        }
        text.push('\n');
        text
    }

    /// What differs besides, by what it belongs to.
    fn rest(&self, comparison: &Comparison) -> String {
        let mut subjects: Vec<(&str, Vec<&Difference>)> = Vec::new();
        for difference in &comparison.differences {
            match subjects.iter_mut().find(|(known, _)| *known == difference.subject) {
                Some((_, known)) => known.push(difference),
                None => subjects.push((&difference.subject, vec![difference])),
            }
        }
        if subjects.is_empty() {
            return String::new();
        }
        let mut text = format!("{BOLD}also different, and no finding changes with it{BOLD:#}\n");
        let mut shown = 0;
        for (subject, differences) in &subjects {
            let room = self.most(SHOWN_OF_ALL).saturating_sub(shown);
            let most = self.most(SHOWN).min(room);
            if most == 0 {
                continue;
            }
            text.push_str(&format!("  {}\n", self.readable(subject, self.before)));
            for difference in differences.iter().take(most) {
                text.push_str(&format!("    {}\n", self.difference(difference, false)));
            }
            let more = differences.len().saturating_sub(most);
            if more > 0 {
                text.push_str(&format!("    {DIM}and {more} more{DIM:#}\n"));
            }
            shown += differences.len().min(most);
        }
        let told = |(at, _): &(usize, &(&str, Vec<&Difference>))| {
            let before: usize = subjects[..*at].iter().map(|(_, some)| some.len().min(SHOWN)).sum();
            self.verbose || before < SHOWN_OF_ALL
        };
        let untold = subjects.iter().enumerate().filter(|entry| !told(entry));
        let untold: usize = untold.map(|(_, (_, some))| some.len()).sum();
        if untold > 0 {
            text.push_str(&format!("  {DIM}and {untold} of other things{DIM:#}\n"));
        }
        text.push('\n');
        text
    }

    fn difference(&self, difference: &Difference, with_subject: bool) -> String {
        let side = |value: &Option<String>| match value {
            Some(value) => self.readable(value, self.before),
            None => "not there".to_owned(),
        };
        let (before, after) = (side(&difference.before), side(&difference.after));
        let mut line = match &difference.what {
            what if with_subject => format!("{}: {what}", difference.subject),
            what => what.clone(),
        };
        line = format!("{}: {before} → {after}", self.readable(&line, self.before));
        if difference.more > 0 {
            line.push_str(&format!(" (and {} more of it)", difference.more));
        }
        self.wrapped(&line, 6)
    }

    fn most(&self, number: usize) -> usize {
        if self.verbose { usize::MAX } else { number }
    }

    /// Hidden characters made visible, and `~` for the home directory of that side.
    fn readable(&self, text: &str, side: &Side) -> String {
        let mut text = visible(text).into_owned();
        let home = side.facts.machine.home.as_ref().map(HostPath::text);
        if let Some(home) = home.filter(|home| home.len() > 1 && side.report.os != "windows") {
            shorten(&mut text, home.trim_end_matches('/'));
        }
        text
    }

    /// Lines after the first are indented; a word is never broken.
    fn wrapped(&self, text: &str, indent: usize) -> String {
        let width = self.width.max(40);
        let mut out = String::new();
        let mut column = indent + 12;
        for word in text.split(' ') {
            let long = word.chars().count() + 1;
            if column + long > width && !out.is_empty() {
                out.push_str(&format!("\n{:indent$}", ""));
                column = indent;
            } else if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
            column += long;
        }
        out
    }
}

fn severity(finding: &Finding) -> String {
    let (style, word) = match finding.severity {
        Severity::Error => (RED, "✗ error"),
        Severity::Warning => (YELLOW, "! warning"),
        Severity::Info => (BLUE, "i info"),
    };
    format!("{style}{word}{style:#}")
}

fn summary(comparison: &Comparison) -> String {
    let mut parts = Vec::new();
    let counts = [
        (comparison.gained.len(), "more"),
        (comparison.lost.len(), "less"),
        (comparison.changed.len(), "changed"),
    ];
    for (count, word) in counts.into_iter().filter(|(count, _)| *count > 0) {
        let findings = if count == 1 { "finding" } else { "findings" };
        parts.push(format!("{count} {findings} {word}"));
    }
    let (style, mark) = match (comparison.matters(), comparison.gained.is_empty()) {
        (false, _) => (GREEN, "✓"),
        (true, true) => (YELLOW, "!"),
        (true, false) => (RED, "✗"),
    };
    if parts.is_empty() {
        parts.push("no difference that matters".to_owned());
    }
    let read = comparison.differences.len();
    if read > 0 {
        parts.push(format!("{read} other {}", plural(read)));
    }
    let unread = comparison.unread;
    if unread > 0 {
        parts.push(format!("{unread} {} that no check looks at", plural(unread)));
    }
    format!("{style}{mark}{style:#} {}\n", parts.join(" · "))
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "difference" } else { "differences" }
}
