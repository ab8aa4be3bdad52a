//! Files that belong to root, seen by another user.

use report::Severity;

use super::{apply_as_root, cargo_project};
use crate::harness::{Diagnosis, Sandbox, sandbox};

/// A user without a name.
const USER: u32 = 54_321;

/// Gives everything in the sandbox to the user, but for what a build by root left.
fn built_by_root(sandbox: &Sandbox) {
    cargo_project(sandbox);
    sandbox.give_to(USER, "");
    let target = sandbox.project().join("target");
    for directory in ["debug/deps", "debug/build"] {
        fs_err::create_dir_all(target.join(directory)).unwrap();
    }
    sandbox.give_to(0, "project/target");
}

/// The Rust toolchain is out of that user's reach, so only this family is asked.
fn seen_by_user(sandbox: &Sandbox) -> Diagnosis<'_> {
    sandbox.doctor_as(USER, &["--only", "FS"])
}

#[test]
fn a_target_directory_that_root_made() {
    sandbox(|sandbox| {
        built_by_root(sandbox);
        let diagnosis = seen_by_user(sandbox);
        diagnosis
            .only(&["FS014"])
            .severity("FS014", Severity::Error)
            .cause_contains("FS014", "ran as root")
            .evidence_contains("FS014", "belongs to root; you are user 54321");
        // Root writes everywhere.
        sandbox.doctor().silent();
        apply_as_root(sandbox, &diagnosis, "FS014");
        seen_by_user(sandbox).silent();
    });
}

#[test]
fn one_directory_inside_that_root_made() {
    sandbox(|sandbox| {
        built_by_root(sandbox);
        sandbox.give_to(USER, "project/target");
        sandbox.give_to(0, "project/target/debug/build");
        let diagnosis = seen_by_user(sandbox);
        diagnosis.only(&["FS014"]).evidence_contains("FS014", "target/debug/build");
        apply_as_root(sandbox, &diagnosis, "FS014");
        seen_by_user(sandbox).silent();
    });
}

#[test]
fn files_of_root_that_everybody_may_change() {
    sandbox(|sandbox| {
        built_by_root(sandbox);
        sandbox.run("chmod", ["-R", "a+rwX", "target"]);
        seen_by_user(sandbox).silent();
    });
}
