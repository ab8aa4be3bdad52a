//! EXT: extension modules that are stale, hidden or missing.

mod names;

use std::path::Path;
use std::time::{Duration, SystemTime};

use host::Output;
use report::Severity;

use crate::harness::{Environment, Python, Sandbox, sandbox, skip};

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

/// A module written against Python's own interface, whose `answer` is a number. With PyO3 itself
/// every build would take half a minute.
const RUST_MODULE: &str = r#"//! A module with one number.

use std::ffi::{c_char, c_int, c_long, c_void};

#[repr(C)]
struct Definition {
    head: (isize, *const c_void, *const c_void, isize, *const c_void),
    name: *const c_char,
    doc: *const c_char,
    size: isize,
    rest: [*const c_void; 5],
}

unsafe extern "C" {
    fn PyModule_Create2(definition: *mut Definition, version: c_int) -> *mut c_void;
    fn PyModule_AddIntConstant(module: *mut c_void, name: *const c_char, value: c_long) -> c_int;
}

static mut DEFINITION: Definition = Definition {
    head: (1, std::ptr::null(), std::ptr::null(), 0, std::ptr::null()),
    name: c"_demo".as_ptr(),
    doc: std::ptr::null(),
    size: -1,
    rest: [std::ptr::null(); 5],
};

/// What Python calls.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyInit__demo() -> *mut c_void {
    let module = unsafe { PyModule_Create2(&raw mut DEFINITION, 1013) };
    unsafe { PyModule_AddIntConstant(module, c"answer".as_ptr(), ANSWER) };
    module
}

const ANSWER: c_long = 4;
"#;

/// A maturin project that is built in a moment, and without a network: the crate `pyo3` that it
/// names is an empty one beside it.
fn quick_project(sandbox: &Sandbox) {
    sandbox.maturin_project("0.26.0");
    let manifest = fs_err::read_to_string(sandbox.project().join("Cargo.toml")).unwrap();
    let manifest = manifest.replace("pyo3 = \"0.26\"", "pyo3 = { path = \"pyo3\" }");
    sandbox.write("Cargo.toml", manifest.replace("2021", "2024"));
    sandbox.write(
        "pyo3/Cargo.toml",
        "[package]\nname = \"pyo3\"\nversion = \"0.26.0\"\nedition = \"2024\"\n\n\
         [features]\nextension-module = []\n",
    );
    sandbox.write("pyo3/src/lib.rs", "//! Nothing.\n");
    sandbox.write("src/lib.rs", RUST_MODULE);
    sandbox.write("python/demo/__init__.py", "from ._demo import answer\n");
    sandbox.make_room(&sandbox.project().join("Cargo.lock"));
    sandbox.run("cargo", ["generate-lockfile", "--offline", "--quiet"]);
}

fn answer(sandbox: &Sandbox, environment: &Environment) -> String {
    let output = import(sandbox, environment, "import demo; print(demo.answer)");
    output.stdout_text().trim().to_owned()
}

#[test]
fn an_editable_installation_whose_module_was_cleaned_away() {
    sandbox(|sandbox| {
        quick_project(sandbox);
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        sandbox.activate(&venv);
        sandbox.offer_maturin();
        sandbox.run_installer(&sandbox.shielded("maturin").arg("develop"));
        assert_eq!(answer(sandbox, &venv), "4");
        sandbox.doctor().silent();
        // As `git clean -X` does.
        for file in fs_err::read_dir(sandbox.project().join("python/demo")).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|extension| extension == "so") {
                fs_err::remove_file(file).unwrap();
            }
        }
        assert!(!import(sandbox, &venv, "import demo").success());
        sandbox
            .doctor()
            .only(&["EXT004"])
            .severity("EXT004", Severity::Error)
            .cause_contains("EXT004", "git clean")
            .apply_fix("EXT004")
            .silent();
        assert_eq!(answer(sandbox, &venv), "4");
    });
}

#[test]
fn uv_that_does_not_see_an_edit_of_rust_sources() {
    sandbox(|sandbox| {
        quick_project(sandbox);
        let file = sandbox.project().join("pyproject.toml");
        let text = fs_err::read_to_string(&file).unwrap();
        let (before, keys) = text.split_once("[tool.uv]").unwrap();
        assert!(keys.contains("cache-keys"));
        sandbox.replace(&file, before.replace(">=3.8", ">=3.11"));
        let python = sandbox.python("3.11");
        let venv = sandbox.uv_venv(&python, ".venv");
        sandbox.offer_uv();
        let sync = || sandbox.run_installer(&sandbox.shielded("uv").arg("sync"));
        sync();
        assert_eq!(answer(sandbox, &venv), "4");
        let source = sandbox.project().join("src/lib.rs");
        let text = fs_err::read_to_string(&source).unwrap();
        sandbox.replace(&source, text.replace("= 4;", "= 6;"));
        sync();
        assert_eq!(answer(sandbox, &venv), "4", "uv saw the edit");
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["EXT002"]).severity("EXT002", Severity::Warning);
        let mended = diagnosis.apply_fix("EXT002");
        let changed = fs_err::read_to_string(&file).unwrap();
        assert!(changed.starts_with(before.replace(">=3.8", ">=3.11").trim_end()), "{changed}");
        mended.silent();
        sync();
        assert_eq!(answer(sandbox, &venv), "6");
        let text = fs_err::read_to_string(&source).unwrap();
        sandbox.replace(&source, text.replace("= 6;", "= 8;"));
        sync();
        assert_eq!(answer(sandbox, &venv), "8");
    });
}
