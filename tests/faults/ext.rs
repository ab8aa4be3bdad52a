//! EXT: extension modules that are stale, hidden or missing.

use std::path::Path;
use std::time::{Duration, SystemTime};

use host::{Invocation, Output};
use report::{Severity, Step};

use crate::harness::{Environment, Python, Sandbox, sandbox, skip, test_tools};

const C_MODULE: &str = r#"#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", 0, -1, 0};
PyMODINIT_FUNC PyInit__core(void) {
    PyObject *made = PyModule_Create(&module);
    PyModule_AddStringConstant(made, "built", BUILT);
    return made;
}
"#;

/// Compiles the module `_core`, whose `built` says `built`, as it was `hours` ago.
fn compile(sandbox: &Sandbox, python: &Python, file: &Path, built: &str, hours: u64) {
    let source = sandbox.path("core.c");
    sandbox.replace(&source, C_MODULE);
    let script = "import sysconfig; print(sysconfig.get_paths()['include'])";
    let include = sandbox.run(&python.executable, ["-I", "-c", script]);
    let header = Path::new(include.trim()).join("Python.h");
    if !sandbox.exists(&header) {
        skip(format!("there is no {}", header.display()));
    }
    sandbox.make_room(file);
    let compiler = sandbox
        .shielded("cc")
        .args(["-shared", "-fPIC", &format!("-DBUILT=\"{built}\""), "-I", include.trim(), "-o"])
        .args([file, &source]);
    let output = compiler.output().unwrap();
    assert!(output.success(), "{}", output.stderr_text());
    sandbox.set_modified(file, SystemTime::now() - Duration::from_secs(hours * 3_600));
}

fn import(sandbox: &Sandbox, environment: &Environment, script: &str) -> Output {
    let command = sandbox.shielded(&environment.executable).args(["-B", "-c", script]);
    command.output().unwrap()
}

#[test]
fn an_old_module_that_python_prefers_to_the_new_one() {
    sandbox(|sandbox| {
        sandbox.src_layout_project();
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        let package = sandbox.project().join("src/demo");
        let suffix = "import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'))";
        let suffix = sandbox.run(&python.executable, ["-I", "-c", suffix]);
        let old = package.join(format!("_core{}", suffix.trim()));
        compile(sandbox, &python, &package.join("_core.abi3.so"), "new", 0);
        // Another version's module gets in nobody's way.
        let other = package.join("_core.cpython-38-x86_64-linux-gnu.so");
        compile(sandbox, &python, &other, "other", 90);
        sandbox.doctor().silent().gone("EXT001");
        compile(sandbox, &python, &old, "old", 50);
        let built = || {
            let script = "import sys; sys.path.insert(0, 'src'); \
                          from demo import _core; print(_core.built)";
            import(sandbox, &venv, script).stdout_text().trim().to_owned()
        };
        assert_eq!(built(), "old");
        sandbox
            .doctor()
            .only(&["EXT001"])
            .severity("EXT001", Severity::Warning)
            .message_contains("EXT001", "not the newer _core.abi3.so")
            .evidence_contains("EXT001", "2 days old")
            .apply_fix("EXT001")
            .silent();
        assert_eq!(built(), "new");
        assert!(!sandbox.exists(&old) && sandbox.exists(&other));
    });
}

#[test]
fn sources_that_hide_the_installed_package() {
    sandbox(|sandbox| {
        sandbox.src_layout_project();
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        let text = "from ._core import built\n";
        sandbox.replace(&venv.site_packages().join("demo/__init__.py"), text);
        let module = venv.site_packages().join("demo/_core.abi3.so");
        compile(sandbox, &python, &module, "installed", 0);
        let info = venv.site_packages().join("demo-0.1.0.dist-info");
        let metadata = "Metadata-Version: 2.1\nName: demo\nVersion: 0.1.0\n";
        sandbox.replace(&info.join("METADATA"), metadata);
        let record = "demo/__init__.py,,\ndemo/_core.abi3.so,,\ndemo-0.1.0.dist-info/METADATA,,\n\
                      demo-0.1.0.dist-info/RECORD,,\n";
        sandbox.replace(&info.join("RECORD"), record);
        let works = || import(sandbox, &venv, "import demo").success();
        assert!(works());
        sandbox.doctor().silent();
        sandbox.write("demo/__init__.py", text);
        assert!(!works());
        sandbox
            .doctor()
            .only(&["EXT003"])
            .severity("EXT003", Severity::Warning)
            .message_contains("EXT003", "lack demo._core")
            .apply_fix("EXT003")
            .silent();
        assert!(works());
        // What the page says first: the sources get a directory of their own.
        sandbox.unset("PYTHONSAFEPATH");
        let place = sandbox.project().join("python");
        fs_err::create_dir(&place).unwrap();
        fs_err::rename(sandbox.project().join("demo"), place.join("demo")).unwrap();
        sandbox.doctor().silent();
        assert!(works());
    });
}

/// Builds go where later runs find them again: PyO3 is compiled once.
fn keep_builds(sandbox: &Sandbox, name: &str) {
    sandbox.set("CARGO_HOME", test_tools().join("cargo-home"));
    sandbox.set("CARGO_TARGET_DIR", test_tools().join("cargo-target").join(name));
}

/// Runs a command that builds the project, and may fetch crates for it.
#[track_caller]
fn build(sandbox: &Sandbox, command: &Invocation) {
    let output = sandbox.with_network(command).output().unwrap();
    let said = output.stderr_text();
    let out_of_reach = ["Could not resolve host", "failed to download", "spurious network error"];
    if !output.success() && out_of_reach.iter().any(|sign| said.contains(sign)) {
        skip("crates cannot be fetched");
    }
    assert!(output.success(), "{said}");
}

/// The project with PyO3, to be built for real: its lock file is cargo's business.
fn pyo3_project(sandbox: &Sandbox) {
    sandbox.maturin_project("0.26.0");
    sandbox.make_room(&sandbox.project().join("Cargo.lock"));
}

#[test]
fn an_editable_installation_whose_module_was_cleaned_away() {
    sandbox(|sandbox| {
        pyo3_project(sandbox);
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        sandbox.activate(&venv);
        keep_builds(sandbox, "cleaned");
        sandbox.offer_maturin();
        build(sandbox, &sandbox.shielded("maturin").arg("develop"));
        let works = || import(sandbox, &venv, "import demo; assert demo.double(2) == 4").success();
        assert!(works());
        sandbox.doctor().silent();
        // As `git clean -X` does.
        for file in fs_err::read_dir(sandbox.project().join("python/demo")).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|extension| extension == "so") {
                fs_err::remove_file(file).unwrap();
            }
        }
        assert!(!works());
        sandbox
            .doctor()
            .only(&["EXT004"])
            .severity("EXT004", Severity::Error)
            .cause_contains("EXT004", "git clean")
            .apply_fix("EXT004")
            .silent();
        assert!(works());
    });
}

#[test]
fn uv_that_does_not_see_an_edit_of_rust_sources() {
    sandbox(|sandbox| {
        pyo3_project(sandbox);
        let file = sandbox.project().join("pyproject.toml");
        let text = fs_err::read_to_string(&file).unwrap();
        let (before, keys) = text.split_once("[tool.uv]").unwrap();
        assert!(keys.contains("cache-keys"));
        sandbox.replace(&file, before.replace(">=3.8", ">=3.11"));
        let python = sandbox.python("3.11");
        let venv = sandbox.uv_venv(&python, ".venv");
        sandbox.offer_uv();
        keep_builds(sandbox, "uv");
        let sync = || build(sandbox, &sandbox.shielded("uv").arg("sync"));
        let double = || {
            let script = "import demo; print(demo.double(2))";
            import(sandbox, &venv, script).stdout_text().trim().to_owned()
        };
        sync();
        assert_eq!(double(), "4");
        let source = sandbox.project().join("src/lib.rs");
        let text = fs_err::read_to_string(&source).unwrap();
        sandbox.replace(&source, text.replace("number * 2", "number * 3"));
        sync();
        assert_eq!(double(), "4", "uv saw the edit");
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["EXT002"]).severity("EXT002", Severity::Warning);
        let mended = diagnosis.apply_fix_with("EXT002", |step| {
            let Step::Edit { change, .. } = step else { panic!("{step:?}") };
            let setting = change.split('`').find(|part| part.starts_with("cache-keys")).unwrap();
            let text = fs_err::read_to_string(&file).unwrap();
            sandbox.replace(&file, format!("{text}\n[tool.uv]\n{setting}\n"));
        });
        mended.silent();
        sync();
        assert_eq!(double(), "6");
        let text = fs_err::read_to_string(&source).unwrap();
        sandbox.replace(&source, text.replace("number * 3", "number * 4"));
        sync();
        assert_eq!(double(), "8");
    });
}
