//! CTR003: podman runs where it may not do what it does unasked.

use host::Seen;
use report::{Finding, Fix, Platform, Safety};

use super::{engines, severity, wish};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{ControlGroups, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "CTR003",
    name: "engine-in-restricted-host",
    summary: "podman fails here as it comes: control groups or limits it may not have",
    page: include_str!("../../../pages/CTR003.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::hybrid, tests::no_limits],
        silent: &[
            tests::unified,
            tests::runc_alone,
            tests::proven,
            tests::no_podman,
            tests::not_wanted,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let Some((file, is_ours)) = wish(facts) else {
        findings.skip("nothing here asks for containers");
        return;
    };
    let engine_facts = &facts.engines;
    let Some(podman) = &engine_facts.podman else {
        findings.skip("podman is not installed");
        return;
    };
    if engine_facts.proven.iter().any(|engine| engine == "podman") {
        return;
    }
    // crun is what podman takes where both are installed.
    let is_crun = engine_facts.runtimes.iter().any(|runtime| runtime == "crun");
    let is_hybrid = engine_facts.control_groups == Some(ControlGroups::Hybrid) && is_crun;
    let may_not_raise = engine_facts.may_raise_limits == Seen::Seen(false);
    let (message, cause) = match (is_hybrid, may_not_raise) {
        (false, false) => return,
        (true, false) => (
            "podman's runtime crun refuses the control groups of this machine",
            "Both versions of control groups are mounted, which crun does not support",
        ),
        (_, true) => (
            "podman raises limits that this process may not raise",
            "This is root of a machine inside a machine, without the right to raise limits",
        ),
    };
    let mut finding = Finding::new(severity(is_ours), engines(), message)
        .seen_at(facts.native(podman), "the podman on PATH")
        .seen_at(facts.native(file), "asks for containers")
        .cause(cause);
    let mut settings = Vec::new();
    if is_hybrid {
        finding = finding.seen_at("/sys/fs/cgroup", "control groups of both versions");
        settings.push("`runtime = \"runc\"` under `[engine]`");
        if !engine_facts.runtimes.iter().any(|runtime| runtime == "runc") {
            finding = finding.fix(
                Fix::new(Safety::Confirm, "install the other runtime (Debian, Ubuntu)")
                    .on(Platform::Linux)
                    .run(["apt-get", "install", "--yes", "runc"]),
            );
        }
    }
    if may_not_raise {
        finding = finding.seen("the right CAP_SYS_RESOURCE is missing");
        settings.push(
            "`default_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]` under `[containers]`",
        );
    }
    findings.push(
        finding
            .fix(
                Fix::new(Safety::Safe, "find out what podman has to be asked for, and remember it")
                    .run(["truewheel", "engines"]),
            )
            .fix(
                Fix::new(Safety::Manual, "ask podman for no more than it may")
                    .on(Platform::Linux)
                    .edit(
                        "/etc/containers/containers.conf",
                        format!("set {}", settings.join(" and ")),
                    ),
            ),
    );
}

#[cfg(test)]
mod tests {
    use host::HostPath;

    use super::*;
    use crate::testing::{PROJECT, healthy};

    pub(super) fn unified() -> Facts {
        let mut facts = healthy();
        facts.engines.wanted_by = Some(HostPath::from(PROJECT).join("Dockerfile"));
        facts.engines.podman = Some(HostPath::from("/usr/bin/podman"));
        facts.engines.control_groups = Some(ControlGroups::Unified);
        facts.engines.runtimes = vec!["crun".to_owned()];
        facts.engines.may_raise_limits = Seen::Seen(true);
        facts
    }

    pub(super) fn hybrid() -> Facts {
        let mut facts = unified();
        facts.engines.control_groups = Some(ControlGroups::Hybrid);
        facts
    }

    pub(super) fn no_limits() -> Facts {
        let mut facts = unified();
        facts.engines.may_raise_limits = Seen::Seen(false);
        facts
    }

    pub(super) fn runc_alone() -> Facts {
        let mut facts = hybrid();
        facts.engines.runtimes = vec!["runc".to_owned()];
        facts
    }

    pub(super) fn proven() -> Facts {
        let mut facts = hybrid();
        facts.engines.proven = vec!["podman".to_owned()];
        facts
    }

    pub(super) fn no_podman() -> Facts {
        let mut facts = hybrid();
        facts.engines.podman = None;
        facts
    }

    pub(super) fn not_wanted() -> Facts {
        let mut facts = hybrid();
        facts.engines.wanted_by = None;
        facts
    }

    #[test]
    fn the_runtime_is_installed_only_where_it_is_missing() {
        let titles = |facts: &Facts| -> Vec<String> {
            let mut findings = Findings::default();
            run(facts, &mut findings);
            findings.list[0].fixes.iter().map(|fix| fix.title.clone()).collect()
        };
        assert!(titles(&hybrid())[0].starts_with("install the other runtime"));
        let mut both = hybrid();
        both.engines.runtimes.push("runc".to_owned());
        assert!(titles(&both)[0].starts_with("find out"));
    }
}
