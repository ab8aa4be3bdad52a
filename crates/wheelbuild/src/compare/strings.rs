//! Strings in native modules: paths of the build, times, and anything that only one side has.
//!
//! The strings of a Rust module follow each other without anything between them, so that the text
//! between two unprintable bytes may hold many; a path is taken from its first separator on, and
//! ends with the suffix of a source file.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::causes::{self, Cause};

/// Shortest text that counts as a string.
const SHORTEST: usize = 6;
/// Longest path that is followed.
const PATH_LIMIT: usize = 300;
/// Longest string that is shown whole.
const WIDTH: usize = 120;

/// What one side has that the other has not, by cause.
#[derive(Default)]
pub(super) struct Found {
    pub(super) groups: BTreeMap<&'static str, Group>,
    /// Strings without a path or a time.
    pub(super) only_a: Vec<String>,
    pub(super) only_b: Vec<String>,
}

/// The strings of one cause.
pub(super) struct Group {
    pub(super) cause: &'static Cause,
    pub(super) only_a: BTreeSet<String>,
    pub(super) only_b: BTreeSet<String>,
}

/// Compares the strings of two parts of modules.
pub(super) fn compare(a: &[&[u8]], b: &[&[u8]]) -> Found {
    let all = |parts: &[&[u8]]| -> (Vec<Vec<u8>>, BTreeSet<String>, BTreeSet<String>) {
        let mut kept = Vec::new();
        let (mut own_paths, mut own_times) = (BTreeSet::new(), BTreeSet::new());
        for run in parts.iter().flat_map(|part| runs(part)) {
            own_paths.extend(paths(run));
            own_times.extend(times(run));
            kept.push(run.to_vec());
        }
        (kept, own_paths, own_times)
    };
    let (runs_a, paths_a, times_a) = all(a);
    let (runs_b, paths_b, times_b) = all(b);
    let mut found = Found::default();
    for (path, is_a) in paths_a
        .difference(&paths_b)
        .map(|path| (path, true))
        .chain(paths_b.difference(&paths_a).map(|path| (path, false)))
    {
        add(&mut found, path_cause(path), path, is_a);
    }
    // A time that only one side has may be a number like others; two that were exchanged are not.
    let only_times_a: Vec<&String> = times_a.difference(&times_b).collect();
    let only_times_b: Vec<&String> = times_b.difference(&times_a).collect();
    if !only_times_a.is_empty() && !only_times_b.is_empty() {
        for (times, is_a) in [(only_times_a, true), (only_times_b, false)] {
            for time in times {
                add(&mut found, &causes::STAMPED_TIME, time, is_a);
            }
        }
    }
    let only = |runs: &[Vec<u8>], others: &[Vec<u8>]| -> Vec<String> {
        let others: HashSet<&[u8]> = others.iter().map(Vec::as_slice).collect();
        let own: BTreeSet<&[u8]> =
            runs.iter().map(Vec::as_slice).filter(|run| !others.contains(run)).collect();
        own.into_iter().map(cut).collect()
    };
    found.only_a = only(&runs_a, &runs_b);
    found.only_b = only(&runs_b, &runs_a);
    found
}

fn add(found: &mut Found, cause: &'static Cause, text: &str, is_a: bool) {
    let group = found.groups.entry(cause.name).or_insert_with(|| Group {
        cause,
        only_a: BTreeSet::new(),
        only_b: BTreeSet::new(),
    });
    if is_a { &mut group.only_a } else { &mut group.only_b }.insert(text.to_owned());
}

fn cut(run: &[u8]) -> String {
    let text = String::from_utf8_lossy(run);
    if text.len() <= WIDTH {
        return text.into_owned();
    }
    format!("{}... ({} bytes)", text.chars().take(WIDTH).collect::<String>(), text.len())
}

fn is_text(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte == b' '
}

/// Printable text between other bytes.
fn runs(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| !is_text(*byte)).filter(|run| run.len() >= SHORTEST)
}

/// Absolute paths of files and directories, and those below a target directory.
fn paths(run: &[u8]) -> Vec<String> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.+@~/\\".contains(&byte);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = memchr::memchr2(b'/', b'\\', &run[at..]).map(|start| at + start) {
        let rest = &run[start..run.len().min(start + PATH_LIMIT)];
        let mut length = rest.iter().take_while(|byte| is_part(**byte)).count();
        length = source_end(&rest[..length]).unwrap_or(length);
        at = start + length.max(1);
        let path = &rest[..length];
        let separators = path.iter().filter(|byte| matches!(byte, b'/' | b'\\')).count();
        if separators < 2 {
            continue;
        }
        // A drive before the first separator, or the first part of a path that is not absolute.
        let mut from = start;
        if start >= 2 && run[start - 1] == b':' && run[start - 2].is_ascii_alphabetic() {
            from = start - 2;
        } else if run[..start].ends_with(b"target") {
            from = start - b"target".len();
        } else if start > 0 && is_part(run[start - 1]) {
            // `text/path`: of what follows another text nobody knows where it begins, unless one
            // of the directories that are roots does.
            let is_root =
                ["/home/", "/root/", "/tmp/", "/Users/", "/build/", "/work", "/io/", "/project/"]
                    .iter()
                    .any(|root| path.starts_with(root.as_bytes()));
            if !is_root && !path.windows(13).any(|part| part == b"/registry/src") {
                continue;
            }
        }
        found.push(String::from_utf8_lossy(&run[from..start + length]).into_owned());
    }
    found
}

/// Where a path ends that has the suffix of a source file.
fn source_end(path: &[u8]) -> Option<usize> {
    const SUFFIXES: [&str; 8] = [".rs", ".cpp", ".cc", ".cxx", ".hpp", ".hh", ".c", ".h"];
    let ends = SUFFIXES.iter().filter_map(|suffix| {
        let at = memchr::memmem::find(path, suffix.as_bytes())? + suffix.len();
        // `.crate` and `.cargo` begin like a suffix, and so do directories.
        let goes_on = path.get(at).is_some_and(|byte| b"/\\".contains(byte));
        let is_word = suffix.len() == 2 && path.get(at).is_some_and(u8::is_ascii_lowercase);
        (!goes_on && !is_word).then_some(at)
    });
    ends.min()
}

fn path_cause(path: &str) -> &'static Cause {
    let path = path.replace('\\', "/");
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| path.ends_with(suffix));
    if path.contains("/registry/src/") {
        &causes::REGISTRY_PATH
    } else if path.starts_with("/rustc/") {
        &causes::TOOLCHAIN
    } else if path.contains("/build/") && path.contains("/out/") {
        &causes::GENERATED_PATH
    } else if path.contains("/vendor/") {
        &causes::VENDORED_PATH
    } else if ends(&[".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh"]) {
        &causes::C_FILE_PATH
    } else if ends(&[".rs"]) {
        &causes::SOURCE_PATH
    } else {
        &causes::BUILD_PATH
    }
}

/// Times in a text: seconds since 1970, dates, and times of day.
pub(super) fn times(run: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < run.len() {
        if !run[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let digits = run[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = |length: usize| String::from_utf8_lossy(&run[at..at + length]).into_owned();
        let shaped = |shape: &[u8]| {
            run.get(at..at + shape.len()).is_some_and(|part| {
                part.iter().zip(shape).all(|(byte, wanted)| match wanted {
                    b'0' => byte.is_ascii_digit(),
                    other => byte == other,
                })
            })
        };
        let length =
            if digits == 10 && (b"14"[..].le(&run[at..at + 2])) && run[at..at + 2] < b"22"[..] {
                10
            } else if shaped(b"0000-00-00") && &run[at..at + 2] == b"20" {
                let rest = &run[at..];
                let length =
                    rest.iter().take_while(|byte| b"0123456789-:TZ.+ ".contains(byte)).count();
                String::from_utf8_lossy(&rest[..length.min(35)]).trim_end().len()
            } else if shaped(b"00:00:00") {
                8
            } else {
                at += digits;
                continue;
            };
        found.push(text(length));
        at += length.max(digits);
    }
    found
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn paths_are_found_in_strings_that_are_not_separated() {
        let text = b"unreachable code/home/u/.cargo/registry/src/index-6f17/pyo3-0.29.3/src/gil.rs\
            called `unwrap()` on a value/tmp/core/c.c and/or";
        assert_eq!(
            paths(text),
            ["/home/u/.cargo/registry/src/index-6f17/pyo3-0.29.3/src/gil.rs", "/tmp/core/c.c"]
        );
        assert_eq!(
            paths(b"valuetarget/release/build/x-1f/out/gen.rs, C:\\p\\q\\lib.rs"),
            ["target/release/build/x-1f/out/gen.rs", "C:\\p\\q\\lib.rs"]
        );
    }

    #[test]
    fn times_are_found_and_other_numbers_are_not() {
        let found = times(b"built 1764309089 at 2026-11-28T05:51:29Z, 12:34:56 v1.2.3 99999999999");
        assert_eq!(found, ["1764309089", "2026-11-28T05:51:29Z", "12:34:56"]);
        assert!(times(b"0123456789 4000000000 3026-11-28 1.2.3").is_empty());
    }

    #[test]
    fn every_path_has_its_cause() {
        for (path, cause) in [
            ("/c/registry/src/m-1/a-1.0.0/src/lib.rs", "registry-path"),
            ("/p/vendor/a-1.0.0/src/lib.rs", "vendored-path"),
            ("target/release/build/a-1f/out/gen.rs", "generated-path"),
            ("/p/c/x.c", "c-file-path"),
            ("/p/src/lib.rs", "source-path"),
            ("/usr/lib/x", "build-path"),
            ("/rustc/abc/library/core/src/lib.rs", "toolchain-version"),
        ] {
            assert_eq!(path_cause(path).name, cause, "{path}");
        }
    }
}
