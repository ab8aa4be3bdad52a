//! Paths of one machine as another one would have them.
//!
//! Two people have two homes and keep the project in two places. What lies at the same place in
//! them is the same thing, and so are environments that play the same part.

use host::HostPath;
use serde_json::Value;

use crate::{DirectoryRole, EnvironmentFacts, Facts, Role};

/// Which paths of the right side are which of the left one.
pub(super) struct Alignment {
    /// Right, then left; the longest first.
    pairs: Vec<(String, String)>,
}

/// Parts that only one environment plays, the most telling first.
const PARTS: [Role; 11] = [
    Role::Argument,
    Role::Active,
    Role::ActiveConda,
    Role::Project,
    Role::Maturin,
    Role::Pyo3,
    Role::Uv,
    Role::Pip,
    Role::OnPath,
    Role::Base,
    Role::System,
];

impl Alignment {
    pub(super) fn new(left: &Facts, right: &Facts) -> Self {
        let mut alignment = Self { pairs: Vec::new() };
        alignment.add(Some(&right.project.root), Some(&left.project.root));
        let workspaces = (&right.project.workspace_root, &left.project.workspace_root);
        alignment.add(workspaces.0.as_ref(), workspaces.1.as_ref());
        alignment.add(right.machine.home.as_ref(), left.machine.home.as_ref());
        for role in [DirectoryRole::CargoHome, DirectoryRole::Target, DirectoryRole::Temporary] {
            let path = |facts: &'_ Facts| facts.directory(role).map(|found| found.path.clone());
            alignment.add(path(right).as_ref(), path(left).as_ref());
        }
        for (right, left) in alignment.environments(left, right) {
            alignment.add(Some(&right), Some(&left));
        }
        alignment
    }

    /// Right, then left; the longest first.
    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    fn add(&mut self, right: Option<&HostPath>, left: Option<&HostPath>) {
        let (Some(right), Some(left)) = (right, left) else { return };
        let (right, left) = (right.text(), left.text());
        // The root of everything is no place of its own.
        if right.len() < 2 || left.len() < 2 || self.pairs.iter().any(|(known, _)| *known == right)
        {
            return;
        }
        // Texts have paths as their system writes them.
        if right.contains(':') {
            self.pairs.push((right.replace('/', "\\"), left.replace('/', "\\")));
        }
        self.pairs.push((right, left));
        self.pairs.sort_by_key(|(right, _)| std::cmp::Reverse(right.len()));
    }

    /// Pairs of prefixes, right then left.
    fn environments(&self, left: &Facts, right: &Facts) -> Vec<(HostPath, HostPath)> {
        let mut lefts: Vec<&EnvironmentFacts> = left.environments.iter().collect();
        let mut rights: Vec<&EnvironmentFacts> = right.environments.iter().collect();
        let mut pairs = Vec::new();
        let mut pair = |same: &dyn Fn(&EnvironmentFacts, &EnvironmentFacts) -> bool| {
            let fits = |one: &EnvironmentFacts, others: &[&EnvironmentFacts], is_left: bool| {
                let same = |other: &EnvironmentFacts| {
                    if is_left { same(one, other) } else { same(other, one) }
                };
                let mut fitting = (0..others.len()).filter(|at| same(others[*at]));
                // One of several would be a guess.
                fitting.next().filter(|_| fitting.next().is_none())
            };
            let mut at = 0;
            while at < lefts.len() {
                let other = fits(lefts[at], &rights, true)
                    .filter(|other| fits(rights[*other], &lefts, false) == Some(at));
                match other {
                    Some(other) => {
                        let (left, right) = (lefts.remove(at), rights.remove(other));
                        pairs.push((right.python.prefix.clone(), left.python.prefix.clone()));
                    }
                    None => at += 1,
                }
            }
        };
        pair(&|left, right| {
            self.text(&right.python.prefix.text()) == left.python.prefix.text()
                && right.python.version == left.python.version
        });
        pair(&|left, right| self.text(&right.python.prefix.text()) == left.python.prefix.text());
        for part in PARTS {
            pair(&|left, right| left.has_role(part) && right.has_role(part));
        }
        let is_base = |environment: &EnvironmentFacts| !environment.python.kind.is_virtual();
        pair(&|left, right| {
            is_base(left)
                && left.python.kind == right.python.kind
                && left.python.version == right.python.version
        });
        pairs
    }

    /// A text of the right side as the left one would have it.
    pub(super) fn text(&self, text: &str) -> String {
        let in_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let starts = out.chars().next_back().is_none_or(|c| !in_name(c) && c != '/');
            let found = self.pairs.iter().filter(|_| starts).find(|(right, _)| {
                rest.strip_prefix(right.as_str())
                    .is_some_and(|after| after.chars().next().is_none_or(|c| !in_name(c)))
            });
            let taken = match found {
                Some((right, left)) => {
                    out.push_str(left);
                    right.len()
                }
                None => {
                    out.push(first);
                    first.len_utf8()
                }
            };
            rest = &rest[taken..];
        }
        out
    }

    /// The same for every text in a value.
    pub(super) fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.value(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{healthy, venv};

    #[test]
    fn homes_projects_and_environments_are_matched() {
        let left = healthy();
        let mut right = healthy();
        right.machine.home = Some("/Users/eve".into());
        right.project.root = "/Users/eve/code/thing".into();
        venv(&mut right).python.prefix = "/Users/eve/.virtualenvs/thing".into();
        let alignment = Alignment::new(&left, &right);
        for (theirs, ours) in [
            ("/Users/eve/code/thing/src", "/home/dev/project/src"),
            ("see /Users/eve/x, /Users/evelyn", "see /home/dev/x, /Users/evelyn"),
            ("/Users/eve/.virtualenvs/thing/bin/python", "/home/dev/project/.venv/bin/python"),
            ("/mnt/Users/eve", "/mnt/Users/eve"),
        ] {
            assert_eq!(alignment.text(theirs), ours);
        }
    }
}
