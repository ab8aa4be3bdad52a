//! FS: file systems that cannot do what a build needs, paths that are too long or too odd, and
//! files of another user.

mod cache;
mod mounts;
mod owners;
mod paths;

use host::Output;
use report::Step;

use crate::harness::{Diagnosis, Sandbox};

/// A crate with a build script and nothing else, so that it is built in a moment.
fn cargo_project(sandbox: &Sandbox) {
    named_project(sandbox, "demo");
}

fn named_project(sandbox: &Sandbox, name: &str) {
    let manifest =
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    sandbox.write("Cargo.toml", manifest);
    sandbox.write("build.rs", "fn main() {}\n");
    sandbox.write("src/lib.rs", "//! One.\n\n/// 1.\npub fn one() -> u32 {\n    1\n}\n");
    sandbox.run("cargo", ["generate-lockfile", "--offline", "--quiet"]);
}

fn cargo_build(sandbox: &Sandbox) -> Output {
    sandbox.shielded("cargo").args(["build", "--offline"]).output().unwrap()
}

/// cargo really fails, and says this.
#[track_caller]
fn fails(sandbox: &Sandbox, said: &str) {
    let output = cargo_build(sandbox);
    assert!(!output.success(), "cargo builds");
    assert!(output.stderr_text().contains(said), "{}", output.stderr_text());
}

#[track_caller]
fn builds(sandbox: &Sandbox) {
    let output = cargo_build(sandbox);
    assert!(output.success(), "{}", output.stderr_text());
}

/// Carries out a printed cure whose effect must be seen outside of the command's own mounts. Its
/// `sudo` is left out, since the test is root already.
#[track_caller]
fn apply_as_root(sandbox: &Sandbox, diagnosis: &Diagnosis<'_>, code: &str) {
    for step in &diagnosis.finding(code).fixes[0].steps {
        let Step::Run { argv } = step else { panic!("{step:?} is no command") };
        let argv: Vec<&String> = argv.iter().filter(|word| *word != "sudo").collect();
        let place = argv.last().expect("a command names what it acts on");
        let root = sandbox.path("");
        assert!(std::path::Path::new(place).starts_with(root), "{place} is outside of the sandbox");
        let output = sandbox.command(argv[0]).args(&argv[1..]).output().unwrap();
        assert!(output.success(), "{argv:?}: {}", output.stderr_text());
    }
}
