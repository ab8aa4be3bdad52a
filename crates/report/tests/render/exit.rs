//! How a run ends.

use report::{ExitStatus, Finding, Outcome, Severity, Subject, SubjectKind};

use crate::{check, healthy, report};

fn with(severity: Severity) -> report::Report {
    let subject = Subject::new(SubjectKind::Machine, "machine");
    report(vec![Finding::new(severity, subject, "broken")], Vec::new())
}

#[test]
fn only_errors_count_unless_strict() {
    for (severity, relaxed, strict) in [
        (Severity::Info, ExitStatus::Healthy, ExitStatus::Healthy),
        (Severity::Warning, ExitStatus::Healthy, ExitStatus::Problems),
        (Severity::Error, ExitStatus::Problems, ExitStatus::Problems),
    ] {
        assert_eq!(with(severity).exit_status(false), relaxed);
        assert_eq!(with(severity).exit_status(true), strict);
    }
    assert_eq!(healthy().exit_status(true), ExitStatus::Healthy);
}

#[test]
fn a_crashed_check_is_a_failure_of_the_tool_unless_problems_were_found() {
    let crashed = || vec![check("X001", "x", Outcome::Crashed, Some("lost"))];
    assert_eq!(report(Vec::new(), crashed()).exit_status(false), ExitStatus::ToolFailed);
    let mut both = with(Severity::Error);
    both.checks = crashed();
    both.summarize();
    assert_eq!(both.exit_status(false), ExitStatus::Problems);
}
