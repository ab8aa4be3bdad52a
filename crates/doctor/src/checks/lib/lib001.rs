//! LIB001: modules need a newer C++ runtime than they would be loaded with.

use host::Os;
use report::{Finding, Fix, Platform, Safety, Severity};

use super::needs::{importable, number, owner, reinstall, say_what_was_not_judged};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, ModuleFacts, RuntimeLibrary, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "LIB001",
    name: "libstdcxx-too-old",
    summary: "Extension modules need a newer C++ runtime than they would be loaded with",
    page: include_str!("../../../pages/LIB001.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::old_in_conda, tests::by_library_path],
        silent: &[
            tests::new_enough,
            tests::bundled_by_auditwheel,
            tests::by_its_own_path,
            tests::not_found_anywhere,
        ],
    },
};

/// The C++ runtime under its own name. Wheels that carry one give it a name with a hash.
const RUNTIME: &str = "libstdc++.so.6";

/// Files that are shown as evidence.
const SHOWN: usize = 4;

/// The gcc that came with each version of the runtime's symbols.
const GCC: &[([u32; 3], u32)] = &[
    ([3, 4, 22], 6),
    ([3, 4, 24], 7),
    ([3, 4, 25], 8),
    ([3, 4, 26], 9),
    ([3, 4, 28], 10),
    ([3, 4, 29], 11),
    ([3, 4, 30], 12),
    ([3, 4, 32], 13),
    ([3, 4, 33], 14),
    ([3, 4, 34], 15),
];

/// A module, and the symbol versions that it needs in vain.
type Unmet<'a> = (&'a ModuleFacts, Vec<&'a str>);

fn run(facts: &Facts, findings: &mut Findings) {
    if facts.machine.os != Os::Linux {
        findings.skip("not Linux");
        return;
    }
    let mut unresolved = None;
    for environment in facts.judged() {
        let mut short: Vec<(&RuntimeLibrary, Vec<Unmet<'_>>)> = Vec::new();
        for (module, native) in importable(environment) {
            let wanted = native.version_needs.iter().filter(|n| n.library == RUNTIME && !n.weak);
            let wanted: Vec<&str> = wanted.map(|need| need.version.as_str()).collect();
            if wanted.is_empty() {
                continue;
            }
            let Some(library) = library_of(environment, module) else {
                unresolved.get_or_insert_with(|| facts.short(&module.path));
                continue;
            };
            let provides = |version: &&str| library.provides.iter().any(|has| has == version);
            let missing: Vec<&str> = wanted.into_iter().filter(|v| !provides(v)).collect();
            if missing.is_empty() {
                continue;
            }
            match short.iter_mut().find(|(known, _)| known.path == library.path) {
                Some((_, modules)) => modules.push((module, missing)),
                None => short.push((library, vec![(module, missing)])),
            }
        }
        for (library, modules) in short {
            findings.push(finding(facts, environment, library, &modules));
        }
    }
    if let Some(module) = unresolved {
        findings.skip(format!("no {RUNTIME} was found for {module} where the loader looks"));
    }
    say_what_was_not_judged(facts, findings);
}

/// The runtime that a module would be given.
fn library_of<'a>(
    environment: &'a EnvironmentFacts,
    module: &ModuleFacts,
) -> Option<&'a RuntimeLibrary> {
    let mut libraries =
        environment.runtime_libraries.iter().filter(|library| library.name == RUNTIME);
    let own = libraries.clone().find(|library| library.modules.contains(&module.path));
    own.or_else(|| libraries.find(|library| library.modules.is_empty()))
        .filter(|library| !library.provides.is_empty())
}

fn finding(
    facts: &Facts,
    environment: &EnvironmentFacts,
    library: &RuntimeLibrary,
    modules: &[Unmet<'_>],
) -> Finding {
    let path = facts.native(&library.path);
    let newest = newest(modules.iter().flat_map(|(_, missing)| missing.iter().copied()));
    let mut owners: Vec<&str> = modules.iter().map(|(module, _)| owner(module)).collect();
    owners.sort_unstable();
    owners.dedup();
    let message = format!(
        "{} cannot be imported: {} has no {newest}",
        owners.join(", "),
        facts.short(&library.path)
    );
    let has = newest_glibcxx(library.provides.iter().map(String::as_str))
        .map_or_else(String::new, |has| format!(", with symbols up to GLIBCXX_{has}"));
    let mut finding = Finding::new(Severity::Error, environment.subject(facts), message)
        .seen_at(&path, format!("taken because of {}{has}", library.because));
    for (module, missing) in modules.iter().take(SHOWN) {
        finding =
            finding.seen_at(facts.native(&module.path), format!("needs {}", missing.join(", ")));
    }
    if modules.len() > SHOWN {
        finding = finding.seen(format!("and {} more modules", modules.len() - SHOWN));
    }
    finding = finding
        .seen(format!("the loader will say: `{path}: version `{newest}' not found`"))
        .cause(format!(
            "These modules were compiled with a newer gcc than the one that {} comes from, and the \
             loader takes it because of {}",
            facts.short(&library.path),
            library.because
        ));
    fixes(facts, environment, library, &newest, &owners).into_iter().fold(finding, Finding::fix)
}

fn fixes(
    facts: &Facts,
    environment: &EnvironmentFacts,
    library: &RuntimeLibrary,
    newest: &str,
    owners: &[&str],
) -> Vec<Fix> {
    let mut fixes = Vec::new();
    if library.because == "LD_LIBRARY_PATH" {
        let title = "let the loader find the runtime by itself";
        fixes.push(Fix::new(Safety::Confirm, title).unset("LD_LIBRARY_PATH"));
    } else if environment.python.kind.is_conda()
        && library.path.starts_with(environment.python.prefix.as_path())
    {
        let requirement = match gcc_of(newest) {
            Some(gcc) => format!("libstdcxx-ng>={gcc}"),
            None => "libstdcxx-ng".to_owned(),
        };
        let command =
            cures::conda_install(facts, environment, &["-c", "conda-forge", &requirement]);
        let title = "take a newer C++ runtime into this conda environment";
        fixes.push(Fix::new(Safety::Confirm, title).run(command));
    }
    let installed: Vec<&str> = owners
        .iter()
        .copied()
        .filter(|name| environment.python.packages_named(name).next().is_some())
        .collect();
    if installed.is_empty() {
        fixes.push(Fix::new(Safety::Manual, "or compile the modules on this system").by_hand(
            "build the modules again here: what is compiled with this system's gcc needs no newer \
             runtime than this system has",
        ));
    } else {
        let title = format!(
            "or install {} as wheels from the index, which are built for old systems",
            installed.join(", ")
        );
        let command = reinstall(facts, environment, &installed);
        fixes.push(Fix::new(Safety::Confirm, title).run(command));
    }
    fixes.into_iter().map(|fix| fix.on(Platform::Linux)).collect()
}

/// The newest of these versions, GLIBCXX before CXXABI.
fn newest<'a>(versions: impl Iterator<Item = &'a str> + Clone) -> String {
    match newest_glibcxx(versions.clone()) {
        Some(version) => format!("GLIBCXX_{version}"),
        None => {
            versions.max_by_key(|version| number(version, "CXXABI_")).unwrap_or_default().to_owned()
        }
    }
}

fn newest_glibcxx<'a>(versions: impl Iterator<Item = &'a str>) -> Option<host::Version> {
    versions.filter_map(|version| number(version, "GLIBCXX_")).max()
}

fn gcc_of(version: &str) -> Option<u32> {
    let version = number(version, "GLIBCXX_")?;
    GCC.iter().find(|(of, _)| host::Version::new(*of) >= version).map(|(_, gcc)| *gcc)
}

#[cfg(test)]
mod tests {
    use artifacts::VersionNeed;
    use host::HostPath;
    use pyenvs::EnvironmentKind;

    use super::*;
    use crate::testing::{add_module, healthy, native_module, venv};

    fn needing(library: &str, version: &str) -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        environment.python.kind = EnvironmentKind::Conda;
        let mut native = native_module("_fast");
        native.version_needs = vec![VersionNeed {
            library: library.to_owned(),
            version: version.to_owned(),
            weak: false,
        }];
        add_module(environment, "fast", "fast._fast", native);
        let path = environment.python.prefix.join("lib/libstdc++.so.6");
        environment.runtime_libraries = vec![runtime(path, "the conda environment", 26)];
        facts
    }

    fn runtime(path: HostPath, because: &str, newest: u32) -> RuntimeLibrary {
        RuntimeLibrary {
            name: RUNTIME.to_owned(),
            path,
            because: because.to_owned(),
            provides: (0..=newest).map(|n| format!("GLIBCXX_3.4.{n}")).collect(),
            modules: Vec::new(),
        }
    }

    pub(super) fn old_in_conda() -> Facts {
        needing(RUNTIME, "GLIBCXX_3.4.30")
    }

    pub(super) fn by_library_path() -> Facts {
        let mut facts = old_in_conda();
        venv(&mut facts).runtime_libraries[0].because = "LD_LIBRARY_PATH".to_owned();
        facts
    }

    pub(super) fn new_enough() -> Facts {
        needing(RUNTIME, "GLIBCXX_3.4.21")
    }

    pub(super) fn bundled_by_auditwheel() -> Facts {
        needing("libstdc++-a1b2c3d4.so.6.0.30", "GLIBCXX_3.4.30")
    }

    pub(super) fn by_its_own_path() -> Facts {
        let mut facts = old_in_conda();
        let environment = venv(&mut facts);
        let mut own = runtime(HostPath::from("/opt/gcc/lib/libstdc++.so.6"), "its own path", 32);
        own.modules = vec![environment.modules[0].path.clone()];
        environment.runtime_libraries.push(own);
        facts
    }

    pub(super) fn not_found_anywhere() -> Facts {
        let mut facts = old_in_conda();
        venv(&mut facts).runtime_libraries.clear();
        facts
    }

    #[test]
    fn the_runtime_asked_for_is_the_one_of_the_right_gcc() {
        let mut findings = Findings::default();
        run(&old_in_conda(), &mut findings);
        let finding = &findings.list[0];
        assert_eq!(
            finding.message,
            "fast cannot be imported: .venv/lib/libstdc++.so.6 has no GLIBCXX_3.4.30"
        );
        let report::Step::Run { argv } = &finding.fixes[0].steps[0] else { panic!("{finding:?}") };
        assert_eq!(argv.last().map(String::as_str), Some("libstdcxx-ng>=12"));
    }

    #[test]
    fn a_runtime_that_was_not_found_is_not_fine() {
        let mut findings = Findings::default();
        run(&not_found_anywhere(), &mut findings);
        assert!(findings.skipped.is_some());
    }
}
