//! A diagnosis for dashboards of code scanning.

use doctor::CHECKS;
use report::render::sarif::{Hit, Log, Rule, render};
use report::{Outcome, Report};

/// The report as SARIF: every check is a rule, every finding a result, and what is suppressed says
/// so. What could not be read, and checks that failed themselves, are told of the run.
pub(super) fn sarif(report: &Report) -> String {
    let rules = CHECKS.iter().map(|check| Rule {
        id: check.code.to_owned(),
        name: check.name.to_owned(),
        summary: check.summary.to_owned(),
        help: check.page.to_owned(),
    });
    let ran = |rule: &Rule| report.checks.iter().any(|check| check.code == rule.id);
    let suppressed = report.suppressed.iter().map(|entry| Hit {
        suppressed: Some(entry.reason.clone()),
        ..Hit::of(&entry.finding, &report.os)
    });
    let crashed = report.checks.iter().filter(|check| check.outcome == Outcome::Crashed);
    let crashed = crashed.map(|check| {
        let reason = check.reason.as_deref().unwrap_or("no reason known");
        (format!("{}: the check itself failed: {reason}", check.code), None)
    });
    let unreadable = report.unreadable.iter().map(|what| (what.clone(), None));
    render(&Log {
        root: report.project.clone(),
        rules: rules.filter(ran).collect(),
        hits: report
            .findings
            .iter()
            .map(|finding| Hit::of(finding, &report.os))
            .chain(suppressed)
            .collect(),
        untold: crashed.chain(unreadable).collect(),
    })
}
