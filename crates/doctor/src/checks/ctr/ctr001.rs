//! CTR001: the project is built in containers, and there is no engine.

use report::{Finding, Fix, Platform, Safety};

use super::{engines, severity, wish};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "CTR001",
    name: "no-container-engine",
    summary: "The project is built in containers, and neither podman nor docker is here",
    page: include_str!("../../../pages/CTR001.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::none],
        silent: &[tests::podman, tests::docker, tests::not_wanted],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let Some((file, is_ours)) = wish(facts) else {
        findings.skip("nothing here asks for containers");
        return;
    };
    if facts.engines.podman.is_some() || facts.engines.docker.is_some() {
        return;
    }
    let mut finding = Finding::new(
        severity(is_ours),
        engines(),
        "the project is built in containers, and there is no container engine",
    )
    .seen_at(facts.native(file), "asks for containers")
    .seen("neither `podman` nor `docker` is on PATH")
    .cause("No container engine is installed, or its directory is not on PATH");
    let needs_sudo = facts.machine.user_id != Some(0);
    let install: Vec<&str> = needs_sudo
        .then_some("sudo")
        .into_iter()
        .chain(["apt-get", "install", "--yes", "podman"])
        .collect();
    finding = finding
        .fix(
            Fix::new(Safety::Confirm, "install podman, which needs no daemon (Debian, Ubuntu)")
                .on(Platform::Linux)
                .run(install),
        )
        .fix(
            Fix::new(Safety::Confirm, "install podman and start its virtual machine")
                .on(Platform::Macos)
                .run(["brew", "install", "podman"])
                .run(["podman", "machine", "init"])
                .run(["podman", "machine", "start"]),
        )
        .fix(Fix::new(Safety::Confirm, "install podman").on(Platform::Windows).run([
            "winget",
            "install",
            "--id",
            "RedHat.Podman",
        ]));
    findings.push(finding);
}

#[cfg(test)]
mod tests {
    use host::HostPath;

    use super::*;
    use crate::testing::{PROJECT, healthy};

    pub(super) fn none() -> Facts {
        let mut facts = healthy();
        facts.engines.wanted_by = Some(HostPath::from(PROJECT).join("Dockerfile"));
        facts
    }

    pub(super) fn podman() -> Facts {
        let mut facts = none();
        facts.engines.podman = Some(HostPath::from("/usr/bin/podman"));
        facts
    }

    pub(super) fn docker() -> Facts {
        let mut facts = none();
        facts.engines.docker = Some(HostPath::from("/usr/bin/docker"));
        facts
    }

    pub(super) fn not_wanted() -> Facts {
        healthy()
    }

    #[test]
    fn it_is_a_warning_where_this_tool_needs_it() {
        for (file, expected) in
            [("Dockerfile", report::Severity::Info), ("truewheel.toml", report::Severity::Warning)]
        {
            let mut facts = none();
            facts.engines.wanted_by = Some(HostPath::from(PROJECT).join(file));
            let mut findings = Findings::default();
            run(&facts, &mut findings);
            assert_eq!(findings.list[0].severity, expected);
        }
    }
}
