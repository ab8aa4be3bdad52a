//! Damaged build caches, and times that are still to come.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use report::Severity;

use super::{builds, cargo_build, cargo_project, fails};
use crate::harness::{Sandbox, sandbox};

/// The compiled build script. cargo runs it under another name, which it links to this one.
fn build_script(sandbox: &Sandbox) -> PathBuf {
    let units = sandbox.project().join("target/debug/build");
    let mut scripts = fs_err::read_dir(units).unwrap().filter_map(|unit| {
        let unit = unit.unwrap();
        let name = unit.file_name().to_string_lossy().into_owned();
        let (_, hash) = name.rsplit_once('-')?;
        Some(unit.path().join(format!("build_script_build-{hash}")))
    });
    scripts.find(|script| sandbox.exists(script)).expect("a build script was compiled")
}

/// Makes cargo run the build script again without compiling it again.
fn forget_its_run(sandbox: &Sandbox) {
    let records = sandbox.project().join("target/debug/.fingerprint");
    for unit in fs_err::read_dir(records).unwrap() {
        for record in fs_err::read_dir(unit.unwrap().path()).unwrap() {
            let record = record.unwrap();
            if record.file_name().to_string_lossy().starts_with("run-build-script") {
                fs_err::remove_file(record.path()).unwrap();
            }
        }
    }
}

#[test]
fn a_build_script_that_was_cut_off() {
    sandbox(|sandbox| {
        cargo_project(sandbox);
        builds(sandbox);
        sandbox.doctor().silent();
        let script = build_script(sandbox);
        let whole = fs_err::read(&script).unwrap();
        sandbox.overwrite_build_output(&script, &whole[..3_000]);
        forget_its_run(sandbox);
        fails(sandbox, "failed to run custom build command");
        sandbox
            .doctor()
            .only(&["FS015"])
            .severity("FS015", Severity::Error)
            .evidence_contains("FS015", "the file ends after")
            .apply_fix("FS015")
            .silent();
        builds(sandbox);
    });
}

#[test]
fn an_empty_build_script_that_says_nothing() {
    sandbox(|sandbox| {
        cargo_project(sandbox);
        sandbox.write("build.rs", "fn main() {\n    println!(\"cargo::rustc-cfg=told\");\n}\n");
        let text = "//! One.\n\n#[cfg(not(told))]\ncompile_error!(\"nobody told\");\n";
        sandbox.write("src/lib.rs", text);
        builds(sandbox);
        sandbox.overwrite_build_output(&build_script(sandbox), "");
        forget_its_run(sandbox);
        // The build script "succeeds", and another file is blamed.
        fails(sandbox, "nobody told");
        sandbox
            .doctor()
            .only(&["FS015"])
            .evidence_contains("FS015", "the file is empty")
            .cause_contains("FS015", "not written to its end")
            .apply_fix("FS015")
            .silent();
        builds(sandbox);
    });
}

#[test]
fn a_build_script_that_lost_its_permissions() {
    sandbox(|sandbox| {
        cargo_project(sandbox);
        builds(sandbox);
        sandbox.set_mode(&build_script(sandbox), 0o644);
        forget_its_run(sandbox);
        fails(sandbox, "Permission denied (os error 13)");
        sandbox
            .doctor()
            .only(&["FS015"])
            .cause_contains("FS015", "does not keep permissions")
            .apply_fix("FS015")
            .silent();
        builds(sandbox);
    });
}

#[test]
fn a_project_that_was_copied_with_its_cache_builds_on() {
    sandbox(|sandbox| {
        cargo_project(sandbox);
        builds(sandbox);
        let from = sandbox.project();
        sandbox.set_project("copy");
        let copy = sandbox.project();
        fs_err::remove_dir(&copy).unwrap();
        let arguments = ["-a".as_ref(), from.as_os_str(), copy.as_os_str()];
        assert!(host::Invocation::new("cp").args(arguments).output().unwrap().success());
        let diagnosis = sandbox.doctor();
        diagnosis.silent().gone("FS015");
        let said = cargo_build(sandbox).stderr_text();
        assert!(said.contains("Finished") && !said.contains("Compiling"), "{said}");
    });
}

#[test]
fn a_source_file_from_the_future() {
    sandbox(|sandbox| {
        cargo_project(sandbox);
        let source = sandbox.project().join("src/lib.rs");
        sandbox.set_modified(&source, SystemTime::now() + Duration::from_secs(7_200));
        builds(sandbox);
        let again = || cargo_build(sandbox).stderr_text().contains("Compiling demo");
        assert!(again() && again(), "cargo knows that nothing changed");
        sandbox
            .doctor()
            .only(&["FS011"])
            .severity("FS011", Severity::Warning)
            .evidence_contains("FS011", "src/lib.rs")
            .apply_fix("FS011")
            .silent();
        builds(sandbox);
        assert!(!again(), "cargo builds again");
    });
}

#[test]
fn many_source_files_from_the_future() {
    sandbox(|sandbox| {
        cargo_project(sandbox);
        for number in 0..30 {
            let file = sandbox.write(format!("src/m{number}.rs"), "//! Empty.\n");
            sandbox.set_modified(&file, SystemTime::now() + Duration::from_secs(7_200));
        }
        sandbox.doctor().only(&["FS011"]).apply_fix("FS011").silent();
    });
}

#[test]
fn no_directory_for_temporary_files() {
    sandbox(|sandbox| {
        cargo_project(sandbox);
        sandbox.write("src/lib.rs", "//! ```\n//! assert!(true);\n//! ```\n");
        sandbox.set("TMPDIR", sandbox.path("gone"));
        let tests = || sandbox.shielded("cargo").args(["test", "--offline", "--doc"]).output();
        assert!(!tests().unwrap().success());
        sandbox
            .doctor()
            .only(&["FS017"])
            .severity("FS017", Severity::Warning)
            .cause_contains("FS017", "TMPDIR names a directory that nobody made")
            .apply_fix("FS017")
            .silent();
        assert!(tests().unwrap().success());
    });
}
