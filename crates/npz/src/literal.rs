//! A bounded parser for the Python literal that an npy header is.
//!
//! It accepts what numpy's own readers accept (strings, integers, booleans, `None`, tuples, lists,
//! dictionaries) and two spellings that numpy refuses or filters: `10L` of Python 2 and
//! `np.int64(10)` as numpy 2 writes it into memory-mapped files. Nothing is evaluated.

use std::str::Chars;

/// Containers may nest this deep; numpy's own headers nest two levels per nested structure.
const MAX_DEPTH: usize = 64;

/// A value in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Literal {
    Str(String),
    Int(i128),
    Bool(bool),
    None,
    Tuple(Vec<Literal>),
    List(Vec<Literal>),
    Dict(Vec<(String, Literal)>),
}

impl Literal {
    /// What it is, for error messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Literal::Str(_) => "a string",
            Literal::Int(_) => "an integer",
            Literal::Bool(_) => "a boolean",
            Literal::None => "None",
            Literal::Tuple(_) => "a tuple",
            Literal::List(_) => "a list",
            Literal::Dict(_) => "a dictionary",
        }
    }
}

/// Spellings met on the way that some numpys do not read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spellings {
    /// `np.int64(3)` instead of `3`.
    pub(crate) numpy_scalars: bool,
    /// `3L` instead of `3`.
    pub(crate) python2_longs: bool,
}

/// Parses one literal that fills `text` up to white space.
///
/// # Errors
/// A sentence with the character offset, for anything that is not such a literal.
pub(crate) fn parse(text: &str) -> Result<(Literal, Spellings), String> {
    let mut parser = Parser { rest: text.chars(), text, spellings: Spellings::default() };
    let value = parser.value(0)?;
    parser.skip_space();
    match parser.peek() {
        None => Ok((value, parser.spellings)),
        Some(c) => Err(parser.error(&format!("{c:?} after the end"))),
    }
}

struct Parser<'a> {
    rest: Chars<'a>,
    text: &'a str,
    spellings: Spellings,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn error(&self, what: &str) -> String {
        format!("{what} at byte {}", self.text.len() - self.rest.as_str().len())
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')) {
            self.rest.next();
        }
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        self.skip_space();
        if self.peek() == Some(wanted) {
            self.rest.next();
            return Ok(());
        }
        Err(self.error(&format!("{wanted:?} expected")))
    }

    fn value(&mut self, depth: usize) -> Result<Literal, String> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.skip_space();
        match self.peek() {
            Some('\'' | '"') => self.string(false).map(Literal::Str),
            Some('(') => {
                let (mut items, trailing_comma) = self.items('(', ')', depth)?;
                // One value in parentheses without a comma is the value itself, not a tuple.
                match items.len() {
                    1 if !trailing_comma => Ok(items.remove(0)),
                    _ => Ok(Literal::Tuple(items)),
                }
            }
            Some('[') => Ok(Literal::List(self.items('[', ']', depth)?.0)),
            Some('{') => self.dictionary(depth),
            Some(c) if c.is_ascii_digit() || c == '-' || c == '+' => {
                self.integer().map(Literal::Int)
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => self.word(),
            Some(c) => Err(self.error(&format!("{c:?} starts no literal"))),
            None => Err(self.error("the text ends")),
        }
    }

    fn items(
        &mut self,
        open: char,
        close: char,
        depth: usize,
    ) -> Result<(Vec<Literal>, bool), String> {
        self.expect(open)?;
        let mut items = Vec::new();
        let mut trailing_comma = false;
        loop {
            self.skip_space();
            if self.peek() == Some(close) {
                self.rest.next();
                return Ok((items, trailing_comma));
            }
            if !items.is_empty() && !trailing_comma {
                return Err(self.error("',' expected"));
            }
            items.push(self.value(depth + 1)?);
            self.skip_space();
            trailing_comma = self.peek() == Some(',');
            if trailing_comma {
                self.rest.next();
            }
        }
    }

    fn dictionary(&mut self, depth: usize) -> Result<Literal, String> {
        self.expect('{')?;
        let mut entries: Vec<(String, Literal)> = Vec::new();
        loop {
            self.skip_space();
            if self.peek() == Some('}') {
                self.rest.next();
                return Ok(Literal::Dict(entries));
            }
            let Literal::Str(key) = self.value(depth + 1)? else {
                return Err(self.error("a key that is not a string"));
            };
            if entries.iter().any(|(known, _)| *known == key) {
                return Err(self.error(&format!("the key {key:?} comes twice")));
            }
            // The dictionary of a header has three keys; a long one would cost quadratic time.
            if entries.len() >= 64 {
                return Err(self.error("too many keys"));
            }
            self.expect(':')?;
            entries.push((key, self.value(depth + 1)?));
            self.skip_space();
            match self.peek() {
                Some(',') => {
                    self.rest.next();
                }
                Some('}') => {}
                _ => return Err(self.error("',' or '}' expected")),
            }
        }
    }

    fn integer(&mut self) -> Result<i128, String> {
        let negative = match self.peek() {
            Some('-') => {
                self.rest.next();
                true
            }
            Some('+') => {
                self.rest.next();
                false
            }
            _ => false,
        };
        let mut value: Option<i128> = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            self.rest.next();
            let next = value
                .unwrap_or(0)
                .checked_mul(10)
                .and_then(|tens| tens.checked_add(i128::from(digit)))
                .ok_or_else(|| self.error("an integer too large"))?;
            value = Some(next);
        }
        let value = value.ok_or_else(|| self.error("a digit expected"))?;
        if matches!(self.peek(), Some('L' | 'l')) {
            self.rest.next();
            self.spellings.python2_longs = true;
        }
        if self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_') {
            return Err(self.error("an integer ends in something else"));
        }
        Ok(if negative { -value } else { value })
    }

    fn word(&mut self) -> Result<Literal, String> {
        let start = self.rest.as_str();
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.') {
            self.rest.next();
        }
        let word = &start[..start.len() - self.rest.as_str().len()];
        match word {
            "True" => return Ok(Literal::Bool(true)),
            "False" => return Ok(Literal::Bool(false)),
            "None" => return Ok(Literal::None),
            "u" | "U" | "b" | "B" if matches!(self.peek(), Some('\'' | '"')) => {
                return self.string(word.eq_ignore_ascii_case("b")).map(Literal::Str);
            }
            _ => {}
        }
        let bare = word.strip_prefix("np.").or_else(|| word.strip_prefix("numpy.")).unwrap_or(word);
        if bare == "bool_" || bare == "bool" {
            self.expect('(')?;
            let value = self.value(MAX_DEPTH)?;
            self.expect(')')?;
            self.spellings.numpy_scalars = true;
            return match value {
                Literal::Bool(_) => Ok(value),
                _ => Err(self.error("a numpy boolean of something else")),
            };
        }
        let integer =
            bare.strip_prefix('u').unwrap_or(bare).strip_prefix("int").is_some_and(|width| {
                matches!(width, "" | "_" | "p" | "c" | "8" | "16" | "32" | "64")
            });
        if !integer {
            return Err(self.error(&format!("the name {word:?}")));
        }
        self.expect('(')?;
        self.skip_space();
        let value = self.integer()?;
        self.expect(')')?;
        self.spellings.numpy_scalars = true;
        Ok(Literal::Int(value))
    }

    fn string(&mut self, bytes: bool) -> Result<String, String> {
        let quote = self.rest.next();
        let mut value = String::new();
        loop {
            match self.rest.next() {
                None | Some('\n') => return Err(self.error("an unfinished string")),
                c if c == quote => return Ok(value),
                Some('\\') => self.escape(bytes, &mut value)?,
                Some(c) => value.push(c),
            }
        }
    }

    fn escape(&mut self, bytes: bool, value: &mut String) -> Result<(), String> {
        let Some(c) = self.rest.next() else { return Err(self.error("an unfinished string")) };
        let plain = match c {
            '\\' | '\'' | '"' => c,
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'v' => '\x0b',
            '0'..='7' => return self.code(8, 3, c.to_digit(8), value),
            'x' => return self.code(16, 2, None, value),
            'u' if !bytes => return self.code(16, 4, None, value),
            'U' if !bytes => return self.code(16, 8, None, value),
            _ => {
                // Python keeps the backslash of an escape it does not know.
                value.push('\\');
                c
            }
        };
        value.push(plain);
        Ok(())
    }

    /// A character given by number: hexadecimal of a fixed width, or octal of at most three digits.
    fn code(
        &mut self,
        radix: u32,
        width: usize,
        first: Option<u32>,
        value: &mut String,
    ) -> Result<(), String> {
        let mut number = first.unwrap_or(0);
        let mut digits = usize::from(first.is_some());
        while digits < width {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(radix)) else { break };
            self.rest.next();
            number = number * radix + digit;
            digits += 1;
        }
        if radix == 16 && digits < width {
            return Err(self.error("an escape with too few digits"));
        }
        value.push(char::from_u32(number).ok_or_else(|| self.error("not a character"))?);
        Ok(())
    }
}

/// The text as Python's `repr` would put it: in single quotes unless it holds one, escaped.
pub(crate) fn quote(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut quoted = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c == quote => {
                quoted.push('\\');
                quoted.push(c);
            }
            ' '..='~' => quoted.push(c),
            c if c.is_alphanumeric() => quoted.push(c),
            c if u32::from(c) < 0x100 => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) < 0x1_0000 => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push(quote);
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(text: &str) -> Literal {
        parse(text).unwrap().0
    }

    #[test]
    fn values_of_every_kind() {
        assert_eq!(value(" (3,) "), Literal::Tuple(vec![Literal::Int(3)]));
        assert_eq!(value("(3)"), Literal::Int(3));
        assert_eq!(value("()"), Literal::Tuple(vec![]));
        assert_eq!(value("[None, True, -4]").kind(), "a list");
        assert_eq!(value(r"u'a\'\x41\u00e9\101\q'"), Literal::Str("a'A\u{e9}A\\q".to_owned()));
        assert_eq!(value("{'a': 1, 'b': (),}").kind(), "a dictionary");
    }

    #[test]
    fn spellings_that_some_numpys_refuse_are_noted() {
        let (shape, spellings) = parse("(np.int64(3), 10L)").unwrap();
        assert_eq!(shape, Literal::Tuple(vec![Literal::Int(3), Literal::Int(10)]));
        assert_eq!(spellings, Spellings { numpy_scalars: true, python2_longs: true });
    }

    #[test]
    fn what_is_no_literal_is_refused() {
        for text in [
            "",
            "(",
            "(1",
            "(,)",
            "(1 2)",
            "{1: 2}",
            "{'a' 1}",
            "{'a': 1, 'a': 2}",
            "'a",
            "'\\x4'",
            "'\\ud800'",
            "os.system('x')",
            "np.int64('3')",
            "1.5",
            "1e9",
            "0x10",
            "--1",
            "(1) 2",
            "99999999999999999999999999999999999999999999",
            "np.int64((3))",
            "{'a': 1 'b': 2}",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"(".repeat(100_000)).unwrap_err().contains("too deeply"));
        assert!(parse(&"[".repeat(100_000)).unwrap_err().contains("too deeply"));
    }

    proptest! {
        #[test]
        fn quoted_text_parses_to_itself(text in ".*") {
            prop_assert_eq!(value(&quote(&text)), Literal::Str(text));
        }

        #[test]
        fn no_text_panics(text in "[\\[\\](){}',:\\\\ 0-9A-Za-z._-]{0,60}") {
            let _ = parse(&text);
        }
    }
}
