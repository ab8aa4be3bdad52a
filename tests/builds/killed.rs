//! What is left of a build that is killed: nothing.

use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use host::{Host, Invocation};
use tempfile::TempDir;
use wheelbuild::engine::Engine;

use crate::leftovers;
use crate::support::{Project, cache, truewheel, works};

/// Cleaning up must be over by then.
const PATIENCE: Duration = Duration::from_secs(120);

/// Names a test for each engine and signal.
macro_rules! killed {
    ($($name:ident: $engine:ident $signal:literal,)*) => {
        $(#[test] fn $name() { nothing_is_left(Engine::$engine, $signal, concat!("killed::", stringify!($name))) })*
    };
}

killed! {
    podman_after_ctrl_c: Podman "INT",
    podman_after_kill_9: Podman "KILL",
    docker_after_ctrl_c: Docker "INT",
    docker_after_kill_9: Docker "KILL",
    namespaces_after_ctrl_c: Namespaces "INT",
    namespaces_after_kill_9: Namespaces "KILL",
    no_engine_after_ctrl_c: Host "INT",
}

fn nothing_is_left(engine: Engine, signal: &str, test: &str) {
    if !works(engine, test) || !works(Engine::Namespaces, test) {
        return;
    }
    let project = Project::of("mixed", "project");
    project.lock();
    // A store of its own, so that what other tests make meanwhile is not taken for what is left.
    let own = TempDir::new_in(cache()).unwrap();
    for shared in ["images", "inputs"] {
        host::make_link(&cache().join(shared), &own.path().join(shared)).unwrap();
    }
    let build = truewheel(&project.path)
        .args(["build", "--engine", engine.name(), "--format", "json", "--locked"])
        .env("TRUEWHEEL_CACHE_DIR", own.path());
    // Started in the background a shell ignores Ctrl-C, and so would what it starts.
    let build = with_signals(&build);
    let (tell, told) = mpsc::channel();
    let compiles = std::sync::atomic::AtomicBool::new(false);
    let seen = std::sync::atomic::Ordering::SeqCst;
    let process = thread::scope(|scope| {
        let victim = scope.spawn(|| {
            build.stream(
                |id| tell.send(id).unwrap(),
                |_, line: &str| {
                    if line.contains("\"event\":\"crate\"") {
                        compiles.store(true, seen);
                    }
                },
            )
        });
        let process = told.recv_timeout(PATIENCE).unwrap();
        wait_until(|| compiles.load(seen) || victim.is_finished(), "nothing is compiled");
        assert!(!victim.is_finished(), "it ended by itself");
        let kill = Invocation::new("kill").args(["-s", signal, "--", &process.to_string()]);
        assert!(kill.output().unwrap().success());
        let output = victim.join().unwrap().unwrap();
        assert!(!output.success());
        process
    });
    let word = own.path().display().to_string();
    wait_until(
        || leftovers::processes_with(|argument| argument.contains(&word)).is_empty(),
        "a process is left",
    );
    wait_until(|| !mounts().contains(&word), "a mount is left");
    wait_until(
        || leftovers::containers_of(engine, Path::new(engine.name()), process).is_empty(),
        "a container is left",
    );
    assert_eq!(project.files("dist"), [""; 0]);
    // Files of a process that was killed go with the next build.
    let again = truewheel(&project.path)
        .args(["build", "sdist", "--engine", engine.name(), "--locked"])
        .env("TRUEWHEEL_CACHE_DIR", own.path());
    let output = again.output().unwrap();
    assert!(output.success(), "{}", output.stderr_text());
    for place in ["builds", "sandboxes", "inputs/tmp"] {
        let Ok(entries) = fs_err::read_dir(own.path().join(place)) else { continue };
        let left: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name.contains(&format!("-{process}-")))
            .collect();
        assert!(left.is_empty(), "{place}: {left:?}");
    }
}

fn with_signals(call: &Invocation) -> Invocation {
    call.clone().within_shell("exec env --default-signal=INT \"$@\"")
}

fn wait_until(is_so: impl FnMut() -> bool, otherwise: &str) {
    leftovers::wait_until(PATIENCE, is_so, otherwise);
}

fn mounts() -> String {
    let host = Host::current().unwrap();
    host.read_text(Path::new("/proc/self/mounts"), 16 << 20).unwrap()
}
