//! PKG013: a package is installed in a version that others do not go with, as they say themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

use pep440_rs::{Operator, Version, VersionSpecifier};
use pyenvs::Package;
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::checks::npy::mismatched_packages;
use crate::requirement::{self, Markers, Requirement};
use crate::{EnvironmentFacts, Facts, Findings, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "PKG013",
    name: "version-conflict",
    summary: "A package is installed in a version that others say they do not go with",
    page: include_str!("../../../pages/PKG013.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::too_old, tests::too_new, tests::at_odds],
        silent: &[
            tests::in_range,
            tests::not_installed,
            tests::for_another_python,
            tests::of_the_distribution,
            tests::condas,
            tests::editable,
            tests::twice,
            tests::told_by_its_modules,
        ],
    },
};

/// Packages that are named; of more, their number.
const SHOWN: usize = 5;

/// A package, and what it asks of another one.
type Asked<'a> = (&'a Package, Requirement);

fn run(facts: &Facts, findings: &mut Findings) {
    for environment in facts.judged() {
        for (name, asked) in by_name(facts, environment) {
            if let Some((package, version)) = installed(environment, &name) {
                // Where modules show that they do not go with numpy, other checks say so and more.
                let told = match name.as_str() {
                    "numpy" => mismatched_packages(environment),
                    _ => BTreeSet::new(),
                };
                let is_unmet = |(package, requirement): &&Asked<'_>| {
                    !requirement.specifiers.contains(version)
                        && !told.contains(package.name.as_str())
                };
                let unmet: Vec<&Asked<'_>> = asked.iter().filter(is_unmet).collect();
                if !unmet.is_empty() {
                    findings.push(found(facts, environment, (package, version), &asked, &unmet));
                }
            }
        }
    }
}

/// What the packages of an environment ask of others, by the other's name. Only pip and uv, and those
/// who call them, install by what packages say: conda and distributions know better what goes together.
fn by_name<'a>(
    facts: &Facts,
    environment: &'a EnvironmentFacts,
) -> BTreeMap<String, Vec<Asked<'a>>> {
    let python = &environment.python;
    let (os, arch) = (facts.machine.os, &facts.machine.arch);
    let markers = Markers::of(os, arch, python.implementation.get(), python.version.get());
    let mut asked: BTreeMap<String, Vec<Asked<'_>>> = BTreeMap::new();
    for package in &python.packages {
        let is_foreign =
            matches!(package.installer.as_deref(), None | Some("conda" | "debian" | "rpm"));
        let is_condas = python.conda_packages.iter().any(|record| record.name == package.name);
        if is_foreign || is_condas || python.packages_named(&package.name).count() > 1 {
            continue;
        }
        for text in &package.requires {
            if let Some(requirement) = requirement::parse(text, &markers) {
                asked.entry(requirement.name.clone()).or_default().push((package, requirement));
            }
        }
    }
    asked
}

/// The package of this name and its version, where it is installed once and from a release: who works
/// in a checkout of it knows which version that is.
fn installed<'a>(
    environment: &'a EnvironmentFacts,
    name: &str,
) -> Option<(&'a Package, &'a Version)> {
    let packages: Vec<&Package> =
        environment.python.packages.iter().filter(|package| package.name == name).collect();
    match packages.as_slice() {
        [package] if package.editable.is_none() => Some((package, package.version.get()?)),
        _ => None,
    }
}

fn found(
    facts: &Facts,
    environment: &EnvironmentFacts,
    (package, version): (&Package, &Version),
    all: &[Asked<'_>],
    unmet: &[&Asked<'_>],
) -> Finding {
    let name = &package.name;
    let named = |package: &Package| match package.version.get() {
        Some(version) => format!("{} {version}", package.name),
        None => package.name.clone(),
    };
    let message = match unmet {
        [(one, requirement)] => {
            let specifiers = compact(&requirement.specifiers.to_string());
            format!("{} asks for {name}{specifiers}, and {name} {version} is installed", named(one))
        }
        many => format!("{name} {version} is not what {} packages ask for", many.len()),
    };
    // An upper bound is often a guess about releases that did not exist yet; a lower one is known.
    let is_old = unmet.iter().any(|(_, requirement)| is_too_old(version, requirement));
    let severity = if is_old { Severity::Warning } else { Severity::Info };
    let mut finding = Finding::new(severity, environment.subject(facts), message);
    for (one, requirement) in unmet.iter().take(SHOWN) {
        let specifiers = compact(&requirement.specifiers.to_string());
        let asks = format!("{} asks for {name}{specifiers}", named(one));
        finding = finding.seen_at(facts.native(&one.path), asks);
    }
    if unmet.len() > SHOWN {
        finding = finding.seen(format!("and {} more", unmet.len() - SHOWN));
    }
    finding = finding.cause(format!(
        "{name} was installed or changed without asking what the others go with: later, by itself, \
         or with --no-deps. pip says so once and goes on"
    ));
    let both = joined(all);
    if let Some(specifiers) = &both {
        let requirement = format!("{name}{specifiers}");
        let title = format!("install {name} in a version that all of them go with");
        let command = cures::install(facts, environment, name, &requirement);
        finding = finding.fix(Fix::new(Safety::Confirm, title).run(command));
    }
    let others: Vec<String> = unmet.iter().take(SHOWN).map(|(one, _)| one.name.clone()).collect();
    let others = others.join(", ");
    let title = format!("{}install others", if both.is_some() { "or " } else { "" });
    let by_hand = format!("install releases of {others} that go with {name} {version}");
    finding.fix(Fix::new(Safety::Manual, title).by_hand(by_hand))
}

/// Whether a version is older than everything that is asked for, rather than newer.
fn is_too_old(version: &Version, requirement: &Requirement) -> bool {
    requirement
        .specifiers
        .iter()
        .any(|one| !is_from_above(one) && !one.contains(version) && version <= one.version())
}

/// Whether a specifier forbids versions and names none that would be right.
fn is_from_above(specifier: &VersionSpecifier) -> bool {
    let operator = specifier.operator();
    matches!(operator, Operator::LessThan | Operator::LessThanEqual | Operator::NotEqual)
}

/// Everything that is asked of a package in one requirement; nothing if no version could be right.
fn joined(all: &[Asked<'_>]) -> Option<String> {
    let mut specifiers: Vec<VersionSpecifier> = Vec::new();
    for specifier in all.iter().flat_map(|(_, requirement)| requirement.specifiers.iter()) {
        let is_rival = |known: &VersionSpecifier| known.operator() == specifier.operator();
        let is_closer = |known: &VersionSpecifier| match specifier.operator() {
            Operator::GreaterThanEqual => specifier.version() > known.version(),
            _ => specifier.version() < known.version(),
        };
        let is_bound =
            matches!(specifier.operator(), Operator::GreaterThanEqual | Operator::LessThan);
        match specifiers.iter().position(is_rival).filter(|_| is_bound) {
            Some(rival) if is_closer(&specifiers[rival]) => specifiers[rival] = specifier.clone(),
            Some(_) => {}
            None if specifiers.contains(specifier) => {}
            None => specifiers.push(specifier.clone()),
        }
    }
    let is_right = |version: &Version| specifiers.iter().all(|one| one.contains(version));
    let mut mentioned = specifiers.iter().flat_map(|one| {
        let next = Version::from_str(&format!("{}.1", one.version())).ok();
        [Some(one.version().clone()), next].into_iter().flatten()
    });
    if !specifiers.iter().all(is_from_above) && !mentioned.any(|version| is_right(&version)) {
        return None;
    }
    // The lower bound first, as people write it.
    specifiers.sort_by_key(is_from_above);
    let texts: Vec<String> = specifiers.iter().map(ToString::to_string).collect();
    Some(texts.join(","))
}

/// `>=1, <2` as people write it.
fn compact(specifiers: &str) -> String {
    specifiers.replace(", ", ",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::npy::cases::{add_module, for_numpy_1};
    use crate::testing::{healthy, package, venv};

    /// The `.venv`, whose numpy is 2.2.6, with packages that ask for these.
    fn asking(requirements: &[(&str, &str)]) -> Facts {
        let mut facts = healthy();
        let python = &mut venv(&mut facts).python;
        let site = python.site_packages[0].clone();
        for (name, requirement) in requirements {
            let mut package = package(name, "1.5.0", &site);
            package.requires = vec![(*requirement).to_owned()];
            python.packages.push(package);
        }
        facts
    }

    fn last(facts: &mut Facts) -> &mut Package {
        venv(facts).python.packages.last_mut().unwrap()
    }

    pub(super) fn too_old() -> Facts {
        asking(&[("a", "numpy>=2.3"), ("b", "numpy>=1.20,<3"), ("c", "NumPy (>=2.4)")])
    }

    pub(super) fn too_new() -> Facts {
        asking(&[("a", "numpy<2"), ("b", "numpy>=1.20")])
    }

    pub(super) fn at_odds() -> Facts {
        asking(&[("a", "numpy<2"), ("b", "numpy>=2.0.2")])
    }

    pub(super) fn in_range() -> Facts {
        asking(&[("a", "numpy>=2,<3"), ("b", "numpy"), ("c", "numpy!=2.2.5,~=2.2")])
    }

    pub(super) fn not_installed() -> Facts {
        asking(&[("a", "scipy>=1")])
    }

    pub(super) fn for_another_python() -> Facts {
        asking(&[("a", "numpy<2; python_version < '3.10'"), ("b", "numpy<2; extra == 'old'")])
    }

    pub(super) fn of_the_distribution() -> Facts {
        let mut facts = asking(&[("a", "numpy<2")]);
        last(&mut facts).installer = Some("debian".to_owned());
        facts
    }

    pub(super) fn condas() -> Facts {
        let mut facts = asking(&[("a", "numpy<2")]);
        last(&mut facts).installer = Some("conda".to_owned());
        facts
    }

    pub(super) fn editable() -> Facts {
        let mut facts = asking(&[("a", "mine>=2"), ("mine", "")]);
        last(&mut facts).editable = Some("/home/dev/mine".into());
        facts
    }

    pub(super) fn twice() -> Facts {
        asking(&[("a", "mine>=2"), ("mine", ""), ("mine", "")])
    }

    pub(super) fn told_by_its_modules() -> Facts {
        let mut facts = asking(&[("bottleneck", "numpy<2")]);
        add_module(venv(&mut facts), "bottleneck", "bottleneck.move", for_numpy_1());
        facts
    }

    fn only(facts: &Facts) -> Finding {
        let mut findings = Findings::default();
        run(facts, &mut findings);
        assert_eq!(findings.list.len(), 1);
        findings.list.remove(0)
    }

    #[test]
    fn the_cure_is_a_version_for_all_of_them_where_there_can_be_one() {
        let commands = |facts: &Facts| format!("{:?}", only(facts).fixes);
        assert_eq!(only(&too_old()).message, "numpy 2.2.6 is not what 2 packages ask for");
        assert!(commands(&too_old()).contains("numpy>=2.4,<3"), "{}", commands(&too_old()));
        let one = "a 1.5.0 asks for numpy<2, and numpy 2.2.6 is installed";
        assert_eq!(only(&too_new()).message, one);
        assert!(commands(&too_new()).contains("numpy>=1.20,<2"));
        let odds = only(&at_odds()).fixes;
        assert_eq!((odds.len(), odds[0].safety), (1, Safety::Manual));
    }

    #[test]
    fn what_is_too_new_for_others_may_work_all_the_same() {
        for (facts, severity) in [
            (too_old(), Severity::Warning),
            (too_new(), Severity::Info),
            (at_odds(), Severity::Info),
            (asking(&[("a", "numpy==2.2.5")]), Severity::Info),
            (asking(&[("a", "numpy~=2.3")]), Severity::Warning),
            (asking(&[("a", "numpy<2"), ("b", "numpy>2.2.6")]), Severity::Warning),
        ] {
            assert_eq!(only(&facts).severity, severity, "{}", only(&facts).message);
        }
    }

    #[test]
    fn bounds_are_joined() {
        let join = |requirements: &[&str]| {
            let facts = healthy();
            let package = package("a", "1", &facts.environments[0].python.site_packages[0]);
            let markers = Markers::default();
            let all: Vec<Asked<'_>> = requirements
                .iter()
                .map(|text| (&package, requirement::parse(text, &markers).unwrap()))
                .collect();
            joined(&all)
        };
        for (requirements, expected) in [
            (&["x>=1", "x>=2", "x<9", "x<5", "x!=3"][..], Some(">=2,<5,!=3")),
            (&["x<5", "x<=4"], Some("<5,<=4")),
            (&["x>1", "x<1.2"], Some(">1,<1.2")),
            (&["x>=2", "x<2"], None),
            (&["x==1.*", "x>=1.5"], Some("==1.*,>=1.5")),
            (&["x==1", "x==2"], None),
            (&["x~=1.4", "x"], Some("~=1.4")),
        ] {
            assert_eq!(join(requirements).as_deref(), expected, "{requirements:?}");
        }
    }
}
