//! DAT007: Python sources of the project send data between interpreters as pickles.

use pep440_rs::Version;
use report::{Finding, Fix, Safety, Severity};

use super::{SHOWN, readers};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DataCall, DataCallKind, Facts, Findings, subjects};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "DAT007",
    name: "pickle-between-interpreters",
    summary: "Python sources of the project unpickle what another process has written",
    page: include_str!("../../../pages/DAT007.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::from_another_process, tests::allowed, tests::between_two_numpys],
        silent: &[tests::nothing, tests::loads_by_name],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let of = |kind: DataCallKind| -> Vec<&DataCall> {
        facts.source_tree.data_calls.iter().filter(|call| call.kind == kind).collect()
    };
    let outputs = of(DataCallKind::UnpicklesOutput);
    if !outputs.is_empty() {
        let is_risky = has_two_numpys(facts) && outputs.iter().any(|call| !call.starts_itself);
        let severity = if is_risky { Severity::Warning } else { Severity::Info };
        let message =
            format!("{} unpickles what another process has written", place(facts, &outputs));
        findings.push(
            finding(facts, severity, message, &outputs)
                .cause(
                    "A pickle fits the numpy and the Python that wrote it, and runs whatever the \
                     other side sends",
                )
                .fix(
                    Fix::new(Safety::Manual, "send arrays as .npz")
                        .by_hand("write: `np.savez(sys.stdout.buffer, x=x)`, or into an io.BytesIO")
                        .by_hand(
                            "read: `np.load(io.BytesIO(result.stdout), allow_pickle=False)[\"x\"]`",
                        ),
                ),
        );
    }
    let allowed = of(DataCallKind::AllowsPickle);
    if !allowed.is_empty() {
        let message = format!("{} lets numpy unpickle (allow_pickle=True)", place(facts, &allowed));
        findings.push(
            finding(facts, Severity::Info, message, &allowed)
                .cause("Arrays of objects are pickles, which fit one numpy and can run anything")
                .fix(
                    Fix::new(Safety::Manual, "store typed arrays, and leave the flag out")
                        .by_hand("see `truewheel explain DAT002` for what to store instead"),
                ),
        );
    }
}

/// Whether the project's environments have numpys of both ages.
fn has_two_numpys(facts: &Facts) -> bool {
    let two = Version::new([2, 0]);
    let readers = readers(facts);
    readers.iter().any(|(_, numpy)| **numpy < two) && readers.iter().any(|(_, n)| **n >= two)
}

fn place(facts: &Facts, calls: &[&DataCall]) -> String {
    let first = calls[0];
    let place = format!("{}:{}", facts.short(&first.path), first.line);
    match calls.len() {
        1 => place,
        2 => format!("{place}, as another line,"),
        many => format!("{place}, as {} other lines,", many - 1),
    }
}

fn finding(facts: &Facts, severity: Severity, message: String, calls: &[&DataCall]) -> Finding {
    let mut finding = Finding::new(severity, subjects::project(facts), message);
    for call in calls.iter().take(SHOWN) {
        let place = format!("{}:{}", facts.native(&call.path), call.line);
        finding = finding.seen_at(place, call.text.clone());
    }
    if calls.len() > SHOWN {
        finding = finding.seen(format!("and {} more", calls.len() - SHOWN));
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;
    use crate::testing::{healthy, numpy, venv, venv_facts};

    fn calls(kind: DataCallKind) -> Facts {
        let mut facts = healthy();
        facts.source_tree.data_calls = vec![DataCall {
            path: facts.project.root.join("tools/exchange.py"),
            line: 14,
            kind,
            text: "weights = pickle.loads(result.stdout)".to_owned(),
            starts_itself: false,
        }];
        facts
    }

    pub(super) fn from_another_process() -> Facts {
        calls(DataCallKind::UnpicklesOutput)
    }

    pub(super) fn allowed() -> Facts {
        calls(DataCallKind::AllowsPickle)
    }

    pub(super) fn between_two_numpys() -> Facts {
        let mut facts = from_another_process();
        let mut other = venv_facts("/home/dev/project/old", "3.11.7");
        other.roles = vec![Role::Declared];
        let site = venv(&mut facts).python.site_packages[0].clone();
        other.numpy = Some(numpy("1.26.4", &site));
        facts.environments.push(other);
        facts
    }

    pub(super) fn nothing() -> Facts {
        healthy()
    }

    pub(super) fn loads_by_name() -> Facts {
        calls(DataCallKind::LoadsNpy)
    }

    fn severity(facts: &Facts) -> Severity {
        let mut findings = Findings::default();
        run(facts, &mut findings);
        findings.list[0].severity
    }

    #[test]
    fn it_is_a_warning_where_two_numpys_meet() {
        assert_eq!(severity(&from_another_process()), Severity::Info);
        assert_eq!(severity(&between_two_numpys()), Severity::Warning);
        let mut facts = between_two_numpys();
        facts.source_tree.data_calls[0].starts_itself = true;
        assert_eq!(severity(&facts), Severity::Info);
    }
}
