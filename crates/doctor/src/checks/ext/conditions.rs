//! Whether a `#[cfg(...)]` holds in the build that made a module.

use host::Os;

use crate::Facts;

/// Depth to which conditions are followed.
const DEPTH: usize = 16;

/// Whether all of them hold; `None` where that is not known.
pub(super) fn hold(facts: &Facts, conditions: &[String]) -> Option<bool> {
    let all = conditions.iter().map(|condition| holds(facts, condition));
    every(all)
}

/// Whether all are true; one that is false decides, whatever is not known.
fn every(values: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut is_known = true;
    for value in values {
        match value {
            Some(false) => return Some(false),
            Some(true) => {}
            None => is_known = false,
        }
    }
    is_known.then_some(true)
}

fn holds(facts: &Facts, condition: &str) -> Option<bool> {
    // Tokens are written with spaces between them, as the parser likes it.
    let mut quoted = false;
    let text: String = condition
        .chars()
        .filter(|c| {
            quoted ^= *c == '"';
            quoted || !c.is_whitespace()
        })
        .collect();
    evaluate(facts, &text, 0)
}

fn evaluate(facts: &Facts, text: &str, depth: usize) -> Option<bool> {
    if depth > DEPTH {
        return None;
    }
    if let Some((name, inner)) = text.split_once('(')
        && let Some(inner) = inner.strip_suffix(')')
    {
        let parts = split(inner);
        let values = parts.iter().map(|part| evaluate(facts, part, depth + 1));
        return match name {
            "all" => every(values),
            "not" => every(values).map(|value| !value),
            "any" => every(values.map(|value| value.map(|value| !value))).map(|none| !none),
            _ => None,
        };
    }
    let os = facts.machine.os;
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, value.trim_matches('"')),
        None => (text, ""),
    };
    match (key, value) {
        ("test" | "doc" | "doctest" | "miri" | "loom" | "fuzzing", "") => Some(false),
        ("unix", "") | ("target_family", "unix") => Some(os != Os::Windows),
        ("windows", "") | ("target_family", "windows") => Some(os == Os::Windows),
        ("target_os", name) => Some(match os {
            Os::Linux => name == "linux",
            Os::Macos => name == "macos",
            Os::Windows => name == "windows",
        }),
        // Those that maturin asks for are there in every one of its builds.
        ("feature", name) => {
            let pyproject = facts.project.pyproject.get()?;
            let asked_for = &pyproject.maturin.as_ref()?.features;
            asked_for.iter().any(|feature| feature == name).then_some(true)
        }
        _ => None,
    }
}

/// The parts between the commas that stand in no parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use host::Seen;

    use super::*;
    use crate::MaturinConfig;
    use crate::testing::healthy;

    #[test]
    fn what_is_known_of_the_build_decides_and_nothing_else() {
        let mut facts = healthy();
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.maturin = Some(MaturinConfig {
                features: vec!["python".to_owned()],
                ..MaturinConfig::default()
            });
        }
        for (condition, expected) in [
            ("test", Some(false)),
            ("not (test)", Some(true)),
            ("unix", Some(true)),
            ("target_os = \"windows\"", Some(false)),
            ("feature = \"python\"", Some(true)),
            ("feature = \"gpu\"", None),
            ("all (unix , not (test))", Some(true)),
            ("all (feature = \"gpu\" , test)", Some(false)),
            ("any (feature = \"gpu\" , unix)", Some(true)),
            ("any (windows , feature = \"gpu\")", None),
            ("any ()", Some(false)),
            ("Py_3_9", None),
            ("not (", None),
            ("", None),
        ] {
            assert_eq!(holds(&facts, condition), expected, "{condition}");
        }
        assert_eq!(hold(&facts, &[]), Some(true));
        assert_eq!(hold(&facts, &["unix".to_owned(), "debug_assertions".to_owned()]), None);
        let deep = format!("{}unix{}", "not(".repeat(50), ")".repeat(50));
        assert_eq!(holds(&facts, &deep), None);
    }
}
