//! Container engines that are missing or out of reach.

use std::os::unix::net::UnixListener;
use std::path::Path;

use report::Severity;

use crate::harness::{Sandbox, sandbox};

/// A project with a Dockerfile, on a machine without any engine.
fn project_without_engine(sandbox: &Sandbox) {
    sandbox.src_layout_project();
    sandbox.write("Dockerfile", "FROM scratch\n");
    let python = sandbox.python_off_path("3.12");
    sandbox.venv(&python, ".venv");
    let tools = sandbox.path("tools");
    sandbox.replace_with_link(&tools.join("sh"), "/bin/sh");
    sandbox.set_path(&[python.programs(), &tools]);
}

/// Puts a program of that name on `PATH`; it is never run.
fn install(sandbox: &Sandbox, name: &str) {
    sandbox.write_program(&sandbox.path("tools").join(name), "#!/bin/sh\nexit 1\n");
}

#[test]
fn no_engine_and_a_dockerfile() {
    sandbox(|sandbox| {
        project_without_engine(sandbox);
        let diagnosis = sandbox.doctor();
        diagnosis
            .silent()
            .severity("CTR001", Severity::Info)
            .evidence_contains("CTR001", "Dockerfile");
        install(sandbox, "podman");
        sandbox.doctor().gone("CTR001").gone("CTR002");
    });
}

#[test]
fn a_docker_whose_daemon_does_not_run() {
    sandbox(|sandbox| {
        project_without_engine(sandbox);
        install(sandbox, "docker");
        let socket = sandbox.path("docker.sock");
        sandbox.set("DOCKER_HOST", format!("unix://{}", socket.display()));
        let diagnosis = sandbox.doctor();
        diagnosis
            .silent()
            .severity("CTR002", Severity::Info)
            .message_contains("CTR002", "does not run")
            .evidence_contains("CTR002", "docker.sock");
        // The daemon that the cure starts listens there.
        let _daemon = UnixListener::bind(&socket).unwrap();
        sandbox.doctor().silent().gone("CTR002");
    });
}

#[test]
fn a_docker_on_another_machine_is_not_judged() {
    sandbox(|sandbox| {
        project_without_engine(sandbox);
        install(sandbox, "docker");
        sandbox.set("DOCKER_HOST", "tcp://127.0.0.1:1");
        sandbox.doctor().silent().gone("CTR002");
        sandbox.unset("DOCKER_HOST");
        let configuration = sandbox.home().join(".docker/config.json");
        sandbox.replace(Path::new(&configuration), "{\"currentContext\": \"colima\"}");
        sandbox.doctor().silent().gone("CTR002");
    });
}

#[test]
fn a_wheel_that_a_container_left_as_root() {
    const USER: u32 = 54_321;
    sandbox(|sandbox| {
        sandbox.src_layout_project();
        sandbox.write("Dockerfile", "FROM scratch\n");
        sandbox.write("dist/demo-0.1.0-py3-none-any.whl", "");
        sandbox.give_to(USER, "");
        let seen = || sandbox.doctor_as(USER, &["--only", "CTR005,FS"]);
        seen().silent();
        sandbox.give_to(0, "project/dist");
        let diagnosis = seen();
        diagnosis
            .only(&["CTR005"])
            .message_contains("CTR005", "dist belongs to root")
            .evidence_contains("CTR005", "you are 54321");
        // Root may change them.
        sandbox.doctor().gone("CTR005");
        sandbox.give_to(USER, "project/dist");
        seen().silent().gone("CTR005");
    });
}
