//! CTR002: docker is installed, and its daemon cannot be reached.

use host::{Os, Seen};
use report::{Finding, Fix, Platform, Safety, Severity};

use super::{engines, severity, wish};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EngineSocket, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "CTR002",
    name: "docker-not-reachable",
    summary: "Docker is installed, and its daemon does not run or may not be used",
    page: include_str!("../../../pages/CTR002.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::not_running, tests::not_allowed],
        silent: &[
            tests::running,
            tests::remote,
            tests::no_docker,
            tests::not_wanted,
            tests::podman_does_it,
            tests::access_unknown,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let Some((file, is_ours)) = wish(facts) else {
        findings.skip("nothing here asks for containers");
        return;
    };
    let Some(docker) = &facts.engines.docker else {
        findings.skip("docker is not installed");
        return;
    };
    if facts.engines.podman.is_some() {
        findings.skip("podman is here, and needs no daemon");
        return;
    }
    let Some(socket) = &facts.engines.docker_socket else {
        findings.skip("docker's daemon is not reached by a socket of this machine");
        return;
    };
    let (message, cause, fixes) = if !socket.exists {
        (
            "docker is installed, and its daemon does not run",
            "The daemon was not started; its socket is not there",
            start(facts),
        )
    } else if socket.may_write == Seen::Seen(false) {
        (
            "docker's daemon runs, and you may not use it",
            "The socket belongs to the group docker, and this user is not in it (or joined it \
             after logging in)",
            vec![join(facts)],
        )
    } else {
        if socket.may_write.get().is_none() {
            findings.skip("whether this user may use docker's socket is not known");
        }
        return;
    };
    // Many start the daemon only when they need it; being shut out of it is no choice.
    let severity = if socket.exists { Severity::Warning } else { severity(is_ours) };
    let mut finding = Finding::new(severity, engines(), message)
        .seen_at(facts.native(&socket.path), state(socket))
        .seen_at(facts.native(docker), "the docker on PATH")
        .seen_at(facts.native(file), "asks for containers")
        .cause(cause);
    for fix in fixes {
        finding = finding.fix(fix);
    }
    findings.push(finding);
}

fn state(socket: &EngineSocket) -> &'static str {
    if socket.exists { "this user may not write to it" } else { "does not exist" }
}

fn start(facts: &Facts) -> Vec<Fix> {
    let needs_sudo = facts.machine.os == Os::Linux && facts.machine.user_id != Some(0);
    let systemctl: Vec<&str> =
        needs_sudo.then_some("sudo").into_iter().chain(["systemctl", "start", "docker"]).collect();
    vec![
        Fix::new(Safety::Confirm, "start the daemon").on(Platform::Linux).run(systemctl),
        Fix::new(Safety::Confirm, "start Docker Desktop")
            .on(Platform::Macos)
            .run(["open", "-a", "Docker"]),
        Fix::new(Safety::Manual, "or use podman, which needs no daemon")
            .on(Platform::Linux)
            .by_hand("install podman; it builds the same Dockerfiles"),
    ]
}

fn join(facts: &Facts) -> Fix {
    let user = facts.variable("USER").or_else(|| facts.variable("LOGNAME")).unwrap_or("$USER");
    Fix::new(Safety::Confirm, "join the group docker (its members have the rights of root)")
        .on(Platform::Linux)
        .run(["sudo", "usermod", "--append", "--groups", "docker", user])
        .by_hand("log out and in again")
}

#[cfg(test)]
mod tests {
    use host::HostPath;

    use super::*;
    use crate::testing::{PROJECT, healthy};

    fn facts(exists: bool, may_write: Seen<bool>) -> Facts {
        let mut facts = healthy();
        facts.engines.wanted_by = Some(HostPath::from(PROJECT).join("Dockerfile"));
        facts.engines.docker = Some(HostPath::from("/usr/bin/docker"));
        facts.engines.docker_socket =
            Some(EngineSocket { path: HostPath::from("/var/run/docker.sock"), exists, may_write });
        facts
    }

    pub(super) fn not_running() -> Facts {
        facts(false, Seen::Absent)
    }

    pub(super) fn not_allowed() -> Facts {
        facts(true, Seen::Seen(false))
    }

    #[test]
    fn a_daemon_that_rests_is_worth_knowing_and_one_that_shuts_out_is_a_warning() {
        for (facts, severity) in
            [(not_running(), Severity::Info), (not_allowed(), Severity::Warning)]
        {
            let mut findings = Findings::default();
            run(&facts, &mut findings);
            assert_eq!(findings.list[0].severity, severity);
        }
    }

    pub(super) fn running() -> Facts {
        facts(true, Seen::Seen(true))
    }

    pub(super) fn access_unknown() -> Facts {
        facts(true, Seen::Absent)
    }

    pub(super) fn remote() -> Facts {
        let mut facts = not_running();
        facts.engines.docker_socket = None;
        facts.engines.docker_remote = Some("tcp://10.0.0.1:2376".to_owned());
        facts
    }

    pub(super) fn no_docker() -> Facts {
        let mut facts = not_running();
        facts.engines.docker = None;
        facts
    }

    pub(super) fn not_wanted() -> Facts {
        let mut facts = not_running();
        facts.engines.wanted_by = None;
        facts
    }

    pub(super) fn podman_does_it() -> Facts {
        let mut facts = not_running();
        facts.engines.podman = Some(HostPath::from("/usr/bin/podman"));
        facts
    }
}
