//! Two JSON values side by side: where they differ, and what lies between them.
//!
//! The lists of the facts hold things that have names. Items are compared by name and not by
//! position, so that a package more is one difference and not one for each that comes after it.

use serde_json::{Map, Value};

/// One step down into the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A field, or a key of a map.
    Field(String),
    /// An item of a list, by its name.
    Item(String),
}

impl Step {
    pub(super) fn name(&self) -> &str {
        let (Self::Field(name) | Self::Item(name)) = self;
        name
    }
}

/// A place in which the two differ.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf {
    pub(super) place: Vec<Step>,
    pub(super) left: Option<Value>,
    pub(super) right: Option<Value>,
}

/// What names an item of a list, the first that all items have.
const NAMES: [&str; 6] = ["import_name", "role", "name", "path", "prefix", "file"];
/// What tells the kinds of a tagged value apart.
const TAGS: [&str; 3] = ["kind", "state", "type"];
/// The name of the order of a list, where that is what differs.
const ORDER: &str = "order";

/// Every place in which the two differ, in order.
pub(super) fn leaves(left: &Value, right: &Value) -> Vec<Leaf> {
    let mut found = Vec::new();
    let mut record = |place: &[Step], left: Option<&Value>, right: Option<&Value>| {
        found.push(Leaf { place: place.to_vec(), left: left.cloned(), right: right.cloned() });
        false
    };
    walk(Some(left), Some(right), &mut Vec::new(), &mut record);
    found
}

/// `left` with those of its [`leaves`] taken from `right` for which `chosen` says so.
pub(super) fn between(left: &Value, right: &Value, chosen: &[bool]) -> Value {
    let mut chosen = chosen.iter();
    let mut next =
        |_: &[Step], _: Option<&Value>, _: Option<&Value>| chosen.next().is_some_and(|is| *is);
    walk(Some(left), Some(right), &mut Vec::new(), &mut next).unwrap_or_default()
}

/// Asked at every difference whether the right side is to be taken.
type Decide<'a> = dyn FnMut(&[Step], Option<&Value>, Option<&Value>) -> bool + 'a;

fn walk(
    left: Option<&Value>,
    right: Option<&Value>,
    place: &mut Vec<Step>,
    decide: &mut Decide<'_>,
) -> Option<Value> {
    match (left, right) {
        (left, right) if left == right => left.cloned(),
        (Some(Value::Object(a)), Some(Value::Object(b))) if is_same_shape(a, b) => {
            let mut merged = Map::new();
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            for key in keys {
                place.push(Step::Field(key.clone()));
                if let Some(value) = walk(a.get(key), b.get(key), place, decide) {
                    merged.insert(key.clone(), value);
                }
                place.pop();
            }
            Some(Value::Object(merged))
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => match (names(a), names(b)) {
            (Some(a_names), Some(b_names)) => {
                Some(Value::Array(items((a, &a_names), (b, &b_names), place, decide)))
            }
            _ => leaf(left, right, place, decide),
        },
        _ => leaf(left, right, place, decide),
    }
}

fn leaf(
    left: Option<&Value>,
    right: Option<&Value>,
    place: &[Step],
    decide: &mut Decide<'_>,
) -> Option<Value> {
    if decide(place, left, right) { right.cloned() } else { left.cloned() }
}

/// Whether two objects are of one kind, so that a mixture of their fields is something too.
fn is_same_shape(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    let same_keys = a.len() == b.len() && a.keys().all(|key| b.contains_key(key));
    let differs = |tag: &str| a.get(tag).zip(b.get(tag)).is_some_and(|(a, b)| a != b);
    same_keys || !(TAGS.iter().any(|tag| differs(tag)) || (a.len() == 1 && b.len() == 1))
}

/// The names of a list's items: each with a number where there are several of it. `None` where the
/// items have none.
fn names(items: &[Value]) -> Option<Vec<String>> {
    let text = |item: &Value, key: &str| Some(item.get(key)?.as_str()?.to_owned());
    // An environment is known by what it holds.
    let of = |item: &Value, key: &str| match item.get("python") {
        Some(python) => text(python, "prefix"),
        None => match text(item, "class") {
            Some(class) => Some(format!("{class}.{}", text(item, key)?)),
            None => text(item, key),
        },
    };
    let key = NAMES.iter().find(|key| items.iter().all(|item| of(item, key).is_some()))?;
    let mut names: Vec<String> = Vec::with_capacity(items.len());
    let mut counts = std::collections::HashMap::new();
    for item in items {
        let name = of(item, key)?;
        let count: &mut usize = counts.entry(name.clone()).or_default();
        *count += 1;
        names.push(if *count == 1 { name } else { format!("{name} ({count})") });
    }
    Some(names)
}

/// A list and the names of its items.
type Named<'a> = (&'a [Value], &'a [String]);

fn items(
    (a, a_names): Named<'_>,
    (b, b_names): Named<'_>,
    place: &mut Vec<Step>,
    decide: &mut Decide<'_>,
) -> Vec<Value> {
    let in_b: std::collections::HashMap<&String, usize> = b_names.iter().zip(0..).collect();
    let in_a: std::collections::HashMap<&String, usize> = a_names.iter().zip(0..).collect();
    let mut merged: std::collections::HashMap<&String, Value> = Default::default();
    let mut as_right = false;
    for (name, item) in a_names.iter().zip(a) {
        let other = in_b.get(name).map(|at| &b[*at]);
        place.push(Step::Item(name.clone()));
        if let Some(value) = walk(Some(item), other, place, decide) {
            merged.insert(name, value);
        }
        place.pop();
    }
    for (name, item) in b_names.iter().zip(b).filter(|(name, _)| !in_a.contains_key(name)) {
        place.push(Step::Item(name.clone()));
        if let Some(value) = leaf(None, Some(item), place, decide) {
            merged.insert(name, value);
            as_right = true;
        }
        place.pop();
    }
    let common = |names: &[String], others: &std::collections::HashMap<&String, usize>| {
        let common = names.iter().filter(|name| others.contains_key(name));
        Value::from(common.cloned().collect::<Vec<String>>())
    };
    let (a_order, b_order) = (common(a_names, &in_b), common(b_names, &in_a));
    if a_order != b_order {
        place.push(Step::Field(ORDER.to_owned()));
        as_right |= decide(place, Some(&a_order), Some(&b_order));
        place.pop();
    }
    let (first, second) = if as_right { (b_names, a_names) } else { (a_names, b_names) };
    first.iter().chain(second).filter_map(|name| merged.remove(name)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(left: &Value, right: &Value) -> Vec<String> {
        let names = |leaf: Leaf| leaf.place.iter().map(Step::name).collect::<Vec<_>>().join("/");
        leaves(left, right).into_iter().map(names).collect()
    }

    #[test]
    fn items_are_compared_by_their_names() {
        let left = json!({"l": [{"name": "a", "v": 1}, {"name": "b", "v": 1}]});
        let right =
            json!({"l": [{"name": "0", "v": 1}, {"name": "a", "v": 1}, {"name": "b", "v": 2}]});
        assert_eq!(places(&left, &right), ["l/b/v", "l/0"]);
    }

    #[test]
    fn kinds_are_never_mixed() {
        let seen = json!({"x": {"seen": 1}});
        assert_eq!(places(&seen, &json!({"x": {"broken": "no"}})), ["x"]);
        assert_eq!(places(&seen, &json!({"x": "absent"})), ["x"]);
        assert_eq!(places(&seen, &json!({"x": {"seen": 2}})), ["x/seen"]);
        let tagged = |kind: &str, field: &str| json!({"x": {"kind": kind, (field): 1, "z": 1}});
        assert_eq!(places(&tagged("a", "p"), &tagged("b", "q")), ["x"]);
    }

    #[test]
    fn with_all_it_is_the_right_one_and_with_none_the_left_one() {
        let left =
            json!({"l": [{"path": "1"}, {"path": "2"}, {"path": "2", "x": 1}], "m": {"a": 1}});
        let right = json!({"l": [{"path": "2"}, {"path": "3"}, {"path": "1"}], "m": {"b": [1]}});
        let count = leaves(&left, &right).len();
        assert_eq!(between(&left, &right, &vec![true; count]), right);
        assert_eq!(between(&left, &right, &vec![false; count]), left);
    }
}
