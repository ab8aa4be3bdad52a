//! NPY007: numpy's own C module is for another Python, or not there.

use host::Seen;
use numpy_rules::has_wheels;
use pep440_rs::Version;
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, NumpyFacts, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "NPY007",
    name: "numpy-of-another-python",
    summary: "numpy's own C module is for another Python or processor, or is missing",
    page: include_str!("../../../pages/NPY007.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::of_3_10, tests::missing, tests::of_another_processor],
        silent: &[
            tests::whole,
            tests::several_pythons_share_it,
            tests::only_conda_remembers,
            tests::unknown_abi,
        ],
    },
};

const MODULE: &str = "_multiarray_umath";

fn run(facts: &Facts, findings: &mut Findings) {
    let mut judged = 0;
    for environment in facts.judged() {
        let Some(numpy) = &environment.numpy else { continue };
        let Some(abi) = environment.python.abi.get() else { continue };
        if numpy.version.is_absent() && numpy.multiarray.is_empty() {
            // Records without files are another fault: PKG001, NPY008.
            continue;
        }
        judged += 1;
        let fits = |name: &&String| {
            abi.extension_suffixes.iter().any(|suffix| **name == format!("{MODULE}{suffix}"))
        };
        match numpy.multiarray.iter().find(fits) {
            None => findings.push(of_another_python(facts, environment, numpy)),
            Some(name) => {
                findings.list.extend(of_another_processor(facts, environment, numpy, name));
            }
        }
    }
    if judged == 0 {
        findings.skip("no environment that the project uses has a numpy whose files could be read");
    }
}

fn of_another_python(facts: &Facts, environment: &EnvironmentFacts, numpy: &NumpyFacts) -> Finding {
    let wanted = environment.python.abi.get().map(|abi| abi.extension_suffix.as_str());
    let wanted = format!("{MODULE}{}", wanted.unwrap_or_default());
    let python = environment.python.version.get().map(ToString::to_string).unwrap_or_default();
    let (message, cause) = match numpy.multiarray.first() {
        Some(found) => (
            format!("numpy here is built for another Python: it has {found}, not {wanted}"),
            format!(
                "The files of numpy come from a Python other than {python}: copied from another \
                 environment, or installed before this environment's Python changed"
            ),
        ),
        None => (
            format!("numpy here has no {MODULE}, the C module that everything in it needs"),
            "The installation of numpy was interrupted or its files were deleted, or this is a \
             checkout of its sources that was never built"
                .to_owned(),
        ),
    };
    let mut finding = Finding::new(Severity::Error, environment.subject(facts), message)
        .seen_at(facts.native(&numpy.directory), format!("needs {wanted}"));
    for name in &numpy.multiarray {
        finding = finding.seen_at(facts.native(&numpy.directory), format!("has {name}"));
    }
    for leftover in &environment.python.leftovers {
        let name = leftover.file_name().map(|name| name.to_string_lossy().into_owned());
        if name.is_some_and(|name| name.starts_with("~umpy")) {
            finding = finding
                .seen_at(facts.native(leftover), "left behind by a pip that was interrupted");
        }
    }
    let says = if numpy.best_version().is_some_and(numpy_rules::is_numpy_2) {
        "numpy._core._multiarray_umath"
    } else {
        "numpy.core._multiarray_umath"
    };
    finding
        .seen(format!(
            "Python will say: `Importing the numpy C-extensions failed`, `No module named '{says}'`"
        ))
        .cause(cause)
        .fix(reinstall(facts, environment, numpy))
}

fn of_another_processor(
    facts: &Facts,
    environment: &EnvironmentFacts,
    numpy: &NumpyFacts,
    name: &str,
) -> Option<Finding> {
    let pythons = environment.python.architectures.get()?;
    let module = environment.modules.iter().find(|module| {
        module.path.starts_with(numpy.directory.as_path())
            && module.path.file_name().is_some_and(|file| file == name)
    })?;
    let Seen::Seen(native) = &module.native else { return None };
    let runs = |arch: &String| pythons.contains(&host::Arch::from(arch.as_str()));
    if native.architectures.is_empty() || native.architectures.iter().any(runs) {
        return None;
    }
    let has = native.architectures.join(", ");
    let wants: Vec<&str> = pythons.iter().map(host::Arch::name).collect();
    let wants = wants.join(", ");
    Some(
        Finding::new(
            Severity::Error,
            environment.subject(facts),
            format!("numpy here is built for {has}, and this Python runs on {wants}"),
        )
        .seen_at(facts.native(&module.path), has)
        .cause("The files of numpy come from a Python for another processor")
        .fix(reinstall(facts, environment, numpy)),
    )
}

/// The same numpy again, if this Python has it; else the newest that it has.
fn reinstall(facts: &Facts, environment: &EnvironmentFacts, numpy: &NumpyFacts) -> Fix {
    let version = numpy.best_version().filter(|version| suits(version, environment));
    let fix = Fix::new(Safety::Confirm, "install numpy again, for this Python");
    if environment.python.conda_packages.iter().any(|record| record.name == "numpy") {
        let requirement = numpy.conda_meta.first().map(|version| format!("numpy={version}"));
        let requirement = requirement.as_deref().unwrap_or("numpy");
        return fix.run(cures::conda_install(
            facts,
            environment,
            &["--force-reinstall", requirement],
        ));
    }
    let requirement = version.map_or_else(|| "numpy".to_owned(), |v| format!("numpy=={v}"));
    let arguments = if cures::uses_uv_pip(facts, environment) {
        vec!["--reinstall", "--no-deps", requirement.as_str()]
    } else {
        vec!["--force-reinstall", "--no-deps", "--no-cache-dir", requirement.as_str()]
    };
    fix.run(cures::pip_install(facts, environment, &arguments))
}

fn suits(numpy: &Version, environment: &EnvironmentFacts) -> bool {
    let python = environment.python.version.get();
    python.and_then(|python| has_wheels(numpy, python)) == Some(true)
}

#[cfg(test)]
mod tests {
    use host::HostPath;
    use report::Step;

    use super::*;
    use crate::checks::npy::cases::{add_module, set_numpy};
    use crate::testing::{healthy, venv};

    fn having(names: &[&str]) -> Facts {
        let mut facts = healthy();
        let numpy = venv(&mut facts).numpy.as_mut().unwrap();
        numpy.multiarray = names.iter().map(|name| (*name).to_owned()).collect();
        facts
    }

    pub(super) fn of_3_10() -> Facts {
        having(&["_multiarray_umath.cpython-310-x86_64-linux-gnu.so"])
    }

    pub(super) fn missing() -> Facts {
        having(&[])
    }

    pub(super) fn several_pythons_share_it() -> Facts {
        having(&[
            "_multiarray_umath.cpython-310-x86_64-linux-gnu.so",
            "_multiarray_umath.cpython-311-x86_64-linux-gnu.so",
        ])
    }

    pub(super) fn whole() -> Facts {
        with_module("x86_64")
    }

    pub(super) fn of_another_processor() -> Facts {
        with_module("aarch64")
    }

    fn with_module(architecture: &str) -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        let name = "numpy._core._multiarray_umath";
        add_module(environment, "numpy", name, artifacts::NumpyUse::default());
        if let Some(module) = environment.modules.last_mut()
            && let Seen::Seen(native) = &mut module.native
        {
            native.architectures = vec![architecture.to_owned()];
        }
        facts
    }

    pub(super) fn only_conda_remembers() -> Facts {
        let mut facts = missing();
        venv(&mut facts).numpy.as_mut().unwrap().version = Seen::Absent;
        facts
    }

    pub(super) fn unknown_abi() -> Facts {
        let mut facts = of_3_10();
        venv(&mut facts).python.abi = Seen::Broken("no sysconfig".to_owned());
        facts
    }

    fn command(facts: &Facts) -> String {
        let mut findings = Findings::default();
        run(facts, &mut findings);
        match &findings.list[0].fixes[0].steps[0] {
            Step::Run { argv } => argv.join(" "),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_same_numpy_comes_back_where_this_python_has_it() {
        let mut facts = of_3_10();
        assert!(command(&facts).ends_with("--no-cache-dir numpy==2.2.6"));
        set_numpy(venv(&mut facts), "1.21.6");
        venv(&mut facts).numpy.as_mut().unwrap().multiarray =
            vec!["_multiarray_umath.cpython-310-x86_64-linux-gnu.so".to_owned()];
        assert!(command(&facts).ends_with("--no-cache-dir numpy"));
    }

    #[test]
    fn uv_and_conda_have_their_own_words() {
        let mut facts = of_3_10();
        let environment = venv(&mut facts);
        environment.python.kind = pyenvs::EnvironmentKind::UvVenv;
        environment.python.packages.retain(|package| package.name != "pip");
        assert!(command(&facts).starts_with("uv pip install --python"));
        let environment = venv(&mut facts);
        environment.python.conda_packages = vec![pyenvs::CondaRecord {
            name: "numpy".to_owned(),
            version: "2.2.6".to_owned(),
            build: "py311_0".to_owned(),
            path: HostPath::from("/c/conda-meta/numpy-2.2.6-py311_0.json"),
        }];
        assert!(command(&facts).starts_with("conda install"));
    }
}
