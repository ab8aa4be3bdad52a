//! NPY001: C or C++ code for numpy 1, and numpy is 2.

use report::{Finding, Severity};

use super::files;
use super::verdict::{Verdict, mismatches, numpy_version, say_what_was_not_judged};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, ModuleFacts};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "NPY001",
    name: "compiled-for-numpy-1",
    summary: "Extension modules that were compiled for numpy 1 meet numpy 2",
    page: include_str!("../../../pages/NPY001.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::bottleneck, tests::library_of_torch],
        silent: &[
            tests::for_both,
            tests::with_numpy_1,
            tests::pybind11,
            tests::of_another_python,
            tests::numpys_own,
            tests::not_judged,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    for environment in facts.judged() {
        let old = mismatches(environment)
            .into_iter()
            .filter(|(_, verdict)| matches!(verdict, Verdict::OldInterface | Verdict::OldTypes));
        for (package, modules) in files::by_package(old) {
            // Where Cython is all there is, Python says something else: NPY003.
            if modules.iter().any(|(_, verdict)| *verdict == Verdict::OldInterface) {
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
    // A library that is no module itself is loaded by one which may go on without numpy.
    let is_module = |module: &ModuleFacts| {
        module.native.get().is_some_and(|native| !native.init_functions.is_empty())
    };
    let fails = modules.iter().any(|(module, _)| is_module(module));
    let (severity, what) = if fails {
        (Severity::Error, "cannot be imported with")
    } else {
        (Severity::Warning, "works without its numpy part beside")
    };
    let message = format!("{named} was compiled for numpy 1 and {what} numpy {numpy}");
    let finding = Finding::new(severity, environment.subject(facts), message);
    let shown = modules.iter().map(|(module, _)| {
        (
            *module,
            "refers to numpy.core and not to numpy._core, as code for numpy 1 does".to_owned(),
        )
    });
    let finding = files::show(finding, facts, shown)
        .seen("Python will say: `AttributeError: _ARRAY_API not found`")
        .cause(format!(
            "The C interface of numpy 2 is another one than that of numpy 1. This build of \
             {package} knows only the old one, and nothing declares it (`pip check` is content)"
        ));
    let first = modules.first().map(|(module, _)| *module);
    files::cured(finding, facts, environment, package, first)
}

#[cfg(test)]
mod tests {
    use artifacts::NumpyUse;

    use super::*;
    use crate::checks::npy::cases::{add_module, for_numpy_1, set_numpy};
    use crate::testing::{healthy, system, venv};

    pub(super) fn bottleneck() -> Facts {
        let mut facts = healthy();
        add_module(venv(&mut facts), "bottleneck", "bottleneck.move", for_numpy_1());
        facts
    }

    pub(super) fn library_of_torch() -> Facts {
        let mut facts = bottleneck();
        let module = venv(&mut facts).modules.last_mut().unwrap();
        if let host::Seen::Seen(native) = &mut module.native {
            native.init_functions.clear();
        }
        facts
    }

    pub(super) fn for_both() -> Facts {
        let mut facts = healthy();
        let uses = NumpyUse {
            mentions_underscore_core: true,
            oldest_numpy: Some((1, 20)),
            ..for_numpy_1()
        };
        add_module(venv(&mut facts), "pandas", "pandas._libs.lib", uses);
        facts
    }

    pub(super) fn with_numpy_1() -> Facts {
        let mut facts = bottleneck();
        set_numpy(venv(&mut facts), "1.26.4");
        facts
    }

    pub(super) fn pybind11() -> Facts {
        let mut facts = healthy();
        let uses = NumpyUse { imports_c_api: false, ..for_numpy_1() };
        add_module(venv(&mut facts), "contourpy", "contourpy._contourpy", uses);
        facts
    }

    pub(super) fn of_another_python() -> Facts {
        let mut facts = bottleneck();
        let module = venv(&mut facts).modules.last_mut().unwrap();
        module.suffix = ".cpython-310-x86_64-linux-gnu.so".to_owned();
        facts
    }

    pub(super) fn numpys_own() -> Facts {
        let mut facts = healthy();
        add_module(venv(&mut facts), "numpy", "numpy.random.mtrand", for_numpy_1());
        facts
    }

    pub(super) fn not_judged() -> Facts {
        let mut facts = bottleneck();
        let module = venv(&mut facts).modules.pop().unwrap();
        let numpy = venv(&mut facts).numpy.clone();
        system(&mut facts).modules.push(module);
        system(&mut facts).numpy = numpy;
        facts
    }

    #[test]
    fn one_finding_for_a_package_whatever_the_number_of_its_files() {
        let mut facts = bottleneck();
        for name in ["reduce", "nonreduce", "nonreduce_axis"] {
            let name = format!("bottleneck.{name}");
            add_module(venv(&mut facts), "bottleneck", &name, for_numpy_1());
        }
        let mut findings = Findings::default();
        run(&facts, &mut findings);
        let [finding] = findings.list.as_slice() else { panic!("{:?}", findings.list) };
        assert_eq!(
            finding.message,
            "bottleneck 1.3.8 was compiled for numpy 1 and cannot be imported with numpy 2.2.6"
        );
        assert!(finding.evidence.iter().any(|e| e.value.contains("1 more")));
    }

    #[test]
    fn pip_over_conda_is_the_cause_where_condas_numpy_would_fit() {
        let mut facts = bottleneck();
        let because_of = |facts: &Facts| {
            let mut findings = Findings::default();
            run(facts, &mut findings);
            findings.list[0].because_of.as_ref().map(|cause| cause.code.clone())
        };
        assert_eq!(because_of(&facts), None);
        venv(&mut facts).python.kind = pyenvs::EnvironmentKind::Conda;
        venv(&mut facts).numpy.as_mut().unwrap().conda_meta = vec!["1.26.4".parse().unwrap()];
        assert_eq!(because_of(&facts).as_deref(), Some("NPY008"));
    }

    #[test]
    fn a_library_without_an_init_function_is_a_warning() {
        let mut findings = Findings::default();
        run(&library_of_torch(), &mut findings);
        assert_eq!(findings.list[0].severity, Severity::Warning);
    }

    #[test]
    fn numpy_1_is_no_cure_where_a_module_needs_numpy_2() {
        let mut facts = bottleneck();
        let uses = NumpyUse { oldest_numpy: Some((2, 0)), ..NumpyUse::default() };
        add_module(venv(&mut facts), "new", "new._new", uses);
        let mut findings = Findings::default();
        run(&facts, &mut findings);
        assert_eq!(findings.list[0].fixes.len(), 1);
    }

    #[test]
    fn a_module_that_could_not_be_read_is_no_module_that_is_fine() {
        let mut facts = for_both();
        let module = venv(&mut facts).modules.last_mut().unwrap();
        module.native = host::Seen::Broken("truncated ELF file".to_owned());
        let mut findings = Findings::default();
        run(&facts, &mut findings);
        assert!(findings.skipped.is_some_and(|reason| reason.contains("truncated")));
    }
}
