//! One line of a log, as a person would have read it: without colours, progress bars and the
//! columns that build services put before it.

use std::borrow::Cow;

/// Removes the escape sequences by which terminals are coloured and moved.
pub(super) fn without_escapes(line: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(0x1b, line) else { return Cow::Borrowed(line) };
    let mut plain = line[..first].to_vec();
    let mut rest = &line[first..];
    while let Some((byte, after)) = rest.split_first() {
        if *byte == 0x1b {
            rest = after_escape(after);
        } else {
            plain.push(*byte);
            rest = after;
        }
    }
    Cow::Owned(plain)
}

/// What follows the sequence, of which the escape character is already read.
fn after_escape(bytes: &[u8]) -> &[u8] {
    match bytes.first() {
        // Colours and movements: parameters, then one letter.
        Some(b'[') => {
            let end = bytes[1..].iter().position(|byte| (0x40..=0x7e).contains(byte));
            end.map_or(&[], |end| &bytes[end + 2..])
        }
        // Titles and links: up to a bell, or to an escape with a backslash.
        Some(b']') => {
            let end = bytes.iter().position(|byte| matches!(byte, 0x07 | 0x1b));
            match end.map(|end| (&bytes[end..], bytes[end])) {
                Some((rest, 0x1b)) => rest.get(2..).unwrap_or_default(),
                Some((rest, _)) => &rest[1..],
                None => &[],
            }
        }
        Some(b'(' | b')' | b'#' | b'%') => bytes.get(2..).unwrap_or_default(),
        Some(_) => &bytes[1..],
        None => bytes,
    }
}

/// The text in which patterns are looked for: curly quotes are straight, letters beyond ASCII are
/// small, spaces that do not break are spaces, and what is no UTF-8 is replaced. ASCII, which is
/// nearly every line, is left as it is.
pub(super) fn folded(line: &[u8]) -> Cow<'_, [u8]> {
    if line.is_ascii() {
        return Cow::Borrowed(line);
    }
    let mut folded = String::with_capacity(line.len());
    for c in String::from_utf8_lossy(line).chars() {
        match c {
            '‘' | '’' | '‛' | '´' | '′' => folded.push('\''),
            '“' | '”' | '„' | '«' | '»' => folded.push('"'),
            '\u{a0}' | '\u{202f}' | '\u{2007}' | '\u{3000}' => folded.push(' '),
            _ => folded.extend(c.to_lowercase()),
        }
    }
    Cow::Owned(folded.into_bytes())
}

/// A line without the columns before it: times, step numbers, names of containers, frames drawn
/// with lines. What is left is what the program said.
pub(super) fn without_prefix(line: &str) -> &str {
    let mut rest = line.trim();
    for _ in 0..4 {
        let shorter = PREFIXES.iter().find_map(|strip| strip(rest));
        match shorter {
            Some(shorter) => rest = shorter.trim_start(),
            None => break,
        }
    }
    rest
}

/// Each removes one kind of column, if the line has it.
const PREFIXES: [fn(&str) -> Option<&str>; 6] =
    [date_and_time, time, step, container, frame, annotation];

/// `2024-05-09T03:27:43.1234567Z `, `2024-05-09 03:27:43,123 `.
fn date_and_time(line: &str) -> Option<&str> {
    let line = line.strip_prefix('[').unwrap_or(line);
    let shape = |line: &str, shape: &str| {
        line.len() >= shape.len()
            && line.bytes().zip(shape.bytes()).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b' '),
                wanted => byte == wanted,
            })
    };
    if !shape(line, "0000-00-00T00:00:00") {
        return None;
    }
    let rest = &line[19..];
    let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',' | 'Z' | '+' | ':'));
    end.map(|end| rest[end..].trim_start_matches(']'))
}

/// `[01:43:51] `, `03:27:43.12 `.
fn time(line: &str) -> Option<&str> {
    let bare = line.strip_prefix('[').unwrap_or(line);
    let end = bare.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.'))?;
    let (time, rest) = bare.split_at(end);
    (time.matches(':').count() == 2 && time.len() >= 7)
        .then(|| rest.strip_prefix(']').unwrap_or(rest))
}

/// `#15 14.78 ` of image builds.
fn step(line: &str) -> Option<&str> {
    let (number, rest) = line.strip_prefix('#')?.split_once(' ')?;
    let (seconds, rest) = rest.split_once(' ')?;
    let is_number = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    (is_number(number) && is_number(seconds)).then_some(rest)
}

/// `builder_1  | ` of several containers whose output is shown together.
fn container(line: &str) -> Option<&str> {
    let (name, rest) = line.split_once(" | ")?;
    let name = name.trim_end();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    // The margins of a compiler's excerpts are numbers.
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    (!name.is_empty() && name.len() <= 40 && name.chars().all(is_name) && !is_number)
        .then_some(rest)
}

/// Frames: `│ `, `╰─▶ `, `| `, `> `.
fn frame(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches(|c: char| {
        ('\u{2500}'..='\u{257f}').contains(&c) || matches!(c, '|' | '▶' | '>' | '×')
    });
    (rest.len() < line.len() && rest.starts_with(' ')).then_some(rest)
}

/// `##[error]`, `::error::`, `cargo:warning=`.
fn annotation(line: &str) -> Option<&str> {
    ["##[error]", "##[warning]", "::error::", "::warning::", "cargo:warning="]
        .iter()
        .find_map(|prefix| line.strip_prefix(prefix))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(line: &str) -> String {
        String::from_utf8(without_escapes(line.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn colours_titles_and_links_are_removed() {
        assert_eq!(plain("\u{1b}[1m\u{1b}[38;5;9merror\u{1b}[0m: x"), "error: x");
        assert_eq!(plain("\u{1b}]0;title\u{7}text"), "text");
        assert_eq!(plain("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\."), "link.");
        assert_eq!(plain("a\u{1b}(Bb\u{1b}[K"), "ab");
        assert_eq!(plain("cut off \u{1b}[1"), "cut off ");
    }

    #[test]
    fn quotes_and_letters_are_made_alike() {
        let text = |line: &str| String::from_utf8(folded(line.as_bytes()).into_owned()).unwrap();
        assert_eq!(text("‘cc’ “ОТКАЗАНО\u{a0}в”"), "'cc' \"отказано в\"");
        assert_eq!(text("ASCII `stays`"), "ASCII `stays`");
        assert_eq!(folded(b"op\xe9ration").as_ref(), "op\u{fffd}ration".as_bytes());
    }

    #[test]
    fn columns_of_build_services_are_removed_and_words_are_not() {
        for (line, wanted) in [
            ("2024-05-09T03:27:43.1234567Z error: x", "error: x"),
            ("2024-07-15 10:20:22.594 workerpool0-0 text", "workerpool0-0 text"),
            ("[01:43:51] error: x", "error: x"),
            ("#15 14.78 error: x", "error: x"),
            ("builder_1  | #15 14.78   error: x", "error: x"),
            ("  │ Text file busy", "Text file busy"),
            ("  ╰─▶ Text file busy (os error 26)", "Text file busy (os error 26)"),
            ("##[error]error: x", "error: x"),
            ("20 |   #[cfg_attr(x)]", "20 |   #[cfg_attr(x)]"),
            ("error: a | b", "error: a | b"),
            ("10:20 is not a time of a log", "10:20 is not a time of a log"),
            ("", ""),
        ] {
            assert_eq!(without_prefix(line), wanted, "{line}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(line in prop::collection::vec(any::<u8>(), 0..80)) {
            let plain = without_escapes(&line);
            let folded = folded(&plain);
            let text = String::from_utf8_lossy(&folded);
            prop_assert!(without_prefix(&text).len() <= text.len());
        }
    }
}
