//! Building, testing and building again.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use host::{Host, Stream};
use serde::Serialize;

use super::conditions::{Axis, Conditions, bisect};
use super::deliver::files_with;
use super::stage::{Plan, Product, Stage, Trial};
use super::store::last_lines;
use super::{Error, Result};
use crate::Wheel;
use crate::compare::{Comparison, Verdict, compare};
use crate::digest::sha256;
use crate::engine::{Outcome, Run, Sandbox, Status};

/// Lines of a build that are kept for its log.
const LOG_BYTES: usize = 64 << 20;
/// Logs of builds that failed, the newest, that are kept in the cache.
const LOGS_KEPT: usize = 20;

/// What happens, for whoever watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// A phase begins.
    Begun(&'a str),
    /// A command in it printed a line.
    Line(&'a str),
    /// It has ended well.
    Ended(&'a str, Duration),
}

/// Where builds are done, and who is told.
pub struct Workshop<'a> {
    /// This machine.
    pub host: &'a Host,
    /// Where commands run.
    pub sandbox: &'a Sandbox,
    /// Where directories for builds are made.
    pub scratch: PathBuf,
    /// Where the log of a build goes that failed.
    pub log: PathBuf,
    /// Who is told what happens.
    pub tell: &'a dyn Fn(Event<'_>),
}

impl std::fmt::Debug for Workshop<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workshop").field("sandbox", &self.sandbox).finish_non_exhaustive()
    }
}

/// A file that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The name of its file.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Built {
    fn wheel(&self) -> Result<Wheel> {
        Wheel::open(&self.name, self.bytes.clone()).map_err(|error| Error::Program {
            doing: format!("read {}, which was just built", self.name),
            reason: error.to_string(),
            cure: None,
        })
    }
}

/// What a second build showed.
#[derive(Debug, Clone)]
pub struct Reproduction {
    /// How much the two builds have in common.
    pub verdict: Verdict,
    /// How the wheels differ.
    pub comparisons: Vec<Comparison>,
    /// Other files that differ.
    pub differing: Vec<Difference>,
    /// Which of the axes that were changed make the difference; empty if there is none.
    pub axes: Vec<Axis>,
}

/// A file of which two builds made different ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Its name.
    pub name: String,
    /// The sha256 of the first; none if there is no such file.
    pub first: Option<String>,
    /// The sha256 of the second.
    pub second: Option<String>,
}

impl Workshop<'_> {
    /// Makes what is wanted of a project: its files, by name.
    ///
    /// # Errors
    /// The engine cannot run it, it fails, or it makes no such file.
    pub fn build(
        &self,
        plan: &Plan<'_>,
        conditions: &Conditions,
        phase: &str,
    ) -> Result<Vec<Built>> {
        let stage = Stage::new(&self.scratch)?;
        let inside = |place: &str| self.sandbox.inside(place);
        let run = stage.build(self.host, plan, conditions, &inside)?;
        self.run(phase, &run)?;
        let product = plan.product;
        let mut found = files_with(self.host, &stage.output(), product.ending())?;
        let expected = match product {
            Product::Core(packages) => packages.len(),
            Product::Wheel | Product::Sdist => 1,
        };
        if found.len() != expected {
            let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
            return Err(Error::Program {
                doing: format!("find the {} that was built", product.name()),
                reason: format!(
                    "{expected} of {} should be there, and there are {}: {}",
                    product.ending(),
                    names.len(),
                    names.join(", ")
                ),
                cure: None,
            });
        }
        found.sort();
        Ok(found.into_iter().map(|(name, bytes)| Built { name, bytes }).collect())
    }

    /// Installs a wheel where there is no Rust, with others beside it and nothing else, imports its
    /// modules and runs a program that uses it.
    ///
    /// # Errors
    /// The engine cannot run it, or it fails.
    pub fn test(&self, wheel: &Built, trial: &Trial<'_>) -> Result<()> {
        let stage = Stage::new(&self.scratch)?;
        let path = stage.output().join(&wheel.name);
        host::write_atomically(&path, &wheel.bytes).map_err(Error::write(&path))?;
        let inside = |place: &str| self.sandbox.inside(place);
        let run = stage.test(self.host, &path, trial, &inside)?;
        self.run("test", &run)
    }

    /// Runs a command, and keeps what it says for the case that it fails.
    fn run(&self, phase: &str, run: &Run) -> Result<()> {
        (self.tell)(Event::Begun(phase));
        let begun = Instant::now();
        let mut log = String::new();
        let outcome = self.sandbox.run(run, |_: Stream, line: &str| {
            if log.len() < LOG_BYTES {
                log.push_str(line);
                log.push('\n');
            }
            (self.tell)(Event::Line(line));
        });
        let outcome = outcome.map_err(|error| Error::Program {
            doing: format!("run the {phase} with {}", self.sandbox.ready().engine),
            reason: error.to_string(),
            cure: error.hint(),
        })?;
        if outcome.status.success() {
            (self.tell)(Event::Ended(phase, begun.elapsed()));
            return Ok(());
        }
        host::write_atomically(&self.log, log.as_bytes()).map_err(Error::write(&self.log))?;
        if let Some(directory) = self.log.parent() {
            self.host.keep_newest(directory, "log", LOGS_KEPT);
        }
        Err(failure(phase, &outcome, &log, &self.log))
    }

    /// Builds again under other circumstances, and compares. If files differ, builds until it is
    /// clear which circumstance is to blame.
    ///
    /// `other` is a sandbox of another engine, if there is one.
    ///
    /// # Errors
    /// A build fails, or a wheel cannot be read.
    pub fn reproduce(
        &self,
        plan: &Plan<'_>,
        first: &[Built],
        other: Option<&Workshop<'_>>,
    ) -> Result<Reproduction> {
        let axes: Vec<Axis> =
            Axis::ALL.into_iter().filter(|axis| *axis != Axis::Engine || other.is_some()).collect();
        let again = |axes: &[Axis], phase: &str| {
            let conditions = Conditions::perturbed(axes);
            let workshop = match other {
                Some(other) if conditions.other_engine => other,
                _ => self,
            };
            workshop.build(plan, &conditions, phase)
        };
        let second = again(&axes, "build again, everything else changed")?;
        let mut reproduction = compared(first, &second)?;
        if reproduction.verdict != Verdict::Identical {
            // The clock moves on in every build: what differs with nothing else changed is its doing.
            let same = again(&[Axis::Clock], "build again, nothing changed")?;
            reproduction.axes = if same == first {
                let others: Vec<Axis> =
                    axes.into_iter().filter(|axis| *axis != Axis::Clock).collect();
                bisect(&others, |axes| {
                    let built = again(axes, "build again, to find out why")?;
                    Ok::<_, Error>(built != first)
                })?
            } else {
                vec![Axis::Clock]
            };
        }
        Ok(reproduction)
    }
}

/// How two builds of the same files differ; wheels by layers, other files by their sums.
///
/// # Errors
/// A wheel cannot be read.
pub fn compared(first: &[Built], second: &[Built]) -> Result<Reproduction> {
    let names = |files: &[Built]| files.iter().map(|file| file.name.clone()).collect::<Vec<_>>();
    let mut reproduction = Reproduction {
        verdict: Verdict::Identical,
        comparisons: Vec::new(),
        differing: Vec::new(),
        axes: Vec::new(),
    };
    if let ([a], [b]) = (first, second)
        && a.name.ends_with(".whl")
        && b.name.ends_with(".whl")
    {
        let comparison = compare(&a.wheel()?, &b.wheel()?).map_err(|error| Error::Program {
            doing: "compare the two wheels".to_owned(),
            reason: error.to_string(),
            cure: None,
        })?;
        reproduction.verdict = comparison.verdict;
        reproduction.comparisons.push(comparison);
        return Ok(reproduction);
    }
    for name in names(first).into_iter().chain(names(second)) {
        let sum = |files: &[Built]| {
            let file = files.iter().find(|file| file.name == name);
            file.map(|file| sha256(&file.bytes))
        };
        let difference = Difference { first: sum(first), second: sum(second), name: name.clone() };
        let is_known = reproduction.differing.contains(&difference);
        if difference.first != difference.second && !is_known {
            reproduction.verdict = Verdict::Different;
            reproduction.differing.push(difference);
        }
    }
    Ok(reproduction)
}

fn failure(phase: &str, outcome: &Outcome, log: &str, path: &Path) -> Error {
    let reason = match outcome.status {
        Status::TimedOut => "it took too long".to_owned(),
        other => first_error(log).unwrap_or_else(|| format!("{other:?}\n{}", last_lines(log))),
    };
    Error::Phase { phase: phase.to_owned(), reason, log: path.to_path_buf(), cure: cure(log) }
}

/// The first line that is an error, and some of what follows: later ones are mostly its echoes.
fn first_error(log: &str) -> Option<String> {
    let lines: Vec<&str> = log.lines().collect();
    let is_error = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("error")
            || line.starts_with("Error")
            || line.contains("Traceback (most recent")
    };
    let first = lines.iter().position(is_error)?;
    let end = lines.len().min(first + 12);
    Some(lines[first..end].join("\n"))
}

fn cure(log: &str) -> Option<String> {
    let network = [
        "Could not resolve host",
        "Temporary failure in name resolution",
        "failed to lookup address",
        "Network is unreachable",
    ];
    if network.iter().any(|sign| log.contains(sign)) {
        return Some(
            "something tried the network, which a build does not have: what it needs must be in \
             Cargo.lock, or among the files that git knows"
                .to_owned(),
        );
    }
    let writes_lock = log.contains("failed to write") && log.contains("Cargo.lock");
    if log.contains("no matching package") || log.contains("--locked") || writes_lock {
        return Some(
            "a crate is not in Cargo.lock: run `cargo update --workspace` and commit it".to_owned(),
        );
    }
    log.contains("No space left on device").then(|| {
        "the target directory is in memory: free some, or build with fewer jobs".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_no_wheels_are_compared_by_their_sums() {
        let built =
            |name: &str, bytes: &[u8]| Built { name: name.to_owned(), bytes: bytes.to_vec() };
        let first = [built("a.crate", b"a"), built("b.crate", b"b")];
        assert_eq!(compared(&first, &first).unwrap().verdict, Verdict::Identical);
        let second = [built("a.crate", b"a"), built("c.crate", b"b")];
        let found = compared(&first, &second).unwrap();
        assert_eq!(found.verdict, Verdict::Different);
        let names: Vec<&str> = found.differing.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["b.crate", "c.crate"]);
        assert!(found.differing[0].second.is_none() && found.differing[1].first.is_none());
    }

    #[test]
    fn the_first_error_is_told_and_the_network_recognised() {
        let log = "   Compiling a v1\nwarning: unused\nerror[E0433]: cannot find\n --> src/lib.rs\nerror: could not compile\n";
        assert!(first_error(log).unwrap().starts_with("error[E0433]"));
        assert_eq!(first_error("all is well"), None);
        assert!(cure("curl: (6) Could not resolve host: example.org").unwrap().contains("network"));
        assert_eq!(cure(log), None);
    }
}
