//! `maturin develop`, as its `detect_venv` decides (PyO3/maturin, `src/commands/develop.rs`).

use std::path::{Path, PathBuf};

use host::Os;

use crate::Pick;

use super::View;

pub(super) fn pick(view: &View<'_>) -> Pick {
    match (view.raw_variable("VIRTUAL_ENV"), view.raw_variable("CONDA_PREFIX")) {
        (Some(prefix), None) => named(view, &prefix, "VIRTUAL_ENV is set"),
        (None, Some(prefix)) => named(view, &prefix, "CONDA_PREFIX is set"),
        (Some(venv), Some(conda)) if venv == conda => {
            named(view, &venv, "VIRTUAL_ENV and CONDA_PREFIX are set and equal")
        }
        (Some(_), Some(_)) => Pick::Refuses {
            message: "Both VIRTUAL_ENV and CONDA_PREFIX are set. Please unset one of them"
                .to_owned(),
        },
        (None, None) => nearest(view),
    }
}

fn named(view: &View<'_>, prefix: &Path, because: &str) -> Pick {
    let prefix = view.context.in_project(prefix);
    let executable = interpreter(view, &prefix);
    view.python_in(&prefix, executable, because)
}

/// The nearest `.venv` upward, which must be whole.
fn nearest(view: &View<'_>) -> Pick {
    let host = view.host();
    for directory in view.context.directory.ancestors() {
        let prefix = directory.join(".venv");
        if !host.is_dir(&prefix) {
            continue;
        }
        if !host.is_file(&prefix.join("pyvenv.cfg")) {
            return Pick::Refuses {
                message: format!(
                    "Expected {} to be a virtual environment, but pyvenv.cfg is missing",
                    prefix.display()
                ),
            };
        }
        let executable = interpreter(view, &prefix);
        if !host.is_file(&executable) {
            return Pick::Refuses {
                message: format!(
                    "Your virtualenv at {} is broken. It contains a pyvenv.cfg but no python at {}",
                    prefix.display(),
                    executable.display()
                ),
            };
        }
        return view.python_in(&prefix, executable, "the nearest .venv, upward from the project");
    }
    Pick::Refuses {
        message: "Couldn't find a virtualenv or conda environment, but you need one to use this \
                  command"
            .to_owned(),
    }
}

fn interpreter(view: &View<'_>, prefix: &Path) -> PathBuf {
    if view.host().os != Os::Windows {
        return prefix.join("bin/python");
    }
    let usual = prefix.join("Scripts/python.exe");
    let msys = prefix.join("bin/python.exe");
    match (view.host().exists(&usual), view.host().exists(&msys)) {
        (true, _) => usual,
        (false, true) => msys,
        (false, false) => prefix.join("python.exe"),
    }
}
