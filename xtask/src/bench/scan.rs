//! `cargo xtask bench scan`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use host::Invocation;
use serde_json::Value;

use super::doctor::ratio;
use super::measure::{Subject, measure};
use crate::tools::{self, Tools};
use crate::workspace::Workspace;

/// What scanners are compared with, and what makes the files.
const PEERS: [&str; 5] = ["picklescan", "fickling", "joblib", "numpy", "typing_extensions"];

/// How long making an environment may take.
const INSTALL_LIMIT: Duration = Duration::from_secs(600);

/// Megabytes of the large pickle.
const MEGABYTES: u64 = 200;

/// How often the large pickle is scanned, by as many names of it.
const PASSES: usize = 400;

/// The scanner of pickles: what it and others say of hostile and harmless ones, how long each takes,
/// and the processor time of a large one.
///
/// Needs a way to PyPI the first time. The environment is kept in target/bench/scan-peers; remove it
/// to renew it.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Runs of each command; the median counts.
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

/// Measures and prints.
///
/// # Errors
/// When a tool that is needed is missing or fails.
pub(crate) fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open()?;
    let tools = tools::provision(&workspace)?;
    let python = environment(&workspace, &tools)?;
    let directory = workspace.target.join("bench/scan");
    host::remove_tree(&directory)?;
    host::create_directory(&directory)?;
    let corpus = directory.join("corpus");
    let script = |name: &str| workspace.root.join("scripts").join(name);
    let made = Invocation::new(&python)
        .arg("-I")
        .arg(script("hostile_pickles.py"))
        .arg(&corpus)
        .output()?;
    anyhow::ensure!(made.success(), "the corpus was not made: {}", made.stderr_text());
    let program = std::env::current_exe().context("cannot tell which program this is")?;

    let peers = Invocation::new(&python)
        .arg("-I")
        .arg(script("scan_peers.py"))
        .arg(&corpus)
        .timeout(INSTALL_LIMIT)
        .output()?;
    let peers: Value = serde_json::from_slice(&peers.stdout)
        .with_context(|| format!("the other scanners failed: {}", peers.stderr_text()))?;
    let ours = Invocation::new(&program)
        .args(["scan", "--format", "json"])
        .arg(&corpus)
        .directory(&directory)
        .output()?;
    let ours: Value = serde_json::from_slice(&ours.stdout)
        .with_context(|| format!("the scan failed: {}", ours.stderr_text()))?;

    // Finding the Pythons of the machine is what the others do not do: it is told apart.
    let one = corpus.join("harmless/dict.4.pkl");
    let subject = |path: &Path| {
        let argv = [program.display().to_string(), "scan".to_owned(), path.display().to_string()];
        Subject::new(&directory, argv)
    };
    let [all, alone] = measure(&workspace, &tools, flags.runs, &[subject(&corpus), subject(&one)])?;
    let our_seconds = (all.seconds - alone.seconds).max(0.0);
    let mut rows = vec![Row::of("truewheel", list(&ours["files"]), our_seconds, |file| {
        let path = file["path"].as_str().unwrap_or_default();
        let verdict = match file["safety"].as_str() {
            Some("data") => "clean",
            Some("dangerous") => "flagged",
            _ => "unsure",
        };
        (path, verdict)
    })];
    for name in ["picklescan", "fickling"] {
        let peer = &peers[name];
        let seconds = peer["seconds"].as_f64().unwrap_or(0.0);
        rows.push(Row::of(name, list(&peer["verdicts"]), seconds, |pair| {
            (pair[0].as_str().unwrap_or_default(), pair[1].as_str().unwrap_or_default())
        }));
    }
    for (kind, title) in ["hostile", "harmless"].into_iter().enumerate() {
        println!("{title:<14}{:>9}{:>9}{:>9}{:>9}", "flagged", "unsure", "failed", "clean");
        for row in &rows {
            let [clean, flagged, unsure, failed] = row.counts[kind];
            println!("  {:<12}{flagged:>9}{unsure:>9}{failed:>9}{clean:>9}", row.name);
        }
    }
    println!();
    for row in &rows {
        println!("{:<38} {:>9.3}", format!("seconds of {}", row.name), row.seconds);
    }
    println!();
    let alarms: usize = rows[0].counts[1][1..].iter().sum();
    ratio("hostile pickles that pass for clean", rows[0].counts[0][0] as f64, "0");
    ratio("harmless pickles that do not", alarms as f64, "0");
    println!("{:<38} {:>9.3}", "seconds to start and find the Pythons", alone.seconds);
    for row in rows.iter().skip(1) {
        let name = format!("scanning / that of {}", row.name);
        ratio(&name, our_seconds / row.seconds, "under 1");
    }
    large(&workspace, &tools, flags.runs, &program, &directory)?;
    host::remove_tree(&directory)?;
    Ok(ExitCode::SUCCESS)
}

/// The verdicts of one scanner.
struct Row {
    name: &'static str,
    /// Of hostile and of harmless files: clean, flagged, unsure, failed.
    counts: [[usize; 4]; 2],
    seconds: f64,
}

impl Row {
    fn of<'a>(
        name: &'static str,
        verdicts: &'a [Value],
        seconds: f64,
        read: impl Fn(&'a Value) -> (&'a str, &'a str),
    ) -> Self {
        let mut counts = [[0; 4]; 2];
        for verdict in verdicts {
            let (path, verdict) = read(verdict);
            let kind = Path::new(path).parent().is_some_and(|parent| parent.ends_with("harmless"));
            let place = match verdict {
                "clean" => 0,
                "flagged" => 1,
                "unsure" => 2,
                _ => 3,
            };
            counts[usize::from(kind)][place] += 1;
        }
        Self { name, counts, seconds }
    }
}

/// The processor time of one pass over a large pickle: that of many names of it without that of one.
fn large(
    workspace: &Workspace,
    tools: &Tools,
    runs: usize,
    program: &Path,
    directory: &Path,
) -> anyhow::Result<()> {
    let length = (MEGABYTES << 20) as u32;
    let mut bytes = b"\x80\x03}U\x01xB".to_vec();
    bytes.extend(length.to_le_bytes());
    bytes.resize(bytes.len() + length as usize, b'.');
    bytes.extend(b"s.");
    let (one, many) = (directory.join("one"), directory.join("many"));
    host::create_directory(&one)?;
    host::create_directory(&many)?;
    let large = one.join("large.pkl");
    host::write_atomically(&large, &bytes)?;
    for number in 0..PASSES {
        host::keep_beside(&large, &many.join(format!("{number}.pkl")))?;
    }
    let subject = |path: &Path| {
        let argv = [program.display().to_string(), "scan".to_owned(), path.display().to_string()];
        Subject::new(directory, argv)
    };
    let [one, many] = measure(workspace, tools, runs, &[subject(&one), subject(&many)])?;
    let pass = (many.processor - one.processor) / (PASSES - 1) as f64;
    let name = format!("ms of processor for {MEGABYTES} MB, each pass");
    ratio(&name, pass * 1000.0, "under 1");
    ratio("MB of memory at its peak", many.peak / 1e6, "under 100");
    Ok(())
}

/// The Python of the environment with the other scanners, made unless it is there.
fn environment(workspace: &Workspace, tools: &Tools) -> anyhow::Result<PathBuf> {
    let prefix = workspace.target.join("bench/scan-peers");
    let python = tools::in_environment(&prefix, "python");
    let is_whole = || {
        let imports = "import fickling, joblib, numpy, picklescan";
        let probe = Invocation::new(&python).args(["-I", "-c", imports]).output();
        probe.is_ok_and(|output| output.success())
    };
    if !is_whole() {
        let made = tools.uv().args(["venv", "--clear", "--quiet", "--python"]).arg(&tools.python);
        let made = made.arg(&prefix).timeout(INSTALL_LIMIT).output()?;
        anyhow::ensure!(made.success(), "no environment: {}", made.stderr_text());
        let installed = tools.uv().args(["pip", "install", "--quiet", "--python"]).arg(&python);
        let installed = installed.args(PEERS).timeout(INSTALL_LIMIT).output()?;
        anyhow::ensure!(
            installed.success(),
            "nothing to compare with: {}",
            installed.stderr_text()
        );
    }
    Ok(python)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
