//! PKG: packages installed twice, half, in the wrong place, or hidden by others.

mod settings;

use report::Severity;

use crate::harness::{Environment, Sandbox, sandbox};

/// Puts the record of another version beside that of the installed one, as a second installer or
/// an interrupted one leaves it.
fn add_record(sandbox: &Sandbox, venv: &Environment, package: &str, version: &str) {
    let other = sandbox.uv_venv(&sandbox.python_off_path(&venv.minor), "../donor");
    sandbox.uv_pip_install(&other, &["--no-deps", &format!("{package}=={version}")]);
    let record = other.site_packages().join(format!("{package}-{version}.dist-info"));
    let site = venv.site_packages();
    sandbox.run("cp", ["-a", record.to_str().unwrap(), site.to_str().unwrap()]);
}

fn version_of(sandbox: &Sandbox, environment: &Environment, module: &str) -> String {
    let script = format!("import {module}; print({module}.__version__)");
    sandbox.run(&environment.executable, ["-c", script.as_str()]).trim().to_owned()
}

#[test]
fn two_records_of_one_package() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        sandbox.pip_install(&venv, &["six==1.16.0"]);
        sandbox.doctor().silent();
        add_record(sandbox, &venv, "six", "1.15.0");
        sandbox
            .doctor()
            .only(&["PKG001"])
            .message_contains("PKG001", "1.15.0, 1.16.0")
            .cause_contains("PKG001", "interrupted")
            .apply_fix("PKG001")
            .silent();
        assert_eq!(version_of(sandbox, &venv, "six"), "1.16.0");
    });
}

#[test]
fn a_record_that_no_installer_can_uninstall() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        sandbox.pip_install(&venv, &["six==1.16.0"]);
        add_record(sandbox, &venv, "six", "1.15.0");
        let record = venv.site_packages().join("six-1.15.0.dist-info/RECORD");
        fs_err::remove_file(record).unwrap();
        sandbox
            .doctor()
            .only(&["PKG001"])
            .evidence_contains("PKG001", "without a readable RECORD")
            .apply_fix("PKG001")
            .silent();
        assert_eq!(version_of(sandbox, &venv, "six"), "1.16.0");
    });
}

#[test]
fn two_records_where_only_uv_installs() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        sandbox.offer_uv();
        let venv = sandbox.uv_venv(&python, ".venv");
        sandbox.uv_pip_install(&venv, &["six==1.16.0"]);
        add_record(sandbox, &venv, "six", "1.15.0");
        sandbox.doctor().only(&["PKG001"]).apply_fix("PKG001").silent();
        assert_eq!(version_of(sandbox, &venv, "six"), "1.16.0");
    });
}

/// Renames as pip does before it replaces a package.
fn set_aside(venv: &Environment, names: &[&str]) {
    for name in names {
        let from = venv.site_packages().join(name);
        let to = venv.site_packages().join(format!("~{}", &name[1..]));
        fs_err::rename(from, to).unwrap();
    }
}

#[test]
fn an_upgrade_that_was_killed() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        sandbox.pip_install(&venv, &["packaging==24.0"]);
        set_aside(&venv, &["packaging", "packaging-24.0.dist-info"]);
        let listed = sandbox
            .command(&venv.executable)
            .args(["-m", "pip", "list", "--disable-pip-version-check"])
            .output()
            .unwrap();
        let warning = "Ignoring invalid distribution ~ackaging";
        assert!(listed.stderr_text().contains(warning), "{}", listed.stderr_text());
        sandbox
            .doctor()
            .only(&["PKG002"])
            .severity("PKG002", Severity::Warning)
            .evidence_contains("PKG002", warning)
            .apply_fix("PKG002")
            .silent();
    });
}

#[test]
fn leftovers_beside_the_new_version() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        sandbox.pip_install(&venv, &["packaging==24.0"]);
        set_aside(&venv, &["packaging", "packaging-24.0.dist-info"]);
        sandbox.pip_install(&venv, &["packaging==24.1"]);
        sandbox
            .doctor()
            .silent()
            .severity("PKG002", Severity::Info)
            .apply_fix("PKG002")
            .gone("PKG002");
        assert_eq!(version_of(sandbox, &venv, "packaging"), "24.1");
    });
}

#[test]
fn the_user_s_numpy_hides_that_of_a_conda_environment() {
    sandbox(|sandbox| {
        let python = sandbox.python_off_path("3.11");
        let conda = sandbox.conda_environment(&python, "science", &["numpy=1.26.4", "pip=24.0"]);
        // conda's own package of pip has a script; the one made from a wheel has none.
        let script = "from pip._internal.cli.main import main\nmain()\n";
        let script = format!("#!{}\n{script}", conda.executable.display());
        sandbox.write_program(&conda.program("pip"), script);
        sandbox.activate_conda(&conda);
        sandbox.doctor().silent();
        sandbox.pip_install(&conda, &["--user", "numpy==1.26.3"]);
        assert_eq!(version_of(sandbox, &conda, "numpy"), "1.26.3");
        sandbox
            .doctor()
            .only(&["PKG003"])
            .cause_contains("PKG003", "--user")
            .evidence_contains("PKG003", "numpy 1.26.3 is imported, not numpy 1.26.4")
            .apply_fix("PKG003")
            .silent();
        assert_eq!(version_of(sandbox, &conda, "numpy"), "1.26.4");
    });
}

#[test]
fn the_user_s_packages_are_no_matter_of_a_virtual_environment() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        let base = Environment {
            prefix: python.programs().parent().unwrap().to_path_buf(),
            executable: python.executable.clone(),
            minor: python.minor.clone(),
        };
        sandbox.pip_install(&base, &["--user", "six==1.15.0"]);
        sandbox.pip_install(&venv, &["six==1.16.0"]);
        sandbox.set_path(&[&venv.prefix.join("bin"), std::path::Path::new("/usr/bin")]);
        sandbox.doctor().silent().gone("PKG003");
    });
}

#[test]
fn python_path_with_packages_of_another_version() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        sandbox.venv_with(&python, ".venv", &["--without-pip"]);
        let older = sandbox.python_off_path("3.9");
        let other = sandbox.venv_with(&older, "../other", &["--without-pip"]);
        let own = sandbox.write("src/demo.py", "\n").parent().unwrap().to_path_buf();
        sandbox.set("PYTHONPATH", &own);
        sandbox.doctor().silent();
        let both = format!("{}:{}", own.display(), other.site_packages().display());
        sandbox.set("PYTHONPATH", both);
        sandbox
            .doctor()
            .only(&["PKG004"])
            .severity("PKG004", Severity::Warning)
            .evidence_contains("PKG004", "packages of Python 3.9")
            .apply_fix("PKG004")
            .silent();
    });
}

#[test]
fn python_path_with_the_library_of_another_version() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv_with(&python, ".venv", &["--without-pip"]);
        let older = sandbox.python_off_path("3.9");
        let library = older.programs().parent().unwrap().join("lib/python3.9");
        sandbox.set("PYTHONPATH", library);
        let output = sandbox.command(&venv.executable).args(["-c", "import re"]).output().unwrap();
        assert!(!output.success(), "{}", output.stdout_text());
        sandbox
            .doctor()
            .only(&["PKG004"])
            .severity("PKG004", Severity::Error)
            .apply_fix("PKG004")
            .silent();
        sandbox.run(&venv.executable, ["-c", "import re"]);
    });
}

#[test]
fn python_home_of_another_version() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv_with(&python, ".venv", &["--without-pip"]);
        let older = sandbox.python_off_path("3.9");
        sandbox.set("PYTHONHOME", python.programs().parent().unwrap());
        sandbox.doctor().silent();
        sandbox.set("PYTHONHOME", older.programs().parent().unwrap());
        let output = sandbox.command(&venv.executable).arg("-V").args(["-c", ""]).output().unwrap();
        let output = if output.success() {
            sandbox.command(&venv.executable).args(["-c", ""]).output().unwrap()
        } else {
            output
        };
        assert!(output.stderr_text().contains("encodings"), "{}", output.stderr_text());
        sandbox
            .doctor()
            .only(&["PKG004"])
            .severity("PKG004", Severity::Error)
            .apply_fix("PKG004")
            .silent();
        sandbox.run(&venv.executable, ["-c", ""]);
    });
}

/// Loads both libraries into one process and lets each start.
const START_BOTH: &str = "import ctypes, sys
for path in sys.argv[1:]:
    ctypes.CDLL(path).omp_get_max_threads()
";

#[test]
fn two_openmp_runtimes_of_intel() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        sandbox.pip_install(&venv, &["intel-openmp==2019.0"]);
        sandbox.doctor().silent();
        // As a wheel carries its own under a name with a hash.
        let first = venv.prefix.join("lib/libiomp5.so");
        let bundled = venv.site_packages().join("solver.libs");
        let second = bundled.join("libiomp5-8f1a3b2c.so");
        sandbox.replace(&second, fs_err::read(&first).unwrap());
        let both = [&first, &second].map(|path| path.to_str().unwrap());
        let start = sandbox.command(&venv.executable).args(["-c", START_BOTH]).args(both);
        let output = start.output().unwrap();
        assert!(output.stderr_text().contains("Error #15"), "{}", output.stderr_text());
        sandbox
            .doctor()
            .only(&["PKG006"])
            .message_contains("PKG006", "solver")
            .apply_fix_with("PKG006", |_| fs_err::remove_dir_all(&bundled).unwrap())
            .silent();
    });
}
