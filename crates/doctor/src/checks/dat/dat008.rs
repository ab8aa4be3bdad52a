//! DAT008: git has left a pointer where a data file should be.

use report::{Fix, Safety, Severity};

use super::{about, mention_the_rest, names, troubled};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DataFile, DataTrouble, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "DAT008",
    name: "large-file-not-fetched",
    summary: "A data file of the project is a pointer of git-lfs, not the data",
    page: include_str!("../../../pages/DAT008.md"),
    run,
    #[cfg(test)]
    cases: Cases { fires: &[tests::a_pointer], silent: &[tests::nothing, tests::cut] },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let files = troubled(facts, DataTrouble::LfsPointer);
    if files.is_empty() {
        mention_the_rest(facts, findings);
        return;
    }
    let verb = if files.len() == 1 { "is a pointer" } else { "are pointers" };
    let message =
        format!("{} {verb} of git-lfs, and the data were not fetched", names(facts, &files));
    let says = |_: &DataFile| "begins with `version https://git-lfs.github.com/spec/`".to_owned();
    findings.push(
        about(facts, Severity::Warning, message, &files, says)
            .cause(
                "The repository was cloned without git-lfs, or with GIT_LFS_SKIP_SMUDGE, so that \
                 git wrote the pointer in place of the file",
            )
            .fix(Fix::new(Safety::Confirm, "fetch the data").run([
                "git",
                "-C",
                &facts.native(&facts.project.root),
                "lfs",
                "pull",
            ])),
    );
}

#[cfg(test)]
mod tests {
    use super::super::testing::with_trouble;
    use super::*;

    pub(super) fn a_pointer() -> Facts {
        with_trouble(DataTrouble::LfsPointer, "a pointer")
    }

    pub(super) fn nothing() -> Facts {
        crate::testing::healthy()
    }

    pub(super) fn cut() -> Facts {
        with_trouble(DataTrouble::Damaged, "it ends too early")
    }
}
