//! `cargo xtask bench doctor`.

use std::process::ExitCode;

use anyhow::Context as _;

use super::measure::{Measured, Subject, measure};
use super::{cold, scene};
use crate::tools;
use crate::workspace::Workspace;

/// Sizes at which growth is measured.
const SIZES: [usize; 3] = [10, 100, 1000];

/// The doctor, discovery, growth and memory.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Runs of each command; the median counts.
    #[arg(long, default_value_t = 15)]
    runs: usize,
    /// Also compile from nothing, beside `cargo install ripgrep`. Takes minutes.
    #[arg(long)]
    cold: bool,
}

/// Measures and prints.
///
/// # Errors
/// When a tool that is needed is missing or fails.
pub(crate) fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        !cfg!(debug_assertions),
        "run it as `cargo xtask bench`: this is not optimised"
    );
    let workspace = Workspace::open()?;
    let tools = tools::provision(&workspace)?;
    let scene = scene::prepare(&workspace, &tools)?;
    let runs = flags.runs.max(3);

    let program = std::env::current_exe().context("cannot tell which program this is")?;
    let program = program.display().to_string();
    let project = scene.project.display().to_string();
    let python = tools::in_environment(&scene.project.join(".venv"), "python");
    let python = python.display().to_string();
    let here = |argv: &[&str]| {
        Subject::new(&scene.project, argv.iter().copied())
            .variable("WORKON_HOME", scene.environments.display().to_string())
            .variable("VIRTUAL_ENV", scene.project.join(".venv").display().to_string())
            .variable("UV_CACHE_DIR", tools.directory.join("uv-cache").display().to_string())
    };
    let cargo = workspace.cargo_program().display().to_string();
    let uv = tools.uv_program().display().to_string();
    let mut whole = here(&[&cargo, "xtask", "doctor", "--project", &project, "--format", "json"]);
    whole.directory.clone_from(&workspace.root);
    let subjects = [
        here(&[&program, "doctor", "--project", &project, "--format", "json"]),
        here(&[&program, "doctor", "--project", &project, "--format", "json", "--all"]),
        here(&[&python, "-c", "import numpy"]),
        here(&[&python, "-m", "pip", "check"]),
        here(&[&program, "envs", "--project", &project, "--format", "json"]),
        here(&[&uv, "python", "list", "--only-installed"]),
        whole,
    ];
    let [doctor, all, numpy, pip, envs, list, whole] =
        measure(&workspace, &tools, runs, &subjects)?;

    println!(
        "Medians of {runs} runs in turn; this machine's Pythons, a project and 20 environments\n"
    );
    line("doctor", doctor);
    line("doctor --all", all);
    line("python -c 'import numpy'", numpy);
    line("python -m pip check", pip);
    line("envs", envs);
    line("uv python list --only-installed", list);
    line("cargo xtask doctor, cargo included", whole);
    println!();
    ratio("doctor / import numpy", doctor.seconds / numpy.seconds, "under 0.33");
    ratio("doctor / pip check", doctor.seconds / pip.seconds, "under 1");
    ratio("uv python list / envs", list.seconds / envs.seconds, "over 20");

    println!();
    let mut growth = Vec::new();
    for size in SIZES {
        let many = scene::many(&workspace, &tools, size)?;
        let subject = here(&[&program, "doctor", "--project", &project, "--format", "json"])
            .variable("WORKON_HOME", many.display().to_string());
        let [measured] = measure(&workspace, &tools, runs, &[subject])?;
        line(&format!("doctor, {size} environments"), measured);
        growth.push((size, measured));
    }
    let (fewest, first) = growth[0];
    for (size, measured) in &growth[1..] {
        let each = (measured.seconds - first.seconds) * 1000.0 / (size - fewest) as f64;
        ratio(&format!("ms for each one more, {fewest} to {size}"), each, "under 1");
    }
    let peak = growth.last().map_or(0.0, |(_, measured)| measured.peak / 1e6);
    ratio("MB at most, 1000 environments", peak, "under 100");

    println!();
    cold::crates(&workspace)?;
    if flags.cold {
        cold::compile(&workspace, &tools)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// One line with what a command took.
pub(super) fn line(name: &str, measured: Measured) {
    println!(
        "{name:<38} {:>9.1} ms   processor {:>9.1} ms   memory {:>6.1} MB",
        measured.seconds * 1e3,
        measured.processor * 1e3,
        measured.peak / 1e6
    );
}

/// One line with a number and the goal for it.
pub(super) fn ratio(name: &str, value: f64, goal: &str) {
    println!("{name:<38} {value:>9.3}      goal: {goal}");
}
