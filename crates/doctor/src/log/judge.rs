//! What a log speaks of, held against the facts of a machine.

use report::{Finding, Outcome, Report};
use serde::Serialize;

use super::table::table;
use super::{Confidence, LogLine, Match, Reading, paths};
use crate::Facts;
use host::Os;

/// What the facts say of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The doctor finds the same fault here.
    Confirmed,
    /// It cannot be told here.
    Undecided,
    /// The doctor looked, saw what it had to see, and the fault is not here.
    RuledOut,
}

impl Verdict {
    /// For a reader: `confirmed`, `not decidable here`, `ruled out`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Undecided => "not decidable here",
            Self::RuledOut => "ruled out",
        }
    }
}

/// Where a log is from, as far as can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// This machine, or nothing speaks against it.
    Here,
    /// Another machine, and what shows that.
    Elsewhere(String),
}

impl Place {
    /// Where the log is from. `is_there` says whether a path exists on the machine of the facts.
    pub fn of(reading: &Reading, facts: &Facts, is_there: impl Fn(&str) -> bool) -> Self {
        let is_windows = facts.machine.os == Os::Windows;
        if let Some(of_windows) = reading.of_windows
            && of_windows != is_windows
        {
            let other = if of_windows { "of Windows" } else { "not of Windows" };
            return Self::Elsewhere(format!("it is {other}"));
        }
        let mut parts: Vec<&str> =
            reading.paths.iter().filter_map(|path| paths::telling_part(path)).collect();
        parts.dedup();
        match parts.first() {
            Some(first) if !parts.iter().any(|part| is_there(part)) => {
                Self::Elsewhere(format!("it names {first}, which is not here"))
            }
            _ => Self::Here,
        }
    }
}

/// A code with its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The code.
    pub code: &'static str,
    /// Kebab-case name of the fault.
    pub name: &'static str,
    /// How surely the text speaks of it.
    pub confidence: Confidence,
    /// What the facts say.
    pub verdict: Verdict,
    /// Why, as a clause.
    pub reason: String,
    /// The lines that led there.
    pub lines: Vec<LogLine>,
    /// The finding of the doctor.
    pub finding: Option<Finding>,
    /// The finding that this one follows from, where that is another one.
    pub root: Option<Finding>,
    /// What to try where nothing is confirmed.
    pub next: Option<String>,
}

/// Holds every match against a diagnosis of all checks: what is confirmed comes first, causes before
/// what follows from them; then what cannot be told; then what is ruled out.
#[must_use]
pub fn judge(reading: &Reading, facts: &Facts, report: &Report, place: &Place) -> Vec<Judged> {
    let one = |matched| judge_one(matched, reading, facts, report, place);
    let mut judged: Vec<Judged> = reading.matches.iter().map(one).collect();
    let follows = |one: &Judged| one.root.is_some();
    judged.sort_by_key(|one| (one.verdict, follows(one)));
    judged
}

fn judge_one(
    matched: &Match,
    reading: &Reading,
    facts: &Facts,
    report: &Report,
    place: &Place,
) -> Judged {
    let finding = finding(matched, reading, facts, report);
    let root = finding.and_then(|finding| root(finding, report));
    let (verdict, reason) = match (finding, place) {
        (Some(_), Place::Here) => (Verdict::Confirmed, "the doctor finds it here".to_owned()),
        (Some(_), Place::Elsewhere(why)) => {
            let reason =
                format!("the log is of another machine: {why}; the same fault is here, too");
            (Verdict::Undecided, reason)
        }
        (None, place) => match why_undecided(matched, reading, facts, report, place) {
            Some(reason) => (Verdict::Undecided, reason),
            None => {
                (Verdict::RuledOut, "the doctor looked for it here and did not find it".to_owned())
            }
        },
    };
    Judged {
        code: matched.code,
        name: matched.name,
        confidence: matched.confidence,
        verdict,
        reason,
        lines: matched.lines.clone(),
        finding: finding.cloned(),
        root: root.cloned(),
        next: matched.next.clone(),
    }
}

/// The finding of the code; of several, the one whose subject the log names.
fn finding<'a>(
    matched: &Match,
    reading: &Reading,
    facts: &Facts,
    report: &'a Report,
) -> Option<&'a Finding> {
    let os = facts.machine.os;
    let named: Vec<String> = reading.paths.iter().map(|path| paths::comparable(path, os)).collect();
    let is_named = |finding: &Finding| {
        finding.subject.path.as_ref().is_some_and(|subject| {
            let subject = paths::comparable(subject, os);
            named.iter().any(|path| paths::is_within(path, &subject))
        })
    };
    let all = || report.findings.iter().filter(|finding| finding.code == matched.code);
    all().find(|finding| is_named(finding)).or_else(|| all().next())
}

/// The finding at the root of the causes of this one.
fn root<'a>(finding: &Finding, report: &'a Report) -> Option<&'a Finding> {
    let mut root = None;
    let mut because = finding.because_of.as_ref();
    // A circle of causes ends here as well.
    for _ in 0..8 {
        let Some(cause) = because else { break };
        let found = report
            .findings
            .iter()
            .find(|other| other.code == cause.code && other.subject == cause.subject);
        because = found.and_then(|found| found.because_of.as_ref());
        root = found.or(root);
    }
    root
}

/// Why a fault that is not found cannot be ruled out.
fn why_undecided(
    matched: &Match,
    reading: &Reading,
    facts: &Facts,
    report: &Report,
    place: &Place,
) -> Option<String> {
    if let Place::Elsewhere(why) = place {
        return Some(format!("the log is of another machine: {why}"));
    }
    let record = report.checks.iter().find(|check| check.code == matched.code);
    let Some(record) = record else {
        let is_scanned = crate::page(matched.code).is_some_and(|page| page.implemented);
        return Some(if is_scanned {
            "it is a matter of the data file, which `scan` judges".to_owned()
        } else {
            "no check looks for it yet".to_owned()
        });
    };
    match record.outcome {
        Outcome::Skipped => {
            let reason = record.reason.as_deref().unwrap_or("its facts were not seen");
            return Some(format!("the check could not judge: {reason}"));
        }
        Outcome::Crashed => return Some("the check itself failed".to_owned()),
        Outcome::Ok | Outcome::Findings => {}
    }
    if let Some(passing) = table().codes.get(matched.code).and_then(|code| code.passing.clone()) {
        return Some(passing);
    }
    not_judged(matched, reading, facts)
}

/// Names what the log is about, if the doctor did not judge that.
fn not_judged(matched: &Match, reading: &Reading, facts: &Facts) -> Option<String> {
    let os = facts.machine.os;
    let family = matched.code.trim_end_matches(|c: char| c.is_ascii_digit());
    match family {
        "ENV" | "PKG" | "NPY" | "LIB" | "EXT" => {
            let judged: Vec<String> = facts
                .judged()
                .map(|environment| paths::comparable(&facts.native(&environment.python.prefix), os))
                .collect();
            let mut named =
                reading.paths.iter().filter_map(|path| paths::environment(path)).peekable();
            let first = *named.peek()?;
            let is_judged = |prefix: &str| {
                let prefix = paths::comparable(prefix, os);
                judged.iter().any(|environment| paths::is_within(&prefix, environment))
            };
            (!named.any(is_judged))
                .then(|| format!("it is about {first}, which is no environment of this project"))
        }
        "FS" => {
            let judged = paths::directories(facts);
            let named = paths::named(matched.lines.iter().map(|line| line.text.as_str()));
            let telling = named.iter().filter(|path| paths::telling_part(path).is_some());
            let mut telling = telling.peekable();
            let first = (*telling.peek()?).clone();
            let is_judged = |path: &String| {
                let path = paths::comparable(path, os);
                judged.iter().any(|directory| paths::is_within(&path, directory))
            };
            (!telling.any(is_judged))
                .then(|| format!("{first} lies in no directory that the doctor looks at"))
        }
        _ => None,
    }
}

/// The one answer, where there is one: what is confirmed, else what the text says surely and no
/// fact speaks against.
#[must_use]
pub fn answer(judged: &[Judged]) -> Option<&Judged> {
    let first = judged.first()?;
    match first.verdict {
        Verdict::Confirmed => Some(first),
        Verdict::Undecided => judged
            .iter()
            .find(|one| one.verdict == Verdict::Undecided && one.confidence > Confidence::Possible),
        Verdict::RuledOut => None,
    }
}

#[cfg(test)]
mod tests {
    use host::HostPath;

    use super::*;
    use crate::testing::{PROJECT, healthy};
    use crate::{CHECKS, Selection, diagnose};

    /// A build script that the system did not start.
    fn never_started(error: &str) -> Reading {
        let log = format!(
            "error: failed to run custom build command for `libc v0.2.139`\n\nCaused by:\n  could \
             not execute process `{PROJECT}/target/debug/build/libc-1/build-script-build` (never \
             executed)\n\nCaused by:\n  {error}\n"
        );
        super::super::read(log.as_bytes())
    }

    fn judged(reading: &Reading, facts: &Facts) -> Vec<Judged> {
        judge(reading, facts, &diagnose(facts, &Selection::default()), &Place::Here)
    }

    fn faulty(code: &str) -> Facts {
        let check = CHECKS.iter().find(|check| check.code == code).expect("the check exists");
        let facts = check.cases.fires.iter().map(|facts| facts());
        let mut facts = facts.filter(|facts| facts.machine.os == Os::Linux);
        facts.next().expect("it fires on Linux")
    }

    #[test]
    fn one_symptom_has_the_cause_that_the_facts_show() {
        let (invalid, denied) =
            ("Invalid argument (os error 22)", "Permission denied (os error 13)");
        for (error, code) in [
            (invalid, "FS002"),
            (invalid, "FS003"),
            (invalid, "FS012"),
            (invalid, "FS015"),
            (denied, "FS002"),
            (denied, "FS003"),
            (denied, "FS014"),
            (denied, "FS015"),
            ("No space left on device (os error 28)", "FS009"),
            ("Read-only file system (os error 30)", "FS016"),
        ] {
            let facts = faulty(code);
            let judged = judged(&never_started(error), &facts);
            let answer = answer(&judged).expect("there is an answer");
            assert_eq!((answer.code, answer.verdict), (code, Verdict::Confirmed), "{error}");
            assert!(answer.finding.is_some());
        }
    }

    #[test]
    fn on_a_healthy_machine_what_was_looked_at_is_ruled_out() {
        let mut facts = healthy();
        facts.project.workspace_root = Some(HostPath::from(PROJECT));
        let judged = judged(&never_started("Invalid argument (os error 22)"), &facts);
        let of =
            |code: &str| judged.iter().find(|one| one.code == code).expect("it is a candidate");
        assert_eq!(of("FS003").verdict, Verdict::RuledOut);
        assert_eq!(of("FS001").verdict, Verdict::Undecided);
        assert!(judged.iter().all(|one| one.verdict != Verdict::Confirmed));
        assert!(judged.iter().any(|one| one.next.is_some()));
    }

    #[test]
    fn what_the_doctor_did_not_look_at_is_not_ruled_out() {
        let facts = healthy();
        let elsewhere = "mkdir: cannot create directory '/data/x/target': Read-only file system\n";
        let reading = super::super::read(elsewhere.as_bytes());
        let one = &judged(&reading, &facts)[0];
        assert_eq!((one.code, one.verdict), ("FS016", Verdict::Undecided));
        assert!(one.reason.contains("/data/x/target"), "{}", one.reason);
        let other = "ImportError: /srv/env/lib/libstdc++.so.6: version `GLIBCXX_3.4.30' not found \
                     (required by /srv/env/lib/python3.11/site-packages/a.so)\n";
        let reading = super::super::read(other.as_bytes());
        let one = &judged(&reading, &facts)[0];
        assert_eq!((one.code, one.verdict), ("LIB001", Verdict::Undecided));
        assert!(one.reason.contains("/srv/env"), "{}", one.reason);
    }

    #[test]
    fn a_log_is_from_elsewhere_if_nothing_that_it_names_is_here() {
        let facts = healthy();
        let reading = |text: &str| super::super::read(text.as_bytes());
        let here = |text: &str, there: &str| {
            Place::of(&reading(text), &facts, |path| path == there) == Place::Here
        };
        let log = "error: /home/ada/x/Cargo.lock: Read-only file system (os error 30)\n";
        assert!(here(log, "/home/ada"));
        assert!(!here(log, "/home/bob"));
        assert!(here("error: /usr/lib/x: Read-only file system (os error 30)\n", ""));
        assert!(!here("C:\\x\\y.exe: Access is denied. (os error 5)\nbuild-script-build\n", ""));
    }

    #[test]
    fn causes_come_before_what_follows_from_them() {
        let facts = faulty("FS003");
        let judged = judged(&never_started("Permission denied (os error 13)"), &facts);
        let confirmed: Vec<bool> = judged
            .iter()
            .filter(|one| one.verdict == Verdict::Confirmed)
            .map(|one| one.root.is_some())
            .collect();
        assert!(confirmed.is_sorted());
    }
}
