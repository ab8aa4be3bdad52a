//! PKG004: `PYTHONPATH` or `PYTHONHOME` bring a foreign Python into every environment.

use host::{HostPath, Os};
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::subjects::shell;
use crate::{EnvironmentFacts, Facts, Findings, PythonHome, PythonPathEntry};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "PKG004",
    name: "python-path-pollution",
    summary: "PYTHONPATH or PYTHONHOME bring another Python's files into the environments",
    page: include_str!("../../../pages/PKG004.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[
            tests::packages_of_another_version,
            tests::numpy_for_another_version,
            tests::numpy_of_somewhere_else,
            tests::library_of_another_version,
            tests::home_of_another_version,
            tests::home_of_another_installation,
        ],
        silent: &[
            tests::nothing_set,
            tests::sources_of_the_project,
            tests::own_packages,
            tests::not_there,
            tests::home_of_the_same_installation,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let machine = &facts.machine;
    if machine.python_path.is_empty() && machine.python_home.is_none() {
        return;
    }
    let used: Vec<&EnvironmentFacts> = facts.judged().filter(|e| e.python.is_usable()).collect();
    if used.is_empty() {
        findings.skip("no environment is in use here");
        return;
    }
    if let Some(home) = &machine.python_home {
        findings.list.extend(judge_home(facts, home, &used));
    }
    findings.list.extend(judge_path(facts, &machine.python_path, &used));
}

/// `3.11` of an environment.
fn minor(environment: &EnvironmentFacts) -> Option<String> {
    let release = environment.python.version.get()?.release();
    Some(format!("{}.{}", release.first()?, release.get(1)?))
}

/// `3.8` of `/x/lib/python3.8/site-packages`, or of `/x/lib/python3.8`.
fn minor_in(path: &HostPath) -> Option<String> {
    let name_of = |part: &std::ffi::OsStr| {
        let rest = part.to_str()?.strip_prefix("python")?.trim_end_matches(['t', 'm', 'd']);
        let (major, minor) = rest.split_once('.')?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        (is_number(major) && is_number(minor)).then(|| rest.to_owned())
    };
    let parent = path.parent().and_then(|parent| parent.file_name());
    let is_packages =
        path.file_name().is_some_and(|name| name == "site-packages" || name == "dist-packages");
    match path.file_name().and_then(name_of) {
        Some(minor) => Some(minor),
        None if is_packages => parent.and_then(name_of),
        None => None,
    }
}

fn labels(facts: &Facts, environments: &[&EnvironmentFacts]) -> String {
    let label = |e: &EnvironmentFacts| e.python.label(|path| facts.short(path));
    match environments {
        [] => String::new(),
        [one] => label(one),
        [first, rest @ ..] => format!("{} and {} more", label(first), rest.len()),
    }
}

fn judge_home(facts: &Facts, home: &PythonHome, used: &[&EnvironmentFacts]) -> Option<Finding> {
    let shown = facts.native(&home.path);
    let is_base = |e: &EnvironmentFacts| {
        e.python.base_prefix.as_ref().unwrap_or(&e.python.prefix) == &home.path
    };
    // On Windows the name of the library's directory does not tell its version.
    let has_library = |environment: &EnvironmentFacts| {
        home.libraries.iter().any(|library| minor_in(library) == minor(environment))
    };
    let foreign: Vec<&EnvironmentFacts> =
        used.iter().copied().filter(|environment| !is_base(environment)).collect();
    let stuck: Vec<&EnvironmentFacts> =
        foreign.iter().copied().filter(|environment| !has_library(environment)).collect();
    let (severity, message) = if !stuck.is_empty() {
        let message = format!(
            "PYTHONHOME makes Python look for its standard library in {shown}, which has none for \
             {}: it cannot start",
            labels(facts, &stuck)
        );
        (Severity::Error, message)
    } else if !foreign.is_empty() {
        let message = format!(
            "PYTHONHOME gives {} the standard library of another installation, whose compiled \
             modules may not load",
            labels(facts, &foreign)
        );
        (Severity::Warning, message)
    } else {
        return None;
    };
    let held = match home.libraries.as_slice() {
        [] => "no standard library in it".to_owned(),
        libraries => {
            let names: Vec<String> = libraries.iter().map(|path| facts.native(path)).collect();
            format!("the libraries in it: {}", names.join(", "))
        }
    };
    Some(
        Finding::new(severity, shell(), message)
            .seen(format!("PYTHONHOME={shown}"))
            .seen_at(shown, held)
            .cause(
                "A start-up file, an environment module, an IDE or another program exported \
                 PYTHONHOME; it is meant for programs that embed Python",
            )
            .fix(Fix::new(Safety::Safe, "remove the variable").unset("PYTHONHOME")),
    )
}

/// What one entry does to one environment.
fn judge_entry(
    entry: &PythonPathEntry,
    environment: &EnvironmentFacts,
) -> Option<(Severity, String)> {
    let python = &environment.python;
    let own = minor(environment);
    let named = minor_in(&entry.path);
    let is_other = named.is_some() && own.is_some() && named != own;
    let named = named.unwrap_or_else(|| "an unknown version".to_owned());
    if python.site_packages.contains(&entry.path) || python.stdlib.as_ref() == Some(&entry.path) {
        return None;
    }
    if entry.holds_standard_library {
        return is_other
            .then(|| (Severity::Error, format!("the standard library of Python {named}")));
    }
    if entry.holds_numpy {
        let suffixes = python.abi.get().map(|abi| abi.extension_suffixes.as_slice());
        let loads = suffixes.unwrap_or_default().iter().any(|suffix| {
            entry
                .numpy_modules
                .iter()
                .any(|file| file.strip_prefix("_multiarray_umath") == Some(suffix.as_str()))
        });
        if !loads && suffixes.is_some() && !entry.numpy_modules.is_empty() {
            let modules = entry.numpy_modules.join(", ");
            let what = format!("a numpy that this Python cannot load ({modules})");
            return Some((Severity::Error, what));
        }
        return Some((Severity::Warning, "a numpy that hides the environment's".to_owned()));
    }
    is_other.then(|| (Severity::Warning, format!("packages of Python {named}")))
}

fn judge_path(
    facts: &Facts,
    entries: &[PythonPathEntry],
    used: &[&EnvironmentFacts],
) -> Option<Finding> {
    let mut severity = Severity::Info;
    let mut hit: Vec<&EnvironmentFacts> = Vec::new();
    let mut evidence: Vec<(String, String)> = Vec::new();
    let mut kept: Vec<String> = Vec::new();
    for entry in entries {
        let mut worst: Option<(Severity, String)> = None;
        for environment in used {
            let Some(found) = judge_entry(entry, environment).filter(|_| entry.exists) else {
                continue;
            };
            if !hit.iter().any(|known| known.python.prefix == environment.python.prefix) {
                hit.push(environment);
            }
            if worst.as_ref().is_none_or(|worst| worst.0 < found.0) {
                worst = Some(found);
            }
        }
        match worst {
            Some((found, what)) => {
                severity = severity.max(found);
                evidence.push((facts.native(&entry.path), what));
            }
            None => kept.push(facts.native(&entry.path)),
        }
    }
    if evidence.is_empty() {
        return None;
    }
    let message = format!(
        "PYTHONPATH puts {} before the packages of {}",
        match evidence.as_slice() {
            [(path, _)] => path.clone(),
            many => format!("{} directories of other Pythons", many.len()),
        },
        labels(facts, &hit)
    );
    let value = facts.variable("PYTHONPATH").unwrap_or_default();
    let mut finding = Finding::new(severity, shell(), message).seen(format!("PYTHONPATH={value}"));
    for (path, what) in evidence {
        finding = finding.seen_at(path, what);
    }
    let fix = if kept.is_empty() {
        Fix::new(Safety::Safe, "remove the variable").unset("PYTHONPATH")
    } else {
        let separator = if facts.machine.os == Os::Windows { ";" } else { ":" };
        Fix::new(Safety::Safe, "keep only the entries that do no harm")
            .set("PYTHONPATH", kept.join(separator))
    };
    Some(
        finding
            .cause(
                "A start-up file, an environment module, an IDE or another program exported \
                 PYTHONPATH, and every Python started from this shell obeys it",
            )
            .fix(fix),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PROJECT, healthy};

    fn entry(path: &str) -> PythonPathEntry {
        PythonPathEntry {
            path: HostPath::from(path),
            exists: true,
            holds_numpy: false,
            numpy_modules: Vec::new(),
            holds_standard_library: false,
        }
    }

    fn with(entries: &[PythonPathEntry]) -> Facts {
        let mut facts = healthy();
        facts.machine.python_path = entries.to_vec();
        let value: Vec<String> = entries.iter().map(|entry| entry.path.text()).collect();
        facts.machine.variables.insert("PYTHONPATH".to_owned(), value.join(":"));
        facts
    }

    fn with_numpy(path: &str, module: &str) -> Facts {
        with(&[PythonPathEntry {
            holds_numpy: true,
            numpy_modules: vec![format!("_multiarray_umath.{module}")],
            ..entry(path)
        }])
    }

    fn with_home(path: &str, libraries: &[&str]) -> Facts {
        let mut facts = healthy();
        facts.machine.python_home = Some(PythonHome {
            path: HostPath::from(path),
            libraries: libraries.iter().map(|path| HostPath::from(*path)).collect(),
        });
        facts
    }

    pub(super) fn packages_of_another_version() -> Facts {
        with(&[entry("/home/dev/project/src"), entry("/opt/x/lib/python3.8/site-packages")])
    }

    pub(super) fn numpy_for_another_version() -> Facts {
        with_numpy("/usr/lib/python3/dist-packages", "cpython-312-x86_64-linux-gnu.so")
    }

    pub(super) fn numpy_of_somewhere_else() -> Facts {
        with_numpy("/opt/modules/numpy/1.26", "cpython-311-x86_64-linux-gnu.so")
    }

    pub(super) fn library_of_another_version() -> Facts {
        let path = "/usr/lib/python3.9";
        with(&[PythonPathEntry { holds_standard_library: true, ..entry(path) }])
    }

    pub(super) fn home_of_another_version() -> Facts {
        with_home("/usr", &["/usr/lib/python3.12"])
    }

    pub(super) fn home_of_another_installation() -> Facts {
        with_home("/opt/python", &["/opt/python/lib/python3.11"])
    }

    pub(super) fn nothing_set() -> Facts {
        healthy()
    }

    pub(super) fn sources_of_the_project() -> Facts {
        with(&[entry(&format!("{PROJECT}/src")), entry("/opt/tools/lib")])
    }

    pub(super) fn own_packages() -> Facts {
        let path = format!("{PROJECT}/.venv/lib/python3.11/site-packages");
        with_numpy(&path, "cpython-311-x86_64-linux-gnu.so")
    }

    pub(super) fn not_there() -> Facts {
        with(&[PythonPathEntry { exists: false, ..entry("/opt/lib/python3.8/site-packages") }])
    }

    /// What `cargo test` of a program that embeds Python may need.
    pub(super) fn home_of_the_same_installation() -> Facts {
        with_home("/usr/local", &["/usr/local/lib/python3.11"])
    }

    fn findings(facts: &Facts) -> Vec<Finding> {
        let mut findings = Findings::default();
        run(facts, &mut findings);
        findings.list
    }

    #[test]
    fn harmless_entries_are_kept() {
        let found = findings(&packages_of_another_version());
        let kept = Fix::new(Safety::Safe, "keep only the entries that do no harm")
            .set("PYTHONPATH", "/home/dev/project/src");
        assert_eq!(found[0].fixes, [kept]);
        assert_eq!(found[0].severity, Severity::Warning);
    }

    #[test]
    fn what_cannot_work_is_an_error() {
        for case in [numpy_for_another_version, library_of_another_version, home_of_another_version]
        {
            assert_eq!(findings(&case())[0].severity, Severity::Error);
        }
        for case in [numpy_of_somewhere_else, home_of_another_installation] {
            assert_eq!(findings(&case())[0].severity, Severity::Warning);
        }
    }

    #[test]
    fn the_version_is_in_the_name_of_the_library() {
        let minor = |path: &str| minor_in(&HostPath::from(path));
        assert_eq!(minor("/x/lib/python3.8/site-packages").as_deref(), Some("3.8"));
        assert_eq!(minor("/x/lib/python3.13t").as_deref(), Some("3.13"));
        assert_eq!(minor("/usr/lib/python3/dist-packages"), None);
        assert_eq!(minor("/opt/python3.8/src"), None);
    }
}
