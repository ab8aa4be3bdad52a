//! What a build takes: locked, bundled, and refused when it is something else.

use host::Invocation;
use tempfile::TempDir;
use wheelbuild::engine::Engine;

use crate::support::{LIMIT, Project, cache, told, works};

const BUILD: [&str; 3] = ["build", "--engine", "namespaces"];
const LOCK: &str = "build.lock.toml";

fn locked(test: &str) -> Option<Project> {
    if !works(Engine::Namespaces, test) {
        return None;
    }
    let project = Project::of("stamped", "project");
    project.lock();
    Some(project)
}

#[test]
fn what_differs_from_the_lock_is_named() {
    let Some(project) = locked("inputs::what_differs_from_the_lock_is_named") else { return };
    let lock = project.read(LOCK);
    let rejected = |text: &str, word: &str| {
        project.write(LOCK, text);
        let built = project.run(&BUILD).ended_with(3);
        built.says(word).says("hint: ");
        project.write(LOCK, &lock);
    };
    rejected("version = [", LOCK);
    rejected(&lock.replace("version = 1\n", "version = 9\n"), "version 9");
    rejected(&lock.replace("release = \"1.", "release = \"0."), "rustc here is");
    rejected(&lock.replace("diff-id = \"sha256:", "diff-id = \"sha256:ff"), "the image is");
    rejected(&lock.replace("files = \"", "files = \"ff"), "have the sum");
    rejected(&lock.replace("[\"maturin>=", "[\"maturin=="), "is asked for");
    let sum = lock.split("sha256 = \"").nth(1).unwrap()[..64].to_owned();
    rejected(&lock.replace(&sum, &"0".repeat(64)), "the index has maturin");
}

#[test]
fn a_lock_file_of_cargo_that_changed_is_taken_over_unless_all_is_locked() {
    let test = "inputs::a_lock_file_of_cargo_that_changed_is_taken_over_unless_all_is_locked";
    let Some(project) = locked(test) else { return };
    let update = ["update", "--quiet", "--package", "libc", "--precise", "0.2.186"];
    let updated = Invocation::new("cargo").args(update).directory(&project.path).output().unwrap();
    assert!(updated.success(), "{}", updated.stderr_text());
    project.commit();
    let built = project.run(&["build", "sdist", "--engine", "namespaces", "--locked"]);
    built.ended_with(3).says("Cargo.lock has changed");
    let before = project.read(LOCK);
    project.run(&["build", "sdist", "--engine", "namespaces"]).succeeded();
    assert_ne!(project.read(LOCK), before);
}

#[test]
fn a_bundle_carries_everything_to_a_machine_without_network() {
    let test = "inputs::a_bundle_carries_everything_to_a_machine_without_network";
    let Some(project) = locked(test) else { return };
    let other = project.clone_to("air-gapped");
    let here = project.run(&BUILD).succeeded().artifact(".whl").1;
    let directory = TempDir::new_in(cache()).unwrap();
    let bundle = directory.path().join("inputs.tar");
    let name = bundle.display().to_string();
    let fetched = project.run(&["fetch", "--engine", "namespaces", "--bundle", &name]).succeeded();
    assert_eq!(fetched.one("bundle")["path"], name);

    let home = TempDir::new_in(cache()).unwrap();
    let there = |bundle: &str| {
        // No network but the loopback, and a home that has nothing.
        let program = env!("CARGO_BIN_EXE_truewheel");
        let flags = ["--net", program, "build", "--engine", "namespaces", "--bundle", bundle];
        let call = Invocation::new("unshare")
            .args(flags)
            .args(["--format", "json", "--project"])
            .arg(&other.path)
            .env("TRUEWHEEL_CACHE_DIR", home.path().join("cache"))
            .env("CARGO_HOME", home.path().join("cargo"))
            .env("NO_COLOR", "1")
            .without_env("CARGO_TARGET_DIR")
            .directory(&other.path)
            .timeout(LIMIT);
        told(&call)
    };
    let built = there(&name).succeeded();
    assert_eq!(built.artifact(".whl").1, here);

    // The same with one byte changed, in a store that has nothing.
    fs_err::remove_dir_all(home.path().join("cache")).unwrap();
    let mut bytes = fs_err::read(&bundle).unwrap();
    let place = find(&bytes, b"build_exe").unwrap_or(bytes.len() / 2);
    bytes[place] ^= 1;
    let damaged = directory.path().join("damaged.tar");
    fs_err::write(&damaged, bytes).unwrap();
    let refused = there(&damaged.display().to_string());
    assert_ne!(refused.code, 0, "{}", refused.said);
    assert!(refused.said.contains("error: "), "{}", refused.said);
    for garbage in ["absent.tar", "Cargo.toml"] {
        let refused = there(garbage).ended_with(3);
        refused.says(garbage).says("fetch --bundle");
    }
}

/// Where a text first stands.
fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}
