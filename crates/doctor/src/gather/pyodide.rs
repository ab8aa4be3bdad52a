//! Whether the project runs in Pyodide: Python in a browser, or in Node.js.

use std::path::{Path, PathBuf};

use host::Host;
use memchr::memmem;

use super::path;
use crate::PyodideUse;

/// Ends of the names of files that may start Pyodide.
pub(super) const SCRIPTS: &[&str] = &["js", "mjs", "cjs", "ts", "mts", "html"];

/// Scripts read at most, and the longest one.
const FILE_LIMIT: usize = 500;
const SCRIPT_LIMIT: u64 = 1 << 20;

/// Longest `package.json`.
const PACKAGE_LIMIT: u64 = 1 << 20;

/// Calls with which a script mounts a directory of the host.
const MOUNTS: &[&str] = &["NODEFS", "mountNodeFS", "mountNativeFS"];

pub(super) fn gather(host: &Host, project: &Path, scripts: &[PathBuf]) -> Option<PyodideUse> {
    let package = project.join("package.json");
    let text = host.read_text(&package, PACKAGE_LIMIT).ok();
    let asks = text.as_deref().and_then(dependency);
    let mut found = asks.map(|what| PyodideUse { path: path(&package), what, mounts_host: false });
    for script in scripts.iter().take(FILE_LIMIT) {
        let Ok(bytes) = host.read(script, SCRIPT_LIMIT) else { continue };
        let has = |word: &str| memmem::find(&bytes, word.as_bytes()).is_some();
        let starts = has("loadPyodide");
        if !starts && found.is_none() {
            continue;
        }
        let mounts_host = MOUNTS.iter().any(|word| has(word));
        match &mut found {
            Some(known) => known.mounts_host |= mounts_host,
            None => {
                let what = "it calls loadPyodide".to_owned();
                found = Some(PyodideUse { path: path(script), what, mounts_host });
            }
        }
    }
    found
}

/// The dependency on Pyodide in a `package.json`.
fn dependency(text: &str) -> Option<String> {
    let document: serde_json::Value = serde_json::from_str(text).ok()?;
    ["dependencies", "devDependencies"].into_iter().find_map(|table| {
        let version = document.get(table)?.get("pyodide")?.as_str()?;
        Some(format!("it depends on pyodide {version}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(files: &[(&str, &str)]) -> Option<PyodideUse> {
        let root = tempfile::tempdir().unwrap();
        let mut scripts = Vec::new();
        for (name, text) in files {
            let file = root.path().join(name);
            fs_err::write(&file, text).unwrap();
            if !name.ends_with("json") {
                scripts.push(file);
            }
        }
        gather(&Host::current().unwrap(), root.path(), &scripts)
    }

    #[test]
    fn packages_and_scripts_say_so() {
        let package = ("package.json", r#"{"dependencies": {"pyodide": "^0.28.0"}}"#);
        let found = look(&[package]).unwrap();
        assert_eq!(
            (found.what.as_str(), found.mounts_host),
            ("it depends on pyodide ^0.28.0", false)
        );
        let mounts = ("a.mjs", "py.FS.mount(py.FS.filesystems.NODEFS, {root: '.'}, '/x')");
        assert!(look(&[package, mounts]).unwrap().mounts_host);
        assert!(look(&[("a.js", "await loadPyodide()")]).is_some());
        assert!(look(&[mounts]).is_none());
        assert!(look(&[("package.json", "{")]).is_none());
    }
}
