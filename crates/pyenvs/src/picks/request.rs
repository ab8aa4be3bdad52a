//! What `UV_PYTHON` and `.python-version` ask uv for.

use std::path::PathBuf;
use std::str::FromStr as _;

use pep440_rs::{Version, VersionSpecifiers};

use crate::{Environment, Implementation};

/// The path that `UV_PYTHON` names, if it names one: `3.12` is a version even where a file of that
/// name exists.
pub(crate) fn path_of(text: &str) -> Option<PathBuf> {
    match parse(text) {
        Request::Path(path) => Some(path),
        Request::Name(name) => Some(PathBuf::from(name)),
        _ => None,
    }
}

/// What `UV_PYTHON` or `.python-version` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// Any Python 3.
    Any,
    /// A release, by its first numbers.
    Version { release: Vec<u64>, free_threaded: bool, implementation: Option<Implementation> },
    /// `>=3.10,<3.13`.
    Range(VersionSpecifiers),
    /// An implementation, whatever its version.
    Implementation(Implementation),
    /// A path.
    Path(PathBuf),
    /// A program on `PATH`.
    Name(String),
}

impl Request {
    pub(super) fn matches(&self, environment: &Environment) -> bool {
        let version = environment.version.get();
        let is = |wanted: &Implementation| environment.implementation.get() == Some(wanted);
        match self {
            Self::Any => true,
            Self::Version { release, free_threaded, implementation } => {
                let numbers = version.map(|version| version.release().to_vec());
                numbers.is_some_and(|numbers| numbers.starts_with(release))
                    && environment.abi.get().is_none_or(|abi| abi.free_threaded == *free_threaded)
                    && implementation.as_ref().is_none_or(is)
            }
            Self::Range(range) => version.is_some_and(|version| range.contains(version)),
            Self::Implementation(wanted) => is(wanted),
            Self::Path(_) | Self::Name(_) => false,
        }
    }
}

/// `3.12`, `312`, `3.13t`, `cpython@3.12`, `pypy3.10`, `cpython-3.12.4-linux-x86_64-gnu`,
/// `>=3.10,<3.13`, a path, a name.
pub(super) fn parse(text: &str) -> Request {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    if lower == "any" || lower == "default" {
        return Request::Any;
    }
    if text.contains(['/', '\\']) || text.starts_with('.') {
        return Request::Path(PathBuf::from(text.replace('\\', "/")));
    }
    if lower.starts_with(['>', '<', '=', '~', '!'])
        && let Ok(range) = VersionSpecifiers::from_str(&lower)
    {
        return Request::Range(range);
    }
    let implementations = [
        ("cpython", Some(Implementation::CPython)),
        ("graalpy", Some(Implementation::GraalPy)),
        ("pypy", Some(Implementation::PyPy)),
        ("python", None),
        ("cp", Some(Implementation::CPython)),
        ("gp", Some(Implementation::GraalPy)),
        ("pp", Some(Implementation::PyPy)),
        ("", None),
    ];
    for (name, implementation) in implementations {
        let Some(rest) = lower.strip_prefix(name) else { continue };
        if rest.is_empty()
            && let Some(implementation) = implementation
        {
            return Request::Implementation(implementation);
        }
        let rest = rest.trim_start_matches(['@', '-']);
        let end = rest.find(['-', '+']).unwrap_or(rest.len());
        let variant = rest[end..].trim_start_matches('+').split('-').next().unwrap_or_default();
        if let Some((release, t)) = release(&rest[..end]) {
            let free_threaded = t || variant == "freethreaded";
            return Request::Version { release, free_threaded, implementation };
        }
    }
    Request::Name(text.to_owned())
}

/// The numbers of `3`, `3.12`, `3.12.4`, `312` and whether a `t` follows.
fn release(text: &str) -> Option<(Vec<u64>, bool)> {
    let (digits, free_threaded) = match text.strip_suffix('t') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if digits.len() > 1 && digits.bytes().all(|b| b.is_ascii_digit()) {
        let (major, minor) = digits.split_at(1);
        return Some((vec![major.parse().ok()?, minor.parse().ok()?], free_threaded));
    }
    let version = Version::from_str(digits).ok()?;
    Some((version.release().to_vec(), free_threaded))
}

/// The first request of a `.python-version` that uv heeds: it passes over names.
pub(super) fn first_request(text: &str) -> Option<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .find(|line| !matches!(parse(line), Request::Name(_)))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(
        release: &[u64],
        free_threaded: bool,
        implementation: Option<Implementation>,
    ) -> Request {
        Request::Version { release: release.to_vec(), free_threaded, implementation }
    }

    #[test]
    fn every_form_of_a_request_is_read() {
        let cpython = Some(Implementation::CPython);
        assert_eq!(parse("3.12"), version(&[3, 12], false, None));
        assert_eq!(parse("312"), version(&[3, 12], false, None));
        assert_eq!(parse("3"), version(&[3], false, None));
        assert_eq!(parse("3.13t"), version(&[3, 13], true, None));
        assert_eq!(parse("python3.11"), version(&[3, 11], false, None));
        assert_eq!(parse("cpython@3.12.4"), version(&[3, 12, 4], false, cpython.clone()));
        assert_eq!(
            parse("cpython-3.13.0+freethreaded-linux-x86_64-gnu"),
            version(&[3, 13, 0], true, cpython)
        );
        assert_eq!(parse("pypy3.10"), version(&[3, 10], false, Some(Implementation::PyPy)));
        assert_eq!(parse("pypy"), Request::Implementation(Implementation::PyPy));
        assert_eq!(parse("./x/python"), Request::Path("./x/python".into()));
        assert_eq!(parse("mypython"), Request::Name("mypython".to_owned()));
        assert!(matches!(parse(">=3.10,<3.13"), Request::Range(_)));
    }

    #[test]
    fn names_in_a_version_file_do_not_count() {
        assert_eq!(first_request("# x\nmy-env\n3.12\n").as_deref(), Some("3.12"));
        assert_eq!(first_request("my-env\n"), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(cpython|pypy|@|-|t|\\+|[0-9.]|>=|\n|\\PC)*") {
            let _ = parse(&text);
            let _ = first_request(&text);
        }
    }
}
