//! NPY003: Cython code for numpy 1, and numpy is 2.

use report::{Finding, Severity};

use super::files;
use super::verdict::{Verdict, mismatches, numpy_version, say_what_was_not_judged};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, ModuleFacts};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "NPY003",
    name: "numpy-dtype-size-changed",
    summary: "Cython modules that were compiled for numpy 1 meet numpy 2",
    page: include_str!("../../../pages/NPY003.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::h5py],
        silent: &[tests::with_numpy_1, tests::for_both, tests::beside_c_code],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    for environment in facts.judged() {
        let old = mismatches(environment)
            .into_iter()
            .filter(|(_, verdict)| matches!(verdict, Verdict::OldInterface | Verdict::OldTypes));
        for (package, modules) in files::by_package(old) {
            // A package with C code too has its finding already: NPY001.
            if modules.iter().all(|(_, verdict)| *verdict == Verdict::OldTypes) {
                let found = finding(facts, environment, &package, &modules);
                let files = modules.iter().map(|(module, _)| *module);
                findings.push(files::under_conda(found, facts, environment, files));
            }
        }
    }
    say_what_was_not_judged(facts, findings);
}

fn finding(
    facts: &Facts,
    environment: &EnvironmentFacts,
    package: &str,
    modules: &[(&ModuleFacts, Verdict)],
) -> Finding {
    let numpy = numpy_version(environment).map(ToString::to_string).unwrap_or_default();
    let named = files::with_version(environment, package);
    let finding = Finding::new(
        Severity::Error,
        environment.subject(facts),
        format!(
            "{named} was compiled by Cython for numpy 1 and cannot be imported with numpy {numpy}"
        ),
    );
    let shown = modules
        .iter()
        .map(|(module, _)| (*module, "compares numpy's types with those of numpy 1".to_owned()));
    let finding = files::show(finding, facts, shown)
        .seen(
            "Python will say: `ValueError: numpy.dtype size changed, may indicate binary \
             incompatibility. Expected 96 from C header, got 88 from PyObject`",
        )
        .cause(format!(
            "numpy 2's dtype is smaller in memory (88 bytes) than numpy 1's (96), and this build \
             of {package} has the old size compiled in"
        ));
    let first = modules.first().map(|(module, _)| *module);
    files::cured(finding, facts, environment, package, first)
}

#[cfg(test)]
mod tests {
    use artifacts::NumpyUse;

    use super::*;
    use crate::checks::npy::cases::{add_module, for_numpy_1, set_numpy};
    use crate::testing::{healthy, venv};

    fn by_cython() -> NumpyUse {
        NumpyUse { checks_type_sizes: true, ..for_numpy_1() }
    }

    pub(super) fn h5py() -> Facts {
        let mut facts = healthy();
        add_module(venv(&mut facts), "h5py", "h5py.defs", by_cython());
        facts
    }

    pub(super) fn with_numpy_1() -> Facts {
        let mut facts = h5py();
        set_numpy(venv(&mut facts), "1.26.4");
        facts
    }

    pub(super) fn for_both() -> Facts {
        let mut facts = healthy();
        let uses = NumpyUse { mentions_underscore_core: true, ..by_cython() };
        add_module(venv(&mut facts), "h5py", "h5py.defs", uses);
        facts
    }

    pub(super) fn beside_c_code() -> Facts {
        let mut facts = h5py();
        add_module(venv(&mut facts), "h5py", "h5py.other", for_numpy_1());
        facts
    }
}
