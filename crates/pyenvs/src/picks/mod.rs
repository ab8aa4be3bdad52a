//! Which Python each tool would use in a project, by that tool's own rules.

mod maturin;
mod pip;
mod pyo3;
mod request;
mod uv;

pub(crate) use request::path_of as uv_path_of;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use host::{Host, HostPath, Os};

use crate::context::Context;
use crate::discover::environment_of;
use crate::{Environment, Pick, Picks, ProblemKind, paths, pyenv, version};

/// Which of the environments each tool would use in `project`.
#[must_use]
pub fn picks(host: &Host, project: &Path, environments: &[Environment]) -> Picks {
    all(&Context::new(host, project), environments)
}

pub(crate) fn all(context: &Context<'_>, environments: &[Environment]) -> Picks {
    let view = View { context, environments };
    Picks {
        path: on_path(&view),
        pip: pip::pick(&view),
        maturin: maturin::pick(&view),
        pyo3: pyo3::pick(&view),
        uv: uv::pick(&view),
    }
}

/// What every rule looks at.
struct View<'a> {
    context: &'a Context<'a>,
    environments: &'a [Environment],
}

impl View<'_> {
    fn host(&self) -> &Host {
        self.context.host
    }

    fn environment_of(&self, executable: &Path) -> Option<&Environment> {
        environment_of(self.context, self.environments, executable)
    }

    /// The environment with this prefix, however it is spelled.
    fn environment_at(&self, prefix: &Path) -> Option<&Environment> {
        let by_name = self.environments.iter().find(|e| *e.prefix == *prefix);
        by_name.or_else(|| {
            let identity = paths::identity(self.host(), prefix);
            self.environments.iter().find(|e| paths::identity(self.host(), &e.prefix) == identity)
        })
    }

    fn python(&self, executable: PathBuf, because: impl Into<String>) -> Pick {
        let prefix = self.environment_of(&executable).map(|e| e.prefix.clone());
        Pick::Python { executable: HostPath::new(executable), prefix, because: because.into() }
    }

    /// An interpreter whose environment the tool names by its directory.
    fn python_in(&self, prefix: &Path, executable: PathBuf, because: impl Into<String>) -> Pick {
        let known = self.environment_at(prefix).map(|e| e.prefix.clone());
        Pick::Python {
            executable: HostPath::new(executable),
            prefix: known,
            because: because.into(),
        }
    }

    /// A variable as a tool sees it that does not take an empty one for unset.
    fn raw_variable(&self, name: &str) -> Option<PathBuf> {
        let variables = &self.host().variables;
        let is_set = variables.is_set(name);
        is_set.then(|| variables.path(name).unwrap_or_else(|| PathBuf::from(OsStr::new(""))))
    }
}

/// A program on `PATH`, or what a shim of pyenv would run in its place.
enum OnPath {
    Program {
        path: PathBuf,
        /// For a reader: how it was found.
        because: String,
    },
    /// The shim runs nothing; what pyenv says.
    Refused(String),
}

fn program(view: &View<'_>, name: &str) -> Option<OnPath> {
    let host = view.host();
    let found = host.program(name).or_else(|| store_alias(view, name))?;
    if !pyenv::is_shim(view.context, &found) {
        let because = format!("the first `{name}` on PATH");
        return Some(OnPath::Program { path: found, because });
    }
    let directory = &view.context.directory;
    Some(match pyenv::which(view.context, name, directory) {
        Ok(path) => {
            let origin = pyenv::selection(view.context, directory).origin;
            let because = format!("the first `{name}` on PATH, a shim of pyenv (set by {origin})");
            OnPath::Program { path, because }
        }
        Err(message) => OnPath::Refused(message),
    })
}

/// The Store's aliases cannot be opened like files, but a shell starts them.
fn store_alias(view: &View<'_>, name: &str) -> Option<PathBuf> {
    let host = view.host();
    if host.os != Os::Windows {
        return None;
    }
    host.variables
        .paths(host.os, "PATH")
        .into_iter()
        .filter(|directory| directory.file_name().is_some_and(|name| name == "WindowsApps"))
        .map(|directory| directory.join(format!("{name}.exe")))
        .find(|alias| host.symlink_metadata(alias).is_ok())
}

/// `python`, then `python3`.
fn on_path(view: &View<'_>) -> Pick {
    for name in ["python", "python3"] {
        match program(view, name) {
            Some(OnPath::Program { path, because }) => return view.python(path, because),
            Some(OnPath::Refused(message)) => return Pick::Refuses { message },
            None => {}
        }
    }
    Pick::Nothing { because: "no `python` and no `python3` on PATH".to_owned() }
}

/// Whether starting this interpreter shows a Python 3; one whose version is unknown counts.
fn is_python3(view: &View<'_>, executable: &Path) -> bool {
    match view.environment_of(executable) {
        Some(environment) => {
            !environment.has_problem(ProblemKind::EmptyInterpreter)
                && environment.version.get().is_none_or(|v| version::minor(v).0 == 3)
        }
        None => true,
    }
}
