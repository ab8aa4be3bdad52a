//! What pyenv is set to use in the project.

use std::path::Path;

use host::{Host, HostPath};

use super::super::path;
use crate::PyenvFacts;

/// Programs of a version that people start by name.
const PROGRAMS: [&str; 3] = ["pip", "maturin", "uv"];

pub(super) fn gather(host: &Host, project: &Path) -> Option<PyenvFacts> {
    let selection = pyenvs::pyenv_selection(host, project)?;
    let shims = selection.root.join("shims");
    let shims_on_path =
        host.variables.paths(host.os, "PATH").iter().any(|entry| host.absolute(entry) == shims);
    let missing = selection
        .versions
        .iter()
        .filter(|(name, prefix)| prefix.is_none() && name != "system")
        .map(|(name, _)| name.clone());
    let mut unshimmed = Vec::new();
    for prefix in selection.versions.iter().filter_map(|(_, prefix)| prefix.as_ref()) {
        for program in PROGRAMS {
            let file = prefix.join("bin").join(program);
            // A program that another directory of PATH has is found all the same.
            if host.is_executable(&file)
                && !host.exists(&shims.join(program))
                && host.program(program).is_none()
                && !unshimmed.iter().any(|known| known == program)
            {
                unshimmed.push(program.to_owned());
            }
        }
    }
    Some(PyenvFacts {
        requested: selection.versions.iter().map(|(name, _)| name.clone()).collect(),
        requested_by: requested_by(host, &selection.origin),
        missing: missing.collect(),
        installed: selection.installed,
        root: path(selection.root),
        shims_on_path,
        unshimmed,
    })
}

/// The name of the variable, or the file as the system writes it.
fn requested_by(host: &Host, origin: &str) -> String {
    match origin.strip_suffix(" environment variable") {
        Some(variable) => variable.to_owned(),
        None => HostPath::from(origin).native(host.os),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use host::{Arch, Machine, Os};

    use super::*;

    fn machine(variables: &[(&str, &str)], files: &[(&str, &str)]) -> Host {
        Host::recorded(Machine {
            os: Os::Linux,
            arch: Arch::X86_64,
            working_directory: "/home/dev/p".into(),
            home: Some("/home/dev".into()),
            variables: variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            files: files.iter().map(|(f, t)| (PathBuf::from(f), (*t).to_owned())).collect(),
            binaries: BTreeMap::new(),
            directories: vec!["/home/dev/.pyenv/shims".into()],
            links: BTreeMap::new(),
            registry: BTreeMap::new(),
        })
    }

    #[test]
    fn what_is_asked_for_and_not_installed_is_missing() {
        let files = [
            ("/home/dev/.pyenv/versions/3.11.7/bin/python", ""),
            ("/home/dev/.pyenv/versions/3.11.7/bin/maturin", ""),
            ("/home/dev/p/.python-version", "3.11\n3.12.9\nsystem\n"),
        ];
        let host = machine(&[("PATH", "/home/dev/.pyenv/shims:/usr/bin")], &files);
        let found = gather(&host, Path::new("/home/dev/p")).unwrap();
        assert_eq!(found.requested, ["3.11", "3.12.9", "system"]);
        assert_eq!(found.missing, ["3.12.9"]);
        assert_eq!(found.requested_by, "/home/dev/p/.python-version");
        assert_eq!(found.installed, ["3.11.7"]);
        assert!(found.shims_on_path);
        assert_eq!(found.unshimmed, ["maturin"]);
        let host = machine(&[("PYENV_VERSION", "9.9")], &files);
        let found = gather(&host, Path::new("/home/dev/p")).unwrap();
        assert_eq!(
            (found.missing.as_slice(), found.requested_by.as_str()),
            (&["9.9".to_owned()][..], "PYENV_VERSION")
        );
        assert!(!found.shims_on_path);
    }

    #[test]
    fn a_machine_without_pyenv_has_none() {
        let mut host = machine(&[], &[]);
        host.home = Some("/home/other".into());
        assert!(gather(&host, Path::new("/home/dev/p")).is_none());
    }
}
