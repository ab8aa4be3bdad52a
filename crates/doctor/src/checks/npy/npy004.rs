//! NPY004: two environments exchange arrays by pickle, and one cannot read what the other writes.

use numpy_rules::{Direction, Side};
use pep440_rs::Version;
use report::{Finding, Fix, Safety, Severity, Subject, SubjectKind};

use super::upgrade::to_numpy_2;
use super::verdict::numpy_version;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, ExchangePair, Facts, Findings, Role};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "NPY004",
    name: "pickles-cannot-cross",
    summary: "One environment cannot load the arrays that another one pickles",
    page: include_str!("../../../pages/NPY004.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[
            tests::conda_reads,
            tests::declared,
            tests::the_system_reads,
            tests::bridging_reader,
            tests::default_protocol_5,
        ],
        silent: &[
            tests::both_numpy_2,
            tests::both_numpy_1,
            tests::no_numpy_on_one_side,
            tests::shared_numpy,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    if facts.exchange.is_empty() {
        findings.skip("there are no two environments here that exchange data");
    }
    let mut seen: Vec<&ExchangePair> = Vec::new();
    for pair in &facts.exchange {
        let is_same = |other: &&ExchangePair| {
            (&other.left, &other.right) == (&pair.left, &pair.right)
                || (&other.left, &other.right) == (&pair.right, &pair.left)
        };
        if pair.left == pair.right || seen.iter().any(is_same) {
            continue;
        }
        seen.push(pair);
        match (end(facts, &pair.left), end(facts, &pair.right)) {
            (Ok(left), Ok(right)) => {
                if left.numpy_directory() != right.numpy_directory() {
                    findings.list.extend(judge(facts, left, right));
                }
            }
            (Err(reason), _) | (_, Err(reason)) => {
                if pair.declared {
                    findings.skip(reason);
                }
            }
        }
    }
}

/// One end of a pair.
#[derive(Clone, Copy)]
struct End<'a> {
    environment: &'a EnvironmentFacts,
    numpy: &'a Version,
}

impl<'a> End<'a> {
    fn side(&self) -> Side<'a> {
        Side { numpy: self.numpy, python: self.environment.python.version.get() }
    }

    fn numpy_directory(&self) -> Option<&'a host::HostPath> {
        self.environment.numpy.as_ref().map(|numpy| &numpy.directory)
    }

    fn name(&self, facts: &Facts) -> String {
        facts.short(&self.environment.python.prefix)
    }

    fn is_in_use(&self) -> bool {
        let environment = self.environment;
        [Role::Project, Role::Active, Role::ActiveConda, Role::Declared, Role::Argument]
            .into_iter()
            .any(|role| environment.has_role(role))
    }
}

/// The environment at a prefix, if it has a numpy whose version is known.
fn end<'a>(facts: &'a Facts, prefix: &host::HostPath) -> Result<End<'a>, String> {
    let environment = facts
        .environment(prefix)
        .ok_or_else(|| format!("there is no environment at {}", facts.short(prefix)))?;
    let numpy = numpy_version(environment)
        .ok_or_else(|| format!("{} has no numpy that could be read", facts.short(prefix)))?;
    Ok(End { environment, numpy })
}

/// Looks at both directions; one finding tells of both.
fn judge(facts: &Facts, left: End<'_>, right: End<'_>) -> Option<Finding> {
    let arrays = numpy_rules::kind("array")?;
    let there = Direction::of(arrays, left.side(), right.side());
    let back = Direction::of(arrays, right.side(), left.side());
    // Names that one side lacks the other one has, so one direction breaks at most; should Python's
    // protocols ever break the other one, the first is told of.
    let (writer, reader, broken, other) = match (breaks(&there), breaks(&back)) {
        (Some(_), _) => (left, right, &there, &back),
        (None, Some(_)) => (right, left, &back, &there),
        (None, None) => return None,
    };
    let failure = breaks(broken)?;
    let (from, to) = (writer.name(facts), reader.name(facts));
    let (new, old) = (writer.numpy, reader.numpy);
    let which = if broken.fails_always() || broken.default_failure().is_some() {
        "arrays pickled"
    } else {
        "arrays pickled with protocol 5"
    };
    let severity = severity(facts, writer, reader, broken);
    let default = broken.default_protocol;
    let python = writer.environment.python.version.get();
    let python = python.map_or_else(|| "its Python".to_owned(), |v| format!("Python {v}"));
    let mut finding = Finding::new(
        severity,
        Subject::at(
            SubjectKind::Pair,
            format!("{from} (numpy {new}) -> {to} (numpy {old})"),
            facts.native(&writer.environment.python.prefix),
        ),
        format!(
            "{which} in {from} (numpy {new}) cannot be loaded in {to} (numpy {old}): {failure}"
        ),
    )
    .seen_at(location(facts, writer), format!("numpy {new}, writing"))
    .seen_at(location(facts, reader), format!("numpy {old}, reading"))
    .seen(format!("{from} -> {to}: {broken}; {python} writes protocol {default} if none is named"))
    .seen(format!("{to} -> {from}: {other}"));
    if !broken.fails_always() {
        let lost = Direction::lost_kinds(writer.side(), reader.side());
        let names: Vec<&str> = lost.iter().map(|kind| kind.name.as_str()).collect();
        if !names.is_empty() {
            let names = names.join(", ");
            finding = finding.seen(format!("{from} -> {to}: no protocol brings across {names}"));
        }
    }
    finding = finding
        .seen("as .npz or .npy, both directions: arrays load with `allow_pickle=False`")
        .cause(cause(broken, failure, old));
    fixes(facts, writer, reader, broken, severity).into_iter().fold(finding, Finding::fix).into()
}

/// The message that breaks a direction.
fn breaks(direction: &Direction) -> Option<&str> {
    direction.numpy_failure().or_else(|| direction.default_failure())
}

fn location(facts: &Facts, end: End<'_>) -> String {
    facts.native(end.numpy_directory().unwrap_or(&end.environment.python.prefix))
}

/// A declared direction that breaks is an error; two environments in use here likely exchange data;
/// that the system's Python could not read something is worth knowing. Where the protocol that is
/// taken by default gets through, each is one step less.
fn severity(facts: &Facts, writer: End<'_>, reader: End<'_>, broken: &Direction) -> Severity {
    let (from, to) = (&writer.environment.python.prefix, &reader.environment.python.prefix);
    let declared = |left, right| {
        facts
            .exchange
            .iter()
            .any(|pair| pair.declared && (&pair.left, &pair.right) == (left, right))
    };
    let severity = if declared(from, to) {
        Severity::Error
    } else if declared(to, from) {
        // The way that is used works.
        Severity::Info
    } else if writer.is_in_use() && reader.is_in_use() {
        Severity::Warning
    } else {
        Severity::Info
    };
    match severity {
        _ if broken.default_failure().is_some() => severity,
        Severity::Error => Severity::Warning,
        Severity::Warning | Severity::Info => Severity::Info,
    }
}

fn cause(broken: &Direction, failure: &str, reader: &Version) -> String {
    if broken.numpy_failure().is_none() {
        return format!(
            "The writer's Python pickles with protocol {} if none is named, and the reader's Python \
             knows none above 4",
            broken.default_protocol
        );
    }
    let renamed = "numpy 2 renamed numpy.core to numpy._core, and a pickled array names the module \
                   that rebuilds it";
    let missing = failure.split('\'').nth(1).unwrap_or("numpy._core");
    if broken.fails_always() {
        format!("{renamed}. numpy {reader} has no {missing}, and no pickle protocol avoids it")
    } else {
        format!(
            "{renamed}. numpy {reader} has stubs for some of the new names: those that protocols 2 \
             to 4 use for plain arrays, and not {missing}, which protocol 5 uses"
        )
    }
}

fn fixes(
    facts: &Facts,
    writer: End<'_>,
    reader: End<'_>,
    broken: &Direction,
    severity: Severity,
) -> Vec<Fix> {
    let mut fixes = Vec::new();
    if broken.numpy_failure().is_some() {
        fixes.extend(to_numpy_2(facts, reader.environment));
    }
    fixes.push(use_npz(facts, writer, reader, severity));
    if !broken.fails_always() {
        let line = format!(
            "in {}: `pickle.dump(data, file, protocol=4)`; pandas: `frame.to_pickle(path, \
             protocol=4)`",
            writer.name(facts)
        );
        let title = "or name a protocol that gets through";
        fixes.push(Fix::new(Safety::Manual, title).by_hand(line));
    }
    fixes
}

/// Files that name no module of numpy.
fn use_npz(facts: &Facts, writer: End<'_>, reader: End<'_>, severity: Severity) -> Fix {
    let fix = Fix::new(Safety::Manual, "exchange .npz files, which every numpy reads")
        .by_hand("where it is written: `np.savez(\"data.npz\", x=x)`")
        .by_hand("where it is read: `x = np.load(\"data.npz\", allow_pickle=False)[\"x\"]`");
    if severity == Severity::Info {
        return fix;
    }
    let file = facts.native(&facts.project.root.join("truewheel.toml"));
    // The versions in the subject's label may change.
    let pair = format!("{} (*) -> {} (*)", writer.name(facts), reader.name(facts));
    fix.edit(
        file,
        format!(
            "under [doctor]: suppress = [{{ code = \"NPY004\", subject = {pair:?}, reason = \"arrays \
             go as .npz\" }}]"
        ),
    )
}

#[cfg(test)]
mod tests {
    use host::HostPath;
    use pyenvs::EnvironmentKind;

    use super::*;
    use crate::checks::npy::cases::{add_module, for_numpy_1, set_numpy};
    use crate::testing::{PROJECT, healthy, system, venv, venv_facts};

    /// The healthy project's `.venv` (numpy 2.2.6) beside another environment in use here.
    fn beside(prefix: &str, python: &str, numpy: &str) -> Facts {
        let mut facts = healthy();
        let mut other = venv_facts(prefix, python);
        other.python.kind = EnvironmentKind::Conda;
        other.python.pyvenv_cfg = None;
        other.roles = vec![Role::ActiveConda];
        set_numpy(&mut other, numpy);
        facts.environments.push(other);
        facts.exchange.push(ExchangePair {
            left: HostPath::from(format!("{PROJECT}/.venv").as_str()),
            right: HostPath::from(prefix),
            declared: false,
        });
        facts
    }

    const CONDA: &str = "/home/dev/miniconda3/envs/train";

    pub(super) fn conda_reads() -> Facts {
        beside(CONDA, "3.11.7", "1.24.4")
    }

    pub(super) fn declared() -> Facts {
        let mut facts = conda_reads();
        facts.exchange[0].declared = true;
        facts
    }

    pub(super) fn the_system_reads() -> Facts {
        let mut facts = healthy();
        set_numpy(system(&mut facts), "1.26.0");
        facts.exchange.push(ExchangePair {
            left: HostPath::from("/usr"),
            right: HostPath::from(format!("{PROJECT}/.venv").as_str()),
            declared: false,
        });
        facts
    }

    pub(super) fn bridging_reader() -> Facts {
        beside(CONDA, "3.11.7", "1.26.4")
    }

    pub(super) fn default_protocol_5() -> Facts {
        let mut facts = bridging_reader();
        venv(&mut facts).python.version = host::Seen::Seen("3.14.0".parse().unwrap());
        facts
    }

    pub(super) fn both_numpy_2() -> Facts {
        beside(CONDA, "3.11.7", "2.0.2")
    }

    pub(super) fn both_numpy_1() -> Facts {
        let mut facts = conda_reads();
        set_numpy(venv(&mut facts), "1.26.4");
        facts
    }

    pub(super) fn no_numpy_on_one_side() -> Facts {
        let mut facts = conda_reads();
        facts.environments.last_mut().unwrap().numpy = None;
        facts
    }

    /// A virtual environment that sees its base's packages has its base's numpy.
    pub(super) fn shared_numpy() -> Facts {
        let mut facts = conda_reads();
        let numpy = facts.environments.last().unwrap().numpy.clone();
        venv(&mut facts).numpy = numpy;
        facts
    }

    fn finding(facts: &Facts) -> Finding {
        let mut findings = Findings::default();
        run(facts, &mut findings);
        assert_eq!(findings.list.len(), 1, "{:?}", findings.list);
        findings.list.remove(0)
    }

    #[test]
    fn it_says_both_directions_the_protocols_and_the_exact_message() {
        let finding = finding(&conda_reads());
        assert_eq!(
            finding.message,
            "arrays pickled in .venv (numpy 2.2.6) cannot be loaded in ~/miniconda3/envs/train \
             (numpy 1.24.4): ModuleNotFoundError: No module named 'numpy._core'"
        );
        let evidence: Vec<&str> = finding.evidence.iter().map(|e| e.value.as_str()).collect();
        assert_eq!(
            evidence[2..],
            [
                ".venv -> ~/miniconda3/envs/train: protocols 2 to 5 fail with \
                 `ModuleNotFoundError: No module named 'numpy._core'`; Python 3.11.7 writes \
                 protocol 4 if none is named",
                "~/miniconda3/envs/train -> .venv: protocols 2 to 4 load; protocol 5 loads with a \
                 DeprecationWarning: numpy.core.numeric is deprecated",
                "as .npz or .npy, both directions: arrays load with `allow_pickle=False`",
            ]
        );
    }

    #[test]
    fn severity_is_earned() {
        for (facts, severity) in [
            (declared(), Severity::Error),
            (conda_reads(), Severity::Warning),
            (the_system_reads(), Severity::Info),
            (default_protocol_5(), Severity::Warning),
            (bridging_reader(), Severity::Info),
        ] {
            assert_eq!(finding(&facts).severity, severity);
        }
        let mut works = declared();
        let pair = &mut works.exchange[0];
        std::mem::swap(&mut pair.left, &mut pair.right);
        assert_eq!(finding(&works).severity, Severity::Info);
        let mut partly = bridging_reader();
        partly.exchange[0].declared = true;
        assert_eq!(finding(&partly).severity, Severity::Warning);
    }

    #[test]
    fn a_reader_with_stubs_fails_on_protocol_5_with_its_own_message() {
        let finding = finding(&bridging_reader());
        assert!(finding.message.starts_with("arrays pickled with protocol 5 in .venv"));
        assert!(finding.message.ends_with("No module named 'numpy._core.numeric'"));
        assert!(finding.fixes.iter().any(|fix| fix.title.contains("protocol")));
    }

    #[test]
    fn both_directions_declared_are_one_finding() {
        let mut facts = declared();
        let pair = facts.exchange[0].clone();
        facts.exchange.push(ExchangePair { left: pair.right, right: pair.left, declared: true });
        assert_eq!(finding(&facts).severity, Severity::Error);
    }

    #[test]
    fn the_reader_is_upgraded_with_what_was_compiled_for_numpy_1() {
        let mut facts = conda_reads();
        let reader = facts.environments.last_mut().unwrap();
        add_module(reader, "bottleneck", "bottleneck.move", for_numpy_1());
        let fix = &finding(&facts).fixes[0];
        assert!(fix.title.contains("bottleneck"), "{}", fix.title);
        let report::Step::Run { argv } = &fix.steps[0] else { panic!("{fix:?}") };
        assert_eq!(argv[2..], ["pip", "install", "--upgrade", "numpy>=2", "bottleneck"]);
    }

    #[test]
    fn a_reader_too_old_for_numpy_2_or_the_systems_gets_npz_only() {
        let old = beside(CONDA, "3.8.18", "1.24.4");
        for facts in [old, the_system_reads()] {
            let fixes = finding(&facts).fixes;
            assert_eq!(fixes[0].title, "exchange .npz files, which every numpy reads");
        }
    }

    #[test]
    fn a_declared_pair_that_is_not_there_is_not_fine() {
        let mut facts = declared();
        facts.environments.pop();
        let mut findings = Findings::default();
        run(&facts, &mut findings);
        assert!(findings.skipped.is_some());
    }
}
