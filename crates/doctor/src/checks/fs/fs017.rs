//! FS017: the directory for temporary files does not exist.

use host::Os;
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DirectoryRole, Facts, Findings, cures};

use super::{is_built_by_maturin, subject};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "FS017",
    name: "no-temporary-directory",
    summary: "The directory for temporary files does not exist",
    page: include_str!("../../../pages/FS017.md"),
    run,
    #[cfg(test)]
    cases: Cases { fires: &[tests::missing, tests::default], silent: &[tests::there] },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(directory) = facts.directory(DirectoryRole::Temporary).filter(|d| !d.exists) else {
        return;
    };
    let path = facts.native(&directory.path);
    let (severity, what) = if is_built_by_maturin(facts) {
        (Severity::Error, "maturin cannot make a wheel")
    } else {
        (Severity::Warning, "tools that make temporary files fail")
    };
    let is_default = directory.chosen_by == "default";
    let (seen, cause) = if is_default {
        ("the system's default".to_owned(), "The system's own directory is missing".to_owned())
    } else {
        let by = &directory.chosen_by;
        (
            format!("named by {by}"),
            format!("{by} names a directory that nobody made, or that is gone"),
        )
    };
    let make =
        Fix::new(Safety::Safe, "make the directory").run(cures::make_directory(facts, &path));
    let mut finding = Finding::new(
        severity,
        subject(facts, directory),
        format!("{path} does not exist, so {what}"),
    )
    .seen_at(&path, seen)
    .cause(cause)
    .fix(make);
    if !is_default {
        let names: &[&str] =
            if facts.machine.os == Os::Windows { &["TMP", "TEMP"] } else { &["TMPDIR"] };
        let mut fix = Fix::new(Safety::Safe, "use the system's own directory");
        for name in names.iter().filter(|name| facts.variable(name).is_some()) {
            fix = fix.unset(*name);
        }
        if !fix.steps.is_empty() {
            finding = finding.fix(fix);
        }
    }
    findings.push(finding);
}

#[cfg(test)]
mod tests {
    use host::HostPath;

    use super::super::tests::change;
    use super::*;
    use crate::testing::healthy;

    pub(super) fn missing() -> Facts {
        let mut facts = healthy();
        facts.machine.variables.insert("TMPDIR".to_owned(), "/scratch/dev".to_owned());
        change(&mut facts, DirectoryRole::Temporary, |mut directory| {
            directory.path = HostPath::from("/scratch/dev");
            directory.nearest = HostPath::from("/");
            directory.chosen_by = "TMPDIR".to_owned();
            directory.exists = false;
            directory
        });
        facts
    }

    pub(super) fn default() -> Facts {
        let mut facts = healthy();
        change(&mut facts, DirectoryRole::Temporary, |mut directory| {
            directory.exists = false;
            directory
        });
        facts
    }

    pub(super) fn there() -> Facts {
        healthy()
    }
}
