//! Who makes environments and asks the index: uv where it can be had, pip otherwise.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use host::{Host, Invocation, Lock};

use crate::index::{index_variables, without_credentials};
use crate::{Error, Interpreter};

/// How long making an environment, or asking the index, may take.
const LIMIT: Duration = Duration::from_secs(900);
const PROBE_LIMIT: Duration = Duration::from_secs(60);

/// Which installer to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InstallerChoice {
    /// uv on `PATH`, or else uv fetched with pip, or else pip.
    #[default]
    Auto,
    /// uv, on `PATH` or fetched.
    Uv,
    /// pip.
    Pip,
}

/// An installer that is there.
#[derive(Debug, Clone)]
pub(crate) struct Installer {
    program: Program,
    /// How it reaches the index.
    variables: BTreeMap<String, String>,
    offline: bool,
}

#[derive(Debug, Clone)]
enum Program {
    Uv(PathBuf),
    Pip,
}

impl fmt::Display for Installer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.program {
            Program::Uv(path) => write!(f, "uv ({})", path.display()),
            Program::Pip => f.write_str("pip"),
        }
    }
}

/// Whether the index has what a cell needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Availability {
    /// It does.
    Versions {
        /// The version of numpy.
        numpy: String,
        /// Everything else from the index that is needed, as requirements with versions.
        others: Vec<String>,
    },
    /// It does not, as the installer says.
    None(String),
}

impl Installer {
    /// Finds or fetches the chosen installer. `bootstrap` is an interpreter that can fetch uv into
    /// `directory`.
    pub(crate) fn find(
        host: &Host,
        choice: InstallerChoice,
        bootstrap: &Interpreter,
        directory: &Path,
        offline: bool,
    ) -> Result<Self, Error> {
        let variables = index_variables(host, &bootstrap.executable);
        let of = |program| Self { program, variables: variables.clone(), offline };
        if choice == InstallerChoice::Pip {
            return Ok(of(Program::Pip));
        }
        if let Some(uv) = host.programs("uv").into_iter().find(|path| runs(path)) {
            return Ok(of(Program::Uv(uv)));
        }
        match fetch_uv(host, bootstrap, directory, &variables, offline) {
            Ok(uv) => Ok(of(Program::Uv(uv))),
            Err(_) if choice == InstallerChoice::Auto && !offline => Ok(of(Program::Pip)),
            Err(reason) => Err(Error::NoInstaller { reason }),
        }
    }

    /// The version of numpy that `requirement` (`numpy==2.2.6`, `numpy`) means for a Python, if
    /// the index has a wheel of it that goes with the other requirements.
    pub(crate) fn available(
        &self,
        interpreter: &Interpreter,
        requirement: &str,
        others: &[String],
    ) -> Result<Availability, Error> {
        let command = match &self.program {
            Program::Uv(uv) => self
                .call(uv)
                .args(["pip", "compile", "--quiet", "--no-header", "--no-annotate"])
                .args(["--color", "never", "--only-binary", ":all:", "--python"])
                .arg(&interpreter.executable)
                .args(if others.is_empty() { &["--no-deps"][..] } else { &[] })
                .arg("-"),
            Program::Pip => self
                .call(&interpreter.executable)
                .args(["-I", "-m", "pip", "install", "--disable-pip-version-check"])
                .args(["--dry-run", "--ignore-installed", "--only-binary", ":all:"])
                .args(["--no-color", requirement])
                .args(others),
        };
        let input = format!("{requirement}\n{}\n", others.join("\n"));
        let command = match self.program {
            Program::Uv(_) => command.input(input),
            Program::Pip => command,
        };
        let output = command
            .timeout(LIMIT)
            .output()
            .map_err(|error| Error::Index { reason: error.to_string() })?;
        let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
        if output.success() {
            let mut packages = match self.program {
                Program::Uv(_) => packages_in_requirements(&stdout),
                Program::Pip => packages_in_plan(&stdout),
            };
            let numpy = packages.iter().position(|(name, _)| name == "numpy");
            let Some(place) = numpy else {
                let reason = format!("{self} names no version of numpy: {}", one_line(&stdout));
                return Err(Error::Index { reason });
            };
            let (_, numpy) = packages.swap_remove(place);
            let mut others: Vec<String> =
                packages.iter().map(|(name, version)| format!("{name}=={version}")).collect();
            others.sort();
            return Ok(Availability::Versions { numpy, others });
        }
        if stderr.contains("no such option: --dry-run") {
            let python = interpreter.executable.display();
            let reason = format!("pip of {python} is older than 22.2; update it, or use uv");
            return Err(Error::Index { reason });
        }
        match reason_for_none(&stderr) {
            Some(reason) => Ok(Availability::None(reason)),
            None => Err(Error::Index { reason: failure(&stderr) }),
        }
    }

    /// Why an interpreter cannot have a wheel: its tags, or the Pythons that its metadata names;
    /// `None` if it can. `directory` is one for the installer alone: even what only looks may make
    /// the directory that it would install into.
    pub(crate) fn refusal(
        &self,
        interpreter: &Interpreter,
        directory: &Path,
        wheel: &Path,
    ) -> Result<Option<String>, Error> {
        let command = self.install_into(interpreter, &interpreter.executable, directory, wheel);
        let output = command
            .arg("--dry-run")
            .timeout(PROBE_LIMIT)
            .output()
            .map_err(|error| Error::Index { reason: error.to_string() })?;
        if output.success() {
            return Ok(None);
        }
        let stderr = output.stderr_text();
        match reason_for_refusal(&stderr) {
            Some(reason) => Ok(Some(reason)),
            None => Err(Error::UnfitWheel { wheel: wheel.into(), reason: failure(&stderr) }),
        }
    }

    /// Installs a wheel, and nothing that it needs, into a directory of its own.
    pub(crate) fn install_wheel(
        &self,
        interpreter: &Interpreter,
        python: &Path,
        directory: &Path,
        wheel: &Path,
    ) -> Result<(), String> {
        let command = self.install_into(interpreter, python, directory, wheel);
        let output = command.timeout(LIMIT).output().map_err(|error| error.to_string())?;
        if output.success() { Ok(()) } else { Err(failure(&output.stderr_text())) }
    }

    /// `python` is that of the environment. It has no pip where uv made it, and pip only ever runs
    /// with the interpreter that it came with.
    fn install_into(
        &self,
        interpreter: &Interpreter,
        python: &Path,
        directory: &Path,
        wheel: &Path,
    ) -> Invocation {
        let command = match &self.program {
            Program::Uv(uv) => self
                .call(uv)
                .args(["pip", "install", "--quiet", "--color", "never", "--python"])
                .arg(python),
            Program::Pip => self
                .call(&interpreter.executable)
                .args(["-I", "-m", "pip", "install", "--quiet", "--no-color"])
                .arg("--disable-pip-version-check"),
        };
        command.args(["--no-deps", "--target"]).arg(directory).arg(wheel)
    }

    /// Makes an environment with these requirements. What stood there is replaced.
    pub(crate) fn make(
        &self,
        interpreter: &Interpreter,
        prefix: &Path,
        python: &Path,
        requirements: &[String],
    ) -> Result<(), String> {
        let (make, install) = match &self.program {
            Program::Uv(uv) => (
                self.call(uv)
                    .args(["venv", "--quiet", "--color", "never", "--no-project", "--clear"])
                    .arg("--python")
                    .arg(&interpreter.executable)
                    .arg(prefix),
                self.call(uv)
                    .args(["pip", "install", "--quiet", "--color", "never", "--compile-bytecode"])
                    .args(["--only-binary", ":all:", "--python"])
                    .arg(python)
                    .args(requirements),
            ),
            Program::Pip => (
                self.call(&interpreter.executable)
                    .args(["-I", "-m", "venv", "--clear"])
                    .arg(prefix),
                self.call(python)
                    .args(["-I", "-m", "pip", "install", "--quiet", "--no-color"])
                    .args(["--disable-pip-version-check", "--only-binary", ":all:"])
                    .args(requirements),
            ),
        };
        for command in [make, install] {
            let output = command.timeout(LIMIT).output().map_err(|error| error.to_string())?;
            if !output.success() {
                return Err(failure(&output.stderr_text()));
            }
        }
        Ok(())
    }

    fn call(&self, program: &Path) -> Invocation {
        let mut command = call_with(&self.variables, program);
        if self.offline {
            command = command.env("UV_OFFLINE", "1").env("PIP_NO_INDEX", "1");
        }
        command
    }
}

fn call_with(variables: &BTreeMap<String, String>, program: &Path) -> Invocation {
    let command = Invocation::new(program)
        .env("UV_PYTHON_DOWNLOADS", "never")
        .without_env("VIRTUAL_ENV")
        .without_env("PYTHONHOME")
        .without_env("PYTHONPATH");
    variables.iter().fold(command, |command, (name, value)| command.env(name, value))
}

fn runs(uv: &Path) -> bool {
    let version = Invocation::new(uv).arg("--version").timeout(PROBE_LIMIT).output();
    version.is_ok_and(|output| output.success())
}

/// uv in an environment of its own below `directory`, made once.
fn fetch_uv(
    host: &Host,
    bootstrap: &Interpreter,
    directory: &Path,
    variables: &BTreeMap<String, String>,
    offline: bool,
) -> Result<PathBuf, String> {
    let prefix = directory.join("uv");
    let in_prefix = |name: &str| match host.os {
        host::Os::Windows => prefix.join("Scripts").join(format!("{name}.exe")),
        _ => prefix.join("bin").join(name),
    };
    let _lock = Lock::wait(&directory.join("uv.lock")).map_err(|error| error.to_string())?;
    let uv = in_prefix("uv");
    if runs(&uv) {
        return Ok(uv);
    }
    if offline {
        return Err("uv is neither on PATH nor fetched, and --offline forbids to fetch it".into());
    }
    for command in [
        call_with(variables, &bootstrap.executable)
            .args(["-I", "-m", "venv", "--clear"])
            .arg(&prefix),
        call_with(variables, &in_prefix("python"))
            .args(["-I", "-m", "pip", "install", "--quiet", "--no-color"])
            .args(["--disable-pip-version-check", "--only-binary", ":all:", "uv"]),
    ] {
        let output = command.timeout(LIMIT).output().map_err(|error| error.to_string())?;
        if !output.success() {
            return Err(format!("uv cannot be fetched: {}", failure(&output.stderr_text())));
        }
    }
    if runs(&uv) { Ok(uv) } else { Err(format!("{} does not run", uv.display())) }
}

/// Names and versions in what uv prints: `numpy==2.2.6` in a line.
fn packages_in_requirements(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter_map(|line| line.split_whitespace().next());
    // Paths of wheels stand there too.
    lines
        .filter(|line| !line.contains(['/', '\\']))
        .filter_map(|line| line.split_once("=="))
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect()
}

/// Names and versions in what pip prints: `Would install numpy-2.2.6 six-1.17.0`.
fn packages_in_plan(text: &str) -> Vec<(String, String)> {
    let plan = text.lines().find_map(|line| line.trim().strip_prefix("Would install "));
    plan.unwrap_or_default()
        .split_whitespace()
        .filter_map(|part| part.rsplit_once('-'))
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect()
}

/// What an installer says of a wheel that is not for an interpreter.
fn reason_for_refusal(stderr: &str) -> Option<String> {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    if lines().any(|line| line.contains("incompatible with the current platform")) {
        let hint = lines().find_map(|line| line.strip_prefix("hint: "));
        return Some(hint.unwrap_or("its tags are not those of this interpreter").to_owned());
    }
    let of_pip = ["is not a supported wheel on this platform", "requires a different Python"];
    let said = lines().find(|line| of_pip.iter().any(|part| line.contains(part)));
    let said = said.map(|line| line.trim_start_matches("ERROR: ").trim_end_matches('.').to_owned());
    said.or_else(|| reason_for_none(stderr))
}

/// What an installer says when the index has no such wheel, as opposed to being out of reach.
fn reason_for_none(stderr: &str) -> Option<String> {
    let text = without_credentials(stderr);
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    if lines().any(|line| line.contains("No solution found")) {
        let cause = lines().find(|line| line.contains("ecause"))?;
        let because = cause.split_once("ecause ").map_or(cause, |(_, rest)| rest);
        let because = because.split(" and you require ").next().unwrap_or(because);
        return Some(because.split(", we can conclude").next().unwrap_or(because).to_owned());
    }
    if let Some(line) = lines().find(|line| line.contains("have conflicting dependencies")) {
        return Some(line.trim_start_matches("ERROR: ").trim_end_matches('.').to_owned());
    }
    // pip prints the versions that it saw; "none" is also what it says when it saw no index.
    let seen = lines().find_map(|line| line.split_once("(from versions: "));
    match seen {
        Some((_, versions)) if versions != "none)" => {
            lines().find(|line| line.contains("No matching distribution")).map(str::to_owned)
        }
        _ => None,
    }
}

/// The lines that say why, without what may be secret.
fn failure(stderr: &str) -> String {
    let text = without_credentials(stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let first = lines.iter().position(|line| line.to_lowercase().starts_with("error"));
    let shown = &lines[first.unwrap_or(lines.len().saturating_sub(3))..];
    one_line(&shown.iter().take(6).copied().collect::<Vec<_>>().join("; "))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_uv_and_pip_say_of_a_missing_wheel_is_told_from_a_missing_index() {
        let uv = "error: No solution found when resolving dependencies\n  cause: Because \
                  numpy==1.17.5 has no usable wheels and you require numpy==1.17.5, we can \
                  conclude that your requirements are unsatisfiable.\n";
        assert_eq!(reason_for_none(uv).unwrap(), "numpy==1.17.5 has no usable wheels");
        let older_uv = "  × No solution found when resolving dependencies:\n  ╰─▶ Because there \
                        is no version of numpy==9.9 and you require numpy==9.9, we can\n";
        assert_eq!(reason_for_none(older_uv).unwrap(), "there is no version of numpy==9.9");
        let pip = "ERROR: Could not find a version that satisfies the requirement numpy==2.2.6 \
                   (from versions: 1.24.3, 1.24.4)\nERROR: No matching distribution found for \
                   numpy==2.2.6\n";
        assert!(reason_for_none(pip).unwrap().contains("No matching distribution"));
        let unreachable = "ERROR: Could not find a version that satisfies the requirement numpy \
                           (from versions: none)\nERROR: No matching distribution found\n";
        assert_eq!(reason_for_none(unreachable), None);
        let uv = "error: Request failed after 3 retries\n  cause: Failed to fetch: \
                  https://u:p@host/simple/numpy/\n";
        assert_eq!(reason_for_none(uv), None);
        assert_eq!(
            failure(uv),
            "error: Request failed after 3 retries; cause: Failed to fetch: \
             https://host/simple/numpy/"
        );
    }

    #[test]
    fn versions_are_read_from_what_is_printed() {
        let package = |name: &str, version: &str| (name.to_owned(), version.to_owned());
        assert_eq!(
            packages_in_requirements("numpy==2.4.6\n/d/probe-1.0-py3-none-any.whl\nsix==1.17.0\n"),
            [package("numpy", "2.4.6"), package("six", "1.17.0")]
        );
        assert_eq!(
            packages_in_plan("x\nWould install numpy-2.4.6 ml-dtypes-0.5.0\n"),
            [package("numpy", "2.4.6"), package("ml-dtypes", "0.5.0")]
        );
        assert_eq!(packages_in_plan("numpy-2.4.6"), []);
    }

    #[test]
    fn a_wheel_that_is_not_for_an_interpreter_is_told_from_one_that_is_damaged() {
        let uv = "error: Failed to determine installation plan\n  cause: A path (a.whl) dependency \
                  is incompatible with the current platform\nhint: The wheel is compatible with \
                  CPython 3.9 (`cp39`), but you're using CPython 3.8 (`cp38`)\n";
        assert_eq!(
            reason_for_refusal(uv).unwrap(),
            "The wheel is compatible with CPython 3.9 (`cp39`), but you're using CPython 3.8 \
             (`cp38`)"
        );
        let pip = "ERROR: a-1.0-cp39-abi3-linux_x86_64.whl is not a supported wheel on this \
                   platform.\n";
        assert_eq!(
            reason_for_refusal(pip).unwrap(),
            "a-1.0-cp39-abi3-linux_x86_64.whl is not a supported wheel on this platform"
        );
        let pip = "ERROR: Package 'a' requires a different Python: 3.8.18 not in '>=3.9'\n";
        assert!(reason_for_refusal(pip).unwrap().starts_with("Package 'a' requires"));
        let damaged = "error: Failed to read `a @ file:///a.whl`\n  cause: unable to locate the \
                       end of central directory record\n";
        assert_eq!(reason_for_refusal(damaged), None);
    }
}
