//! podman and docker: their command lines, and what a dead owner left in them.

use std::path::Path;
use std::time::Duration;

use host::{Host, Ids, Invocation, Owner};

use super::{Engine, Ready, Remedy, Run};

/// Names of containers begin so, and go on with their owner and a number.
const PREFIX: &str = "truewheel-";
/// An engine that does not answer by then does not answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The largest limits that are asked for when limits are named.
const MOST_FILES: u64 = 65_536;
const MOST_PROCESSES: u64 = 32_768;

/// A name that says who made the container.
pub(super) fn name(owner: &Owner, number: u64) -> String {
    format!("{PREFIX}{owner}-{number}")
}

/// The owner that a name tells.
fn owner(name: &str) -> Option<Owner> {
    name.strip_prefix(PREFIX)?.rsplit_once('-')?.0.parse().ok()
}

/// The engine's program with what comes before every command of it.
#[must_use]
pub fn engine(ready: &Ready) -> Invocation {
    let mut command = Invocation::new(&ready.program);
    if ready.engine == Engine::Podman {
        if ready.rung.has(Remedy::Cgroupfs) {
            command = command.arg("--cgroup-manager=cgroupfs");
        }
        if ready.rung.has(Remedy::Vfs) {
            command = command.arg("--storage-driver=vfs");
        }
        if ready.rung.has(Remedy::Runc) {
            command = command.arg("--runtime=runc");
        }
    }
    command
}

/// Who the command runs as, and who that is for the engine.
#[derive(Debug, Clone, Copy)]
pub(super) enum User {
    /// The engine is root's: that user, who is nobody's here.
    Plain(u32),
    /// The engine is a user's: that user inside is the caller outside.
    KeepId(u32),
    /// A daemon of root's that a user calls: the caller.
    Caller(Ids),
}

impl User {
    pub(super) fn of(engine: Engine, own: Option<Ids>, wanted: u32) -> Self {
        match own {
            Some(ids) if ids.user != 0 && engine == Engine::Docker => Self::Caller(ids),
            Some(ids) if ids.user != 0 => Self::KeepId(wanted),
            _ => Self::Plain(wanted),
        }
    }
}

/// The command line that runs `shell` (the arguments of `/bin/sh`) in a container.
pub(super) fn command(
    ready: &Ready,
    name: &str,
    image: &str,
    run: &Run,
    user: User,
    ceiling: Ceiling,
    shell: &[String],
) -> Invocation {
    let mut command = engine(ready).args(["run", "--rm", "--pull=never", "--name", name]);
    command = command.args(["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges"]);
    command = command.args(["--log-driver=none", "--hostname", &run.host_name]);
    command = command.arg(if run.network { "--network=host" } else { "--network=none" });
    if ready.engine == Engine::Podman {
        command = command.args(["--read-only-tmpfs=false", "--http-proxy=false"]);
    }
    if ready.rung.has(Remedy::NoLabels) {
        command = command.arg("--security-opt=label=disable");
    }
    if !ready.rung.has(Remedy::NoProcessLimit) {
        command = command.arg(format!("--pids-limit={}", run.limits.processes));
    }
    if ready.rung.has(Remedy::Ulimits) {
        let Ceiling { files, processes } = ceiling;
        command = command.arg(format!("--ulimit=nofile={files}:{files}"));
        command = command.arg(format!("--ulimit=nproc={processes}:{processes}"));
    }
    command = match user {
        User::Plain(user) => command.arg(format!("--user={user}:{user}")),
        User::KeepId(user) => command
            .arg(format!("--userns=keep-id:uid={user},gid={user}"))
            .arg(format!("--user={user}:{user}")),
        User::Caller(ids) => command.arg(format!("--user={}:{}", ids.user, ids.group)),
    };
    for tmpfs in &run.tmpfs {
        command = command.arg("--tmpfs").arg(format!(
            "{}:rw,exec,nosuid,nodev,size={}m,mode=1777",
            tmpfs.target, tmpfs.megabytes
        ));
    }
    for mount in &run.mounts {
        let source = mount.source.display();
        let access = if mount.writable { "" } else { ",readonly" };
        let text = format!("type=bind,source={source},target={}{access}", mount.target);
        command = command.arg("--mount").arg(text);
    }
    command.args(["--entrypoint", "/bin/sh", image]).args(shell)
}

/// The command that removes a container, whether it runs or not.
fn remove(ready: &Ready, name: &str) -> Invocation {
    let command = engine(ready).args(["rm", "--force"]);
    let command = match ready.engine {
        Engine::Podman => command.args(["--time", "0", "--ignore"]),
        _ => command,
    };
    command.arg(name)
}

/// Removes a container now; that there is none is no error.
pub(super) fn remove_now(ready: &Ready, name: &str) {
    let _ = remove(ready, name).timeout(PATIENCE).output();
}

/// For a guard: removes a container, and again for a while, since an engine that was just asked to
/// make it may not have done so yet.
pub(super) fn remove_for_sure(ready: &Ready, name: &str) -> Invocation {
    let script = "for pause in 0 0.3 1 2; do sleep $pause; \"$@\"; done";
    remove(ready, name).within_shell(script)
}

/// The highest limits that may be asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ceiling {
    files: u64,
    processes: u64,
}

impl Ceiling {
    /// Those of this process, which its children may not raise.
    pub(super) fn of(host: &Host) -> Self {
        let text = host.read_text(Path::new("/proc/self/limits"), 16 << 10).unwrap_or_default();
        Self {
            files: hard_limit(&text, "Max open files").unwrap_or(1024).min(MOST_FILES),
            processes: hard_limit(&text, "Max processes").unwrap_or(4096).min(MOST_PROCESSES),
        }
    }
}

/// `Max open files            1024                 20000                files`; unlimited is `MAX`.
fn hard_limit(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    let hard = line.split_whitespace().nth(1)?;
    if hard == "unlimited" { Some(u64::MAX) } else { hard.parse().ok() }
}

/// Removes the containers that processes left which are gone, and gives their names.
///
/// Others' containers are not touched, nor those of a process that is alive or cannot be judged.
pub fn reap(host: &Host, ready: &Ready) -> Vec<String> {
    if !ready.engine.has_store() {
        return Vec::new();
    }
    let list = ["ps", "--all", "--filter", "name=truewheel-", "--format", "{{.Names}}"];
    let Ok(listed) = engine(ready).args(list).timeout(PATIENCE).output() else {
        return Vec::new();
    };
    let text = listed.stdout_text();
    let left = abandoned(&text, |owner| owner.is_gone(host));
    for name in &left {
        remove_now(ready, name);
    }
    left
}

fn abandoned(listed: &str, is_gone: impl Fn(&Owner) -> bool) -> Vec<String> {
    listed
        .lines()
        .map(str::trim)
        .filter(|name| owner(name).is_some_and(|owner| is_gone(&owner)))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::engine::Rung;

    fn ready(engine: Engine, remedies: &[Remedy]) -> Ready {
        Ready {
            engine,
            program: PathBuf::from(engine.name()),
            version: "1".to_owned(),
            rung: Rung::with(remedies.iter().copied()),
        }
    }

    fn line(ready: &Ready, run: &Run, user: User) -> String {
        let ceiling = Ceiling { files: 20_000, processes: 4096 };
        let shell = ["-c".to_owned(), "SCRIPT".to_owned()];
        command(ready, "truewheel-x", "IMAGE", run, user, ceiling, &shell).display()
    }

    fn run() -> Run {
        Run::new(["true"]).input("/src", "/build").output("/out dir", "/out")
    }

    #[test]
    fn docker_as_it_comes() {
        insta::assert_snapshot!(line(&ready(Engine::Docker, &[]), &run(), User::Plain(1000)), @"docker run --rm --pull=never --name truewheel-x --read-only --cap-drop=all --security-opt=no-new-privileges --log-driver=none --hostname truewheel --network=none --pids-limit=4096 --user=1000:1000 --tmpfs /tmp:rw,exec,nosuid,nodev,size=1024m,mode=1777 --mount type=bind,source=/src,target=/build,readonly --mount 'type=bind,source=/out dir,target=/out' --entrypoint /bin/sh IMAGE -c SCRIPT");
    }

    #[test]
    fn podman_with_every_remedy_and_a_network_as_a_user() {
        let remedies = Rung::with([
            Remedy::Ulimits,
            Remedy::Runc,
            Remedy::Cgroupfs,
            Remedy::NoProcessLimit,
            Remedy::NoLabels,
            Remedy::Vfs,
        ]);
        let ready = ready(Engine::Podman, remedies.remedies());
        let run = Run { network: true, tmpfs: Vec::new(), mounts: Vec::new(), ..run() };
        insta::assert_snapshot!(line(&ready, &run, User::KeepId(1000)), @"podman --cgroup-manager=cgroupfs --storage-driver=vfs --runtime=runc run --rm --pull=never --name truewheel-x --read-only --cap-drop=all --security-opt=no-new-privileges --log-driver=none --hostname truewheel --network=host --read-only-tmpfs=false --http-proxy=false --security-opt=label=disable --ulimit=nofile=20000:20000 --ulimit=nproc=4096:4096 --userns=keep-id:uid=1000,gid=1000 --user=1000:1000 --entrypoint /bin/sh IMAGE -c SCRIPT");
    }

    #[test]
    fn a_container_is_run_as_nobody_here_or_as_the_caller() {
        let user = |user| Some(Ids { user, group: user });
        assert!(matches!(User::of(Engine::Podman, user(0), 7), User::Plain(7)));
        assert!(matches!(User::of(Engine::Podman, user(5), 7), User::KeepId(7)));
        assert!(matches!(User::of(Engine::Docker, user(5), 7), User::Caller(Ids { user: 5, .. })));
        assert!(matches!(User::of(Engine::Docker, None, 7), User::Plain(7)));
    }

    #[test]
    fn only_what_a_dead_owner_left_is_abandoned() {
        let listed = "truewheel-0a0a0a0a-4026531836-10-5-0\ntruewheel-0a0a0a0a-4026531836-11-5-3\n\
                      truewheel-base\nsomebody-elses\n";
        let left = abandoned(listed, |owner| owner.to_string().ends_with("-11-5"));
        assert_eq!(left, ["truewheel-0a0a0a0a-4026531836-11-5-3"]);
    }

    #[test]
    fn limits_are_read_as_linux_writes_them() {
        let text = "Limit                     Soft Limit           Hard Limit           Units\n\
                    Max processes             96365                unlimited            processes\n\
                    Max open files            1024                 20000                files\n";
        assert_eq!(hard_limit(text, "Max open files"), Some(20_000));
        assert_eq!(hard_limit(text, "Max processes"), Some(u64::MAX));
        assert_eq!(hard_limit("", "Max processes"), None);
    }
}
