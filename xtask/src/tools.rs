//! The programs that the tests need and that are not part of a Rust toolchain: a virtual
//! environment in `target/test-tools`, made once and kept until its requirements change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use host::{Host, Invocation};
use matrix::without_credentials;

use crate::workspace::Workspace;

const REQUIREMENTS: &str = "scripts/test-requirements.txt";
const PEERS: &str = "scripts/peer-requirements.txt";
const INSTALL_LIMIT: Duration = Duration::from_secs(600);
const PROBE_LIMIT: Duration = Duration::from_secs(60);

/// A Python that can make virtual environments.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    version: (u32, u32, u32),
    executable: PathBuf,
}

/// The environment of `target/test-tools`.
pub(crate) struct Tools {
    /// Its directory, which also holds the caches that the tests share.
    pub(crate) directory: PathBuf,
    /// Its interpreter.
    pub(crate) python: PathBuf,
    /// How pip and uv reach their index, for the environment of what runs next.
    pub(crate) network: BTreeMap<String, String>,
}

impl Tools {
    /// The program uv.
    pub(crate) fn uv_program(&self) -> PathBuf {
        in_environment(&self.directory.join("venv"), "uv")
    }

    /// The program maturin.
    pub(crate) fn maturin_program(&self) -> PathBuf {
        in_environment(&self.directory.join("venv"), "maturin")
    }

    /// A call of uv, with the cache that the tests share.
    pub(crate) fn uv(&self) -> Invocation {
        let uv = Invocation::new(self.uv_program())
            .env("UV_CACHE_DIR", self.directory.join("uv-cache"))
            .env("UV_PYTHON_DOWNLOADS", "never");
        self.network.iter().fold(uv, |uv, (name, value)| uv.env(name, value))
    }
}

/// Makes the environment, or finds it made and whole.
///
/// # Errors
/// No Python that can make one, or its packages cannot be installed.
pub(crate) fn provision(workspace: &Workspace) -> anyhow::Result<Tools> {
    let directory = workspace.target.join("test-tools");
    let requirements = workspace.root.join(REQUIREMENTS);
    let wanted = workspace.host.read_text(&requirements, 1 << 20)?;
    let base = newest_python(&workspace.host)
        .context("no Python with venv and ensurepip found on PATH or under pyenv")?;
    let stamp = format!("{wanted}# made with {}\n", base.executable.display());
    let stamp_file = directory.join("made-from.txt");
    let prefix = directory.join("venv");
    let python = in_environment(&prefix, "python");

    let made = workspace.host.read_text(&stamp_file, 1 << 20).is_ok_and(|text| text == stamp);
    if !made || !is_whole(&python) {
        eprintln!("making {} with {}", prefix.display(), base.executable.display());
        let prefix_text = prefix.display().to_string();
        succeed(
            &Invocation::new(&base.executable).args(["-m", "venv", "--clear", &prefix_text]),
            "cannot make a virtual environment",
        )?;
        succeed(
            &Invocation::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .arg("--requirement")
                .arg(&requirements),
            "pip cannot install the tools of the tests",
        )?;
        if !is_whole(&python) {
            bail!("{} does not run, though it was just made", prefix.display());
        }
        host::write_atomically(&stamp_file, stamp.as_bytes())?;
    }
    let network = matrix::index_variables(&workspace.host, &python);
    Ok(Tools { directory, python, network })
}

/// Makes the environment of the tools to which the doctor is compared, anew: it is seldom needed.
///
/// # Errors
/// It cannot be made, or its packages cannot be installed.
pub(crate) fn provision_peers(workspace: &Workspace, tools: &Tools) -> anyhow::Result<PathBuf> {
    let prefix = tools.directory.join("peers");
    let uv = || tools.uv().timeout(INSTALL_LIMIT);
    succeed(
        &uv().args(["venv", "--quiet", "--clear", "--python"]).arg(&tools.python).arg(&prefix),
        "cannot make the environment of the other tools",
    )?;
    succeed(
        &uv()
            .args(["pip", "install", "--quiet", "--python"])
            .arg(in_environment(&prefix, "python"))
            .arg("--requirement")
            .arg(workspace.root.join(PEERS)),
        "the other tools cannot be installed",
    )?;
    Ok(prefix)
}

/// A program of a virtual environment.
pub(crate) fn in_environment(prefix: &Path, program: &str) -> PathBuf {
    if cfg!(windows) {
        prefix.join("Scripts").join(format!("{program}.exe"))
    } else {
        prefix.join("bin").join(program)
    }
}

fn is_whole(python: &Path) -> bool {
    let imports = "import conda_package_streaming, rattler, virtualenv; from uv import find_uv_bin; find_uv_bin()";
    Invocation::new(python)
        .args(["-I", "-c", imports])
        .timeout(PROBE_LIMIT)
        .output()
        .is_ok_and(|output| output.success())
}

fn succeed(command: &Invocation, failure: &str) -> anyhow::Result<()> {
    let output = command.clone().timeout(INSTALL_LIMIT).output().context(failure.to_owned())?;
    if !output.success() {
        // The last line says why; the lines before it may name an index with a password in it.
        let stderr = output.stderr_text();
        bail!("{failure}: {}", without_credentials(stderr.trim().lines().last().unwrap_or("")));
    }
    Ok(())
}

fn newest_python(host: &Host) -> Option<Candidate> {
    let mut executables: Vec<PathBuf> = host.programs("python3");
    for minor in 10..20 {
        executables.extend(host.programs(&format!("python3.{minor}")));
    }
    let pyenv =
        host.variables.path("PYENV_ROOT").or_else(|| Some(host.home.as_ref()?.join(".pyenv")));
    if let Some(versions) = pyenv.map(|root| root.join("versions")) {
        let entries = host.list(&versions, 1000).unwrap_or_default();
        executables
            .extend(entries.iter().map(|entry| versions.join(&entry.name).join("bin/python3")));
    }
    // The first of several of one version wins, so the answer is the same every time.
    let mut best: Option<Candidate> = None;
    for executable in executables.into_iter().filter(|path| host.is_executable(path)) {
        // A shim's answer depends on the directory it is asked in.
        if executable.parent().is_some_and(|parent| parent.ends_with("shims")) {
            continue;
        }
        let Some(version) = version_of(&executable) else { continue };
        if version >= (3, 10, 0) && best.as_ref().is_none_or(|best| version > best.version) {
            best = Some(Candidate { version, executable });
        }
    }
    best
}

fn version_of(executable: &Path) -> Option<(u32, u32, u32)> {
    let script = "import ensurepip, sys, venv; print(*sys.version_info[:3])";
    let output = Invocation::new(executable)
        .args(["-I", "-c", script])
        .timeout(PROBE_LIMIT)
        .output()
        .ok()?;
    let text = output.stdout_text();
    let mut numbers = text.split_whitespace().map(str::parse);
    let mut next = || numbers.next()?.ok();
    output.success().then_some((next()?, next()?, next()?))
}
