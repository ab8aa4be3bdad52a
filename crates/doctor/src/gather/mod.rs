//! Looking at the machine, once, in parallel, changing nothing (invariant I8).
//!
//! Facts come from files. The one process that may be started is `rustc -vV`, and its answer is
//! remembered; with `import`, interpreters are started as well. What cannot be read becomes a fact with a reason; gathering never fails.

mod built;
mod cache;
mod data_calls;
mod data_files;
mod declared;
mod directories;
mod engines;
mod environments;
mod import;
mod libraries;
mod machine;
mod modules;
mod numpy;
mod project;
mod pyodide;
mod python_text;
mod python_variables;
mod settings;
mod source_tree;
mod stub;
mod target;
mod toolchain;

pub(crate) use data_calls::calls_of_source;

use std::path::PathBuf;
use std::time::Instant;

use host::{Host, HostPath};

use crate::{FACTS_SCHEMA, Facts};

/// What to look at.
#[derive(Debug, Clone, Default)]
pub struct GatherOptions {
    /// The project's directory, absolute.
    pub project: PathBuf,
    /// An environment or interpreter named on the command line.
    pub python: Option<PathBuf>,
    /// Environments declared in the configuration: prefixes or interpreters.
    pub environments: Vec<PathBuf>,
    /// Pairs declared in the configuration: the first writes what the second reads.
    pub exchange: Vec<(PathBuf, PathBuf)>,
    /// Judge every environment found, not only those the project uses.
    pub judge_all: bool,
    /// Directory for what is remembered between runs; `None` remembers nothing.
    pub cache: Option<PathBuf>,
    /// Import the project's compiled module in each interpreter that has it: the user allows it.
    pub import: bool,
}

/// Gathers every fact.
#[must_use]
pub fn gather(host: &Host, options: &GatherOptions) -> Facts {
    let started = Instant::now();
    let cache = cache::Cache::open(host, options.cache.as_deref(), &options.project);
    let (environments, ((mut project, source_tree), (mut toolchain, engines))) = host::both(
        || environments::gather(host, options, &cache),
        || {
            host::both(
                || {
                    host::both(
                        || project::gather(host, &options.project),
                        || source_tree::gather(host, &options.project),
                    )
                },
                || {
                    host::both(
                        || toolchain::gather(host, &options.project, &cache),
                        || engines::gather(host, &options.project),
                    )
                },
            )
        },
    );
    built::gather(host, &mut project, &environments.list, &source_tree, &cache);
    if options.import {
        import::gather(host, &mut project.built, &environments.list);
    }
    toolchain::complete(host, &mut toolchain, &project, &environments.list);
    let settings = settings::gather(host, &options.project, &project, &environments.list);
    let directories = directories::gather(host, &project, &environments.list);
    let target = target::gather(host, &project, &directories);
    cache.store(host);
    let mut unreadable = environments.unreadable;
    unreadable.extend(project.pyproject.reason().map(str::to_owned));
    unreadable
        .extend(project.broken_manifests.iter().map(|(file, reason)| format!("{file}: {reason}")));
    unreadable.sort();
    unreadable.dedup();
    Facts {
        schema: FACTS_SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: machine::gather(host),
        project,
        directories,
        target,
        source_tree,
        toolchain,
        environments: environments.list,
        settings,
        picks: environments.picks,
        exchange: environments.exchange,
        engines,
        unreadable,
        gather_ms: started.elapsed().as_secs_f64() * 1000.0,
    }
}

/// Version of the numpy that an environment's interpreter would import.
pub(crate) fn numpy_version(
    host: &Host,
    environment: &pyenvs::Environment,
) -> Option<pep440_rs::Version> {
    numpy::gather(host, environment)?.best_version().cloned()
}

/// Whether a directory with these entries is an environment or a cache.
pub(crate) fn is_cache_or_environment(entries: &[host::Entry]) -> bool {
    source_tree::is_marked(entries)
}

/// A path as facts hold it.
fn path(path: impl Into<PathBuf>) -> HostPath {
    HostPath::new(path)
}
