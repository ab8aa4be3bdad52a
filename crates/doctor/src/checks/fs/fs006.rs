//! FS006: in the Windows Subsystem for Linux, one system builds in the file system of the other.

use host::{HostPath, Os};
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DirectoryFacts, DirectoryRole, Facts, Findings};

use super::{chosen, move_away, named, subject};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "FS006",
    name: "wsl-foreign-file-system",
    summary: "The project is built across the border between Windows and its Linux",
    page: include_str!("../../../pages/FS006.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::below_mnt_c, tests::an_old_wsl, tests::windows_in_linux],
        silent: &[tests::in_the_home, tests::target_at_home, tests::no_wsl, tests::windows_at_home],
    },
};

/// Whether a directory is on a drive of Windows, seen from its Linux.
pub(super) fn is_windows_drive(facts: &Facts, directory: &DirectoryFacts) -> bool {
    facts.machine.wsl
        && directory
            .mount
            .as_ref()
            .is_some_and(|mount| matches!(mount.file_system.as_str(), "9p" | "drvfs" | "v9fs"))
}

/// Whether a path of Windows leads into its Linux: `\\wsl.localhost\Debian\...`.
fn is_linux_share(path: &HostPath) -> bool {
    let text = path.text().to_lowercase();
    text.starts_with("//wsl.localhost/")
        || text.starts_with("//wsl$/")
        || text.starts_with("//?/unc/wsl.localhost/")
        || text.starts_with("//?/unc/wsl$/")
}

fn run(facts: &Facts, findings: &mut Findings) {
    let is_windows = facts.machine.os == Os::Windows;
    if !facts.machine.wsl && !is_windows {
        findings.skip("neither Windows nor its Linux");
        return;
    }
    let is_foreign = |directory: &DirectoryFacts| {
        if is_windows {
            is_linux_share(&directory.path)
        } else {
            is_windows_drive(facts, directory)
        }
    };
    // What a build writes matters; sources are read once.
    let built = facts
        .directory(DirectoryRole::Target)
        .or_else(|| facts.directory(DirectoryRole::Environment));
    let Some(directory) = built.filter(|directory| is_foreign(directory)) else { return };
    let (whose, fails) = if is_windows {
        ("the Linux side", "cargo's locks and links fail there")
    } else {
        ("the Windows side", "builds are slow there, and permissions and links fail")
    };
    let mut finding = Finding::new(
        Severity::Warning,
        subject(facts, directory),
        format!("{} is on {whose}: {fails}", named(facts, directory)),
    )
    .seen_at(facts.native(&directory.path), chosen(directory));
    if let Some(mount) = &directory.mount {
        finding = finding.seen_at(
            facts.native(&mount.point),
            format!("{} of {}", mount.file_system, mount.source),
        );
    }
    finding = finding.cause(
        "Windows and its Linux reach each other's files through a network-like file system that \
         lacks permissions, locks or links",
    );
    if let Some(fix) = move_away(facts, &[directory], |place| !is_foreign(place)) {
        finding = finding.fix(fix.set("CARGO_INCREMENTAL", "0"));
    }
    findings.push(
        finding.fix(
            Fix::new(Safety::Manual, "keep the project where it is built")
                .by_hand("clone it again below the home directory of the system that builds it"),
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::super::tests::{change, mounted, with_target};
    use super::*;

    fn on(file_system: &str) -> Facts {
        let mut facts = with_target(|target| mounted(target, "/mnt/c", file_system, &["rw"]));
        facts.machine.wsl = true;
        change(&mut facts, DirectoryRole::Project, |project| {
            mounted(project, "/mnt/c", file_system, &["rw"])
        });
        facts
    }

    pub(super) fn below_mnt_c() -> Facts {
        on("9p")
    }

    pub(super) fn an_old_wsl() -> Facts {
        on("drvfs")
    }

    pub(super) fn in_the_home() -> Facts {
        let mut facts = with_target(|target| target);
        facts.machine.wsl = true;
        facts
    }

    pub(super) fn target_at_home() -> Facts {
        let mut facts = in_the_home();
        change(&mut facts, DirectoryRole::Project, |project| {
            mounted(project, "/mnt/c", "9p", &["rw"])
        });
        facts
    }

    pub(super) fn no_wsl() -> Facts {
        let mut facts = below_mnt_c();
        facts.machine.wsl = false;
        facts
    }

    fn windows(target: &str) -> Facts {
        let mut facts = with_target(|mut directory| {
            directory.path = HostPath::from(target);
            directory.mount = None;
            directory
        });
        facts.machine.os = Os::Windows;
        facts
    }

    pub(super) fn windows_in_linux() -> Facts {
        windows("//wsl.localhost/Debian/home/dev/project/target")
    }

    pub(super) fn windows_at_home() -> Facts {
        windows("C:/Users/dev/project/target")
    }

    #[test]
    fn a_cure_leads_home() {
        let mut findings = Findings::default();
        run(&below_mnt_c(), &mut findings);
        let fix = &findings.list[0].fixes[0];
        assert!(format!("{:?}", fix.steps).contains("/home/dev/.cache"), "{fix:?}");
    }
}
