//! The page of every code.

use crate::CHECKS;

/// One page, as Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The code.
    pub code: &'static str,
    /// Kebab-case name of the problem.
    pub name: &'static str,
    /// The text: a heading `# CODE name`, then what it means, why it matters, how it looks, how
    /// to mend it.
    pub markdown: &'static str,
    /// Whether a check looks for it. So far every page has its check.
    pub implemented: bool,
}

/// The page of a code, in any case.
#[must_use]
pub fn page(code: &str) -> Option<Page> {
    pages().find(|page| page.code.eq_ignore_ascii_case(code.trim()))
}

/// Every page, in the order of the checks.
pub fn pages() -> impl Iterator<Item = Page> {
    CHECKS.iter().map(|check| Page {
        code: check.code,
        name: check.name,
        markdown: check.page,
        implemented: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_its_heading_and_its_four_sections() {
        for page in pages() {
            let heading = format!("# {} {}\n", page.code, page.name);
            assert!(
                page.markdown.starts_with(&heading),
                "{} does not start with {heading}",
                page.code
            );
            let mut at = 0;
            for section in
                ["## What it means", "## Why it matters", "## How it looks", "## How to mend it"]
            {
                let found = page.markdown[at..].find(section);
                assert!(found.is_some(), "{} lacks `{section}`, or has it out of order", page.code);
                at += found.unwrap_or(0);
            }
            assert!(!page.markdown.contains("does not look for it yet"), "{}", page.code);
        }
    }

    #[test]
    fn codes_and_names_are_unique() {
        let mut codes: Vec<_> = pages().map(|page| page.code).collect();
        let mut names: Vec<_> = pages().map(|page| page.name).collect();
        for list in [&mut codes, &mut names] {
            let count = list.len();
            list.sort_unstable();
            list.dedup();
            assert_eq!(list.len(), count);
        }
    }
}
