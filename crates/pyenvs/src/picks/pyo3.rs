//! A plain `cargo build` of a crate that uses PyO3, as its `find_interpreter` decides
//! (PyO3/pyo3, `pyo3-build-config/src/impl_.rs`).

use std::path::{Path, PathBuf};

use host::Os;

use crate::Pick;

use super::{OnPath, View, is_python3, program};

pub(super) fn pick(view: &View<'_>) -> Pick {
    if let Some(file) = view.raw_variable("PYO3_CONFIG_FILE") {
        return Pick::Nothing {
            because: format!("PYO3_CONFIG_FILE is set: {} is read instead", file.display()),
        };
    }
    if view.raw_variable("PYO3_NO_PYTHON").is_some() {
        return Pick::Nothing {
            because: "PYO3_NO_PYTHON is set: PyO3 asks no interpreter, which only builds abi3 \
                      modules"
                .to_owned(),
        };
    }
    if let Some(python) = view.raw_variable("PYO3_PYTHON") {
        return named(view, &python);
    }
    match (view.raw_variable("VIRTUAL_ENV"), view.raw_variable("CONDA_PREFIX")) {
        (Some(prefix), None) => {
            let inside = if is_windows(view) { "Scripts/python.exe" } else { "bin/python" };
            in_prefix(view, &prefix, inside, "VIRTUAL_ENV is set")
        }
        (None, Some(prefix)) => {
            let inside = if is_windows(view) { "python.exe" } else { "bin/python" };
            in_prefix(view, &prefix, inside, "CONDA_PREFIX is set")
        }
        (Some(_), Some(_)) => {
            first_on_path(view, "VIRTUAL_ENV and CONDA_PREFIX are both set, so PyO3 ignores both: ")
        }
        (None, None) => first_on_path(view, ""),
    }
}

fn is_windows(view: &View<'_>) -> bool {
    view.host().os == Os::Windows
}

/// A path, or a name that the system looks up on `PATH`.
fn named(view: &View<'_>, python: &Path) -> Pick {
    let is_name = python.components().nth(1).is_none();
    if let Some(name) = python.to_str().filter(|_| is_name) {
        return match program(view, name) {
            Some(OnPath::Program { path, because }) => {
                view.python(path, format!("PYO3_PYTHON asks for {because}"))
            }
            Some(OnPath::Refused(message)) => Pick::Refuses { message },
            None => {
                Pick::Refuses { message: format!("failed to run the Python interpreter at {name}") }
            }
        };
    }
    let path = view.context.in_project(python);
    view.python(path, "PYO3_PYTHON is set")
}

fn in_prefix(view: &View<'_>, prefix: &Path, inside: &str, because: &str) -> Pick {
    let prefix: PathBuf = view.context.in_project(prefix);
    view.python_in(&prefix, prefix.join(inside), because)
}

/// `python`, then `python3`, whichever first shows that it is a Python 3.
fn first_on_path(view: &View<'_>, because: &str) -> Pick {
    for name in ["python", "python3"] {
        if let Some(OnPath::Program { path, because: rule }) = program(view, name)
            && is_python3(view, &path)
        {
            return view.python(path, format!("{because}{rule}"));
        }
    }
    Pick::Refuses { message: "no Python 3.x interpreter found".to_owned() }
}
