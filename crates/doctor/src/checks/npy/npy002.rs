//! NPY002: a module that asks for a newer numpy than the one beside it.

use numpy_rules::{api_version, has_wheels};
use report::{Finding, Fix, Safety, Severity};

use super::files;
use super::verdict::{Verdict, importable, mismatches, numpy_version, say_what_was_not_judged};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, ModuleFacts, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "NPY002",
    name: "compiled-for-newer-numpy",
    summary: "Extension modules that ask for a newer numpy than is installed",
    page: include_str!("../../../pages/NPY002.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::for_numpy_2, tests::for_a_newer_numpy_2, tests::a_part_of_a_package],
        silent: &[tests::for_this_numpy, tests::for_an_older_one, tests::without_numpy],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    for environment in facts.judged() {
        let newer =
            mismatches(environment).into_iter().filter_map(|(module, verdict)| match verdict {
                Verdict::TooNew { oldest } => Some((module, oldest)),
                _ => None,
            });
        for (package, modules) in files::by_package(newer) {
            let found = finding(facts, environment, &package, &modules);
            let files = modules.iter().map(|(module, _)| *module);
            findings.push(files::under_conda(found, facts, environment, files));
        }
    }
    say_what_was_not_judged(facts, findings);
}

fn finding(
    facts: &Facts,
    environment: &EnvironmentFacts,
    package: &str,
    modules: &[(&ModuleFacts, [u64; 2])],
) -> Finding {
    let numpy = numpy_version(environment).map(ToString::to_string).unwrap_or_default();
    let [major, minor] = modules.iter().map(|(_, oldest)| *oldest).max().unwrap_or_default();
    let named = files::with_version(environment, package);
    let wants = format!("numpy {major}.{minor} or newer");
    let fitting = fitting_module(environment, package);
    let (severity, message) = match fitting {
        None => {
            (Severity::Error, format!("{named} was compiled for {wants} and meets numpy {numpy}"))
        }
        Some(_) => {
            (Severity::Warning, format!("a part of {named} needs {wants} and meets numpy {numpy}"))
        }
    };
    let finding = Finding::new(severity, environment.subject(facts), message);
    let shown = modules.iter().map(|(module, [major, minor])| {
        (*module, format!("names numpy {major}.{minor} as the oldest that it accepts"))
    });
    let mut finding = files::show(finding, facts, shown);
    if let Some(facts_of_numpy) = &environment.numpy {
        let has = facts_of_numpy.api_version.get().copied().or_else(|| {
            numpy_version(environment).and_then(|version| api_version(numpy_rules::minor(version)))
        });
        if let (Some(wants), Some(has)) = (api_version([major, minor]), has) {
            finding = finding.seen_at(
                facts.native(&facts_of_numpy.directory),
                format!("numpy {numpy}, with C interface 0x{has:x}; the module wants 0x{wants:x}"),
            );
        }
    }
    if let Some(module) = fitting {
        finding = finding.seen_at(
            facts.native(&module.path),
            format!("was compiled for numpy {numpy} too, so the rest of {package} works"),
        );
    }
    let finding = finding
        .seen(
            "Python will say: `RuntimeError: module was compiled against NumPy C-API version ... \
             but the running NumPy has C-API version ...`",
        )
        .cause(format!(
            "numpy's C interface grows: code that was compiled for the interface of numpy \
             {major}.{minor} runs with that numpy and newer ones, never with an older one"
        ));
    newer_numpy(facts, environment, [major, minor])
        .into_iter()
        .chain(modules.first().map(|(module, _)| rebuild(facts, environment, package, module)))
        .fold(finding, Finding::fix)
}

/// A module of the same package that is for this numpy: the package as a whole was made for it as
/// well, and what asks for more is a part that it can do without, such as h5py's strings of numpy 2.
fn fitting_module<'a>(environment: &'a EnvironmentFacts, package: &str) -> Option<&'a ModuleFacts> {
    let numpy = numpy_version(environment)?;
    importable(environment).find(|module| {
        module.package.as_deref() == Some(package)
            && module.native.get().is_some_and(|native| {
                native.numpy.imports_c_api
                    && native.numpy.oldest_numpy.is_some()
                    && Verdict::of(native, numpy).is_none()
            })
    })
}

/// The numpy that the module asks for, where this Python has it.
fn newer_numpy(facts: &Facts, environment: &EnvironmentFacts, oldest: [u64; 2]) -> Option<Fix> {
    let [major, minor] = oldest;
    let python = environment.python.version.get()?;
    let wanted = format!("{major}.{minor}").parse().ok()?;
    if has_wheels(&wanted, python) == Some(false) {
        return None;
    }
    let requirement = format!("numpy>={major}.{minor}");
    let title = format!("upgrade numpy to {major}.{minor} or newer");
    let command = cures::install(facts, environment, "numpy", &requirement);
    Some(Fix::new(Safety::Confirm, title).run(command))
}

/// The same release compiled here, against the numpy that is here.
fn rebuild(
    facts: &Facts,
    environment: &EnvironmentFacts,
    package: &str,
    module: &ModuleFacts,
) -> Fix {
    let Some(name) = &module.package else {
        return files::renew(facts, environment, package, module);
    };
    let numpy = numpy_version(environment).map(ToString::to_string).unwrap_or_default();
    Fix::new(Safety::Manual, format!("or install a build of {name} for numpy {numpy}")).by_hand(
        format!("choose a release of {name} that supports numpy {numpy}, or compile it against it"),
    )
}

#[cfg(test)]
mod tests {
    use artifacts::NumpyUse;

    use super::*;
    use crate::checks::npy::cases::{add_module, set_numpy};
    use crate::testing::{healthy, venv};

    fn with(oldest: (u16, u16), numpy: &str) -> Facts {
        let mut facts = healthy();
        let uses = NumpyUse {
            mentions_core: true,
            mentions_underscore_core: true,
            mentions_c_api: true,
            imports_c_api: true,
            oldest_numpy: Some(oldest),
            ..NumpyUse::default()
        };
        add_module(venv(&mut facts), "fresh", "fresh._fresh", uses);
        set_numpy(venv(&mut facts), numpy);
        facts
    }

    pub(super) fn for_numpy_2() -> Facts {
        with((2, 0), "1.26.4")
    }

    pub(super) fn for_a_newer_numpy_2() -> Facts {
        with((2, 3), "2.2.6")
    }

    /// As h5py 3.16 is: all modules are for numpy 1 as well, and one is for the strings of numpy 2.
    pub(super) fn a_part_of_a_package() -> Facts {
        let mut facts = for_numpy_2();
        let uses = NumpyUse {
            mentions_core: true,
            mentions_underscore_core: true,
            imports_c_api: true,
            oldest_numpy: Some((1, 19)),
            ..NumpyUse::default()
        };
        add_module(venv(&mut facts), "fresh", "fresh._main", uses);
        facts
    }

    pub(super) fn for_this_numpy() -> Facts {
        with((2, 1), "2.2.6")
    }

    pub(super) fn for_an_older_one() -> Facts {
        with((1, 20), "1.24.4")
    }

    pub(super) fn without_numpy() -> Facts {
        let mut facts = for_numpy_2();
        venv(&mut facts).numpy = None;
        facts
    }

    #[test]
    fn a_package_that_works_without_the_part_is_no_error() {
        let severity = |facts: &Facts| {
            let mut findings = Findings::default();
            run(facts, &mut findings);
            (findings.list[0].severity, findings.list[0].message.clone())
        };
        assert_eq!(severity(&for_numpy_2()).0, Severity::Error);
        let (severity, message) = severity(&a_part_of_a_package());
        assert_eq!(severity, Severity::Warning);
        assert!(message.starts_with("a part of fresh "), "{message}");
    }

    #[test]
    fn numpy_is_upgraded_only_where_this_python_has_it() {
        let mut facts = with((2, 3), "2.0.2");
        let fixes = |facts: &Facts| {
            let mut findings = Findings::default();
            run(facts, &mut findings);
            findings.list[0].fixes.clone()
        };
        assert_eq!(fixes(&facts)[0].title, "upgrade numpy to 2.3 or newer");
        venv(&mut facts).python.version = host::Seen::Seen("3.9.18".parse().unwrap());
        assert_eq!(fixes(&facts)[0].safety, Safety::Manual);
    }
}
