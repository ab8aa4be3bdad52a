//! For a person at a terminal.

use anstyle::{AnsiColor, Style};

use super::text::{visible, visible_lines, width, wrap};
use super::{Options, summary};
use crate::outline::{Group, Outline, Root};
use crate::{CheckRecord, Fix, Outcome, Report, Safety, Severity, Suppressed};

/// Below this width lines are longer than the terminal rather than one word each.
const LEAST_WIDTH: usize = 24;

/// The findings as text, without a summary.
#[must_use]
pub fn findings(report: &Report, options: &Options) -> String {
    let mut page = Page { options, text: String::new() };
    for group in &Outline::new(report).groups {
        page.group(group, report);
    }
    page.text
}

/// The report as text. With nothing to say it is a single line.
#[must_use]
pub fn render(report: &Report, options: &Options) -> String {
    let mut page = Page { options, text: String::new() };
    for group in &Outline::new(report).groups {
        page.group(group, report);
    }
    page.crashed(&report.checks);
    if options.verbose {
        page.checks(&report.checks);
        page.unreadable(&report.unreadable);
        page.suppressed(&report.suppressed);
    }
    page.summary(report);
    page.text
}

struct Page<'a> {
    options: &'a Options,
    text: String,
}

impl Page<'_> {
    fn group(&mut self, group: &Group<'_>, report: &Report) {
        let label = visible(&group.subject.label);
        let mut title = label.to_string();
        if let Some(path) = &group.subject.path
            && !label.contains(visible(path).as_ref())
            && self.options.verbose
        {
            title.push_str(&format!(" at {}", visible(path)));
        }
        self.line(&self.paint(Style::new().bold(), &title));
        for root in &group.roots {
            self.root(root, report);
        }
        self.text.push('\n');
    }

    fn root(&mut self, root: &Root<'_>, report: &Report) {
        let finding = root.finding;
        let tag = tag(finding.severity);
        let head = format!("{} {}: {}", finding.code, finding.name, finding.message);
        self.item(2, tag, style_of(finding.severity), &head);
        if !finding.cause.is_empty() {
            self.item(4, "cause:", dim(), &finding.cause);
        }
        for evidence in &finding.evidence {
            let value = match &evidence.path {
                Some(path) => format!("{}: {}", visible(path), evidence.value),
                None => evidence.value.clone(),
            };
            self.lines(4, "seen:", dim(), &value);
        }
        let fixes: Vec<_> = finding.fixes.iter().filter(|fix| fix.applies_to(&report.os)).collect();
        for (index, fix) in fixes.iter().enumerate() {
            let number = (fixes.len() > 1).then_some(index + 1);
            self.fix(number, fix, &report.os);
        }
        for (depth, follower) in &root.follows {
            let mut line = format!("{} {}: {}", follower.code, follower.name, follower.message);
            if follower.subject != finding.subject {
                line.push_str(&format!(" ({})", follower.subject.label));
            }
            let indent = 2 + 2 * (*depth).min(4);
            let tag = format!("└ {}", self::tag(follower.severity));
            self.item(indent, &tag, style_of(follower.severity), &line);
        }
    }

    fn fix(&mut self, number: Option<usize>, fix: &Fix, os: &str) {
        let number = number.map(|number| format!(" {number}")).unwrap_or_default();
        let care = match fix.safety {
            Safety::Safe => "",
            Safety::Confirm => " (removes or replaces something)",
            Safety::Manual => " (by hand)",
        };
        let tag = format!("fix{number}{care}:");
        self.item(4, &tag, Style::new().bold(), &fix.title);
        let shell = super::Shell::of(os);
        for step in fix.steps.iter().filter(|step| !step.is_silent()) {
            match shell.line(step) {
                // A command is never broken: it is there to be pasted.
                Some(command) => {
                    let command = self.paint(AnsiColor::Cyan.on_default(), &command);
                    self.line(&format!("      {command}"));
                }
                None => self.lines(6, "-", dim(), &step.words()),
            }
        }
    }

    fn crashed(&mut self, checks: &[CheckRecord]) {
        let mut any = false;
        for check in checks.iter().filter(|check| check.outcome == Outcome::Crashed) {
            let reason = check.reason.as_deref().unwrap_or("no reason known");
            let text = format!("{} {}: the check itself failed: {reason}", check.code, check.name);
            self.item(0, "✗ crashed", style_of(Severity::Error), &text);
            any = true;
        }
        if any {
            self.text.push('\n');
        }
    }

    fn checks(&mut self, checks: &[CheckRecord]) {
        self.heading("checks");
        for check in checks {
            let (tag, style) = match check.outcome {
                Outcome::Ok => ("✓ ok      ", good()),
                Outcome::Findings => ("! findings", style_of(Severity::Warning)),
                Outcome::Skipped => ("i skipped ", style_of(Severity::Info)),
                Outcome::Crashed => ("✗ crashed ", style_of(Severity::Error)),
            };
            let mut text =
                format!("{} {} {}", check.code, check.name, summary::duration(check.elapsed_ms));
            if let Some(reason) = &check.reason {
                text.push_str(&format!(": {reason}"));
            }
            self.item(2, tag, style, &text);
        }
        self.text.push('\n');
    }

    fn unreadable(&mut self, unreadable: &[String]) {
        if unreadable.is_empty() {
            return;
        }
        self.heading("could not be read");
        for what in unreadable {
            self.item(2, "-", dim(), what);
        }
        self.text.push('\n');
    }

    fn suppressed(&mut self, suppressed: &[Suppressed]) {
        if suppressed.is_empty() {
            return;
        }
        self.heading("suppressed");
        for Suppressed { finding, reason, until } in suppressed {
            let head = format!(
                "{} {}: {} ({})",
                finding.code, finding.name, finding.message, finding.subject.label
            );
            self.item(2, tag(finding.severity), style_of(finding.severity), &head);
            let until = until.as_ref().map(|day| format!(", until {day}")).unwrap_or_default();
            self.item(4, "reason:", dim(), &format!("{reason}{until}"));
        }
        self.text.push('\n');
    }

    fn summary(&mut self, report: &Report) {
        let counts = &report.summary;
        let (mark, style) = if counts.errors + counts.crashed > 0 {
            ("✗", style_of(Severity::Error))
        } else if counts.warnings > 0 {
            ("!", style_of(Severity::Warning))
        } else if counts.infos > 0 {
            ("i", style_of(Severity::Info))
        } else {
            ("✓", good())
        };
        let found = self.paint(style, &format!("{mark} {}", summary::found(report)));
        let rest = summary::circumstances(report).join(" · ");
        self.line(&format!("{found} · {rest}"));
    }

    fn heading(&mut self, title: &str) {
        self.line(&self.paint(Style::new().bold(), title));
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A tagged paragraph; hidden characters, line breaks among them, are made visible.
    fn item(&mut self, indent: usize, tag: &str, style: Style, text: &str) {
        self.paragraph(indent, tag, style, &visible(text));
    }

    /// A tagged text of one or more lines; those after the first are indented below it.
    fn lines(&mut self, indent: usize, tag: &str, style: Style, text: &str) {
        for (index, line) in visible_lines(text).iter().enumerate() {
            if index == 0 {
                self.paragraph(indent, tag, style, line);
            } else {
                self.line(format!("{:1$}{line}", "", indent + 2).trim_end());
            }
        }
    }

    fn paragraph(&mut self, indent: usize, tag: &str, style: Style, text: &str) {
        let room = self.options.width.max(LEAST_WIDTH) - indent;
        let first_room = room.saturating_sub(width(tag) + 1);
        for (index, line) in wrap(text, first_room, room - 2).iter().enumerate() {
            if index == 0 {
                let tag = self.paint(style, tag);
                self.line(format!("{:indent$}{tag} {line}", "").trim_end());
            } else {
                self.line(&format!("{:1$}{line}", "", indent + 2));
            }
        }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.options.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

fn tag(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "✗ error",
        Severity::Warning => "! warning",
        Severity::Info => "i info",
    }
}

fn style_of(severity: Severity) -> Style {
    match severity {
        Severity::Error => AnsiColor::Red.on_default().bold(),
        Severity::Warning => AnsiColor::Yellow.on_default().bold(),
        Severity::Info => AnsiColor::Blue.on_default().bold(),
    }
}

fn good() -> Style {
    AnsiColor::Green.on_default().bold()
}

fn dim() -> Style {
    Style::new().dimmed()
}
