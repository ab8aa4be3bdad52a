//! Where in a text something is wrong.

/// `line 3, column 7: reason` for an error of the TOML parser; the caller knows the file.
pub(super) fn of_error(text: &str, error: &toml::de::Error) -> String {
    let reason = error.message().lines().next().unwrap_or_default();
    match error.span() {
        Some(span) => {
            let (line, column) = line_and_column(text, span.start);
            format!("line {line}, column {column}: {reason}")
        }
        None => reason.to_owned(),
    }
}

/// Line and column of a byte, from 1; columns count characters.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_from_one_and_by_characters() {
        assert_eq!(line_and_column("ab\nçé=", 7), (2, 3));
        assert_eq!(line_and_column("", 9), (1, 1));
    }
}
