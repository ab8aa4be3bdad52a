//! Python sources as text: comments and strings told apart from code.

/// The text with everything in comments and strings replaced by spaces, byte for byte, so that
/// places in it are places in the text. Quotes and line ends stay.
pub(super) fn only_code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let (start, end) = match bytes[at] {
            b'#' => (at, memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n)),
            quote @ (b'"' | b'\'') => {
                let triple = [quote; 3];
                let (length, whole) = if bytes[at..].starts_with(&triple) {
                    (3, triple.as_slice())
                } else {
                    (1, &triple[..1])
                };
                let end = string_end(bytes, at + length, whole);
                (at + length, end)
            }
            _ => {
                at += 1;
                continue;
            }
        };
        let inner =
            if bytes[at] == b'#' { end } else { end.saturating_sub(closing(bytes, at, end)) };
        for byte in &mut code[start.min(inner)..inner] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    String::from_utf8(code).unwrap_or_default()
}

/// Bytes of the closing quotes before `end`, if the string is closed.
fn closing(bytes: &[u8], start: usize, end: usize) -> usize {
    let quote = bytes[start];
    let length = if bytes[start..].starts_with(&[quote; 3]) { 3 } else { 1 };
    let is_closed = end >= start + 2 * length && bytes[..end].ends_with(&vec![quote; length]);
    if is_closed { length } else { 0 }
}

/// The place after the closing quotes; of a string on one line, the line's end at most.
fn string_end(bytes: &[u8], from: usize, quotes: &[u8]) -> usize {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\n' if quotes.len() == 1 => return at,
            _ if bytes[at..].starts_with(quotes) => return at + quotes.len(),
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Whether a letter can be part of a name.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The name that a text begins with.
pub(super) fn leading_name(text: &str) -> Option<&str> {
    let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
    let name = &text[..end];
    name.chars().next().filter(|first| !first.is_ascii_digit()).map(|_| name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comments_and_strings_go_and_everything_stays_in_place() {
        for (text, code) in [
            ("a = 1  # b = 2\nc", "a = 1         \nc"),
            ("f('x # y', \"z\")", "f('     ', \" \")"),
            ("'''a\nb''' + \"\"", "''' \n ''' + \"\""),
            (r"'\'' + x", r"'  ' + x"),
            ("'open\nnext", "'    \nnext"),
            ("\"\"\"open", "\"\"\"    "),
        ] {
            assert_eq!(only_code(text), code, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_places_stay(text in "(\\PC|\n|#|'|\"|\"\"\"|\\\\|é)*") {
            prop_assert_eq!(only_code(&text).len(), text.len());
        }
    }
}
