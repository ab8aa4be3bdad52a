//! DAT003: loading a data file of the project runs something.

use report::{Fix, Safety, Severity};

use super::{about, mention_the_rest, names, severity};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DataFile, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "DAT003",
    name: "dangerous-pickle",
    summary: "A pickle in the project calls something else than constructors of data",
    page: include_str!("../../../pages/DAT003.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::calls_the_system, tests::hides, tests::of_the_tests],
        silent: &[tests::nothing, tests::objects_of_data],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let all = &facts.source_tree.data_files;
    let dangerous: Vec<&DataFile> = all.iter().filter(|file| !file.dangerous.is_empty()).collect();
    let hiding: Vec<&DataFile> =
        all.iter().filter(|file| file.dangerous.is_empty() && file.hides).collect();
    if dangerous.is_empty() && hiding.is_empty() {
        mention_the_rest(facts, findings);
        return;
    }
    let cause = "A pickle is a program that runs when it is loaded, with the rights of its reader";
    let refuse = || {
        Fix::new(Safety::Manual, "do not load it unless its author is trusted")
            .by_hand("ask for the data as .npz without pickling, Parquet, Arrow or safetensors")
    };
    if let Some(first) = dangerous.first() {
        let verb = if dangerous.len() == 1 { "calls or imports" } else { "call or import" };
        let what =
            if dangerous.len() == 1 { first.dangerous[0].as_str() } else { "dangerous names" };
        let message = format!("{} {verb} {what} when loaded", names(facts, &dangerous));
        let says = |file: &DataFile| format!("imports {}", file.dangerous.join(", "));
        let severity = severity(facts, &dangerous);
        findings.push(about(facts, severity, message, &dangerous, says).cause(cause).fix(refuse()));
    }
    if !hiding.is_empty() {
        let verb = if hiding.len() == 1 { "hides" } else { "hide" };
        let message = format!("{} {verb} what would be imported on loading", names(facts, &hiding));
        let says = |_: &DataFile| "names are computed, or instructions do not fit".to_owned();
        findings
            .push(about(facts, Severity::Info, message, &hiding, says).cause(cause).fix(refuse()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::with;
    use super::*;

    pub(super) fn calls_the_system() -> Facts {
        with(|file| file.dangerous = vec!["os.system".to_owned(), "builtins.eval".to_owned()])
    }

    pub(super) fn hides() -> Facts {
        with(|file| file.hides = true)
    }

    pub(super) fn of_the_tests() -> Facts {
        let mut facts = calls_the_system();
        facts.source_tree.data_files[0].path = facts.project.root.join("tests/evil.pkl");
        facts
    }

    pub(super) fn nothing() -> Facts {
        crate::testing::healthy()
    }

    pub(super) fn objects_of_data() -> Facts {
        with(|file| file.objects = vec!["x: dtype |O, shape [2]".to_owned()])
    }

    fn found(facts: &Facts) -> report::Finding {
        let mut findings = Findings::default();
        run(facts, &mut findings);
        findings.list.remove(0)
    }

    #[test]
    fn what_tests_keep_is_worth_knowing_only() {
        assert_eq!(found(&calls_the_system()).severity, Severity::Warning);
        assert!(
            found(&calls_the_system()).message.contains("data/x.npz calls or imports os.system")
        );
        assert_eq!(found(&of_the_tests()).severity, Severity::Info);
    }
}
