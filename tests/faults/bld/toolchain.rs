//! Compilers and linkers that are missing, or somebody else's.

use std::path::{Path, PathBuf};

use host::Invocation;
use report::Severity;

use crate::harness::{Sandbox, sandbox, skip};

/// A crate without dependencies, with a program to link.
fn crate_with_a_program(sandbox: &Sandbox) {
    sandbox.write(
        "Cargo.toml",
        "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
    );
    sandbox.write("src/main.rs", "fn main() {}\n");
    sandbox.run("cargo", ["generate-lockfile", "--offline", "--quiet"]);
}

/// `cargo build`, and what it says when it fails.
fn build(sandbox: &Sandbox) -> Result<(), String> {
    let output = sandbox.shielded("cargo").args(["build", "--offline"]).output().unwrap();
    if output.success() { Ok(()) } else { Err(output.stderr_text()) }
}

/// The directory of the compiler that the tests themselves use.
fn rust_programs() -> PathBuf {
    let output = Invocation::new("rustc").args(["--print", "sysroot"]).output().unwrap();
    Path::new(output.stdout_text().trim()).join("bin")
}

#[test]
fn no_linker() {
    sandbox(|sandbox| {
        crate_with_a_program(sandbox);
        let python = sandbox.python_off_path("3.12");
        let rust = rust_programs();
        // All that a test itself needs, and no compiler.
        let tools = sandbox.path("tools");
        sandbox.replace_with_link(&tools.join("mount"), "/usr/bin/mount");
        sandbox.set_path(&[python.programs(), &rust, &tools]);
        let said = build(sandbox).unwrap_err();
        assert!(said.contains("linker `cc` not found"), "{said}");
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["BLD009"]).severity("BLD009", Severity::Error);
        // What the cure installs.
        sandbox.set_path(&[python.programs(), &rust, Path::new("/usr/bin")]);
        sandbox.doctor().silent();
        build(sandbox).unwrap();
    });
}

#[test]
fn a_configured_linker_that_is_not_there() {
    sandbox(|sandbox| {
        crate_with_a_program(sandbox);
        sandbox.python("3.12");
        let triple = sandbox.run("rustc", ["-vV"]);
        let triple = triple.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        let setting = format!("[target.{triple}]\nlinker = \"no-such-linker\"\n");
        sandbox.write(".cargo/config.toml", setting);
        assert!(build(sandbox).unwrap_err().contains("no-such-linker"));
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["BLD009"]).evidence_contains("BLD009", ".cargo/config.toml");
        let fixed = diagnosis.apply_fix_with("BLD009", |_| {
            sandbox.write(".cargo/config.toml", "");
        });
        fixed.silent();
        build(sandbox).unwrap();
    });
}

#[test]
fn the_compiler_of_a_conda_environment_stands_first() {
    sandbox(|sandbox| {
        crate_with_a_program(sandbox);
        let python = sandbox.python_off_path("3.12");
        let compiler = sandbox.path("compiler");
        let fails = "#!/bin/sh\necho \"crti.o: not found by conda's ld\" >&2\nexit 1\n";
        sandbox.write_program(&compiler.join("bin/cc"), fails);
        let package = format!("fake-gcc=1.0@{}", compiler.display());
        let environment = sandbox.conda_environment(&python, "build", &[&package]);
        sandbox.activate_conda(&environment);
        assert!(build(sandbox).unwrap_err().contains("crti.o"));
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["BLD010"])
            .evidence_contains("BLD010", "miniforge3/envs/build/bin/cc")
            .message_contains("BLD010", "is conda's");
        diagnosis.apply_fix("BLD010").silent();
        build(sandbox).unwrap();
    });
}

#[test]
fn no_rustc() {
    sandbox(|sandbox| {
        crate_with_a_program(sandbox);
        let python = sandbox.python_off_path("3.12");
        if sandbox.exists(Path::new("/usr/bin/rustc")) {
            skip("the system has a rustc of its own");
        }
        sandbox.set_path(&[python.programs(), Path::new("/usr/bin")]);
        sandbox.doctor().only(&["BLD017"]).severity("BLD017", Severity::Error);
        // What the cure installs.
        sandbox.prepend_path(&rust_programs());
        sandbox.doctor().silent();
    });
}

#[test]
fn a_toolchain_that_rustup_lacks_is_named_and_rustup_is_never_run() {
    sandbox(|sandbox| {
        crate_with_a_program(sandbox);
        let python = sandbox.python_off_path("3.12");
        let rustup = sandbox.home().join(".rustup");
        let real = rust_programs();
        let sysroot = real.parent().unwrap();
        let toolchain = rustup.join("toolchains/stable-x86_64-unknown-linux-gnu");
        sandbox.replace_with_link(&toolchain, sysroot);
        let settings =
            "version = \"12\"\ndefault_toolchain = \"stable-x86_64-unknown-linux-gnu\"\n";
        sandbox.replace(&rustup.join("settings.toml"), settings);
        // Stands in for rustup: it tells that it ran, and installs by a link.
        let ran = sandbox.path("rustup-ran");
        let programs = sandbox.home().join(".cargo/bin");
        let program = format!(
            "#!/bin/sh\necho \"$0 $*\" >> {}\n[ \"$1\" = toolchain ] && ln -s {} {}/toolchains/$3\n",
            ran.display(),
            sysroot.display(),
            rustup.display()
        );
        sandbox.write_program(&programs.join("rustup"), program);
        for name in ["rustc", "cargo"] {
            sandbox.replace_with_link(&programs.join(name), "rustup");
        }
        sandbox.set_path(&[python.programs(), &programs, Path::new("/usr/bin")]);
        sandbox.doctor().silent();
        sandbox.write("rust-toolchain.toml", "[toolchain]\nchannel = \"1.70.0\"\n");
        // rustup fetches it when it is first needed, unless that is forbidden.
        sandbox.doctor().silent().severity("BLD017", Severity::Info);
        sandbox.set("RUSTUP_AUTO_INSTALL", "0");
        // Other tools that are asked about the fault may run it, before and after.
        let runs = || fs_err::read_to_string(&ran).unwrap_or_default();
        let before = runs();
        let diagnosis = sandbox.doctor();
        assert_eq!(runs(), before, "rustup was run");
        diagnosis
            .only(&["BLD017"])
            .evidence_contains("BLD017", "the toolchain `1.70.0`")
            .evidence_contains("BLD017", "rust-toolchain.toml")
            .apply_fix("BLD017")
            .silent();
        let said = fs_err::read_to_string(&ran).unwrap();
        let installs = said.lines().filter(|line| line.contains("toolchain install"));
        assert_eq!(installs.count(), 1, "{said}");
    });
}
