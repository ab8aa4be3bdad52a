//! The harness itself: what it makes is real.

use report::Severity;

use crate::harness::{Python, Sandbox, sandbox};

fn numpy_version(sandbox: &Sandbox, executable: &std::path::Path) -> String {
    sandbox.run(executable, ["-I", "-c", "import numpy; print(numpy.__version__)"])
}

fn a_python(sandbox: &Sandbox) -> Python {
    sandbox.python("3.11")
}

#[test]
fn every_tool_makes_an_environment_that_runs() {
    sandbox(|sandbox| {
        let python = a_python(sandbox);
        for environment in [
            sandbox.venv(&python, "a"),
            sandbox.venv_with(&python, "b", &["--copies", "--without-pip"]),
            sandbox.uv_venv(&python, "c"),
            sandbox.virtualenv(&python, "d"),
        ] {
            let script = "import sys; print(sys.prefix)";
            let prefix = sandbox.run(&environment.executable, ["-I", "-c", script]);
            assert_eq!(prefix.trim(), environment.prefix.display().to_string());
        }
    });
}

#[test]
fn installers_install_what_they_are_asked_for() {
    sandbox(|sandbox| {
        let python = a_python(sandbox);
        let venv = sandbox.venv(&python, ".venv");
        sandbox.pip_install(&venv, &["numpy==1.26.4"]);
        assert_eq!(numpy_version(sandbox, &venv.executable), "1.26.4\n");
        sandbox.uv_pip_install(&venv, &["numpy==2.2.6"]);
        assert_eq!(numpy_version(sandbox, &venv.executable), "2.2.6\n");
        assert!(sandbox.exists(&venv.site_packages().join("numpy-2.2.6.dist-info")));
    });
}

#[test]
fn conda_prefixes_are_real() {
    sandbox(|sandbox| {
        let python = a_python(sandbox);
        let environment = sandbox.conda_environment(&python, "science", &["numpy=1.26.4"]);
        assert_eq!(numpy_version(sandbox, &environment.executable), "1.26.4\n");
        for record in ["history", "numpy-1.26.4-py311.json"] {
            let record = environment.prefix.join("conda-meta").join(record);
            assert!(sandbox.exists(&record), "{} is missing", record.display());
        }
    });
}

#[test]
fn mounts_are_real_and_gone_afterwards() {
    let mut mounted = std::path::PathBuf::new();
    sandbox(|sandbox| {
        mounted = sandbox.mount_tmpfs("noexec", "noexec,size=1m");
        let program = mounted.join("program");
        sandbox.write_program(&program, "#!/bin/sh\n");
        let error = sandbox.command(&program).output().unwrap_err();
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::PermissionDenied));
        sandbox.remount(&mounted, "ro");
        assert!(!sandbox.command("touch").arg(mounted.join("file")).output().unwrap().success());
    });
    assert!(fs_err::symlink_metadata(mounted).is_err());
}

/// The whole way of a fault: made, found, explained, mended by its own cure, gone.
#[test]
fn a_cure_is_carried_out_for_real() {
    sandbox(|sandbox| {
        let python = a_python(sandbox);
        sandbox.maturin_project("0.27.1");
        let venv = sandbox.venv_with(&python, ".venv", &["--without-pip"]);
        sandbox.replace_with_link(&venv.executable, "/nowhere/bin/python3.11");
        sandbox.activate(&venv);
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["ENV001"])
            .severity("ENV001", Severity::Error)
            .message_contains("ENV001", "no longer exists")
            .cause_contains("ENV001", "removed")
            .evidence_contains("ENV001", "/nowhere/bin/python3.11");
        let mended = diagnosis.apply_fix("ENV001");
        mended.gone("ENV001").silent();
        sandbox.run(&venv.executable, ["-I", "-c", ""]);
    });
}

#[test]
fn the_interpreters_of_the_machine_are_out_of_reach() {
    sandbox(|sandbox| {
        let python = a_python(sandbox);
        let venv = sandbox.uv_venv(&python, ".venv");
        let before = fs_err::read(&python.executable).unwrap();
        // What was a link to the interpreter becomes a file of the sandbox.
        for name in ["python", "python3"] {
            sandbox.replace(&venv.program(name), "");
        }
        assert_eq!(fs_err::read(&python.executable).unwrap(), before);

        let link = sandbox.home().join("base");
        sandbox.replace_with_link(&link, python.programs());
        let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            sandbox.replace(&link.join("new"), "");
        }));
        assert!(refused.is_err());
        assert!(!sandbox.exists(&link.join("new")));

        let touch = sandbox.shielded("touch").arg(python.programs().join("new")).output().unwrap();
        assert!(!touch.success());
        assert!(touch.stderr_text().contains("Read-only"), "{}", touch.stderr_text());
    });
}

#[test]
fn a_sandbox_sees_nothing_of_the_user() {
    sandbox(|sandbox| {
        sandbox.set("ONLY_THIS", "1");
        let listed = sandbox.command("env").output().unwrap().stdout_text();
        let mut names: Vec<&str> =
            listed.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        names.sort_unstable();
        let expected = [
            "HOME",
            "LANG",
            "ONLY_THIS",
            "PATH",
            "TMPDIR",
            "TRUEWHEEL_CACHE_DIR",
            "XDG_CACHE_HOME",
        ];
        assert_eq!(names, expected);
    });
}
