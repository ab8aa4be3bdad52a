//! The Python that the first `pip` on `PATH` installs into.

use std::path::Path;

use host::Os;

use crate::Pick;
use crate::candidate::is_python_name;
use crate::scripts::{self, Interpreter};

use super::{OnPath, View, program};

pub(super) fn pick(view: &View<'_>) -> Pick {
    for name in ["pip", "pip3"] {
        match program(view, name) {
            Some(OnPath::Program { path, .. }) => return of_script(view, name, &path),
            Some(OnPath::Refused(message)) => return Pick::Refuses { message },
            None => {}
        }
    }
    Pick::Nothing { because: "no `pip` and no `pip3` on PATH".to_owned() }
}

fn of_script(view: &View<'_>, name: &str, pip: &Path) -> Pick {
    if view.host().os == Os::Windows {
        // A launcher; its Python is beside it in a virtual environment, else one above.
        let beside = pip.parent().map(|scripts| scripts.join("python.exe"));
        let above = pip.parent().and_then(Path::parent).map(|prefix| prefix.join("python.exe"));
        let python = [beside, above].into_iter().flatten().find(|p| view.host().exists(p));
        return match python {
            Some(python) => view.python(python, format!("it belongs to {}", pip.display())),
            None => Pick::Nothing { because: format!("no Python beside {}", pip.display()) },
        };
    }
    match scripts::interpreter_of(view.host(), pip) {
        Some(Interpreter::At(python)) if is_python_name(&python) => {
            view.python(python, format!("the first line of {} names it", pip.display()))
        }
        Some(Interpreter::OnPath(python)) if is_python_name(Path::new(&python)) => {
            match program(view, &python) {
                Some(OnPath::Program { path, because }) => {
                    view.python(path, format!("{} asks for {because}", pip.display()))
                }
                Some(OnPath::Refused(message)) => Pick::Refuses { message },
                None => Pick::Nothing {
                    because: format!("{} asks for `{python}`, which is not on PATH", pip.display()),
                },
            }
        }
        // Some other manager's shim, which only its own shell code could follow.
        Some(_) | None => {
            Pick::Nothing { because: format!("`{name}` at {} names no Python", pip.display()) }
        }
    }
}
