//! DAT006: an array file of the project uses what the project's numpy does not know.

use pep440_rs::Version;
use report::{Finding, Fix, Safety, Severity};

use super::{SHOWN, mention_the_rest, names, readers};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::checks::npy::to_numpy_2;
use crate::{DataFile, EnvironmentFacts, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "DAT006",
    name: "dtype-of-newer-numpy",
    summary: "An array file of the project has a type or header that its numpy does not know",
    page: include_str!("../../../pages/DAT006.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::text_of_numpy_2, tests::a_header_that_is_too_new],
        silent: &[
            tests::nothing,
            tests::numpy_2_reads_its_text,
            tests::a_header_that_is_known,
            tests::no_numpy,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let files = &facts.source_tree.data_files;
    if !files.iter().any(|file| file.has_new_strings || !file.refused.is_empty()) {
        mention_the_rest(facts, findings);
        return;
    }
    let readers = readers(facts);
    if readers.is_empty() {
        findings.skip("no environment that the project uses has numpy");
    }
    for (environment, numpy) in &readers {
        let failing: Vec<(&DataFile, String)> =
            files.iter().filter_map(|file| Some((file, refusal(file, numpy)?))).collect();
        if failing.is_empty() {
            continue;
        }
        let is_read_elsewhere = failing
            .iter()
            .all(|(file, _)| readers.iter().any(|(_, other)| refusal(file, other).is_none()));
        let severity = if is_read_elsewhere { Severity::Info } else { Severity::Warning };
        findings.push(finding(facts, environment, numpy, &failing, severity));
    }
}

/// What a numpy says of a file that it does not know.
fn refusal(file: &DataFile, numpy: &Version) -> Option<String> {
    if file.has_new_strings && *numpy < Version::new([2, 0]) {
        return Some("it holds text of numpy 2's StringDType".to_owned());
    }
    let bound = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
    file.refused.iter().find_map(|one| {
        let (since, before): (Option<Version>, Option<Version>) =
            (bound(&one.since), bound(&one.before));
        let concerns = since.is_none_or(|since| *numpy >= since)
            && before.is_none_or(|before| *numpy < before);
        concerns.then(|| one.reason.clone())
    })
}

fn finding(
    facts: &Facts,
    environment: &EnvironmentFacts,
    numpy: &Version,
    failing: &[(&DataFile, String)],
    severity: Severity,
) -> Finding {
    let files: Vec<&DataFile> = failing.iter().map(|(file, _)| *file).collect();
    let message = format!(
        "{} cannot be loaded in {} (numpy {numpy}): {}",
        names(facts, &files),
        facts.short(&environment.python.prefix),
        failing[0].1
    );
    let mut finding = Finding::new(severity, environment.subject(facts), message);
    for (file, says) in failing.iter().take(SHOWN) {
        finding = finding.seen_at(facts.native(&file.path), says);
    }
    if failing.len() > SHOWN {
        finding = finding.seen(format!("and {} more", failing.len() - SHOWN));
    }
    finding =
        finding.cause("A numpy of another age wrote it, and this one does not know its types");
    let two = Version::new([2, 0]);
    if *numpy < two
        && failing.iter().all(|(file, _)| refusal(file, &two).is_none())
        && let Some(upgrade) = to_numpy_2(facts, environment)
    {
        finding = finding.fix(upgrade);
    }
    finding.fix(Fix::new(Safety::Manual, "convert the data where they were written").by_hand(
        "save text as dtype='U...' (`array.astype(str)`), and give fields plain ASCII names",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{with, with_numpy};
    use super::*;
    use crate::RefusedHeader;
    use crate::testing::venv;

    fn strings() -> Facts {
        with(|file| {
            file.has_new_strings = true;
            file.objects = vec!["x: dtype |O, shape [2]".to_owned()];
        })
    }

    fn header() -> Facts {
        with(|file| {
            file.refused = vec![RefusedHeader {
                since: None,
                before: Some("1.17".to_owned()),
                reason: "format 3.0".to_owned(),
            }];
        })
    }

    pub(super) fn text_of_numpy_2() -> Facts {
        with_numpy(strings(), "1.26.4")
    }

    pub(super) fn a_header_that_is_too_new() -> Facts {
        with_numpy(header(), "1.16.6")
    }

    pub(super) fn nothing() -> Facts {
        with_numpy(crate::testing::healthy(), "1.16.6")
    }

    pub(super) fn numpy_2_reads_its_text() -> Facts {
        strings()
    }

    pub(super) fn a_header_that_is_known() -> Facts {
        with_numpy(header(), "1.17.0")
    }

    pub(super) fn no_numpy() -> Facts {
        let mut facts = text_of_numpy_2();
        venv(&mut facts).numpy = None;
        facts
    }
}
