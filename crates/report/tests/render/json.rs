//! The renderer for programs, and the schema that describes it.

use report::Report;
use report::render::{Options, json};
use serde_json::Value;

use crate::schema::{assert_valid, problems};
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
    for report in [healthy(), faulty(), hostile()] {
        let value = serde_json::from_str(&json::render(&report, &Options::default())).unwrap();
        assert_valid(SCHEMA, &value);
    }
}

#[test]
fn the_schema_refuses_what_is_not_a_report() {
    let text = json::render(&faulty(), &Options::default());
    let problems_with = |change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&text).unwrap();
        change(&mut value);
        problems(SCHEMA, &value)
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
