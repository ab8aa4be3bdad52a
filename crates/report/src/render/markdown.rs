//! To paste into an issue.

use super::text::{visible, visible_lines};
use super::{Options, Shell, summary};
use crate::outline::{Outline, Root};
use crate::{Finding, Fix, Outcome, Report, Safety, Severity};

/// The report as Markdown. Whatever comes from the machine is escaped or in code, so that no path
/// can add HTML, a heading or a link.
#[must_use]
pub fn render(report: &Report, options: &Options) -> String {
    let mut blocks = vec![format!(
        "**{}** · {} · truewheel {} on {}",
        summary::found(report),
        summary::circumstances(report).join(" · "),
        prose(&report.version),
        prose(&report.os)
    )];
    for group in &Outline::new(report).groups {
        let mut heading = format!("## {}", prose(&group.subject.label));
        if let Some(path) = &group.subject.path
            && !group.subject.label.contains(path.as_str())
        {
            heading.push_str(&format!(" at {}", code(path)));
        }
        blocks.push(heading);
        for root in &group.roots {
            finding(root, report, &mut blocks);
        }
    }
    checks(report, options, &mut blocks);
    if !report.unreadable.is_empty() {
        blocks.push("## Could not be read".to_owned());
        blocks.push(list(report.unreadable.iter().map(|what| code(what))));
    }
    if !report.suppressed.is_empty() {
        blocks.push("## Suppressed".to_owned());
        blocks.push(list(report.suppressed.iter().map(|entry| {
            let until = entry.until.as_ref().map(|day| format!(", until {}", prose(day)));
            let head = one_line(&entry.finding);
            format!("{head}: {}{}", prose(&entry.reason), until.unwrap_or_default())
        })));
    }
    let mut text = blocks.join("\n\n");
    text.push('\n');
    text
}

fn finding(root: &Root<'_>, report: &Report, blocks: &mut Vec<String>) {
    let finding = root.finding;
    let word = match finding.severity {
        Severity::Error => "✗ error",
        Severity::Warning => "! warning",
        Severity::Info => "i info",
    };
    blocks.push(format!("### {word} {} {}", prose(&finding.code), prose(&finding.name)));
    blocks.push(paragraph(&finding.message));
    if !finding.cause.is_empty() {
        blocks.push(format!("Cause: {}", prose(&finding.cause)));
    }
    if !finding.evidence.is_empty() {
        blocks.push(list(finding.evidence.iter().map(|evidence| match &evidence.path {
            Some(path) => format!("{}: {}", code(path), code(&evidence.value)),
            None => code(&evidence.value),
        })));
    }
    let fixes = finding.fixes.iter().filter(|fix| fix.applies_to(&report.os));
    for (index, fix) in fixes.enumerate() {
        self::fix(index + 1, fix, &report.os, blocks);
    }
    if !root.follows.is_empty() {
        blocks.push("From it follow:".to_owned());
        blocks.push(list(root.follows.iter().map(|(_, follower)| one_line(follower))));
    }
}

fn fix(number: usize, fix: &Fix, os: &str, blocks: &mut Vec<String>) {
    let care = match fix.safety {
        Safety::Safe => "",
        Safety::Confirm => " (removes or replaces something)",
        Safety::Manual => " (by hand)",
    };
    blocks.push(format!("Fix {number}{care}: {}", prose(&fix.title)));
    let shell = Shell::of(os);
    let mut commands: Vec<String> = Vec::new();
    for step in fix.steps.iter().filter(|step| !step.is_silent()) {
        if let Some(command) = shell.line(step) {
            commands.push(command);
            continue;
        }
        flush(&mut commands, shell.language(), blocks);
        let words = step.words();
        let lines = visible_lines(&words);
        if let [line] = lines.as_slice() {
            blocks.push(paragraph(line));
        } else {
            blocks.push(fenced("text", &lines.join("\n")));
        }
    }
    flush(&mut commands, shell.language(), blocks);
}

fn flush(commands: &mut Vec<String>, language: &str, blocks: &mut Vec<String>) {
    if !commands.is_empty() {
        blocks.push(fenced(language, &commands.join("\n")));
        commands.clear();
    }
}

fn checks(report: &Report, options: &Options, blocks: &mut Vec<String>) {
    let shown = report.checks.iter().filter(|check| match check.outcome {
        Outcome::Ok | Outcome::Findings => options.verbose,
        Outcome::Skipped | Outcome::Crashed => true,
    });
    let lines: Vec<String> = shown
        .map(|check| {
            let outcome = match check.outcome {
                Outcome::Ok => "✓ ok",
                Outcome::Findings => "! findings",
                Outcome::Skipped => "i skipped",
                Outcome::Crashed => "✗ crashed",
            };
            let time = summary::duration(check.elapsed_ms);
            let reason = check.reason.as_ref().map(|reason| format!(": {}", prose(reason)));
            let reason = reason.unwrap_or_default();
            format!("{outcome} {} {} ({time}){reason}", prose(&check.code), prose(&check.name))
        })
        .collect();
    if !lines.is_empty() {
        let title = if options.verbose { "Checks" } else { "Checks that could not judge" };
        blocks.push(format!("## {title}"));
        blocks.push(list(lines.into_iter()));
    }
}

fn one_line(finding: &Finding) -> String {
    format!(
        "{} {} {}: {} ({})",
        finding.severity,
        prose(&finding.code),
        prose(&finding.name),
        prose(&finding.message),
        prose(&finding.subject.label)
    )
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.map(|item| format!("- {item}")).collect::<Vec<_>>().join("\n")
}

/// Text in a sentence: what stands between backticks is code, and every other character that
/// Markdown could read is escaped.
#[must_use]
pub fn prose(text: &str) -> String {
    let text = visible(text);
    let parts: Vec<&str> = text.split('`').collect();
    let spans = parts.len() % 2 == 1 && parts.iter().skip(1).step_by(2).all(|p| !p.is_empty());
    if !spans {
        return escape(&text);
    }
    let shown = parts
        .iter()
        .enumerate()
        .map(|(index, part)| if index % 2 == 1 { code(part) } else { escape(part) });
    shown.collect()
}

/// Text that starts a line, where a list, a rule or a heading could begin.
fn paragraph(text: &str) -> String {
    let text = prose(text.trim_start());
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && text[digits..].starts_with(['.', ')']) {
        return format!("{}\\{}", &text[..digits], &text[digits..]);
    }
    if text.starts_with(['-', '+', '=']) { format!("\\{text}") } else { text }
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' | '>' => {
                escaped.extend(['\\', c]);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// Text in a code span, whose fence is longer than any run of backticks in it.
#[must_use]
pub fn code(text: &str) -> String {
    let text = visible(text);
    if text.trim().is_empty() {
        return "(empty)".to_owned();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

fn fenced(language: &str, text: &str) -> String {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    format!("{fence}{language}\n{text}\n{fence}")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_of_a_sentence_are_code_when_they_pair() {
        assert_eq!(prose("use `a_b` or <b>"), "use `a_b` or &lt;b\\>");
        assert_eq!(prose("a ` b_c"), r"a \` b\_c");
        assert_eq!(prose("```x```"), r"\`\`\`x\`\`\`");
    }

    #[test]
    fn a_sentence_cannot_start_a_list() {
        assert_eq!(paragraph("- x"), r"\- x");
        assert_eq!(paragraph("  12. x"), r"12\. x");
        assert_eq!(paragraph("2.0 is old"), r"2\.0 is old");
    }
}
