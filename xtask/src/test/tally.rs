//! Counting tests, and the table at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::lanes::Lane;
use super::libtest::Verdict;

/// The counts of one lane.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
    time: Duration,
}

/// The counts of every lane of a run, and why what did not run did not.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    lanes: BTreeMap<Lane, Counts>,
    remarks: Vec<String>,
    /// Tests that said they could not run, so that one with two reasons is counted once.
    could_not_run: BTreeSet<(Lane, String)>,
}

impl Tally {
    /// Nothing counted yet.
    pub(crate) fn new(lanes: &[Lane]) -> Self {
        let lanes = lanes.iter().map(|lane| (*lane, Counts::default())).collect();
        Self { lanes, ..Self::default() }
    }

    /// One test ended.
    pub(crate) fn count(&mut self, lane: Lane, verdict: Verdict) {
        let counts = self.lanes.entry(lane).or_default();
        match verdict {
            Verdict::Passed => counts.passed += 1,
            Verdict::Failed => counts.failed += 1,
            Verdict::Ignored => counts.skipped += 1,
        }
    }

    /// A test that was counted as passed says that it could not run here.
    pub(crate) fn test_skipped(&mut self, lane: Lane, test: &str, reason: &str) {
        self.remark(format!("skipped {test}: {reason}"));
        if self.could_not_run.insert((lane, test.to_owned())) {
            let counts = self.lanes.entry(lane).or_default();
            counts.passed = counts.passed.saturating_sub(1);
            counts.skipped += 1;
        }
    }

    /// Something to know beside the counts.
    pub(crate) fn remark(&mut self, remark: String) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    /// A part of a lane could not run here.
    pub(crate) fn part_skipped(&mut self, lane: Lane, reason: &str) {
        self.lanes.entry(lane).or_default().skipped += 1;
        self.remarks.push(format!("skipped in lane {}: {reason}", lane.name()));
    }

    /// No more tests come: a lane that counted nothing has shown nothing.
    pub(crate) fn close(&mut self) {
        for (lane, counts) in &mut self.lanes {
            if counts.passed + counts.failed + counts.skipped == 0 {
                counts.skipped = 1;
                self.remarks.push(format!("skipped lane {}: it holds no test", lane.name()));
            }
        }
    }

    /// A lane failed outside of any test.
    pub(crate) fn lane_failed(&mut self, lane: Lane, reason: &str) {
        self.lanes.entry(lane).or_default().failed += 1;
        self.remarks.push(format!("failed lane {}: {reason}", lane.name()));
    }

    /// A command of this lane took this long.
    pub(crate) fn took(&mut self, lane: Lane, time: Duration) {
        self.lanes.entry(lane).or_default().time += time;
    }

    /// Failures of all lanes.
    pub(crate) fn failed(&self) -> usize {
        self.lanes.values().map(|counts| counts.failed).sum()
    }

    /// What could not run, of all lanes.
    pub(crate) fn skipped(&self) -> usize {
        self.lanes.values().map(|counts| counts.skipped).sum()
    }

    /// The table, the reasons, and the totals as the last line.
    pub(crate) fn render(&self) -> String {
        let mut text = String::from("\nlane        passed  failed  skipped  seconds\n");
        for (lane, counts) in &self.lanes {
            let seconds = match counts.time {
                Duration::ZERO => "-".to_owned(),
                time => format!("{:.1}", time.as_secs_f64()),
            };
            text.push_str(&format!(
                "{:<10}  {:>6}  {:>6}  {:>7}  {seconds:>7}\n",
                lane.name(),
                counts.passed,
                counts.failed,
                counts.skipped,
            ));
        }
        for remark in &self.remarks {
            text.push_str(remark);
            text.push('\n');
        }
        let passed: usize = self.lanes.values().map(|counts| counts.passed).sum();
        let (failed, skipped) = (self.failed(), self.skipped());
        text.push_str(&format!("{passed} passed, {failed} failed, {skipped} skipped\n"));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_has_its_line_and_the_last_line_is_the_total() {
        let mut tally = Tally::new(&[Lane::Unit, Lane::Conda, Lane::Silence]);
        tally.count(Lane::Unit, Verdict::Passed);
        tally.count(Lane::Unit, Verdict::Failed);
        tally.count(Lane::Conda, Verdict::Passed);
        tally.count(Lane::Conda, Verdict::Passed);
        for _ in 0..2 {
            tally.test_skipped(Lane::Conda, "npy::conda", "no Python 3.9 here");
        }
        tally.took(Lane::Unit, Duration::from_millis(1500));
        tally.close();
        let text = tally.render();
        assert_eq!(
            text,
            "\nlane        passed  failed  skipped  seconds\n\
             unit             1       1        0      1.5\n\
             conda            1       0        1        -\n\
             silence          0       0        1        -\n\
             skipped npy::conda: no Python 3.9 here\n\
             skipped lane silence: it holds no test\n\
             2 passed, 1 failed, 2 skipped\n"
        );
    }
}
