//! `cargo xtask miri`: the kernels of arrow-quant in an interpreter that sees undefined behaviour.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use host::Invocation;
use report::ExitStatus;

use crate::workspace::Workspace;

const PROBE_LIMIT: Duration = Duration::from_secs(60);

/// Run the tests of arrow-quant's kernels in Miri, which sees undefined behaviour.
///
/// They run twice: as every processor can, and, on x86-64, with the instructions of AVX2, which Miri
/// knows too. It knows neither AVX-512 nor NEON. Property tests try a few cases only, since Miri
/// takes a thousand times as long; all of it takes some minutes.
///
/// Needs a nightly toolchain with the components miri and rust-src.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Flags {
    /// Tests to run, by parts of their names; all tests of the kernels without one.
    #[arg(default_value = "kernel")]
    tests: String,
}

/// Runs the tests at each level.
///
/// # Errors
/// When there is no nightly toolchain with Miri.
pub(crate) fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open()?;
    require_miri(&workspace)?;
    let mut levels = vec![("portable", "")];
    if cfg!(target_arch = "x86_64") {
        levels.push(("AVX2", "-Ctarget-feature=+avx2"));
    }
    let mut failed = Vec::new();
    for (level, rustflags) in &levels {
        eprintln!("the tests with {:?} in their names, {level}", flags.tests);
        let status = cargo_miri(&workspace)
            .args(["test", "--package", "arrow-quant", "--lib", &flags.tests])
            .env("CARGO_TARGET_DIR", workspace.target.join("miri"))
            .env("RUSTFLAGS", rustflags)
            .status()?;
        if !status.success() {
            failed.push(*level);
        }
    }
    if failed.is_empty() {
        println!("Miri found nothing at {} levels", levels.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!("failed: {}", failed.join(", "));
    Ok(ExitStatus::Problems.into())
}

fn cargo_miri(workspace: &Workspace) -> Invocation {
    let arguments = ["run", "nightly", "cargo", "miri"];
    Invocation::new("rustup").args(arguments).directory(&workspace.root)
}

/// A nightly toolchain with Miri, and the source of the standard library, which Miri interprets too.
fn require_miri(workspace: &Workspace) -> anyhow::Result<()> {
    let works = |command: Invocation| {
        command.timeout(PROBE_LIMIT).output().is_ok_and(|output| output.success())
    };
    if !works(Invocation::new("rustup").arg("--version").directory(&workspace.root)) {
        bail!(
            "Miri needs a nightly toolchain of rustup's, and there is no rustup: https://rustup.rs"
        );
    }
    if !works(cargo_miri(workspace).arg("--version")) {
        bail!(
            "Miri is no part of the nightly toolchain here; install both with\n  rustup toolchain \
             install nightly --component miri,rust-src"
        );
    }
    Ok(())
}
