//! The page of a code, and the list of all codes.

use anstyle::{AnsiColor, Style};
use doctor::Page;
use serde::Serialize;

use crate::cli::ExplainFormat;
use crate::failure::Failure;
use crate::{output, table};

/// The page of a code or of a name.
pub(super) fn find(asked: &str, name: &'static str) -> Result<Page, Failure> {
    let by_name = |page: &Page| page.name.eq_ignore_ascii_case(asked.trim());
    if let Some(page) = doctor::page(asked).or_else(|| doctor::pages().find(by_name)) {
        return Ok(page);
    }
    let (upper, lower) = (asked.trim().to_ascii_uppercase(), asked.trim().to_ascii_lowercase());
    let nearest = doctor::pages().min_by_key(|page| {
        doctor::distance(page.code, &upper).min(doctor::distance(page.name, &lower))
    });
    let mut hint = format!("`{name} explain` lists the codes");
    if let Some(page) = nearest {
        hint = format!("did you mean `{}` ({})? {hint}", page.code, page.name);
    }
    Err(Failure::input(format!("no fault has the code `{}`", asked.escape_debug())).hint(hint))
}

/// The page, in a format.
pub(super) fn explain(page: Page, format: ExplainFormat) -> Result<String, Failure> {
    Ok(match format {
        ExplainFormat::Human => styled(page.markdown),
        ExplainFormat::Markdown => page.markdown.to_owned(),
        ExplainFormat::Json => output::json(&Explained::new(page))?,
    })
}

/// Every code, in a format.
pub(super) fn list(format: ExplainFormat) -> Result<String, Failure> {
    let pages = doctor::pages();
    let planned = |page: &Page| if page.implemented { "" } else { "no check looks for it yet" };
    Ok(match format {
        ExplainFormat::Human => {
            let rows = pages.map(|page| [page.code, page.name, planned(&page)]);
            table::render(["CODE", "NAME", ""], rows, Style::new().bold())
        }
        ExplainFormat::Markdown => {
            pages.map(|page| page.markdown.trim_end().to_owned() + "\n\n").collect()
        }
        ExplainFormat::Json => output::json(&pages.map(Explained::new).collect::<Vec<_>>())?,
    })
}

#[derive(Serialize)]
struct Explained {
    code: &'static str,
    name: &'static str,
    implemented: bool,
    markdown: &'static str,
}

impl Explained {
    fn new(page: Page) -> Self {
        let Page { code, name, markdown, implemented } = page;
        Self { code, name, implemented, markdown }
    }
}

/// The Markdown as it is, with headings and code in colour; a terminal without colour shows it
/// unchanged.
fn styled(markdown: &str) -> String {
    let heading = Style::new().bold();
    let code = AnsiColor::Cyan.on_default();
    let mut in_code = false;
    let mut text = String::new();
    for line in markdown.lines() {
        let fence = line.trim_start().starts_with("```");
        if fence {
            in_code = !in_code;
        }
        let shown = if fence || in_code {
            format!("{code}{line}{code:#}")
        } else if line.starts_with('#') {
            format!("{heading}{line}{heading:#}")
        } else {
            inline(line, code)
        };
        text.push_str(&shown);
        text.push('\n');
    }
    text
}

/// Code spans of a line in colour, where its backticks pair.
fn inline(line: &str, style: Style) -> String {
    let parts: Vec<&str> = line.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return line.to_owned();
    }
    let shown = parts.iter().enumerate().map(|(index, part)| {
        if index % 2 == 1 { format!("{style}`{part}`{style:#}") } else { (*part).to_owned() }
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styling_adds_colour_and_changes_no_text() {
        for page in doctor::pages() {
            let plain = anstream::adapter::strip_str(&styled(page.markdown)).to_string();
            assert_eq!(plain.trim_end(), page.markdown.trim_end());
        }
        assert!(styled("a `b` c").contains("\x1b["));
        assert_eq!(styled("a ` b"), "a ` b\n");
    }
}
