//! `cargo xtask bench matrix`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use host::Invocation;
use serde_json::Value;

use super::doctor::ratio;
use super::measure::{Subject, measure};
use crate::tools;
use crate::workspace::Workspace;

/// Numbers of cells at which growth is measured.
const SIZES: [usize; 3] = [8, 16, 31];

/// The matrix of this repository, and how it grows. Downloads every numpy when it is run first.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Runs of each command; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// Measures and prints.
///
/// # Errors
/// When a tool that is needed is missing or fails.
pub(crate) fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open()?;
    let tools = tools::provision(&workspace)?;
    let program = std::env::current_exe().context("cannot tell which program this is")?;
    let directory = tools.directory.join("matrix");
    let run_matrix = || -> anyhow::Result<Value> {
        let output = Invocation::new(&program)
            .args(["matrix", "--format", "json", "--directory"])
            .arg(&directory)
            .directory(&workspace.root)
            .output()?;
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("the matrix gave no result: {}", output.stderr_text()))
    };
    // The first run makes the environments, and the second one finds them.
    run_matrix()?;
    let result = run_matrix()?;
    let cells: Vec<&Value> =
        list(&result["cells"]).iter().filter(|cell| cell["state"] == "ran").collect();
    let seconds = |cell: &Value, part: &str| cell[part].as_f64().unwrap_or(0.0);
    let both = |cell: &&Value| seconds(cell, "write_seconds") + seconds(cell, "read_seconds");
    let slowest = cells.iter().map(both).fold(0.0, f64::max);
    let total: f64 = cells.iter().map(both).sum();
    let wall = result["seconds"].as_f64().unwrap_or(0.0);
    let processors = host::processors();
    let share = cells.len() as f64 / processors as f64;
    let pairs = list(&result["pairs"]).len();
    println!("{} cells, {pairs} pairs, {processors} processors: {wall:.1} s", cells.len());
    println!("slowest cell {slowest:.2} s, all cells {total:.1} s\n");
    ratio("wall / (slowest x cells / processors)", wall / (slowest * share), "under 1.5");

    println!();
    let pythons: Vec<&&Value> = cells.iter().filter(|cell| cell["kind"] == "cpython").collect();
    let mut growth = Vec::new();
    for size in SIZES.into_iter().filter(|size| *size <= pythons.len()) {
        let names: Vec<&str> =
            pythons[..size].iter().filter_map(|cell| cell["name"].as_str()).collect();
        let directory = directory.display().to_string();
        let names = names.join(",");
        let subject = Subject::new(
            &workspace.root,
            [&program.display().to_string(), "matrix", "--directory", &directory, "--only", &names],
        );
        let [measured] = measure(&workspace, &tools, flags.runs, &[subject])?;
        println!(
            "{size:>3} cells {:>8.2} s   processor {:>8.2} s",
            measured.seconds, measured.processor
        );
        growth.push((size, measured.processor));
    }
    for pair in growth.windows(2) {
        let [(fewer, before), (more, after)] = pair else { continue };
        let by = (after / before) / (*more as f64 / *fewer as f64);
        ratio(&format!("growth of processor time over cells, {fewer} to {more}"), by, "under 2");
    }

    println!();
    let size = SIZES[0].min(pythons.len());
    let environments = directory.join("environments");
    let interpreters: Vec<String> = pythons[..size]
        .iter()
        .filter_map(|cell| interpreter(&workspace, &environments, cell))
        .map(|path| path.display().to_string())
        .collect();
    let names: Vec<&str> =
        pythons[..size].iter().filter_map(|cell| cell["name"].as_str()).collect();
    // The same work for both: archives only, no pickles and no core.
    let project = workspace.target.join("bench/matrix");
    let listed: Vec<String> = names
        .iter()
        .zip(&interpreters)
        .map(|(name, path)| format!("{{ name = {name:?}, path = {path:?} }}"))
        .collect();
    let configuration = format!(
        "[matrix]\nnumpys = []\nformats = ['npz']\nlanes = ['cpython']\nenvironments = [{}]\n",
        listed.join(", ")
    );
    host::write_atomically(&project.join("truewheel.toml"), configuration.as_bytes())?;
    let script = workspace.root.join("scripts/exchange_by_pairs.py").display().to_string();
    let files = project.join("files").display().to_string();
    let mut by_pairs = vec![tools.python.display().to_string(), "-I".to_owned(), script, files];
    by_pairs.extend(interpreters);
    let subjects = [
        Subject::new(&project, [&program.display().to_string(), "matrix"]),
        Subject::new(&project, by_pairs),
    ];
    let [ours, peer] = measure(&workspace, &tools, flags.runs, &subjects)?;
    println!(
        "archives of {size} cells: {:.2} s, a process for each pair: {:.2} s",
        ours.seconds, peer.seconds
    );
    ratio("a process for each pair / matrix", peer.seconds / ours.seconds, "over 1");
    Ok(ExitCode::SUCCESS)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The interpreter of a cell's environment, whose directory begins with its versions.
fn interpreter(
    workspace: &Workspace,
    environments: &std::path::Path,
    cell: &Value,
) -> Option<PathBuf> {
    let prefix = format!("py{}-numpy{}-", cell["python"].as_str()?, cell["numpy"].as_str()?);
    let entries = workspace.host.list(environments, 10_000).ok()?;
    let name = entries.iter().filter_map(|entry| entry.name_text());
    let name =
        name.into_iter().find(|name| name.starts_with(&prefix) && !name.ends_with(".lock"))?;
    Some(tools::in_environment(&environments.join(name), "python"))
}
