//! Trying engines: a container is run the way a build runs one, and looks around.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::{Host, Invocation, Scratch, Stream, create_directory};
use serde::{Deserialize, Serialize};

use super::observe::{self, Observation};
use super::tiny::{self, TinyImage};
use super::{Engine, Error, Ready, Remedy, Root, Run, Rung, Sandbox, Status, Tmpfs};
use super::{memory, namespaces};
use crate::image;

/// An engine that does not answer by then does not work.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest message that is kept of an attempt.
const MOST_SAID: usize = 2000;

/// One attempt to run a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What the engine was asked besides.
    pub rung: Rung,
    /// Why it did not do; `None` when it did.
    pub why_not: Option<String>,
}

/// Why an engine does not work here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It is not installed.
    NotInstalled,
    /// Its daemon does not run, or may not be used.
    NotReachable,
    /// It runs where it may not do what it has to.
    Restricted,
    /// There is nothing to run in it.
    NoImage,
    /// It runs containers, and not as a build needs them.
    NotIsolated,
}

impl Cause {
    /// The doctor's code for it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotInstalled => "CTR001",
            Self::NotReachable => "CTR002",
            Self::Restricted | Self::NotIsolated => "CTR003",
            Self::NoImage => "CTR004",
        }
    }
}

/// What came of trying one engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Which.
    pub engine: Engine,
    /// Its program, if there is one.
    pub program: Option<PathBuf>,
    /// What it says its version is.
    pub version: Option<String>,
    /// What was tried, in order.
    pub attempts: Vec<Attempt>,
    /// How it works; `None` when it does not.
    pub ready: Option<Ready>,
    /// Why it does not.
    pub cause: Option<Cause>,
    /// What makes it work, or work without what it is asked besides; a line each.
    pub cure: Vec<String>,
}

impl Trial {
    /// Why it does not work, in one line.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        if self.ready.is_some() {
            return None;
        }
        Some(self.attempts.last().and_then(|last| last.why_not.clone()).unwrap_or_default())
    }
}

/// Tries engines one after the other; `each` is told of each when its turn comes.
///
/// # Errors
/// There is no directory for the tool's own files. That an engine does not work is a trial.
pub fn probe(
    host: &Host,
    engines: &[Engine],
    mut each: impl FnMut(Engine),
) -> Result<Vec<Trial>, Error> {
    let mut trials = Vec::new();
    for &engine in engines {
        each(engine);
        trials.push(probe_one(host, engine)?);
    }
    Ok(trials)
}

/// Tries one engine: the rung that worked the last time first, then the ladder from below.
///
/// # Errors
/// As [`probe`].
pub fn probe_one(host: &Host, engine: Engine) -> Result<Trial, Error> {
    let mut trial = Trial {
        engine,
        program: None,
        version: None,
        attempts: Vec::new(),
        ready: None,
        cause: None,
        cure: Vec::new(),
    };
    let Some(program) = program(host, engine) else {
        let name = match engine {
            Engine::Namespaces => namespaces::missing(host).unwrap_or("unshare"),
            Engine::Host => "sh",
            Engine::Podman | Engine::Docker => engine.name(),
        };
        trial.fail(Rung::default(), Cause::NotInstalled, format!("`{name}` is not on PATH"));
        return Ok(trial);
    };
    trial.program = Some(program.clone());
    let version = match version(engine, &program) {
        Ok(version) => version,
        Err(said) => {
            trial.fail(Rung::default(), cause(&said), said);
            return Ok(trial);
        }
    };
    trial.version = Some(version.clone());
    let cache = host.cache_directory().ok_or(Error::NoCache)?.join("probes");
    let scratch = Scratch::new(&cache, "probe").map_err(Error::file(&cache))?;
    let tiny = if engine == Engine::Host {
        None
    } else {
        match tiny::make(host, scratch.path()) {
            Ok(tiny) => Some(tiny),
            Err(error) => {
                trial.fail(Rung::default(), Cause::NoImage, error.to_string());
                return Ok(trial);
            }
        }
    };
    let key = memory::key(host, &program, &version);
    let remembered = memory::recall(host, engine, &key).unwrap_or_default();
    let mut climbing = remembered == Rung::default();
    let mut rung = remembered;
    loop {
        let (program, version) = (program.clone(), version.clone());
        let ready = Ready { engine, program, version, rung: rung.clone() };
        match attempt(host, &ready, tiny.as_ref(), scratch.path()) {
            Ok(()) => {
                memory::remember(host, &ready, &key);
                trial.attempts.push(Attempt { rung, why_not: None });
                trial.cause = None;
                trial.cure = cure_of_rung(&ready.rung);
                trial.ready = Some(ready);
                return Ok(trial);
            }
            Err(said) => {
                let cause = cause(&said);
                trial.fail(rung.clone(), cause, said.clone());
                let next = match cause {
                    Cause::Restricted | Cause::NotIsolated if !climbing => Some(Rung::default()),
                    Cause::Restricted if is_beyond_flags(&said) => None,
                    Cause::Restricted => rung.next(engine, &said),
                    Cause::NotIsolated => rung.answer(engine, &said),
                    // What asks for something else than another flag is not cured by one.
                    Cause::NotInstalled | Cause::NotReachable | Cause::NoImage => None,
                };
                climbing = true;
                match next {
                    Some(next) => rung = next,
                    None => return Ok(trial),
                }
            }
        }
    }
}

impl Trial {
    fn fail(&mut self, rung: Rung, cause: Cause, why_not: String) {
        self.cure = cure(self.engine, cause, &why_not);
        self.cause = Some(cause);
        self.attempts.push(Attempt { rung, why_not: Some(why_not) });
    }
}

fn program(host: &Host, engine: Engine) -> Option<PathBuf> {
    match engine {
        Engine::Podman | Engine::Docker => host.program(engine.name()),
        Engine::Namespaces if namespaces::missing(host).is_some() => None,
        Engine::Namespaces => host.program("unshare").or_else(|| Some("/usr/bin/unshare".into())),
        Engine::Host => host.program("sh"),
    }
}

/// What the engine says its version is; of docker the daemon's, which does the work.
fn version(engine: Engine, program: &Path) -> Result<String, String> {
    let arguments: &[&str] = match engine {
        Engine::Podman => &["version", "--format", "{{.Client.Version}}"],
        Engine::Docker => &["version", "--format", "{{.Server.Version}}"],
        Engine::Namespaces => &["--version"],
        Engine::Host => return Ok("this machine".to_owned()),
    };
    let output = Invocation::new(program).args(arguments).timeout(PATIENCE).output();
    let output = output.map_err(|error| error.to_string())?;
    if !output.success() {
        return Err(last_lines(&output.stderr_text()));
    }
    let text = output.stdout_text();
    Ok(text.trim().rsplit(' ').next().unwrap_or_default().to_owned())
}

/// Runs the observer the way a build runs its commands.
fn attempt(
    host: &Host,
    ready: &Ready,
    tiny: Option<&TinyImage>,
    place: &Path,
) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let root = match tiny {
        None => Root::Machine,
        Some(tiny) if !ready.engine.has_store() => Root::Directory(tiny.directory.clone()),
        Some(tiny) => {
            let name = format!("localhost/truewheel-probe:{}", &tiny.sum[..16]);
            image::put(ready, &tiny.archive, &name, &tiny.sum).map_err(|error| text(&error))?;
            Root::Image(name)
        }
    };
    let (input, output) = (place.join("input"), place.join("output"));
    for directory in [&input, &output] {
        create_directory(directory).map_err(|error| text(&error))?;
    }
    let _ = host::remove_tree(&output.join("truewheel-probe"));
    let sandbox = Sandbox::new(host, ready.clone(), root).map_err(|error| text(&error))?;
    let places = ["/out", "/in", "/tmp"].map(|target| sandbox.inside(target));
    let mut run = Run::new(["/bin/sh", "-c", observe::SCRIPT, "sh"]);
    run.argv.extend(places);
    run.tmpfs = vec![Tmpfs { target: "/tmp".to_owned(), megabytes: 16 }];
    run.umask = 0o027;
    run.limits.time = Some(PATIENCE);
    let run = run.input(input, "/in").output(&output, "/out");
    let run = run.env("PROBE", "a b").env("PROBE_EMPTY", "");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let outcome = sandbox
        .run(&run, |stream, line| match stream {
            Stream::Out => out.push(line.to_owned()),
            Stream::Error => err.push(line.to_owned()),
        })
        .map_err(|error| match error {
            Error::NotStarted { said, .. } => last_lines(&said.join("\n")),
            other => other.to_string(),
        })?;
    match outcome.status {
        Status::Exited(0) => {}
        Status::TimedOut => {
            return Err(format!("a container ran longer than {} s", PATIENCE.as_secs()));
        }
        other => return Err(format!("a container ended with {other:?}: {}", err.join(" "))),
    }
    let mut seen = Observation::read(out.iter().map(String::as_str));
    seen.standard_error = err;
    let may_be_root = ready.rung.has(Remedy::MappedRoot);
    let mut faults = seen.faults(ready.engine.is_hermetic(), may_be_root);
    match host.symlink_metadata(&output.join("truewheel-probe")) {
        Err(_) => faults.push(
            "what it writes does not arrive here: its daemon is on another machine, or in a \
             container of its own"
                .to_owned(),
        ),
        Ok(file) if host.user_id.is_some_and(|user| user != file.uid) => {
            faults.push(format!("what it writes belongs to user {}", file.uid));
        }
        Ok(_) => {}
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(format!("a container ran, but {}", faults.join("; ")))
    }
}

/// The end of what was said, in one line; engines warn first and say last why they stop.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let is_warning = |line: &&str| line.contains("level=warning") || line.starts_with("WARN");
    let said: Vec<&str> = lines.iter().copied().filter(|line| !is_warning(line)).collect();
    let lines = if said.is_empty() { lines } else { said };
    let start = lines.len().saturating_sub(3);
    lines[start..].join("; ").chars().take(MOST_SAID).collect()
}

/// Parts of messages, in lower case, with the cause they tell. The first that fits counts.
const CAUSES: &[(&str, Cause)] = &[
    ("is not on path", Cause::NotInstalled),
    ("cannot connect to the docker daemon", Cause::NotReachable),
    ("is the docker daemon running", Cause::NotReachable),
    ("docker daemon socket", Cause::NotReachable),
    ("docker.sock", Cause::NotReachable),
    ("error during connect", Cause::NotReachable),
    ("podman machine", Cause::NotReachable),
    ("no image to run", Cause::NoImage),
    ("a container ran, but", Cause::NotIsolated),
];

/// Parts of messages, in lower case, of what no flag mends: users without further ids to map, a
/// runtime that is not installed, a store that another version or driver made, an engine that does
/// not answer.
const BEYOND_FLAGS: &[&str] = &[
    "subuid",
    "enough ids",
    "not found in $path",
    "no such file or directory",
    "database configuration mismatch",
    "ran longer than",
];

fn is_beyond_flags(said: &str) -> bool {
    let said = said.to_lowercase();
    BEYOND_FLAGS.iter().any(|part| said.contains(part))
}

fn cause(said: &str) -> Cause {
    let said = said.to_lowercase();
    CAUSES.iter().find(|(part, _)| said.contains(part)).map_or(Cause::Restricted, |(_, c)| *c)
}

/// What makes an engine work that does not, where that is known.
fn cure(engine: Engine, cause: Cause, said: &str) -> Vec<String> {
    let said = said.to_lowercase();
    let lines: &[&str] = match (engine, cause) {
        (Engine::Podman, Cause::NotInstalled) => &["apt-get install podman"],
        (Engine::Docker, Cause::NotInstalled) => &["apt-get install docker.io"],
        (Engine::Namespaces, Cause::NotInstalled) => &["apt-get install util-linux"],
        (Engine::Podman, Cause::NotReachable) => &["podman machine start"],
        (_, Cause::NotReachable) if said.contains("permission denied") => {
            &["usermod --append --groups docker $USER, and log in again"]
        }
        (_, Cause::NotReachable) => &["systemctl start docker"],
        (_, Cause::NoImage) => &["truewheel image bootstrap"],
        (Engine::Podman, _) if said.contains("subuid") || said.contains("enough ids") => &[
            "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $USER",
            "podman system migrate",
        ],
        (Engine::Podman, _) if said.contains("runc") && said.contains("not found") => {
            &["apt-get install runc"]
        }
        (Engine::Namespaces, _) if said.contains("unshare") => &[
            "sysctl kernel.unprivileged_userns_clone=1 (Debian)",
            "sysctl kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu)",
        ],
        _ => &[],
    };
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// What makes an engine work without being asked more than usual.
fn cure_of_rung(rung: &Rung) -> Vec<String> {
    let line = |remedy: &Remedy| match remedy {
        Remedy::Ulimits => Some("containers.conf: default_ulimits = [\"nofile=1024:1024\"]"),
        Remedy::Runc => Some("containers.conf: runtime = \"runc\""),
        Remedy::Cgroupfs => Some("containers.conf: cgroup_manager = \"cgroupfs\""),
        Remedy::Vfs => Some("apt-get install fuse-overlayfs"),
        _ => None,
    };
    rung.remedies().iter().filter_map(line).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_engine_says_tells_the_cause_and_the_cure() {
        for (engine, said, expected, first) in [
            (
                Engine::Docker,
                "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker \
                 daemon running?",
                Cause::NotReachable,
                "systemctl start docker",
            ),
            (
                Engine::Docker,
                "permission denied while trying to connect to the Docker daemon socket",
                Cause::NotReachable,
                "usermod --append --groups docker $USER, and log in again",
            ),
            (
                Engine::Podman,
                "ERRO[0000] cannot find UID/GID for user dev: no subuid ranges found",
                Cause::Restricted,
                "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $USER",
            ),
            (
                Engine::Namespaces,
                "unshare: unshare failed: Operation not permitted",
                Cause::Restricted,
                "sysctl kernel.unprivileged_userns_clone=1 (Debian)",
            ),
            (
                Engine::Podman,
                "`podman` is not on PATH",
                Cause::NotInstalled,
                "apt-get install podman",
            ),
        ] {
            assert_eq!(cause(said), expected, "{said}");
            assert_eq!(cure(engine, expected, said)[0], first, "{said}");
        }
        assert!(is_beyond_flags("no subuid ranges found for user \"\" in /etc/subuid"));
        assert!(is_beyond_flags("a container ran longer than 60 s"));
        assert!(!is_beyond_flags("crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted"));
    }

    #[test]
    fn warnings_are_left_out_where_there_is_more() {
        let text = "time=\"now\" level=warning msg=\"CNI\"\nError: crun: no\n";
        assert_eq!(last_lines(text), "Error: crun: no");
        assert_eq!(last_lines("level=warning only"), "level=warning only");
        assert_eq!(last_lines("1\n2\n\n3\n4\n"), "2; 3; 4");
    }
}
