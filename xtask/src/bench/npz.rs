//! `cargo xtask bench npz`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use host::Host;

use crate::tools::{self, Tools};
use crate::workspace::Workspace;

/// How long making an environment may take.
const INSTALL_LIMIT: Duration = Duration::from_secs(600);

/// The numpys to compare with: a name, what to install, and the Pythons that it supports, best
/// first; none for the Python of the tools.
const NUMPYS: [(&str, &str, &[&str]); 2] =
    [("newest", "numpy", &[]), ("1.24.4", "numpy==1.24.4", &["3.11", "3.10", "3.9", "3.8"])];

/// Array files: read and written beside numpy, ndarray-npy and npyz, with the goals.
///
/// Needs a way to PyPI and to crates.io the first time, a C compiler (npyz brings C libraries), a
/// Python of 3.8 to 3.11 for numpy 1.24.4 under pyenv or on PATH, and about 2 GB of memory besides
/// 1 GB in /dev/shm. Takes about six minutes, and two minutes more to compile the first time;
/// --quick takes one. The environments are kept in target/bench/numpy-*; remove one to renew it.
///
/// Reading and writing use every processor, so other work on the machine makes this crate look
/// slower than it is.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// 40 MB of data instead of 200.
    #[arg(long)]
    quick: bool,
    /// Where the files are, instead of in memory (/dev/shm).
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Only operations whose names contain this, such as `read` or `write stored`.
    operations: Vec<String>,
}

/// Measures and prints.
///
/// # Errors
/// When a tool that is needed is missing or fails.
pub(crate) fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open()?;
    let tools = tools::provision(&workspace)?;
    let pythons = NUMPYS
        .iter()
        .map(|numpy| environment(&workspace, &tools, numpy))
        .collect::<anyhow::Result<Vec<PathBuf>>>()?;
    let pythons = pythons.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();

    let crate_directory = workspace.root.join("crates/npz/bench");
    let target = workspace.target.join("npz-bench");
    let command = workspace
        .cargo()
        .args(["run", "--release", "--locked", "--quiet", "--manifest-path"])
        .arg(crate_directory.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .arg("--")
        .args(&flags.operations)
        .env("NPZ_BENCH_PYTHONS", pythons.join(":"))
        .env("NPZ_BENCH_MEGABYTES", if flags.quick { "40" } else { "200" });
    let command = match &flags.directory {
        Some(directory) => command.env("NPZ_BENCH_DIRECTORY", workspace.host.absolute(directory)),
        None => command,
    };
    anyhow::ensure!(command.status()?.success(), "the benchmark failed");
    Ok(ExitCode::SUCCESS)
}

/// The Python of an environment with a numpy, made unless it is there.
pub(super) fn environment(
    workspace: &Workspace,
    tools: &Tools,
    (name, requirement, pythons): &(&str, &str, &[&str]),
) -> anyhow::Result<PathBuf> {
    let prefix = workspace.target.join(format!("bench/numpy-{name}"));
    let python = tools::in_environment(&prefix, "python");
    let has_numpy = || {
        let import = host::Invocation::new(&python).args(["-I", "-c", "import numpy"]);
        import.timeout(INSTALL_LIMIT).output().is_ok_and(|output| output.success())
    };
    if has_numpy() {
        return Ok(python);
    }
    let base = match pythons {
        [] => tools.python.clone(),
        versions => versions
            .iter()
            .find_map(|version| python_of(&workspace.host, version))
            .with_context(|| format!("{requirement} needs a Python of {}", versions.join(", ")))?,
    };
    eprintln!("making {}", prefix.display());
    let make = tools.uv().args(["venv", "--quiet", "--clear", "--python"]).arg(base).arg(&prefix);
    let install =
        tools.uv().args(["pip", "install", "--quiet", "--python"]).arg(&python).arg(requirement);
    for command in [make, install] {
        let output = command.timeout(INSTALL_LIMIT).output()?;
        if !output.success() {
            bail!("uv cannot make {}: {}", prefix.display(), output.stderr_text().trim());
        }
    }
    Ok(python)
}

/// A Python of a minor version: under pyenv, or on PATH.
fn python_of(host: &Host, version: &str) -> Option<PathBuf> {
    let pyenv =
        host.variables.path("PYENV_ROOT").or_else(|| Some(host.home.as_ref()?.join(".pyenv")));
    let versions = pyenv?.join("versions");
    let prefix = format!("{version}.");
    let installed = host.list(&versions, 1000).unwrap_or_default();
    let under_pyenv = installed
        .iter()
        .filter(|entry| entry.name_text().is_some_and(|name| name.starts_with(&prefix)))
        .map(|entry| versions.join(&entry.name).join("bin/python"));
    // A shim's answer depends on the directory it is asked in.
    let is_shim = |path: &Path| path.parent().is_some_and(|parent| parent.ends_with("shims"));
    let on_path = host.programs(&format!("python{version}"));
    under_pyenv.chain(on_path).find(|python| host.is_executable(python) && !is_shim(python))
}
