//! LIB: libraries made by the system's own compiler, and what the loader really says.

use std::path::Path;

use report::Severity;

use crate::harness::{Environment, Sandbox, sandbox, skip};

/// An active, empty `.venv`, on a machine with this compiler.
fn environment(sandbox: &Sandbox, compiler: &str) -> Environment {
    if !sandbox.exists(&Path::new("/usr/bin").join(compiler)) {
        skip(format!("there is no {compiler} here"));
    }
    let python = sandbox.python("3.11");
    let venv = sandbox.uv_venv(&python, ".venv");
    sandbox.activate(&venv);
    venv
}

/// Compiles a module `fast` into the environment.
fn compile(sandbox: &Sandbox, venv: &Environment, compiler: &str, source: &Path, more: &[String]) {
    let code = "import sysconfig; print(sysconfig.get_path('include'))";
    let include = sandbox.run(&venv.executable, ["-c", code]);
    let mut arguments = vec!["-shared".to_owned(), "-fPIC".to_owned(), "-o".to_owned()];
    arguments.push(venv.site_packages().join("fast.abi3.so").display().to_string());
    arguments.push(format!("-I{}", include.trim()));
    arguments.push(source.display().to_string());
    arguments.extend(more.iter().cloned());
    sandbox.run(compiler, arguments);
}

fn import(sandbox: &Sandbox, venv: &Environment) -> Result<(), String> {
    let output = sandbox.shielded(&venv.executable).args(["-c", "import fast"]).output().unwrap();
    if output.success() { Ok(()) } else { Err(output.stderr_text()) }
}

#[test]
fn an_old_cxx_runtime_comes_by_ld_library_path() {
    sandbox(|sandbox| {
        let venv = environment(sandbox, "g++");
        let source = sandbox.write("fast.cpp", CXX);
        compile(sandbox, &venv, "g++", &source, &[]);
        import(sandbox, &venv).unwrap();
        sandbox.doctor().silent();
        let old = sandbox.path("old");
        fs_err::create_dir(&old).unwrap();
        let map = sandbox.write("old.map", "GLIBCXX_3.4 { global: _Z*; };\n");
        let empty = sandbox.write("old.c", "int _Zold(void) { return 0; }\n");
        sandbox.run(
            "cc",
            [
                "-shared",
                "-fPIC",
                "-Wl,-soname,libstdc++.so.6",
                &format!("-Wl,--version-script={}", map.display()),
                "-o",
                &old.join("libstdc++.so.6").display().to_string(),
                &empty.display().to_string(),
            ],
        );
        sandbox.set("LD_LIBRARY_PATH", &old);
        let error = import(sandbox, &venv).unwrap_err();
        assert!(error.contains("old/libstdc++.so.6: version `"), "{error}");
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["LIB001"])
            .severity("LIB001", Severity::Error)
            .cause_contains("LIB001", "LD_LIBRARY_PATH");
        diagnosis.apply_fix("LIB001").silent();
        import(sandbox, &venv).unwrap();
    });
}

/// A module that needs symbols of the C++ runtime newer than its first.
const CXX: &str = r#"
#include <Python.h>
#include <string>
#include <stdexcept>
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "fast", 0, -1, 0, 0, 0, 0, 0};
PyMODINIT_FUNC PyInit_fast(void) {
    std::string text(Py_GetVersion());
    text.append(text).insert(0, "x");
    if (text.empty()) throw std::out_of_range(text);
    return PyModule_Create(&definition);
}
"#;

#[test]
fn a_module_comes_from_a_system_with_a_newer_glibc() {
    sandbox(|sandbox| {
        let venv = environment(sandbox, "cc");
        // A C library of the future, to link with.
        let future = sandbox.path("future");
        fs_err::create_dir(&future).unwrap();
        let library = future.join("libc.so.6").display().to_string();
        let map = sandbox.write("future.map", "GLIBC_2.99 { global: from_the_future; };\n");
        let code = sandbox.write("future.c", "int from_the_future(void) { return 1; }\n");
        sandbox.run(
            "cc",
            [
                "-shared",
                "-fPIC",
                "-nostdlib",
                "-Wl,-soname,libc.so.6",
                &format!("-Wl,--version-script={}", map.display()),
                "-o",
                &library,
                &code.display().to_string(),
            ],
        );
        let source = sandbox.write("fast.c", C);
        compile(sandbox, &venv, "cc", &source, &["-DFUTURE".to_owned(), library]);
        let error = import(sandbox, &venv).unwrap_err();
        assert!(error.contains("version `GLIBC_2.99' not found"), "{error}");
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["LIB002"])
            .severity("LIB002", Severity::Error)
            .message_contains("LIB002", "needs glibc 2.99")
            .evidence_contains("LIB002", "version `GLIBC_2.99' not found");
        diagnosis
            .apply_fix_with("LIB002", |_| compile(sandbox, &venv, "cc", &source, &[]))
            .silent();
        import(sandbox, &venv).unwrap();
    });
}

const C: &str = r#"
#include <Python.h>
#ifdef FUTURE
int from_the_future(void);
#else
static int from_the_future(void) { return 1; }
#endif
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "fast", 0, -1, 0, 0, 0, 0, 0};
PyMODINIT_FUNC PyInit_fast(void) {
    return from_the_future() ? PyModule_Create(&definition) : 0;
}
"#;
