//! Running the checks over facts.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use report::{CheckRecord, Finding, Outcome, REPORT_SCHEMA, Report, Severity, Summary};

use crate::{CHECKS, Check, Facts, Findings, Selection, causes};

/// Runs the selected checks over `facts`. A check that panics is reported as crashed and the
/// others go on.
#[must_use]
pub fn diagnose(facts: &Facts, selection: &Selection) -> Report {
    let selected: Vec<&Check> =
        CHECKS.iter().copied().filter(|check| selection.includes(check)).collect();
    let results: Vec<(CheckRecord, Vec<Finding>)> =
        host::in_parallel(selected, |check| run_one(check, facts));
    let mut checks = Vec::with_capacity(results.len());
    let mut findings = Vec::new();
    for (record, found) in results {
        checks.push(record);
        findings.extend(found);
    }
    causes::fold(&mut findings);
    let findings = ordered(&findings);
    let mut report = Report {
        schema: REPORT_SCHEMA.to_owned(),
        version: facts.version.clone(),
        os: facts.machine.os.name().to_owned(),
        project: facts.native(&facts.project.root),
        findings,
        suppressed: Vec::new(),
        checks,
        unreadable: facts.unreadable.clone(),
        summary: Summary {
            environments: facts.environments.len(),
            judged: facts.judged().count(),
            ..Summary::default()
        },
        gather_ms: facts.gather_ms,
    };
    report.summarize();
    report
}

fn run_one(check: &Check, facts: &Facts) -> (CheckRecord, Vec<Finding>) {
    let started = Instant::now();
    let mut findings = Findings::default();
    let result = catch_unwind(AssertUnwindSafe(|| (check.run)(facts, &mut findings)));
    let elapsed_ms = started.elapsed().as_secs_f64() * 1000.0;
    let mut list = findings.list;
    let (outcome, reason) = match result {
        Err(panic) => {
            list.clear();
            (Outcome::Crashed, Some(panic_message(panic.as_ref())))
        }
        Ok(()) if !list.is_empty() => (Outcome::Findings, None),
        Ok(()) => match findings.skipped {
            Some(reason) => (Outcome::Skipped, Some(reason)),
            None => (Outcome::Ok, None),
        },
    };
    for finding in &mut list {
        check.code.clone_into(&mut finding.code);
        check.name.clone_into(&mut finding.name);
    }
    let record = CheckRecord {
        code: check.code.to_owned(),
        name: check.name.to_owned(),
        outcome,
        reason,
        elapsed_ms,
    };
    (record, list)
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "the check panicked".to_owned())
}

/// Root causes first, each followed by what follows from it; then by severity, subject and code.
fn ordered(findings: &[Finding]) -> Vec<Finding> {
    let is_folded = |finding: &Finding| {
        finding.because_of.as_ref().is_some_and(|cause| {
            findings.iter().any(|f| f.code == cause.code && f.subject == cause.subject)
        })
    };
    let (folded, mut roots): (Vec<Finding>, Vec<Finding>) =
        findings.iter().cloned().partition(is_folded);
    let rank = |severity: Severity| std::cmp::Reverse(severity);
    roots.sort_by(|a, b| {
        (rank(a.severity), &a.subject, &a.code).cmp(&(rank(b.severity), &b.subject, &b.code))
    });
    let mut out = Vec::with_capacity(roots.len() + folded.len());
    for root in roots {
        append_with_followers(root, &folded, &mut out);
    }
    // A circle of causes has no root; it is shown rather than lost.
    for finding in folded {
        if !out.contains(&finding) {
            out.push(Finding { because_of: None, ..finding });
        }
    }
    out
}

fn append_with_followers(finding: Finding, folded: &[Finding], out: &mut Vec<Finding>) {
    if out.contains(&finding) {
        return;
    }
    let (code, subject) = (finding.code.clone(), finding.subject.clone());
    out.push(finding);
    for follower in folded {
        let follows = follower
            .because_of
            .as_ref()
            .is_some_and(|cause| cause.code == code && cause.subject == subject);
        if follows {
            append_with_followers(follower.clone(), folded, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use report::{Subject, SubjectKind};

    use super::*;

    fn finding(code: &str, severity: Severity, because: Option<&str>) -> Finding {
        let subject = Subject::new(SubjectKind::Machine, "here");
        let mut finding = Finding::new(severity, subject.clone(), code);
        code.clone_into(&mut finding.code);
        match because {
            Some(cause) => finding.because_of(cause, subject),
            None => finding,
        }
    }

    fn codes(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|f| f.code.as_str()).collect()
    }

    #[test]
    fn causes_stand_before_what_follows_from_them() {
        let out = ordered(&[
            finding("C3", Severity::Error, Some("B2")),
            finding("W1", Severity::Warning, None),
            finding("B2", Severity::Error, Some("A1")),
            finding("A1", Severity::Error, None),
        ]);
        assert_eq!(codes(&out), ["A1", "B2", "C3", "W1"]);
    }

    #[test]
    fn a_circle_of_causes_is_shown_not_lost() {
        let out = ordered(&[
            finding("A1", Severity::Error, Some("B2")),
            finding("B2", Severity::Error, Some("A1")),
        ]);
        assert_eq!(out.len(), 2);
    }

    #[test]
    fn a_check_that_panics_is_crashed_and_says_how() {
        fn run(_: &Facts, _: &mut Findings) {
            panic!("lost my way");
        }
        let check = Check {
            code: "XXX001",
            name: "x",
            summary: "x",
            page: "",
            run,
            cases: crate::check::Cases { fires: &[], silent: &[] },
        };
        let (record, findings) = run_one(&check, &crate::testing::healthy());
        assert_eq!(record.outcome, Outcome::Crashed);
        assert_eq!(record.reason.as_deref(), Some("lost my way"));
        assert!(findings.is_empty());
    }
}
