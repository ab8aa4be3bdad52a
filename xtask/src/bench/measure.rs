//! Time, processor time and memory of commands.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use host::Invocation;
use serde_json::{Value, json};

use crate::tools::Tools;
use crate::workspace::Workspace;

/// A command to be measured.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// Program and arguments.
    pub(crate) argv: Vec<String>,
    /// Where it runs.
    pub(crate) directory: PathBuf,
    /// Variables that it gets besides the usual ones; an empty one is removed.
    pub(crate) variables: Vec<(String, String)>,
}

/// What a command took: the medians of several runs.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Measured {
    /// Time on the clock, in seconds.
    pub(crate) seconds: f64,
    /// Processor time, with that of everything it started, in seconds.
    pub(crate) processor: f64,
    /// Largest memory of one process, in bytes.
    pub(crate) peak: f64,
}

impl Subject {
    /// A command in a directory.
    pub(crate) fn new<A: Into<String>>(
        directory: &Path,
        argv: impl IntoIterator<Item = A>,
    ) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            directory: directory.to_path_buf(),
            variables: Vec::new(),
        }
    }

    /// Sets a variable.
    pub(crate) fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }
}

/// Runs the subjects in turn, `runs` times each, after one run each that does not count.
///
/// # Errors
/// When a command cannot be started, or ends with neither 0 nor 1.
pub(crate) fn measure<const N: usize>(
    workspace: &Workspace,
    tools: &Tools,
    runs: usize,
    subjects: &[Subject; N],
) -> anyhow::Result<[Measured; N]> {
    let warm = runs > 1;
    let commands: Vec<Value> = subjects
        .iter()
        .map(|subject| {
            let variables: serde_json::Map<String, Value> = subject
                .variables
                .iter()
                .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
                .collect();
            json!({
                "argv": subject.argv,
                "directory": subject.directory.display().to_string(),
                "variables": variables,
            })
        })
        .collect();
    let task = json!({ "runs": runs + usize::from(warm), "commands": commands });
    let task_file = workspace.target.join("bench/task.json");
    host::write_atomically(&task_file, task.to_string().as_bytes())?;
    let output = Invocation::new(&tools.python)
        .arg("-I")
        .arg(workspace.root.join("scripts/measure.py"))
        .arg(&task_file)
        .output()?;
    anyhow::ensure!(output.success(), "measuring failed: {}", output.stderr_text().trim());
    let results: Vec<Vec<[f64; 3]>> =
        serde_json::from_slice(&output.stdout).context("measuring gave no numbers")?;
    let mut measured = [Measured::default(); N];
    for (measured, runs) in measured.iter_mut().zip(&results) {
        let counted = runs.iter().skip(usize::from(warm));
        *measured = Measured {
            seconds: median(counted.clone().map(|run| run[0])),
            processor: median(counted.clone().map(|run| run[1])),
            peak: median(counted.map(|run| run[2])),
        };
    }
    Ok(measured)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0].into_iter()) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0].into_iter()) - 2.5).abs() < 1e-9);
        assert!(median(std::iter::empty()).abs() < 1e-9);
    }
}
