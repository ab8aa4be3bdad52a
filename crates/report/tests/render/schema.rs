//! A JSON Schema checked against a document.

use serde_json::Value;

/// Panics unless the document fits the schema, which is given as its text.
#[track_caller]
pub(crate) fn assert_valid(schema: &str, document: &Value) {
    let problems = problems(schema, document);
    assert!(problems.is_empty(), "{problems:#?}\n{document:#}");
}

/// Where the document does not fit the schema.
pub(crate) fn problems(schema: &str, document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let mut problems = Vec::new();
    validate(&schema, &schema, document, "$", &mut problems);
    problems
}

/// The part of JSON Schema that the schemas in `docs` use: `$ref`, `oneOf`, `const`, `enum`,
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
                let known = schema.get("properties").and_then(Value::as_object);
                for (key, part) in value.as_object().into_iter().flatten() {
                    if known.is_some_and(|known| known.contains_key(key)) {
                        continue;
                    }
                    if rule == &Value::Bool(false) {
                        problems.push(format!("{at}: unknown key `{key}`"));
                    } else {
                        validate(root, rule, part, &format!("{at}.{key}"), problems);
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
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the schema names the type `{other}`"),
    };
    match rule {
        Value::Array(names) => names.iter().any(|name| one(name.as_str().unwrap())),
        name => one(name.as_str().unwrap()),
    }
}
