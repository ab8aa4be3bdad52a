//! Paths that are too long, and paths with characters that a tool does not take.

use report::{Severity, Step};

use super::{builds, cargo_project, fails, named_project};
use crate::harness::{Sandbox, sandbox};

/// A directory of the sandbox whose path has this length.
fn deep(sandbox: &Sandbox, length: usize) -> String {
    let mut path = String::new();
    let mut missing = length - sandbox.path("").as_os_str().len();
    while missing > 0 {
        // The last part must not be left without a letter.
        let part = if missing > 202 { 200 } else { missing };
        path.push_str(&"d".repeat(part));
        missing -= part;
        if missing > 0 {
            path.push('/');
            missing -= 1;
        }
    }
    path
}

#[test]
fn a_project_too_deep_for_what_cargo_makes() {
    sandbox(|sandbox| {
        // `/target/` and what comes below it need more than 100 bytes of the 4,095.
        sandbox.set_project(deep(sandbox, 3_990));
        cargo_project(sandbox);
        fails(sandbox, "could not compile `demo` (build script)");
        sandbox
            .doctor()
            .only(&["FS001"])
            .severity("FS001", Severity::Error)
            .message_contains("FS001", "4095 are allowed")
            .apply_fix("FS001")
            .silent();
        builds(sandbox);
    });
}

#[test]
fn a_project_that_is_deep_and_fits() {
    sandbox(|sandbox| {
        sandbox.set_project(deep(sandbox, 3_950));
        cargo_project(sandbox);
        sandbox.doctor().silent();
        builds(sandbox);
    });
}

#[test]
fn a_crate_with_too_long_a_name() {
    sandbox(|sandbox| {
        named_project(sandbox, &"n".repeat(230));
        fails(sandbox, "File name too long (os error 36)");
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["FS001"]).severity("FS001", Severity::Error);
        let shortened = diagnosis.apply_fix_with("FS001", |step| {
            let Step::Do { what } = step else { panic!("{step:?}") };
            assert!(what.contains("by 1 characters or more"), "{what}");
            named_project(sandbox, &"n".repeat(229));
        });
        shortened.silent();
        builds(sandbox);
    });
}

#[test]
fn an_environment_too_deep_for_the_scripts_of_wheels() {
    sandbox(|sandbox| {
        sandbox.set_project(deep(sandbox, 250));
        sandbox.src_layout_project();
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        // pip's own command is written in a longer form.
        sandbox.run(venv.program("pip"), ["--version"]);
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["FS001"])
            .severity("FS001", Severity::Warning)
            .message_contains("FS001", "the system reads 255");
        // What is foretold comes true.
        sandbox.pip_install(&venv, &["jmespath==1.0.1"]);
        assert!(sandbox.command(venv.program("jp.py")).arg("--help").output().is_err());
        sandbox.doctor().only(&["ENV005"]).folded("FS001", "ENV005");
        // The cure of the one is that of the other.
        diagnosis.apply_fix_with("FS001", |_| {}).silent();
    });
}

#[test]
fn a_colon_in_the_path() {
    sandbox(|sandbox| {
        sandbox.set_project("12:30");
        cargo_project(sandbox);
        fails(sandbox, "path segment contains separator `:`");
        sandbox
            .doctor()
            .only(&["FS012"])
            .severity("FS012", Severity::Error)
            .cause_contains("FS012", "LD_LIBRARY_PATH")
            .apply_fix("FS012")
            .silent();
        builds(sandbox);
    });
}

#[test]
fn a_percent_sign_in_the_path_and_the_linker_of_llvm() {
    sandbox(|sandbox| {
        sandbox.set_project("My%20Project");
        cargo_project(sandbox);
        let fails_here = !super::cargo_build(sandbox).success();
        let diagnosis = sandbox.doctor();
        if !fails_here {
            // Another target, or a linker that takes the sign for what it is.
            diagnosis.silent();
            return;
        }
        fails(sandbox, "cannot open output file");
        diagnosis.only(&["FS012"]).severity("FS012", Severity::Error);
        diagnosis.apply_fix("FS012").silent();
        builds(sandbox);
    });
}

#[test]
fn bytes_in_the_path_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt as _;
    sandbox(|sandbox| {
        sandbox.set_project(std::ffi::OsStr::from_bytes(b"caf\xe9"));
        cargo_project(sandbox);
        fails(sandbox, "caf%E9");
        // It helps nothing to build elsewhere.
        sandbox.set("CARGO_TARGET_DIR", sandbox.path("elsewhere"));
        fails(sandbox, "panicked");
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["FS012"]).severity("FS012", Severity::Error);
        let renamed = diagnosis.apply_fix_with("FS012", |_| {
            fs_err::rename(sandbox.project(), sandbox.path("cafe")).unwrap();
            sandbox.set_project("cafe");
        });
        renamed.silent();
        builds(sandbox);
    });
}

#[test]
fn brackets_in_the_path_of_a_workspace() {
    sandbox(|sandbox| {
        sandbox.set_project("demo [1]");
        sandbox.write("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n");
        let member = "[package]\nname = \"one\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
        sandbox.write("crates/one/Cargo.toml", member);
        sandbox.write("crates/one/src/lib.rs", "//! One.\n");
        sandbox.write(
            "Cargo.lock",
            "version = 4\n\n[[package]]\nname = \"one\"\nversion = \"0.1.0\"\n",
        );
        fails(sandbox, "crates/*/Cargo.toml");
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["FS012"]).message_contains("FS012", "brackets");
        diagnosis
            .apply_fix_with("FS012", |_| {
                let from = sandbox.project();
                fs_err::rename(from, sandbox.path("demo-1")).unwrap();
                sandbox.set_project("demo-1");
            })
            .silent();
        builds(sandbox);
    });
}

#[test]
fn a_script_in_an_environment_with_a_space() {
    sandbox(|sandbox| {
        sandbox.set_project("My Project");
        sandbox.src_layout_project();
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        // A space alone breaks nothing.
        sandbox.doctor().silent();
        sandbox.pip_install(&venv, &["jmespath==1.0.1"]);
        assert!(sandbox.command(venv.program("jp.py")).arg("--help").output().is_err());
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["FS012"])
            .severity("FS012", Severity::Error)
            .message_contains("FS012", "jp.py does not start")
            .evidence_contains("FS012", "#!");
        let moved = diagnosis.apply_fix_with("FS012", |step| {
            let Step::Do { what } = step else { panic!("{step:?}") };
            assert!(what.starts_with("activate it"), "{what}");
        });
        moved.silent();
        let script = sandbox.home().join(".virtualenvs/demo/bin/jp.py");
        sandbox.run(script, ["--help"]);
    });
}

#[test]
fn spaces_and_letters_of_any_language_are_fine() {
    sandbox(|sandbox| {
        sandbox.set_project("Mein Büro, プロジェクト #1");
        cargo_project(sandbox);
        builds(sandbox);
        sandbox.doctor().silent();
    });
}

#[test]
fn names_that_differ_in_case_only() {
    sandbox(|sandbox| {
        cargo_project(sandbox);
        sandbox.write("docs/README.md", "One.\n");
        sandbox.write("docs/Readme.md", "Two.\n");
        let diagnosis = sandbox.doctor();
        diagnosis.silent().severity("FS010", Severity::Info);
        diagnosis
            .apply_fix_with("FS010", |_| {
                let docs = sandbox.project().join("docs");
                fs_err::rename(docs.join("Readme.md"), docs.join("Second.md")).unwrap();
            })
            .gone("FS010");
    });
}
