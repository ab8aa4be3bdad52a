//! Container engines, and whether the project wants one.

use std::path::{Path, PathBuf};

use host::{Host, Os, Seen};

use super::path;
use crate::{ControlGroups, EngineFacts, EngineSocket};

/// Files that say the project builds in containers.
const WISHES: &[&str] =
    &["Dockerfile", "Containerfile", "docker", "docker-compose.yml", "compose.yaml"];

/// Longest configuration that is read.
const CONFIGURATION_LIMIT: u64 = 1 << 20;

pub(super) fn gather(host: &Host, project: &Path) -> EngineFacts {
    let docker_host = host.variables.text("DOCKER_HOST").or_else(|| {
        // A context other than the default one has an address of its own, which is not asked for.
        docker_context(host).map(|name| format!("context {name}"))
    });
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
        wanted_by: wanted_by(host, project).map(path),
        control_groups: control_groups(host),
        runtimes: RUNTIMES
            .iter()
            .filter(|name| is_installed(host, name))
            .map(|n| (*n).to_owned())
            .collect(),
        may_raise_limits: may_raise_limits(host),
        proven: Vec::new(),
        image: None,
    }
}

/// Container runtimes that podman knows.
const RUNTIMES: [&str; 2] = ["crun", "runc"];

/// podman looks for its runtimes in these places, whatever `PATH` says.
fn is_installed(host: &Host, runtime: &str) -> bool {
    let places = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin"];
    places.iter().any(|place| host.is_executable(&Path::new(place).join(runtime)))
}

fn control_groups(host: &Host) -> Option<ControlGroups> {
    let mounts = host.read_text(Path::new("/proc/self/mounts"), CONFIGURATION_LIMIT).ok()?;
    groups_of(&mounts)
}

/// `cgroup2 /sys/fs/cgroup cgroup2 rw 0 0`
fn groups_of(mounts: &str) -> Option<ControlGroups> {
    let kinds = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind) = (fields.next()?, fields.next()?);
        point.starts_with("/sys/fs/cgroup").then_some(kind)
    });
    let (mut old, mut new) = (false, false);
    for kind in kinds {
        old |= kind == "cgroup";
        new |= kind == "cgroup2";
    }
    match (old, new) {
        (true, true) => Some(ControlGroups::Hybrid),
        (true, false) => Some(ControlGroups::Legacy),
        (false, true) => Some(ControlGroups::Unified),
        (false, false) => None,
    }
}

/// The bit of the right to raise limits, `CAP_SYS_RESOURCE`.
const RAISE_LIMITS: u64 = 1 << 24;

fn may_raise_limits(host: &Host) -> Seen<bool> {
    // A user's podman raises nothing that it may not.
    if host.user_id != Some(0) {
        return Seen::Absent;
    }
    let status = host.read_text(Path::new("/proc/self/status"), CONFIGURATION_LIMIT);
    let rights = status.ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
        u64::from_str_radix(line.trim(), 16).ok()
    });
    rights.map_or(Seen::Absent, |rights| Seen::Seen(rights & RAISE_LIMITS != 0))
}

/// A `[build]` section of this tool's own configuration, else a file that is made for an engine.
fn wanted_by(host: &Host, project: &Path) -> Option<PathBuf> {
    let own = project.join("truewheel.toml");
    let builds = host
        .read_text(&own, CONFIGURATION_LIMIT)
        .ok()
        .and_then(|text| toml::from_str::<toml::Table>(&text).ok())
        .is_some_and(|table| table.contains_key("build"));
    if builds {
        return Some(own);
    }
    WISHES.iter().map(|name| project.join(name)).find(|file| host.exists(file))
}

/// The context that `docker` uses, if it is not the default one: `DOCKER_CONTEXT`, else
/// `currentContext` of its configuration.
fn docker_context(host: &Host) -> Option<String> {
    let named = host.variables.text("DOCKER_CONTEXT").or_else(|| {
        let directory = host
            .variables
            .path("DOCKER_CONFIG")
            .or_else(|| host.home.as_ref().map(|home| home.join(".docker")))?;
        let bytes = host.read(&directory.join("config.json"), CONFIGURATION_LIMIT).ok()?;
        let configuration: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
        Some(configuration.get("currentContext")?.as_str()?.to_owned())
    });
    named.filter(|name| !name.is_empty() && name != "default")
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use host::{Arch, Machine};

    use super::*;

    fn machine(variables: &[(&str, &str)], files: &[(&str, &str)]) -> Host {
        Host::recorded(Machine {
            os: Os::Linux,
            arch: Arch::X86_64,
            working_directory: "/home/dev".into(),
            home: Some("/home/dev".into()),
            variables: variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            files: files.iter().map(|(f, t)| (PathBuf::from(f), (*t).to_owned())).collect(),
            binaries: BTreeMap::new(),
            directories: Vec::new(),
            links: BTreeMap::new(),
            registry: BTreeMap::new(),
        })
    }

    #[test]
    fn a_context_or_an_address_elsewhere_is_remote() {
        let remote = |variables: &[(&str, &str)], files: &[(&str, &str)]| {
            gather(&machine(variables, files), Path::new("/p")).docker_remote
        };
        assert_eq!(remote(&[], &[]), None);
        assert_eq!(
            remote(&[("DOCKER_HOST", "tcp://x:2375")], &[]).as_deref(),
            Some("tcp://x:2375")
        );
        assert_eq!(remote(&[("DOCKER_HOST", "unix:///run/d.sock")], &[]), None);
        let file = "/home/dev/.docker/config.json";
        let colima = r#"{"currentContext": "colima"}"#;
        assert_eq!(remote(&[], &[(file, colima)]).as_deref(), Some("context colima"));
        assert_eq!(remote(&[], &[(file, r#"{"currentContext": "default"}"#)]), None);
        assert_eq!(remote(&[], &[(file, "{")]), None);
    }

    #[test]
    fn layouts_of_control_groups_are_told_apart() {
        let new = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n";
        let old =
            "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n";
        let both = format!("{old}cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n");
        assert_eq!(groups_of(new), Some(ControlGroups::Unified));
        assert_eq!(groups_of(old), Some(ControlGroups::Legacy));
        assert_eq!(groups_of(&both), Some(ControlGroups::Hybrid));
        assert_eq!(groups_of("proc /proc proc rw 0 0\n"), None);
    }

    #[test]
    fn wishes_and_sockets_are_seen() {
        let own = [("/p/truewheel.toml", "[build]\n"), ("/p/Dockerfile", "")];
        let facts = gather(&machine(&[], &own), Path::new("/p"));
        assert_eq!(facts.wanted_by, Some(path("/p/truewheel.toml")));
        let files = [("/p/Dockerfile", ""), ("/run/user/1000/docker.sock", "")];
        let facts =
            gather(&machine(&[("XDG_RUNTIME_DIR", "/run/user/1000")], &files), Path::new("/p"));
        assert_eq!(facts.wanted_by, Some(path("/p/Dockerfile")));
        let socket = facts.docker_socket.unwrap();
        assert!(socket.exists);
        assert_eq!(socket.path, path("/run/user/1000/docker.sock"));
    }
}
