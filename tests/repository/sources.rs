//! What source files may say (I2 to I5), and how they are kept.

use crate::files::{self, none_of, read};

/// No file is longer than a reader can keep in mind.
const MOST_LINES: usize = 600;

/// Whether a word stands in a line, not as a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

/// Code without the comment at its end.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or(line)
}

#[test]
fn i2_only_host_touches_the_machine() {
    let clippy = read("clippy.toml");
    for banned in [
        "std::process::Command::new",
        "std::env::var",
        "std::env::var_os",
        "std::env::vars",
        "std::env::vars_os",
        "std::env::current_dir",
        "std::fs::read",
        "std::fs::read_to_string",
        "std::fs::read_dir",
        "std::fs::metadata",
        "std::fs::write",
        "std::fs::File::open",
        "std::path::Path::exists",
        "std::path::Path::is_file",
        "std::path::Path::is_dir",
    ] {
        assert!(clippy.contains(&format!("path = \"{banned}\"")), "clippy.toml lets {banned} pass");
    }
    // Written in two parts, so that this file passes its own test.
    let lifted = ["clippy::disallowed", "_methods"].concat();
    let mut offences = Vec::new();
    for file in files::rust() {
        let in_host = file.path.starts_with("crates/host/");
        for (number, line) in file.lines() {
            if !in_host && line.contains(&lifted) {
                offences.push(format!("{}:{number}: lifts the ban outside host", file.path));
            }
        }
    }
    for file in files::programs() {
        if file.path.starts_with("crates/host/") || file.is_product() {
            continue;
        }
        for (number, line) in file.lines_of_program() {
            for word in ["fs_err", "xshell", "std::fs", "std::process::Command", "tempfile"] {
                // Chores may use the shell that host hands on.
                let handed_on = word == "xshell"
                    && file.path.starts_with("xtask/")
                    && line.contains("host::xshell");
                if has_word(code(line), word) && !handed_on {
                    offences.push(format!("{}:{number}: {word} outside host", file.path));
                }
            }
        }
    }
    none_of(&offences);
}

#[test]
fn i3_checks_judge_facts_and_touch_nothing() {
    let mut offences = Vec::new();
    for file in files::programs() {
        if !file.path.starts_with("crates/doctor/src/checks/") {
            continue;
        }
        for (number, line) in file.lines() {
            let forbidden =
                ["Host", "Invocation", "fs_err", "std::fs", "std::env", "std::process", "std::net"];
            for word in forbidden {
                if has_word(code(line), word) {
                    offences.push(format!("{}:{number}: a check uses {word}", file.path));
                }
            }
        }
    }
    none_of(&offences);
}

#[test]
fn i4_artifacts_reads_bytes_that_it_is_given() {
    let mut offences = Vec::new();
    for file in files::programs().iter().filter(|file| file.crate_name() == "artifacts") {
        for (number, line) in file.lines_of_program() {
            for word in ["std::fs", "std::process", "std::env", "std::net", "fs_err", "unsafe"] {
                if has_word(code(line), word) {
                    offences.push(format!("{}:{number}: {word}", file.path));
                }
            }
            // What `npz` reads from bytes may be used; what opens files may not.
            for word in ["FileSource", "Map", "Npy::open", "Npz::open", "NewFile"] {
                if has_word(code(line), word) {
                    offences.push(format!("{}:{number}: {word} opens files", file.path));
                }
            }
        }
    }
    none_of(&offences);
}

#[test]
fn i5_only_the_program_and_xtask_print() {
    let mut offences = Vec::new();
    for file in files::programs() {
        let is_bench = file.is_product() && file.path.contains("/bench/");
        if file.path.starts_with("xtask/") || file.crate_name() == "truewheel" || is_bench {
            continue;
        }
        for (number, line) in file.lines_of_program() {
            let printing = ["print!", "println!", "eprint!", "eprintln!", "anstream"];
            if printing.iter().any(|name| has_word(code(line), name)) {
                offences.push(format!("{}:{number}: prints", file.path));
            }
            if line.contains("clippy::print_") {
                offences.push(format!("{}:{number}: lifts the ban on printing", file.path));
            }
        }
    }
    none_of(&offences);
}

#[test]
fn every_source_file_says_what_it_holds() {
    let mut offences = Vec::new();
    for file in files::all() {
        let (first, rest) = file.text.split_once('\n').unwrap_or((&file.text, ""));
        let says = match file.path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("rs") => first.starts_with("//! "),
            Some("py") => first.starts_with("\"\"\""),
            Some("sh") => first.starts_with("#!") && rest.starts_with("# "),
            _ => true,
        };
        if !says {
            offences.push(format!("{}: the first line does not say what it holds", file.path));
        }
    }
    none_of(&offences);
}

#[test]
fn files_are_short_and_tidy() {
    // Written in two parts, so that this file passes its own test.
    let unfinished = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["XX", "X"],
        ["dbg", "!"],
        ["todo", "!"],
        ["unimpl", "emented!"],
    ]
    .map(|parts| parts.concat());
    // `root` is everybody's in a container, and the examples in fixtures are nobody's.
    let host = host::Host::current().unwrap();
    let homes: Vec<String> = [Some(files::root()), host.home]
        .into_iter()
        .flatten()
        .map(|path| path.display().to_string())
        .filter(|path| path != "/root" && path != "/")
        .collect();
    let mut offences = Vec::new();
    for file in files::all() {
        // Some files of splats happen to be text.
        let is_data = file.path.ends_with(".spz");
        if file.path.starts_with("LICENSE") || file.path == "Cargo.lock" || is_data {
            continue;
        }
        if file.path.ends_with(".rs") && file.lines().count() > MOST_LINES {
            offences.push(format!("{}: {} lines", file.path, file.lines().count()));
        }
        if !file.text.is_empty() && !file.text.ends_with('\n') {
            offences.push(format!("{}: no newline at the end", file.path));
        }
        let is_source = file.path.ends_with(".rs") || file.path.ends_with(".py");
        for (number, line) in file.lines() {
            let place = format!("{}:{number}", file.path);
            if line.ends_with([' ', '\t', '\r']) {
                offences.push(format!("{place}: white space at the end"));
            }
            if unfinished.iter().any(|word| has_word(line, word)) {
                offences.push(format!("{place}: unfinished"));
            }
            if is_source && line.contains(&["#[ig", "nore"].concat()) {
                offences.push(format!("{place}: a test that never runs"));
            }
            if homes.iter().any(|home| line.contains(home)) {
                offences.push(format!("{place}: somebody's own directory"));
            }
        }
    }
    none_of(&offences);
}

/// An environment holds links to the machine's interpreters, and a write in place goes through
/// them. Only the sandbox writes, since it looks where a path leads. What removes, moves or makes a
/// link acts on the link itself.
#[test]
fn fault_tests_write_through_the_sandbox_only() {
    let writing = ["write", "copy", "set_permissions", "hard_link", "OpenOptions", "File"]
        .map(|name| format!("fs_err::{name}"));
    let mut offences = Vec::new();
    for file in files::rust() {
        let by_tests = file.path.starts_with("tests/faults/")
            && !file.path.starts_with("tests/faults/harness/");
        for (number, line) in file.lines().filter(|_| by_tests) {
            if writing.iter().any(|name| has_word(line, name)) || line.contains("use fs_err") {
                offences.push(format!("{}:{number}: writes without the sandbox", file.path));
            }
        }
    }
    none_of(&offences);
}
