//! DAT005: a data file of the project is cut off or damaged.

use report::{Fix, Safety};

use super::{about, mention_the_rest, names, severity, troubled, what_is_wrong};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DataTrouble, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "DAT005",
    name: "truncated-archive",
    summary: "A data file of the project is cut off, damaged, or not what its name says",
    page: include_str!("../../../pages/DAT005.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::cut, tests::of_the_tests],
        silent: &[tests::nothing, tests::not_fetched, tests::hostile],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let files = troubled(facts, DataTrouble::Damaged);
    if files.is_empty() {
        mention_the_rest(facts, findings);
        return;
    }
    let verb = if files.len() == 1 { "is" } else { "are" };
    let message = format!("{} {verb} damaged and cannot be loaded whole", names(facts, &files));
    let says = |file: &crate::DataFile| what_is_wrong(file, DataTrouble::Damaged);
    findings.push(
        about(facts, severity(facts, &files), message, &files, says)
            .cause(
                "The writer was killed, the disk was full, a transfer was interrupted, or something \
                 else was written under this name",
            )
            .fix(
                Fix::new(Safety::Manual, "write or fetch the file again")
                    .by_hand("write to a temporary name and rename it when it is complete"),
            ),
    );
}

#[cfg(test)]
mod tests {
    use report::Severity;

    use super::super::testing::with_trouble;
    use super::*;

    pub(super) fn cut() -> Facts {
        with_trouble(DataTrouble::Damaged, "it has no directory at its end")
    }

    pub(super) fn of_the_tests() -> Facts {
        let mut facts = cut();
        facts.source_tree.data_files[0].path = facts.project.root.join("tests/cut.npz");
        facts
    }

    pub(super) fn nothing() -> Facts {
        crate::testing::healthy()
    }

    pub(super) fn not_fetched() -> Facts {
        with_trouble(DataTrouble::LfsPointer, "the text of git")
    }

    pub(super) fn hostile() -> Facts {
        with_trouble(DataTrouble::Hostile, "members overlap")
    }

    #[test]
    fn what_tests_keep_is_worth_knowing_only() {
        for (facts, severity) in [(cut(), Severity::Warning), (of_the_tests(), Severity::Info)] {
            let mut findings = Findings::default();
            run(&facts, &mut findings);
            assert_eq!(findings.list[0].severity, severity);
        }
    }
}
