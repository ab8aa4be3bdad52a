//! Which findings follow from which: ten symptoms should show as one cause.

use report::{BecauseOf, Finding};

/// How near the cause must be to its symptom.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// About the same subject.
    SameSubject,
    /// Anywhere in the report.
    Anywhere,
}

/// Symptom, cause, reach. A check that knows its cause exactly sets `because_of` itself; this
/// table is for the rest. The first row that fits wins.
const FOLLOWS: &[(&str, &str, Reach)] = &[
    // Where the base is gone, both the link to it and `home` lead nowhere.
    ("ENV002", "ENV001", Reach::SameSubject),
    ("ENV002", "ENV004", Reach::SameSubject),
    // A prediction for scripts of an environment that has come true for some of them.
    ("FS001", "ENV005", Reach::SameSubject),
    // An environment with the wrong Python for the project has the wrong one for its PyO3 too.
    ("BLD002", "ENV007", Reach::SameSubject),
    ("BLD003", "ENV007", Reach::SameSubject),
    // A file system without programs takes away their permission, a full one their end.
    ("FS015", "FS002", Reach::SameSubject),
    ("FS015", "FS003", Reach::SameSubject),
    ("FS015", "FS009", Reach::SameSubject),
    // Where scripts with too long a first line are there already, nothing need be foretold.
    ("FS001", "ENV005", Reach::SameSubject),
    // A stale module lacks what is new, and an installer that sees no change leaves it stale.
    ("EXT008", "EXT007", Reach::SameSubject),
    ("EXT008", "EXT002", Reach::Anywhere),
    ("EXT007", "EXT001", Reach::SameSubject),
    ("PKG002", "EXT005", Reach::SameSubject),
];

/// Sets `because_of` on every finding whose cause is also in the list.
pub(crate) fn fold(findings: &mut [Finding]) {
    let found: Vec<BecauseOf> = findings
        .iter()
        .map(|finding| BecauseOf { code: finding.code.clone(), subject: finding.subject.clone() })
        .collect();
    for finding in findings.iter_mut().filter(|finding| finding.because_of.is_none()) {
        finding.because_of = FOLLOWS
            .iter()
            .filter(|(symptom, _, _)| *symptom == finding.code)
            .find_map(|(_, cause, reach)| {
                found.iter().find(|candidate| {
                    candidate.code == *cause
                        && (*reach == Reach::Anywhere || candidate.subject == finding.subject)
                })
            })
            .cloned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CHECKS;

    #[test]
    fn every_row_names_checks_that_exist_and_no_row_points_back() {
        for (symptom, cause, _) in FOLLOWS {
            for code in [symptom, cause] {
                assert!(CHECKS.iter().any(|check| check.code == *code), "{code} is no check");
            }
            assert!(
                !FOLLOWS.iter().any(|(s, c, _)| s == cause && c == symptom),
                "{symptom} and {cause} cause each other"
            );
        }
    }
}
