//! `doctor --watch`: what came and went is told, and a signal ends it.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use host::{Background, Invocation};
use serde_json::Value;

use crate::machine::Machine;

/// A program that watches; it is ended with the test.
struct Watch {
    process: Background,
    log: PathBuf,
}

impl Watch {
    fn start(machine: &Machine, format: &str) -> Self {
        let log = machine.path("watch.log");
        let arguments = ["doctor", "--watch", "--format", format, "--only", "ENV"];
        let process = machine.command(&arguments).background(&log).unwrap();
        Self { process, log }
    }

    /// What it has printed, when that is enough.
    #[track_caller]
    fn until(&mut self, enough: impl Fn(&str) -> bool) -> String {
        let started = Instant::now();
        loop {
            let text = fs_err::read_to_string(&self.log).unwrap();
            if enough(&text) {
                return text;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "{text}");
            assert!(self.process.is_running(), "{text}");
            sleep(Duration::from_millis(50));
        }
    }

    /// Not by INT, which is ignored by whatever a shell has started in the background.
    fn interrupt(&mut self) {
        let id = self.process.id().to_string();
        assert!(Invocation::new("kill").args(["-TERM", &id]).output().unwrap().success());
        let started = Instant::now();
        while self.process.is_running() {
            assert!(started.elapsed() < Duration::from_secs(5), "it goes on");
            sleep(Duration::from_millis(20));
        }
    }
}

fn mend(machine: &Machine) {
    fs_err::remove_dir_all(machine.path("project/.venv")).unwrap();
}

#[test]
fn what_came_and_went_is_told_to_a_person() {
    let machine = Machine::new();
    let mut watch = Watch::start(&machine, "human");
    watch.until(|text| text.contains("no problems") && text.contains("watching"));
    machine.broken_environment("project/.venv");
    let text = watch.until(|text| text.contains("── "));
    assert!(text.contains("changed: ") && text.contains("ENV001"), "{text}");
    mend(&machine);
    let text = watch.until(|text| text.contains("gone: ENV001"));
    assert_eq!(text.matches("── ").count(), 2, "{text}");
    watch.interrupt();
    let left = fs_err::read_dir(machine.path("project")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn a_program_gets_a_line_for_each_time() {
    let machine = Machine::new();
    let mut watch = Watch::start(&machine, "json");
    let lines = |text: &str| text.lines().filter(|line| line.starts_with('{')).count();
    watch.until(|text| lines(text) == 1 && text.contains("watching"));
    // What changes no finding is not told.
    machine.write("project/README.md", "x");
    machine.broken_environment("project/.venv");
    let text = watch.until(|text| lines(text) == 2);
    watch.interrupt();
    let events: Vec<Value> = text
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events[0]["event"], "start");
    assert_eq!(events[1]["event"], "change");
    assert_eq!(events[1]["schema"], "truewheel-watch/1");
    let gained = events[1]["gained"].as_array().unwrap();
    assert!(gained.iter().any(|finding| finding["code"] == "ENV001"));
    assert_eq!(events[1]["summary"]["errors"], 1);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let machine = Machine::new();
    for arguments in [
        &["--facts", "a.json"][..],
        &["--list"],
        &["--save", "a.json"],
        &["--format", "sarif"],
        &["--format", "github"],
    ] {
        let output = machine.output(&[&["doctor", "--watch"], arguments].concat());
        assert_eq!((output.code, output.stdout_text().as_str()), (Some(3), ""), "{arguments:?}");
    }
}
