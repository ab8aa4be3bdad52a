//! Differences as a person reads them: of what, and from what to what.

use serde_json::Value;

use super::values::{Leaf, Step};
use crate::Facts;

/// One thing that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What it belongs to: `.venv`, `machine`, `project`.
    pub subject: String,
    /// What differs: `numpy version`.
    pub what: String,
    /// How it is on the left; `None` where it is not there.
    pub before: Option<String>,
    /// How it is on the right, with the left side's paths.
    pub after: Option<String>,
    /// Of the same thing, how many more details differ.
    pub more: usize,
}

/// The longest text of one side.
const LONGEST: usize = 100;
/// Parts of a thing that stand for the whole of it, the best first.
const HEADS: [&str; 7] =
    ["version", "release", "requirement", "executable", "message", "path", "exists"];
/// Steps that say nothing to a reader.
const SILENT: [&str; 4] = ["python", "seen", "variables", "packages"];
/// Numbers that differ between any two runs. A check may look at them, and then they are named with
/// what it found; alone they mean nothing.
const RESTLESS: [&str; 14] = [
    "modified_ns",
    "now_ns",
    "gather_ms",
    "len",
    "device",
    "space",
    "free_bytes",
    "total_bytes",
    "free_inodes",
    "total_inodes",
    "entries",
    "longest",
    "working_directory",
    "found_by",
];

/// Whether no check makes anything of this difference alone: of a number that never rests, of an
/// environment that the project does not use, or of the tool itself.
pub(super) fn is_unread(leaf: &Leaf, is_judged: impl Fn(&str) -> bool) -> bool {
    let restless = leaf.place.iter().any(|step| RESTLESS.contains(&step.name()));
    let section = leaf.place.first().map(Step::name);
    let unjudged = section == Some("environments")
        && leaf.place.get(1).is_some_and(|environment| !is_judged(environment.name()));
    restless || unjudged || matches!(section, Some("version" | "schema"))
}

/// The differences by what they are of: several parts of one thing are one difference.
pub(super) fn grouped(leaves: &[&Leaf], facts: &Facts) -> Vec<Difference> {
    let mut groups: Vec<(&[Step], Vec<&Leaf>)> = Vec::new();
    for leaf in leaves {
        let thing = thing(&leaf.place);
        match groups.last_mut().filter(|(known, _)| *known == thing) {
            Some((_, parts)) => parts.push(leaf),
            None => groups.push((thing, vec![leaf])),
        }
    }
    let mut differences: Vec<(usize, Difference)> = groups
        .into_iter()
        .map(|(_, parts)| {
            let rank = |leaf: &&Leaf| {
                let named = |head: &str| leaf.place.iter().any(|step| step.name() == head);
                HEADS.iter().position(|head| named(head)).unwrap_or(HEADS.len())
            };
            let head = parts.iter().copied().min_by_key(rank).unwrap_or(parts[0]);
            (weight(head), difference(head, parts.len() - 1, facts))
        })
        .collect();
    differences.sort_by(|(a, x), (b, y)| (a, &x.subject, &x.what).cmp(&(b, &y.subject, &y.what)));
    differences.into_iter().map(|(_, difference)| difference).collect()
}

/// The part of a place that names a thing of its own: a package, a module, a field.
fn thing(place: &[Step]) -> &[Step] {
    let names: Vec<&str> = place.iter().map(Step::name).collect();
    match names.as_slice() {
        ["environments", _, "numpy", _, ..] => return &place[..3],
        ["picks", _, ..] => return &place[..2],
        _ => {}
    }
    let is_container = |at: usize| {
        matches!(place[at - 1].name(), "environments" | "directories" | "crates") && at == 1
    };
    let last = (1..place.len()).rev().find(|at| matches!(place[*at], Step::Item(_)));
    match last {
        Some(at) if !is_container(at) => &place[..=at],
        _ => place,
    }
}

/// What comes first: what decides most.
fn weight(leaf: &Leaf) -> usize {
    let names: Vec<&str> = leaf.place.iter().map(Step::name).collect();
    match names.as_slice() {
        ["environments", _, "python", "version" | "executable" | "problems" | "abi", ..] => 0,
        ["environments", _] => 1,
        ["environments", _, "numpy", ..] => 2,
        ["machine", "variables", "PATH"] => 9,
        ["machine", ..] => 3,
        ["picks", ..] => 4,
        ["toolchain", ..] => 5,
        ["environments", _, "python", "packages", "numpy" | "maturin", ..] => 6,
        ["project", "pyproject" | "crates", ..] => 7,
        ["environments", _, "modules", ..] => 13,
        ["directories", ..] => 10,
        ["environments", ..] => 11,
        _ => 12,
    }
}

fn difference(leaf: &Leaf, more: usize, facts: &Facts) -> Difference {
    let (subject, rest) = subject(&leaf.place, facts);
    let mut words: Vec<String> = Vec::new();
    let mut list = "";
    for step in rest {
        match step {
            Step::Field(name) => {
                list = name;
                if !SILENT.contains(&name.as_str()) {
                    words.push(name.replace('_', " "));
                }
            }
            Step::Item(name) => {
                let kind = match list {
                    "modules" => "module ",
                    "packages" | "user_packages" => "package ",
                    _ => "",
                };
                // The name says what it is of; the list need not.
                if !kind.is_empty() || list == "crates" {
                    words.retain(|word| *word != list.replace('_', " "));
                }
                words.push(format!("{kind}{name}"));
            }
        }
    }
    // What is left of a whole thing that is there on one side only.
    if words.is_empty() {
        words.push("all of it".to_owned());
    }
    Difference {
        subject,
        what: words.join(" "),
        before: leaf.left.as_ref().map(|value| shown(value, facts)),
        after: leaf.right.as_ref().map(|value| shown(value, facts)),
        more,
    }
}

/// What a difference belongs to, and the rest of its place.
fn subject<'a>(place: &'a [Step], facts: &Facts) -> (String, &'a [Step]) {
    let section = place.first().map_or("", Step::name);
    let at = |count: usize| &place[count.min(place.len())..];
    match (section, place.get(1)) {
        ("environments", Some(Step::Item(prefix))) => (facts.short(&prefix.as_str().into()), at(2)),
        ("directories", Some(Step::Item(role))) => {
            (format!("{} directory", role.replace('-', " ")), at(2))
        }
        ("machine" | "engines", _) => ("machine".to_owned(), at(1)),
        ("project" | "source_tree" | "target", _) => {
            ("project".to_owned(), if section == "project" { at(1) } else { at(0) })
        }
        ("picks", Some(tool)) => (format!("the Python of {}", pick(tool.name())), at(2)),
        _ => (section.replace('_', " "), at(1)),
    }
}

fn pick(tool: &str) -> &str {
    if tool == "path" { "PATH" } else { tool }
}

/// A value in few words.
fn shown(value: &Value, facts: &Facts) -> String {
    let mut text = match value {
        Value::Null => "none".to_owned(),
        Value::Bool(is) => if *is { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.starts_with('/') && !text.contains([':', ' ']) => {
            facts.short(&text.as_str().into())
        }
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => {
            items.iter().map(|item| shown(item, facts)).collect::<Vec<_>>().join(", ")
        }
        Value::Object(fields) => {
            let broken = fields.get("broken").and_then(Value::as_str);
            let whole = fields.values().next().filter(|_| fields.len() == 1);
            let head = HEADS.iter().find_map(|head| fields.get(*head));
            match (broken, head.or(whole), fields.get("python")) {
                (Some(reason), ..) => format!("cannot be read: {reason}"),
                (_, Some(value), _) => shown(value, facts),
                (_, None, Some(value)) => shown(value, facts),
                _ => "there".to_owned(),
            }
        }
    };
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST - 1).chain(['…']).collect();
    }
    text
}
