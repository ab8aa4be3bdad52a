//! The table of faults: it cannot be run again here, and is held against the pages and the tests.

use std::collections::BTreeSet;

use crate::files::{none_of, read, rust};

const TABLE: &str = "tests/faults/README.md";

/// The cells of every row with a code.
fn table() -> Vec<Vec<String>> {
    read(TABLE)
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| Code |"))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// The names of the tests in the sources of the fault tests, as sentences.
fn sentences() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in rust().into_iter().filter(|file| file.path.starts_with("tests/faults")) {
        let mut is_test = false;
        for (_, line) in file.lines() {
            let line = line.trim();
            if let (true, Some(rest)) = (is_test, line.strip_prefix("fn ")) {
                let name = rest.split('(').next().unwrap_or_default();
                found.insert(name.replace('_', " "));
            }
            is_test = line == "#[test]" || (is_test && line.starts_with("#["));
        }
    }
    found
}

#[test]
fn every_code_has_one_row_and_no_row_is_of_a_code_that_is_gone() {
    let listed: Vec<String> = table().into_iter().map(|row| row[0].clone()).collect();
    let pages: Vec<String> = host::Host::current()
        .unwrap()
        .list(&crate::files::root().join("crates/doctor/pages"), 10_000)
        .unwrap()
        .iter()
        .filter_map(|entry| Some(entry.name_text()?.strip_suffix(".md")?.to_owned()))
        .collect();
    let mut sorted = pages.clone();
    sorted.sort();
    assert_eq!(listed, sorted, "run `cargo xtask test --write-table`");
}

#[test]
fn every_row_names_tests_that_are_there() {
    let tests = sentences();
    let mut offences = Vec::new();
    for row in table() {
        let [code, _, made, found, ..] = row.as_slice() else { panic!("{row:?}") };
        if made == "by tests that were not part of this run" && found == "not run" {
            continue;
        }
        if found != "yes" {
            offences.push(format!("{code} was not found"));
        }
        if made.starts_with("recorded facts: ") {
            continue;
        }
        for name in made.split("; ").filter(|name| !name.starts_with("and ")) {
            if !tests.contains(name) {
                offences.push(format!("{code}: there is no test `{name}`"));
            }
        }
    }
    none_of(&offences);
}

/// A code that a test expects alone is made for real, and the row has to say so.
#[test]
fn what_the_tests_make_is_no_recorded_fact() {
    let mut made = BTreeSet::new();
    for file in rust().into_iter().filter(|file| file.path.starts_with("tests/faults")) {
        for (_, line) in file.lines() {
            let Some((_, rest)) = line.split_once(".only(&[") else { continue };
            let codes = rest.split(']').next().unwrap_or_default();
            made.extend(codes.split(',').map(|code| code.trim().trim_matches('"').to_owned()));
        }
    }
    let offences: Vec<String> = table()
        .into_iter()
        .filter(|row| row[2].starts_with("recorded facts") && made.contains(&row[0]))
        .map(|row| format!("{} is made by a test; run `cargo xtask test --write-table`", row[0]))
        .collect();
    none_of(&offences);
}
