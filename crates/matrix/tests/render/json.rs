//! The renderer for programs, and the schema that describes it.

use matrix::render::json;
use matrix::{MatrixResult, Shard};
use serde_json::Value;

use crate::samples::{default_matrix, faulty, hostile, pyodide, small, wheel};
use crate::schema::{assert_valid, problems};

const SCHEMA: &str = include_str!("../../../../docs/matrix.schema.json");

fn shard() -> MatrixResult {
    MatrixResult { shard: Some(Shard { index: 2, count: 3 }), ..small() }
}

#[test]
fn the_result_comes_back_whole() {
    for result in [small(), default_matrix(), faulty(), hostile(), shard(), wheel(), pyodide()] {
        let text = json::render(&result);
        assert_eq!(serde_json::from_str::<MatrixResult>(&text).unwrap(), result);
    }
}

#[test]
fn the_schema_comes_first_and_each_pair_has_a_line() {
    let text = json::render(&small());
    assert!(text.starts_with("{\n  \"schema\": \"truewheel-matrix/2\",\n"));
    let pairs = text.lines().filter(|line| line.starts_with("    {\"writer\":")).count();
    assert_eq!(pairs, 9);
}

#[test]
fn the_summary_is_that_of_the_model() {
    let value: Value = serde_json::from_str(&json::render(&faulty())).unwrap();
    let summary = faulty().summary();
    assert_eq!(value["summary"]["success"], false);
    assert_eq!(value["summary"]["failed"], summary.failed);
    assert_eq!(value["summary"]["not_run"], 1);
    assert_eq!(value["summary"]["predicted_failures"], summary.predicted_failures);
}

#[test]
fn nothing_in_it_can_move_a_cursor() {
    let text = json::render(&hostile());
    assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'));
}

#[test]
fn every_result_satisfies_the_schema() {
    for result in [small(), default_matrix(), faulty(), hostile(), shard(), wheel(), pyodide()] {
        let value = serde_json::from_str(&json::render(&result)).unwrap();
        assert_valid(SCHEMA, &value);
    }
}

#[test]
fn the_schema_refuses_what_is_not_a_result() {
    let text = json::render(&faulty());
    let problems_with = |change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&text).unwrap();
        change(&mut value);
        problems(SCHEMA, &value)
    };
    assert_eq!(
        problems_with(&|value| value["cells"][0]["state"] = "well".into()),
        [
            "$.cells[0]: not exactly one of the choices",
            "$.cells[0].state: not one of the values allowed"
        ]
    );
    assert_eq!(
        problems_with(&|value| value["cells"][0]["state"] = "writing-failed".into()),
        ["$.cells[0]: not exactly one of the choices"]
    );
    assert_eq!(problems_with(&|value| value["extra"] = 1.into()), ["$: unknown key `extra`"]);
    assert_eq!(
        problems_with(&|value| value["pairs"][0]["pickles"]["observed"]["array"] = "0".into()),
        ["$.pairs[0].pickles: not exactly one of the choices"]
    );
    assert_eq!(
        problems_with(&|value| {
            value["summary"].as_object_mut().unwrap().remove("failed");
        }),
        ["$.summary: no `failed`"]
    );
}
