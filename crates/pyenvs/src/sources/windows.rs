//! Where Windows keeps Pythons: the registry (PEP 514), and the installers' usual directories.

use std::collections::BTreeMap;
use std::path::PathBuf;

use host::{FileKind, Os};

use crate::candidate::{Candidate, Place};
use crate::context::Context;
use crate::discover::Search;
use crate::{EnvironmentKind, FoundBy, paths};

/// Per user, for everybody, and what 32-bit installers wrote for everybody.
const KEYS: [&str; 3] =
    [r"HKCU\Software\Python", r"HKLM\Software\Python", r"HKLM\Software\WOW6432Node\Python"];

/// Every Python that registered itself.
pub(super) fn registry(context: &Context<'_>, _: &Search<'_>, found: &mut Vec<Candidate>) {
    if context.os() != Os::Windows {
        return;
    }
    for key in KEYS {
        let values: Vec<(String, String, String)> = context
            .host
            .registry(key)
            .into_iter()
            .map(|value| (value.key, value.name, value.data))
            .collect();
        for (company, prefix) in installations(&values) {
            let place = Place::Prefix(paths::from_text(context.os(), &prefix));
            let mut candidate = Candidate::seen(place, FoundBy::Registry);
            candidate.kind = match company.as_str() {
                "PythonCore" => Some(EnvironmentKind::PythonOrg),
                "Astral" => Some(EnvironmentKind::Uv),
                _ => None,
            };
            found.push(candidate);
        }
    }
}

/// Company and directory of each `...\Python\COMPANY\TAG\InstallPath`, from the directory it
/// names, or else from its interpreter.
fn installations(values: &[(String, String, String)]) -> Vec<(String, String)> {
    let mut by_key: BTreeMap<&str, (String, Option<&str>, Option<&str>)> = BTreeMap::new();
    for (key, name, data) in values {
        let parts: Vec<&str> = key.rsplitn(4, '\\').collect();
        let [last, _tag, company, _] = parts.as_slice() else { continue };
        // The launcher registers itself here too.
        if !last.eq_ignore_ascii_case("InstallPath") || *company == "PyLauncher" {
            continue;
        }
        let entry = by_key.entry(key).or_insert_with(|| ((*company).to_owned(), None, None));
        if name.is_empty() {
            entry.1 = Some(data);
        } else if name.eq_ignore_ascii_case("ExecutablePath") {
            entry.2 = Some(data);
        }
    }
    by_key
        .into_values()
        .filter_map(|(company, directory, executable)| {
            let directory = directory
                .map(|path| path.trim().trim_matches('"').trim_end_matches(['\\', '/']))
                .filter(|path| !path.is_empty());
            let beside =
                || executable?.trim().trim_matches('"').rsplit_once(['\\', '/']).map(|(d, _)| d);
            Some((company, directory.or_else(beside)?.to_owned()))
        })
        .collect()
}

/// Directories of the python.org installers and of the install manager, and the Store's aliases.
pub(super) fn directories(context: &Context<'_>, _: &Search<'_>, found: &mut Vec<Candidate>) {
    if context.os() != Os::Windows {
        return;
    }
    let variables = &context.host.variables;
    let mut parents: Vec<PathBuf> = Vec::new();
    for (variable, inside) in [
        ("LOCALAPPDATA", "Programs/Python"),
        ("LOCALAPPDATA", "Python"),
        ("PROGRAMFILES", ""),
        ("PROGRAMFILES(X86)", ""),
        ("SYSTEMDRIVE", "/"),
    ] {
        if let Some(directory) = variables.path(variable) {
            let directory = if inside == "/" {
                PathBuf::from(format!("{}/", directory.display()))
            } else if inside.is_empty() {
                directory
            } else {
                directory.join(inside)
            };
            parents.push(directory);
        }
    }
    for parent in parents {
        for entry in context.list(&parent) {
            let Some(name) = entry.name_text() else { continue };
            let rest = name.to_ascii_lowercase();
            let is_python = rest
                .strip_prefix("pythoncore-")
                .or_else(|| rest.strip_prefix("python"))
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            if is_python && entry.kind != FileKind::File {
                found.push(
                    Candidate::seen(Place::Prefix(parent.join(name)), FoundBy::System)
                        .of_kind(EnvironmentKind::PythonOrg),
                );
            }
        }
    }
    if let Some(local) = variables.path("LOCALAPPDATA") {
        let aliases = local.join("Microsoft/WindowsApps");
        for entry in context.list(&aliases) {
            let Some(name) = entry.name_text() else { continue };
            if name.starts_with("PythonSoftwareFoundation.Python.") {
                let place = Place::Executable(aliases.join(name).join("python.exe"));
                found.push(
                    Candidate::seen(place, FoundBy::System).of_kind(EnvironmentKind::WindowsStore),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_is_named_by_its_directory_or_its_interpreter() {
        let value = |key: &str, name: &str, data: &str| {
            (format!(r"HKEY_CURRENT_USER\Software\Python\{key}"), name.to_owned(), data.to_owned())
        };
        let values = [
            value(r"PythonCore\3.12", "DisplayName", "Python 3.12"),
            value(r"PythonCore\3.12\InstallPath", "", r"C:\Py312\"),
            value(r"PythonCore\3.12\InstallPath", "ExecutablePath", r"C:\Py312\python.exe"),
            value(r"Astral\CPython3.13.0\InstallPath", "ExecutablePath", r"C:\uv\python.exe"),
            value(r"PyLauncher\x\InstallPath", "", r"C:\Windows"),
            value(r"PythonCore\3.9\InstallPath", "", ""),
            value("x", "", "y"),
        ];
        assert_eq!(
            installations(&values),
            [
                ("Astral".to_owned(), r"C:\uv".to_owned()),
                ("PythonCore".to_owned(), r"C:\Py312".to_owned())
            ]
        );
    }
}
