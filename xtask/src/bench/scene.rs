//! What is measured on: a project, twenty real environments, and many written ones.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use host::Invocation;

use crate::tools::{Tools, in_environment};
use crate::workspace::Workspace;

/// Environments beside the project's own.
const ENVIRONMENTS: usize = 20;
const PACKAGES: [&str; 2] = ["numpy==2.2.6", "pip==25.0.1"];

/// Directories that the measurements use, below `target/bench`.
pub(crate) struct Scene {
    /// A maturin project with numpy and pip in its environment.
    pub(crate) project: PathBuf,
    /// Twenty real environments with numpy.
    pub(crate) environments: PathBuf,
}

/// Makes the project and the twenty environments, unless they are there.
///
/// # Errors
/// When uv cannot make them.
pub(crate) fn prepare(workspace: &Workspace, tools: &Tools) -> anyhow::Result<Scene> {
    let directory = workspace.target.join("bench");
    let project = directory.join("project");
    let environments = directory.join("environments");
    for (file, text) in [
        ("pyproject.toml", PYPROJECT),
        ("Cargo.toml", CARGO_TOML),
        ("Cargo.lock", CARGO_LOCK),
        ("src/lib.rs", LIB_RS),
    ] {
        host::write_atomically(&project.join(file), text.as_bytes())?;
    }
    environment(workspace, tools, &project.join(".venv"))?;
    for number in 0..ENVIRONMENTS {
        environment(workspace, tools, &environments.join(format!("environment-{number}")))?;
    }
    Ok(Scene { project, environments })
}

/// A directory with so many written environments.
///
/// # Errors
/// When they cannot be written.
pub(crate) fn many(workspace: &Workspace, tools: &Tools, count: usize) -> anyhow::Result<PathBuf> {
    let directory = workspace.target.join(format!("bench/many-{count}"));
    let last = directory.join(format!("environment-{}/lib", count - 1));
    if !workspace.host.exists(&last) {
        let output = Invocation::new(&tools.python)
            .arg("-I")
            .arg(workspace.root.join("scripts/make_environments.py"))
            .arg(&directory)
            .arg(count.to_string())
            .output()?;
        anyhow::ensure!(output.success(), "cannot write environments: {}", output.stderr_text());
    }
    Ok(directory)
}

fn environment(workspace: &Workspace, tools: &Tools, prefix: &Path) -> anyhow::Result<()> {
    let python = in_environment(prefix, "python");
    let site_packages_are_there = workspace.host.is_file(&in_environment(prefix, "numpy-config"));
    if site_packages_are_there {
        return Ok(());
    }
    uv(tools, &["venv", "--quiet", "--clear", "--python"], &[&tools.python, prefix])?;
    uv(tools, &["pip", "install", "--quiet", "--python"], &[&python])
        .context("the environments of the benchmark need numpy")
}

fn uv(tools: &Tools, arguments: &[&str], paths: &[&Path]) -> anyhow::Result<()> {
    let mut command = tools.uv().args(arguments).args(paths.iter().map(|path| path.as_os_str()));
    if arguments[0] == "pip" {
        command = command.args(PACKAGES);
    }
    let output = command.output()?;
    anyhow::ensure!(output.success(), "uv {}: {}", arguments[0], output.stderr_text().trim());
    Ok(())
}

const PYPROJECT: &str = "[build-system]
requires = [\"maturin>=1.9,<2.0\"]
build-backend = \"maturin\"

[project]
name = \"measured\"
version = \"0.1.0\"
requires-python = \">=3.9\"
";

const CARGO_TOML: &str = "[package]
name = \"measured\"
version = \"0.1.0\"
edition = \"2021\"

[lib]
crate-type = [\"cdylib\"]

[dependencies]
pyo3 = \"0.27\"

[workspace]
";

const CARGO_LOCK: &str = "version = 4

[[package]]
name = \"measured\"
version = \"0.1.0\"
dependencies = [
 \"pyo3\",
]

[[package]]
name = \"pyo3\"
version = \"0.27.1\"
source = \"registry+https://github.com/rust-lang/crates.io-index\"
";

const LIB_RS: &str = "//! Nothing.\n";
