//! Tables taken apart key by key, with the place of everything that is wrong.

use std::cell::RefCell;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::failure::Failure;

/// What is wrong with a file, gathered so that one run shows all of it.
pub(super) struct Problems<'a> {
    text: &'a str,
    path: &'a Path,
    list: RefCell<Vec<(usize, String)>>,
}

impl<'a> Problems<'a> {
    pub(super) fn new(text: &'a str, path: &'a Path) -> Self {
        Self { text, path, list: RefCell::default() }
    }

    pub(super) fn add(&self, at: usize, message: String) {
        self.list.borrow_mut().push((at, message));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.borrow().is_empty()
    }

    /// Line and column, from 1; columns count characters.
    fn place(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    pub(super) fn failure(self) -> Failure {
        let mut list = self.list.take();
        list.sort();
        let path = self.path.display();
        let lines = list.iter().map(|(at, message)| {
            let (line, column) = self.place(*at);
            format!("{path}:{line}:{column}: {message}")
        });
        Failure::input("the configuration cannot be used")
            .details(lines.collect())
            .hint("`init` writes a sample that shows every key")
    }
}

/// A table, its name for messages, and where it stands.
pub(super) struct Reader<'a> {
    problems: &'a Problems<'a>,
    table: &'a DeTable<'a>,
    name: String,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn root(problems: &'a Problems<'a>, table: &'a DeTable<'a>) -> Self {
        Self { problems, table, name: String::new(), at: 0 }
    }

    /// Refuses every key that is not one of `known`.
    pub(super) fn only(&self, known: &[&str]) {
        for key in self.table.keys() {
            let written = key.get_ref().as_ref();
            if known.contains(&written) {
                continue;
            }
            let nearest = known.iter().min_by_key(|name| doctor::distance(name, written));
            let hint = match nearest {
                // More than half of it changed is another word, not a slip.
                Some(name) if doctor::distance(name, written) * 2 <= written.chars().count() => {
                    format!("did you mean `{name}`?")
                }
                _ => format!("the keys are `{}`", known.join("`, `")),
            };
            let place = match self.name.as_str() {
                "" => "at the top level".to_owned(),
                name => format!("in `{name}`"),
            };
            let message = format!("unknown key `{}` {place}, {hint}", written.escape_debug());
            self.problems.add(key.span().start, message);
        }
    }

    /// The line that the table is on.
    pub(super) fn line(&self) -> usize {
        self.problems.place(self.at).0
    }

    /// Says that the value of `key` is wrong.
    pub(super) fn complain(&self, key: &str, message: String) {
        let at = self.value(key).map_or(self.at, |value| value.span().start);
        self.problems.add(at, message);
    }

    pub(super) fn boolean(&self, key: &str) -> Option<bool> {
        let value = self.value(key)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        found
    }

    /// A whole number of at least 1.
    pub(super) fn count(&self, key: &str) -> Option<u64> {
        let value = self.value(key)?;
        let number = value.get_ref().as_integer();
        let found = number.and_then(|number| {
            let digits = number.as_str().replace('_', "");
            u64::from_str_radix(&digits, number.radix()).ok()
        });
        if found.is_none_or(|number| number == 0) {
            self.wrong_type(key, value, "a whole number of at least 1");
        }
        found.filter(|number| *number > 0)
    }

    /// Whether the key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        let value = self.value(key)?;
        let found = value.get_ref().as_str().map(str::to_owned);
        if found.is_none() {
            self.wrong_type(key, value, "a string");
        }
        found
    }

    pub(super) fn required_text(&self, key: &str) -> Option<String> {
        if self.value(key).is_none() {
            self.problems.add(self.at, format!("`{}` lacks `{key}`", self.name));
        }
        self.text(key)
    }

    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        self.items(key, "an array of strings", |value| value.as_str().map(str::to_owned))
    }

    /// A day, `YYYY-MM-DD`.
    pub(super) fn day(&self, key: &str) -> Option<String> {
        let value = self.value(key)?;
        let found = value.get_ref().as_datetime().filter(|day| day.time.is_none());
        let found = found.and_then(|day| day.date).map(|date| date.to_string());
        if found.is_none() {
            self.wrong_type(key, value, "a day without quotes, such as 2027-01-31");
        }
        found
    }

    pub(super) fn table(&self, key: &str) -> Option<Reader<'a>> {
        let value = self.value(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(key, value, "a table");
            return None;
        };
        let at = self.key_start(key);
        Some(Reader { problems: self.problems, table, name: self.path_of(key), at })
    }

    pub(super) fn tables(&self, key: &str) -> Vec<Reader<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "an array of tables");
            return Vec::new();
        };
        let mut readers = Vec::new();
        for item in items.iter() {
            match item.get_ref().as_table() {
                Some(table) => readers.push(Reader {
                    problems: self.problems,
                    table,
                    name: self.path_of(key),
                    at: item.span().start,
                }),
                None => self.wrong_type(key, item, "an array of tables"),
            }
        }
        readers
    }

    fn items<T>(
        &self,
        key: &str,
        wanted: &str,
        take: impl Fn(&DeValue<'a>) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, wanted);
            return Vec::new();
        };
        let mut taken = Vec::new();
        for item in items.iter() {
            match take(item.get_ref()) {
                Some(found) => taken.push(found),
                None => self.wrong_type(key, item, wanted),
            }
        }
        taken
    }

    fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.get(key)
    }

    fn key_start(&self, key: &str) -> usize {
        let key = self.table.keys().find(|written| written.get_ref() == key);
        key.map_or(self.at, |key| key.span().start)
    }

    fn path_of(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        let message = format!("`{}` must be {wanted}; this is {found}", self.path_of(key));
        self.problems.add(value.span().start, message);
    }
}
