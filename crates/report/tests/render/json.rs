//! The renderer for programs, and the schema that describes it.

use std::collections::BTreeSet;

use report::Report;
use report::render::{Options, json};
use serde_json::Value;

use crate::{faulty, healthy, hostile};

const SCHEMA: &str = include_str!("../../../../docs/report.schema.json");

#[test]
fn the_report_comes_back_whole() {
    for report in [healthy(), faulty(), hostile()] {
        let text = json::render(&report, &Options::default());
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    }
}

#[test]
fn the_schema_comes_first_and_options_change_nothing() {
    let text = json::render(&faulty(), &Options::default());
    assert!(text.starts_with("{\n  \"schema\": \"truewheel-report/1\",\n"));
    let loud = Options { width: 40, color: true, verbose: true };
    assert_eq!(json::render(&faulty(), &loud), text);
}

#[test]
fn fixes_carry_their_shell_lines() {
    let value: Value = serde_json::from_str(&json::render(&faulty(), &Options::default())).unwrap();
    let shell = value.pointer("/findings/4/fixes/1/shell").unwrap();
    assert_eq!(
        shell,
        &serde_json::json!(["export PYTHONWARNINGS=error::DeprecationWarning", "unset PYTHONHOME"])
    );
}

#[test]
fn nothing_in_it_can_move_a_cursor() {
    let text = json::render(&hostile(), &Options::default());
    assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'));
}

#[test]
fn every_report_satisfies_the_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    for report in [healthy(), faulty(), hostile()] {
        let value = serde_json::from_str(&json::render(&report, &Options::default())).unwrap();
        let mut problems = Vec::new();
        validate(&schema, &schema, &value, "$", &mut problems);
        assert_eq!(problems, Vec::<String>::new());
    }
}

#[test]
fn the_schema_refuses_what_is_not_a_report() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let text = json::render(&faulty(), &Options::default());
    let problems_with = |change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&text).unwrap();
        change(&mut value);
        let mut problems = Vec::new();
        validate(&schema, &schema, &value, "$", &mut problems);
        problems
    };
    assert_eq!(
        problems_with(&|value| value["findings"][0]["severity"] = "fatal".into()),
        ["$.findings[0].severity: not one of the values allowed"]
    );
    assert_eq!(problems_with(&|value| value["extra"] = 1.into()), ["$: unknown key `extra`"]);
    assert_eq!(
        problems_with(&|value| {
            value["checks"][0].as_object_mut().unwrap().remove("code");
        }),
        ["$.checks[0]: no `code`"]
    );
    assert_eq!(
        problems_with(&|value| value["gather_ms"] = "1".into()),
        ["$.gather_ms: wrong type"]
    );
}

/// The part of JSON Schema that the report's schema uses: `$ref`, `oneOf`, `const`, `enum`,
/// `type`, `properties`, `required`, `additionalProperties` and `items`. Any other keyword is an
/// error, so that nothing in the schema goes untested.
fn validate(root: &Value, schema: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
    for (keyword, rule) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" => {}
            "$ref" => {
                let pointer = rule.as_str().unwrap().trim_start_matches('#');
                validate(root, root.pointer(pointer).unwrap(), value, at, problems);
            }
            "oneOf" => {
                let fitting = rule.as_array().unwrap().iter().filter(|choice| {
                    let mut misfits = Vec::new();
                    validate(root, choice, value, at, &mut misfits);
                    misfits.is_empty()
                });
                if fitting.count() != 1 {
                    problems.push(format!("{at}: not exactly one of the choices"));
                }
            }
            "const" if rule != value => problems.push(format!("{at}: not the value required")),
            "enum" if !rule.as_array().unwrap().contains(value) => {
                problems.push(format!("{at}: not one of the values allowed"));
            }
            "const" | "enum" => {}
            "type" if !has_type(value, rule) => problems.push(format!("{at}: wrong type")),
            "type" => {}
            "required" => {
                for key in rule.as_array().unwrap().iter().map(|key| key.as_str().unwrap()) {
                    if value.is_object() && value.get(key).is_none() {
                        problems.push(format!("{at}: no `{key}`"));
                    }
                }
            }
            "properties" => {
                for (key, part) in value.as_object().into_iter().flatten() {
                    if let Some(rule) = rule.get(key) {
                        validate(root, rule, part, &format!("{at}.{key}"), problems);
                    }
                }
            }
            "additionalProperties" => {
                assert_eq!(rule, &Value::Bool(false));
                let known: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().collect();
                for key in value.as_object().into_iter().flat_map(|object| object.keys()) {
                    if !known.contains(key) {
                        problems.push(format!("{at}: unknown key `{key}`"));
                    }
                }
            }
            "items" => {
                for (index, part) in value.as_array().into_iter().flatten().enumerate() {
                    validate(root, rule, part, &format!("{at}[{index}]"), problems);
                }
            }
            other => panic!("the schema uses `{other}`, which this test does not check"),
        }
    }
}

fn has_type(value: &Value, rule: &Value) -> bool {
    let one = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("the schema names the type `{other}`"),
    };
    match rule {
        Value::Array(names) => names.iter().any(|name| one(name.as_str().unwrap())),
        name => one(name.as_str().unwrap()),
    }
}
