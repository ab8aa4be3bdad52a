//! Engines and an image for the tests, made once for all of them.

use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use host::{Host, Stream};
use wheelbuild::engine::{Engine, Outcome, Ready, Root, Run, Sandbox, probe_one};
use wheelbuild::image::{self, Image, Recipe, Store, root_for};

use crate::{leftovers, skips};

/// Names a test once for each engine; the function gets the engine, and its name for skips.
macro_rules! for_each_engine {
    ($($test:ident),* $(,)?) => {
        mod podman {
            $(#[test] fn $test() { super::$test(wheelbuild::engine::Engine::Podman, concat!("podman::", stringify!($test))) })*
        }
        mod docker {
            $(#[test] fn $test() { super::$test(wheelbuild::engine::Engine::Docker, concat!("docker::", stringify!($test))) })*
        }
        mod namespaces {
            $(#[test] fn $test() { super::$test(wheelbuild::engine::Engine::Namespaces, concat!("namespaces::", stringify!($test))) })*
        }
        mod no_engine {
            $(#[test] fn $test() { super::$test(wheelbuild::engine::Engine::Host, concat!("no_engine::", stringify!($test))) })*
        }
    };
}
pub(crate) use for_each_engine;

/// An engine that does not do by then what takes it a second does not do it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

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

/// What came of trying each engine, in the order of [`Engine::ALL`]; tried when first asked for.
static READY: [OnceLock<Result<Ready, String>>; 4] = [const { OnceLock::new() }; 4];

fn try_one(engine: Engine) -> Result<Ready, String> {
    let trial = probe_one(&machine(), engine).unwrap();
    let reason = trial.reason();
    trial.ready.ok_or_else(|| format!("{engine}: {}", reason.unwrap_or_default()))
}

/// The engine; `None`, and a word about it, where it does not work.
pub(crate) fn ready(engine: Engine, test: &str) -> Option<Ready> {
    match READY[engine as usize].get_or_init(|| try_one(engine)) {
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

/// A command as a run that ends.
pub(crate) fn command<A: Into<String>>(argv: impl IntoIterator<Item = A>) -> Run {
    let mut run = Run::new(argv);
    run.limits.time = Some(PATIENCE);
    run
}

/// A shell script as a run that ends.
pub(crate) fn script(text: &str) -> Run {
    command(["/bin/sh", "-euc", text]).env("PATH", "/usr/bin:/bin")
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

/// As `leftovers` has it, of an engine that works here.
pub(crate) fn containers_of(ready: &Ready, process: u32) -> Vec<String> {
    leftovers::containers_of(ready.engine, &ready.program, process)
}

/// Processes that have `word` as an argument.
pub(crate) fn processes_with(word: &str) -> Vec<u32> {
    leftovers::processes_with(|argument| argument == word)
}
