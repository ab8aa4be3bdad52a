//! `cargo xtask bench bridge`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use host::Invocation;
use serde_json::Value;

use super::npz::environment;
use crate::tools;
use crate::workspace::Workspace;

/// Longer than it takes on a busy machine: compressing noise alone is half a minute.
const LIMIT: Duration = Duration::from_secs(900);

/// Arrays between interpreters: the bridge beside compressed files, plain files and its own slower
/// ways, with the goals.
///
/// Needs a way to PyPI the first time, a Python of 3.8 to 3.11 for numpy 1.24.4 and one of 3.10 to
/// 3.13 for numpy 2.2.6 under pyenv or on PATH, and 2 GB of memory. Takes about two minutes; --quick
/// takes one. The environments are kept in target/bench/numpy-*; remove one to renew it.
///
/// All ways take turns in one run, but everything is bound by memory, so other work on the machine
/// changes the ratios too.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// 40 MB of data instead of 200.
    #[arg(long)]
    quick: bool,
}

/// Measures and prints.
///
/// # Errors
/// When a Python that is needed is missing or fails.
pub(crate) fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open()?;
    let tools = tools::provision(&workspace)?;
    let old = ("1.24.4", "numpy==1.24.4", &["3.11", "3.10", "3.9", "3.8"][..]);
    let new = ("2.2.6", "numpy==2.2.6", &["3.12", "3.13", "3.11", "3.10"][..]);
    let (here, there) =
        (environment(&workspace, &tools, &old)?, environment(&workspace, &tools, &new)?);
    let megabytes = if flags.quick { "40" } else { "200" };
    let script = workspace.root.join("crates/arrow-quant-python/bench/bridge.py");
    let measure = Invocation::new(here).args(["-I", "-B"]).arg(script).arg(there).arg(megabytes);
    let output = measure.timeout(LIMIT).output()?;
    anyhow::ensure!(output.success(), "measuring failed: {}", output.stderr_text().trim());
    let said: Value =
        serde_json::from_slice(&output.stdout).context("measuring gave no numbers")?;
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let text = |name: &str| said[name].as_str().unwrap_or("?").to_owned();

    println!(
        "{megabytes} MB of float32 from numpy {} to numpy {}, read to its end",
        text("there"),
        text("here")
    );
    for (kind, title) in [("smooth", "steps of whole numbers"), ("noise", "normal noise")] {
        let bridge = number(&said[kind]["bridge"]);
        println!("\n{title}: {:.0} ms through the bridge", bridge * 1e3);
        for (name, way, goal) in [
            ("compressed", "savez_compressed, path, np.load", Some(20.0)),
            ("save", "np.save, path, np.load", Some(3.0)),
            ("memfd", "the bridge by memfd", None),
            ("file", "the bridge by unlinked files", None),
            ("pipe", "the bridge by its socket", None),
        ] {
            let taken = number(&said[kind][name]);
            let goal = goal.map_or_else(String::new, |goal| format!(", goal {goal} x"));
            println!("  {way:32} {:8.0} ms, {:6.1} x{goal}", taken * 1e3, taken / bridge);
        }
    }
    println!(
        "\nthe same size as an argument: {:.0} ms\na call of a warm interpreter: {:.2} ms, goal \
         1 ms\na new process for 1 MB, by file: {:.0} ms",
        number(&said["sent"]) * 1e3,
        number(&said["call_ms"]),
        number(&said["small_by_process"]) * 1e3
    );
    Ok(ExitCode::SUCCESS)
}
