//! Which checks to run.

use std::fmt;

use crate::{CHECKS, Check};

/// Checks chosen by code (`NPY004`) or family (`NPY`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these; empty means all.
    pub only: Vec<String>,
    /// Not these.
    pub skip: Vec<String>,
}

/// A code or family that no check has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCode {
    /// What was given.
    pub given: String,
    /// The nearest code or family there is.
    pub nearest: Option<String>,
}

impl fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no check or family is called `{}`", self.given)
    }
}

impl std::error::Error for UnknownCode {}

impl Selection {
    /// Takes codes and families in any case.
    ///
    /// # Errors
    /// Names the first one that no check has, with the nearest that exists.
    pub fn parse(only: &[String], skip: &[String]) -> Result<Self, UnknownCode> {
        Ok(Self { only: known(only)?, skip: known(skip)? })
    }

    /// Whether `check` is to run.
    #[must_use]
    pub fn includes(&self, check: &Check) -> bool {
        let named =
            |list: &[String]| list.iter().any(|item| item == check.code || item == check.family());
        (self.only.is_empty() || named(&self.only)) && !named(&self.skip)
    }

    /// Whether the check with this code is to run.
    #[must_use]
    pub fn includes_code(&self, code: &str) -> bool {
        CHECKS.iter().any(|check| check.code == code && self.includes(check))
    }
}

fn known(given: &[String]) -> Result<Vec<String>, UnknownCode> {
    given
        .iter()
        .map(|item| {
            let upper = item.trim().to_ascii_uppercase();
            let names = || CHECKS.iter().flat_map(|check| [check.code, check.family()]);
            if names().any(|name| name == upper) {
                return Ok(upper);
            }
            let nearest = names().min_by_key(|name| distance(name, &upper)).map(str::to_owned);
            Err(UnknownCode { given: item.clone(), nearest })
        })
        .collect()
}

/// Levenshtein's distance between two short words.
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_families_are_taken_in_any_case() {
        let selection = Selection::parse(&["env".to_owned()], &["ENV001".to_owned()]).unwrap();
        let included: Vec<_> =
            CHECKS.iter().filter(|c| selection.includes(c)).map(|c| c.code).collect();
        assert!(included.iter().all(|code| code.starts_with("ENV") && *code != "ENV001"));
    }

    #[test]
    fn an_unknown_code_brings_the_nearest_one() {
        let error = Selection::parse(&["ENV0001".to_owned()], &[]).unwrap_err();
        assert_eq!(error.nearest.as_deref(), Some("ENV001"));
    }

    #[test]
    fn distances() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
