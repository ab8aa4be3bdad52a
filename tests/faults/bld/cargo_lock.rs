//! `Cargo.lock` against the manifests: the doctor says what cargo itself says, with `--locked`.

use report::Severity;

use crate::harness::{Sandbox, sandbox};

const INDEX: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// A workspace of two crates whose registry is a directory beside it, and the lock file that
/// cargo writes for it.
fn workspace(sandbox: &Sandbox) {
    for (name, version, needs) in [
        ("leaf", "1.0.0", ""),
        ("leaf", "1.2.0", ""),
        ("leaf", "2.0.0", ""),
        ("branch", "0.3.1", "[dependencies]\nleaf = \"1\"\n"),
        ("other", "0.1.0", ""),
    ] {
        let directory = format!("vendor/{name}-{version}");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n{needs}"
        );
        sandbox.write(format!("{directory}/Cargo.toml"), manifest);
        sandbox.write(format!("{directory}/src/lib.rs"), "");
        sandbox.write(format!("{directory}/.cargo-checksum.json"), "{\"files\":{}}");
    }
    sandbox.write(
        ".cargo/config.toml",
        "[source.crates-io]\nreplace-with = \"vendor\"\n[source.vendor]\ndirectory = \"vendor\"\n\
         [net]\noffline = true\n",
    );
    sandbox.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\nexclude = [\"vendor\"]\n\
         [workspace.package]\nversion = \"0.5.0\"\n[workspace.dependencies]\nleaf = \"1\"\n",
    );
    sandbox.write(
        "crates/core/Cargo.toml",
        "[package]\nname = \"core-part\"\nversion.workspace = true\nedition = \"2021\"\n\
         [dependencies]\nleaf.workspace = true\n",
    );
    sandbox.write("crates/core/src/lib.rs", "");
    sandbox.write(
        "crates/app/Cargo.toml",
        "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\
         [dependencies]\ncore-part = { path = \"../core\" }\nbranch = \"0.3\"\n\
         [target.'cfg(windows)'.dependencies]\nnewer = { package = \"leaf\", version = \"2\" }\n",
    );
    sandbox.write("crates/app/src/lib.rs", "");
    sandbox.run("cargo", ["generate-lockfile", "--quiet"]);
}

/// Whether cargo accepts the lock file as it is.
fn cargo_accepts(sandbox: &Sandbox) -> bool {
    let arguments = ["metadata", "--locked", "--format-version", "1"];
    sandbox.shielded("cargo").args(arguments).output().unwrap().success()
}

fn doctor_accepts(sandbox: &Sandbox) -> bool {
    let diagnosis = sandbox.doctor();
    !diagnosis.report.findings.iter().any(|finding| finding.code == "BLD019")
}

fn edit(sandbox: &Sandbox, file: &str, from: &str, to: &str) {
    let text = fs_err::read_to_string(sandbox.project().join(file)).unwrap();
    assert!(text.contains(from), "{file} holds no {from:?}:\n{text}");
    sandbox.write(file, text.replacen(from, to, 1));
}

/// Name, file, what is replaced, and by what.
const CHANGES: &[(&str, &str, &str, &str)] = &[
    ("nothing", "Cargo.toml", "resolver", "resolver"),
    (
        "a dependency more",
        "crates/app/Cargo.toml",
        "branch = \"0.3\"",
        "branch = \"0.3\"\nother = \"0.1\"",
    ),
    ("a dependency less", "crates/app/Cargo.toml", "branch = \"0.3\"", ""),
    (
        "a requirement that is not met",
        "crates/app/Cargo.toml",
        "version = \"2\"",
        "version = \"1\"",
    ),
    ("a requirement that is still met", "crates/app/Cargo.toml", "\"0.3\"", "\"0.3.1\""),
    ("a requirement by comparison", "crates/app/Cargo.toml", "\"0.3\"", "\">=0.2, <0.4\""),
    ("a new version of a crate", "crates/app/Cargo.toml", "1.0.0", "1.0.1"),
    ("a new version of the workspace", "Cargo.toml", "0.5.0", "0.6.0"),
    ("a new requirement of the workspace", "Cargo.toml", "leaf = \"1\"", "leaf = \"2\""),
    ("another name", "crates/app/Cargo.toml", "name = \"app\"", "name = \"application\""),
    (
        "a feature",
        "crates/app/Cargo.toml",
        "branch = \"0.3\"",
        "branch = { version = \"0.3\", optional = true }",
    ),
    (
        "a dependency of tests",
        "crates/app/Cargo.toml",
        "branch = \"0.3\"",
        "branch = \"0.3\"\n[dev-dependencies]\nbranch = \"0.3\"",
    ),
    (
        "another one of tests",
        "crates/app/Cargo.toml",
        "branch = \"0.3\"",
        "branch = \"0.3\"\n[dev-dependencies]\nother = \"0.1\"",
    ),
    (
        "a dependency of build scripts",
        "crates/app/Cargo.toml",
        "branch = \"0.3\"",
        "branch = \"0.3\"\n[build-dependencies]\nother = \"0.1\"",
    ),
    ("a member less", "Cargo.toml", "\"crates/*\"", "\"crates/core\""),
    (
        "a member less that alone used nothing",
        "Cargo.lock",
        "version = 4\n",
        "version = 4\n\n[[package]]\nname = \"left\"\nversion = \"0.1.0\"\ndependencies = [\n \"branch\",\n]\n",
    ),
    (
        "a path in the place of the registry",
        "crates/app/Cargo.toml",
        "branch = \"0.3\"",
        "branch = { path = \"../../vendor/branch-0.3.1\" }",
    ),
    (
        "a left-over package",
        "Cargo.lock",
        "version = 4\n",
        "version = 4\n\n[[package]]\nname = \"other\"\nversion = \"0.1.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n",
    ),
    ("a conflict", "Cargo.lock", "version = 4\n", "version = 4\n<<<<<<< HEAD\n"),
];

#[test]
fn the_doctor_agrees_with_cargo_on_every_change() {
    sandbox(|sandbox| {
        sandbox.python("3.12");
        workspace(sandbox);
        let whole = |file: &str| fs_err::read_to_string(sandbox.project().join(file)).unwrap();
        assert!(whole("Cargo.lock").contains(INDEX));
        let mut refused = 0;
        for (name, file, from, to) in CHANGES {
            let files = [*file, "Cargo.lock"];
            let before = files.map(&whole);
            edit(sandbox, file, from, to);
            let cargo = cargo_accepts(sandbox);
            let doctor = doctor_accepts(sandbox);
            assert_eq!(cargo, doctor, "{name}: cargo accepts: {cargo}, the doctor: {doctor}");
            refused += usize::from(!cargo);
            for (file, text) in files.iter().zip(before) {
                sandbox.write(file, text);
            }
        }
        assert!(refused >= 10, "only {refused} changes were refused");
        assert!(cargo_accepts(sandbox));
    });
}

#[test]
fn a_lock_file_that_is_behind_is_brought_up_to_date() {
    sandbox(|sandbox| {
        sandbox.python("3.12");
        workspace(sandbox);
        sandbox.doctor().silent();
        edit(sandbox, "crates/app/Cargo.toml", "branch = \"0.3\"", "other = \"0.1\"");
        edit(sandbox, "Cargo.toml", "0.5.0", "0.6.0");
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["BLD019"])
            .severity("BLD019", Severity::Warning)
            .evidence_contains("BLD019", "asks for other 0.1")
            .evidence_contains("BLD019", "version 0.6.0, and the lock file has 0.5.0");
        diagnosis.apply_fix("BLD019").silent();
        assert!(cargo_accepts(sandbox));
    });
}

#[test]
fn a_conflict_left_in_the_lock_file() {
    sandbox(|sandbox| {
        sandbox.python("3.12");
        workspace(sandbox);
        let git = |arguments: &[&str]| {
            let identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
            sandbox.run("git", identity.iter().chain(arguments));
        };
        git(&["init", "--quiet"]);
        git(&["add", "Cargo.toml", "Cargo.lock", "crates"]);
        git(&["commit", "--quiet", "-m", "start"]);
        edit(sandbox, "Cargo.lock", "version = 4\n", "version = 4\n<<<<<<< HEAD\n");
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["BLD019"])
            .severity("BLD019", Severity::Error)
            .evidence_contains("BLD019", "line 4");
        diagnosis.apply_fix("BLD019").silent();
        assert!(cargo_accepts(sandbox));
    });
}
