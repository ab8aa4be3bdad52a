//! The renderer for test views, read back with a small parser that knows what XML 1.0 allows.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use matrix::render::junit;

use crate::samples::{EVIL, default_matrix, faulty, hostile, huge, small};

/// An element with what is in it.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    children: Vec<Element>,
    text: String,
}

impl Element {
    fn number(&self, attribute: &str) -> usize {
        self.attributes[attribute].parse().unwrap()
    }

    fn count(&self, name: &str) -> usize {
        let own = usize::from(self.name == name);
        own + self.children.iter().map(|child| child.count(name)).sum::<usize>()
    }

    fn find(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }
}

/// Parses the part of XML that the renderer may use; anything else is an error.
fn parse(text: &str) -> Element {
    let allowed = |c: char| matches!(c, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert_eq!(text.chars().find(|c| !allowed(*c)), None, "XML 1.0 forbids this character");
    let mut rest = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").unwrap();
    let mut open = vec![Element::default()];
    while let Some(start) = rest.find('<') {
        open.last_mut().unwrap().text.push_str(&unescape(&rest[..start]));
        let end = start + rest[start..].find('>').unwrap();
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let element = open.pop().unwrap();
            assert_eq!(element.name, name);
            open.last_mut().unwrap().children.push(element);
            continue;
        }
        let (tag, closed) = match tag.strip_suffix('/') {
            Some(tag) => (tag, true),
            None => (tag, false),
        };
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let element = Element {
            name: name.to_owned(),
            attributes: self::attributes(attributes),
            ..Element::default()
        };
        if closed {
            open.last_mut().unwrap().children.push(element);
        } else {
            open.push(element);
        }
    }
    assert!(rest.trim().is_empty());
    let [document] = open.try_into().unwrap();
    let [root] = <[Element; 1]>::try_from(document.children).unwrap();
    root
}

fn attributes(mut text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    while let Some((name, rest)) = text.trim_start().split_once("=\"") {
        let (value, rest) = rest.split_once('"').unwrap();
        assert!(name.chars().all(|c| c.is_ascii_lowercase()), "{name:?}");
        assert!(!value.contains(['<', '\n']), "{value:?}");
        assert_eq!(found.insert(name.to_owned(), unescape(value)), None, "{name} stands twice");
        text = rest;
    }
    assert!(text.trim().is_empty(), "{text:?}");
    found
}

fn unescape(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';').unwrap();
        plain.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            other => panic!("unknown entity {other}"),
        });
        plain.push_str(rest);
    }
    plain
}

/// What readers of JUnit files agree on: which element stands in which, with which attributes.
fn has_shape(root: &Element) {
    let keys = |element: &Element| element.attributes.keys().cloned().collect::<Vec<_>>();
    assert_eq!((root.name.as_str(), root.text.trim()), ("testsuites", ""));
    assert_eq!(keys(root), ["errors", "failures", "name", "tests", "time"]);
    for suite in &root.children {
        assert_eq!((suite.name.as_str(), suite.text.trim()), ("testsuite", ""));
        let wanted = ["errors", "failures", "name", "skipped", "tests", "time", "timestamp"];
        assert_eq!(keys(suite), wanted);
        assert_eq!(suite.number("tests"), suite.children.len());
        assert_eq!(suite.number("failures"), suite.count("failure"));
        assert_eq!(suite.number("errors"), suite.count("error"));
        assert_eq!(suite.number("skipped"), suite.count("skipped"));
        for test in &suite.children {
            assert_eq!((test.name.as_str(), test.text.trim()), ("testcase", ""));
            assert_eq!(keys(test), ["classname", "name"]);
            assert!(test.children.len() <= 1);
            for outcome in &test.children {
                let wanted: &[&str] = match outcome.name.as_str() {
                    "failure" | "error" => &["message", "type"],
                    "skipped" => &["message"],
                    other => panic!("{other} in a testcase"),
                };
                assert_eq!(keys(outcome), wanted);
                assert!(outcome.children.is_empty());
            }
        }
    }
    for (attribute, element) in
        [("tests", "testcase"), ("failures", "failure"), ("errors", "error")]
    {
        assert_eq!(root.number(attribute), root.count(element));
    }
}

#[test]
fn every_result_is_what_test_views_read() {
    for result in [small(), default_matrix(), faulty(), hostile(), huge()] {
        has_shape(&parse(&junit::render(&result)));
    }
}

#[test]
fn counts_are_those_of_the_run() {
    let result = faulty();
    let summary = result.summary();
    let root = parse(&junit::render(&result));
    assert_eq!(root.number("failures"), summary.failed);
    assert_eq!(root.number("errors"), summary.failed_cells);
    let suites = &root.children;
    assert_eq!(suites.len(), 1 + result.shown_cells().count());
    let cells = &suites[0];
    assert_eq!(cells.attributes["name"], "cells");
    assert_eq!(cells.number("skipped"), summary.unavailable);
    let passed: usize =
        suites[1..].iter().flat_map(|s| &s.children).filter(|t| t.children.is_empty()).count();
    assert_eq!(passed, summary.passed);
}

#[test]
fn a_failure_says_what_differs() {
    let root = parse(&junit::render(&faulty()));
    let suite =
        root.children.iter().find(|suite| suite.attributes["name"] == "read by py3.11-numpy1.24.4");
    let test = &suite.unwrap().children[0];
    assert_eq!(test.attributes["name"], "py3.8-numpy1.17.5");
    let failure = test.find("failure").unwrap();
    assert_eq!(failure.attributes["message"], "12 arrays not read as written");
    let lines: Vec<&str> = failure.text.lines().collect();
    assert_eq!(lines.len(), 12);
    assert_eq!(lines[0], "npy big-endian int16: differs: dtype is '<i2', not '>i2'");
}

#[test]
fn hostile_text_stays_text() {
    let root = parse(&junit::render(&hostile()));
    let names: Vec<&str> =
        root.children.iter().map(|suite| suite.attributes["name"].as_str()).collect();
    assert_eq!(names.len(), 5);
    let shown = EVIL.split('\n').next().unwrap();
    assert!(names[1].contains(shown), "{names:?}");
    assert!(names[1].contains("\\u{0}\\u{fffe}\\u{202e}"), "{names:?}");
}

#[test]
fn two_cells_and_the_core() {
    let text = junit::render(&small());
    assert_snapshot!(text.lines().take(12).collect::<Vec<_>>().join("\n"), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="truewheel matrix" tests="12" failures="0" errors="0" time="192.400">
      <testsuite name="cells" tests="3" failures="0" errors="0" skipped="0" time="1.200" timestamp="2027-01-31T12:00:00">
        <testcase classname="matrix.cells" name="py3.11-numpy1.24.4"/>
        <testcase classname="matrix.cells" name="py3.11-numpy2.2.6"/>
        <testcase classname="matrix.cells" name="core"/>
      </testsuite>
      <testsuite name="read by py3.11-numpy1.24.4" tests="3" failures="0" errors="0" skipped="0" time="3.500" timestamp="2027-01-31T12:00:00">
        <testcase classname="matrix.read by py3.11-numpy1.24.4" name="py3.11-numpy1.24.4"/>
        <testcase classname="matrix.read by py3.11-numpy1.24.4" name="py3.11-numpy2.2.6"/>
        <testcase classname="matrix.read by py3.11-numpy1.24.4" name="core"/>
      </testsuite>
    "#);
}
