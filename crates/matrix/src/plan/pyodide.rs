//! The cells that are Pyodides.

use std::path::Path;

use super::{PlannedCell, Way, cell};
use crate::pyodide::{self, Node};
use crate::{CellKind, CellState, Options, Progress};

/// Where versions are installed, below the directory of the matrix.
pub(crate) const DIRECTORY: &str = "pyodide";

/// One cell for each Pyodide that was asked for.
pub(super) fn cells(options: &Options<'_>) -> Vec<PlannedCell> {
    let requests = &options.specification.pyodides;
    options.report(Progress::Phase { name: "asking for Pyodide", total: requests.len() });
    let node = Node::find(options.host);
    let mut cells: Vec<PlannedCell> = Vec::new();
    for request in requests {
        options.report(Progress::Begin { what: format!("pyodide {request}") });
        let mut planned = cell(&format!("pyodide-{request}"), CellKind::Pyodide);
        planned.writes = false;
        planned.pyodide = Some(request.clone());
        let found = node.clone().and_then(|node| found(options, node, request));
        let mut way = None;
        match found {
            Ok((version, found)) => {
                planned.pyodide = Some(version.clone());
                let name = format!("pyodide-{version}");
                if cells.iter().any(|other| other.result.name == name) {
                    let reason = format!("it is the same as {name}");
                    planned.state = CellState::NotAvailable { reason };
                } else {
                    planned.name = name;
                    way = Some(found);
                }
            }
            Err(reason) => planned.state = CellState::MissingInterpreter { reason },
        }
        cells.push(PlannedCell { result: planned, way });
        options.report(Progress::Done);
    }
    cells
}

/// The version that a request means, and how to run it.
fn found(options: &Options<'_>, node: Node, request: &str) -> Result<(String, Way), String> {
    let Options { host, project, .. } = options;
    if is_path(request) {
        let package = project.join(request);
        let version = pyodide::version_in(host, &package)?;
        return Ok((version, Way::Pyodide { node, package: Some(package) }));
    }
    let version = match options.offline {
        true => installed(options, request)?,
        false => node.version(request)?,
    };
    Ok((version, Way::Pyodide { node, package: None }))
}

/// Without the network: what an earlier run installed.
fn installed(options: &Options<'_>, request: &str) -> Result<String, String> {
    let directory = options.directory.join(DIRECTORY);
    let mut versions = pyodide::installed(options.host, &directory);
    versions.sort_by_key(|version| version.parse::<pep440_rs::Version>().ok());
    let wanted = |version: &&String| request == "newest" || *version == request;
    versions.iter().rev().find(wanted).cloned().ok_or_else(|| {
        format!("no run has installed pyodide {request} yet, and this one is `--offline`")
    })
}

/// Whether a request names a directory rather than a version.
fn is_path(request: &str) -> bool {
    request != "newest" && (request.contains(['/', '\\']) || Path::new(request).is_absolute())
}
