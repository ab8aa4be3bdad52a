//! `doctor --fix` and `--undo` on real faults: what comes back is what was there.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Environment, Python, Sandbox, sandbox};

/// `doctor --undo last`, which brings everything back.
#[track_caller]
fn undo(sandbox: &Sandbox) {
    let output = sandbox.doctor_output(&["--undo", "last"]);
    assert_eq!(output.code, Some(0), "{}{}", output.stdout_text(), output.stderr_text());
}

fn version_of(sandbox: &Sandbox, environment: &Environment, package: &str) -> String {
    let script = format!("from importlib.metadata import version; print(version('{package}'))");
    sandbox.run(&environment.executable, ["-I", "-c", &script]).trim().to_owned()
}

/// An environment whose Python goes away with [`take_away`].
fn removable(sandbox: &Sandbox, python: &Python) -> Python {
    let link = sandbox.path("pythons/current");
    sandbox.replace_with_link(&link, python.programs().parent().unwrap());
    Python {
        minor: python.minor.clone(),
        executable: link.join(format!("bin/python{}", python.minor)),
    }
}

fn take_away(sandbox: &Sandbox) {
    fs_err::remove_file(sandbox.path("pythons/current")).unwrap();
}

#[test]
fn an_environment_comes_back_with_its_packages_and_the_old_one_can_too() {
    sandbox(|sandbox| {
        // Arguments of commands may look like flags, and have spaces.
        sandbox.set_project("-my project");
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&removable(sandbox, &python), ".venv");
        sandbox.write("mine/pyproject.toml", "[project]\nname = \"mine\"\nversion = \"0.3\"\n");
        sandbox.write("mine/mine.py", "");
        sandbox.write("lost/pyproject.toml", "[project]\nname = \"lost\"\nversion = \"0.1\"\n");
        let mine = sandbox.project().join("mine").display().to_string();
        let lost = sandbox.project().join("lost");
        // Not the newest: the version that was there is what comes back.
        sandbox
            .pip_install(&venv, &["six==1.15.0", "--editable", &mine, &lost.display().to_string()]);
        sandbox.doctor().silent();
        take_away(sandbox);
        sandbox.make_room(&lost);
        let diagnosis = sandbox.doctor();
        let document = diagnosis.only(&["ENV001"]).fixed("ENV001");
        let left = document["plan"][0]["left"].to_string();
        assert!(left.contains("install lost again from elsewhere"), "{left}");
        sandbox.doctor().silent();
        assert_eq!(version_of(sandbox, &venv, "six"), "1.15.0");
        assert_eq!(version_of(sandbox, &venv, "mine"), "0.3");
        let script = "import mine; print(mine.__file__)";
        let file = sandbox.run(&venv.executable, ["-I", "-c", script]);
        assert!(Path::new(file.trim()).starts_with(&mine), "{file}");
        undo(sandbox);
        sandbox.doctor().only(&["ENV001"]);
        assert!(sandbox.exists(&venv.site_packages().join("six.py")));
    });
}

#[test]
fn a_cure_that_fails_leaves_the_environment_as_it_was() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&removable(sandbox, &python), ".venv");
        // No index has it.
        let info = venv.site_packages().join("no_such_thing_here-7.0.dist-info");
        sandbox.replace(
            &info.join("METADATA"),
            "Metadata-Version: 2.1\nName: no-such-thing-here\nVersion: 7.0\n\n.\n",
        );
        sandbox.replace(&info.join("RECORD"), "");
        take_away(sandbox);
        let document = sandbox.fix(&["--only", "ENV001"], &[]);
        let result = &document["results"][0];
        assert_eq!(result["outcome"], "failed", "{document:#}");
        assert!(result["output"].to_string().contains("no-such-thing-here"), "{result:#}");
        assert!(sandbox.exists(&info.join("METADATA")));
        sandbox.doctor().only(&["ENV001"]);
    });
}

/// Leftovers of pip, with a link in them to something that is not theirs.
fn leftovers(sandbox: &Sandbox, venv: &Environment) -> (Vec<PathBuf>, PathBuf) {
    let precious = sandbox.path("precious/file");
    sandbox.replace(&precious, "mine");
    let left =
        ["~umpy", "~-mpy", "~umpy-1.26.4.dist-info"].map(|name| venv.site_packages().join(name));
    for directory in &left {
        sandbox.replace(&directory.join("__init__.py"), "");
    }
    sandbox.replace_with_link(&left[0].join("link"), precious.parent().unwrap());
    (left.to_vec(), precious)
}

#[test]
fn leftovers_go_and_what_they_link_to_stays() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv_with(&python, ".venv", &["--without-pip"]);
        let (left, precious) = leftovers(sandbox, &venv);
        sandbox.doctor().apply_fix("PKG002").gone("PKG002");
        assert!(left.iter().all(|path| !sandbox.exists(path)));
        assert_eq!(fs_err::read(&precious).unwrap(), b"mine");
        undo(sandbox);
        assert!(left.iter().all(|path| sandbox.exists(path)));
        sandbox.doctor().apply_fix("PKG002").gone("PKG002");
        assert_eq!(sandbox.doctor_output(&["--undo-clear"]).code, Some(0));
        assert_eq!(fs_err::read(&precious).unwrap(), b"mine");
        assert_eq!(sandbox.doctor_output(&["--undo", "last"]).code, Some(3));
    });
}

#[test]
fn where_the_cache_is_on_another_file_system_things_stay_near() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv_with(&python, ".venv", &["--without-pip"]);
        let (left, precious) = leftovers(sandbox, &venv);
        sandbox.mount_tmpfs("elsewhere", "size=10m");
        sandbox.set("TRUEWHEEL_CACHE_DIR", sandbox.path("elsewhere/cache"));
        sandbox.doctor().apply_fix("PKG002").gone("PKG002");
        let near = venv.site_packages().parent().unwrap().join(".truewheel-undo");
        assert!(sandbox.exists(&near.join("1/0/~umpy")) || sandbox.exists(&near.join("1/1/~umpy")));
        assert!(left.iter().all(|path| !sandbox.exists(path)));
        undo(sandbox);
        assert!(left.iter().all(|path| sandbox.exists(path)));
        assert!(!sandbox.exists(&near));
        sandbox.doctor().apply_fix("PKG002").gone("PKG002");
        assert_eq!(sandbox.doctor_output(&["--undo-clear"]).code, Some(0));
        assert!(!sandbox.exists(&near));
        assert_eq!(fs_err::read(&precious).unwrap(), b"mine");
    });
}

#[test]
fn another_user_can_fix_nothing_and_breaks_nothing() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv_with(&python, ".venv", &["--without-pip"]);
        let (left, _) = leftovers(sandbox, &venv);
        let output = sandbox.fix_as_nobody(&["--only", "PKG002"]);
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", output.stderr_text()));
        let result = &document["results"][0];
        assert_eq!(result["outcome"], "failed", "{document:#}");
        assert!(result["reason"].to_string().contains("Permission denied"), "{result}");
        assert_eq!(output.code, Some(1));
        assert!(left.iter().all(|path| sandbox.exists(path)));
    });
}

#[test]
fn packages_that_were_changed_come_back_in_their_versions() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        sandbox.pip_install(&venv, &["six==1.15.0"]);
        // A second record of another version.
        let info = venv.site_packages().join("six-1.16.0.dist-info");
        sandbox.replace(
            &info.join("METADATA"),
            "Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\n\n.\n",
        );
        sandbox.replace(&info.join("INSTALLER"), "pip\n");
        sandbox.doctor().apply_fix("PKG001").gone("PKG001");
        let imported = || {
            let script = "import six; print(six.__version__)";
            sandbox.run(&venv.executable, ["-I", "-c", script]).trim().to_owned()
        };
        assert_eq!(imported(), "1.16.0");
        let command = sandbox.shielded(env!("CARGO_BIN_EXE_truewheel"));
        let command =
            command.args(["doctor", "--undo", "last", "--project"]).arg(sandbox.project());
        sandbox.run_installer(&command);
        assert_eq!(imported(), "1.15.0");
        sandbox.doctor().only(&["PKG001"]);
    });
}

#[test]
fn a_tool_is_pinned_and_then_held_to_its_pin() {
    sandbox(|sandbox| {
        sandbox.maturin_project("0.26.0");
        sandbox.write("truewheel.toml", "# Ours.\n[doctor] # Mild.\nstrict = false\n");
        let python = sandbox.python("3.11");
        let other = sandbox.venv(&python, "other");
        let venv = sandbox.venv(&python, ".venv");
        sandbox.pip_install(&other, &["maturin==1.9.3"]);
        sandbox.pip_install(&venv, &["maturin==1.9.4"]);
        sandbox.prepend_path(&other.prefix.join("bin"));
        sandbox.activate(&venv);
        let diagnosis = sandbox.doctor();
        diagnosis.evidence_contains("BLD031", "maturin 1.9.3").apply_fix("BLD031").gone("BLD031");
        assert_eq!(
            fs_err::read_to_string(sandbox.project().join("truewheel.toml")).unwrap(),
            "# Ours.\n[doctor] # Mild.\nstrict = false\n\n[tools]\nmaturin = \"1.9.4\"\n"
        );
        // A colleague's shell.
        sandbox.activate(&other);
        let diagnosis = sandbox.doctor();
        diagnosis
            .message_contains("BLD031", "maturin 1.9.3 comes first here")
            .apply_fix("BLD031")
            .gone("BLD031");
        assert_eq!(sandbox.run("maturin", ["--version"]).trim(), "maturin 1.9.4");
    });
}
