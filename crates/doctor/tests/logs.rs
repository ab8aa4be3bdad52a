//! Texts of errors from public threads, and what `explain` makes of them.

use std::path::Path;

use doctor::log::{LogReader, Reading};
use host::Host;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    log: Vec<Entry>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    source: String,
    code: Option<String>,
    text: String,
}

fn entries(directory: &str) -> Vec<Entry> {
    let host = Host::current().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/logs");
    let directory = root.join(directory);
    let mut entries = Vec::new();
    for file in host.list(&directory, 100).unwrap() {
        let text = host.read_text(&directory.join(&file.name), 1 << 20).unwrap();
        let file: File = toml::from_str(&text).unwrap();
        entries.extend(file.log);
    }
    entries
}

fn read(bytes: &[u8]) -> Reading {
    doctor::log::read(bytes)
}

fn first(bytes: &[u8]) -> Option<&'static str> {
    read(bytes).matches.first().map(|one| one.code)
}

/// How many of the entries have their code first, and what is said of the others.
fn score(entries: &[Entry]) -> (usize, Vec<String>) {
    let mut misses = Vec::new();
    for entry in entries {
        let reading = read(entry.text.as_bytes());
        let said: Vec<String> =
            reading.matches.iter().map(|one| format!("{} {}", one.code, one.score)).collect();
        let code = entry.code.as_deref().unwrap();
        if reading.matches.first().map(|one| one.code) != Some(code) {
            misses.push(format!("{}: {code}, but {}", entry.source, said.join(", ")));
        }
    }
    (entries.len() - misses.len(), misses)
}

#[test]
fn nine_of_ten_known_logs_have_their_code_first() {
    let known = entries("known");
    let held_out = entries("held-out");
    for (name, list) in [("known", &known), ("held out", &held_out)] {
        let (right, misses) = score(list);
        println!("{name}: {right} of {}\n{}", list.len(), misses.join("\n"));
        assert!(right * 10 >= list.len() * 9, "{name}: {right} of {}", list.len());
    }
    assert!(known.len() + held_out.len() >= 60);
}

#[test]
fn unrelated_logs_match_nothing() {
    let unrelated = entries("unrelated");
    assert!(unrelated.len() >= 15);
    for entry in &unrelated {
        let reading = read(entry.text.as_bytes());
        assert!(reading.matches.is_empty(), "{}: {:?}", entry.source, reading.matches);
    }
}
