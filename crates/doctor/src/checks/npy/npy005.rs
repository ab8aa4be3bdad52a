//! NPY005: Rust code whose `numpy` crate is older than numpy 2.

use numpy_rules::is_numpy_2;
use report::{Finding, Fix, Safety, Severity};

use super::files;
use super::verdict::{Verdict, is_old_crate, mismatches, numpy_version, say_what_was_not_judged};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{CargoLock, EnvironmentFacts, Facts, Findings, LockedPackage, ModuleFacts, subjects};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "NPY005",
    name: "old-numpy-crate",
    summary: "Rust code whose numpy crate is older than the numpy 2 it meets",
    page: include_str!("../../../pages/NPY005.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::locked, tests::compiled_in],
        silent: &[
            tests::locked_new,
            tests::compiled_in_new,
            tests::with_numpy_1,
            tests::compiled_in_with_numpy_1,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let lock = facts.project.lock.get();
    let locked = lock.into_iter().flat_map(|lock| {
        let old = facts.project.locked("numpy").into_iter();
        old.filter(|package| is_old_crate(&package.version)).map(move |package| (lock, package))
    });
    let with_numpy_2: Vec<&EnvironmentFacts> = facts
        .judged()
        .filter(|environment| numpy_version(environment).is_some_and(is_numpy_2))
        .collect();
    let mut subject = None;
    if !with_numpy_2.is_empty() {
        for (lock, package) in locked {
            let finding = of_lock(facts, lock, package, &with_numpy_2);
            subject = Some(finding.subject.clone());
            findings.push(finding);
        }
    }
    for environment in with_numpy_2 {
        let old =
            mismatches(environment).into_iter().filter_map(|(module, verdict)| match verdict {
                Verdict::OldCrate { version } => Some((module, version)),
                _ => None,
            });
        for (package, modules) in files::by_package(old) {
            let finding = of_modules(facts, environment, &package, &modules);
            let is_projects = facts
                .project
                .pyproject
                .get()
                .is_some_and(|project| project.name.as_deref() == Some(package.as_str()));
            // What the project's own lock file says is the cause of what its module says.
            findings.push(match &subject {
                Some(subject) if is_projects => finding.because_of("NPY005", subject.clone()),
                _ => finding,
            });
        }
    }
    say_what_was_not_judged(facts, findings);
}

const CAUSE: &str = "The numpy crate learned of numpy 2 in version 0.22: an older one reads numpy's \
                     table of functions by numpy 1's layout, in which numpy 2 has emptied some places";

fn of_lock(
    facts: &Facts,
    lock: &CargoLock,
    package: &LockedPackage,
    environments: &[&EnvironmentFacts],
) -> Finding {
    let path = facts.native(&lock.path);
    let version = &package.version;
    let names: Vec<String> = environments
        .iter()
        .map(|environment| {
            let numpy = numpy_version(environment).map(ToString::to_string).unwrap_or_default();
            format!("{} (numpy {numpy})", facts.short(&environment.python.prefix))
        })
        .collect();
    let message = format!(
        "the project's numpy crate {version} does not know numpy 2, which is in {}",
        names.join(", ")
    );
    let finding = Finding::new(Severity::Warning, subjects::project(facts), message)
        .seen_at(&path, format!("numpy {version}"))
        .seen(
            "some calls work, some crash: `Failed to access NumPy array API capsule`, or a \
             segmentation fault in PyArray_CopyInto",
        )
        .cause(CAUSE);
    let fix = Fix::new(Safety::Manual, "raise the numpy crate to 0.22 or newer, and pyo3 with it");
    let fix = facts.project.crates_using("numpy").fold(fix, |fix, manifest| {
        fix.edit(
            facts.native(&manifest.path),
            "numpy = \"0.22\" or newer, and pyo3 = the same minor version (numpy 0.N goes with \
             pyo3 0.N)",
        )
    });
    let manifest = facts.project.workspace_root.as_ref().unwrap_or(&facts.project.root);
    let manifest = facts.native(&manifest.join("Cargo.toml"));
    let fix = fix.run(["cargo", "update", "--manifest-path", &manifest, "numpy", "pyo3"]);
    let finding = finding.fix(fix);
    match environments.first().and_then(|environment| files::step_back(facts, environment)) {
        Some(fix) => finding.fix(fix),
        None => finding,
    }
}

fn of_modules(
    facts: &Facts,
    environment: &EnvironmentFacts,
    package: &str,
    modules: &[(&ModuleFacts, String)],
) -> Finding {
    let numpy = numpy_version(environment).map(ToString::to_string).unwrap_or_default();
    let named = files::with_version(environment, package);
    let version = modules.first().map(|(_, version)| version.as_str()).unwrap_or_default();
    let finding = Finding::new(
        Severity::Warning,
        environment.subject(facts),
        format!(
            "{named} holds the numpy crate {version}, which does not know the numpy {numpy} here"
        ),
    );
    let shown = modules
        .iter()
        .map(|(module, version)| (*module, format!("names numpy-{version} in its panic paths")));
    let finding = files::show(finding, facts, shown)
        .seen("it can be imported, and some calls fail: `module 'numpy.core.multiarray'` is kept for it")
        .cause(CAUSE);
    let first = modules.first().map(|(module, _)| *module);
    files::cured(finding, facts, environment, package, first)
}

#[cfg(test)]
mod tests {
    use host::{HostPath, Seen};

    use super::*;
    use crate::checks::npy::cases::{add_rust_module, set_numpy};
    use crate::testing::{PROJECT, healthy, venv};

    fn with_lock(version: &str) -> Facts {
        let mut facts = healthy();
        facts.project.lock = Seen::Seen(CargoLock {
            path: HostPath::from(format!("{PROJECT}/Cargo.lock").as_str()),
            version: 4,
            packages: vec![LockedPackage {
                name: "numpy".to_owned(),
                version: version.to_owned(),
                source: None,
                dependencies: Vec::new(),
            }],
        });
        facts
    }

    pub(super) fn locked() -> Facts {
        with_lock("0.21.0")
    }

    pub(super) fn locked_new() -> Facts {
        with_lock("0.22.1")
    }

    pub(super) fn with_numpy_1() -> Facts {
        let mut facts = locked();
        set_numpy(venv(&mut facts), "1.26.4");
        facts
    }

    pub(super) fn compiled_in() -> Facts {
        let mut facts = healthy();
        add_rust_module(venv(&mut facts), "cdshealpix", "0.17.2");
        facts
    }

    pub(super) fn compiled_in_new() -> Facts {
        let mut facts = healthy();
        add_rust_module(venv(&mut facts), "cdshealpix", "0.23.0");
        facts
    }

    pub(super) fn compiled_in_with_numpy_1() -> Facts {
        let mut facts = compiled_in();
        set_numpy(venv(&mut facts), "1.26.4");
        facts
    }

    #[test]
    fn the_projects_own_module_follows_from_its_lock_file() {
        let mut facts = locked();
        add_rust_module(venv(&mut facts), "example", "0.21.0");
        add_rust_module(venv(&mut facts), "cdshealpix", "0.17.2");
        let mut findings = Findings::default();
        run(&facts, &mut findings);
        let folded = |finding: &Finding| finding.because_of.is_some();
        let by_message = |name: &str| {
            findings.list.iter().find(|finding| finding.message.starts_with(name)).unwrap()
        };
        assert!(folded(by_message("example")));
        assert!(!folded(by_message("cdshealpix")));
        assert!(!folded(by_message("the project's")));
    }
}
