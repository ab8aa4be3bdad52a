//! `cargo xtask bench spz`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use host::Invocation;

use super::doctor::ratio;
use super::measure::{Measured, Subject, measure};
use crate::tools::{self, Tools};
use crate::workspace::Workspace;

/// How long making the environment may take.
const INSTALL_LIMIT: Duration = Duration::from_secs(600);

/// A reader in Python, which compiles itself on its first call: once for nothing, on a file of one
/// point, and then for the file.
const GSPLY: &str = "import sys, gsply; gsply.read_spz(sys.argv[2]); gsply.read_spz(sys.argv[1])";

/// The bindings of the format's reference, with every array taken out.
const REFERENCE: &str = "import sys, spz
c = spz.load_spz(sys.argv[1], spz.UnpackOptions())
a = [c.positions, c.scales, c.rotations, c.alphas, c.colors, c.sh]
assert c.num_points > 0";

/// Files of splats: what reading takes, beside inflating the same file and beside other readers, with
/// the goals.
///
/// Makes a file of 7,934,875 points and SH degree 3 once, 200 MB in target/spz. Needs Linux, 6 GB of
/// memory, and a way to PyPI the first time. Takes three minutes, half of them to compile.
///
/// Most of what reading takes is memory that nobody had before: the line `touch` says how much.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Runs of each, of which the median counts.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Points of the file, instead of 7,934,875.
    #[arg(long, default_value_t = 7_934_875)]
    points: u32,
    /// A Python that has the bindings of nianticlabs/spz, to be measured as well.
    #[arg(long, value_name = "PYTHON")]
    reference: Option<PathBuf>,
}

/// Measures and prints.
///
/// # Errors
/// When a tool that is needed is missing or fails.
pub(crate) fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open()?;
    let tools = tools::provision(&workspace)?;
    let build = workspace.cargo().args(["build", "--release", "--locked", "--quiet"]);
    let build = build.args(["--package", "spz", "--examples"]);
    anyhow::ensure!(build.status()?.success(), "the examples of spz do not compile");
    let examples = workspace.target.join("release/examples");
    let scene = file(&workspace, &examples, flags.points)?;
    let one = workspace.root.join("crates/spz/tests/data/v3_d3_n1.spz");

    let program = examples.join("measure").display().to_string();
    let place = scene.display().to_string();
    let ours = |what: &str| {
        Subject::new(&workspace.root, [program.clone(), what.to_owned(), place.clone()])
    };
    let subjects = [ours("read"), ours("inflate"), ours("pass"), ours("touch")];
    let [read, inflate, pass, touch] = measure(&workspace, &tools, flags.runs, &subjects)?;
    line("read: all arrays", read);
    line("inflate: into memory", inflate);
    line("pass: inflate in pieces, keep nothing", pass);
    line("touch: memory for the arrays", touch);
    // Nothing but the arrays is taken by it, beside a process that does nothing.
    let arrays = f64::from(flags.points) * 59.0 * 4.0;
    println!();
    ratio("processor, read / inflate", read.processor / inflate.processor, "at most 2.5");
    ratio("processor, read / pass", read.processor / pass.processor, "none, for comparison");
    ratio(
        "processor, read without touch / pass",
        (read.processor - touch.processor) / pass.processor,
        "none, for comparison",
    );
    ratio("peak memory, read / arrays", read.peak / arrays, "at most 1.3");

    println!();
    let others = [
        ("gsply", environment(&workspace, &tools)?, GSPLY),
        ("reference", flags.reference.clone().unwrap_or_default(), REFERENCE),
    ];
    for (name, python, script) in others {
        if python.as_os_str().is_empty() {
            println!("{name}: not measured; name a Python that has it with --reference");
            continue;
        }
        let python = workspace.host.absolute(&python).display().to_string();
        let one = one.display().to_string();
        let command = [python.as_str(), "-c", script, &place, &one];
        let [measured] =
            measure(&workspace, &tools, flags.runs, &[Subject::new(&workspace.root, command)])?;
        line(name, measured);
        ratio(&format!("processor, {name} / read"), measured.processor / read.processor, "over 1");
        ratio(&format!("peak memory, {name} / read"), measured.peak / read.peak, "over 1");
    }
    Ok(ExitCode::SUCCESS)
}

fn line(what: &str, measured: Measured) {
    println!(
        "{what:<40} processor {:>6.2} s   clock {:>6.2} s   memory {:>6.0} MB",
        measured.processor,
        measured.seconds,
        measured.peak / 1e6
    );
}

/// The file, made unless it is there.
fn file(workspace: &Workspace, examples: &Path, points: u32) -> anyhow::Result<PathBuf> {
    let file = workspace.host.absolute(&workspace.target.join(format!("spz/{points}.spz")));
    if workspace.host.is_file(&file) {
        return Ok(file);
    }
    eprintln!("making {}", file.display());
    // The directory is not made by who writes into it.
    host::write_atomically(&file.with_file_name(".made"), b"")?;
    let generate = Invocation::new(examples.join("generate")).arg(&file).arg(points.to_string());
    let made = generate.timeout(INSTALL_LIMIT).output()?;
    anyhow::ensure!(made.success(), "cannot make the file: {}", made.stderr_text().trim());
    Ok(file)
}

/// The Python of an environment with gsply, made unless it is there.
fn environment(workspace: &Workspace, tools: &Tools) -> anyhow::Result<PathBuf> {
    let prefix = workspace.target.join("bench/gsply");
    let python = tools::in_environment(&prefix, "python");
    let imports = Invocation::new(&python).args(["-I", "-c", "import gsply, numba"]);
    if imports.timeout(INSTALL_LIMIT).output().is_ok_and(|output| output.success()) {
        return Ok(python);
    }
    eprintln!("making {}", prefix.display());
    let make =
        tools.uv().args(["venv", "--quiet", "--clear", "--python"]).arg(&tools.python).arg(&prefix);
    let install = tools.uv().args(["pip", "install", "--quiet", "--python"]).arg(&python);
    for command in [make, install.args(["gsply", "numba"])] {
        let output = command.timeout(INSTALL_LIMIT).output()?;
        if !output.success() {
            bail!("uv cannot make {}: {}", prefix.display(), output.stderr_text().trim());
        }
    }
    Ok(python)
}
