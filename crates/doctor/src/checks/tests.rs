//! Tests over the whole registry.

use report::Outcome;

use super::CHECKS;
use crate::testing::healthy;
use crate::{Check, Facts, Findings, Selection, diagnose};

fn findings_of(check: &Check, facts: &Facts) -> Vec<report::Finding> {
    let mut findings = Findings::default();
    (check.run)(facts, &mut findings);
    findings.list
}

#[test]
fn codes_are_sorted_within_a_family_and_well_formed() {
    for pair in CHECKS.windows(2) {
        if pair[0].family() == pair[1].family() {
            assert!(pair[0].code < pair[1].code, "{} stands before {}", pair[0].code, pair[1].code);
        }
    }
    for check in CHECKS {
        let digits = &check.code[check.family().len()..];
        assert_eq!(digits.len(), 3, "{}", check.code);
        assert!(
            check.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        );
        assert!(!check.summary.ends_with('.'), "{}", check.code);
    }
}

#[test]
fn every_check_fires_on_its_cases_and_says_everything() {
    for check in CHECKS {
        assert!(!check.cases.fires.is_empty(), "{} has no case that fires", check.code);
        for (index, case) in check.cases.fires.iter().enumerate() {
            let found = findings_of(check, &case());
            assert!(!found.is_empty(), "{} is silent on case {index}", check.code);
            for finding in found {
                let what = format!("{} case {index}: {finding:#?}", check.code);
                assert!(!finding.message.is_empty() && !finding.message.ends_with('.'), "{what}");
                assert!(!finding.cause.is_empty(), "{what}");
                assert!(!finding.evidence.is_empty(), "{what}");
                assert!(!finding.fixes.is_empty(), "{what}");
                assert!(finding.fixes.iter().all(|fix| !fix.steps.is_empty()), "{what}");
            }
        }
    }
}

#[test]
fn every_check_is_silent_on_its_near_misses() {
    for check in CHECKS {
        assert!(!check.cases.silent.is_empty(), "{} has no case that is silent", check.code);
        for (index, case) in check.cases.silent.iter().enumerate() {
            let found = findings_of(check, &case());
            assert!(found.is_empty(), "{} fires on silent case {index}: {found:#?}", check.code);
        }
    }
}

#[test]
fn a_healthy_machine_yields_silence_and_survives_a_file() {
    let facts = healthy();
    let report = diagnose(&facts, &Selection::default());
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert!(report.checks.iter().all(|check| check.outcome != Outcome::Crashed));
    let text = facts.to_json().unwrap();
    assert_eq!(Facts::from_json(&text).unwrap(), facts);
}

#[test]
fn facts_of_another_schema_are_refused_by_name() {
    let error = Facts::from_json(r#"{"schema":"truewheel-facts/99","x":1}"#).unwrap_err();
    assert!(error.to_string().contains("truewheel-facts/99"));
    assert!(error.to_string().contains(crate::FACTS_SCHEMA));
}
