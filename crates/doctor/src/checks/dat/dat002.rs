//! DAT002: a data file of the project holds arrays of Python objects.

use report::{Fix, Safety, Severity};

use super::{about, mention_the_rest, names};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DataFile, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "DAT002",
    name: "object-array",
    summary: "A data file of the project holds Python objects, which numpy refuses to load",
    page: include_str!("../../../pages/DAT002.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::objects],
        silent: &[tests::nothing, tests::a_plain_pickle, tests::text_of_numpy_2],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    // Text of numpy 2 is stored as objects too, and is DAT006.
    let files: Vec<&DataFile> = facts
        .source_tree
        .data_files
        .iter()
        .filter(|file| !file.objects.is_empty() && !file.has_new_strings)
        .collect();
    if files.is_empty() {
        mention_the_rest(facts, findings);
        return;
    }
    let verb = if files.len() == 1 { "holds" } else { "hold" };
    let message = format!(
        "{} {verb} Python objects, which numpy loads only with allow_pickle=True",
        names(facts, &files)
    );
    let finding = about(facts, Severity::Info, message, &files, |file| file.objects.join("; "))
        .cause("Objects are stored as a pickle, which can run anything when it is loaded")
        .fix(Fix::new(Safety::Manual, "store typed arrays").by_hand(
            "store lists of unequal length as one flat array with offsets, text as dtype='U...', \
             dictionaries as several arrays of one .npz",
        ));
    findings.push(finding);
}

#[cfg(test)]
mod tests {
    use super::super::testing::with;
    use super::*;

    pub(super) fn objects() -> Facts {
        with(|file| file.objects = vec!["x: dtype |O, shape [2]".to_owned()])
    }

    pub(super) fn nothing() -> Facts {
        crate::testing::healthy()
    }

    pub(super) fn a_plain_pickle() -> Facts {
        with(|file| file.dangerous = vec!["os.system".to_owned()])
    }

    pub(super) fn text_of_numpy_2() -> Facts {
        let mut facts = objects();
        facts.source_tree.data_files[0].has_new_strings = true;
        facts
    }
}
