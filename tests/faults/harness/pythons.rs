//! The interpreters of this machine that tests build on.

use std::path::{Path, PathBuf};

use host::{Host, Invocation};

use super::{Sandbox, skip};

/// An installed interpreter, not of a virtual environment.
#[derive(Debug, Clone)]
pub(crate) struct Python {
    /// `3.11`.
    pub(crate) minor: String,
    /// The program.
    pub(crate) executable: PathBuf,
}

impl Python {
    /// The directory of its programs.
    pub(crate) fn programs(&self) -> &Path {
        self.executable.parent().unwrap()
    }
}

impl Sandbox {
    /// An interpreter of this version (`3.11`), from pyenv, uv, or the system. Its programs become
    /// the first of `PATH`. The test is skipped where there is none.
    pub(crate) fn python(&self, minor: &str) -> Python {
        let python = self.python_off_path(minor);
        self.prepend_path(python.programs());
        python
    }

    /// The same, without a change to `PATH`.
    pub(crate) fn python_off_path(&self, minor: &str) -> Python {
        let found = candidates(&self.host, minor).into_iter().find(|executable| {
            // Debian's Python without python3-venv cannot make an environment.
            Invocation::new(executable)
                .args(["-I", "-c", "import ensurepip, venv"])
                .output()
                .is_ok_and(|output| output.success())
        });
        match found {
            Some(executable) => Python { minor: minor.to_owned(), executable },
            None => skip(format!("there is no Python {minor} that can make environments")),
        }
    }

    /// The system's own interpreter.
    pub(crate) fn system_python(&self) -> Python {
        let executable = PathBuf::from("/usr/bin/python3");
        if !self.host.is_executable(&executable) {
            skip("the system has no Python of its own");
        }
        let script = "import sys; print('%d.%d' % sys.version_info[:2])";
        let minor = self.run(&executable, ["-I", "-c", script]).trim().to_owned();
        Python { minor, executable }
    }
}

/// Every installed program of this version, pyenv's first. Stand-ins of pyenv are not among them:
/// what they start depends on the directory they are started in.
fn candidates(host: &Host, minor: &str) -> Vec<PathBuf> {
    let home = host.home.clone().unwrap_or_default();
    let pyenv = host.variables.path("PYENV_ROOT").unwrap_or_else(|| home.join(".pyenv"));
    let uv = host
        .variables
        .path("UV_PYTHON_INSTALL_DIR")
        .unwrap_or_else(|| home.join(".local/share/uv/python"));
    let program = format!("bin/python{minor}");
    let mut found = Vec::new();
    for (root, name) in
        [(pyenv.join("versions"), format!("{minor}.")), (uv, format!("cpython-{minor}."))]
    {
        for entry in host.list(&root, 1000).unwrap_or_default() {
            if entry.name_text().is_some_and(|text| text.starts_with(&name)) {
                found.push(root.join(&entry.name).join(&program));
            }
        }
    }
    found.extend(host.programs(&format!("python{minor}")));
    found.retain(|path| {
        host.is_executable(path) && !path.parent().is_some_and(|parent| parent.ends_with("shims"))
    });
    found
}
