//! WSM001: in Pyodide, an array file on a mounted directory is loaded by its name.

use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DataCall, DataCallKind, Facts, Findings, subjects};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "WSM001",
    name: "pyodide-npy-descriptor",
    summary: "A project for Pyodide loads .npy files by name, which fails on mounted directories",
    page: include_str!("../../../pages/WSM001.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::mounted, tests::not_mounted],
        silent: &[tests::no_pyodide, tests::no_npy],
    },
};

/// Calls that are shown as evidence.
const SHOWN: usize = 5;

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(pyodide) = &facts.source_tree.pyodide else {
        findings.skip("the project does not run in Pyodide");
        return;
    };
    let calls: Vec<&DataCall> = facts
        .source_tree
        .data_calls
        .iter()
        .filter(|call| call.kind == DataCallKind::LoadsNpy)
        .collect();
    let Some(first) = calls.first() else { return };
    // In a browser, and in Pyodide's own file system, it works.
    let severity = if pyodide.mounts_host { Severity::Warning } else { Severity::Info };
    let mut finding = Finding::new(
        severity,
        subjects::project(facts),
        format!(
            "{}:{} loads a .npy file by its name, which fails in Pyodide on a directory of the host",
            facts.short(&first.path),
            first.line
        ),
    )
    .seen_at(facts.native(&pyodide.path), pyodide.what.clone());
    for call in calls.iter().take(SHOWN) {
        let place = format!("{}:{}", facts.native(&call.path), call.line);
        finding = finding.seen_at(place, call.text.clone());
    }
    findings.push(
        finding
            .cause(
                "numpy duplicates the file's descriptor, Emscripten gives both the same file of the \
                 host, and the second close fails",
            )
            .fix(
                Fix::new(Safety::Manual, "let numpy read bytes instead of a file").edit(
                    format!("{}:{}", facts.native(&first.path), first.line),
                    "`np.load(io.BytesIO(pathlib.Path(NAME).read_bytes()))`, or store .npz",
                ),
            ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PyodideUse;
    use crate::testing::healthy;

    fn project(mounts_host: bool) -> Facts {
        let mut facts = healthy();
        let root = facts.project.root.clone();
        facts.source_tree.pyodide = Some(PyodideUse {
            path: root.join("package.json"),
            what: "it depends on pyodide 0.28.0".to_owned(),
            mounts_host,
        });
        facts.source_tree.data_calls = vec![DataCall {
            path: root.join("src/weights.py"),
            line: 3,
            kind: DataCallKind::LoadsNpy,
            text: "x = np.load(\"weights.npy\")".to_owned(),
            starts_itself: false,
        }];
        facts
    }

    pub(super) fn mounted() -> Facts {
        project(true)
    }

    pub(super) fn not_mounted() -> Facts {
        project(false)
    }

    pub(super) fn no_pyodide() -> Facts {
        let mut facts = mounted();
        facts.source_tree.pyodide = None;
        facts
    }

    pub(super) fn no_npy() -> Facts {
        let mut facts = mounted();
        facts.source_tree.data_calls[0].kind = DataCallKind::AllowsPickle;
        facts
    }
}
