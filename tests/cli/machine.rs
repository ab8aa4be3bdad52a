//! A machine of its own for every test: an empty home, an empty `PATH`, a project and a cache.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use host::{Invocation, Output};
use tempfile::TempDir;

/// The program must end by itself long before this.
const LIMIT: Duration = Duration::from_secs(60);

/// A directory that holds all that a run may read or write.
pub(crate) struct Machine {
    root: TempDir,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let root = TempDir::with_prefix("tw-").unwrap();
        let machine = Self { root };
        for directory in ["home", "project", "cache", "bin"] {
            fs_err::create_dir(machine.path(directory)).unwrap();
        }
        machine
    }

    /// A path on the machine. The root is given by its real name, as the program sees it.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        fs_err::canonicalize(self.root.path()).unwrap().join(relative)
    }

    /// Writes a file, its directories included.
    pub(crate) fn write(&self, relative: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, contents).unwrap();
        path
    }

    pub(crate) fn read(&self, relative: &str) -> String {
        fs_err::read_to_string(self.path(relative)).unwrap()
    }

    /// A virtual environment whose interpreter leads nowhere: one error, ENV001. A Python of the
    /// same minor version is here to mend it with, whatever the real machine has.
    #[cfg(unix)]
    pub(crate) fn broken_environment(&self, relative: &str) {
        let home = self.path("gone/bin").display().to_string();
        self.write(
            &format!("{relative}/pyvenv.cfg"),
            format!("home = {home}\nversion = 3.8.1\ninclude-system-site-packages = false\n"),
        );
        self.link(&format!("{relative}/bin/python"), &format!("{home}/python3.8"));
        fs_err::create_dir_all(self.path(relative).join("lib/python3.8/site-packages")).unwrap();
        self.pyenv("3.8.99");
    }

    /// A virtual environment with a numpy, as far as files tell; it cannot run.
    #[cfg(unix)]
    pub(crate) fn numpy_environment(&self, relative: &str, numpy: &str) {
        self.pyenv("3.8.99");
        let base = self.path("home/.pyenv/versions/3.8.99/bin").display().to_string();
        self.write(
            &format!("{relative}/pyvenv.cfg"),
            format!("home = {base}\nversion = 3.8.99\ninclude-system-site-packages = false\n"),
        );
        self.link(&format!("{relative}/bin/python"), &format!("{base}/python3.8"));
        let package = format!("{relative}/lib/python3.8/site-packages/numpy");
        self.write(&format!("{package}/__init__.py"), "");
        self.write(&format!("{package}/version.py"), format!("version = \"{numpy}\"\n"));
    }

    /// An interpreter as pyenv installs it, as far as files tell; it cannot run.
    #[cfg(unix)]
    fn pyenv(&self, version: &str) {
        use std::os::unix::fs::PermissionsExt as _;

        let prefix = format!("home/.pyenv/versions/{version}");
        let header = format!("#define PY_VERSION \"{version}\"\n");
        self.write(&format!("{prefix}/include/python3.8/patchlevel.h"), header);
        self.write(&format!("{prefix}/lib/python3.8/os.py"), "");
        let python = self.write(&format!("{prefix}/bin/python3.8"), "");
        let executable = std::fs::Permissions::from_mode(0o755);
        fs_err::set_permissions(python, executable).unwrap();
        self.link(&format!("{prefix}/bin/python"), "python3.8");
    }

    /// A program of the test's own on `PATH`.
    #[cfg(unix)]
    pub(crate) fn program(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;

        let path = self.write(&format!("bin/{name}"), text);
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A program of the real machine on `PATH`.
    #[cfg(unix)]
    pub(crate) fn real_program(&self, name: &str) {
        let program = host::Host::current().unwrap().program(name).unwrap();
        self.link(&format!("bin/{name}"), program.to_str().unwrap());
    }

    #[cfg(unix)]
    fn link(&self, relative: &str, target: &str) {
        let path = self.path(relative);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::os::unix::fs::symlink(target, path).unwrap();
    }

    /// The program, called in the project's directory.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Invocation {
        self.isolated(Path::new(env!("CARGO_BIN_EXE_truewheel"))).args(arguments)
    }

    /// Any program, with nothing of the real machine's environment.
    pub(crate) fn isolated(&self, program: &Path) -> Invocation {
        Invocation::new(program)
            .clear_env()
            .env("HOME", self.path("home"))
            .env("USERPROFILE", self.path("home"))
            .env("PATH", self.path("bin"))
            .env("TRUEWHEEL_CACHE_DIR", self.path("cache"))
            // Wide enough that the length of the temporary directory's name breaks no line.
            .env("COLUMNS", "400")
            .directory(self.path("project"))
            .timeout(LIMIT)
    }

    pub(crate) fn output<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Exit code and both streams, with what differs from run to run replaced.
    #[track_caller]
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> String {
        self.shown(&self.output(arguments))
    }

    #[track_caller]
    pub(crate) fn shown(&self, output: &Output) -> String {
        let code = output.code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        let mut text = format!("exit: {code}\n");
        for (name, stream) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let stream = std::str::from_utf8(stream).unwrap();
            assert!(!stream.contains('\x1b'), "{name} holds escapes: {stream:?}");
            text.push_str(&format!("--- {name}\n{stream}"));
            if !stream.is_empty() && !stream.ends_with('\n') {
                text.push_str("(no final newline)\n");
            }
        }
        self.steady(&text)
    }

    /// The same text in every run, without spaces at the ends of lines: no temporary directory, no times, no count of Pythons (the
    /// system's own cannot be hidden).
    pub(crate) fn steady(&self, text: &str) -> String {
        let root = self.path("");
        let root = root.to_str().unwrap().trim_end_matches('/');
        let text = text.replace(root, "[ROOT]");
        let text = replace_before(&text, " ms", "[TIME]");
        let text = replace_before(&text, " Pythons found", "[N]");
        let text = text.replace("1 Python found", "[N] Pythons found");
        let text = text.replace(env!("CARGO_PKG_VERSION"), "[VERSION]");
        text.split('\n').map(str::trim_end).collect::<Vec<_>>().join("\n")
    }
}

/// Replaces the number that stands before every `unit`.
fn replace_before(text: &str, unit: &str, by: &str) -> String {
    let mut parts = text.split(unit);
    let mut replaced = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let kept = replaced.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        if kept < replaced.len() {
            replaced.truncate(kept);
            replaced.push_str(by);
        }
        replaced.push_str(unit);
        replaced.push_str(part);
    }
    replaced
}
