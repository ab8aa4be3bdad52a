//! Findings that the configuration accepts: taken out of the report, and counted.

use std::path::Path;
use std::time::SystemTime;

use report::{Evidence, Finding, Report, Suppressed};

use crate::config::{Config, Suppression};
use crate::pattern::is_match;

/// Moves the findings that `config` suppresses, and what follows from them, out of the list of
/// findings. One whose suppression has run out stays and says so.
pub(crate) fn apply(report: &mut Report, config: &Config, today: &str) {
    let Some(file) = &config.path else { return };
    let mut kept: Vec<Finding> = Vec::new();
    for mut finding in std::mem::take(&mut report.findings) {
        let matching: Vec<&Suppression> =
            config.suppress.iter().filter(|suppression| matches(suppression, &finding)).collect();
        let live = matching.iter().find(|suppression| !is_over(suppression, today));
        if let Some(suppression) = live {
            report.suppressed.push(Suppressed {
                finding,
                reason: suppression.reason.clone(),
                until: suppression.until.clone(),
            });
            continue;
        }
        for suppression in matching {
            finding.evidence.push(note(suppression, file));
        }
        kept.push(finding);
    }
    report.findings = kept;
    suppress_followers(report);
    report.summarize();
}

/// Today's date (UTC), `YYYY-MM-DD`, which sorts as text.
pub(crate) fn today() -> String {
    let mut time = host::utc(SystemTime::now());
    time.truncate("2027-01-31".len());
    time
}

fn matches(suppression: &Suppression, finding: &Finding) -> bool {
    let fits = |pattern: &Option<String>, text: Option<&str>| match (pattern, text) {
        (None, _) => true,
        (Some(pattern), Some(text)) => is_match(pattern, text),
        (Some(_), None) => false,
    };
    let path = finding.subject.path.as_ref().map(|path| path.replace('\\', "/"));
    suppression.code == finding.code
        && fits(&suppression.subject, Some(&finding.subject.label))
        && fits(&suppression.path, path.as_deref())
}

fn is_over(suppression: &Suppression, today: &str) -> bool {
    suppression.until.as_deref().is_some_and(|until| until < today)
}

fn note(suppression: &Suppression, file: &Path) -> Evidence {
    let until = suppression.until.as_deref().unwrap_or_default();
    Evidence {
        path: Some(format!("{}:{}", file.display(), suppression.line)),
        value: format!("suppressed until {until}, which is over; reason: {}", suppression.reason),
    }
}

/// What follows from a suppressed finding is suppressed with it, however long the chain.
fn suppress_followers(report: &mut Report) {
    let mut next = 0;
    while next < report.suppressed.len() {
        let cause = report.suppressed[next].clone();
        let (following, kept) =
            std::mem::take(&mut report.findings).into_iter().partition(|finding: &Finding| {
                finding.because_of.as_ref().is_some_and(|because| {
                    because.code == cause.finding.code && because.subject == cause.finding.subject
                })
            });
        report.findings = kept;
        report.suppressed.extend(following.into_iter().map(|finding| Suppressed {
            finding,
            reason: format!("follows from {}: {}", cause.finding.code, cause.reason),
            until: cause.until.clone(),
        }));
        next += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use report::{REPORT_SCHEMA, Severity, Subject, SubjectKind, Summary};

    use super::*;

    fn subject(path: &str) -> Subject {
        Subject::at(SubjectKind::Environment, format!("label of {path}"), path)
    }

    /// Code and path.
    type Place<'a> = (&'a str, &'a str);

    fn report(findings: &[(Place<'_>, Option<Place<'_>>)]) -> Report {
        let findings = findings.iter().map(|((code, path), because)| {
            let mut finding = Finding::new(Severity::Error, subject(path), "broken");
            (*code).clone_into(&mut finding.code);
            match because {
                Some((code, path)) => finding.because_of(code, subject(path)),
                None => finding,
            }
        });
        Report {
            schema: REPORT_SCHEMA.to_owned(),
            version: String::new(),
            os: "linux".to_owned(),
            project: "/p".to_owned(),
            findings: findings.collect(),
            suppressed: Vec::new(),
            checks: Vec::new(),
            unreadable: Vec::new(),
            summary: Summary::default(),
            gather_ms: 0.0,
        }
    }

    fn config(suppress: Vec<Suppression>) -> Config {
        Config { path: Some(PathBuf::from("/p/truewheel.toml")), suppress, ..Config::default() }
    }

    fn suppression(code: &str, path: Option<&str>, until: Option<&str>) -> Suppression {
        Suppression {
            code: code.to_owned(),
            subject: None,
            path: path.map(str::to_owned),
            reason: "known".to_owned(),
            until: until.map(str::to_owned),
            line: 3,
        }
    }

    #[test]
    fn a_suppressed_finding_takes_along_what_follows_from_it() {
        let mut report = report(&[
            (("A001", "/a"), None),
            (("B001", "/a"), Some(("A001", "/a"))),
            (("C001", "/b"), Some(("B001", "/a"))),
            (("A001", "/b"), None),
        ]);
        apply(&mut report, &config(vec![suppression("A001", Some("/a"), None)]), "2026-01-01");
        assert_eq!(report.findings.len(), 1);
        assert_eq!(report.findings[0].subject, subject("/b"));
        assert_eq!(report.summary.suppressed, 3);
        assert_eq!(report.summary.errors, 1);
        assert_eq!(report.suppressed[2].reason, "follows from B001: follows from A001: known");
    }

    #[test]
    fn a_suppression_holds_to_the_end_of_its_last_day_and_then_says_so() {
        let config = config(vec![suppression("A001", None, Some("2026-06-30"))]);
        let mut held = report(&[(("A001", "/a"), None)]);
        apply(&mut held, &config, "2026-06-30");
        assert!(held.findings.is_empty());
        let mut over = report(&[(("A001", "/a"), None)]);
        apply(&mut over, &config, "2026-07-01");
        assert_eq!(
            over.findings[0].evidence,
            [Evidence {
                path: Some("/p/truewheel.toml:3".to_owned()),
                value: "suppressed until 2026-06-30, which is over; reason: known".to_owned(),
            }]
        );
    }
}
