//! The table in `tests/faults/README.md`: every code, which tests make the fault for real, whether
//! the doctor found it and its cure removed it, and what other tools say of the same machines. It
//! is written from the record of a run, and from nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use host::Host;

use crate::workspace::Workspace;

/// The other tools, in the order of the columns; the tests record them by these names.
const PEERS: [&str; 4] = ["pip check", "uv pip check", "pyfirstaid", "env-repair"];

/// Tests named in a row at most.
const SHOWN: usize = 3;

/// The longest record and source that is read.
const LIMIT: u64 = 16 << 20;

/// The table, below the repository's root.
pub(super) const FILE: &str = "tests/faults/README.md";

/// What a run shows of one code.
#[derive(Debug, Default)]
struct Row {
    /// The tests that made it and in which the doctor found it.
    tests: BTreeSet<String>,
    /// A cure was carried out by the machine, and the finding was gone.
    fixed: bool,
    /// A person's part of a cure was carried out, and the finding was gone.
    by_hand: bool,
    /// It was gone in the end.
    gone: bool,
    /// The best that each tool said: `found`, `changes`, `no`.
    peers: BTreeMap<String, String>,
}

/// Reads a record and writes the table.
///
/// # Errors
/// The record or the pages cannot be read, or say nothing.
pub(super) fn write(workspace: &Workspace, record: &Path) -> anyhow::Result<PathBuf> {
    let text = workspace.host.read_text(record, LIMIT)?;
    let rows = rows(&text);
    if rows.is_empty() {
        bail!("{} records no fault; run `cargo xtask test --write-table`", record.display());
    }
    let codes = codes(&workspace.host, &workspace.root)?;
    let file = workspace.root.join(FILE);
    host::write_atomically(&file, render(&codes, &rows).as_bytes())
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

fn rows(record: &str) -> BTreeMap<String, Row> {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for line in record.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [kind, test, code, rest @ ..] = fields.as_slice() else { continue };
        let row = rows.entry((*code).to_owned()).or_default();
        match (*kind, rest) {
            ("found", _) => {
                row.tests.insert((*test).to_owned());
            }
            ("fixed", _) => row.fixed = true,
            ("by-hand", _) => row.by_hand = true,
            ("gone", _) => row.gone = true,
            ("peer", [name, verdict, ..]) => {
                let best = row.peers.entry((*name).to_owned()).or_default();
                if rank(verdict) > rank(best) {
                    (*verdict).clone_into(best);
                }
            }
            _ => {}
        }
    }
    // A fault that a test removes without ever finding it is no row.
    rows.retain(|_, row| !row.tests.is_empty());
    rows
}

fn rank(verdict: &str) -> u8 {
    match verdict {
        "found" => 3,
        "changes" => 2,
        "no" => 1,
        _ => 0,
    }
}

/// A code with its name, and how many cases its own tests have.
struct Code {
    code: String,
    name: String,
    fires: usize,
    silent: usize,
    /// A test expects it, so that it is made for real where everything runs.
    is_made: bool,
}

/// Every code, by the first line of its page; cases are counted in the check's source.
fn codes(host: &Host, root: &Path) -> anyhow::Result<Vec<Code>> {
    let pages = root.join("crates/doctor/pages");
    let mut made = BTreeSet::new();
    expected(host, &root.join("tests/faults"), &mut made)?;
    let mut found = Vec::new();
    for entry in host.list(&pages, 10_000)? {
        let text = host.read_text(&pages.join(&entry.name), LIMIT)?;
        let heading = text.lines().next().and_then(|line| line.strip_prefix("# "));
        let Some((code, name)) = heading.and_then(|heading| heading.split_once(' ')) else {
            continue;
        };
        let lower = code.to_ascii_lowercase();
        let family = lower.trim_end_matches(|c: char| c.is_ascii_digit());
        let source = root.join(format!("crates/doctor/src/checks/{family}/{lower}.rs"));
        let source = host.read_text(&source, LIMIT)?;
        found.push(Code {
            is_made: made.contains(code),
            code: code.to_owned(),
            name: name.trim().to_owned(),
            fires: cases(&source, "fires: &["),
            silent: cases(&source, "silent: &["),
        });
    }
    found.sort_by(|a, b| a.code.cmp(&b.code));
    Ok(found)
}

/// The codes that tests expect alone.
fn expected(host: &Host, directory: &Path, found: &mut BTreeSet<String>) -> anyhow::Result<()> {
    for entry in host.list(directory, 10_000)? {
        let path = directory.join(&entry.name);
        if host.is_dir(&path) {
            expected(host, &path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = host.read_text(&path, LIMIT)?;
            for rest in text.split(".only(&[").skip(1) {
                let list = rest.split(']').next().unwrap_or_default();
                found.extend(list.split(',').map(|code| code.trim().trim_matches('"').to_owned()));
            }
        }
    }
    Ok(())
}

fn cases(source: &str, start: &str) -> usize {
    let list = source.split_once(start).map_or("", |(_, rest)| rest);
    list.split(']').next().unwrap_or_default().matches("tests::").count()
}

fn render(codes: &[Code], rows: &BTreeMap<String, Row>) -> String {
    let real = codes.iter().filter(|code| rows.contains_key(&code.code)).count();
    let not_run =
        codes.iter().filter(|code| code.is_made && !rows.contains_key(&code.code)).count();
    let cured = rows.values().filter(|row| row.fixed || row.by_hand || row.gone).count();
    let asked = rows.values().filter(|row| !row.peers.is_empty()).count();
    let mut text = String::from(INTRODUCTION);
    let _ = writeln!(
        text,
        "Of {} codes {real} were made for real in this run and found, {} are shown on recorded \
         facts.\nOf those made for real {cured} were gone in the end.",
        codes.len(),
        codes.len() - real - not_run
    );
    if not_run > 0 {
        let _ = writeln!(text, "The tests of {not_run} codes were not part of this run.");
    }
    let found: Vec<String> = PEERS
        .iter()
        .map(|name| {
            let found = rows.values().filter(|row| says(row, name) == "found").count();
            format!("`{name}` found {found}")
        })
        .collect();
    let _ =
        writeln!(text, "The other tools were asked of {asked} of them: {}.\n", found.join(", "));
    text.push_str("| Code | Fault | Made how | Found | Fixed |");
    PEERS.iter().for_each(|name| {
        let _ = write!(text, " {name} |");
    });
    text.push_str("\n|---|---|---|---|---|---|---|---|---|\n");
    for code in codes {
        let _ = write!(text, "| {} | {} | ", code.code, code.name);
        match rows.get(&code.code) {
            Some(row) => {
                let fixed = match row {
                    Row { fixed: true, .. } => "by its cure",
                    Row { by_hand: true, .. } => "by its cure, by hand",
                    Row { gone: true, .. } => "by hand",
                    _ => "–",
                };
                let _ = write!(text, "{} | yes | {fixed} |", made_how(&row.tests));
                for name in PEERS {
                    let _ = write!(text, " {} |", says(row, name));
                }
            }
            None if code.is_made => {
                text.push_str(
                    "by tests that were not part of this run | not run | – | – | – | – | – |",
                );
            }
            None => {
                let (fires, silent) = (code.fires, code.silent);
                let _ = write!(
                    text,
                    "recorded facts: {fires} with it, {silent} without | yes | – | – | – | – | – |"
                );
            }
        }
        text.push('\n');
    }
    text
}

fn says(row: &Row, name: &str) -> &'static str {
    match row.peers.get(name).map(String::as_str) {
        Some("found") => "found",
        Some(_) => "no",
        None => "–",
    }
}

/// The names of tests are sentences.
fn made_how(tests: &BTreeSet<String>) -> String {
    let mut words: Vec<String> = tests
        .iter()
        .take(SHOWN)
        .map(|test| test.rsplit("::").next().unwrap_or(test).replace('_', " "))
        .collect();
    if tests.len() > SHOWN {
        words.push(format!("and {} more", tests.len() - SHOWN));
    }
    words.join("; ")
}

const INTRODUCTION: &str = "# Faults made for real

`cargo xtask test --write-table` writes this file from what its run recorded; nobody edits it.

- *Made how* names the tests in this directory that make the fault on a machine of their own, with real interpreters, installers, compilers and mounts. A fault of a system that the tests do not run on is shown on recorded facts of that system: how many have the fault and are told, how many are near it and are passed over.
- *Found*: the doctor, run as a program, names the code.
- *Fixed*: `by its cure` means that the steps the doctor gives were carried out and it does not find the fault any more; `by its cure, by hand` the same where a step is an edit that a person makes; `by hand` that the test removed the cause itself.
- The other columns are tools that look at Python environments too, asked once for each code, while the fault was there and again when it was gone. `found`: what they say differs, and a line that complains has a word of the fault's. `no`: they say the same with and without the fault, or something that does not name it. A dash: they were not asked, as there was nothing to compare with.

They are made for other purposes: `pip check` and `uv pip check` compare what packages require.

";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_becomes_rows() {
        let record = "found\tpkg::two_records\tPKG001\nfixed\tpkg::two_records\tPKG001\n\
                      peer\tpkg::two_records\tPKG001\tpip check\tno\t\n\
                      peer\tpkg::other\tPKG001\tpip check\tfound\tx\n\
                      gone\tenv::y\tENV001\nnonsense\n";
        let rows = rows(record);
        assert_eq!(rows.len(), 1);
        let codes = ["PKG001", "FS013"].map(|code| Code {
            code: code.to_owned(),
            name: "a-name".to_owned(),
            fires: 2,
            silent: 3,
            is_made: false,
        });
        let text = render(&codes, &rows);
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("a-name")).collect();
        assert_eq!(
            lines,
            [
                "| PKG001 | a-name | two records | yes | by its cure | found | – | – | – |",
                "| FS013 | a-name | recorded facts: 2 with it, 3 without | yes | – | – | – | – | – |",
            ]
        );
        assert!(text.contains("Of 2 codes 1 were made"));
    }

    #[test]
    fn cases_are_counted_in_a_source() {
        let source = "fires: &[tests::a, tests::b],\nsilent: &[\n tests::c,\n ],";
        assert_eq!((cases(source, "fires: &["), cases(source, "silent: &[")), (2, 1));
    }
}
