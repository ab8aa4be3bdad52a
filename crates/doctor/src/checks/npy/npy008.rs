//! NPY008: conda's records and the numpy that is really there disagree.

use host::HostPath;
use pep440_rs::Version;
use pyenvs::Package;
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, NumpyFacts, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "NPY008",
    name: "numpy-by-conda-and-pip",
    summary: "conda's record of numpy and its files disagree, as after pip over conda",
    page: include_str!("../../../pages/NPY008.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[
            tests::pip_over_conda,
            tests::same_version,
            tests::uninstalled_by_pip,
            tests::recorded_twice,
        ],
        silent: &[tests::conda_alone, tests::pip_alone, tests::no_files_to_compare],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let mut seen = false;
    for environment in facts.judged().filter(|environment| environment.python.kind.is_conda()) {
        seen = true;
        let Some(numpy) = &environment.numpy else { continue };
        let Some(recorded) = numpy.conda_meta.first() else { continue };
        // A numpy in the user's own directory hides conda's and does not replace it (PKG003).
        let user_site = environment.python.user_site.as_ref();
        if user_site.is_some_and(|site| numpy.directory.starts_with(site)) {
            continue;
        }
        findings.list.extend(judge(facts, environment, numpy, recorded));
    }
    if !seen {
        findings.skip("the project uses no conda environment");
    }
}

fn judge(
    facts: &Facts,
    environment: &EnvironmentFacts,
    numpy: &NumpyFacts,
    recorded: &Version,
) -> Option<Finding> {
    let (severity, message, cause) = if numpy.version.is_absent() && numpy.multiarray.is_empty() {
        (
            Severity::Error,
            format!("conda records numpy {recorded} here, and there is no numpy"),
            "pip uninstalled the numpy that conda had installed; pip does not tell conda"
                .to_owned(),
        )
    } else if let Some(there) = numpy.version.get().filter(|version| *version != recorded) {
        (
            Severity::Warning,
            format!("conda records numpy {recorded} here, and what would be imported is {there}"),
            format!(
                "pip installed numpy {there} over conda's; the next `conda install` or `conda \
                 update` works from a record that is not true, and mixes the two"
            ),
        )
    } else if numpy.dist_info.len() > 1 {
        let versions: Vec<String> = numpy.dist_info.iter().map(ToString::to_string).collect();
        (
            Severity::Warning,
            format!("numpy is recorded {} times here: {}", versions.len(), versions.join(", ")),
            "conda and pip both installed numpy, and one of them was interrupted or did not see the \
             other's record: the files of both may be mixed"
                .to_owned(),
        )
    } else if numpy.altered.is_empty() {
        return None;
    } else {
        (
            Severity::Warning,
            format!("the files of numpy {recorded} here are not those that conda installed"),
            "pip installed the same version of numpy over conda's: its files are other ones, with \
             their own BLAS, and conda's libraries are no longer the ones in use"
                .to_owned(),
        )
    };
    let mut finding = Finding::new(severity, environment.subject(facts), message).cause(cause);
    for record in environment.python.conda_packages.iter().filter(|record| record.name == "numpy") {
        finding = finding.seen_at(facts.native(&record.path), format!("numpy {}", record.version));
    }
    for record in environment.python.packages_named("numpy") {
        let version = record.version.get().map(ToString::to_string).unwrap_or_default();
        let by = record.installer.as_deref().unwrap_or("somebody");
        finding = finding
            .seen_at(facts.native(&record.path), format!("numpy {version}, installed by {by}"));
    }
    if let Some(version) = numpy.version.get() {
        let file = numpy.directory.join("version.py");
        finding = finding.seen_at(facts.native(&file), format!("numpy {version}"));
    }
    for file in &numpy.altered {
        finding = finding.seen_at(facts.native(file), "not the file that conda's record describes");
    }
    if finding.evidence.is_empty() {
        finding = finding.seen_at(
            facts.native(&environment.python.prefix.join("conda-meta")),
            format!("numpy {recorded}"),
        );
    }
    Some(finding.fix(restore(facts, environment, recorded)))
}

/// Records that do not say what to delete go first, since no tool can uninstall by them. Then pip
/// takes its numpy away, once for each record, and conda puts its own back.
fn restore(facts: &Facts, environment: &EnvironmentFacts, recorded: &Version) -> Fix {
    let mut fix = Fix::new(Safety::Confirm, format!("put conda's numpy {recorded} back"));
    let (whole, hollow): (Vec<&Package>, Vec<&Package>) =
        environment.python.packages_named("numpy").partition(|package| package.record.is_seen());
    if !hollow.is_empty() {
        let hollow: Vec<&HostPath> = hollow.iter().map(|package| &package.path).collect();
        fix = fix.remove(cures::paths(facts, &hollow));
    }
    for _ in whole {
        fix = fix.run(cures::pip_uninstall(facts, environment, &["numpy"]));
    }
    let requirement = format!("numpy={recorded}");
    fix.run(cures::conda_install(facts, environment, &["--force-reinstall", &requirement]))
}

#[cfg(test)]
mod tests {
    use host::Seen;
    use pyenvs::{CondaRecord, EnvironmentKind};

    use super::*;
    use crate::checks::npy::cases::set_numpy;
    use crate::testing::{healthy, venv};

    pub(super) fn conda_alone() -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        environment.python.kind = EnvironmentKind::Conda;
        environment.python.conda_packages = vec![CondaRecord {
            name: "numpy".to_owned(),
            version: "2.2.6".to_owned(),
            build: "py311h1".to_owned(),
            path: environment.python.prefix.join("conda-meta/numpy-2.2.6-py311h1.json"),
        }];
        let version = "2.2.6".parse().unwrap();
        environment.numpy.as_mut().unwrap().conda_meta = vec![version];
        facts
    }

    pub(super) fn pip_over_conda() -> Facts {
        let mut facts = conda_alone();
        let recorded = venv(&mut facts).numpy.as_ref().unwrap().conda_meta.clone();
        set_numpy(venv(&mut facts), "1.26.4");
        venv(&mut facts).numpy.as_mut().unwrap().conda_meta = recorded;
        facts
    }

    pub(super) fn same_version() -> Facts {
        let mut facts = conda_alone();
        let numpy = venv(&mut facts).numpy.as_mut().unwrap();
        numpy.altered = vec![numpy.directory.join("version.py")];
        facts
    }

    pub(super) fn recorded_twice() -> Facts {
        let mut facts = conda_alone();
        let older = "1.26.4".parse().unwrap();
        venv(&mut facts).numpy.as_mut().unwrap().dist_info.insert(0, older);
        facts
    }

    pub(super) fn uninstalled_by_pip() -> Facts {
        let mut facts = conda_alone();
        let environment = venv(&mut facts);
        environment.python.packages.retain(|package| package.name != "numpy");
        let numpy = environment.numpy.as_mut().unwrap();
        numpy.version = Seen::Absent;
        numpy.multiarray.clear();
        numpy.dist_info.clear();
        facts
    }

    pub(super) fn pip_alone() -> Facts {
        let mut facts = conda_alone();
        let environment = venv(&mut facts);
        environment.python.conda_packages.clear();
        environment.numpy.as_mut().unwrap().conda_meta.clear();
        facts
    }

    pub(super) fn no_files_to_compare() -> Facts {
        let mut facts = conda_alone();
        let numpy = venv(&mut facts).numpy.as_mut().unwrap();
        numpy.version = Seen::Broken("version.py names no version".to_owned());
        numpy.directory = HostPath::from("/c/lib/python3.11/site-packages/numpy");
        facts
    }

    #[test]
    fn pip_takes_away_each_of_its_records_before_conda_comes() {
        let mut findings = Findings::default();
        run(&pip_over_conda(), &mut findings);
        assert_eq!(findings.list[0].fixes[0].steps.len(), 2);
        let mut hollow = pip_over_conda();
        let mut left = venv(&mut hollow).python.packages.last().unwrap().clone();
        left.record = Seen::Absent;
        venv(&mut hollow).python.packages.push(left);
        let mut findings = Findings::default();
        run(&hollow, &mut findings);
        assert_eq!(findings.list[0].fixes[0].steps.len(), 3);
        let mut findings = Findings::default();
        run(&uninstalled_by_pip(), &mut findings);
        assert_eq!(findings.list[0].severity, Severity::Error);
        assert_eq!(findings.list[0].fixes[0].steps.len(), 1);
    }
}
