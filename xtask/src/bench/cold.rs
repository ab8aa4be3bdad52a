//! The first command on a fresh clone: what it compiles, and what that costs.

use std::collections::BTreeSet;

use super::doctor::{line, ratio};
use super::measure::{Subject, measure};
use crate::tools::Tools;
use crate::workspace::Workspace;

/// Prints how many crates the first command compiles.
///
/// # Errors
/// When cargo fails.
pub(crate) fn crates(workspace: &Workspace) -> anyhow::Result<()> {
    let tree = ["tree", "--package", "xtask", "--edges", "normal,build", "--prefix", "none"];
    let output = workspace.cargo().args(tree).args(["--format", "{p}"]).output()?;
    anyhow::ensure!(output.success(), "cargo tree: {}", output.stderr_text().trim());
    let text = output.stdout_text();
    let crates: BTreeSet<&str> =
        text.lines().map(|line| line.split(" (").next().unwrap_or(line)).collect();
    ratio("crates that the first command compiles", crates.len() as f64, "at most 100");
    Ok(())
}

/// Compiles `xtask` and ripgrep, each into a directory of its own that was empty before, and
/// prints the processor time of both.
///
/// # Errors
/// When one of them does not compile.
pub(crate) fn compile(workspace: &Workspace, tools: &Tools) -> anyhow::Result<()> {
    let directory = workspace.target.join("bench");
    let clean = |name: &str| -> anyhow::Result<String> {
        let target = directory.join(name);
        let target = target.display().to_string();
        let output = workspace.cargo().args(["clean", "--target-dir", &target]).output()?;
        anyhow::ensure!(output.success(), "cargo clean: {}", output.stderr_text().trim());
        Ok(target)
    };
    let (own, other, root) = (clean("cold-xtask")?, clean("cold-ripgrep")?, clean("ripgrep")?);
    let cargo = workspace.cargo_program().display().to_string();
    let subjects = [
        // What `cargo xtask` builds before it runs.
        Subject::new(
            &workspace.root,
            [
                &cargo,
                "build",
                "--quiet",
                "--package",
                "xtask",
                "--profile",
                "tool",
                "--target-dir",
                &own,
            ],
        ),
        Subject::new(
            &workspace.root,
            [
                &cargo,
                "install",
                "--quiet",
                "--locked",
                "--force",
                "ripgrep",
                "--root",
                &root,
                "--target-dir",
                &other,
            ],
        ),
    ];
    let [doctor, ripgrep] = measure(workspace, tools, 1, &subjects)?;
    line("cargo xtask doctor, compiling", doctor);
    line("cargo install ripgrep", ripgrep);
    let times = doctor.processor / ripgrep.processor;
    ratio("processor time, doctor / ripgrep", times, "at most 1");
    Ok(())
}
