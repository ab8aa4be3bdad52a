//! Builds with PyO3 and maturin that fail, and the toolchains behind them.

mod cargo_lock;
mod pyo3;
mod settings;
mod toolchain;

use report::{Severity, Step};

use crate::harness::{Environment, Sandbox, sandbox, skip};

/// A maturin project with an active environment of this Python.
fn active_project(sandbox: &Sandbox, pyo3: &str, minor: &str) -> Environment {
    sandbox.maturin_project(pyo3);
    let python = sandbox.python(minor);
    let venv = sandbox.venv(&python, ".venv");
    sandbox.activate(&venv);
    venv
}

/// Does by hand what an edit of the named file asks: `from` becomes `to`.
fn replace_in(sandbox: &Sandbox, file: &str, from: &str, to: &str) {
    let text = fs_err::read_to_string(sandbox.project().join(file)).unwrap();
    assert!(text.contains(from), "{file} holds no {from:?}");
    sandbox.write(file, text.replace(from, to));
}

#[test]
fn maturin_refuses_two_environments_and_pyo3_ignores_both() {
    sandbox(|sandbox| {
        active_project(sandbox, "0.26.0", "3.12");
        let other = sandbox.python_off_path("3.11");
        sandbox.set("CONDA_PREFIX", other.programs().parent().unwrap());
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["BLD001"])
            .severity("BLD001", Severity::Error)
            .evidence_contains("BLD001", "maturin develop: refuses to run")
            .evidence_contains("BLD001", "PyO3 ignores both");
        sandbox.offer_maturin();
        let output = sandbox.shielded("maturin").arg("develop").output().unwrap();
        assert!(!output.success());
        let said = "Both VIRTUAL_ENV and CONDA_PREFIX are set. Please unset one of them";
        assert!(output.stderr_text().contains(said), "{}", output.stderr_text());
        diagnosis.apply_fix("BLD001").gone("BLD001").silent();
    });
}

#[test]
fn two_variables_that_agree_harm_only_a_plain_cargo_build() {
    sandbox(|sandbox| {
        let venv = active_project(sandbox, "0.26.0", "3.12");
        sandbox.set("CONDA_PREFIX", &venv.prefix);
        sandbox.doctor().silent();
        // Now another Python stands before the environment.
        let other = sandbox.python_off_path("3.11");
        sandbox.prepend_path(other.programs());
        let diagnosis = sandbox.doctor();
        diagnosis.severity("BLD001", Severity::Warning).evidence_contains("BLD001", "3.11");
        diagnosis.apply_fix("BLD001").gone("BLD001");
    });
}

#[test]
fn a_python_newer_than_pyo3_knows() {
    sandbox(|sandbox| {
        active_project(sandbox, "0.21.2", "3.13");
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["BLD002"])
            .severity("BLD002", Severity::Error)
            .message_contains("BLD002", "the newest it builds for is 3.12")
            .evidence_contains("BLD002", "cargo build and maturin develop");
        diagnosis.apply_fix("BLD002").silent();
    });
}

#[test]
fn the_stable_interface_makes_a_newer_python_no_obstacle() {
    sandbox(|sandbox| {
        active_project(sandbox, "0.21.2", "3.13");
        let dependency = "pyo3 = { version = \"0.21\", features = [\"abi3-py38\"] }";
        replace_in(sandbox, "Cargo.toml", "pyo3 = \"0.21\"", dependency);
        sandbox.doctor().silent();
    });
}

/// PyO3's own build script is asked, for a Python that it refuses and one that it takes.
#[test]
fn pyo3_says_what_the_doctor_says() {
    sandbox(|sandbox| {
        sandbox.write(
            "Cargo.toml",
            "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
             [dependencies]\npyo3 = { version = \"=0.21.2\", default-features = false }\n",
        );
        sandbox.write("src/lib.rs", "//! Empty.\n");
        sandbox.run_installer(&sandbox.shielded("cargo").args(["generate-lockfile", "--quiet"]));
        let new = sandbox.python("3.13");
        let venv = sandbox.venv_with(&new, ".venv", &["--without-pip"]);
        sandbox.activate(&venv);
        let check = |sandbox: &Sandbox| {
            let command = sandbox.shielded("cargo").args(["check", "--quiet", "--locked"]);
            sandbox.with_network(&command).output().unwrap()
        };
        let output = check(sandbox);
        let said = "is newer than PyO3's maximum supported version (3.12)";
        assert!(output.stderr_text().contains(said), "{}", output.stderr_text());
        sandbox.doctor().finding("BLD002");
        // An older Python: both agree again.
        let old = sandbox.python("3.12");
        let venv = sandbox.venv_with(&old, "older", &["--without-pip"]);
        sandbox.activate(&venv);
        sandbox.doctor().gone("BLD002").gone("BLD003");
        let output = check(sandbox);
        assert!(output.success(), "{}", output.stderr_text());
    });
}

#[test]
fn a_python_older_than_pyo3_knows() {
    sandbox(|sandbox| {
        sandbox.maturin_project("0.30.1");
        sandbox.python("3.12");
        let old = sandbox.python_off_path("3.8");
        let venv = sandbox.venv(&old, ".venv");
        sandbox.activate(&venv);
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["BLD003"])
            .message_contains("BLD003", "the oldest it builds for is 3.9")
            .evidence_contains("BLD003", "pyo3 0.30.1");
        diagnosis.apply_fix("BLD003").silent();
    });
}

#[test]
fn a_python_older_than_the_abi3_feature_promises() {
    sandbox(|sandbox| {
        sandbox.maturin_project("0.26.0");
        let dependency = "pyo3 = { version = \"0.26\", features = [\"abi3-py310\"] }";
        replace_in(sandbox, "Cargo.toml", "pyo3 = \"0.26\"", dependency);
        sandbox.python("3.12");
        let old = sandbox.python_off_path("3.9");
        let venv = sandbox.venv(&old, ".venv");
        sandbox.activate(&venv);
        let diagnosis = sandbox.doctor();
        // The feature is a promise of the project's, so the environment is the one at fault.
        diagnosis.only(&["ENV007"]).folded("BLD003", "ENV007");
        diagnosis.message_contains("BLD003", "abi3-py310").apply_fix("BLD003").silent();
    });
}

const EMBEDDING_TEST: &str = "\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn doubles() {\n        \
                              pyo3::Python::attach(|_| ());\n    }\n}\n";

fn with_embedding_test(sandbox: &Sandbox) {
    let source = fs_err::read_to_string(sandbox.project().join("src/lib.rs")).unwrap();
    sandbox.write("src/lib.rs", source + EMBEDDING_TEST);
}

#[test]
fn tests_that_start_a_python_whose_library_the_loader_does_not_find() {
    sandbox(|sandbox| {
        let venv = active_project(sandbox, "0.26.0", "3.12");
        let script = "import sysconfig as s; print(s.get_config_var('Py_ENABLE_SHARED'))";
        if sandbox.run(&venv.executable, ["-I", "-c", script]).trim() != "1" {
            skip("this Python has no library of its own");
        }
        sandbox.doctor().silent();
        with_embedding_test(sandbox);
        let diagnosis = sandbox.doctor();
        if !diagnosis.report.findings.iter().any(|finding| finding.code == "BLD006") {
            skip("the system has a libpython of the same name");
        }
        diagnosis
            .only(&["BLD006"])
            .message_contains("BLD006", "libpython3.12.so.1.0")
            .evidence_contains("BLD006", "src/lib.rs");
        diagnosis.apply_fix("BLD006").silent();
    });
}

#[test]
fn extension_module_that_is_always_on() {
    sandbox(|sandbox| {
        active_project(sandbox, "0.26.0", "3.12");
        let always = "pyo3 = { version = \"0.26\", features = [\"extension-module\"] }";
        replace_in(sandbox, "Cargo.toml", "pyo3 = \"0.26\"", always);
        // Without a test that starts Python it does no harm.
        sandbox.doctor().silent();
        with_embedding_test(sandbox);
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["BLD007"]).evidence_contains("BLD007", "src/lib.rs");
        let fixed = diagnosis.apply_fix_with("BLD007", |step| {
            let Step::Edit { file, .. } = step else { panic!("{step:?}") };
            if file.ends_with("Cargo.toml") {
                replace_in(sandbox, "Cargo.toml", always, "pyo3 = \"0.26\"");
            } else {
                let section = "[tool.maturin]\n";
                let asked = "[tool.maturin]\nfeatures = [\"pyo3/extension-module\"]\n";
                replace_in(sandbox, "pyproject.toml", section, asked);
            }
        });
        fixed.gone("BLD007");
    });
}

#[test]
fn c_code_and_a_python_without_headers() {
    sandbox(|sandbox| {
        sandbox.src_layout_project();
        let build = "[build-system]\nrequires = [\"setuptools\", \"Cython>=3\"]\n\
                     build-backend = \"setuptools.build_meta\"\n\n[project]";
        replace_in(sandbox, "pyproject.toml", "[project]", build);
        let python = sandbox.python("3.9");
        // The same installation, packed without its headers as distributions do.
        let bare = sandbox.path("bare");
        let prefix = python.programs().parent().unwrap();
        fs_err::create_dir_all(bare.join("lib")).unwrap();
        let program = fs_err::read(&python.executable).unwrap();
        sandbox.write_program(&bare.join("bin/python3.9"), program);
        let library = prefix.join("lib/python3.9");
        fs_err::os::unix::fs::symlink(library, bare.join("lib/python3.9")).unwrap();
        let bare = crate::harness::Python {
            minor: "3.9".to_owned(),
            executable: bare.join("bin/python3.9"),
        };
        let venv = sandbox.venv_with(&bare, ".venv", &["--without-pip"]);
        sandbox.doctor().only(&["BLD008"]).evidence_contains("BLD008", "cython");
        // The whole installation has them.
        fs_err::remove_dir_all(&venv.prefix).unwrap();
        sandbox.venv(&python, ".venv");
        sandbox.doctor().silent();
    });
}

#[test]
fn a_module_that_is_called_otherwise_than_its_pymodule() {
    sandbox(|sandbox| {
        active_project(sandbox, "0.26.0", "3.12");
        sandbox.doctor().silent();
        replace_in(sandbox, "src/lib.rs", "fn _demo(", "fn native(");
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["BLD013"])
            .message_contains("BLD013", "importing `_demo` fails")
            .evidence_contains("BLD013", "PyInit_native")
            .evidence_contains("BLD013", "module-name = \"demo._demo\"");
        let fixed = diagnosis.apply_fix_with("BLD013", |_| {
            let named = "#[pymodule]\n#[pyo3(name = \"_demo\")]\n";
            replace_in(sandbox, "src/lib.rs", "#[pymodule]\n", named);
        });
        fixed.silent();
    });
}

#[test]
fn a_python_that_the_system_manages() {
    sandbox(|sandbox| {
        let system = sandbox.system_python();
        let script = "import sysconfig; print(sysconfig.get_path('stdlib'))";
        let library = sandbox.run(&system.executable, ["-I", "-c", script]);
        let marker = std::path::Path::new(library.trim()).join("EXTERNALLY-MANAGED");
        if !sandbox.exists(&marker) || !sandbox.exists(std::path::Path::new("/usr/bin/pip")) {
            skip("the system's Python is not managed, or has no pip");
        }
        sandbox.src_layout_project();
        sandbox.doctor().silent();
        // Now there is something to install.
        let requires = "requires-python = \">=3.8\"\n";
        let depends = format!("{requires}dependencies = [\"idna\"]\n");
        replace_in(sandbox, "pyproject.toml", requires, &depends);
        let refused =
            sandbox.shielded("pip").args(["install", "--no-index", "."]).output().unwrap();
        assert!(refused.stderr_text().contains("externally-managed-environment"));
        // A Python that can make environments, for the cure.
        let able = sandbox.python_off_path("3.12");
        let link = sandbox.home().join(".pyenv/versions/3.12");
        sandbox.replace_with_link(&link, able.programs().parent().unwrap());
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["BLD014"]).evidence_contains("BLD014", "EXTERNALLY-MANAGED");
        diagnosis.apply_fix("BLD014").silent();
    });
}

#[test]
fn pip_of_another_python() {
    sandbox(|sandbox| {
        sandbox.src_layout_project();
        let venv = sandbox.venv(&sandbox.python("3.12"), ".venv");
        let other = sandbox.venv(&sandbox.python("3.11"), "../other");
        sandbox.activate(&venv);
        sandbox.doctor().silent();
        // Only pip of the other environment comes first.
        let first = sandbox.path("first");
        sandbox.replace_with_link(&first.join("pip"), other.program("pip"));
        sandbox.prepend_path(&first);
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["BLD015"]).severity("BLD015", Severity::Warning);
        let said = sandbox.run("pip", ["--version"]);
        assert!(said.contains("other"), "{said}");
        diagnosis.apply_fix("BLD015").silent();
        let said = sandbox.run("pip", ["--version"]);
        assert!(said.contains(".venv"), "{said}");
    });
}

#[test]
fn an_environment_of_uv_has_no_pip_and_that_is_no_fault() {
    sandbox(|sandbox| {
        sandbox.src_layout_project();
        let venv = sandbox.uv_venv(&sandbox.python("3.12"), ".venv");
        sandbox.activate(&venv);
        let diagnosis = sandbox.doctor();
        diagnosis.silent().severity("BLD015", Severity::Info);
    });
}

#[test]
fn a_shim_of_pyenv_without_its_version() {
    sandbox(|sandbox| {
        sandbox.src_layout_project();
        let python = sandbox.python_off_path("3.12");
        let root = sandbox.home().join(".pyenv");
        let installation = python.programs().parent().unwrap().to_path_buf();
        sandbox.replace_with_link(&root.join("versions/3.12.77"), &installation);
        for name in ["python", "python3", "python3.12", "pip"] {
            sandbox.write_program(&root.join("shims").join(name), "#!/bin/sh\nexec pyenv exec\n");
        }
        // Stands in for pyenv: what it is to build is there already.
        let install =
            format!("#!/bin/sh\nln -s {} {}/versions/$3\n", installation.display(), root.display());
        sandbox.write_program(&root.join("bin/pyenv"), install);
        // The system's own Python would answer in the place of a missing version.
        let without_python = sandbox.path("tools");
        for name in ["sh", "ln", "mount"] {
            let program = std::path::Path::new("/usr/bin").join(name);
            sandbox.replace_with_link(&without_python.join(name), program);
        }
        sandbox.set_path(&[&root.join("shims"), &root.join("bin"), &without_python]);
        sandbox.write(".python-version", "3.12.77\n");
        sandbox.doctor().silent();
        sandbox.write(".python-version", "3.12.99\n");
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["BLD016"])
            .severity("BLD016", Severity::Error)
            .evidence_contains("BLD016", ".python-version")
            .evidence_contains("BLD016", "installed: 3.12.77");
        diagnosis.apply_fix("BLD016").silent();
    });
}
