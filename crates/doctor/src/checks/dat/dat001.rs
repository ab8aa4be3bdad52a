//! DAT001: a data file of the project names modules that the project's numpy does not have.

use numpy_rules::Side;
use pep440_rs::Version;
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::checks::npy::to_numpy_2;
use crate::data::pickle_reading;
use crate::{EnvironmentFacts, Facts, Findings, PickledData};

use super::{SHOWN, mention_the_rest, readers};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "DAT001",
    name: "pickle-names-another-numpy",
    summary: "A data file of the project cannot be loaded by the numpy that the project uses",
    page: include_str!("../../../pages/DAT001.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[
            tests::numpy_1_reads,
            tests::protocol_5_meets_the_stubs,
            tests::a_type_that_numpy_2_lacks,
            tests::aligned,
        ],
        silent: &[
            tests::nothing,
            tests::numpy_2_reads,
            tests::old_pickle,
            tests::only_the_system_lags,
            tests::no_numpy,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    // Text of numpy 2 is DAT006.
    let is_text = |pickled: &&PickledData| {
        pickled.names.iter().any(|name| name.name == "_convert_to_stringdtype_kwargs")
    };
    let data: Vec<&PickledData> =
        facts.source_tree.pickled_data.iter().filter(|pickled| !is_text(pickled)).collect();
    if data.is_empty() {
        findings.skip("the project has no pickled data that name numpy");
        return;
    }
    let readers = readers(facts);
    if readers.is_empty() {
        findings.skip("no environment that the project uses has numpy");
    }
    for (environment, numpy) in &readers {
        let side = side(environment, numpy);
        let failing: Vec<(&PickledData, String)> =
            data.iter().filter_map(|pickled| Some((*pickled, failure(pickled, side)?))).collect();
        if failing.is_empty() {
            continue;
        }
        // What another environment of the project's reads may well be meant for it.
        let is_read_elsewhere = failing.iter().all(|(pickled, _)| {
            readers
                .iter()
                .any(|(other, numpy)| failure(pickled, self::side(other, numpy)).is_none())
        });
        let severity = if is_read_elsewhere { Severity::Info } else { Severity::Warning };
        findings.push(finding(facts, environment, numpy, &failing, severity));
    }
    mention_the_rest(facts, findings);
}

fn side<'a>(environment: &'a EnvironmentFacts, numpy: &'a Version) -> Side<'a> {
    Side { numpy, python: environment.python.version.get() }
}

/// What a reader says of pickled data that it cannot load.
fn failure(pickled: &PickledData, side: Side<'_>) -> Option<String> {
    let reading =
        pickle_reading(&pickled.names, pickled.protocol, pickled.aligned_by_numpy_2, side);
    reading.failure().map(str::to_owned)
}

fn finding(
    facts: &Facts,
    environment: &EnvironmentFacts,
    numpy: &Version,
    failing: &[(&PickledData, String)],
    severity: Severity,
) -> Finding {
    let name = facts.short(&environment.python.prefix);
    let (first, says) = &failing[0];
    let file = facts.short(&first.path);
    let message = match failing.len() {
        1 => format!("{file} cannot be loaded in {name} (numpy {numpy}): {says}"),
        2 => format!("{file} and another file cannot be loaded in {name} (numpy {numpy}): {says}"),
        many => format!(
            "{file} and {} other files cannot be loaded in {name} (numpy {numpy}): {says}",
            many - 1
        ),
    };
    let mut finding = Finding::new(severity, environment.subject(facts), message);
    for (pickled, says) in failing.iter().take(SHOWN) {
        let array = pickled.array.as_ref().map(|array| format!("the array {array:?}: "));
        let says = format!("{}protocol {}: {says}", array.unwrap_or_default(), pickled.protocol);
        finding = finding.seen_at(facts.native(&pickled.path), says);
    }
    if failing.len() > SHOWN {
        finding = finding.seen(format!("and {} more", failing.len() - SHOWN));
    }
    let two = Version::new([2, 0]);
    let helps =
        failing.iter().all(|(pickled, _)| failure(pickled, side(environment, &two)).is_none());
    finding = finding.cause(if helps {
        "A pickle names the modules that rebuild its objects, and numpy 2, which wrote this one, has \
         others than numpy 1"
    } else {
        "A pickle names the modules that rebuild its objects, and this numpy no longer has them"
    });
    if helps && let Some(upgrade) = to_numpy_2(facts, environment) {
        finding = finding.fix(upgrade);
    }
    finding.fix(
        Fix::new(Safety::Manual, "save the data as .npz, which every numpy reads")
            .by_hand(format!("load {file} with the numpy that wrote it"))
            .by_hand("save its arrays: `np.savez(\"data.npz\", x=x)`")
            .by_hand("read them: `np.load(\"data.npz\", allow_pickle=False)[\"x\"]`"),
    )
}

#[cfg(test)]
mod tests {
    use artifacts::PickleName;

    use super::*;
    use crate::Role;
    use crate::testing::{healthy, numpy, system, venv};

    fn pickled(name: &str, protocol: u8, names: &[(&str, &str)]) -> PickledData {
        let names = names.iter().map(|(module, name)| PickleName {
            module: (*module).to_owned(),
            name: (*name).to_owned(),
        });
        PickledData {
            path: healthy().project.root.join(name),
            protocol,
            names: names.collect(),
            ..PickledData::default()
        }
    }

    fn with(version: &str, data: Vec<PickledData>) -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        let site = environment.python.site_packages[0].clone();
        environment.numpy = Some(numpy(version, &site));
        facts.source_tree.pickled_data = data;
        facts
    }

    const NEW: &[(&str, &str)] = &[("numpy._core.multiarray", "_reconstruct"), ("numpy", "dtype")];

    pub(super) fn numpy_1_reads() -> Facts {
        with("1.24.4", (0..7).map(|n| pickled(&format!("data/{n}.pkl"), 4, NEW)).collect())
    }

    pub(super) fn protocol_5_meets_the_stubs() -> Facts {
        let names = &[("numpy._core.numeric", "_frombuffer"), ("numpy", "dtype")];
        with("1.26.4", vec![pickled("frame.pkl", 5, names)])
    }

    pub(super) fn a_type_that_numpy_2_lacks() -> Facts {
        with("2.2.6", vec![pickled("old.pkl", 2, &[("numpy", "float_")])])
    }

    pub(super) fn aligned() -> Facts {
        let data = PickledData { aligned_by_numpy_2: true, ..pickled("s.pkl", 4, NEW) };
        with("1.26.4", vec![data])
    }

    pub(super) fn nothing() -> Facts {
        with("1.24.4", Vec::new())
    }

    pub(super) fn numpy_2_reads() -> Facts {
        with("2.2.6", vec![pickled("a.pkl", 5, NEW)])
    }

    pub(super) fn old_pickle() -> Facts {
        let names = &[("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray")];
        with("2.2.6", vec![pickled("a.pkl", 2, names)])
    }

    pub(super) fn only_the_system_lags() -> Facts {
        let mut facts = numpy_2_reads();
        let environment = system(&mut facts);
        let site = environment.python.site_packages[0].clone();
        environment.numpy = Some(numpy("1.24.4", &site));
        environment.judged = true;
        facts
    }

    pub(super) fn no_numpy() -> Facts {
        let mut facts = numpy_1_reads();
        venv(&mut facts).numpy = None;
        facts
    }

    fn found(facts: &Facts) -> Vec<Finding> {
        let mut findings = Findings::default();
        run(facts, &mut findings);
        findings.list
    }

    #[test]
    fn files_are_counted_and_a_few_shown() {
        let found = found(&numpy_1_reads());
        assert_eq!(found.len(), 1);
        let finding = &found[0];
        assert_eq!(finding.severity, Severity::Warning);
        assert!(
            finding.message.starts_with("data/0.pkl and 6 other files cannot be loaded in .venv")
        );
        assert!(finding.message.ends_with("No module named 'numpy._core'"));
        assert_eq!(finding.evidence.len(), SHOWN + 1);
        assert!(finding.fixes[0].title.contains("upgrade numpy"));
    }

    #[test]
    fn numpy_2_is_not_the_cure_for_what_numpy_2_lacks() {
        let found = found(&a_type_that_numpy_2_lacks());
        assert_eq!(found[0].fixes.len(), 1);
        assert!(found[0].cause.contains("no longer"));
    }

    #[test]
    fn a_file_that_another_environment_reads_is_worth_knowing_only() {
        let mut facts = numpy_1_reads();
        let mut other = venv(&mut facts).clone();
        other.python.prefix = "/home/dev/conda/envs/new".into();
        other.roles = vec![Role::ActiveConda];
        let site = other.python.site_packages[0].clone();
        other.numpy = Some(numpy("2.2.6", &site));
        facts.environments.push(other);
        assert_eq!(found(&facts)[0].severity, Severity::Info);
    }
}
