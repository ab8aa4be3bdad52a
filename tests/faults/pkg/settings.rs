//! What pip is told by variables and files, and what its records promise.

use std::path::Path;

use report::Severity;

use crate::harness::{Environment, Sandbox, sandbox};

/// `pip install` with the sandbox's own settings; says how it ended.
fn install(sandbox: &Sandbox, venv: &Environment, arguments: &[&str]) -> Result<(), String> {
    let command = sandbox
        .shielded(&venv.executable)
        .args(["-m", "pip", "install", "--quiet"])
        .args(arguments);
    let output = command.output().unwrap();
    if output.success() { Ok(()) } else { Err(output.stdout_text() + &output.stderr_text()) }
}

fn imports(sandbox: &Sandbox, venv: &Environment, module: &str) -> bool {
    let script = format!("import {module}");
    let command = sandbox.shielded(&venv.executable).args(["-B", "-c", script.as_str()]);
    command.output().unwrap().success()
}

/// A wheel of `six` beside the project, so that installing needs no network.
fn wheel(sandbox: &Sandbox, venv: &Environment) -> String {
    let directory = sandbox.path("wheels");
    let command = sandbox
        .shielded(&venv.executable)
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "six==1.16.0", "-d"])
        .arg(&directory);
    sandbox.run_installer(&command);
    directory.join("six-1.16.0-py2.py3-none-any.whl").display().to_string()
}

#[test]
fn pip_is_told_to_install_for_the_user() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        let wheel = wheel(sandbox, &venv);
        sandbox.doctor().silent();
        sandbox.set("PIP_USER", "1");
        let said = install(sandbox, &venv, &["--no-index", &wheel]).unwrap_err();
        assert!(said.contains("Can not perform a '--user' install"), "{said}");
        sandbox
            .doctor()
            .only(&["PKG007"])
            .severity("PKG007", Severity::Error)
            .apply_fix("PKG007")
            .silent();
        // The same by a file, for which the variable can stand in.
        let file = sandbox.home().join(".config/pip/pip.conf");
        sandbox.replace(&file, "[install]\nuser = yes\n");
        install(sandbox, &venv, &["--no-index", &wheel]).unwrap_err();
        sandbox
            .doctor()
            .only(&["PKG007"])
            .evidence_contains("PKG007", ".config/pip/pip.conf")
            .apply_fix_with("PKG007", |_| sandbox.replace(&file, ""))
            .silent();
        install(sandbox, &venv, &["--no-index", &wheel]).unwrap();
        assert!(imports(sandbox, &venv, "six"));
    });
}

#[test]
fn pip_is_told_another_target() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        let wheel = wheel(sandbox, &venv);
        sandbox.set("PIP_TARGET", sandbox.path("elsewhere"));
        install(sandbox, &venv, &["--no-index", &wheel]).unwrap();
        assert!(!imports(sandbox, &venv, "six"), "it was installed here after all");
        sandbox
            .doctor()
            .only(&["PKG007"])
            .message_contains("PKG007", "PIP_TARGET is set")
            .apply_fix("PKG007")
            .silent();
        install(sandbox, &venv, &["--no-index", &wheel]).unwrap();
        assert!(imports(sandbox, &venv, "six"));
    });
}

#[test]
fn pip_is_told_to_use_no_index() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        let wheel = wheel(sandbox, &venv);
        sandbox.doctor().silent();
        sandbox.set("PIP_NO_INDEX", "true");
        let said = install(sandbox, &venv, &["six"]).unwrap_err();
        assert!(said.contains("from versions: none"), "{said}");
        sandbox.doctor().only(&["PKG008"]).severity("PKG008", Severity::Error);
        // With a directory of wheels the setting is what somebody wants.
        sandbox.set("PIP_FIND_LINKS", Path::new(&wheel).parent().unwrap());
        sandbox.doctor().silent();
        install(sandbox, &venv, &["six"]).unwrap();
        sandbox.unset("PIP_FIND_LINKS");
        sandbox.doctor().only(&["PKG008"]).apply_fix("PKG008").silent();
    });
}

#[test]
fn a_version_that_another_package_does_not_go_with() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        sandbox.pip_install(&venv, &["requests==2.32.3", "colorama"]);
        sandbox.doctor().silent();
        sandbox.pip_install(&venv, &["--no-deps", "idna==2.1"]);
        let check = || sandbox.shielded(&venv.executable).args(["-m", "pip", "check"]).output();
        let said = check().unwrap().stdout_text();
        assert!(said.contains("requests 2.32.3 has requirement idna<4,>=2.5"), "{said}");
        sandbox
            .doctor()
            .only(&["PKG013"])
            .severity("PKG013", Severity::Warning)
            .apply_fix("PKG013")
            .silent();
        assert!(check().unwrap().success());
    });
}

#[test]
fn a_package_whose_record_is_lost() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        sandbox.pip_install(&venv, &["six==1.16.0"]);
        let record = venv.site_packages().join("six-1.16.0.dist-info/RECORD");
        fs_err::remove_file(&record).unwrap();
        let uninstall = ["-m", "pip", "uninstall", "--yes", "six"];
        let output = sandbox.shielded(&venv.executable).args(uninstall).output().unwrap();
        assert!(!output.success() && output.stderr_text().contains("RECORD"));
        sandbox
            .doctor()
            .only(&["PKG009"])
            .severity("PKG009", Severity::Warning)
            .apply_fix("PKG009")
            .silent();
        assert!(sandbox.exists(&record));
        sandbox.run(&venv.executable, uninstall);
    });
}

#[test]
fn a_module_that_something_deleted() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        sandbox.pip_install(&venv, &["rpds-py==0.20.0"]);
        assert!(imports(sandbox, &venv, "rpds"));
        sandbox.doctor().silent();
        let module = "rpds/rpds.cpython-311-x86_64-linux-gnu.so";
        let module = venv.site_packages().join(module);
        assert!(sandbox.exists(&module));
        fs_err::remove_file(&module).unwrap();
        assert!(!imports(sandbox, &venv, "rpds"));
        // pip sees nothing to do.
        sandbox.pip_install(&venv, &["rpds-py"]);
        assert!(!imports(sandbox, &venv, "rpds"));
        sandbox
            .doctor()
            .only(&["PKG010"])
            .severity("PKG010", Severity::Error)
            .apply_fix("PKG010")
            .silent();
        assert!(imports(sandbox, &venv, "rpds"));
    });
}

#[test]
fn certificates_that_are_not_there() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        sandbox.doctor().silent();
        sandbox.set("PIP_CERT", "/nowhere/corporation.pem");
        // The file is missed before anything is asked.
        let index = ["--index-url", "https://localhost:1/simple", "--retries", "0", "six"];
        let said = install(sandbox, &venv, &index).unwrap_err();
        assert!(said.contains("Could not find a suitable TLS CA certificate bundle"), "{said}");
        sandbox
            .doctor()
            .only(&["PKG011"])
            .severity("PKG011", Severity::Error)
            .apply_fix("PKG011")
            .silent();
        let said = install(sandbox, &venv, &index).unwrap_err();
        assert!(!said.contains("Could not find a suitable TLS CA certificate bundle"), "{said}");
    });
}

#[test]
fn an_editable_checkout_that_was_moved() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        let checkout = sandbox.path("helper");
        sandbox.replace(
            &checkout.join("pyproject.toml"),
            "[build-system]\nrequires = [\"setuptools>=64\"]\nbuild-backend = \
             \"setuptools.build_meta\"\n[project]\nname = \"helper\"\nversion = \"1.0\"\n",
        );
        sandbox.replace(&checkout.join("helper/__init__.py"), "");
        sandbox.pip_install(&venv, &["--editable", checkout.to_str().unwrap()]);
        assert!(imports(sandbox, &venv, "helper"));
        sandbox.doctor().silent();
        fs_err::rename(&checkout, sandbox.path("moved")).unwrap();
        assert!(!imports(sandbox, &venv, "helper"));
        sandbox
            .doctor()
            .only(&["PKG012"])
            .severity("PKG012", Severity::Error)
            .apply_fix("PKG012")
            .silent();
    });
}

#[test]
fn modules_that_were_copied_from_another_python() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        let target = venv.site_packages();
        // What people do for images and for functions in the cloud.
        sandbox.pip_install(
            &venv,
            &[
                "--no-deps",
                "--only-binary=:all:",
                "--platform=manylinux2014_x86_64",
                "--python-version=3.12",
                "--target",
                target.to_str().unwrap(),
                "rpds-py==0.20.0",
            ],
        );
        assert!(!imports(sandbox, &venv, "rpds"));
        sandbox
            .doctor()
            .only(&["EXT010"])
            .severity("EXT010", Severity::Error)
            .evidence_contains("EXT010", ".cpython-312-x86_64-linux-gnu.so")
            .apply_fix("EXT010")
            .silent();
        assert!(imports(sandbox, &venv, "rpds"));
    });
}
