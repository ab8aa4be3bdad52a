//! The interpreters that cells are made with, found among those of the machine.

use std::path::{Path, PathBuf};

use host::Host;
use pep440_rs::Version;
use pyenvs::{Depth, Environment, Implementation, Search};

use crate::specification::OLDEST_PYTHON;

/// An interpreter that environments can be made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interpreter {
    pub(crate) executable: PathBuf,
    pub(crate) version: Version,
}

impl Interpreter {
    /// `3.11`.
    pub(crate) fn minor(&self) -> String {
        let [major, minor] = numpy_rules::minor(&self.version);
        format!("{major}.{minor}")
    }
}

/// Every interpreter of the machine that cells could be made with, newest first.
pub(crate) fn find(host: &Host, project: &Path) -> Vec<Interpreter> {
    let search = Search { project, configured: &[], argument: None, depth: Depth::Outline };
    let mut found: Vec<Interpreter> = pyenvs::discover(host, &search)
        .environments
        .iter()
        .filter(|environment| !environment.kind.is_virtual() && !environment.kind.is_conda())
        .filter_map(interpreter)
        .collect();
    found.sort_by(|a, b| b.version.cmp(&a.version));
    found
}

/// The interpreter of an environment, if numpy's ordinary wheels are for it.
fn interpreter(environment: &Environment) -> Option<Interpreter> {
    let is_cpython = matches!(environment.implementation.get(), Some(Implementation::CPython));
    // `cpython-313t` and `cpython-313d`: builds without the lock, and for debugging.
    let is_ordinary = environment.abi.get().is_none_or(|abi| !is_special(&abi.extension_suffix));
    if !environment.is_usable() || !is_cpython || !is_ordinary {
        return None;
    }
    let executable = environment.executable.as_ref()?.to_path_buf();
    Some(Interpreter { executable, version: environment.version.get()?.clone() })
}

fn is_special(extension_suffix: &str) -> bool {
    let name = extension_suffix.trim_start_matches('.');
    let version = ["cpython-", "cp"].iter().find_map(|prefix| name.strip_prefix(prefix));
    let flags = version.unwrap_or_default().trim_start_matches(|c: char| c.is_ascii_digit());
    flags.starts_with(['t', 'd'])
}

/// What a request for a Python (`3.11`, `3.11.7`, a path) comes to, or why to nothing.
pub(crate) fn pick(
    host: &Host,
    project: &Path,
    found: &[Interpreter],
    request: &str,
) -> Result<Interpreter, String> {
    if let Ok(version) = request.parse::<Version>() {
        let wanted = version.release();
        let fits = |found: &&Interpreter| found.version.release().starts_with(wanted);
        return found.iter().find(fits).cloned().ok_or_else(|| {
            format!(
                "there is no CPython {request} on this machine; install it \
                 (`uv python install {request}`, `pyenv install {request}`), \
                 or take it out of `pythons` in `[matrix]`"
            )
        });
    }
    let path = project.join(request);
    pyenvs::read_environment(host, &path)
        .as_ref()
        .and_then(interpreter)
        .ok_or_else(|| format!("there is no usable CPython at {}", path.display()))
}

/// The requests that stand for "every Python here": each minor version once, oldest first.
pub(crate) fn every_minor(found: &[Interpreter]) -> Vec<String> {
    let mut minors: Vec<[u64; 2]> =
        found.iter().map(|interpreter| numpy_rules::minor(&interpreter.version)).collect();
    minors.retain(|minor| *minor >= OLDEST_PYTHON);
    minors.sort_unstable();
    minors.dedup();
    minors.iter().map(|[major, minor]| format!("{major}.{minor}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interpreters(versions: &[&str]) -> Vec<Interpreter> {
        let of = |version: &&str| Interpreter {
            executable: PathBuf::from(format!("/opt/{version}/bin/python")),
            version: version.parse().unwrap(),
        };
        versions.iter().map(of).collect()
    }

    #[test]
    fn a_version_picks_the_newest_that_begins_with_it() {
        let host = Host::current().unwrap();
        let found = interpreters(&["3.13.0", "3.11.12", "3.11.7", "3.1.5"]);
        let pick = |request: &str| {
            pick(&host, Path::new("/"), &found, request).map(|found| found.version.to_string())
        };
        assert_eq!(pick("3.11").unwrap(), "3.11.12");
        assert_eq!(pick("3.11.7").unwrap(), "3.11.7");
        assert_eq!(pick("3.1").unwrap(), "3.1.5");
        assert!(pick("3.9").unwrap_err().contains("uv python install 3.9"));
        assert!(pick("no/such/python").unwrap_err().contains("no usable CPython at /no/such"));
        assert_eq!(every_minor(&found), ["3.11", "3.13"]);
    }

    #[test]
    fn builds_that_ordinary_wheels_are_not_for_are_told_by_their_suffix() {
        assert!(is_special(".cpython-313t-x86_64-linux-gnu.so"));
        assert!(is_special(".cpython-313d-x86_64-linux-gnu.so"));
        assert!(!is_special(".cpython-313-x86_64-linux-gnu.so"));
        assert!(is_special(".cp313t-win_amd64.pyd"));
        assert!(!is_special(".cp313-win_amd64.pyd"));
        assert!(!is_special(".cpython-38-darwin.so"));
    }
}
