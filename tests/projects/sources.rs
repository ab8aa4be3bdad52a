//! Source distributions of the package index, unpacked, and the program that looks at them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::{Invocation, Output};
use tempfile::TempDir;

use crate::{interpreters, skips, tools};

pub(crate) const LIMIT: Duration = Duration::from_secs(600);
/// The program must be done long before this.
const LOOK_LIMIT: Duration = Duration::from_secs(120);
/// What stands for the build backends that projects name.
const BACKEND: &str = include_str!("metadata.py");
const BACKENDS: [&str; 4] =
    ["maturin.py", "setuptools/build_meta.py", "hatchling/build.py", "flit_core/buildapi.py"];

/// A place with an empty home, where projects are unpacked.
pub(crate) struct Workshop {
    tools: PathBuf,
    directory: TempDir,
    python: PathBuf,
}

impl Workshop {
    /// `None`, and a word about it, where the tools of the tests are not there.
    pub(crate) fn new(test: &str) -> Option<Self> {
        let tools = tools::directory(test, "projects")?;
        let Some(python) = interpreters::interpreter("3.12") else {
            skips::record(test, "no Python 3.12 here");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        for name in ["home", "cache"] {
            fs_err::create_dir(directory.path().join(name)).unwrap();
        }
        Some(Self { tools, directory, python })
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    pub(crate) fn read(&self, file: &str) -> Vec<u8> {
        fs_err::read(self.path(file)).unwrap()
    }

    fn tool(&self, name: &str) -> PathBuf {
        self.tools.join("venv/bin").join(name)
    }

    /// The project `NAME==VERSION`, unpacked. The archive is kept with the tools.
    pub(crate) fn project(&self, requirement: &str) -> PathBuf {
        let (name, version) = requirement.split_once("==").unwrap();
        let kept = self.tools.join("sdists");
        fs_err::create_dir_all(&kept).unwrap();
        let stem = format!("{}-{version}", name.replace('-', "_"));
        let archives = [stem.clone(), requirement.replace("==", "-")]
            .map(|stem| kept.join(format!("{stem}.tar.gz")));
        let is_kept = |archive: &&PathBuf| fs_err::metadata(archive).is_ok();
        if !archives.iter().any(|archive| is_kept(&archive)) {
            self.download(requirement, &kept);
        }
        let archive = archives.iter().find(is_kept).unwrap();
        let unpacked = self.path(&stem);
        succeed(
            Invocation::new(self.tool("python"))
                .args(["-m", "tarfile", "-e"])
                .args([archive.as_path(), &unpacked]),
        );
        let mut inside: Vec<PathBuf> =
            fs_err::read_dir(&unpacked).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(inside.len(), 1, "{inside:?}");
        inside.remove(0)
    }

    fn download(&self, requirement: &str, to: &Path) {
        let backends = self.path("backends");
        for file in BACKENDS {
            let file = backends.join(file);
            let directory = file.parent().unwrap();
            fs_err::create_dir_all(directory).unwrap();
            if directory != backends {
                fs_err::write(directory.join("__init__.py"), "").unwrap();
            }
            fs_err::write(file, BACKEND).unwrap();
        }
        succeed(
            Invocation::new(self.tool("python"))
                .args(["-m", "pip", "--disable-pip-version-check", "download", "--quiet"])
                .args(["--no-deps", "--no-build-isolation", "--use-pep517"])
                .args(["--no-binary", ":all:", "--dest"])
                .arg(to)
                .arg(requirement)
                .env("PYTHONPATH", &backends),
        );
    }

    /// An environment in the project, with the wheel that was released of it.
    pub(crate) fn with_released_wheel(&self, project: &Path, requirement: &str) {
        let uv = || self.uv().directory(project);
        succeed(uv().args(["venv", "--quiet", ".venv", "--python"]).arg(&self.python));
        succeed(
            uv().args(["pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]).args([
                "--python",
                ".venv",
                requirement,
            ]),
        );
    }

    /// A call of uv.
    pub(crate) fn uv(&self) -> Invocation {
        Invocation::new(self.tool("uv"))
            .env("UV_CACHE_DIR", self.tools.join("uv-cache"))
            .env("UV_PYTHON_DOWNLOADS", "never")
    }

    /// A call of maturin.
    pub(crate) fn maturin(&self) -> Invocation {
        Invocation::new(self.tool("maturin"))
    }

    /// The Python of the tests.
    pub(crate) fn python(&self) -> &Path {
        &self.python
    }

    /// A program of a package, in an environment of its own.
    pub(crate) fn installed(&self, requirement: &str, program: &str) -> PathBuf {
        let environment = self.path(&format!("environment of {program}"));
        succeed(
            self.uv().args(["venv", "--quiet", "--python"]).arg(&self.python).arg(&environment),
        );
        succeed(
            self.uv()
                .args(["pip", "install", "--quiet", "--python"])
                .arg(&environment)
                .arg(requirement),
        );
        environment.join("bin").join(program)
    }

    /// The program, looking at a project from the outside, with nothing of this machine's
    /// environment.
    pub(crate) fn truewheel(&self, project: &Path, arguments: &[&str]) -> Output {
        // Rust itself, since rustup's stand-ins need the user's home, and the system's linker.
        let sysroot = Invocation::new("rustc").args(["--print", "sysroot"]).output().unwrap();
        let rust = Path::new(sysroot.stdout_text().trim()).join("bin");
        let places =
            [self.python.parent().unwrap().to_owned(), rust, "/usr/bin".into(), "/bin".into()];
        Invocation::new(env!("CARGO_BIN_EXE_truewheel"))
            .arg("--project")
            .arg(project)
            .args(arguments)
            .clear_env()
            .env("HOME", self.path("home"))
            .env("PATH", std::env::join_paths(places).unwrap())
            .env("TRUEWHEEL_CACHE_DIR", self.path("cache"))
            .directory(self.directory.path())
            .timeout(LOOK_LIMIT)
            .output()
            .unwrap()
    }
}

#[track_caller]
pub(crate) fn succeed(command: Invocation) {
    let output = command.timeout(LIMIT).output().unwrap();
    assert!(output.success(), "{}{}", output.stdout_text(), output.stderr_text());
}
