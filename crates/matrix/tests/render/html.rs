//! The page, as text; tests/browser drives it in a real browser.

use matrix::render::html;
use serde_json::Value;

use crate::samples::{EVIL, default_matrix, faulty, hostile, huge, small, wheel};

/// What lies in the page for its script.
fn data(html: &str) -> Value {
    let (_, rest) = html.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(data).unwrap()
}

#[test]
fn the_default_matrix_is_a_small_page() {
    let html = html::render(&default_matrix());
    assert!(html.len() < 200_000, "{} bytes", html.len());
    assert!(html::render(&huge()).len() < 1_000_000);
    assert_eq!(html.matches("<td class=\"pass").count(), 1024 + 52);
}

#[test]
fn it_asks_nothing_of_any_network() {
    for result in [default_matrix(), faulty(), hostile()] {
        let html = html::render(&result);
        for word in ["http://", "https://", "src=\"", "url(", "@import", "fetch(", "import("] {
            assert!(!html.contains(word), "{word}");
        }
        assert!(html.contains("default-src 'none'; style-src 'sha256-"));
        assert_eq!(html.matches("<link").count(), 1);
    }
}

#[test]
fn the_page_says_who_what_when_and_where_without_its_script() {
    let html = html::render(&faulty());
    let (html, _) = html.split_once("<script").unwrap();
    for text in [
        "<strong>No</strong>: 32 of 869 pairs failed, 3 cells could not take part",
        "Each cell wrote the same 40 arrays",
        "It ran on linux x86_64, began at 2027-01-31 12:00:00 UTC and took 3 min 12 s.",
        "<th scope=\"col\" class=\"edge\"><span>py3.9-numpy1.21.6</span></th>",
        "<th scope=\"row\">core</th>",
        "<a href=\"#cause-1\">✗</a>",
        "<article class=\"cause\" id=\"cause-1\">",
        "dtype is &#39;&lt;f8&#39;, not &#39;&gt;f8&#39;",
        "No space left on device",
        "<code>--rerun-failed</code>",
        "No module named &#39;numpy._core&#39;",
        "the index has no wheel of numpy 1.17.5 for CPython 3.9, 3.10, 3.11, 3.12, 3.13",
    ] {
        assert!(html.contains(text), "{text}");
    }
}

#[test]
fn pairs_share_what_they_have_in_common() {
    let data = data(&html::render(&default_matrix()));
    let count = |name: &str| data[name].as_array().unwrap().len();
    assert_eq!((count("pairs"), count("results")), (32, 1));
    assert!(count("outcomes") < 10, "{} outcomes", count("outcomes"));
    for row in data["pairs"].as_array().unwrap() {
        assert_eq!(row.as_array().unwrap().len(), 32);
    }
}

#[test]
fn pairs_that_were_not_run_have_no_outcome() {
    let data = data(&html::render(&faulty()));
    let codes: Vec<i64> = data["pairs"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row.as_array().unwrap())
        .filter_map(Value::as_i64)
        .collect();
    let count = |code: i64| codes.iter().filter(|found| **found == code).count();
    assert_eq!((count(-1), count(-3)), (1, 0));
    assert_eq!(codes.iter().filter(|code| **code >= 0).count(), 869);
}

#[test]
fn a_case_of_the_wheel_says_in_which_format_it_is() {
    let result = wheel();
    let html = html::render(&result);
    assert!(html.contains("have example-1.0-cp39-abi3-linux_x86_64.whl installed"));
    let data = data(&html);
    let formats = ["npy", "npz", "npz-deflated", "wheel-written", "wheel-read"];
    assert_eq!(data["formats"], serde_json::json!(formats));
    let of = |name: &str| -> Vec<&Value> {
        let cases = data["cases"].as_array().unwrap().iter();
        cases.filter(|case| case[0] == name).map(|case| &case[5]).collect()
    };
    assert_eq!(of("int8"), [&Value::Null, &3.into(), &4.into()]);
    // No pair has formats of both lanes.
    for outcome in data["outcomes"].as_array().unwrap() {
        let has: Vec<bool> =
            outcome[1].as_array().unwrap().iter().map(|result| !result.is_null()).collect();
        assert!(
            has == [true, true, true, false, false] || has == [false, false, false, true, true]
        );
    }
}

#[test]
fn hostile_text_breaks_out_of_nothing() {
    let html = html::render(&hostile());
    assert_eq!(html.matches("</script").count(), 2);
    assert_eq!(html.matches("<script").count(), 2);
    assert_eq!(html.matches("</style").count(), 1);
    assert!(!html.contains("<!--") && !html.contains("<img"));
    assert!(!html.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'));
    let data = data(&html);
    let name = data["cells"][0][0].as_str().unwrap();
    let shown = EVIL.split('\n').next().unwrap();
    assert!(name.starts_with(shown), "{name}");
}

#[test]
fn a_run_of_nothing_is_a_page_too() {
    let mut result = small();
    result.cells.clear();
    result.pairs.clear();
    let html = html::render(&result);
    assert!(html.contains("No cell was asked to take part."));
    assert!(html.contains("no pair was run"));
}
