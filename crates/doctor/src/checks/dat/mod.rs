//! DAT: data files and what reads them.

pub(super) mod dat001;
pub(super) mod dat002;
pub(super) mod dat003;
pub(super) mod dat004;
pub(super) mod dat005;
pub(super) mod dat006;
pub(super) mod dat007;
pub(super) mod dat008;

use host::HostPath;
use pep440_rs::Version;
use report::{Finding, Severity};

use crate::{DataFile, DataTrouble, EnvironmentFacts, Facts, Findings, Role, subjects};

/// Files that are shown as evidence; of more, their number.
const SHOWN: usize = 5;

/// Says that not every file was looked into, if so.
fn mention_the_rest(facts: &Facts, findings: &mut Findings) {
    if facts.source_tree.more_data_files > 0 {
        findings.skip(format!(
            "{} data files of the project were not looked into; `truewheel scan` looks into all",
            facts.source_tree.more_data_files
        ));
    }
}

/// Whether a file lies where tests keep theirs, which are often broken on purpose.
fn is_for_tests(facts: &Facts, path: &HostPath) -> bool {
    let below = path.strip_prefix(facts.project.root.as_path()).unwrap_or(path.as_path());
    below.components().any(|part| {
        let name = part.as_os_str().to_string_lossy().to_lowercase();
        ["test", "tests", "testing", "fixtures", "testdata", "test_data", "corpus", "fuzz"]
            .contains(&name.as_str())
    })
}

/// A warning, unless all of the files are there for tests.
fn severity(facts: &Facts, files: &[&DataFile]) -> Severity {
    if files.iter().all(|file| is_for_tests(facts, &file.path)) {
        Severity::Info
    } else {
        Severity::Warning
    }
}

/// `a.npz`, `a.npz and another file`, `a.npz and 3 other files`, of such as are no matter of tests
/// first.
fn names(facts: &Facts, files: &[&DataFile]) -> String {
    let first = files
        .iter()
        .find(|file| !is_for_tests(facts, &file.path))
        .or(files.first())
        .map(|file| facts.short(&file.path))
        .unwrap_or_default();
    match files.len() {
        0 | 1 => first,
        2 => format!("{first} and another file"),
        many => format!("{first} and {} other files", many - 1),
    }
}

/// A finding about some of the project's files, with what `says` of each as evidence.
fn about(
    facts: &Facts,
    severity: Severity,
    message: String,
    files: &[&DataFile],
    says: impl Fn(&DataFile) -> String,
) -> Finding {
    let mut finding = Finding::new(severity, subjects::project(facts), message);
    for file in files.iter().take(SHOWN) {
        finding = finding.seen_at(facts.native(&file.path), says(file));
    }
    if files.len() > SHOWN {
        finding = finding.seen(format!("and {} more", files.len() - SHOWN));
    }
    finding
}

/// The files with such trouble.
fn troubled(facts: &Facts, trouble: DataTrouble) -> Vec<&DataFile> {
    let has = |file: &&DataFile| file.troubles.iter().any(|(kind, _)| *kind == trouble);
    facts.source_tree.data_files.iter().filter(has).collect()
}

/// What is wrong with a file, of one kind of trouble.
fn what_is_wrong(file: &DataFile, trouble: DataTrouble) -> String {
    let wrong = file.troubles.iter().filter(|(kind, _)| *kind == trouble);
    wrong.map(|(_, what)| what.as_str()).collect::<Vec<_>>().join("; ")
}

/// Environments in which the project's own code runs, with their numpys.
fn readers(facts: &Facts) -> Vec<(&EnvironmentFacts, &Version)> {
    let roles = [Role::Project, Role::Active, Role::ActiveConda, Role::Declared, Role::Argument];
    facts
        .judged()
        .filter(|environment| roles.into_iter().any(|role| environment.has_role(role)))
        .filter_map(|environment| Some((environment, environment.numpy.as_ref()?.best_version()?)))
        .collect()
}

#[cfg(test)]
mod testing {
    //! Facts of projects with data files.

    use crate::testing::{healthy, numpy, venv};
    use crate::{DataFile, DataTrouble, Facts};

    /// The healthy project with such a file in `data`.
    pub(super) fn with(change: impl FnOnce(&mut DataFile)) -> Facts {
        let mut facts = healthy();
        let mut file =
            DataFile { path: facts.project.root.join("data/x.npz"), ..DataFile::default() };
        change(&mut file);
        facts.source_tree.data_files = vec![file];
        facts
    }

    pub(super) fn with_trouble(trouble: DataTrouble, what: &str) -> Facts {
        with(|file| file.troubles = vec![(trouble, what.to_owned())])
    }

    /// Gives the project's environment another numpy.
    pub(super) fn with_numpy(mut facts: Facts, version: &str) -> Facts {
        let environment = venv(&mut facts);
        let site = environment.python.site_packages[0].clone();
        environment.numpy = Some(numpy(version, &site));
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::healthy;

    #[test]
    fn files_of_tests_are_known_by_their_place() {
        let facts = healthy();
        let at = |name: &str| is_for_tests(&facts, &facts.project.root.join(name));
        assert!(at("tests/data/cut.npz") && at("src/Fixtures/a.npy"));
        assert!(!at("data/contest.npz") && !at("latest/a.npy"));
    }
}
