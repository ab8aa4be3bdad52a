//! Texts of errors from public threads, and what `explain` makes of them.

use std::path::Path;

use doctor::log::{Confidence, LogReader, Reading};
use host::Host;
use proptest::prelude::*;
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

/// The log as somebody else's tools would show it: coloured, with Windows' ends of lines, behind the
/// columns of build services, with a progress bar now and then.
fn dressed(text: &str, style: usize) -> Vec<u8> {
    let mut dressed = String::new();
    for (number, line) in text.lines().enumerate() {
        match style {
            0 => dressed.push_str(&format!("\u{1b}[1m\u{1b}[31m{line}\u{1b}[0m\n")),
            1 => dressed.push_str(&format!("{line}\r\n")),
            2 => dressed.push_str(&format!("2024-05-09T03:27:43.{number:07}Z {line}\n")),
            3 => dressed.push_str(&format!("[01:43:{:02}] {line}\n", number % 60)),
            4 => dressed.push_str(&format!("#15 14.{number} {line}\n")),
            5 => dressed.push_str(&format!("builder_1  | {line}\n")),
            6 => dressed.push_str(&format!("    Building [==>   ] {number}/9\r{line}\n")),
            7 => dressed.push_str(&format!("{line}\n   Compiling other v1.0.{number}\n")),
            _ => dressed.push_str(&format!("  │ {line}\n")),
        }
    }
    dressed.into_bytes()
}

#[test]
fn how_a_log_is_dressed_does_not_matter() {
    for entry in entries("known").iter().chain(&entries("held-out")) {
        // Whether the code is the right one is for other tests.
        let bare = first(entry.text.as_bytes());
        assert!(bare.is_some(), "{}", entry.source);
        for style in 0..9 {
            let found = first(&dressed(&entry.text, style));
            assert_eq!(found, bare, "{}, style {style}", entry.source);
        }
    }
    for entry in entries("unrelated") {
        for style in 0..9 {
            assert_eq!(first(&dressed(&entry.text, style)), None, "{}, {style}", entry.source);
        }
    }
}

#[test]
fn what_powershell_writes_is_read() {
    for entry in entries("known") {
        let mut bytes = vec![0xff, 0xfe];
        bytes.extend(entry.text.encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(first(&bytes), entry.code.as_deref(), "{}", entry.source);
        let marked = [b"\xef\xbb\xbf", entry.text.as_bytes()].concat();
        assert_eq!(first(&marked), entry.code.as_deref(), "{}", entry.source);
    }
}

#[test]
fn a_log_with_two_errors_leads_with_the_first() {
    let of = |code: &str| {
        let found = entries("known").into_iter().find(|entry| entry.code.as_deref() == Some(code));
        found.unwrap().text
    };
    for (one, other) in [("BLD002", "FS009"), ("FS009", "BLD002"), ("LIB001", "BLD014")] {
        let far = "   Compiling other v1.0.0\n".repeat(200);
        let both = format!("{}{far}{}", of(one), of(other));
        let codes: Vec<_> = read(both.as_bytes()).matches.iter().map(|m| m.code).collect();
        assert_eq!(codes[..2], [one, other]);
    }
}

#[test]
fn numbers_are_of_the_system_that_the_log_is_of() {
    let never = "could not execute process `build-script-build` (never executed)\n\nCaused by:\n  ";
    for (text, code) in [
        ("C:\\x\\target\\debug\\a.exe\nQuelque chose (os error 5)", "FS013"),
        ("/home/jo/x/target/debug/a\nQuelque chose (os error 13)", "FS003"),
        ("/home/jo/x/target/debug/a\nL'argument est bizarre (os error 22)", "FS002"),
        ("/home/jo/x/target/debug/a\nQuelque chose (os error 26)", "FS004"),
        ("C:\\x\\target\\debug\\a.exe\nQuelque chose (os error 4551)", "FS013"),
    ] {
        assert_eq!(first(format!("{never}{text}\n").as_bytes()), Some(code), "{text}");
    }
    assert_eq!(first(format!("{never}/home/jo/x/y (os error 5)\n").as_bytes()), Some("FS002"));
}

#[test]
fn the_lines_that_led_there_are_told() {
    let log = "   Compiling a v1.0.0\nerror: x\n\nCaused by:\n  could not execute process `/w/target/debug/build/a/build-script-build` (never executed)\n\nCaused by:\n  Invalid argument (os error 22)\n";
    let reading = read(log.as_bytes());
    assert_eq!(reading.lines, 8);
    let leading = &reading.matches[0];
    assert_eq!((leading.code, leading.confidence), ("FS002", Confidence::Likely));
    let numbers: Vec<u64> = leading.lines.iter().map(|line| line.number).collect();
    assert_eq!(numbers, [5, 8]);
    assert_eq!(leading.lines[1].text, "Invalid argument (os error 22)");
}

/// Fifty megabytes, most of which speak of nothing, and thousands of lines that repeat themselves.
#[test]
fn a_log_of_fifty_megabytes_is_read_within_bounds() {
    let mut reader = LogReader::new();
    let quiet =
        "   Compiling some-crate v1.2.3 (registry+https://example.org/index)\n".repeat(1_000);
    let noisy =
        "warning: Permission denied while cargo looked at numpy in site-packages\n".repeat(1_000);
    let mut bytes = 0;
    while bytes < 50 << 20 {
        for part in [&quiet, &noisy] {
            reader.push(part.as_bytes());
            bytes += part.len();
        }
    }
    reader.push(&vec![b'x'; 4 << 20]);
    reader.push(b" (os error 28)\nerror: linker `cc` not found\n");
    let reading = reader.finish();
    let codes: Vec<_> = reading.matches.iter().map(|one| one.code).collect();
    assert!(codes.contains(&"FS009") && codes.contains(&"BLD009"), "{codes:?}");
    let kept: usize = reading.matches.iter().flat_map(|one| &one.lines).map(|l| l.text.len()).sum();
    assert!(kept < 1 << 20);
    assert!(reading.bytes > 50 << 20);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_read_and_pieces_make_no_difference(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(0x1b)], 0..600),
        cuts in prop::collection::vec(0_usize..600, 0..5),
    ) {
        let whole = read(&bytes);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        let mut reader = LogReader::new();
        let mut from = 0;
        for cut in cuts.into_iter().chain([bytes.len()]) {
            reader.push(&bytes[from..cut]);
            from = cut;
        }
        prop_assert_eq!(reader.finish(), whole);
    }

    #[test]
    fn noise_between_the_lines_does_not_hide_them(noise in "[a-z ]{0,40}", seed in 0_usize..70) {
        let known = entries("known");
        let entry = &known[seed % known.len()];
        let text: String = entry.text.lines().map(|line| format!("{line}\n{noise}\n")).collect();
        // A message that was broken in two is only found where its parts follow each other.
        let broken = ["GrandpaEJ/BustAPI#8", "cargo-lambda/cargo-lambda#684"];
        if !broken.contains(&entry.source.as_str()) {
            prop_assert_eq!(first(text.as_bytes()), entry.code.as_deref(), "{}", entry.source);
        }
    }
}
