//! Software bills of materials (CycloneDX, SPDX), field by field.

use std::collections::BTreeMap;

use serde_json::Value;

use super::causes::{self, Cause};
use super::{Difference, shown};

/// Compares two SBOMs; says whether they are JSON whose fields differ.
pub(super) fn compare(name: &str, a: &[u8], b: &[u8], found: &mut Vec<Difference>) -> bool {
    let parse = |bytes| serde_json::from_slice::<Value>(bytes).ok();
    let (Some(one), Some(other)) = (parse(a), parse(b)) else { return false };
    let (mut fields, mut others) = (BTreeMap::new(), BTreeMap::new());
    flatten(&one, String::new(), &mut fields);
    flatten(&other, String::new(), &mut others);

    let mut groups: BTreeMap<&str, (&Cause, Vec<String>, Vec<String>)> = BTreeMap::new();
    let mut add = |path: &str, value: &str, is_a: bool| {
        let cause = cause(path, value);
        let group = groups.entry(cause.name).or_insert((cause, Vec::new(), Vec::new()));
        let line = format!("{path}: {value}");
        if is_a { group.1.push(line) } else { group.2.push(line) }
    };
    for (path, value) in &fields {
        if others.get(path) != Some(value) {
            add(path, value, true);
        }
    }
    for (path, value) in &others {
        if fields.get(path) != Some(value) {
            add(path, value, false);
        }
    }
    let is_told = !groups.is_empty();
    for (cause, only_a, only_b) in groups.into_values() {
        let what = format!("{} fields only in A, {} only in B", only_a.len(), only_b.len());
        let mut difference = cause.at(name, what);
        difference.only_a = shown(only_a);
        difference.only_b = shown(only_b);
        found.push(difference);
    }
    is_told
}

fn cause(path: &str, value: &str) -> &'static Cause {
    match path.rsplit('.').next() {
        Some("timestamp" | "created") => &causes::SBOM_TIMESTAMP,
        Some("serialNumber" | "documentNamespace") => &causes::SBOM_SERIAL,
        _ if value.contains("path+file://") || value.contains("file:///") => &causes::SBOM_PATH,
        _ => &causes::SBOM_CONTENT,
    }
}

/// Every value with the path that leads to it. The parser bounds how deep they lie.
fn flatten(value: &Value, path: String, fields: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(value, path, fields);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                flatten(value, format!("{path}[{index}]"), fields);
            }
        }
        Value::String(text) => {
            fields.insert(path, text.clone());
        }
        other => {
            fields.insert(path, other.to_string());
        }
    }
}
