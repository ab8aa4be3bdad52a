//! `cargo xtask bench quant`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use host::Invocation;

use crate::tools::{self, Tools};
use crate::workspace::Workspace;

/// How long making the environment may take: torch alone is hundreds of megabytes.
const INSTALL_LIMIT: Duration = Duration::from_secs(1800);

/// What Python has for quantizing weights.
const LIBRARIES: [&str; 8] = [
    "numpy",
    "pyarrow",
    "torch",
    "torchao",
    "optimum-quanto",
    "bitsandbytes",
    "onnxruntime",
    "gguf",
];

/// Where `--save` puts the results.
const RESULTS: &str = "crates/arrow-quant/bench/results";

/// Quantizing weights beside numpy, torch, torchao, quanto, bitsandbytes, onnxruntime, gguf-py and
/// candle, and beside copying the same memory, with the goals.
///
/// Needs a way to PyPI and to crates.io the first time, 6 GB of disk (torch), and 9 GB of memory for
/// the largest matrix. Takes about seven minutes, and four minutes more to install and compile the
/// first time; --quick takes two. The environment is kept in target/bench/quant; remove it to renew it.
///
/// Everything is bound by memory, so other work on the machine changes the ratios too.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// A matrix of 512 rows instead of 4096, and no size above 64 MB.
    #[arg(long)]
    quick: bool,
    /// A Python that has another package called arrow_quant_v2, and pyarrow: its quantize_arrow is
    /// compared with that of this repository's.
    #[arg(long, value_name = "PYTHON")]
    reference: Option<PathBuf>,
    /// Keep the results and their picture in crates/arrow-quant/bench/results.
    #[arg(long)]
    save: bool,
}

/// Measures and prints.
///
/// # Errors
/// When a tool that is needed is missing or fails.
pub(crate) fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open()?;
    let tools = tools::provision(&workspace)?;
    let python = environment(&workspace, &tools)?;
    install_wheel(&workspace, &tools, &python)?;
    let path = |path: &Path| workspace.host.absolute(path).display().to_string();
    let command = workspace
        .cargo()
        .args(["run", "--release", "--locked", "--quiet", "--manifest-path"])
        .arg(workspace.root.join("crates/arrow-quant/bench/Cargo.toml"))
        .arg("--target-dir")
        .arg(workspace.target.join("quant-bench"))
        .env("QUANT_BENCH_PYTHON", path(&python))
        .env("QUANT_BENCH_REFERENCE", flags.reference.as_deref().map(path).unwrap_or_default())
        .env("QUANT_BENCH_ROWS", if flags.quick { "512" } else { "4096" })
        .env("QUANT_BENCH_LARGEST", if flags.quick { "64" } else { "4096" })
        .env(
            "QUANT_BENCH_SAVE",
            if flags.save { path(&workspace.root.join(RESULTS)) } else { String::new() },
        );
    anyhow::ensure!(command.status()?.success(), "the benchmark failed");
    Ok(ExitCode::SUCCESS)
}

/// Builds the wheel of this repository, and installs it beside what it is compared with.
fn install_wheel(workspace: &Workspace, tools: &Tools, python: &Path) -> anyhow::Result<()> {
    eprintln!("building the wheel");
    let wheels = workspace.target.join("bench/wheels");
    host::remove_tree(&wheels)?;
    let build = Invocation::new(tools::in_environment(&tools.directory.join("venv"), "maturin"))
        .args(["build", "--quiet", "--manifest-path"])
        .arg(workspace.root.join("crates/arrow-quant-python/Cargo.toml"))
        .arg("--out")
        .arg(&wheels)
        .arg("--interpreter")
        .arg(python)
        .env("CARGO_TARGET_DIR", workspace.target.join("wheel"));
    let built = build.timeout(INSTALL_LIMIT).output()?;
    if !built.success() {
        bail!("maturin cannot build the wheel: {}", built.stderr_text().trim());
    }
    let entries = workspace.host.list(&wheels, 100)?;
    let [wheel] = entries.as_slice() else { bail!("{} holds not one wheel", wheels.display()) };
    let install = tools
        .uv()
        .args(["pip", "install", "--quiet", "--reinstall", "--no-deps", "--python"])
        .arg(python)
        .arg(wheels.join(&wheel.name));
    let installed = install.timeout(INSTALL_LIMIT).output()?;
    if !installed.success() {
        bail!("uv cannot install the wheel: {}", installed.stderr_text().trim());
    }
    Ok(())
}

/// The Python of the environment with the libraries, made unless it is there.
fn environment(workspace: &Workspace, tools: &Tools) -> anyhow::Result<PathBuf> {
    let prefix = workspace.target.join("bench/quant");
    let python = tools::in_environment(&prefix, "python");
    let is_whole = || {
        let import = "import numpy, pyarrow, torch, torchao, optimum.quanto, bitsandbytes, \
                      onnxruntime, gguf";
        let command = Invocation::new(&python).args(["-I", "-c", import]);
        command.timeout(INSTALL_LIMIT).output().is_ok_and(|output| output.success())
    };
    if is_whole() {
        return Ok(python);
    }
    eprintln!("making {}", prefix.display());
    let make =
        tools.uv().args(["venv", "--quiet", "--clear", "--python"]).arg(&tools.python).arg(&prefix);
    let install = |extra: &[&str]| {
        let command = tools.uv().args(["pip", "install", "--quiet", "--python"]).arg(&python);
        command.args(extra).args(LIBRARIES).timeout(INSTALL_LIMIT).output()
    };
    let made = make.timeout(INSTALL_LIMIT).output()?;
    if !made.success() {
        bail!("uv cannot make {}: {}", prefix.display(), made.stderr_text().trim());
    }
    // The index of torch has a build without CUDA, which a mirror of PyPI may not.
    if !install(&["--torch-backend", "cpu"])?.success() {
        let installed = install(&[])?;
        if !installed.success() {
            bail!("uv cannot install what is compared with: {}", installed.stderr_text().trim());
        }
    }
    Ok(python)
}
