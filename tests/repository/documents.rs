//! What the documents promise.

use std::collections::BTreeMap;
use std::time::Duration;

use host::Invocation;

use crate::files::{self, none_of, read, root};

/// The lines of every block of a document that is marked `sh`.
fn commands(document: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in document.lines() {
        match line.trim() {
            "```sh" => inside = true,
            "```" => inside = false,
            command if inside && !command.is_empty() => found.push(command.to_owned()),
            _ => {}
        }
    }
    found
}

fn xtask(arguments: &[&str]) -> host::Output {
    let cache = tempfile::tempdir().unwrap();
    Invocation::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .directory(root())
        .env("TRUEWHEEL_CACHE_DIR", cache.path())
        .timeout(Duration::from_secs(120))
        .output()
        .unwrap()
}

#[test]
fn the_first_two_commands_of_the_readme_are_the_two_that_matter() {
    let commands = commands(&read("README.md"));
    assert_eq!(commands[0], "cargo xtask doctor");
    assert_eq!(commands[1], "cargo xtask test");
    let ci = read(".ci/run");
    assert_eq!(ci.lines().last(), Some("cargo xtask test --require-all"));
    assert!(read(".cargo/config.toml").contains("xtask = \"run "));
}

/// Commands that only look are run as written; the others are asked for their help.
#[test]
fn commands_in_documents_work() {
    let mut offences = Vec::new();
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        for command in commands(&read(document)) {
            let Some(rest) = command.strip_prefix("cargo xtask ") else { continue };
            // What stands in capitals is for the reader to fill in.
            let rest = rest.split(" # ").next().unwrap_or(rest).trim();
            let words: Vec<&str> = rest.split_whitespace().collect();
            let looks = matches!(words[0], "doctor" | "envs" | "explain")
                && !words
                    .iter()
                    .any(|word| matches!(*word, "<" | "|" | ">") || word.contains("FILE"));
            let output = if looks { xtask(&words) } else { xtask(&[words[0], "--help"]) };
            if !matches!(output.code, Some(0 | 1)) {
                let said = output.stderr_text();
                offences
                    .push(format!("{document}: `{command}` ended with {:?}: {said}", output.code));
            }
        }
    }
    none_of(&offences);
}

/// The image of builds is locked here, and in a new cache it is missing: CTR004, whose cure is ours.
#[test]
fn cures_call_the_program_as_the_user_does() {
    let output = xtask(&["doctor", "--only", "CTR004", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let step = &report["findings"][0]["fixes"][0]["steps"][0];
    assert_eq!(
        step["argv"],
        serde_json::json!(["cargo", "xtask", "image", "bootstrap"]),
        "{report}"
    );
}

/// Each document stands alone, so each has a copy of what it shares with others.
#[test]
fn schemas_say_the_same_of_the_same() {
    let mut seen: BTreeMap<String, (&str, serde_json::Value)> = BTreeMap::new();
    let mut offences = Vec::new();
    for name in ["report", "diff", "explain", "scan"] {
        let schema: serde_json::Value =
            serde_json::from_str(&read(&format!("docs/{name}.schema.json"))).unwrap();
        for part in ["finding", "fix", "step", "subject"] {
            let own = schema["$defs"][part].clone();
            let (first, known) = seen.entry(part.to_owned()).or_insert((name, own.clone()));
            if own.is_null() || *known != own {
                offences.push(format!("{part} differs in {first} and {name}"));
            }
        }
    }
    none_of(&offences);
}

#[test]
fn links_in_documents_lead_somewhere() {
    let host = host::Host::current().unwrap();
    let mut offences = Vec::new();
    for file in files::all().iter().filter(|file| file.path.ends_with(".md")) {
        let directory = root().join(&file.path).parent().unwrap().to_path_buf();
        for (number, line) in file.lines() {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let path = target.split('#').next().unwrap_or(target);
                if !path.is_empty() && !path.contains(':') && !host.exists(&directory.join(path)) {
                    offences.push(format!("{}:{number}: {target} is not there", file.path));
                }
            }
        }
    }
    none_of(&offences);
}

#[test]
fn the_version_has_a_heading_in_the_changelog() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let version = manifest["workspace"]["package"]["version"].as_str().unwrap();
    let heading = format!("## [{version}]");
    let changelog = read("CHANGELOG.md");
    assert!(changelog.lines().any(|line| line.starts_with(&heading)), "no {heading}");
}

#[test]
fn both_licences_are_there() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    assert_eq!(manifest["workspace"]["package"]["license"].as_str(), Some("MIT OR Apache-2.0"));
    assert!(read("LICENSE-MIT").contains("Permission is hereby granted"));
    assert!(read("LICENSE-APACHE").contains("Version 2.0, January 2004"));
}

#[test]
fn the_architecture_names_every_crate_every_invariant_and_every_dependency() {
    let architecture = read("ARCHITECTURE.md");
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let mut offences = Vec::new();
    for (name, dependency) in manifest["workspace"]["dependencies"].as_table().unwrap() {
        let wanted = match dependency.get("path") {
            Some(path) => format!("`{}/`", path.as_str().unwrap()),
            None => format!("`{name}`"),
        };
        if !architecture.contains(&wanted) {
            offences.push(format!("ARCHITECTURE.md does not mention {wanted}"));
        }
    }
    for number in 1..=8 {
        if !architecture.contains(&format!("**I{number} ")) {
            offences.push(format!("ARCHITECTURE.md does not state I{number}"));
        }
    }
    none_of(&offences);
}
