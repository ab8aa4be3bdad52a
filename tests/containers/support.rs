//! Engines and an image for the tests, made once for all of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use host::{Host, Invocation, Stream};
use wheelbuild::engine::{Engine, Outcome, Ready, Root, Run, Sandbox, probe_one};
use wheelbuild::image::{self, Image, Recipe, Store, root_for};

use crate::skips;

/// Names a test once for each engine; the function gets the engine, and its name for skips.
macro_rules! for_each_engine {
    ($($test:ident),* $(,)?) => {
        mod podman {
            $(#[test] fn $test() { super::$test(wheelbuild::engine::Engine::Podman, stringify!($test)) })*
        }
        mod docker {
            $(#[test] fn $test() { super::$test(wheelbuild::engine::Engine::Docker, stringify!($test)) })*
        }
        mod namespaces {
            $(#[test] fn $test() { super::$test(wheelbuild::engine::Engine::Namespaces, stringify!($test)) })*
        }
        mod no_engine {
            $(#[test] fn $test() { super::$test(wheelbuild::engine::Engine::Host, stringify!($test)) })*
        }
    };
}
pub(crate) use for_each_engine;

/// Where the tests keep the tool's own files.
pub(crate) fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("containers")
}

/// This machine, with a cache of the tests.
pub(crate) fn machine() -> Host {
    let mut host = Host::current().unwrap();
    host.variables.set("TRUEWHEEL_CACHE_DIR", cache());
    host
}

/// The smallest Debian.
pub(crate) fn recipe() -> Recipe {
    Recipe { include: Vec::new(), ..Recipe::default() }
}

/// An image that is made anew in every run of the tests; or why there is none.
static IMAGE: LazyLock<Result<Image, String>> = LazyLock::new(|| {
    let host = machine();
    if host.program("mmdebstrap").is_none() {
        return Err("mmdebstrap is not installed".to_owned());
    }
    let store = Store::of(&host).unwrap();
    host::remove_tree(store.directory()).unwrap();
    Ok(image::bootstrap(&host, &recipe(), |_| ()).unwrap())
});

/// The image; `None`, and a word about it, where it cannot be made.
pub(crate) fn base(test: &str) -> Option<&'static Image> {
    match &*IMAGE {
        Ok(image) => Some(image),
        Err(reason) => {
            skips::record(test, reason);
            None
        }
    }
}

static READY: LazyLock<BTreeMap<Engine, Result<Ready, String>>> = LazyLock::new(|| {
    let host = machine();
    let try_one = |engine| {
        let trial = probe_one(&host, engine).unwrap();
        let reason = trial.reason();
        (engine, trial.ready.ok_or_else(|| format!("{engine}: {}", reason.unwrap_or_default())))
    };
    Engine::ALL.into_iter().map(try_one).collect()
});

/// The engine; `None`, and a word about it, where it does not work.
pub(crate) fn ready(engine: Engine, test: &str) -> Option<Ready> {
    match &READY[&engine] {
        Ok(ready) => Some(ready.clone()),
        Err(reason) => {
            skips::record(test, reason);
            None
        }
    }
}

/// A sandbox of that engine with the image.
pub(crate) fn sandbox(engine: Engine, test: &str) -> Option<Sandbox> {
    let ready = ready(engine, test)?;
    let host = machine();
    let root = match engine {
        Engine::Host => Root::Machine,
        _ => root_for(&host, &ready, base(test)?).unwrap(),
    };
    Some(Sandbox::new(&host, ready, root).unwrap())
}

/// A shell script as a run.
pub(crate) fn script(text: &str) -> Run {
    Run::new(["/bin/sh", "-euc", text]).env("PATH", "/usr/bin:/bin")
}

/// How a command ended and what it said.
pub(crate) struct Heard {
    pub(crate) outcome: Outcome,
    pub(crate) out: Vec<String>,
    pub(crate) err: Vec<String>,
}

/// Runs it to its end.
#[track_caller]
pub(crate) fn hear(sandbox: &Sandbox, run: &Run) -> Heard {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let outcome = sandbox
        .run(run, |stream, line| match stream {
            Stream::Out => out.push(line.to_owned()),
            Stream::Error => err.push(line.to_owned()),
        })
        .unwrap();
    Heard { outcome, out, err }
}

/// Names of this tool's containers that an engine knows of, running or not, made by one process.
pub(crate) fn containers_of(ready: &Ready, process: u32) -> Vec<String> {
    if !ready.engine.has_store() {
        return Vec::new();
    }
    let list = ["ps", "--all", "--filter", "name=truewheel-", "--format", "{{.Names}}"];
    let listed = Invocation::new(&ready.program).args(list).output().unwrap();
    assert!(listed.success(), "{}", listed.stderr_text());
    let part = format!("-{process}-");
    listed.stdout_text().lines().filter(|n| n.contains(&part)).map(str::to_owned).collect()
}

/// Numbers of the processes of this machine that have `word` as an argument.
pub(crate) fn processes_with(word: &str) -> Vec<u32> {
    let host = Host::current().unwrap();
    let numbers = host.list(Path::new("/proc"), 1_000_000).unwrap();
    let numbers = numbers.iter().filter_map(|entry| entry.name_text()?.parse::<u32>().ok());
    let has_word = |process: &u32| {
        let line = host.read(Path::new(&format!("/proc/{process}/cmdline")), 1 << 20);
        line.is_ok_and(|line| line.split(|byte| *byte == 0).any(|arg| arg == word.as_bytes()))
    };
    numbers.filter(has_word).collect()
}
