//! Two sets of facts side by side: two machines, or one before and after.
//!
//! What counts is what the checks make of the difference. So findings that came or went are first,
//! each with the differences that made it so; what differs besides comes after, and what no check
//! looks at is only counted.

mod align;
mod explain;
mod values;
mod words;

use std::collections::BTreeSet;

use report::{Finding, Report, Severity, Subject};
use serde_json::Value;

pub use words::Difference;

use self::align::Alignment;
use self::explain::Trials;
use self::values::Leaf;
use crate::{CHECKS, Facts, FactsError};

/// Two sets of facts, and what was found in each.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// The facts.
    pub facts: &'a Facts,
    /// What the checks say of them.
    pub report: &'a Report,
}

/// A finding that is not on both sides, or does not say the same on both.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// As it is on the left.
    pub before: Option<Finding>,
    /// As it is on the right.
    pub after: Option<Finding>,
    /// Whether it follows from another one of the same list.
    pub follows: bool,
    /// What made the difference: each of these is needed for it. Empty where that could not be told
    /// and where it follows from another one.
    pub because: Vec<Difference>,
}

/// What is not the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// Findings of the right side alone.
    pub gained: Vec<Change>,
    /// Findings of the left side alone.
    pub lost: Vec<Change>,
    /// Findings of both that do not say the same.
    pub changed: Vec<Change>,
    /// What differs besides, where a check looks; what decides most first.
    pub differences: Vec<Difference>,
    /// How much differs where no check looks: times and sizes, and Pythons that the project does not
    /// use.
    pub unread: usize,
}

impl Comparison {
    /// Whether any finding came, went or changed.
    #[must_use]
    pub fn matters(&self) -> bool {
        !(self.gained.is_empty() && self.lost.is_empty() && self.changed.is_empty())
    }
}

/// Compares two sides.
///
/// # Errors
/// Never for facts that [`crate::gather`] made; serde's signature asks for it.
pub fn compare(left: Sides<'_>, right: Sides<'_>) -> Result<Comparison, FactsError> {
    let alignment = Alignment::new(left.facts, right.facts);
    let value = |facts: &Facts| -> Result<Value, FactsError> {
        serde_json::from_str(&facts.to_json()?).map_err(FactsError::Malformed)
    };
    let left_value = value(left.facts)?;
    let mut right_value = value(right.facts)?;
    alignment.value(&mut right_value);
    let leaves = values::leaves(&left_value, &right_value);
    let trials = Trials { left: &left_value, right: &right_value, count: leaves.len() };

    let aligned = Aligned::new(right.facts, &right_value, &right.report.findings, &alignment);
    let pairs = paired(left.report, right.report, &aligned);
    let explained: Vec<(Change, Vec<usize>)> = host::in_parallel(&pairs, |(before, after)| {
        let causes = follows(*before, *after, &pairs)
            .then(Vec::new)
            .unwrap_or_else(|| needed(&trials, *before, *after, &aligned));
        let named: Vec<&Leaf> = causes.iter().map(|number| &leaves[*number]).collect();
        let mut because = words::grouped(&named, left.facts);
        if because.is_empty() && !follows(*before, *after, &pairs) {
            because = places(*before, *after, &alignment);
        }
        let change = Change {
            before: before.cloned(),
            after: after.cloned(),
            follows: follows(*before, *after, &pairs),
            because,
        };
        (change, causes)
    });

    let told: BTreeSet<usize> = explained.iter().flat_map(|(_, causes)| causes).copied().collect();
    let judged: BTreeSet<String> = [left.facts, right.facts]
        .into_iter()
        .flat_map(Facts::judged)
        .map(|environment| alignment.text(&environment.python.prefix.text()))
        .chain(left.facts.judged().map(|environment| environment.python.prefix.text()))
        .collect();
    let others = leaves.iter().zip(0..).filter(|(_, number)| !told.contains(number));
    let (unread, read): (Vec<&Leaf>, Vec<&Leaf>) = others
        .map(|(leaf, _)| leaf)
        .partition(|leaf| words::is_unread(leaf, |prefix| judged.contains(prefix)));
    let mut comparison = Comparison {
        differences: words::grouped(&read, left.facts),
        unread: unread.len(),
        ..Comparison::default()
    };
    for (change, _) in explained {
        match (&change.before, &change.after) {
            (None, _) => comparison.gained.push(change),
            (_, None) => comparison.lost.push(change),
            _ => comparison.changed.push(change),
        }
    }
    Ok(comparison)
}

/// A finding of the left, of the right, or of both.
type Pair<'a> = (Option<&'a Finding>, Option<&'a Finding>);

/// What tells one finding from another.
#[derive(Debug, Clone, PartialEq)]
struct Identity {
    code: String,
    subject: Subject,
    severity: Severity,
    message: String,
}

impl Identity {
    fn of(finding: &Finding, code: &str) -> Self {
        Self {
            code: code.to_owned(),
            subject: finding.subject.clone(),
            severity: finding.severity,
            message: finding.message.clone(),
        }
    }

    /// Whether it is the same fault, perhaps with other details.
    fn is_same_fault(&self, other: &Self) -> bool {
        let place =
            |subject: &'_ Subject| subject.path.clone().unwrap_or_else(|| subject.label.clone());
        self.code == other.code
            && self.subject.kind == other.subject.kind
            && place(&self.subject) == place(&other.subject)
    }

    fn is(&self, finding: &Finding) -> bool {
        self.severity == finding.severity
            && self.message == finding.message
            && self.subject == finding.subject
    }
}

/// The findings of the right side as they are with the left side's paths.
struct Aligned(Vec<(Identity, Identity)>);

impl Aligned {
    /// Asks the checks again, of the facts with the left side's paths: what they say is in the same
    /// order. Texts alone would not do, since they have paths relative to this and that.
    fn new(facts: &Facts, value: &Value, findings: &[Finding], alignment: &Alignment) -> Self {
        let codes: BTreeSet<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
        let aligned = Facts::from_json(&value.to_string());
        let mut known = Vec::new();
        for check in CHECKS.iter().filter(|check| codes.contains(check.code)) {
            let theirs = explain::ask(check, facts);
            let ours = aligned.as_ref().map(|facts| explain::ask(check, facts));
            for (number, finding) in theirs.iter().enumerate() {
                let identity = Identity::of(finding, check.code);
                let same = ours.as_ref().ok().filter(|ours| ours.len() == theirs.len());
                let here = same.map(|ours| Identity::of(&ours[number], check.code));
                let here = here.unwrap_or_else(|| rewritten(&identity, alignment));
                known.push((identity, here));
            }
        }
        Self(known)
    }

    fn of(&self, finding: &Finding) -> Identity {
        let identity = Identity::of(finding, &finding.code);
        let known = self.0.iter().find(|(theirs, _)| *theirs == identity);
        known.map_or(identity, |(_, here)| here.clone())
    }
}

fn rewritten(identity: &Identity, alignment: &Alignment) -> Identity {
    let mut identity = identity.clone();
    identity.message = alignment.text(&identity.message);
    identity.subject.label = alignment.text(&identity.subject.label);
    identity.subject.path = identity.subject.path.as_ref().map(|path| alignment.text(path));
    identity
}

/// The findings that are not the same on both sides, in the order of the reports.
fn paired<'a>(left: &'a Report, right: &'a Report, aligned: &Aligned) -> Vec<Pair<'a>> {
    let mut lefts: Vec<&Finding> = left.findings.iter().collect();
    let mut rights: Vec<(&Finding, Identity)> =
        right.findings.iter().map(|finding| (finding, aligned.of(finding))).collect();
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    for says_the_same in [true, false] {
        lefts.retain(|before| {
            let identity = Identity::of(before, &before.code);
            let other = rights.iter().position(|(_, after)| {
                identity.is_same_fault(after)
                    && (!says_the_same
                        || (identity.severity == after.severity
                            && identity.message == after.message))
            });
            let Some(other) = other else { return true };
            let (after, _) = rights.remove(other);
            if !says_the_same {
                pairs.push((Some(before), Some(after)));
            }
            false
        });
    }
    let gained = rights.iter().map(|(after, _)| (None, Some(*after)));
    let lost = lefts.iter().map(|before| (Some(*before), None));
    gained.chain(lost).chain(pairs).collect()
}

/// Whether the finding follows from another one that came or went with it.
fn follows(before: Option<&Finding>, after: Option<&Finding>, pairs: &[Pair<'_>]) -> bool {
    let is_cause = |finding: &Finding, other: Option<&Finding>| {
        finding.because_of.as_ref().is_some_and(|because| {
            other
                .is_some_and(|other| other.code == because.code && other.subject == because.subject)
        })
    };
    match (before, after) {
        (None, Some(finding)) => pairs.iter().any(|pair| is_cause(finding, pair.1)),
        (Some(finding), None) => pairs.iter().any(|pair| is_cause(finding, pair.0)),
        _ => false,
    }
}

/// Places that are the difference: trials have all things at the same place, so that a fault of a
/// place itself (a long path, one with a space) is in none of them.
fn places(
    before: Option<&Finding>,
    after: Option<&Finding>,
    alignment: &Alignment,
) -> Vec<Difference> {
    let speaks_of = |finding: &Finding, path: &str| {
        let evidence = finding.evidence.iter().flat_map(|seen| {
            [seen.path.as_deref(), Some(seen.value.as_str())].into_iter().flatten()
        });
        let label = [finding.subject.path.as_deref(), Some(finding.subject.label.as_str())];
        let mut texts =
            label.into_iter().flatten().chain([finding.message.as_str()]).chain(evidence);
        texts.any(|text| text.contains(path))
    };
    let moved = alignment.pairs().iter().filter(|(right, left)| {
        right != left
            && (after.is_some_and(|after| speaks_of(after, right))
                || before.is_some_and(|before| speaks_of(before, left)))
    });
    // The longest is the nearest.
    let place = |(right, left): &(String, String)| Difference {
        subject: left.clone(),
        what: "place".to_owned(),
        before: Some(left.clone()),
        after: Some(right.clone()),
        more: 0,
    };
    moved.take(1).map(place).collect()
}

/// The numbers of the differences that made a finding come, go or change.
fn needed(
    trials: &Trials<'_>,
    before: Option<&Finding>,
    after: Option<&Finding>,
    aligned: &Aligned,
) -> Vec<usize> {
    let code = after.or(before).map(|finding| &finding.code);
    let Some(check) = CHECKS.iter().find(|check| Some(check.code) == code.map(String::as_str))
    else {
        return Vec::new();
    };
    let found = match (before, after) {
        (_, Some(after)) => {
            let wanted = aligned.of(after);
            trials.needed(check, &|findings| findings.iter().any(|found| wanted.is(found)))
        }
        (Some(before), None) => {
            let gone = Identity::of(before, &before.code);
            trials.needed(check, &|findings| !findings.iter().any(|found| gone.is(found)))
        }
        (None, None) => None,
    };
    found.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{healthy, venv};
    use crate::{Selection, diagnose};

    fn compared(left: &Facts, right: &Facts) -> Comparison {
        let reports = [left, right].map(|facts| diagnose(facts, &Selection::default()));
        compare(
            Sides { facts: left, report: &reports[0] },
            Sides { facts: right, report: &reports[1] },
        )
        .unwrap()
    }

    fn codes(changes: &[Change]) -> Vec<&str> {
        let code =
            |change: &'_ Change| change.after.clone().or(change.before.clone()).unwrap().code;
        changes
            .iter()
            .map(|change| CHECKS.iter().find(|c| c.code == code(change)).unwrap().code)
            .collect()
    }

    #[test]
    fn a_machine_is_the_same_as_itself() {
        assert_eq!(compared(&healthy(), &healthy()), Comparison::default());
    }

    #[test]
    fn a_finding_comes_with_what_made_it_and_goes_with_the_same() {
        let (left, mut right) = (healthy(), healthy());
        venv(&mut right).python.leftovers.push("/home/dev/project/.venv/~umpy".into());
        // What has nothing to do with it.
        right.machine.variables.insert("LANG".to_owned(), "C".to_owned());
        right.machine.now_ns += 1;
        let there = compared(&left, &right);
        assert_eq!(codes(&there.gained), ["PKG002"], "{there:#?}");
        assert!(there.lost.is_empty() && there.matters());
        let because: Vec<&str> =
            there.gained[0].because.iter().map(|difference| difference.what.as_str()).collect();
        assert!(
            !because.is_empty() && because.iter().all(|what| *what == "leftovers"),
            "{because:?}"
        );
        assert!(there.differences.iter().any(|difference| difference.what == "LANG"));
        assert_eq!(there.unread, 1);
        let back = compared(&right, &left);
        assert_eq!(codes(&back.lost), ["PKG002"]);
        assert!(!back.lost[0].because.is_empty());
    }

    #[test]
    fn every_case_of_the_checks_is_explained_against_a_healthy_machine() {
        let left = healthy();
        let mut untold = Vec::new();
        for check in CHECKS {
            for case in check.cases.fires {
                let right = case();
                let there = compared(&left, &right);
                let mine = there.gained.iter().chain(&there.changed);
                for change in mine.filter(|change| change.because.is_empty() && !change.follows) {
                    let finding = change.after.as_ref().unwrap();
                    // A facts file is text, so a path whose bytes are none is another one in it.
                    if !finding
                        .evidence
                        .iter()
                        .any(|seen| seen.path.as_ref().is_some_and(|path| path.contains("\\xe9")))
                    {
                        untold.push(format!("{finding:?} in a case of {}", check.code));
                    }
                }
            }
        }
        assert!(untold.is_empty(), "{untold:#?}");
    }

    #[test]
    fn the_same_fault_at_another_place_is_no_difference() {
        let (mut left, mut right) = (healthy(), healthy());
        for (facts, place) in
            [(&mut left, "/home/dev/project/.venv"), (&mut right, "/home/dev/project/env")]
        {
            let environment = venv(facts);
            environment.python.prefix = place.into();
            environment.python.executable = Some(format!("{place}/bin/python").as_str().into());
        }
        let there = compared(&left, &right);
        assert!(!there.matters(), "{there:#?}");
    }

    /// Facts of a recorded machine.
    fn recorded(name: &str) -> Facts {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/fixtures/machines")
            .join(name)
            .with_extension("toml");
        let machine: host::Machine =
            toml::from_str(&fs_err::read_to_string(path).unwrap()).unwrap();
        let host = host::Host::recorded(machine.checked().unwrap());
        let project = host.working_directory.clone();
        crate::gather(
            &host,
            &crate::GatherOptions {
                project,
                python: None,
                environments: Vec::new(),
                exchange: Vec::new(),
                judge_all: true,
                cache: None,
                import: false,
            },
        )
    }

    #[test]
    fn recorded_machines_of_every_system_are_compared() {
        let names = [
            "linux-musl",
            "linux-ubuntu-conda",
            "macos-framework",
            "macos-homebrew",
            "windows-pyenv-win",
            "windows-pyorg-conda",
            "windows-store-stub",
            "windows-store",
            "windows-uv",
        ];
        let machines = names.map(recorded);
        for (left, one) in machines.iter().zip(names) {
            // Each with itself and the next.
            let next = names.iter().position(|name| *name == one).map(|at| (at + 1) % names.len());
            for (right, other) in machines.iter().zip(names) {
                if one != other && next.map(|at| names[at]) != Some(other) {
                    continue;
                }
                let there = compared(left, right);
                let codes = |facts: &Facts| {
                    let report = diagnose(facts, &Selection::default());
                    report.findings.iter().map(|found| found.code.clone()).collect::<Vec<_>>()
                };
                if one == other {
                    assert_eq!(there, Comparison::default(), "{one}");
                    continue;
                }
                // Nothing is lost on the way: each side's findings are there, or on both sides.
                let (mine, theirs) = (codes(left).len(), codes(right).len());
                assert_eq!(mine - there.lost.len(), theirs - there.gained.len(), "{one}, {other}");
                assert!(!there.differences.is_empty());
            }
        }
    }
}
