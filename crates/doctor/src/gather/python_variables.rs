//! What `PYTHONPATH` and `PYTHONHOME` lead to.

use std::path::Path;

use host::{Host, HostPath};

use super::path;
use crate::{PythonHome, PythonPathEntry};

/// Entries of `PYTHONPATH` that are looked at.
const MOST_ENTRIES: usize = 100;
/// Names in one directory that are looked at.
const MOST_NAMES: usize = 20_000;

/// The entries of `PYTHONPATH`, in order.
pub(super) fn python_path(host: &Host) -> Vec<PythonPathEntry> {
    let entries = host.variables.paths(host.os, "PYTHONPATH");
    entries.into_iter().take(MOST_ENTRIES).map(|entry| look(host, &host.absolute(&entry))).collect()
}

fn look(host: &Host, directory: &Path) -> PythonPathEntry {
    let numpy = directory.join("numpy");
    let holds_numpy = host.is_file(&numpy.join("__init__.py"));
    let mut numpy_modules: Vec<String> = Vec::new();
    if holds_numpy {
        for core in ["_core", "core"] {
            let names = host.list(&numpy.join(core), MOST_NAMES).unwrap_or_default();
            numpy_modules.extend(
                names
                    .iter()
                    .filter_map(|entry| entry.name_text())
                    .filter(|name| name.starts_with("_multiarray_umath."))
                    .map(str::to_owned),
            );
        }
        numpy_modules.sort();
    }
    PythonPathEntry {
        path: path(directory),
        exists: host.exists(directory),
        holds_numpy,
        numpy_modules,
        holds_standard_library: host.is_file(&directory.join("encodings/__init__.py")),
    }
}

/// What `PYTHONHOME` names; the part behind a separator (`prefix:exec_prefix`) is for compiled
/// modules only and is left out.
pub(super) fn python_home(host: &Host) -> Option<PythonHome> {
    let home = host.variables.paths(host.os, "PYTHONHOME").into_iter().next()?;
    if home.as_os_str().is_empty() {
        return None;
    }
    let home = host.absolute(&home);
    let mut libraries = Vec::new();
    for lib in ["lib", "lib64", "Lib"] {
        let directory = home.join(lib);
        if host.is_file(&directory.join("encodings/__init__.py")) {
            libraries.push(path(&directory));
        }
        let names = host.list(&directory, MOST_NAMES).unwrap_or_default();
        libraries.extend(
            names
                .iter()
                .filter_map(|entry| entry.name_text())
                .filter(|name| name.starts_with("python"))
                .map(|name| directory.join(name))
                .filter(|library| host.is_file(&library.join("encodings/__init__.py")))
                .map(path),
        );
    }
    libraries.dedup();
    Some(PythonHome {
        path: path(home),
        libraries: libraries.into_iter().collect::<Vec<HostPath>>(),
    })
}

#[cfg(test)]
mod tests {
    use host::Machine;

    use super::*;

    fn machine(text: &str) -> Host {
        let text = format!(
            "os = \"linux\"\narch = \"x86_64\"\nworking_directory = \"/w\"\nhome = \"/h\"\n{text}"
        );
        Host::recorded(toml::from_str::<Machine>(&text).unwrap())
    }

    #[test]
    fn entries_tell_what_they_hold() {
        let host = machine(
            r#"
            [variables]
            PYTHONPATH = "src::/opt/tools:/usr/lib/python3.9"
            [files]
            "/w/src/demo/__init__.py" = ""
            "/opt/tools/numpy/__init__.py" = ""
            "/opt/tools/numpy/_core/_multiarray_umath.cpython-39-x86_64-linux-gnu.so" = ""
            "/usr/lib/python3.9/encodings/__init__.py" = ""
            "#,
        );
        let entries = python_path(&host);
        assert_eq!(entries[0].path, HostPath::from("/w/src"));
        assert!(!entries[0].holds_numpy && !entries[0].holds_standard_library);
        let tools = entries.iter().find(|entry| entry.holds_numpy).unwrap();
        assert_eq!(tools.numpy_modules, ["_multiarray_umath.cpython-39-x86_64-linux-gnu.so"]);
        assert!(entries.last().unwrap().holds_standard_library);
    }

    #[test]
    fn a_home_tells_its_libraries() {
        let host = machine(
            r#"
            [variables]
            PYTHONHOME = "/opt/python:/opt/python"
            [files]
            "/opt/python/lib/python3.11/encodings/__init__.py" = ""
            "/opt/python/lib/python3.11/os.py" = ""
            "/opt/python/lib/pythonware/readme" = ""
            "#,
        );
        let home = python_home(&host).unwrap();
        assert_eq!(home.path, HostPath::from("/opt/python"));
        assert_eq!(home.libraries, [HostPath::from("/opt/python/lib/python3.11")]);
        assert!(python_home(&machine("")).is_none());
        assert!(python_path(&machine("")).is_empty());
    }
}
