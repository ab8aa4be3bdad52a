//! Environments of Python with the wheel, kept from run to run with everything but the wheel.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use host::{Host, Invocation};

use crate::build::wheel;
use crate::{interpreters, skips, tools};

/// Long enough for a first run that downloads and compiles everything.
const LIMIT: Duration = Duration::from_secs(1500);

/// The programs that make environments and wheels.
pub(crate) struct Tools {
    directory: PathBuf,
}

impl Tools {
    /// What `cargo xtask test` provides; `None`, and a word about it, where it did not.
    pub(crate) fn find(test: &str) -> Option<Tools> {
        let tools = Tools { directory: tools::directory(test, "wheel")? };
        if tools.interpreter("3.11").is_none() {
            skips::record(test, "there is no Python 3.11");
            return None;
        }
        Some(tools)
    }

    fn program(&self, name: &str) -> PathBuf {
        let programs = if cfg!(windows) { "Scripts" } else { "bin" };
        self.directory.join("venv").join(programs).join(name)
    }

    /// A call of maturin, which finds uv on `PATH`.
    pub(crate) fn maturin(&self) -> Invocation {
        let path = Host::current().unwrap().variables.text("PATH").unwrap_or_default();
        let programs = self.program("uv").parent().unwrap().display().to_string();
        Invocation::new(self.program("maturin"))
            .env("PATH", format!("{programs}:{path}"))
            .env("UV_CACHE_DIR", self.directory.join("uv-cache"))
            .without_env("VIRTUAL_ENV")
            .without_env("CARGO_TARGET_DIR")
    }

    /// A call of uv.
    pub(crate) fn uv(&self) -> Invocation {
        Invocation::new(self.program("uv"))
            .env("UV_CACHE_DIR", self.directory.join("uv-cache"))
            .env("UV_PYTHON_DOWNLOADS", "never")
            .without_env("VIRTUAL_ENV")
    }

    /// An interpreter of this version.
    pub(crate) fn interpreter(&self, version: &str) -> Option<PathBuf> {
        interpreters::interpreter(version)
    }

    /// The interpreter of an environment with these packages and the wheel; `None`, and a word about
    /// it, where there is no such Python.
    pub(crate) fn environment(
        &self,
        test: &str,
        name: &str,
        version: &str,
        packages: &[&str],
    ) -> Option<PathBuf> {
        let python = self.plain_environment(test, name, version, packages)?;
        self.install(&python);
        Some(python)
    }

    /// The interpreter of an environment with these packages and nothing of ours.
    pub(crate) fn plain_environment(
        &self,
        test: &str,
        name: &str,
        version: &str,
        packages: &[&str],
    ) -> Option<PathBuf> {
        // Tests run side by side, and each of several wants it.
        static MAKING: Mutex<()> = Mutex::new(());
        let _one_at_a_time = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(base) = self.interpreter(version) else {
            skips::record(test, &format!("there is no Python {version}"));
            return None;
        };
        let prefix = self.directory.join("wheel").join(name);
        let python = python_of(&prefix);
        let wanted = format!("{}\n{}\n", base.display(), packages.join("\n"));
        let stamp = prefix.join("made-from.txt");
        if fs_err::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
            return Some(python);
        }
        run(&self.uv().args(["venv", "--quiet", "--clear", "--python"]).arg(base).arg(&prefix));
        if !packages.is_empty() {
            let install = ["pip", "install", "--quiet", "--python"];
            run(&self.uv().args(install).arg(&python).args(packages));
        }
        fs_err::write(&stamp, wanted).unwrap();
        Some(python)
    }

    /// Installs the wheel of this run in the place of an older one.
    fn install(&self, python: &Path) {
        let install = self.uv().args(["pip", "install", "--quiet", "--python"]).arg(python);
        let flags = ["--reinstall-package", "arrow-quant-v2", "--no-deps"];
        run(&install.args(flags).arg(wheel(self)));
    }
}

/// The interpreter of an environment.
pub(crate) fn python_of(prefix: &Path) -> PathBuf {
    prefix.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

/// Runs a command that must succeed, and gives what it printed.
#[track_caller]
pub(crate) fn run(command: &Invocation) -> String {
    let output = command.clone().timeout(LIMIT).output().unwrap();
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    assert!(output.success(), "{}\n{stdout}\n{stderr}", command.display());
    stdout
}
