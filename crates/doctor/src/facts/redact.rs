//! Taking a person's traces out of facts before they are shared.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Facts, FactsError};

/// Replaces the home directory, the user's name, the machine's name, credentials in URLs and
/// tokens, wherever they stand. The facts keep their shape and are judged the same.
///
/// # Errors
/// Never for facts that [`crate::gather`] made; serde's signature asks for it.
pub fn redact(facts: &mut Facts) -> Result<(), FactsError> {
    let replacements = replacements(facts);
    // By way of the text: a second pair of serde's readers and writers for every type of the
    // facts would cost a tenth of the time that the tool takes to compile.
    let mut value = serde_json::from_str(&facts.to_json()?).map_err(FactsError::Malformed)?;
    clean(&mut value, &replacements);
    *facts = Facts::from_json(&value.to_string())?;
    Ok(())
}

/// Variables whose value is the name of a user or of a machine, with what is written instead.
const NAMES: [(&str, &str); 5] = [
    ("USER", "user"),
    ("LOGNAME", "user"),
    ("USERNAME", "user"),
    ("HOSTNAME", "host"),
    ("COMPUTERNAME", "host"),
];

/// What to replace, longest first, so that a home directory goes before the name in it.
fn replacements(facts: &Facts) -> Vec<(String, String)> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    if let Some(home) = &facts.machine.home {
        let home = home.text();
        if home.len() > 1 {
            let kept = if home.starts_with('/') { "/home/user" } else { "C:/Users/user" };
            found.insert(home.clone(), kept.to_owned());
            found.insert(home.replace('/', "\\"), kept.replace('/', "\\"));
            if let Some(name) = home.rsplit('/').next() {
                found.insert(name.to_owned(), "user".to_owned());
            }
        }
    }
    for (variable, kept) in NAMES {
        if let Some(value) = facts.variable(variable) {
            found.insert(value.to_owned(), kept.to_owned());
        }
    }
    // A name of one or two letters, or one that many machines have, says nothing and would shred
    // the rest.
    let says_nothing = ["root", "user", "host", "home", "Users"];
    found.retain(|text, _| text.len() > 2 && !says_nothing.contains(&text.as_str()));
    let mut found: Vec<(String, String)> = found.into_iter().collect();
    found.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    found
}

fn clean(value: &mut Value, replacements: &[(String, String)]) {
    match value {
        Value::String(text) => *text = clean_text(text, replacements),
        Value::Array(items) => items.iter_mut().for_each(|item| clean(item, replacements)),
        Value::Object(fields) => {
            for (name, item) in fields.iter_mut() {
                let kept = NAMES.iter().find(|(variable, _)| variable == name);
                match (item, kept) {
                    (Value::String(text), Some((_, kept))) => (*kept).clone_into(text),
                    (Value::String(text), None) if is_secret_name(name) && !text.is_empty() => {
                        "redacted".clone_into(text);
                    }
                    (item, _) => clean(item, replacements),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["TOKEN", "PASSWORD", "PASSWD", "SECRET", "API_KEY", "CREDENTIAL"]
        .iter()
        .any(|part| name.contains(part))
}

fn clean_text(text: &str, replacements: &[(String, String)]) -> String {
    let mut text = without_credentials(text);
    for (from, to) in replacements {
        text = replace_words(&text, from, to);
    }
    text
}

/// Replaces `from` where it stands alone, not inside a longer word. A mere name is replaced in
/// paths and addresses only: the facts have words of their own, and a user may be called `conda`.
fn replace_words(text: &str, from: &str, to: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let is_separator = |c: char| matches!(c, '/' | '\\' | '@');
    let is_name = !from.contains(is_separator);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let before = rest[..at].chars().next_back().or_else(|| out.chars().next_back());
        let after = rest[at + from.len()..].chars().next();
        let starts_word = from.chars().next().is_some_and(is_word);
        let inside = (starts_word && before.is_some_and(is_word)) || after.is_some_and(is_word);
        let placed =
            !is_name || before.is_some_and(is_separator) || after.is_some_and(is_separator);
        out.push_str(&rest[..at]);
        out.push_str(if placed && !inside { to } else { from });
        rest = &rest[at + from.len()..];
    }
    out.push_str(rest);
    out
}

/// `scheme://user:password@host` becomes `scheme://redacted@host`.
fn without_credentials(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        let end = tail.find(['/', ' ', '"', '\'', '?', '#']).unwrap_or(tail.len());
        match tail[..end].rfind('@') {
            Some(sign) => {
                out.push_str("redacted");
                rest = &tail[sign..];
            }
            None => rest = tail,
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_urls_go_and_the_host_stays() {
        assert_eq!(
            without_credentials("see https://joe:s3cret@pypi.corp/simple and http://a/b@c"),
            "see https://redacted@pypi.corp/simple and http://a/b@c"
        );
    }

    #[test]
    fn names_are_replaced_only_where_they_stand_alone() {
        assert_eq!(
            replace_words("/home/ann/x /x/annual ann@host ann", "ann", "user"),
            "/home/user/x /x/annual user@host ann"
        );
        assert_eq!(
            replace_words("/home/ann: /home/annual", "/home/ann", "/home/user"),
            "/home/user: /home/annual"
        );
    }

    #[test]
    fn a_name_that_is_a_word_of_the_facts_breaks_nothing() {
        for name in ["home", "conda", "venv", "seen", "linux", "project", "python"] {
            let mut facts = crate::testing::healthy();
            facts.machine.variables.insert("USER".to_owned(), name.to_owned());
            facts.machine.home = Some(format!("/srv/people/{name}").as_str().into());
            facts.unreadable.push(format!("/srv/people/{name}/x: no"));
            redact(&mut facts).unwrap();
            assert_eq!(facts.machine.os, crate::testing::healthy().machine.os);
            assert_eq!(facts.variable("USER"), Some("user"));
            assert_eq!(facts.unreadable.last().unwrap(), "/home/user/x: no");
        }
    }

    #[test]
    fn everything_personal_is_gone_from_the_saved_text() {
        let mut facts = crate::testing::healthy();
        facts.machine.variables.insert("USER".to_owned(), "dorothea".to_owned());
        facts.machine.variables.insert("UV_TOKEN".to_owned(), "abc123".to_owned());
        facts.unreadable.push("/srv/dorothea/x: https://d:pw@mirror/simple".to_owned());
        redact(&mut facts).unwrap();
        let text = facts.to_json().unwrap();
        for trace in ["dorothea", "abc123", "pw@", "/home/dev"] {
            assert!(!text.contains(trace), "{trace} survived");
        }
        assert_eq!(Facts::from_json(&text).unwrap(), facts);
    }
}
