//! Variables and configuration files that lead cargo, PyO3 and maturin astray.

use report::{Severity, Step};

use crate::harness::{Sandbox, sandbox, skip};

/// A crate without dependencies, with a program, built by maturin.
fn program(sandbox: &Sandbox, more: &str) {
    manifest(sandbox, "");
    sandbox.write("src/main.rs", "fn main() {}\n");
    sandbox.write("pyproject.toml", format!("{PYPROJECT}{more}"));
    sandbox.run("cargo", ["generate-lockfile", "--offline", "--quiet"]);
}

fn manifest(sandbox: &Sandbox, more: &str) {
    sandbox.write(
        "Cargo.toml",
        format!("[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{more}"),
    );
}

const PYPROJECT: &str = "[build-system]\nrequires = [\"maturin>=1.9,<2.0\"]\n\
                         build-backend = \"maturin\"\n[project]\nname = \"demo\"\n\
                         version = \"0.1.0\"\n";

/// What a program says that is expected to fail.
#[track_caller]
fn fails(sandbox: &Sandbox, program: &str, arguments: &[&str]) -> String {
    let output = sandbox.shielded(program).args(arguments).output().unwrap();
    assert!(!output.success(), "{program} {arguments:?} succeeded");
    output.stderr_text()
}

fn built(sandbox: &Sandbox) {
    sandbox.run("cargo", ["build", "--offline", "--quiet"]);
}

#[test]
fn a_compiler_wrapper_that_is_not_there() {
    sandbox(|sandbox| {
        sandbox.python("3.12");
        program(sandbox, "");
        sandbox.doctor().silent();
        sandbox.set("RUSTC_WRAPPER", "sccache");
        let said = fails(sandbox, "cargo", &["build", "--offline"]);
        assert!(said.contains("could not execute process `sccache rustc -vV`"), "{said}");
        sandbox
            .doctor()
            .only(&["BLD020"])
            .severity("BLD020", Severity::Error)
            .apply_fix("BLD020")
            .silent();
        built(sandbox);
        // A path with a tilde, which only shells understand.
        sandbox.write(".cargo/config.toml", "[build]\nrustc-wrapper = \"~/.cargo/bin/sccache\"\n");
        fails(sandbox, "cargo", &["build", "--offline"]);
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["BLD020"]).cause_contains("BLD020", "only shells know what `~` means");
        // One that is there is none of the doctor's business, and neither is an empty variable.
        sandbox.set("RUSTC_WRAPPER", "");
        sandbox.doctor().silent();
        built(sandbox);
        sandbox.unset("RUSTC_WRAPPER");
        diagnosis.apply_fix_with("BLD020", |_| {
            sandbox.write(".cargo/config.toml", "");
        });
        sandbox.doctor().silent();
        built(sandbox);
    });
}

#[test]
fn flags_that_a_variable_overrules() {
    sandbox(|sandbox| {
        sandbox.python("3.12");
        program(sandbox, "");
        sandbox.write(
            "src/main.rs",
            "fn main() {}\n#[cfg(not(special))]\ncompile_error!(\"plain\");\n",
        );
        sandbox.write(
            ".cargo/config.toml",
            "[build]\nrustflags = [\"--cfg\", \"special\", \"-A\", \"warnings\"]\n",
        );
        built(sandbox);
        sandbox.doctor().silent();
        sandbox.set("RUSTFLAGS", "-Cdebuginfo=0");
        assert!(fails(sandbox, "cargo", &["build", "--offline"]).contains("plain"));
        sandbox
            .doctor()
            .only(&["BLD021"])
            .severity("BLD021", Severity::Warning)
            .message_contains("BLD021", "without `--cfg special`")
            .apply_fix("BLD021")
            .silent();
        built(sandbox);
        sandbox.set("RUSTFLAGS", "");
        assert!(fails(sandbox, "cargo", &["build", "--offline"]).contains("plain"));
        sandbox.doctor().only(&["BLD021"]);
        sandbox.set("RUSTFLAGS", "--cfg special -Awarnings");
        sandbox.doctor().silent();
        built(sandbox);
    });
}

#[test]
fn a_crate_inside_a_workspace_that_does_not_list_it() {
    sandbox(|sandbox| {
        sandbox.python("3.12");
        sandbox.set_project("project/python");
        program(sandbox, "");
        sandbox.doctor().silent();
        sandbox.replace(
            &sandbox.path("project/Cargo.toml"),
            "[workspace]\nresolver = \"2\"\nmembers = []\n",
        );
        let said = fails(sandbox, "cargo", &["build", "--offline"]);
        assert!(said.contains("believes it's in a workspace when it's not"), "{said}");
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["BLD022"]).severity("BLD022", Severity::Error);
        diagnosis
            .apply_fix_with("BLD022", |step| {
                let Step::Edit { file, .. } = step else { panic!("{step:?}") };
                assert!(file.ends_with("python/Cargo.toml"), "{file}");
                manifest(sandbox, "[workspace]\n");
            })
            .silent();
        built(sandbox);
    });
}

#[test]
fn a_readme_that_was_not_copied() {
    sandbox(|sandbox| {
        sandbox.python("3.12");
        sandbox.offer_maturin();
        program(sandbox, "readme = \"README.md\"\n[tool.maturin]\nbindings = \"bin\"\n");
        let said = fails(sandbox, "maturin", &["build", "--offline"]);
        assert!(said.contains("Failed to read readme specified in pyproject.toml"), "{said}");
        sandbox
            .doctor()
            .only(&["BLD023"])
            .severity("BLD023", Severity::Error)
            .apply_fix_with("BLD023", |_| {
                sandbox.write("README.md", "# demo\n");
            })
            .silent();
        sandbox.run("maturin", ["build", "--offline", "--quiet"]);
    });
}

#[test]
fn a_layout_that_maturin_does_not_find() {
    sandbox(|sandbox| {
        sandbox.python("3.12");
        sandbox.offer_maturin();
        program(sandbox, "[tool.maturin]\nbindings = \"bin\"\npython-source = \"python\"\n");
        let said = fails(sandbox, "maturin", &["build", "--offline"]);
        assert!(said.contains("python-source is set to `python`"), "{said}");
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["BLD024"]).message_contains("BLD024", "the directory `python`");
        let diagnosis = diagnosis.apply_fix_with("BLD024", |_| {
            sandbox.write("python/other/__init__.py", "");
        });
        // The directory is there now, and the package in it has another name.
        let said = fails(sandbox, "maturin", &["build", "--offline"]);
        assert!(said.contains("the python module at"), "{said}");
        diagnosis
            .only(&["BLD024"])
            .message_contains("BLD024", "the Python package `python/demo`")
            .apply_fix_with("BLD024", |_| {
                sandbox.write("python/demo/__init__.py", "");
            })
            .silent();
        sandbox.run("maturin", ["build", "--offline", "--quiet"]);
    });
}

/// A crate of a directory that stands in for crates.io.
fn vendor(sandbox: &Sandbox) {
    sandbox.write(
        "vendor/leaf/Cargo.toml",
        "[package]\nname = \"leaf\"\nversion = \"1.0.0\"\nedition = \"2021\"\n",
    );
    sandbox.write("vendor/leaf/src/lib.rs", "");
    sandbox.write("vendor/leaf/.cargo-checksum.json", "{\"files\":{}}");
}

#[test]
fn vendored_crates_that_were_not_copied() {
    sandbox(|sandbox| {
        sandbox.python("3.12");
        vendor(sandbox);
        sandbox.write(
            ".cargo/config.toml",
            "[source.crates-io]\nreplace-with = \"vendored-sources\"\n\
             [source.vendored-sources]\ndirectory = \"vendor\"\n",
        );
        manifest(sandbox, "[dependencies]\nleaf = \"1\"\n[workspace]\nexclude = [\"vendor\"]\n");
        sandbox.write("src/main.rs", "fn main() {}\n");
        built(sandbox);
        sandbox.doctor().silent();
        fs_err::remove_dir_all(sandbox.project().join("vendor")).unwrap();
        let said = fails(sandbox, "cargo", &["build", "--offline"]);
        assert!(said.contains("failed to read root of directory source"), "{said}");
        sandbox
            .doctor()
            .only(&["BLD025"])
            .severity("BLD025", Severity::Error)
            // Here crates.io itself is not to be asked, so that the crates are brought back.
            .apply_fix_with("BLD025", |_| vendor(sandbox))
            .silent();
        built(sandbox);
    });
}

#[test]
fn a_crate_for_a_newer_compiler() {
    sandbox(|sandbox| {
        sandbox.python("3.12");
        program(sandbox, "");
        manifest(sandbox, "rust-version = \"1.999\"\n");
        let said = fails(sandbox, "cargo", &["build", "--offline"]);
        assert!(said.contains("is not supported by the following package"), "{said}");
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["BLD026"]).message_contains("BLD026", "demo needs Rust 1.999.0");
        // No such compiler can be installed yet; the crate is made to ask for less.
        manifest(sandbox, "rust-version = \"1.56\"\n");
        sandbox.doctor().silent();
        built(sandbox);
    });
}

#[test]
fn off_the_network_without_the_crates() {
    sandbox(|sandbox| {
        sandbox.python("3.12");
        manifest(sandbox, "[dependencies]\nitoa = \"1\"\n");
        sandbox.write("src/main.rs", "fn main() {}\n");
        sandbox.run_installer(&sandbox.command("cargo").args(["generate-lockfile", "--quiet"]));
        sandbox.set("CARGO_NET_OFFLINE", "true");
        let said = fails(sandbox, "cargo", &["build"]);
        assert!(said.contains("itoa"), "{said}");
        sandbox
            .doctor()
            .only(&["BLD027"])
            .severity("BLD027", Severity::Error)
            .evidence_contains("BLD027", "no itoa-1")
            .apply_fix("BLD027")
            .silent();
        sandbox.run_installer(&sandbox.command("cargo").args(["build", "--quiet"]));
        // What was downloaded once is here.
        sandbox.set("CARGO_NET_OFFLINE", "true");
        sandbox.doctor().silent();
        sandbox.run("cargo", ["build", "--quiet"]);
    });
}

#[test]
fn a_setuptools_from_before_python_3_12() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.12");
        let venv = sandbox.venv(&python, ".venv");
        sandbox.write(
            "pyproject.toml",
            "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \
             \"setuptools.build_meta\"\n[project]\nname = \"demo\"\nversion = \"1\"\n",
        );
        sandbox.pip_install(&venv, &["setuptools<60", "wheel"]);
        let python = venv.executable.to_str().unwrap();
        let build = ["-m", "pip", "install", "--no-index", "--no-build-isolation", "."];
        assert!(fails(sandbox, python, &build).contains("distutils"));
        sandbox.doctor().only(&["BLD028"]).apply_fix("BLD028").silent();
        sandbox.run(python, build);
        // The same by what the project pins for its builds.
        sandbox.write(
            "pyproject.toml",
            "[build-system]\nrequires = [\"setuptools<60\", \"wheel\"]\nbuild-backend = \
             \"setuptools.build_meta\"\n[project]\nname = \"demo\"\nversion = \"1\"\n",
        );
        sandbox.doctor().only(&["BLD028"]).severity("BLD028", Severity::Error);
    });
}

#[test]
fn pyo3_may_not_ask_a_python() {
    sandbox(|sandbox| {
        let host = host::Host::current().unwrap();
        let home = host.variables.path("CARGO_HOME");
        let home = home.or_else(|| Some(host.home.as_ref()?.join(".cargo"))).unwrap();
        sandbox.python("3.11");
        sandbox.maturin_project("0.22.6");
        sandbox.make_room(&sandbox.project().join("Cargo.lock"));
        sandbox.set("CARGO_HOME", &home);
        let check = sandbox.command("cargo").args(["check", "--quiet"]);
        sandbox.run_installer(&check);
        sandbox.doctor().silent();
        for (name, value, says) in [
            ("PYO3_NO_PYTHON", "1", "An abi3-py3* feature must be specified"),
            ("PYO3_CONFIG_FILE", "/nowhere/pyo3.txt", "failed to open PyO3 config file"),
        ] {
            sandbox.set(name, value);
            let said = fails(sandbox, "cargo", &["check", "--offline"]);
            assert!(said.contains(says), "{said}");
            let diagnosis = sandbox.doctor();
            diagnosis.only(&["BLD029"]).severity("BLD029", Severity::Error);
            diagnosis.apply_fix("BLD029").silent();
        }
        sandbox.run("cargo", ["check", "--offline", "--quiet"]);
    });
}

#[test]
fn a_companion_of_another_pyo3() {
    sandbox(|sandbox| {
        sandbox.python("3.12");
        let with = |pyo3: &str, pythonize: &str| {
            manifest(
                sandbox,
                &format!("[dependencies]\npyo3 = \"{pyo3}\"\npythonize = \"{pythonize}\"\n"),
            );
        };
        sandbox.write("src/lib.rs", "");
        with("0.26", "0.25");
        let command = sandbox.with_network(&sandbox.command("cargo").arg("generate-lockfile"));
        let output = command.output().unwrap();
        let said = output.stderr_text();
        if !said.contains("links to the native library `python`") {
            skip(format!("cargo did not get as far as to compare: {said}"));
        }
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["BLD030"]).severity("BLD030", Severity::Error);
        diagnosis
            .apply_fix_with("BLD030", |step| {
                let Step::Edit { change, .. } = step else { panic!("{step:?}") };
                assert!(change.starts_with("pythonize = \"0.26\""), "{change}");
                with("0.26", "0.26");
            })
            .gone("BLD030");
        sandbox.run_installer(&sandbox.command("cargo").arg("generate-lockfile"));
    });
}
