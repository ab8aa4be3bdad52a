//! `cargo xtask fuzz`: every fuzz target of the repository, for a bounded time.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use host::Invocation;
use report::ExitStatus;

use crate::tools;
use crate::workspace::Workspace;

const PROBE_LIMIT: Duration = Duration::from_secs(60);

/// Look for inputs that make parsers fail, with cargo-fuzz.
///
/// Runs the targets in `crates/*/fuzz`, one after the other, each for --seconds on one processor.
/// What was learnt stays in target/fuzz/corpus and is built upon by the next run; an input that
/// makes a target fail is in target/fuzz/findings. Compiling takes about two minutes the first time.
///
/// Needs a nightly toolchain and cargo-fuzz. Where a fuzz directory has a `seeds.py`, the first
/// inputs are real files that it writes with the newest numpy, which needs a way to PyPI; without
/// one, fuzzing starts from nothing.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Flags {
    /// How long each target runs, in seconds.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Targets to run, such as `npy`, or `npz/npy` where several crates have one of that name; all
    /// of them without one.
    targets: Vec<String>,
}

/// A directory of fuzz targets.
struct Fuzzed {
    /// The crate that is fuzzed.
    name: String,
    directory: PathBuf,
}

/// Runs the targets.
///
/// # Errors
/// When a tool is missing, a target has another name, or a target does not compile.
pub(crate) fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open()?;
    require_tools(&workspace)?;
    let mut chosen = Vec::new();
    let mut known = Vec::new();
    for fuzzed in directories(&workspace)? {
        for target in fuzzed.targets(&workspace)? {
            let full = format!("{}/{target}", fuzzed.name);
            let is_chosen = flags.targets.is_empty()
                || flags.targets.iter().any(|name| *name == target || *name == full);
            if is_chosen {
                chosen.push((fuzzed.directory.clone(), fuzzed.name.clone(), target.clone()));
            }
            known.push(full);
        }
    }
    let is_known = |name: &String| {
        known.iter().any(|full| full == name || full.split('/').next_back() == Some(name))
    };
    if let Some(wrong) = flags.targets.iter().find(|name| !is_known(name)) {
        bail!("no fuzz target is called {wrong:?}; there are: {}", known.join(", "));
    }
    let mut failed = Vec::new();
    for (directory, name, target) in &chosen {
        let place = Place::new(&workspace, name, target);
        place.seed(&workspace, directory)?;
        eprintln!("fuzzing {name}/{target} for {} s", flags.seconds);
        if !place.fuzz(directory, flags.seconds)? {
            failed.push(format!("{name}/{target}"));
        }
    }
    if failed.is_empty() {
        println!("nothing was found by {} targets in {} s each", chosen.len(), flags.seconds);
        return Ok(ExitCode::SUCCESS);
    }
    println!("failed: {}; the inputs are in target/fuzz/findings", failed.join(", "));
    Ok(ExitStatus::Problems.into())
}

/// A nightly toolchain, for the flags that make a program tell the fuzzer what it ran, and
/// cargo-fuzz.
fn require_tools(workspace: &Workspace) -> anyhow::Result<()> {
    let works = |arguments: &[&str]| {
        let command = Invocation::new("rustup").args(arguments).directory(&workspace.root);
        command.timeout(PROBE_LIMIT).output().is_ok_and(|output| output.success())
    };
    if !works(&["--version"]) {
        bail!(
            "fuzzing needs a nightly toolchain of rustup's, and there is no rustup: https://rustup.rs"
        );
    }
    if !works(&["run", "nightly", "rustc", "--version"]) {
        bail!(
            "fuzzing needs a nightly toolchain; install it with\n  rustup toolchain install nightly"
        );
    }
    if !works(&["run", "nightly", "cargo", "fuzz", "--version"]) {
        bail!("fuzzing needs cargo-fuzz; install it with\n  cargo install cargo-fuzz --locked");
    }
    Ok(())
}

fn directories(workspace: &Workspace) -> anyhow::Result<Vec<Fuzzed>> {
    let crates = workspace.root.join("crates");
    let entries = workspace.host.list(&crates, 1000).context("cannot list the crates")?;
    let mut found = Vec::new();
    for entry in entries {
        let directory = crates.join(&entry.name).join("fuzz");
        if let (true, Some(name)) =
            (workspace.host.is_file(&directory.join("Cargo.toml")), entry.name_text())
        {
            found.push(Fuzzed { name: name.to_owned(), directory });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn cargo_fuzz(directory: &Path, subcommand: &str) -> Invocation {
    let arguments = ["run", "nightly", "cargo", "fuzz", subcommand, "--fuzz-dir"];
    Invocation::new("rustup").args(arguments).arg(directory)
}

impl Fuzzed {
    fn targets(&self, workspace: &Workspace) -> anyhow::Result<Vec<String>> {
        let listed = cargo_fuzz(&self.directory, "list").directory(&workspace.root).output()?;
        anyhow::ensure!(
            listed.success(),
            "cannot list the fuzz targets of {}: {}",
            self.name,
            listed.stderr_text().trim()
        );
        Ok(listed.stdout_text().lines().map(str::to_owned).collect())
    }
}

/// Where the inputs of a target are, below `target/fuzz`.
struct Place {
    root: PathBuf,
    target: String,
    /// What fuzzing learnt.
    corpus: PathBuf,
    /// What it starts from; a directory for every target.
    seeds: PathBuf,
    findings: PathBuf,
}

impl Place {
    fn new(workspace: &Workspace, name: &str, target: &str) -> Place {
        let root = workspace.target.join("fuzz");
        Place {
            corpus: root.join("corpus").join(name).join(target),
            seeds: root.join("seeds").join(name),
            findings: root.join("findings").join(name).join(target),
            target: target.to_owned(),
            root,
        }
    }

    /// Writes the seeds, unless they are there and as new as the program that writes them.
    fn seed(&self, workspace: &Workspace, directory: &Path) -> anyhow::Result<()> {
        let program = directory.join("seeds.py");
        let text = match workspace.host.read_text(&program, 1 << 20) {
            Ok(text) => text,
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let stamp = self.seeds.join("made-by.txt");
        if workspace.host.read_text(&stamp, 1 << 20).is_ok_and(|made_by| made_by == text) {
            return Ok(());
        }
        let written = tools::provision(workspace).and_then(|tools| {
            let output = tools
                .uv()
                .args(["run", "--quiet", "--no-project", "--isolated", "--with", "numpy"])
                .args(["--with", "ml_dtypes", "--python"])
                .arg(&tools.python)
                .arg("--")
                .args(["python", "-I", "-B"])
                .arg(&program)
                .arg(&self.seeds)
                .output()?;
            anyhow::ensure!(output.success(), "{}", output.stderr_text().trim().to_owned());
            Ok(())
        });
        match written {
            Ok(()) => host::write_atomically(&stamp, text.as_bytes())?,
            Err(error) => eprintln!("fuzzing without real files to start from: {error:#}"),
        }
        Ok(())
    }

    /// Runs the target. Whether it found nothing.
    fn fuzz(&self, directory: &Path, seconds: u64) -> anyhow::Result<bool> {
        // The fuzzer makes none of its directories, and writes new inputs into the first one.
        let seeds = self.seeds.join(&self.target);
        for place in [&self.corpus, &seeds, &self.findings] {
            host::write_atomically(&place.join(".made"), b"")?;
        }
        let built = cargo_fuzz(directory, "build")
            .arg("--target-dir")
            .arg(self.root.join("build"))
            .arg(&self.target);
        anyhow::ensure!(built.status()?.success(), "{} does not compile", self.target);
        let command = cargo_fuzz(directory, "run")
            .arg("--target-dir")
            .arg(self.root.join("build"))
            .arg(&self.target)
            .args([&self.corpus, &seeds])
            .arg("--")
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/", self.findings.display()))
            .args(["-print_final_stats=1", "-rss_limit_mb=2048", "-timeout=20"]);
        Ok(command.status()?.success())
    }
}
