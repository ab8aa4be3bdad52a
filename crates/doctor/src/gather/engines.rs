//! Container engines, and whether the project wants one.

use std::path::{Path, PathBuf};

use host::{Host, Os};

use super::path;
use crate::{EngineFacts, EngineSocket};

/// Files that say the project builds in containers.
const WISHES: &[&str] =
    &["Dockerfile", "Containerfile", "docker", "docker-compose.yml", "compose.yaml"];

pub(super) fn gather(host: &Host, project: &Path) -> EngineFacts {
    let docker_host = host.variables.text("DOCKER_HOST");
    let local = docker_host.as_deref().and_then(|address| address.strip_prefix("unix://"));
    let docker_remote = docker_host.clone().filter(|_| local.is_none());
    let socket = match (host.os, &docker_remote, local) {
        (Os::Windows, _, _) | (_, Some(_), _) => None,
        (_, None, Some(named)) => Some(PathBuf::from(named)),
        (_, None, None) => Some(default_socket(host)),
    };
    EngineFacts {
        podman: host.program("podman").map(path),
        docker: host.program("docker").map(path),
        docker_socket: socket.map(|file| EngineSocket {
            exists: host.exists(&file),
            may_write: host.may_write(&file),
            path: path(file),
        }),
        docker_remote,
        wanted_by: WISHES
            .iter()
            .map(|name| project.join(name))
            .find(|file| host.exists(file))
            .map(path),
    }
}

/// Docker's own socket, or a rootless one where only that is there.
fn default_socket(host: &Host) -> PathBuf {
    let usual = PathBuf::from("/var/run/docker.sock");
    if host.exists(&usual) {
        return usual;
    }
    let rootless = host.variables.path("XDG_RUNTIME_DIR").map(|run| run.join("docker.sock"));
    let desktop = host.home.as_ref().map(|home| home.join(".docker/run/docker.sock"));
    [rootless, desktop].into_iter().flatten().find(|file| host.exists(file)).unwrap_or(usual)
}
