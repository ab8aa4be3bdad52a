//! A scan for a dashboard of code scanning. What could not be told is a result as well: a file that
//! is in no result would count as clean.

use doctor::data::Scan;
use host::{Host, HostPath};
use report::Severity;
use report::render::sarif::{Hit, Log, Place, Rule, render as write};

/// The rule of what could not be told; it has no page.
const UNTOLD: &str = "UNTOLD";

pub(super) fn render(scan: &Scan, host: &Host) -> String {
    let os = host.os.name();
    let mut rules = vec![Rule {
        id: UNTOLD.to_owned(),
        name: "not-judged-whole".to_owned(),
        summary: "Not everything about the file could be told, so it does not count as clean"
            .to_owned(),
        help: String::new(),
    }];
    let mut hits = Vec::new();
    for file in &scan.files {
        let path = file.path.native(host.os);
        for finding in &file.findings {
            if !rules.iter().any(|rule| rule.id == finding.code) {
                rules.push(rule(&finding.code));
            }
            let mut hit = Hit::of(finding, os);
            // The file itself comes first, and what is seen in it says on which line.
            let in_file = |place: &Place| place.path == path;
            if !hit.places.first().is_some_and(in_file) {
                hit.places.insert(0, Place { path: path.clone(), line: None });
                let mut seen = false;
                hit.places.retain(|place| !in_file(place) || !std::mem::replace(&mut seen, true));
            }
            hits.push(hit);
        }
        for reason in &file.untold {
            hits.push(Hit {
                rule: UNTOLD.to_owned(),
                severity: Severity::Warning,
                message: format!("Not judged whole: {reason}"),
                places: vec![Place { path: path.clone(), line: None }],
                suppressed: None,
            });
        }
    }
    let untold = scan.unreadable.iter().map(|reason| (reason.clone(), None)).collect();
    let root = HostPath::new(host.working_directory.clone()).native(host.os);
    write(&Log { root, rules, hits, untold })
}

fn rule(code: &str) -> Rule {
    let page = doctor::page(code);
    let markdown = page.as_ref().map(|page| page.markdown).unwrap_or_default();
    // The first sentence after the heading.
    let summary =
        markdown.lines().skip(1).find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    Rule {
        id: code.to_owned(),
        name: page.as_ref().map(|page| page.name.to_owned()).unwrap_or_default(),
        summary: summary.unwrap_or(code).to_owned(),
        help: markdown.to_owned(),
    }
}
