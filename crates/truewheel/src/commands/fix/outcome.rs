//! What came of each finding, and what that means for those after it.

use std::collections::BTreeMap;

use doctor::{Entry, Facts};
use report::{Finding, Outcome as CheckOutcome, Report, Safety, Subject, SubjectKind};
use serde::Serialize;

use super::apply::Carried;
use super::is_error;

/// Why nothing more is done when the user says so.
pub(super) const BY_THE_USER: &str = "you ended it here";

/// What is said of a finding in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Told {
    /// The cure was carried out, and the finding is gone.
    Fixed,
    /// It is gone without a cure of its own.
    GoneToo,
    /// The cure was carried out, and the finding is still there.
    NotFixed,
    /// The cure was carried out, and there are errors that were not there before.
    MadeWorse,
    /// The cure could not be carried out to its end.
    Failed,
    /// It comes after one that was not fixed.
    Stopped,
    /// The user said no.
    Declined,
    /// Somebody has to say yes.
    NeedsYes,
    /// A person has to do it.
    ByHand,
}

/// What came of one finding.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) told: Told,
    /// Why, where that is not plain.
    pub(super) reason: String,
    /// The end of what a failed command said.
    pub(super) output: Vec<String>,
    /// What was brought back after a failure, and what could not be.
    pub(super) brought_back: Vec<String>,
    pub(super) not_brought_back: Vec<String>,
    /// Errors that were not there before.
    pub(super) new_errors: Vec<Finding>,
    /// The number of the record that brings it back.
    pub(super) undo: Option<u64>,
}

impl Outcome {
    pub(super) fn new(told: Told, reason: String) -> Self {
        Self {
            told,
            reason,
            output: Vec::new(),
            brought_back: Vec::new(),
            not_brought_back: Vec::new(),
            new_errors: Vec::new(),
            undo: None,
        }
    }

    /// Whether the user wanted no more.
    pub(super) fn is_the_users(&self) -> bool {
        self.reason == BY_THE_USER
    }
}

/// What a cure changed, as the checks see it.
pub(super) struct Change {
    is_gone: bool,
    new_errors: Vec<Finding>,
}

/// What findings are counted by: their message may say other numbers the next time, and the label
/// of their subject another version.
type Place = (String, SubjectKind, String);

fn place(code: &str, subject: &Subject) -> Place {
    let path = subject.path.clone().unwrap_or_else(|| subject.label.clone());
    (code.to_owned(), subject.kind, path)
}

fn counted(report: &Report, counts: impl Fn(&Finding) -> bool) -> BTreeMap<Place, usize> {
    let mut all = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| counts(finding)) {
        *all.entry(place(&finding.code, &finding.subject)).or_default() += 1;
    }
    all
}

impl Change {
    pub(super) fn between(before: &Report, after: &Report, entry: &Entry) -> Self {
        let own = place(&entry.code, &entry.subject);
        let count = |report| counted(report, |_| true).get(&own).copied().unwrap_or(0);
        let was_skipped = |code: &str| {
            before.checks.iter().any(|c| c.code == code && c.outcome == CheckOutcome::Skipped)
        };
        let known = counted(before, |finding| is_error(finding.severity));
        let mut seen: BTreeMap<Place, usize> = BTreeMap::new();
        let mut new_errors = Vec::new();
        for finding in after.findings.iter().filter(|finding| is_error(finding.severity)) {
            let place = place(&finding.code, &finding.subject);
            let seen = seen.entry(place.clone()).or_default();
            *seen += 1;
            // What could not be judged before is not new.
            let is_new = *seen > known.get(&place).copied().unwrap_or(0);
            if is_new && place != own && !was_skipped(&finding.code) {
                new_errors.push(finding.clone());
            }
        }
        Self { is_gone: count(after) < count(before), new_errors }
    }
}

/// What is said of a cure that was begun.
pub(super) fn of(carried: Carried, change: &Change) -> Outcome {
    let undo = Some(carried.id);
    if let Some((trouble, brought)) = carried.trouble {
        let reason = format!("`{}`: {}", report::render::visible(&trouble.doing), trouble.reason);
        return Outcome {
            output: trouble.output,
            brought_back: brought.back,
            not_brought_back: brought.cannot,
            new_errors: change.new_errors.clone(),
            ..Outcome::new(Told::Failed, reason)
        };
    }
    let told = if !change.new_errors.is_empty() {
        Told::MadeWorse
    } else if change.is_gone {
        Told::Fixed
    } else {
        Told::NotFixed
    };
    let reason = match told {
        Told::NotFixed => "everything was carried out, and the finding is still there".to_owned(),
        Told::MadeWorse if !change.is_gone => "the finding is still there".to_owned(),
        _ => String::new(),
    };
    Outcome { undo, new_errors: change.new_errors.clone(), ..Outcome::new(told, reason) }
}

/// Everything that came of a run.
pub(super) struct Outcomes {
    pub(super) os: String,
    /// What was planned at first.
    pub(super) planned: Vec<Entry>,
    pub(super) list: Vec<(Entry, Outcome)>,
}

impl Outcomes {
    pub(super) fn new(facts: &Facts, planned: &[Entry]) -> Self {
        Self { os: facts.machine.os.name().to_owned(), planned: planned.to_vec(), list: Vec::new() }
    }

    /// The first entry of a plan that was not dealt with yet. One that was not there at first is
    /// what a cure brought about, and not for the same run to go on with. A finding whose message
    /// differs at every look, by a size or an age, is no other one for that.
    pub(super) fn next(&self, plan: Vec<Entry>, first: &Report) -> Option<Entry> {
        let known = counted(first, |_| true);
        plan.into_iter().find(|entry| {
            let own = place(&entry.code, &entry.subject);
            let is_own = |other: &&Entry| place(&other.code, &other.subject) == own;
            let dealt_with = self.list.iter().map(|(other, _)| other).filter(is_own).count();
            known.get(&own).is_some_and(|count| dealt_with < *count) && !self.has(entry)
        })
    }

    fn has(&self, entry: &Entry) -> bool {
        self.list.iter().any(|(other, _)| {
            place(&other.code, &other.subject) == place(&entry.code, &entry.subject)
                && other.message == entry.message
        })
    }

    pub(super) fn add(&mut self, entry: Entry, outcome: Outcome) {
        self.list.push((entry, outcome));
    }

    /// The entry before this one that it needs, and that did not go well: one about the same
    /// environment or directory.
    pub(super) fn stopped_by(&self, entry: &Entry) -> Option<String> {
        let is_one_thing =
            matches!(entry.subject.kind, SubjectKind::Environment | SubjectKind::Directory);
        let failed = |told| matches!(told, Told::Failed | Told::NotFixed | Told::MadeWorse);
        self.list
            .iter()
            .filter(|(_, outcome)| failed(outcome.told))
            .find(|(other, _)| {
                is_one_thing && place("", &other.subject) == place("", &entry.subject)
            })
            .filter(|_| entry.cure.safety != Safety::Manual)
            .map(|(other, _)| other.code.clone())
    }

    /// Adds what is left to say: of what was planned and is gone, and of what follows from what is
    /// still there.
    pub(super) fn finish(&mut self, report: &Report) {
        let left = counted(report, |_| true);
        let others: Vec<Entry> =
            self.planned.iter().filter(|entry| !self.has(entry)).cloned().collect();
        for entry in others {
            let outcome = match left.contains_key(&place(&entry.code, &entry.subject)) {
                true => Outcome::new(Told::Stopped, "it was not come to".to_owned()),
                false => Outcome::new(Told::GoneToo, "it went with what was fixed".to_owned()),
            };
            self.add(entry, outcome);
        }
    }

    /// Whether something was tried in vain, or made worse.
    pub(super) fn has_failed(&self) -> bool {
        self.list.iter().any(|(_, outcome)| {
            matches!(outcome.told, Told::Failed | Told::NotFixed | Told::MadeWorse | Told::Stopped)
        })
    }
}
