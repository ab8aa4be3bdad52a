//! What may be left of a process that was killed.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use host::{Host, Invocation};
use wheelbuild::engine::Engine;

/// An engine says at once what it has.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits for something that must become so.
#[track_caller]
pub(crate) fn wait_until(patience: Duration, mut is_so: impl FnMut() -> bool, otherwise: &str) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < patience, "{otherwise}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Names of this tool's containers that an engine knows of, running or not, made by one process.
pub(crate) fn containers_of(engine: Engine, program: &Path, process: u32) -> Vec<String> {
    if !engine.has_store() {
        return Vec::new();
    }
    let list = ["ps", "--all", "--filter", "name=truewheel-", "--format", "{{.Names}}"];
    let listed = Invocation::new(program).args(list).timeout(LIMIT).output().unwrap();
    assert!(listed.success(), "{}", listed.stderr_text());
    let part = format!("-{process}-");
    listed.stdout_text().lines().filter(|name| name.contains(&part)).map(str::to_owned).collect()
}

/// Numbers of the processes of this machine that have such an argument.
pub(crate) fn processes_with(fits: impl Fn(&str) -> bool) -> Vec<u32> {
    let host = Host::current().unwrap();
    let numbers = host.list(Path::new("/proc"), 1_000_000).unwrap();
    let numbers = numbers.iter().filter_map(|entry| entry.name_text()?.parse::<u32>().ok());
    let has_one = |process: &u32| {
        let line = host.read(Path::new(&format!("/proc/{process}/cmdline")), 1 << 20);
        line.is_ok_and(|line| {
            line.split(|byte| *byte == 0).any(|argument| fits(&String::from_utf8_lossy(argument)))
        })
    };
    numbers.filter(has_one).collect()
}
