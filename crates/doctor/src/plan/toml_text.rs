//! A value set in the text of a TOML file, with everything else left as it stands.

use std::fmt;

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

/// Why a text was not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TomlProblem {
    /// The text is no TOML.
    NotToml(String),
    /// The value is no TOML.
    NotAValue(String),
    /// A part of the table's name is a value and no table.
    NotATable(String),
    /// The text is laid out in a way in which the change would change more.
    Layout,
}

impl fmt::Display for TomlProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotToml(message) => write!(f, "not TOML: {message}"),
            Self::NotAValue(value) => write!(f, "`{value}` is no value of TOML"),
            Self::NotATable(key) => write!(f, "`{key}` is not a table"),
            Self::Layout => f.write_str("it is written in a way that only a person can edit"),
        }
    }
}

impl std::error::Error for TomlProblem {}

/// The text with `key` of `table` set to `value`, which is written as TOML. Comments, order and
/// spaces stay; that nothing else has changed is checked by reading both texts.
///
/// # Errors
/// The text is no TOML, or has a layout that this cannot change.
pub fn set_in_toml(
    text: &str,
    table: &[String],
    key: &str,
    value: &str,
) -> Result<String, TomlProblem> {
    let old: Table =
        toml::from_str(text).map_err(|error| TomlProblem::NotToml(error.message().to_owned()))?;
    let new_value = parsed(value)?;
    let mut wanted = old.clone();
    let mut inner = &mut wanted;
    for part in table {
        inner = inner
            .entry(part.clone())
            .or_insert_with(|| Value::Table(Table::new()))
            .as_table_mut()
            .ok_or_else(|| TomlProblem::NotATable(part.clone()))?;
    }
    inner.insert(key.to_owned(), new_value);
    if wanted == old {
        return Ok(text.to_owned());
    }
    let candidates = [replaced(text, table, key, value), Some(inserted(text, table, key, value))];
    candidates
        .into_iter()
        .flatten()
        .find(|candidate| toml::from_str::<Table>(candidate).is_ok_and(|read| read == wanted))
        .ok_or(TomlProblem::Layout)
}

/// A text as a string of TOML.
#[must_use]
pub fn toml_string(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

fn parsed(value: &str) -> Result<Value, TomlProblem> {
    let mut table: Table = toml::from_str(&format!("x = {value}"))
        .map_err(|_| TomlProblem::NotAValue(value.to_owned()))?;
    match table.remove("x") {
        Some(parsed) if table.is_empty() => Ok(parsed),
        _ => Err(TomlProblem::NotAValue(value.to_owned())),
    }
}

/// The text with another value in the place of the one that is there.
fn replaced(text: &str, table: &[String], key: &str, value: &str) -> Option<String> {
    let document = DeTable::parse(text).ok()?;
    let mut inner = document.get_ref();
    for part in table {
        match inner.get(part.as_str())?.get_ref() {
            DeValue::Table(table) => inner = table,
            _ => return None,
        }
    }
    let span = inner.get(key)?.span();
    let (before, after) = (text.get(..span.start)?, text.get(span.end..)?);
    Some(format!("{before}{value}{after}"))
}

/// The text with a new line: below the table's header, or with a header at the end.
fn inserted(text: &str, table: &[String], key: &str, value: &str) -> String {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let line = format!("{} = {value}{end}", name(key));
    let parts: Vec<String> = table.iter().map(|part| name(part)).collect();
    let header = format!("[{}]", parts.join("."));
    let mut at = 0;
    for existing in text.split_inclusive('\n') {
        let code = existing.split('#').next().unwrap_or(existing).trim();
        if table.is_empty() && code.starts_with('[') {
            return format!("{}{line}{end}{}", &text[..at], &text[at..]);
        }
        at += existing.len();
        let bare: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        if !table.is_empty() && bare == header {
            let gap = if existing.ends_with('\n') { "" } else { end };
            return format!("{}{gap}{line}{}", &text[..at], &text[at..]);
        }
    }
    let mut out = text.to_owned();
    if !out.is_empty() && !out.ends_with('\n') {
        out.push_str(end);
    }
    if !table.is_empty() {
        if !out.is_empty() {
            out.push_str(end);
        }
        out.push_str(&format!("{header}{end}"));
    }
    out + &line
}

fn name(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { toml_string(key) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(text: &str, table: &str, key: &str, value: &str) -> Result<String, TomlProblem> {
        let table: Vec<String> = table.split_terminator('.').map(str::to_owned).collect();
        set_in_toml(text, &table, key, value)
    }

    #[test]
    fn a_value_is_replaced_where_it_stands() {
        let text = "# mine\n[build]\ntarget-dir = \"a\" # here\njobs = 2\n";
        assert_eq!(
            set(text, "build", "target-dir", "\"/t\"").unwrap(),
            "# mine\n[build]\ntarget-dir = \"/t\" # here\njobs = 2\n"
        );
        assert_eq!(set(text, "build", "jobs", "2").unwrap(), text);
        assert_eq!(set("build.jobs = 2\n", "build", "jobs", "3").unwrap(), "build.jobs = 3\n");
        assert_eq!(set("env = { A = 'x' }", "env", "A", "\"y\"").unwrap(), "env = { A = \"y\" }");
    }

    #[test]
    fn a_new_key_goes_below_the_header_or_with_one_to_the_end() {
        assert_eq!(
            set("[ env ] # x\nA = 1\n[build]\n", "env", "B", "2").unwrap(),
            "[ env ] # x\nB = 2\nA = 1\n[build]\n"
        );
        assert_eq!(set("[env]", "env", "B", "2").unwrap(), "[env]\nB = 2\n");
        assert_eq!(set("", "env", "B", "2").unwrap(), "[env]\nB = 2\n");
        assert_eq!(
            set("[alias]\r\na = 'b'\r\n", "target.x86", "k", "1").unwrap(),
            "[alias]\r\na = 'b'\r\n\r\n[target.x86]\r\nk = 1\r\n"
        );
        assert_eq!(set("# x\n[a]\n", "", "k", "1").unwrap(), "# x\nk = 1\n\n[a]\n");
    }

    #[test]
    fn what_cannot_be_changed_without_changing_more_is_left() {
        assert_eq!(set("env = 3\n", "env", "B", "2"), Err(TomlProblem::NotATable("env".into())));
        assert!(matches!(set("env = [", "env", "B", "2"), Err(TomlProblem::NotToml(_))));
        assert_eq!(set("env = { A = 1 }\n", "env", "B", "2"), Err(TomlProblem::Layout));
        assert_eq!(
            set("a = '''\n[env]\n'''\n", "env", "B", "2"),
            Err(TomlProblem::Layout),
            "a line in a string is no header"
        );
        assert!(matches!(set("", "env", "B", "1\n[x]\ny=2"), Err(TomlProblem::NotAValue(_))));
    }

    proptest! {
        #[test]
        fn only_the_key_changes(text in "(a = 1\n|# c\n|\\[env\\]\n|\\[b\\]\n|PY = '''x\ny'''\n|[\\[\\]{}=\"'.\n# ])*") {
            if let Ok(changed) = set(&text, "env", "K", "\"v\"") {
                let mut read: Table = toml::from_str(&changed).unwrap();
                let env = read.get_mut("env").unwrap().as_table_mut().unwrap();
                prop_assert_eq!(env.remove("K"), Some(Value::String("v".to_owned())));
                let empty = env.is_empty();
                let old: Table = toml::from_str(&text).unwrap();
                if empty && !old.contains_key("env") {
                    read.remove("env");
                }
                prop_assert!(read == old || old["env"].as_table().unwrap().contains_key("K"));
            }
        }
    }
}
