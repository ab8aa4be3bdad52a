//! FS013: Windows refuses to start programs that it does not know, such as fresh build scripts.

use host::{Os, Seen};
use report::{Finding, Fix, Platform, Safety, Severity, Subject, SubjectKind};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DirectoryRole, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "FS013",
    name: "blocked-by-policy",
    summary: "Smart App Control blocks programs that were just compiled",
    page: include_str!("../../../pages/FS013.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::switched_on],
        silent: &[tests::off, tests::on_trial, tests::not_windows, tests::no_rust, tests::unknown],
    },
};

/// The registry's value for "on".
const ON: u32 = 1;

fn run(facts: &Facts, findings: &mut Findings) {
    if facts.machine.os != Os::Windows {
        findings.skip("not Windows");
        return;
    }
    if facts.directory(DirectoryRole::Target).is_none() {
        findings.skip("the project has no Cargo.toml");
        return;
    }
    match &facts.machine.smart_app_control {
        Seen::Seen(state) if *state == ON => {}
        Seen::Broken(reason) => {
            findings.skip(reason.clone());
            return;
        }
        Seen::Seen(_) | Seen::Absent => return,
    }
    let settings = "Windows Security, App & browser control, Smart App Control settings";
    findings.push(
        Finding::new(
            Severity::Warning,
            Subject::new(SubjectKind::Machine, "Smart App Control"),
            "Smart App Control is on and blocks programs that were just compiled, such as build \
             scripts",
        )
        .seen_at(
            r"HKLM\SYSTEM\CurrentControlSet\Control\CI\Policy",
            "VerifiedAndReputablePolicyState is 1",
        )
        .cause("It starts only programs that are signed or widely known, and has no exclusions")
        .fix(
            Fix::new(Safety::Manual, "turn Smart App Control off, if you may")
                .on(Platform::Windows)
                .by_hand(format!("{settings}: not every release can turn it on again")),
        )
        .fix(
            Fix::new(Safety::Manual, "build elsewhere")
                .on(Platform::Windows)
                .by_hand("build in the Windows Subsystem for Linux, or on another machine"),
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_target;
    use super::*;

    fn state(state: Seen<u32>) -> Facts {
        let mut facts = with_target(|target| target);
        facts.machine.os = Os::Windows;
        facts.machine.smart_app_control = state;
        facts
    }

    pub(super) fn switched_on() -> Facts {
        state(Seen::Seen(1))
    }

    pub(super) fn off() -> Facts {
        state(Seen::Seen(0))
    }

    pub(super) fn on_trial() -> Facts {
        state(Seen::Seen(2))
    }

    pub(super) fn unknown() -> Facts {
        state(Seen::Absent)
    }

    pub(super) fn not_windows() -> Facts {
        let mut facts = switched_on();
        facts.machine.os = Os::Linux;
        facts
    }

    pub(super) fn no_rust() -> Facts {
        let mut facts = switched_on();
        facts.directories.retain(|directory| directory.role != DirectoryRole::Target);
        facts
    }
}
