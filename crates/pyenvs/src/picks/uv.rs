//! `uv run` and `uv pip install`, as uv's discovery decides (astral-sh/uv,
//! `crates/uv-python/src/discovery.rs` and `virtualenv.rs`).

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use host::{FileKind, Os};
use pep440_rs::{Version, VersionSpecifiers};

use crate::context::Context;
use crate::{Environment, EnvironmentKind, Implementation, Pick, candidate, version};

use super::{OnPath, View, program};

const SIZE_LIMIT: u64 = 64 << 10;

pub(super) fn pick(view: &View<'_>) -> Pick {
    let variables = &view.host().variables;
    if let Some(text) = variables.text("UV_PYTHON") {
        return requested(view, &parse(&text), &text);
    }
    if variables.text("UV_SYSTEM_PYTHON").is_some_and(|value| is_true(&value)) {
        return system(view, None, "UV_SYSTEM_PYTHON is set: ")
            .unwrap_or_else(|| nothing("UV_SYSTEM_PYTHON is set, but no Python was found"));
    }
    match virtual_environment(view) {
        Ok(Some(found)) => found.into_pick(view),
        Err(message) => Pick::Refuses { message },
        Ok(None) => without_environment(view),
    }
}

fn nothing(because: impl Into<String>) -> Pick {
    Pick::Nothing { because: because.into() }
}

fn is_true(value: &str) -> bool {
    ["1", "true", "yes", "on", "t", "y"].contains(&value.to_ascii_lowercase().as_str())
}

/// An environment by its directory, and the rule that led there.
struct Found {
    prefix: PathBuf,
    because: &'static str,
}

impl Found {
    fn into_pick(self, view: &View<'_>) -> Pick {
        view.python_in(&self.prefix, interpreter(view, &self.prefix), self.because)
    }
}

/// The environments uv prefers, best first; an error is what uv says when it stops.
fn virtual_environment(view: &View<'_>) -> Result<Option<Found>, String> {
    Ok(match active(view) {
        Some(found) => Some(found),
        None => nearest(view)?,
    })
}

fn active(view: &View<'_>) -> Option<Found> {
    let host = view.host();
    let absolute = |prefix: PathBuf| host.absolute(&view.context.directory.join(prefix));
    if let Some(prefix) = host.variables.path("VIRTUAL_ENV") {
        return Some(Found { prefix: absolute(prefix), because: "VIRTUAL_ENV is set" });
    }
    let prefix = host.variables.path("CONDA_PREFIX")?;
    let is_child = !is_conda_base(view, &prefix);
    is_child.then(|| Found {
        prefix: absolute(prefix),
        because: "CONDA_PREFIX is set, to an environment that is not conda's base",
    })
}

/// uv takes the base for a system Python. It goes by names, not by what is on the disk.
fn is_conda_base(view: &View<'_>, prefix: &Path) -> bool {
    let host = view.host();
    if host.is_file(&prefix.join("conda-meta/pixi")) {
        return false;
    }
    if host.variables.path("_CONDA_ROOT").is_some_and(|root| root == prefix) {
        return true;
    }
    let Some(current) = host.variables.path("CONDA_DEFAULT_ENV") else { return false };
    current != prefix && prefix.file_name().is_some_and(|name| name != current.as_os_str())
}

/// The environment around the project, or the nearest `.venv` upward.
fn nearest(view: &View<'_>) -> Result<Option<Found>, String> {
    let host = view.host();
    for directory in view.context.directory.ancestors() {
        if host.is_file(&directory.join("pyvenv.cfg")) {
            let because = "the project lies in this environment";
            return Ok(Some(Found { prefix: directory.to_path_buf(), because }));
        }
        let prefix = directory.join(".venv");
        let Ok(metadata) = host.symlink_metadata(&prefix) else { continue };
        if !matches!(metadata.kind, FileKind::Directory | FileKind::Symlink) {
            continue;
        }
        if !host.is_file(&prefix.join("pyvenv.cfg")) {
            return Err(format!(
                "Broken virtual environment `{}`: `pyvenv.cfg` is missing",
                prefix.display()
            ));
        }
        let because = "the nearest .venv, upward from the project";
        return Ok(Some(Found { prefix, because }));
    }
    Ok(None)
}

fn interpreter(view: &View<'_>, prefix: &Path) -> PathBuf {
    let names: &[&str] = match view.host().os {
        Os::Windows => &["Scripts/python.exe", "bin/python.exe", "python.exe"],
        Os::Linux | Os::Macos => &["bin/python3", "bin/python"],
    };
    let found = names.iter().map(|name| prefix.join(name)).find(|path| view.host().exists(path));
    found.unwrap_or_else(|| prefix.join(names[0]))
}

/// No environment yet: the Python that `uv run` or `uv venv` would make one from.
fn without_environment(view: &View<'_>) -> Pick {
    if let Some((file, text)) = version_file(view.context) {
        let request = parse(&text);
        let because = format!("{} asks for `{text}`, for a new .venv: ", file.display());
        return match &request {
            Request::Path(path) => view.python(path.clone(), because + "this interpreter"),
            _ => system(view, Some(&request), &because).unwrap_or_else(|| {
                nothing(format!("{} asks for `{text}`, which is not installed", file.display()))
            }),
        };
    }
    system(view, None, "no virtual environment; for a new .venv: ")
        .unwrap_or_else(|| nothing("no virtual environment and no Python to make one from"))
}

/// `UV_PYTHON`: a path is taken as it is, anything else restricts the usual search.
fn requested(view: &View<'_>, request: &Request, text: &str) -> Pick {
    let because = format!("UV_PYTHON is set to `{text}`: ");
    match request {
        Request::Path(path) => {
            let host = view.host();
            let path = host.absolute(&view.context.directory.join(path));
            match candidate::place_of(host, path) {
                candidate::Place::Prefix(prefix) => {
                    view.python_in(&prefix, interpreter(view, &prefix), because + "its Python")
                }
                candidate::Place::Executable(python) => {
                    view.python(python, because + "this interpreter")
                }
            }
        }
        Request::Name(name) => match program(view, name) {
            Some(OnPath::Program(found)) => view.python(found, because + "found on PATH"),
            Some(OnPath::Refused(message)) => Pick::Refuses { message },
            None => nothing(because + "not on PATH"),
        },
        _ => {
            let environment = active(view).or_else(|| nearest(view).ok().flatten());
            if let Some(found) = environment
                && view.environment_at(&found.prefix).is_some_and(|e| request.matches(e))
            {
                let executable = interpreter(view, &found.prefix);
                return view.python_in(&found.prefix, executable, because + found.because);
            }
            system(view, Some(request), &because)
                .unwrap_or_else(|| nothing(because + "no such Python is installed"))
        }
    }
}

/// Conda's base if it is active, uv's own interpreters, newest first, and what is on `PATH`.
fn system(view: &View<'_>, request: Option<&Request>, because: &str) -> Option<Pick> {
    let fits = |environment: &Environment| {
        environment.is_usable() && request.is_none_or(|request| request.matches(environment))
    };
    let base = view.host().variables.path("CONDA_PREFIX").filter(|p| is_conda_base(view, p));
    if let Some(prefix) = base
        && view.environment_at(&prefix).is_some_and(fits)
    {
        let executable = interpreter(view, &prefix);
        return Some(view.python_in(
            &prefix,
            executable,
            format!("{because}conda's base is active"),
        ));
    }
    let managed = view
        .environments
        .iter()
        .filter(|environment| environment.kind == EnvironmentKind::Uv && fits(environment))
        .max_by_key(|environment| environment.version.get().cloned());
    if let Some(environment) = managed
        && let Some(executable) = &environment.executable
    {
        let because = format!("{because}the newest that uv installed");
        return Some(view.python_in(&environment.prefix, executable.to_path_buf(), because));
    }
    first_on_path(view, request, because)
}

/// The first interpreter on `PATH` that fits: `python3` and `python` for any request, and the
/// names with a version where one is asked for.
fn first_on_path(view: &View<'_>, request: Option<&Request>, because: &str) -> Option<Pick> {
    let mut names = vec!["python3".to_owned(), "python".to_owned()];
    if let Some(Request::Version { release, .. }) = request
        && let [major, minor, ..] = release.as_slice()
    {
        names.insert(0, format!("python{major}.{minor}"));
    }
    for name in &names {
        for found in view.host().programs(name) {
            let found = if crate::pyenv::is_shim(view.context, &found) {
                crate::pyenv::which(view.context, name, &view.context.directory).ok()
            } else {
                Some(found)
            };
            let Some(found) = found else { continue };
            let Some(environment) = view.environment_of(&found) else { continue };
            let is_three =
                environment.version.get().is_none_or(|version| version::minor(version).0 == 3);
            if is_three && request.is_none_or(|request| request.matches(environment)) {
                return Some(view.python(found, format!("{because}the first that fits on PATH")));
            }
        }
    }
    None
}

/// What `UV_PYTHON` or `.python-version` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Request {
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
    fn matches(&self, environment: &Environment) -> bool {
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
fn parse(text: &str) -> Request {
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

/// The nearest `.python-version` (or `.python-versions`) with a request that uv heeds, upward
/// from the project, then the user's own.
fn version_file(context: &Context<'_>) -> Option<(PathBuf, String)> {
    let host = context.host;
    let user = match host.os {
        Os::Windows => host.variables.path("APPDATA").map(|data| data.join("uv")),
        Os::Linux | Os::Macos => host
            .variables
            .path("XDG_CONFIG_HOME")
            .or_else(|| Some(host.home.as_ref()?.join(".config")))
            .map(|config| config.join("uv")),
    };
    let directories = context.directory.ancestors().map(Path::to_path_buf).chain(user);
    let file = directories
        .flat_map(|directory| {
            [directory.join(".python-version"), directory.join(".python-versions")]
        })
        .find(|file| host.is_file(file))?;
    let text = context.read_text(&file, SIZE_LIMIT)?;
    // Only the nearest file counts, even when it asks for nothing that uv knows.
    let request = first_request(&text)?;
    Some((file, request))
}

fn first_request(text: &str) -> Option<String> {
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
