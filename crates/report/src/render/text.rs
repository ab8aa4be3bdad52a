//! Text from elsewhere made harmless, and lines broken at a width.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr as _;

/// Whether a character would move the cursor, change colours, break a line, or hide or reorder
/// what a reader sees.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// One line of visible text: hidden characters are shown by their escapes (`\n`, `\u{1b}`).
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// The lines of a text, each made visible; at least one.
#[must_use]
pub fn visible_lines(text: &str) -> Vec<Cow<'_, str>> {
    let lines: Vec<_> = text.lines().map(visible).collect();
    if lines.is_empty() { vec![Cow::Borrowed("")] } else { lines }
}

/// Columns that a text takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// Breaks `text` at spaces into lines of at most `room` columns, the first of at most
/// `first_room`. A word that is longer (a path) keeps its line to itself and is never cut.
#[must_use]
pub fn wrap(text: &str, first_room: usize, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let limit = if lines.is_empty() { first_room } else { room };
        let columns = width(word);
        if !line.is_empty() && used + 1 + columns > limit {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if !line.is_empty() {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += columns;
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// `1 error`, `2 errors`.
#[must_use]
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_become_visible() {
        assert_eq!(visible("a\x1b[31mb\nc\u{202e}d"), "a\\u{1b}[31mb\\nc\\u{202e}d");
        assert!(matches!(visible("plain é 漢"), Cow::Borrowed(_)));
    }

    #[test]
    fn words_are_never_cut() {
        assert_eq!(wrap("aa bb cccccccc d", 5, 5), ["aa bb", "cccccccc", "d"]);
        assert_eq!(wrap("漢字 漢字", 8, 8), ["漢字", "漢字"]);
        assert_eq!(wrap("aa bb", 2, 5), ["aa", "bb"]);
        assert_eq!(wrap("", 5, 5), [""]);
    }
}
