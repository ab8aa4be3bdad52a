//! `cargo xtask bench build`.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use host::Invocation;
use serde_json::Value;

use super::doctor::ratio;
use crate::tools;
use crate::workspace::Workspace;

/// A build on a busy machine.
const LIMIT: Duration = Duration::from_secs(3600);

/// This repository's wheel, built cold in each engine that works, beside a bare `maturin build` of
/// the same files.
///
/// Both begin with an empty target directory and with every crate on this machine. A run takes some
/// minutes for each engine.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Engines to measure.
    #[arg(long, value_delimiter = ',', default_values = ["podman", "docker", "namespaces", "host"])]
    engines: Vec<String>,

    /// Runs of each; the fastest counts, as other work only ever makes them slower.
    #[arg(long, default_value_t = 1)]
    runs: usize,
}

/// Measures and prints.
///
/// # Errors
/// When a tool that is needed is missing or fails.
pub(crate) fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open()?;
    let tools = tools::provision(&workspace)?;
    let place = workspace.target.join("bench/build");
    host::remove_tree(&place)?;
    // Whatever is fetched first is not measured.
    build(&workspace, &["sdist"], &place.join("fetched"))?;

    let mut bare = f64::INFINITY;
    for run in 0..flags.runs {
        let began = Instant::now();
        let output = Invocation::new(tools.maturin_program())
            .args(["build", "--locked", "--offline", "-m", "crates/arrow-quant-python/Cargo.toml"])
            .arg("--interpreter")
            .arg(&tools.python)
            .arg("--target-dir")
            .arg(place.join(format!("target-{run}")))
            .arg("--out")
            .arg(place.join("bare"))
            .directory(&workspace.root)
            .timeout(LIMIT)
            .output()?;
        anyhow::ensure!(output.success(), "maturin fails: {}", output.stderr_text());
        bare = bare.min(began.elapsed().as_secs_f64());
    }
    println!("maturin build, cold                {bare:>8.1} s\n");

    let mut wheels = Vec::new();
    for engine in &flags.engines {
        let mut fastest: Option<Times> = None;
        for _ in 0..flags.runs {
            let flags = ["wheel", "--no-test", "--engine", engine];
            let events = match build(&workspace, &flags, &place.join(engine)) {
                Ok(events) => events,
                Err(error) => {
                    println!("{engine}: not measured: {error:#}\n");
                    break;
                }
            };
            let times = Times::of(&events);
            if fastest.as_ref().is_none_or(|fastest| times.whole < fastest.whole) {
                fastest = Some(times);
            }
            wheels.extend(wheel(&events));
        }
        let Some(times) = fastest else { continue };
        println!("truewheel build --engine {engine:<10}{:>8.1} s", times.whole);
        println!("    engine and image ready         {:>8.2} s", times.start);
        println!("    the build itself               {:>8.1} s", times.build);
        ratio("build / maturin build, cold", times.whole / bare, "under 1.15");
        println!();
    }
    wheels.sort();
    wheels.dedup();
    if let [first, .., last] = wheels.as_slice() {
        let began = Instant::now();
        let compared = program()?.arg("compare").args([first, last]).timeout(LIMIT).output()?;
        let seconds = began.elapsed().as_secs_f64();
        let text = compared.stdout_text();
        println!("{}", text.lines().last().unwrap_or_default());
        println!("comparing two of the wheels        {seconds:>8.3} s   (goal: under 1)");
    }
    Ok(ExitCode::SUCCESS)
}

fn program() -> anyhow::Result<Invocation> {
    let program = std::env::current_exe().context("cannot tell which program this is")?;
    Ok(Invocation::new(program).env("NO_COLOR", "1"))
}

/// Builds, and gives the events.
fn build(workspace: &Workspace, flags: &[&str], out: &Path) -> anyhow::Result<Vec<Value>> {
    let output = program()?
        .arg("build")
        .args(flags)
        .args(["--format", "json", "--out"])
        .arg(out)
        .directory(&workspace.root)
        .timeout(LIMIT)
        .output()?;
    anyhow::ensure!(output.success(), "{}", output.stderr_text().trim());
    let text = output.stdout_text();
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// Seconds of a build.
struct Times {
    whole: f64,
    start: f64,
    build: f64,
}

impl Times {
    fn of(events: &[Value]) -> Self {
        let ended = |phases: &[&str]| -> f64 {
            events
                .iter()
                .filter(|event| event["event"] == "phase-ended")
                .filter(|event| phases.iter().any(|phase| event["phase"] == *phase))
                .filter_map(|event| event["seconds"].as_f64())
                .sum()
        };
        Self {
            whole: events.iter().filter_map(|event| event["elapsed"].as_f64()).fold(0.0, f64::max),
            start: ended(&["look for an engine", "open the image"]),
            build: ended(&["build the wheel"]),
        }
    }
}

fn wheel(events: &[Value]) -> Option<String> {
    let mut artifacts = events.iter().filter(|event| event["event"] == "artifact");
    artifacts
        .find_map(|event| event["path"].as_str().filter(|path| path.ends_with(".whl")))
        .map(str::to_owned)
}
