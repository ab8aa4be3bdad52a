//! What a run of these tests shows of every fault, for the table in `README.md`: made by which
//! test, found, cured, and what other tools say of it. `cargo xtask test --write-table` asks for it
//! by two variables; without them nothing is recorded, and no other tool runs.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use host::{Host, Invocation};
use report::Finding;

use super::{Sandbox, tools};

/// No tool that only looks needs longer.
const PEER_LIMIT: Duration = Duration::from_secs(60);

/// The tools, in the order of the table.
const PEERS: [&str; 4] = ["pip check", "uv pip check", "pyfirstaid", "env-repair"];

/// Codes of which the other tools were asked: once each, as they are slow.
static ASKED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// What is known of the test so far.
#[derive(Default)]
pub(super) struct Record {
    /// Codes that the doctor found, as the test expected.
    found: RefCell<BTreeSet<String>>,
    /// What the other tools said of a fault and have not been compared on yet: codes, words of the
    /// findings, and a text for each tool.
    waiting: RefCell<Vec<Said>>,
}

struct Said {
    codes: Vec<String>,
    words: BTreeSet<String>,
    texts: Vec<String>,
}

/// The file that the run is recorded in, if it is.
fn file() -> Option<PathBuf> {
    Host::current().unwrap().variables.path("TRUEWHEEL_FAULTS_RECORD")
}

fn write(fields: &[&str]) {
    let Some(file) = file() else { return };
    // The tests of these tests make faults to see what becomes of them.
    if fields[1].starts_with("itself::") {
        return;
    }
    let clean: Vec<String> =
        fields.iter().map(|field| field.replace(['\t', '\n', '\r'], " ")).collect();
    let mut list = fs_err::OpenOptions::new().append(true).create(true).open(file).unwrap();
    // One write, so that lines of tests that run at the same time stay whole.
    list.write_all(format!("{}\n", clean.join("\t")).as_bytes()).unwrap();
}

impl Drop for Record {
    /// What could not be compared in this test is left to another one.
    fn drop(&mut self) {
        let waiting = self.waiting.borrow();
        if let Ok(mut asked) = ASKED.lock() {
            waiting.iter().flat_map(|said| &said.codes).for_each(|code| {
                asked.remove(code);
            });
        }
    }
}

impl Sandbox {
    /// The doctor found these, as the test expected.
    pub(super) fn record_found(&self, findings: &[&Finding]) {
        let new: Vec<&&Finding> = findings
            .iter()
            .filter(|finding| self.record.found.borrow_mut().insert(finding.code.clone()))
            .collect();
        let codes: BTreeSet<String> = new.iter().map(|finding| finding.code.clone()).collect();
        for code in &codes {
            write(&["found", &self.test, code]);
        }
        if peers_directory().is_none() || file().is_none() {
            return;
        }
        let is_new = |code: &String| ASKED.lock().unwrap().insert(code.clone());
        let codes: Vec<String> = codes.into_iter().filter(is_new).collect();
        if codes.is_empty() {
            return;
        }
        let said = Said {
            codes,
            words: new.iter().flat_map(|finding| words_of(finding)).collect(),
            texts: self.ask_peers(),
        };
        self.record.waiting.borrow_mut().push(said);
    }

    /// The first cure of a finding was carried out, and the finding is gone.
    pub(super) fn record_fixed(&self, code: &str, by_hand: bool) {
        write(&[if by_hand { "by-hand" } else { "fixed" }, &self.test, code]);
    }

    /// The test sees nothing wrong now, with these codes or with any.
    pub(super) fn record_gone(&self, code: Option<&str>) {
        let found = self.record.found.borrow().clone();
        for gone in found.iter().filter(|found| code.is_none_or(|code| code == *found)) {
            write(&["gone", &self.test, gone]);
        }
        if peers_directory().is_none() || file().is_none() {
            return;
        }
        let waiting = std::mem::take(&mut *self.record.waiting.borrow_mut());
        if !waiting.is_empty() {
            let healthy = self.ask_peers();
            waiting.iter().for_each(|said| self.compare(said, &healthy));
        }
    }

    /// A tool that says the same of the healthy and of the faulty machine has not seen the fault. One
    /// that says something else has found it if what it says has a word of the finding's in a line
    /// that complains.
    fn compare(&self, said: &Said, healthy: &[String]) {
        for ((name, with), without) in PEERS.iter().zip(&said.texts).zip(healthy) {
            let known: BTreeSet<String> = without.lines().map(without_numbers).collect();
            // A tool that lost its patience says something of the machine's load.
            let is_new = |line: &&str| {
                !known.contains(&without_numbers(line)) && !line.contains("timed out")
            };
            let new: Vec<&str> = with.lines().filter(is_new).collect();
            let verdict = if new.is_empty() {
                "no"
            } else if new.iter().any(|line| names(line, &said.words)) {
                "found"
            } else {
                "changes"
            };
            for code in &said.codes {
                write(&["peer", &self.test, code, name, verdict, &new.join(" | ")]);
            }
        }
    }

    fn ask_peers(&self) -> Vec<String> {
        let python = self.python_for_peers();
        let prefix = python.parent().and_then(Path::parent).unwrap_or(&python).to_path_buf();
        let peers = peers_directory().unwrap_or_default();
        let pip = self.shielded(&python).args(["-m", "pip", "check"]);
        let uv =
            self.shielded(tools::program("uv")).args(["pip", "check", "--python"]).arg(&python);
        let first_aid = self
            .shielded(peers.join("bin/pyfirstaid"))
            .args(["--offline", "--no-color", "--python"])
            .arg(&python);
        let repair = self.shielded(peers.join("bin/env-repair")).arg("--env").arg(&prefix);
        [pip, uv, first_aid, repair].iter().map(said).collect()
    }

    /// The interpreter of the environment that is in use, broken or not.
    fn python_for_peers(&self) -> PathBuf {
        let is_there = |path: &Path| fs_err::symlink_metadata(path).is_ok();
        let variables = ["VIRTUAL_ENV", "CONDA_PREFIX"];
        let named = variables.iter().filter_map(|name| self.get(name)).map(PathBuf::from);
        let own = [self.project().join(".venv")];
        let inside = self.host.list(&self.project(), 100).unwrap_or_default();
        let inside = inside.into_iter().map(|entry| self.project().join(entry.name));
        let inside = inside.filter(|path| is_there(&path.join("pyvenv.cfg")));
        named
            .chain(own)
            .chain(inside)
            .map(|prefix| prefix.join("bin/python"))
            .find(|python| is_there(python))
            .unwrap_or_else(|| self.find("python3".as_ref()))
    }
}

fn peers_directory() -> Option<PathBuf> {
    Host::current().unwrap().variables.path("TRUEWHEEL_FAULTS_PEERS")
}

/// Everything that a tool says, or why it says nothing.
fn said(command: &Invocation) -> String {
    match command.clone().timeout(PEER_LIMIT).output() {
        Ok(output) => output.stdout_text() + "\n" + &output.stderr_text(),
        Err(error) => format!("error: it did not run: {error}"),
    }
}

/// Times and counts differ from run to run.
fn without_numbers(line: &str) -> String {
    let line = line.split(" in ").next().unwrap_or(line);
    line.trim().chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// Words that say nothing of one fault in particular.
const COMMON: &[&str] = &[
    "python",
    "venv",
    "project",
    "bin",
    "lib",
    "tmp",
    "home",
    "usr",
    "root",
    "that",
    "this",
    "there",
    "which",
    "with",
    "from",
    "into",
    "site-packages",
    "not",
    "and",
    "for",
    "its",
    "has",
    "was",
    "are",
    "the",
    "pip",
    "cannot",
    "here",
    "nothing",
    "installed",
    "version",
    "packages",
    "package",
    "environment",
    "file",
    "directory",
    "set",
    "any",
    "one",
    "names",
    "looks",
    "other",
    "another",
    "error",
    "uses",
    "have",
    "been",
    "would",
    "made",
    "only",
    "versions",
    "pyenv",
    "3.11",
    "3.12",
    "3.11.7",
    "3.12.1",
    "pyvenv.cfg",
    "python3",
    "python3.11",
    "python3.12",
    "release",
    "path",
];

/// The words of a finding that another tool would say of the same fault as well.
fn words_of(finding: &Finding) -> Vec<String> {
    let evidence = finding.evidence.iter();
    let texts = evidence.map(|evidence| {
        let path = evidence.path.as_deref().and_then(|path| path.rsplit('/').next());
        format!("{} {}", path.unwrap_or_default(), evidence.value)
    });
    texts
        .chain([finding.message.clone()])
        .flat_map(|text| {
            text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '~')))
                .map(|word| word.trim_matches(['.', '-']).to_ascii_lowercase())
                .filter(|word| word.len() > 2 && !COMMON.contains(&word.as_str()))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Whether a line complains, and of what the finding is about.
fn names(line: &str, words: &BTreeSet<String>) -> bool {
    let line = line.to_ascii_lowercase();
    let complains = [
        "✗",
        "✘",
        "✖",
        "⚠",
        "❌",
        "[x]",
        "[!]",
        "warn",
        "error",
        "fail",
        "missing",
        "no such",
        "broken",
        "conflict",
        "incompatible",
        "duplicate",
        "problem",
        "invalid",
        "does not",
        "not found",
        "mismatch",
        "stale",
        "shadow",
        "has requirement",
        "requires",
        "not supported",
        "unset",
        "leftover",
        "corrupt",
        "multiple",
    ];
    complains.iter().any(|mark| line.contains(mark))
        && line
            .split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '~')))
            .any(|word| words.contains(word.trim_matches(['.', '-'])))
}
