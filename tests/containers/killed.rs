//! What is left when the process that runs a container ends before it does: nothing.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use host::{Host, Invocation, Owner};
use tempfile::TempDir;
use wheelbuild::engine::{Engine, Root, Sandbox, reap};
use wheelbuild::image::{Store, root_for};

use crate::leftovers;
use crate::support::{
    PATIENCE, base, containers_of, for_each_engine, machine, processes_with, ready, sandbox, script,
};

/// Where the process that is going to be killed learns what to run.
const ENGINE: &str = "TRUEWHEEL_TEST_ENGINE";
const IMAGE: &str = "TRUEWHEEL_TEST_IMAGE";
const WORD: &str = "TRUEWHEEL_TEST_WORD";
const BEGUN: &str = "TRUEWHEEL_TEST_BEGUN";

for_each_engine!(
    nothing_is_left_after_ctrl_c,
    who_is_told_to_ignore_ctrl_c_goes_on,
    nothing_is_left_after_kill_9,
    nothing_is_left_after_a_panic,
);

/// How a shell starts a command in the foreground. One that is started in the background of a script,
/// or by some CI systems, ignores Ctrl-C, and so does everything that it starts: these tests too.
const IN_FRONT: &str = "--default-signal=INT";
/// How a shell without job control starts a command in the background.
const BEHIND: &str = "--ignore-signal=INT";

fn nothing_is_left_after_ctrl_c(engine: Engine, test: &str) {
    nothing_is_left_after(IN_FRONT, &["INT"], engine, test);
}

fn who_is_told_to_ignore_ctrl_c_goes_on(engine: Engine, test: &str) {
    nothing_is_left_after(BEHIND, &["INT", "KILL"], engine, test);
}

fn nothing_is_left_after_kill_9(engine: Engine, test: &str) {
    nothing_is_left_after(IN_FRONT, &["KILL"], engine, test);
}

/// Not a test by itself: what is killed. Other tests start it with an engine to run.
#[test]
fn runs_until_it_is_killed() {
    let host = machine();
    let asked = |name| host.variables.text(name);
    let Some(engine) = asked(ENGINE) else { return };
    let engine = Engine::ALL.into_iter().find(|known| known.name() == engine).unwrap();
    let ready = ready(engine, "").unwrap();
    let root = match asked(IMAGE) {
        Some(sum) => {
            let image = Store::of(&host).unwrap().get(&host, &sum).unwrap().unwrap();
            root_for(&host, &ready, &image).unwrap()
        }
        None => Root::Machine,
    };
    let sandbox = Sandbox::new(&host, ready, root).unwrap();
    let (word, begun) = (asked(WORD).unwrap(), asked(BEGUN).unwrap());
    // A child that leaves its session and a parent that ignores what a terminal sends.
    let text = format!("trap '' INT TERM HUP; setsid sleep {word} & echo begun; sleep {word}; :");
    let outcome = sandbox.run(&script(&text), |_, line| {
        if line == "begun" {
            fs_err::write(&begun, "").unwrap();
        }
    });
    panic!("it ended by itself: {outcome:?}");
}

/// Of these signals only the last one ends it.
fn nothing_is_left_after(start: &str, signals: &[&str], engine: Engine, test: &str) {
    let Some(ready) = ready(engine, test) else { return };
    let image = match engine {
        Engine::Host => None,
        _ => match base(test) {
            Some(image) => Some(image),
            None => return,
        },
    };
    let host = Host::current().unwrap();
    let directory = TempDir::new().unwrap();
    let begun = directory.path().join("begun");
    let word = word(engine);
    // `env` becomes the program, so that the number of the process is that of both.
    let mut program = Invocation::new("env")
        .arg(start)
        .arg(host::own_program().unwrap())
        .args(["--exact", "killed::runs_until_it_is_killed", "--nocapture"])
        .env(ENGINE, engine.name())
        .env(WORD, &word)
        .env(BEGUN, &begun);
    if let Some(image) = image {
        program = program.env(IMAGE, &image.sum);
    }
    let (tell, told) = mpsc::channel();
    let process = thread::scope(|scope| {
        // It owns `tell`, so that nobody waits for a word from a thread that has ended.
        let victim = scope.spawn(move || {
            let mut said = Vec::new();
            let keep = |_, line: &str| said.push(line.to_owned());
            let output = program.timeout(PATIENCE * 2).stream(|id| tell.send(id).unwrap(), keep);
            (output, said)
        });
        let process = told.recv_timeout(PATIENCE).expect("it never began");
        let is_running = || host.exists(&begun) || victim.is_finished();
        wait_until(is_running, "the container never began");
        let runs = || {
            !processes_with(&word).is_empty()
                && containers_of(&ready, process).len() == usize::from(engine.has_store())
        };
        let (last, earlier) = signals.split_last().unwrap();
        if !victim.is_finished() {
            assert!(runs());
            for signal in earlier {
                kill(signal, process);
                thread::sleep(Duration::from_millis(500));
                assert!(!victim.is_finished() && runs(), "{signal} was not ignored");
            }
            kill(last, process);
        }
        let (output, said) = victim.join().unwrap();
        let output = output.unwrap_or_else(|error| panic!("{error}; it said {said:#?}"));
        assert_eq!(output.signal, Some(if *last == "INT" { 2 } else { 9 }), "{said:#?}");
        process
    });
    wait_until(|| containers_of(&ready, process).is_empty(), "a container is left");
    if engine == Engine::Host {
        // What left its session and its group is out of reach without a container; it is ended here.
        for left in processes_with(&word) {
            kill("KILL", left);
        }
    }
    wait_until(|| processes_with(&word).is_empty(), "a process is left");
    let mounts = host.read_text(Path::new("/proc/self/mounts"), 16 << 20).unwrap();
    let ours = format!("/run-{process}-");
    assert!(!mounts.contains(&ours), "{mounts}");
}

fn nothing_is_left_after_a_panic(engine: Engine, test: &str) {
    let Some(sandbox) = sandbox(engine, test) else { return };
    let word = word(engine);
    let run = script(&format!("echo begun; sleep {word}; :"));
    let panicked = thread::scope(|scope| {
        let run = scope.spawn(|| sandbox.run(&run, |_, line| panic!("at the line {line:?}")));
        run.join().is_err()
    });
    assert!(panicked);
    if engine == Engine::Host {
        // Without a container what the command started has another parent by now, and nobody here can
        // wait for it: it was killed, and may take a moment to be gone.
        return wait_until(|| processes_with(&word).is_empty(), "a process is left");
    }
    // Not even a moment later.
    assert_eq!(processes_with(&word), [0; 0]);
}

/// Containers are told by the owner in their names; those of the living, and those of others, stay.
#[test]
fn only_what_dead_processes_left_is_removed() {
    for engine in [Engine::Podman, Engine::Docker] {
        let test = "only_what_dead_processes_left_is_removed";
        let (Some(ready), Some(image)) = (ready(engine, test), base(test)) else { return };
        let host = machine();
        let Root::Image(image) = root_for(&host, &ready, image).unwrap() else { unreachable!() };
        let own = Owner::current(&host).unwrap().to_string();
        let (space, rest) = own.rsplit_once('-').unwrap().0.rsplit_once('-').unwrap();
        let dead = format!("truewheel-{space}-{}-1-0", u32::MAX);
        let (alive, foreign) =
            (format!("truewheel-{own}-1000000"), format!("truewheel-mine-{rest}"));
        let call = |arguments: &[&str]| {
            let call = Invocation::new(&ready.program).args(arguments).timeout(PATIENCE);
            let output = call.output().unwrap();
            assert!(output.success(), "{}", output.stderr_text());
            output.stdout_text()
        };
        for name in [&dead, &alive, &foreign] {
            call(&["create", "--network=none", "--name", name, &image, "/bin/true"]);
        }
        assert!(reap(&host, &ready).contains(&dead));
        let names = call(&["ps", "--all", "--format", "{{.Names}}"]);
        call(&["rm", "--force", &alive, &foreign]);
        let left = |name: &String| names.lines().any(|line| line == name);
        assert_eq!((left(&dead), left(&alive), left(&foreign)), (false, true, true), "{names}");
    }
}

/// Seconds to sleep that no other process sleeps for.
fn word(engine: Engine) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(700);
    let number = NUMBER.fetch_add(10, Ordering::Relaxed) + engine as u32;
    format!("{number}.{}", std::process::id())
}

/// Sends a signal; a process that has ended gets none.
fn kill(signal: &str, process: u32) {
    let script = format!("kill -s {signal} {process} 2>/dev/null || :");
    let shell = Invocation::new("sh").args(["-c", &script]).timeout(PATIENCE);
    assert!(shell.output().unwrap().success());
}

#[track_caller]
fn wait_until(holds: impl FnMut() -> bool, otherwise: &str) {
    leftovers::wait_until(PATIENCE, holds, otherwise);
}
