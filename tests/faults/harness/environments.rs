//! Making Python environments with the real tools, and installing into them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Python, Sandbox, tools};

/// An environment that a test made.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    /// Its directory.
    pub(crate) prefix: PathBuf,
    /// Its interpreter.
    pub(crate) executable: PathBuf,
    /// `3.11`.
    pub(crate) minor: String,
}

impl Environment {
    pub(crate) fn at(prefix: PathBuf, minor: &str) -> Self {
        Self { executable: prefix.join("bin/python"), prefix, minor: minor.to_owned() }
    }

    /// Its directory of packages.
    pub(crate) fn site_packages(&self) -> PathBuf {
        self.prefix.join(format!("lib/python{}/site-packages", self.minor))
    }

    /// A program of it.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.prefix.join("bin").join(name)
    }
}

impl Sandbox {
    /// `python -m venv` at a path of the project.
    #[track_caller]
    pub(crate) fn venv(&self, python: &Python, path: impl AsRef<Path>) -> Environment {
        self.venv_with(python, path, &[])
    }

    /// `python -m venv` with more flags: `--copies`, `--without-pip`, `--system-site-packages`.
    #[track_caller]
    pub(crate) fn venv_with(
        &self,
        python: &Python,
        path: impl AsRef<Path>,
        flags: &[&str],
    ) -> Environment {
        let prefix = self.project().join(path);
        let arguments = ["-m", "venv"].iter().chain(flags).map(OsStr::new);
        self.run(&python.executable, arguments.chain([prefix.as_os_str()]));
        Environment::at(prefix, &python.minor)
    }

    /// `uv venv`: no pip in it, and made in a moment.
    #[track_caller]
    pub(crate) fn uv_venv(&self, python: &Python, path: impl AsRef<Path>) -> Environment {
        let prefix = self.project().join(path);
        let command = self
            .shielded(tools::program("uv"))
            .args(["venv", "--quiet", "--python"])
            .arg(&python.executable)
            .arg(&prefix);
        self.run_installer(&command);
        Environment::at(prefix, &python.minor)
    }

    /// `virtualenv`.
    #[track_caller]
    pub(crate) fn virtualenv(&self, python: &Python, path: impl AsRef<Path>) -> Environment {
        let prefix = self.project().join(path);
        let command = self
            .shielded(tools::program("virtualenv"))
            .args(["--quiet", "--no-periodic-update", "--python"])
            .arg(&python.executable)
            .arg(&prefix);
        self.run_installer(&command);
        Environment::at(prefix, &python.minor)
    }

    /// `python -m pip install` in an environment that has pip.
    #[track_caller]
    pub(crate) fn pip_install(&self, environment: &Environment, arguments: &[&str]) {
        let command = self
            .shielded(&environment.executable)
            .args(["-m", "pip", "install", "--quiet"])
            .args(arguments);
        self.run_installer(&command);
    }

    /// `uv pip install`; the files are links into the cache of the tests.
    #[track_caller]
    pub(crate) fn uv_pip_install(&self, environment: &Environment, arguments: &[&str]) {
        let command = self
            .shielded(tools::program("uv"))
            .args(["pip", "install", "--quiet", "--python"])
            .arg(&environment.executable)
            .args(arguments);
        self.run_installer(&command);
    }

    /// Puts uv on `PATH`, for machines whose user has it.
    pub(crate) fn offer_uv(&self) {
        self.offer("uv");
    }

    /// Puts maturin on `PATH`.
    pub(crate) fn offer_maturin(&self) {
        self.offer("maturin");
    }

    /// Puts virtualenv on `PATH`.
    pub(crate) fn offer_virtualenv(&self) {
        self.offer("virtualenv");
    }

    fn offer(&self, program: &str) {
        self.replace_with_link(&self.path("bin").join(program), tools::program(program));
        if !self.path.borrow().contains(&self.path("bin")) {
            self.prepend_path(&self.path("bin"));
        }
    }

    /// What `source bin/activate` does.
    pub(crate) fn activate(&self, environment: &Environment) {
        self.set("VIRTUAL_ENV", &environment.prefix);
        self.prepend_path(&environment.prefix.join("bin"));
    }

    /// What `conda activate` does.
    pub(crate) fn activate_conda(&self, environment: &Environment) {
        self.set("CONDA_PREFIX", &environment.prefix);
        let name = environment.prefix.file_name().unwrap().to_string_lossy().into_owned();
        self.set("CONDA_DEFAULT_ENV", name);
        self.prepend_path(&environment.prefix.join("bin"));
    }
}
