//! PKG001: two records of one package in one directory.

use host::HostPath;
use pyenvs::{Package, PackageSource};
use report::{Finding, Fix, Safety, Severity, Step};

use super::is_own;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "PKG001",
    name: "duplicate-package-record",
    summary: "A package is recorded as installed twice in one environment",
    page: include_str!("../../../pages/PKG001.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::two_versions, tests::one_without_record, tests::egg_of_another_version],
        silent: &[
            tests::once,
            tests::in_two_directories,
            tests::egg_of_the_same_version,
            tests::packed_by_debian,
            tests::numpy_of_conda_and_pip,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    for environment in facts.judged() {
        // Packages are in order of name, and of one name in the order of directories.
        let packages = &environment.python.packages;
        for same in packages.chunk_by(|a, b| a.name == b.name && a.path.parent() == b.path.parent())
        {
            if is_twice(environment, same) {
                findings.push(judge(facts, environment, same));
            }
        }
    }
}

fn is_twice(environment: &EnvironmentFacts, same: &[Package]) -> bool {
    let [first, .., last] = same else { return false };
    // What a distribution packs is its own business: nothing but its package manager writes there.
    let is_packed = last.path.parent().is_some_and(|directory| {
        directory.ends_with("dist-packages") && directory.starts_with("/usr/lib")
    });
    let is_numpy_of_conda = first.name == "numpy"
        && environment.python.conda_packages.iter().any(|record| record.name == "numpy");
    // An old egg-info beside the dist-info of the same version says the same thing twice.
    let is_harmless_egg = same.iter().any(|package| package.source == PackageSource::EggInfo)
        && same.iter().filter(|package| package.source == PackageSource::DistInfo).count() < 2
        && same.iter().all(|package| package.version == first.version);
    !is_packed && !is_numpy_of_conda && !is_harmless_egg
}

fn judge(facts: &Facts, environment: &EnvironmentFacts, same: &[Package]) -> Finding {
    let name = &same[0].name;
    let versions: Vec<String> = same.iter().map(version_of).collect();
    let mut finding = Finding::new(
        Severity::Warning,
        environment.subject(facts),
        format!("{name} is recorded as installed {} times: {}", same.len(), versions.join(", ")),
    );
    for package in same {
        let record = match &package.record {
            host::Seen::Seen(()) => "with a RECORD of its files",
            _ if package.source == PackageSource::EggInfo => "an egg-info",
            _ => "without a readable RECORD",
        };
        finding = finding.seen_at(facts.native(&package.path), record);
    }
    finding
        .cause(
            "An installation was interrupted, or two installers worked on one environment: files \
             of both versions may lie in one directory",
        )
        .fix(reinstall(facts, environment, same))
}

fn version_of(package: &Package) -> String {
    package.version.get().map_or_else(|| "no version".to_owned(), ToString::to_string)
}

/// Uninstalls every copy and installs one: the one that Python really imports where that is
/// known, else the newest.
fn reinstall(facts: &Facts, environment: &EnvironmentFacts, same: &[Package]) -> Fix {
    let name = same[0].name.as_str();
    let title = format!("uninstall every copy of {name}, then install one");
    if let Some(marker) = &environment.python.externally_managed {
        return Fix::new(Safety::Manual, title).by_hand(format!(
            "this Python belongs to the system ({}): install {name} again with the system's \
             package manager, and delete the record that stays behind",
            facts.native(marker)
        ));
    }
    let mut fix = Fix::new(Safety::Confirm, title);
    // Neither pip nor uv uninstalls what has no RECORD; both refuse everything then.
    let (whole, broken): (Vec<&Package>, Vec<&Package>) =
        same.iter().partition(|package| package.record.is_seen());
    if !broken.is_empty() {
        let paths: Vec<&HostPath> = broken.iter().map(|package| &package.path).collect();
        fix = fix.remove(cures::paths(facts, &paths));
    }
    // pip takes one copy at a time, uv all of them.
    let times =
        if cures::uses_uv_pip(facts, environment) { whole.len().min(1) } else { whole.len() };
    for _ in 0..times {
        fix = fix.run(cures::pip_uninstall(facts, environment, &[name]));
    }
    fix.steps.push(Step::Run { argv: install(facts, environment, same) });
    fix
}

fn install(facts: &Facts, environment: &EnvironmentFacts, same: &[Package]) -> Vec<String> {
    let name = same[0].name.as_str();
    if let Some(source) = same.iter().find_map(|package| package.editable.as_ref()) {
        let source = facts.native(source);
        return cures::pip_install(facts, environment, &["--editable", &source]);
    }
    if is_own(facts, name) {
        return cures::pip_install(facts, environment, &[&facts.native(&facts.project.root)]);
    }
    if environment.python.conda_packages.iter().any(|record| record.name == name) {
        return cures::conda_install(facts, environment, &["--force-reinstall", name]);
    }
    let imported = environment.numpy.as_ref().and_then(|numpy| numpy.version.get());
    let newest = same.iter().filter_map(|package| package.version.get()).max();
    match imported.filter(|_| name == "numpy").or(newest) {
        Some(version) => cures::pip_install(facts, environment, &[&format!("{name}=={version}")]),
        None => cures::pip_install(facts, environment, &[name]),
    }
}

#[cfg(test)]
mod tests {
    use host::Seen;
    use pyenvs::{CondaRecord, EnvironmentKind};

    use super::*;
    use crate::testing::{healthy, package, venv};

    fn with(directories: &[&str], versions: &[&str]) -> Facts {
        let mut facts = healthy();
        let packages = &mut venv(&mut facts).python.packages;
        for (directory, version) in directories.iter().zip(versions) {
            packages.push(package("six", version, &HostPath::from(*directory)));
        }
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        facts
    }

    const SITE: &str = "/home/dev/project/.venv/lib/python3.11/site-packages";

    pub(super) fn two_versions() -> Facts {
        with(&[SITE, SITE], &["1.15.0", "1.16.0"])
    }

    pub(super) fn one_without_record() -> Facts {
        let mut facts = two_versions();
        let packages = &mut venv(&mut facts).python.packages;
        packages.iter_mut().find(|p| p.name == "six").unwrap().record = Seen::Absent;
        facts
    }

    pub(super) fn egg_of_another_version() -> Facts {
        let mut facts = two_versions();
        let packages = &mut venv(&mut facts).python.packages;
        packages.iter_mut().find(|p| p.name == "six").unwrap().source = PackageSource::EggInfo;
        facts
    }

    pub(super) fn once() -> Facts {
        healthy()
    }

    /// A directory for the administrator's packages before that of the distribution.
    pub(super) fn in_two_directories() -> Facts {
        with(&["/usr/local/lib/python3.11/dist-packages", SITE], &["1.15.0", "1.16.0"])
    }

    pub(super) fn egg_of_the_same_version() -> Facts {
        let mut facts = with(&[SITE, SITE], &["1.16.0", "1.16.0"]);
        let packages = &mut venv(&mut facts).python.packages;
        packages.iter_mut().find(|p| p.name == "six").unwrap().source = PackageSource::EggInfo;
        facts
    }

    pub(super) fn packed_by_debian() -> Facts {
        let packed = "/usr/lib/python3/dist-packages";
        with(&[packed, packed], &["1.15.0", "1.16.0"])
    }

    /// NPY008 compares all that is known of numpy there.
    pub(super) fn numpy_of_conda_and_pip() -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        environment.python.kind = EnvironmentKind::Conda;
        environment.python.packages.insert(0, package("numpy", "1.26.4", &HostPath::from(SITE)));
        environment.python.conda_packages.push(CondaRecord {
            name: "numpy".to_owned(),
            version: "1.26.4".to_owned(),
            build: "py311_0".to_owned(),
            path: environment.python.prefix.join("conda-meta/numpy-1.26.4-py311_0.json"),
        });
        facts
    }

    fn commands(facts: &Facts) -> Vec<String> {
        let mut findings = Findings::default();
        run(facts, &mut findings);
        let steps = &findings.list[0].fixes[0].steps;
        steps
            .iter()
            .map(|step| match step {
                Step::Run { argv } => argv.join(" "),
                Step::Remove { paths } => format!("rm -rf -- {}", paths.join(" ")),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn every_copy_is_uninstalled_and_the_newest_installed() {
        let python = "/home/dev/project/.venv/bin/python -m pip";
        let uninstall = format!("{python} uninstall --yes six");
        let install = format!("{python} install six==1.16.0");
        assert_eq!(commands(&two_versions()), [&*uninstall, &uninstall, &install]);
        let delete = format!("rm -rf -- {SITE}/six-1.15.0.dist-info");
        assert_eq!(commands(&one_without_record()), [delete, uninstall, install]);
    }
}
