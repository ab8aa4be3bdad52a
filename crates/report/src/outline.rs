//! Findings in the order in which a reader needs them: by subject, causes before consequences.

use std::collections::HashMap;

use crate::{Finding, Report, Severity, Subject};

/// Findings grouped by subject, the subjects with the worst findings first.
pub(crate) struct Outline<'a> {
    pub(crate) groups: Vec<Group<'a>>,
}

/// The root causes found in one subject.
pub(crate) struct Group<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) roots: Vec<Root<'a>>,
}

/// A root cause, and what follows from it, directly or not, with the number of steps between.
pub(crate) struct Root<'a> {
    pub(crate) finding: &'a Finding,
    pub(crate) follows: Vec<(usize, &'a Finding)>,
}

impl<'a> Outline<'a> {
    pub(crate) fn new(report: &'a Report) -> Self {
        let findings = &report.findings;
        let causes = causes(findings);
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); findings.len()];
        for (index, cause) in causes.iter().enumerate() {
            if let Some(cause) = cause {
                children[*cause].push(index);
            }
        }
        let mut groups: Vec<Group<'a>> = Vec::new();
        let mut positions: HashMap<&Subject, usize> = HashMap::new();
        for (index, finding) in findings.iter().enumerate() {
            if causes[index].is_some() {
                continue;
            }
            let position = *positions.entry(&finding.subject).or_insert_with(|| {
                groups.push(Group { subject: &finding.subject, roots: Vec::new() });
                groups.len() - 1
            });
            let follows = consequences(index, &children)
                .into_iter()
                .map(|(depth, child)| (depth, &findings[child]))
                .collect();
            groups[position].roots.push(Root { finding, follows });
        }
        for group in &mut groups {
            group.roots.sort_by_key(|root| std::cmp::Reverse(root.finding.severity));
        }
        groups.sort_by_key(|group| std::cmp::Reverse(group.worst()));
        Self { groups }
    }
}

impl Group<'_> {
    fn worst(&self) -> Option<Severity> {
        self.roots.iter().map(|root| root.finding.severity).max()
    }
}

/// For each finding, the position of the finding it follows from. Findings that follow from each
/// other in a circle count as causes, so that none is ever lost.
#[must_use]
pub fn causes(findings: &[Finding]) -> Vec<Option<usize>> {
    let mut positions: HashMap<(&str, &Subject), usize> = HashMap::new();
    for (index, finding) in findings.iter().enumerate() {
        positions.entry((&finding.code, &finding.subject)).or_insert(index);
    }
    let named: Vec<Option<usize>> = findings
        .iter()
        .map(|finding| {
            let cause = finding.because_of.as_ref()?;
            positions.get(&(cause.code.as_str(), &cause.subject)).copied()
        })
        .collect();
    let in_a_circle = |start: usize| {
        let mut at = named[start];
        for _ in 0..named.len() {
            match at {
                Some(here) if here == start => return true,
                Some(here) => at = named[here],
                None => return false,
            }
        }
        false
    };
    (0..findings.len()).map(|index| named[index].filter(|_| !in_a_circle(index))).collect()
}

/// What follows from `root`, depth first, without recursion.
fn consequences(root: usize, children: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut pending: Vec<(usize, usize)> = children[root].iter().rev().map(|c| (1, *c)).collect();
    while let Some((depth, index)) = pending.pop() {
        found.push((depth, index));
        pending.extend(children[index].iter().rev().map(|child| (depth + 1, *child)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SubjectKind;

    fn finding(code: &str, because_of: Option<&str>) -> Finding {
        let subject = || Subject::new(SubjectKind::Machine, "machine");
        let mut finding = Finding::new(Severity::Error, subject(), "broken");
        finding.code = code.to_owned();
        match because_of {
            Some(cause) => finding.because_of(cause, subject()),
            None => finding,
        }
    }

    #[test]
    fn chains_lead_to_their_causes_and_circles_are_cut() {
        let findings = [
            finding("C", Some("B")),
            finding("B", Some("A")),
            finding("A", None),
            finding("X", Some("Y")),
            finding("Y", Some("X")),
            finding("Z", Some("Y")),
            finding("S", Some("S")),
            finding("N", Some("none")),
        ];
        assert_eq!(causes(&findings), [Some(1), Some(2), None, None, None, Some(4), None, None]);
    }
}
