//! `cargo xtask test`: every test of the repository, lane by lane, with what it needs made first.

mod docker;
mod lanes;
mod libtest;
mod table;
mod tally;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use clap::ValueEnum as _;
use host::xshell::{Shell, cmd};
use host::{Invocation, ProcessError};

use crate::tools::{self, Tools};
use crate::workspace::Workspace;
use lanes::Lane;
use libtest::Verdict;
use tally::Tally;
use truewheel::FailureLog;

/// Run the tests, lane by lane.
#[derive(Default, clap::Args)]
pub(crate) struct Flags {
    /// Fail when a test or a lane could not run here.
    #[arg(long)]
    require_all: bool,
    /// Make every fault, ask other tools of it, and write the table in tests/faults/README.md; runs
    /// the lanes faults, conda and mounts.
    #[arg(long, conflicts_with = "lanes")]
    write_table: bool,
    /// Write the table from the record of an earlier run with --write-table, and run nothing.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["lanes", "write_table"])]
    table_from: Option<PathBuf>,
    /// Lanes to run; all of them without one.
    #[arg(value_enum)]
    lanes: Vec<Lane>,
}

/// The quick round before a commit: formatting, lints, and the rules of the repository.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn tidy() -> anyhow::Result<ExitCode> {
    run(&Flags { lanes: vec![Lane::Lints, Lane::Repository], ..Flags::default() })
}

/// Runs the chosen lanes and prints what came of each.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open()?;
    if let Some(record) = &flags.table_from {
        println!("wrote {}", table::write(&workspace, record)?.display());
        return Ok(ExitCode::SUCCESS);
    }
    let real = [Lane::Faults, Lane::Conda, Lane::Mounts];
    let is_chosen = |lane: &Lane| match flags.write_table {
        true => real.contains(lane),
        false => flags.lanes.is_empty() || flags.lanes.contains(lane),
    };
    let chosen: Vec<Lane> = Lane::value_variants().iter().copied().filter(is_chosen).collect();
    let mut tally = Tally::new(&chosen);

    // Everything is compiled before anything runs, so that a mistake shows at once.
    let compile = workspace.cargo().args(["test", "--workspace", "--all-targets", "--no-run"]);
    if !compile.status()?.success() {
        for lane in &chosen {
            tally.lane_failed(*lane, "the workspace does not compile");
        }
        return Ok(finish(tally, flags));
    }
    let mut faults = None;
    for lane in chosen {
        match lane.binary() {
            None if lane == Lane::Lints => run_lints(&workspace, lane, &mut tally)?,
            None => run_unit(&workspace, lane, &mut tally)?,
            Some(
                binary @ ("faults" | "numpy" | "wheel" | "matrix" | "wheels" | "projects"
                | "pyodide"),
            ) => {
                let faults = match &mut faults {
                    Some(faults) => faults,
                    None => faults.insert(Faults::prepare(&workspace, flags.write_table)?),
                };
                if binary == "faults" {
                    faults.run(&workspace, lane, &mut tally)?;
                } else {
                    let command = workspace.cargo().args(["test", "--workspace", "--test", binary]);
                    faults.run_with_tools(&workspace, command, lane, &mut tally)?;
                }
            }
            Some(binary @ "builds") => {
                let faults = match &mut faults {
                    Some(faults) => faults,
                    None => faults.insert(Faults::prepare(&workspace, false)?),
                };
                let daemon = docker::Daemon::start(&workspace)?;
                if let Some(reason) = daemon.why_not() {
                    tally.remark(format!("docker: {reason}"));
                }
                let command = workspace.cargo().args(["test", "--workspace", "--test", binary]);
                faults.run_with_tools(&workspace, daemon.reached_by(command), lane, &mut tally)?;
            }
            Some(binary @ "containers") => {
                let daemon = docker::Daemon::start(&workspace)?;
                if let Some(reason) = daemon.why_not() {
                    tally.remark(format!("docker: {reason}"));
                }
                let command = workspace.cargo().args(["test", "--workspace", "--test", binary]);
                run_with_skips(&workspace, daemon.reached_by(command), lane, &mut tally)?;
            }
            Some(binary) => {
                let command = workspace.cargo().args(["test", "--workspace", "--test", binary]);
                run_with_skips(&workspace, command, lane, &mut tally)?;
            }
        }
    }
    let record = faults.and_then(|faults| faults.record).map(|record| record.file);
    if let Some(record) = record.filter(|_| tally.failed() == 0) {
        println!("wrote {}", table::write(&workspace, &record)?.display());
    }
    Ok(finish(tally, flags))
}

fn finish(mut tally: Tally, flags: &Flags) -> ExitCode {
    tally.close();
    print!("{}", tally.render());
    if tally.failed() > 0 || (flags.require_all && tally.skipped() > 0) {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn run_lints(workspace: &Workspace, lane: Lane, tally: &mut Tally) -> anyhow::Result<()> {
    let started = Instant::now();
    let shell = Shell::new().context("cannot read the working directory")?;
    shell.change_dir(&workspace.root);
    let cargo = workspace.cargo_program();
    for (tool, command) in [
        ("fmt", cmd!(shell, "{cargo} fmt --all --check")),
        ("clippy", cmd!(shell, "{cargo} clippy --workspace --all-targets -- --deny warnings")),
    ] {
        if cmd!(shell, "{cargo} {tool} --version").quiet().ignore_stderr().read().is_err() {
            tally.part_skipped(lane, &format!("cargo {tool} is not installed"));
            continue;
        }
        // What the tool printed stands above; the error would only say that it failed.
        let passed = command.run().is_ok();
        tally.count(lane, if passed { Verdict::Passed } else { Verdict::Failed });
    }
    tally.took(lane, started.elapsed());
    Ok(())
}

/// Unit tests, the crates' own test binaries, and the examples in the documentation.
fn run_unit(workspace: &Workspace, lane: Lane, tally: &mut Tally) -> anyhow::Result<()> {
    let mut binaries = Vec::new();
    for name in workspace.test_binaries()? {
        if !Lane::value_variants().iter().any(|lane| lane.binary() == Some(name.as_str())) {
            binaries.push("--test".to_owned());
            binaries.push(name);
        }
    }
    let tests =
        workspace.cargo().args(["test", "--workspace", "--no-fail-fast", "--lib", "--bins"]);
    run_tests(workspace, &tests.args(binaries), lane, tally)?;
    let examples = workspace.cargo().args(["test", "--workspace", "--no-fail-fast", "--doc"]);
    run_tests(workspace, &examples, lane, tally)
}

/// The test binary `faults`, which holds several lanes.
struct Faults {
    /// Names of its tests.
    tests: Vec<String>,
    /// The tools its tests use, or why there are none.
    tools: anyhow::Result<Tools>,
    /// Where the tests record what they show, if they are to.
    record: Option<Record>,
}

/// What the tests need to record what they show.
struct Record {
    file: PathBuf,
    /// The environment of the other tools.
    peers: PathBuf,
}

impl Faults {
    fn prepare(workspace: &Workspace, recorded: bool) -> anyhow::Result<Self> {
        let list = ["test", "--workspace", "--test", "faults", "--", "--list", "--format", "terse"];
        let listed = workspace.cargo().args(list).output()?.stdout_text();
        let tools = tools::provision(workspace);
        let record = match &tools {
            Ok(tools) if recorded => {
                let file = tools.directory.join("faults.tsv");
                host::write_atomically(&file, b"")?;
                Some(Record { file, peers: tools::provision_peers(workspace, tools)? })
            }
            _ => None,
        };
        let tests = listed.lines().filter_map(libtest::listed).map(str::to_owned).collect();
        Ok(Self { tests, tools, record })
    }

    fn run(&self, workspace: &Workspace, lane: Lane, tally: &mut Tally) -> anyhow::Result<()> {
        let tests: Vec<&String> =
            self.tests.iter().filter(|test| Lane::of_fault_test(test) == lane).collect();
        if tests.is_empty() {
            return Ok(());
        }
        let command = in_own_mounts(workspace)
            .args(["test", "--workspace", "--test", "faults", "--", "--exact"])
            .args(tests);
        let command = match &self.record {
            Some(record) => command
                .env("TRUEWHEEL_FAULTS_RECORD", &record.file)
                .env("TRUEWHEEL_FAULTS_PEERS", &record.peers),
            None => command,
        };
        self.run_with_tools(workspace, command, lane, tally)
    }

    /// Runs tests that use the tools, and counts those that say they could not run.
    fn run_with_tools(
        &self,
        workspace: &Workspace,
        command: Invocation,
        lane: Lane,
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        let command = match &self.tools {
            Ok(tools) => with_tools(command, tools),
            Err(error) => command.env("TRUEWHEEL_TEST_TOOLS_MISSING", format!("{error:#}")),
        };
        run_with_skips(workspace, command, lane, tally)
    }
}

/// Runs tests, and counts those that say they could not run here.
fn run_with_skips(
    workspace: &Workspace,
    command: Invocation,
    lane: Lane,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    // Where a test that cannot run here says why.
    let skips = workspace.target.join("test-tools/skipped.txt");
    host::write_atomically(&skips, b"")
        .with_context(|| format!("cannot write {}", skips.display()))?;
    run_tests(workspace, &command.env("TRUEWHEEL_TEST_SKIPS", &skips), lane, tally)?;
    let text = workspace.host.read_text(&skips, 16 << 20)?;
    for (test, reason) in text.lines().filter_map(|line| line.split_once('\t')) {
        tally.test_skipped(lane, test, reason);
    }
    Ok(())
}

fn with_tools(command: Invocation, tools: &Tools) -> Invocation {
    let command = command
        .env("TRUEWHEEL_TEST_TOOLS", &tools.directory)
        .env("TRUEWHEEL_TEST_PYTHON", &tools.python);
    tools.network.iter().fold(command, |command, (name, value)| command.env(name, value))
}

/// Cargo in mounts of its own where that is allowed, so that whatever a test mounts is gone when
/// the run ends, however it ends.
fn in_own_mounts(workspace: &Workspace) -> Invocation {
    let unshare = Path::new("/usr/bin/unshare");
    let arguments = ["--mount", "--propagation", "private"];
    let allowed = workspace.host.user_id == Some(0)
        && Invocation::new(unshare)
            .args(arguments)
            .arg("true")
            .output()
            .is_ok_and(|output| output.success());
    if !allowed {
        return workspace.cargo();
    }
    Invocation::new(unshare)
        .args(arguments)
        .arg(workspace.cargo_program())
        .directory(&workspace.root)
}

/// Runs one cargo command, passes its lines on, and counts its tests. A command that fails without
/// a failed test (it does not compile, a test process dies) is a failure of its own, and so is one
/// that does not end.
fn run_tests(
    workspace: &Workspace,
    command: &Invocation,
    lane: Lane,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let failed_before = tally.failed();
    let mut log = FailureLog::new();
    let ended = command.clone().timeout(lane.limit()).lines(|line| {
        println!("{line}");
        log.push(line.as_bytes());
        log.push(b"\n");
        if let Some((_, verdict)) = libtest::verdict(line) {
            tally.count(lane, verdict);
        }
    });
    let is_good = ended.as_ref().is_ok_and(host::Output::success);
    match ended {
        Ok(output) if !output.success() && tally.failed() == failed_before => {
            let how = match (output.code, output.signal) {
                (Some(code), _) => format!("code {code}"),
                (None, signal) => format!("signal {}", signal.unwrap_or_default()),
            };
            tally.lane_failed(lane, &format!("its tests did not run to the end ({how})"));
        }
        Ok(_) => {}
        Err(error @ ProcessError::TimedOut { .. }) => {
            tally.lane_failed(lane, &format!("it was ended: {error}"));
        }
        Err(error) => return Err(error.into()),
    }
    tally.took(lane, started.elapsed());
    // It may be the machine's fault.
    if !is_good && let Some(explanation) = log.explain(&workspace.root, "cargo xtask") {
        eprint!("\nthis may be the reason: {explanation}");
    }
    Ok(())
}
