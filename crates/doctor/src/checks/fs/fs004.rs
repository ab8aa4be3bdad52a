//! FS004: the target directory is on a shared folder that closes files late.

use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DirectoryFacts, DirectoryRole, Facts, Findings};

use super::{chosen, fs006, knows_mounts, move_away, named, subject};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "FS004",
    name: "text-file-busy",
    summary: "cargo's target directory is on a shared folder that closes files late",
    page: include_str!("../../../pages/FS004.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::a_folder_of_virtualbox, tests::a_folder_of_qemu],
        silent: &[tests::local, tests::a_whole_machine, tests::wsl, tests::without_programs],
    },
};

/// Shared folders of virtual machines on which started programs were found busy.
const SHARED: &[&str] = &["9p", "vboxsf"];

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(target) = facts.directory(DirectoryRole::Target) else {
        findings.skip("the project has no Cargo.toml");
        return;
    };
    if !knows_mounts(facts, findings) {
        return;
    }
    let Some(mount) = &target.mount else { return };
    let is_shared = SHARED.contains(&mount.file_system.as_str());
    // Where everything is such a mount, somebody made a whole machine of it. Windows' drives in WSL
    // are FS006, and what cannot run programs at all is FS002.
    let is_root = mount.point.parent().is_none();
    if !is_shared || is_root || fs006::is_windows_drive(facts, target) {
        return;
    }
    if target.probes.execute.get() == Some(&false) {
        return;
    }
    let mut finding = Finding::new(
        Severity::Warning,
        subject(facts, target),
        format!(
            "{} is on {}, where cargo's build scripts are now and then still busy",
            named(facts, target),
            mount.file_system
        ),
    )
    .seen_at(facts.native(&target.path), chosen(target))
    .seen_at(facts.native(&mount.point), format!("{} of {}", mount.file_system, mount.source))
    .cause(
        "The system does not start a program that is open for writing, and a shared folder closes \
         it later than the one that wrote it",
    );
    let is_local = |place: &DirectoryFacts| {
        place.mount.as_ref().is_some_and(|there| !SHARED.contains(&there.file_system.as_str()))
    };
    if let Some(fix) = move_away(facts, &[target], is_local) {
        finding = finding.fix(fix);
    }
    findings.push(finding.fix(
        Fix::new(Safety::Manual, "move the project").by_hand("move it to a disk of this machine"),
    ));
}

#[cfg(test)]
mod tests {
    use host::Seen;

    use super::super::tests::{mounted, with_target};
    use super::*;

    fn on(file_system: &str, point: &str) -> Facts {
        with_target(|target| mounted(target, point, file_system, &["rw"]))
    }

    pub(super) fn a_folder_of_virtualbox() -> Facts {
        on("vboxsf", "/home/dev/project")
    }

    pub(super) fn a_folder_of_qemu() -> Facts {
        on("9p", "/mnt/host")
    }

    pub(super) fn local() -> Facts {
        with_target(|target| target)
    }

    pub(super) fn a_whole_machine() -> Facts {
        on("9p", "/")
    }

    pub(super) fn wsl() -> Facts {
        let mut facts = on("9p", "/mnt/c");
        facts.machine.wsl = true;
        facts
    }

    pub(super) fn without_programs() -> Facts {
        let mut facts = a_folder_of_virtualbox();
        facts.directories.last_mut().unwrap().probes.execute = Seen::Seen(false);
        facts
    }
}
