//! DAT004: a data file of the project contradicts itself in a way that harms careless readers.

use report::{Fix, Safety};

use super::{about, mention_the_rest, names, severity, troubled, what_is_wrong};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DataTrouble, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "DAT004",
    name: "hostile-archive",
    summary: "An archive in the project claims more than it holds, or reaches outside of itself",
    page: include_str!("../../../pages/DAT004.md"),
    run,
    #[cfg(test)]
    cases: Cases { fires: &[tests::reaches_outside], silent: &[tests::nothing, tests::merely_cut] },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let files = troubled(facts, DataTrouble::Hostile);
    if files.is_empty() {
        mention_the_rest(facts, findings);
        return;
    }
    let verb = if files.len() == 1 { "contradicts itself" } else { "contradict themselves" };
    let message = format!("{} {verb} in a way that harms readers", names(facts, &files));
    let says = |file: &crate::DataFile| what_is_wrong(file, DataTrouble::Hostile);
    findings.push(
        about(facts, severity(facts, &files), message, &files, says)
            .cause("Somebody made it so, or it was damaged in a way that looks like it")
            .fix(
                Fix::new(Safety::Manual, "do not load it")
                    .by_hand("fetch it again from its source and compare its hash"),
            ),
    );
}

#[cfg(test)]
mod tests {
    use super::super::testing::with_trouble;
    use super::*;

    pub(super) fn reaches_outside() -> Facts {
        with_trouble(DataTrouble::Hostile, "the member \"../../x.npy\" leads out of the archive")
    }

    pub(super) fn nothing() -> Facts {
        crate::testing::healthy()
    }

    pub(super) fn merely_cut() -> Facts {
        with_trouble(DataTrouble::Damaged, "it has no directory at its end")
    }
}
