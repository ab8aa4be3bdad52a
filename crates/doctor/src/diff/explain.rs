//! Which differences make a finding come or go, found by trying.
//!
//! A check is a function of the facts. So facts that lie between the two sides are made, with some
//! of the differences and without the others, and the check is asked what it says of them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use report::Finding;
use serde_json::Value;

use super::values::between;
use crate::{Check, Facts, Findings};

/// Most facts that are tried for one finding.
const MOST_TRIALS: usize = 300;

/// What a trial is made of.
pub(super) struct Trials<'a> {
    pub(super) left: &'a Value,
    pub(super) right: &'a Value,
    /// How many differences there are.
    pub(super) count: usize,
}

impl Trials<'_> {
    /// A smallest set of differences, by their numbers, with which `wanted` holds of what `check`
    /// says. `None` where it does not even hold with all of them, or would take too long to tell.
    pub(super) fn needed(
        &self,
        check: &Check,
        wanted: &dyn Fn(&[Finding]) -> bool,
    ) -> Option<Vec<usize>> {
        let mut chosen = vec![true; self.count];
        let mut left = MOST_TRIALS;
        if !self.holds(&chosen, check, wanted) {
            return None;
        }
        self.reduce(0, self.count, &mut chosen, &mut left, check, wanted);
        (left > 0).then(|| (0..self.count).filter(|number| chosen[*number]).collect())
    }

    /// Leaves out what is not needed, in halves: few differences matter, and they lie together.
    fn reduce(
        &self,
        start: usize,
        end: usize,
        chosen: &mut Vec<bool>,
        left: &mut usize,
        check: &Check,
        wanted: &dyn Fn(&[Finding]) -> bool,
    ) {
        if start == end || *left == 0 {
            return;
        }
        *left -= 1;
        chosen[start..end].fill(false);
        if self.holds(chosen, check, wanted) {
            return;
        }
        chosen[start..end].fill(true);
        if end - start > 1 {
            let middle = start + (end - start) / 2;
            self.reduce(start, middle, chosen, left, check, wanted);
            self.reduce(middle, end, chosen, left, check, wanted);
        }
    }

    fn holds(&self, chosen: &[bool], check: &Check, wanted: &dyn Fn(&[Finding]) -> bool) -> bool {
        // By way of the text, as in `redact`. A mixture that is no facts at all proves nothing.
        let text = between(self.left, self.right, chosen).to_string();
        let Ok(facts) = Facts::from_json(&text) else { return false };
        wanted(&ask(check, &facts))
    }
}

/// What one check says of facts; nothing if it fails.
pub(super) fn ask(check: &Check, facts: &Facts) -> Vec<Finding> {
    let mut findings = Findings::default();
    let run = AssertUnwindSafe(|| (check.run)(facts, &mut findings));
    if catch_unwind(run).is_ok() { findings.list } else { Vec::new() }
}
