//! ENV: environments that lost their base, moved, were half deleted, or do not fit the project.

mod tools;

use report::Severity;

use crate::harness::{Environment, Python, Sandbox, sandbox};

/// An interpreter that can be taken away: a link to an installed one, as package managers set
/// for the current release.
fn removable(sandbox: &Sandbox, python: &Python) -> Python {
    let link = sandbox.path("pythons/current");
    sandbox.replace_with_link(&link, python.programs().parent().unwrap());
    let name = format!("bin/python{}", python.minor);
    Python { minor: python.minor.clone(), executable: link.join(name) }
}

fn remove_python(sandbox: &Sandbox) {
    fs_err::remove_file(sandbox.path("pythons/current")).unwrap();
}

fn requires_python(sandbox: &Sandbox, range: &str) {
    sandbox.write(
        "pyproject.toml",
        format!("[project]\nname = \"demo\"\nversion = \"0.1.0\"\nrequires-python = \"{range}\"\n"),
    );
}

/// Whether the environment's Python runs, is in the environment and imports this.
fn imports(sandbox: &Sandbox, environment: &Environment, module: &str) {
    let script = format!("import sys, {module}; print(sys.prefix != sys.base_prefix)");
    let printed = sandbox.run(&environment.executable, ["-I", "-c", script.as_str()]);
    assert_eq!(printed.trim(), "True");
}

#[test]
fn a_base_that_was_removed() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let base = removable(sandbox, &python);
        let venv = sandbox.venv(&base, ".venv");
        sandbox.pip_install(&venv, &["six==1.16.0"]);
        sandbox.doctor().silent();
        remove_python(sandbox);
        assert!(sandbox.command(&venv.executable).arg("-V").output().is_err());
        sandbox
            .doctor()
            .only(&["ENV001"])
            .severity("ENV001", Severity::Error)
            .cause_contains("ENV001", "was removed")
            .folded("ENV002", "ENV001")
            .apply_fix("ENV001")
            .silent();
        imports(sandbox, &venv, "six");
    });
}

#[test]
fn a_copied_interpreter_whose_home_was_removed() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let base = removable(sandbox, &python);
        let venv = sandbox.venv_with(&base, ".venv", &["--copies", "--without-pip"]);
        remove_python(sandbox);
        sandbox
            .doctor()
            .only(&["ENV002"])
            .severity("ENV002", Severity::Warning)
            .evidence_contains("ENV002", "pythons/current/bin")
            .apply_fix("ENV002")
            .silent();
        imports(sandbox, &venv, "pip");
    });
}

#[test]
fn a_moved_environment() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let made = sandbox.venv(&python, "elsewhere/.venv");
        let moved = Environment::at(sandbox.project().join(".venv"), &made.minor);
        fs_err::rename(&made.prefix, &moved.prefix).unwrap();
        assert!(sandbox.command(moved.program("pip")).output().is_err());
        sandbox
            .doctor()
            .only(&["ENV003"])
            .severity("ENV003", Severity::Error)
            .evidence_contains("ENV003", "elsewhere/.venv")
            .apply_fix("ENV003")
            .silent();
        sandbox.run(moved.program("pip"), ["--version"]);
    });
}

#[test]
fn a_copied_environment_whose_scripts_work_on_the_original() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let original = sandbox.venv(&python, "../original/.venv");
        sandbox.run("cp", ["-a", original.prefix.to_str().unwrap(), ".venv"]);
        let copy = Environment::at(sandbox.project().join(".venv"), &original.minor);
        let pip = sandbox.run(copy.program("pip"), ["--version"]);
        assert!(pip.contains("original"), "{pip}");
        sandbox.doctor().only(&["ENV003"]).apply_fix("ENV003").silent();
    });
}

#[test]
fn an_environment_without_its_configuration() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv_with(&python, ".venv", &["--without-pip"]);
        fs_err::remove_file(venv.prefix.join("pyvenv.cfg")).unwrap();
        sandbox
            .doctor()
            .only(&["ENV004"])
            .message_contains("ENV004", "no pyvenv.cfg")
            .apply_fix("ENV004")
            .silent();
        imports(sandbox, &venv, "pip");
    });
}

#[test]
fn a_directory_that_waits_for_an_environment() {
    sandbox(|sandbox| {
        sandbox.python("3.11");
        sandbox.replace_with_directory(&sandbox.project().join(".venv"));
        sandbox
            .doctor()
            .only(&["ENV004"])
            .severity("ENV004", Severity::Warning)
            .apply_fix_with("ENV004", |_| {})
            .silent();
    });
}

#[test]
fn an_environment_without_its_interpreter() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        sandbox.offer_uv();
        let venv = sandbox.uv_venv(&python, ".venv");
        sandbox.uv_pip_install(&venv, &["six==1.16.0"]);
        for name in ["python", "python3", "python3.11"] {
            fs_err::remove_file(venv.program(name)).unwrap();
        }
        sandbox
            .doctor()
            .only(&["ENV004"])
            .message_contains("ENV004", "no Python")
            .apply_fix("ENV004")
            .silent();
        imports(sandbox, &venv, "six");
        let configuration = fs_err::read_to_string(venv.prefix.join("pyvenv.cfg")).unwrap();
        assert!(configuration.contains("uv ="), "it was made by uv and is made by uv again");
    });
}

#[test]
fn an_environment_of_virtualenv_without_its_interpreter() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        sandbox.offer_virtualenv();
        let venv = sandbox.virtualenv(&python, ".venv");
        fs_err::remove_file(venv.program("python")).unwrap();
        fs_err::remove_file(venv.program("python3")).unwrap();
        sandbox.doctor().only(&["ENV004"]).apply_fix("ENV004").silent();
        imports(sandbox, &venv, "pip");
        let configuration = fs_err::read_to_string(venv.prefix.join("pyvenv.cfg")).unwrap();
        assert!(configuration.contains("virtualenv ="), "{configuration}");
    });
}

#[test]
fn an_environment_with_a_damaged_configuration() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv_with(&python, ".venv", &["--without-pip"]);
        for garbage in [b"\0\xff\xfe".as_slice(), b"", b"home\n", &[b'='; 70_000]] {
            sandbox.replace(&venv.prefix.join("pyvenv.cfg"), garbage);
            sandbox.doctor().only(&["ENV004"]);
        }
        sandbox.doctor().apply_fix("ENV004").silent();
    });
}

#[test]
fn scripts_that_lie_too_deep() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let deep = format!("{}/{}/.venv", "d".repeat(120), "e".repeat(120));
        let venv = sandbox.venv(&python, deep);
        sandbox.activate(&venv);
        // pip wraps the commands it makes, but not the files that a wheel brings along.
        sandbox.pip_install(&venv, &["jmespath==1.0.1"]);
        assert!(sandbox.command(venv.program("jp.py")).arg("--help").output().is_err());
        let near = Environment::at(sandbox.home().join(".virtualenvs/project"), &venv.minor);
        sandbox
            .doctor()
            .only(&["ENV005"])
            .message_contains("ENV005", "jp.py")
            .folded("FS001", "ENV005")
            .apply_fix_with("ENV005", |_| sandbox.activate(&near))
            .silent();
        sandbox.run(near.program("jp.py"), ["--help"]);
    });
}

#[test]
fn an_active_environment_that_was_deleted() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv_with(&python, "old", &["--without-pip"]);
        sandbox.activate(&venv);
        fs_err::remove_dir_all(&venv.prefix).unwrap();
        sandbox
            .doctor()
            .only(&["ENV006"])
            .severity("ENV006", Severity::Error)
            .cause_contains("ENV006", "deleted")
            .apply_fix("ENV006")
            .silent();
    });
}

#[test]
fn an_active_directory_that_is_no_environment() {
    sandbox(|sandbox| {
        sandbox.python("3.11");
        let directory = sandbox.write("notes/readme.txt", "x").parent().unwrap().to_path_buf();
        sandbox.set("VIRTUAL_ENV", &directory);
        sandbox.doctor().only(&["ENV006"]).apply_fix("ENV006").silent();
        assert!(sandbox.exists(&directory.join("readme.txt")));
    });
}

#[test]
fn the_environment_of_another_project_is_active() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let own = sandbox.venv_with(&python, ".venv", &["--without-pip"]);
        let other = sandbox.venv_with(&python, "../other/.venv", &["--without-pip"]);
        sandbox.activate(&other);
        sandbox
            .doctor()
            .only(&["ENV006"])
            .severity("ENV006", Severity::Warning)
            .apply_fix_with("ENV006", |_| sandbox.activate(&own))
            .silent();
    });
}

#[test]
fn a_central_environment_is_a_choice() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let prefix = sandbox.home().join(".virtualenvs/science");
        let venv = sandbox.venv_with(&python, prefix, &["--without-pip"]);
        sandbox.activate(&venv);
        sandbox.doctor().silent();
    });
}

#[test]
fn a_python_that_the_project_left_behind() {
    sandbox(|sandbox| {
        let newer = sandbox.python("3.13");
        let older = sandbox.python("3.11");
        requires_python(sandbox, ">=3.12");
        let venv = sandbox.venv_with(&older, ".venv", &["--without-pip"]);
        sandbox
            .doctor()
            .only(&["ENV007"])
            .message_contains("ENV007", ">=3.12")
            .apply_fix("ENV007")
            .silent();
        let printed =
            sandbox.run(&venv.executable, ["-c", "import sys; print(sys.version_info[1])"]);
        assert_eq!(format!("3.{}", printed.trim()), newer.minor);
    });
}

#[test]
fn a_range_that_makes_no_sense() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        requires_python(sandbox, "^3.9");
        sandbox.venv_with(&python, ".venv", &["--without-pip"]);
        sandbox
            .doctor()
            .only(&["ENV007"])
            .apply_fix_with("ENV007", |_| requires_python(sandbox, ">=3.9"))
            .silent();
    });
}
