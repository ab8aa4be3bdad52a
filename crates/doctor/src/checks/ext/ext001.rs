//! EXT001: several extension modules of one name, of which Python loads one.

use std::collections::BTreeMap;

use host::HostPath;
use report::{Finding, Fix, Safety, Severity, Subject};

use super::built::age;
use super::stem_and_suffix;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, cures, subjects};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "EXT001",
    name: "shadowed-extension-module",
    summary: "Several extension modules have one name, and Python may load an old one",
    page: include_str!("../../../pages/EXT001.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::stale_in_sources, tests::stale_in_environment, tests::leftover],
        silent: &[
            tests::one_module,
            tests::other_python,
            tests::two_names,
            tests::both_from_one_wheel,
        ],
    },
};

/// A module file that could be imported under the name.
#[derive(Clone, Copy, PartialEq)]
struct Candidate<'a> {
    path: &'a HostPath,
    modified_ns: i64,
    /// Place of its suffix in the order in which Python tries them.
    rank: usize,
}

fn run(facts: &Facts, findings: &mut Findings) {
    for environment in facts.judged() {
        let Some(abi) = environment.python.abi.get() else { continue };
        let rank = |path: &HostPath| {
            let (_, suffix) = stem_and_suffix(path)?;
            abi.extension_suffixes.iter().position(|known| known == suffix)
        };
        let installed = environment.modules.iter().map(|module| (&module.path, module.modified_ns));
        let sources = facts
            .source_tree
            .extension_modules
            .iter()
            .map(|module| (&module.path, module.modified_ns));
        let mut by_name: BTreeMap<(&HostPath, String), Vec<Candidate<'_>>> = BTreeMap::new();
        let parents: BTreeMap<HostPath, ()> = installed
            .clone()
            .chain(sources.clone())
            .filter_map(|(path, _)| Some((HostPath::from(path.parent()?), ())))
            .collect();
        for (path, modified_ns) in installed.chain(sources) {
            let (Some((stem, _)), Some(rank)) = (stem_and_suffix(path), rank(path)) else {
                continue;
            };
            let Some(parent) = path.parent().map(HostPath::from) else { continue };
            let Some((parent, ())) = parents.get_key_value(&parent) else { continue };
            let group = by_name.entry((parent, stem.to_owned())).or_default();
            // Sources of an editable install are known twice.
            if !group.iter().any(|known| known.path == path) {
                group.push(Candidate { path, modified_ns, rank });
            }
        }
        for ((_, name), mut group) in by_name {
            if group.len() > 1 && !is_one_wheel(environment, &group) {
                group.sort_by_key(|candidate| candidate.rank);
                report(facts, environment, &name, &group, findings);
            }
        }
    }
}

/// Whether one installer put all of them here, from one list.
fn is_one_wheel(environment: &EnvironmentFacts, group: &[Candidate<'_>]) -> bool {
    environment.python.packages.iter().any(|package| {
        let Some(root) = package.path.parent() else { return false };
        group.iter().all(|candidate| {
            package
                .extension_modules
                .iter()
                .any(|relative| root.join(relative) == candidate.path.as_path())
        })
    })
}

fn report(
    facts: &Facts,
    environment: &EnvironmentFacts,
    name: &str,
    group: &[Candidate<'_>],
    findings: &mut Findings,
) {
    let Some((winner, losers)) = group.split_first() else { return };
    let Some(newest) = group.iter().max_by_key(|candidate| candidate.modified_ns) else { return };
    let is_stale = newest.modified_ns > winner.modified_ns;
    let is_installed = winner.path.starts_with(environment.python.prefix.as_path());
    let subject: Subject =
        if is_installed { environment.subject(facts) } else { subjects::project(facts) };
    let file = |candidate: &Candidate<'_>| {
        candidate.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    };
    let (severity, message) = if is_stale {
        let (old, new) = (file(winner), file(newest));
        (Severity::Warning, format!("Python loads the old {old}, not the newer {new} beside it"))
    } else {
        let count = losers.len();
        let files = if count == 1 { "module" } else { "modules" };
        (Severity::Info, format!("{count} older {files} called {name} lie beside {}", file(winner)))
    };
    // Two environments may use the same sources.
    if findings.list.iter().any(|known| known.subject == subject && known.message == message) {
        return;
    }
    let mut finding = Finding::new(severity, subject, message);
    for candidate in group {
        let age = age(facts, candidate.modified_ns);
        let role = if candidate == winner { "loaded" } else { "not loaded" };
        finding = finding.seen_at(facts.native(candidate.path), format!("{role}; {age}"));
    }
    let old: Vec<&HostPath> = group
        .iter()
        .filter(|candidate| if is_stale { *candidate != newest } else { *candidate != winner })
        .map(|candidate| candidate.path)
        .collect();
    findings.push(
        finding
            .cause(
                "Python tries the names that are bound to its own version first, then `.abi3`, then \
                 the plain ones, and looks at no times; builds of another kind left the older file",
            )
            .fix(
                Fix::new(Safety::Confirm, "delete the older ones").remove(cures::paths(facts, &old)),
            ),
    );
}

#[cfg(test)]
mod tests {
    use host::Seen;

    use super::*;
    use crate::testing::{healthy, package, venv};
    use crate::{ModuleFacts, SourceModule};

    const HOUR: i64 = 3_600 * 1_000_000_000;
    const VERSIONED: &str = "_core.cpython-311-x86_64-linux-gnu.so";

    /// Modules among the sources, with their ages in hours.
    fn sources(modules: &[(&str, i64)]) -> Facts {
        let mut facts = healthy();
        let root = facts.project.root.join("python/example");
        facts.source_tree.extension_modules = modules
            .iter()
            .map(|(name, hours)| SourceModule {
                path: root.join(name),
                modified_ns: facts.machine.now_ns - hours * HOUR,
            })
            .collect();
        facts
    }

    fn installed(modules: &[(&str, i64)]) -> Facts {
        let mut facts = healthy();
        let now = facts.machine.now_ns;
        let environment = venv(&mut facts);
        let site = environment.python.site_packages[0].clone();
        let mut example = package("example", "1.0", &site);
        for (name, hours) in modules {
            let relative = format!("example/{name}");
            let (stem, suffix) = name.split_at(name.find('.').unwrap());
            environment.modules.push(ModuleFacts {
                path: site.join(&relative),
                import_name: format!("example.{stem}"),
                suffix: suffix.to_owned(),
                package: Some("example".to_owned()),
                len: 1,
                modified_ns: now - hours * HOUR,
                native: Seen::Absent,
            });
            example.extension_modules.push(relative);
        }
        environment.python.packages.push(example);
        facts
    }

    pub(super) fn stale_in_sources() -> Facts {
        sources(&[("_core.abi3.so", 1), (VERSIONED, 50)])
    }

    pub(super) fn stale_in_environment() -> Facts {
        let mut facts = installed(&[("_core.abi3.so", 1), (VERSIONED, 50)]);
        let packages = &mut venv(&mut facts).python.packages;
        packages.last_mut().unwrap().extension_modules.pop();
        facts
    }

    pub(super) fn leftover() -> Facts {
        sources(&[("_core.abi3.so", 50), (VERSIONED, 1)])
    }

    pub(super) fn one_module() -> Facts {
        sources(&[("_core.abi3.so", 1)])
    }

    pub(super) fn other_python() -> Facts {
        sources(&[("_core.cpython-312-x86_64-linux-gnu.so", 50), (VERSIONED, 1)])
    }

    pub(super) fn two_names() -> Facts {
        sources(&[("_core.abi3.so", 1), ("_other.cpython-311-x86_64-linux-gnu.so", 50)])
    }

    pub(super) fn both_from_one_wheel() -> Facts {
        installed(&[("_core.abi3.so", 1), (VERSIONED, 50)])
    }

    #[test]
    fn the_newest_stays_whoever_wins() {
        for (facts, goes) in [(stale_in_sources(), VERSIONED), (leftover(), "_core.abi3.so")] {
            let mut findings = Findings::default();
            run(&facts, &mut findings);
            let report::Step::Remove { paths } = &findings.list[0].fixes[0].steps[0] else {
                panic!("nothing is removed");
            };
            assert!(paths.last().unwrap().ends_with(goes), "{paths:?}");
        }
    }

    #[test]
    fn sources_that_two_environments_use_are_reported_once() {
        let mut facts = stale_in_sources();
        let other = venv(&mut facts).clone();
        facts.environments.push(other);
        let mut findings = Findings::default();
        run(&facts, &mut findings);
        assert_eq!(findings.list.len(), 1);
    }
}
