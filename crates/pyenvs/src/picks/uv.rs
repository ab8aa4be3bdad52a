//! `uv run` and `uv pip install`, as uv's discovery decides (astral-sh/uv,
//! `crates/uv-python/src/discovery.rs` and `virtualenv.rs`).

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use host::{FileKind, Os};
use pep440_rs::{Version, VersionSpecifiers};

use crate::context::Context;
use crate::{Environment, EnvironmentKind, Pick, ProblemKind, candidate, pyenv, version};

use super::request::{Request, first_request, parse};
use super::{OnPath, View, program};

const SIZE_LIMIT: u64 = 64 << 10;
const PYPROJECT_LIMIT: u64 = 4 << 20;

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
    because: String,
}

impl Found {
    fn into_pick(self, view: &View<'_>) -> Pick {
        view.python_in(&self.prefix, interpreter(view, &self.prefix), self.because)
    }
}

/// The environments uv prefers, best first; an error is what uv says when it stops.
fn virtual_environment(view: &View<'_>) -> Result<Option<Found>, String> {
    Ok(match active(view)? {
        Some(found) => Some(found),
        None => nearest(view)?,
    })
}

/// An active environment without an interpreter stops uv if it has a `pyvenv.cfg`; else uv passes
/// it over.
fn active(view: &View<'_>) -> Result<Option<Found>, String> {
    let host = view.host();
    if let Some(prefix) = host.variables.path("VIRTUAL_ENV") {
        let prefix = view.context.in_project(&prefix);
        let executable = interpreter(view, &prefix);
        if host.exists(&executable) {
            let because = because_active(view, &prefix).to_owned();
            return Ok(Some(Found { prefix, because }));
        }
        if host.is_file(&prefix.join("pyvenv.cfg")) {
            return Err(not_inspected("active virtual environment", &executable));
        }
    }
    let Some(prefix) = host.variables.path("CONDA_PREFIX") else { return Ok(None) };
    if is_conda_base(view, &prefix) {
        return Ok(None);
    }
    let prefix = view.context.in_project(&prefix);
    let because = "CONDA_PREFIX is set, to an environment that is not conda's base".to_owned();
    let is_whole = host.exists(&interpreter(view, &prefix));
    Ok(is_whole.then_some(Found { prefix, because }))
}

fn because_active(view: &View<'_>, prefix: &Path) -> &'static str {
    let project = &view.context.directory;
    let is_project = view.host().is_file(&project.join("pyproject.toml"));
    if is_project && prefix != project.join(".venv") {
        "VIRTUAL_ENV is set, which `uv pip` follows; `uv run` uses the project's own .venv"
    } else {
        "VIRTUAL_ENV is set"
    }
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

/// The environment around the project, or the nearest `.venv` upward. One that is broken ends the
/// search.
fn nearest(view: &View<'_>) -> Result<Option<Found>, String> {
    let host = view.host();
    for directory in view.context.directory.ancestors() {
        let (prefix, because) = if host.is_file(&directory.join("pyvenv.cfg")) {
            (directory.to_path_buf(), "the project lies in this environment")
        } else {
            let prefix = directory.join(".venv");
            let Ok(metadata) = host.symlink_metadata(&prefix) else { continue };
            if !matches!(metadata.kind, FileKind::Directory | FileKind::Symlink) {
                continue;
            }
            (prefix, "the nearest .venv, upward from the project")
        };
        if !host.is_file(&prefix.join("pyvenv.cfg")) {
            let prefix = prefix.display();
            return Err(format!("Broken virtual environment `{prefix}`: missing `pyvenv.cfg`"));
        }
        let executable = interpreter(view, &prefix);
        if !host.exists(&executable) {
            return Err(not_inspected("virtual environment", &executable));
        }
        return Ok(Some(Found { prefix, because: because.to_owned() }));
    }
    Ok(None)
}

/// In the words of uv 0.13; other releases word it differently, and stop as well.
fn not_inspected(source: &str, executable: &Path) -> String {
    format!("Failed to inspect Python interpreter from {source} at `{}`", executable.display())
}

fn interpreter(view: &View<'_>, prefix: &Path) -> PathBuf {
    let names: &[&str] = match view.host().os {
        Os::Windows => &["Scripts/python.exe", "bin/python.exe", "python.exe"],
        Os::Linux | Os::Macos => &["bin/python", "bin/python3"],
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
    let range = requires_python(view.context).map(Request::Range);
    let because = match &range {
        Some(_) => "no virtual environment; for a new .venv, by requires-python: ",
        None => "no virtual environment; for a new .venv: ",
    };
    system(view, range.as_ref(), because)
        .unwrap_or_else(|| nothing("no virtual environment and no Python that fits for a new one"))
}

/// `requires-python` of the project's `pyproject.toml`.
fn requires_python(context: &Context<'_>) -> Option<VersionSpecifiers> {
    let text = context.read_text(&context.directory.join("pyproject.toml"), PYPROJECT_LIMIT)?;
    let table: toml::Table = text.parse().ok()?;
    let range = table.get("project")?.get("requires-python")?.as_str()?;
    VersionSpecifiers::from_str(range).ok()
}

/// `UV_PYTHON`: a path is taken as it is, anything else restricts the usual search.
fn requested(view: &View<'_>, request: &Request, text: &str) -> Pick {
    let because = format!("UV_PYTHON is set to `{text}`: ");
    match request {
        Request::Path(path) => {
            let host = view.host();
            let path = view.context.in_project(path);
            match candidate::place_of(host, path) {
                candidate::Place::Prefix(prefix) => {
                    view.python_in(&prefix, interpreter(view, &prefix), because + "its Python")
                }
                candidate::Place::Executable(python) => {
                    view.python(python, because + "this interpreter")
                }
            }
        }
        Request::Name(name) if view.host().exists(&view.context.directory.join(name)) => {
            requested(view, &Request::Path(PathBuf::from(name)), text)
        }
        Request::Name(name) => match program(view, name) {
            Some(OnPath::Program { path, because: rule }) => view.python(path, because + &rule),
            Some(OnPath::Refused(message)) => Pick::Refuses { message },
            None => nothing(because + "not on PATH"),
        },
        _ => {
            let environment = virtual_environment(view).ok().flatten();
            if let Some(found) = environment
                && view.environment_at(&found.prefix).is_some_and(|e| request.matches(e))
            {
                let executable = interpreter(view, &found.prefix);
                return view.python_in(&found.prefix, executable, because + &found.because);
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
        .max_by_key(|environment| {
            // A release before any pre-release, whatever the numbers.
            let version = environment.version.get().cloned();
            (version.as_ref().is_some_and(Version::is_stable), version)
        });
    if let Some(environment) = managed
        && let Some(executable) = &environment.executable
    {
        let because = format!("{because}the newest that uv installed");
        return Some(view.python_in(&environment.prefix, executable.to_path_buf(), because));
    }
    first_on_path(view, request, because)
}

/// The first interpreter on `PATH` that fits, directory by directory: `python` and `python3`, or,
/// where a version is asked for, the name with most of it first.
fn first_on_path(view: &View<'_>, request: Option<&Request>, because: &str) -> Option<Pick> {
    let host = view.host();
    let mut names = match request {
        Some(Request::Version { release, .. }) => {
            let mut names = vec!["python3".to_owned(), "python".to_owned()];
            if let [major, minor, ..] = release.as_slice() {
                names.insert(0, format!("python{major}.{minor}"));
            }
            names
        }
        _ => vec!["python".to_owned(), "python3".to_owned()],
    };
    if host.os == Os::Windows {
        names.iter_mut().for_each(|name| name.push_str(".exe"));
    }
    for directory in host.variables.paths(host.os, "PATH") {
        let directory = host.absolute(&directory);
        for name in &names {
            let found = directory.join(name);
            if !host.is_executable(&found) {
                continue;
            }
            let Some(found) = behind_shim(view, name, found) else { continue };
            let Some(environment) = view.environment_of(&found) else { continue };
            let is_three =
                environment.version.get().is_none_or(|version| version::minor(version).0 == 3);
            let is_stub = environment.has_problem(ProblemKind::EmptyInterpreter);
            if is_three && !is_stub && request.is_none_or(|request| request.matches(environment)) {
                return Some(view.python(found, format!("{because}the first that fits on PATH")));
            }
        }
    }
    None
}

fn behind_shim(view: &View<'_>, name: &str, found: PathBuf) -> Option<PathBuf> {
    if pyenv::is_shim(view.context, &found) {
        pyenv::which(view.context, name, &view.context.directory).ok()
    } else {
        Some(found)
    }
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
