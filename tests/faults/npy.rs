//! NPY: real numpys, real packages, and what Python really says.

use std::path::Path;

use report::Severity;

use crate::harness::{Environment, Sandbox, sandbox};

/// What a Python statement ends with: nothing, or the last line of its error, with everything above
/// it.
fn run_python(sandbox: &Sandbox, environment: &Environment, code: &str) -> Result<String, String> {
    let command = sandbox.shielded(&environment.executable).args(["-c", code]);
    let output = command.output().unwrap();
    if output.success() { Ok(output.stdout_text()) } else { Err(output.stderr_text()) }
}

#[track_caller]
fn fails_with(sandbox: &Sandbox, environment: &Environment, code: &str, message: &str) {
    let error = run_python(sandbox, environment, code).unwrap_err();
    assert!(error.contains(message), "{code} says\n{error}");
}

#[track_caller]
fn works(sandbox: &Sandbox, environment: &Environment, code: &str) {
    let outcome = run_python(sandbox, environment, code);
    assert!(outcome.is_ok(), "{code} says\n{}", outcome.unwrap_err());
}

/// An active `.venv` by uv with these packages, and nothing else that they ask for.
fn environment(sandbox: &Sandbox, minor: &str, packages: &[&str]) -> Environment {
    let python = sandbox.python(minor);
    sandbox.offer_uv();
    let venv = sandbox.uv_venv(&python, ".venv");
    if !packages.is_empty() {
        install(sandbox, &venv, packages);
    }
    sandbox.activate(&venv);
    venv
}

fn install(sandbox: &Sandbox, environment: &Environment, packages: &[&str]) {
    let arguments: Vec<&str> =
        ["--no-deps", "--only-binary", ":all:"].iter().chain(packages).copied().collect();
    sandbox.uv_pip_install(environment, &arguments);
}

#[test]
fn c_code_for_numpy_1_meets_numpy_2() {
    sandbox(|sandbox| {
        let venv = environment(sandbox, "3.11", &["numpy==2.2.6", "bottleneck==1.3.8"]);
        fails_with(sandbox, &venv, "import bottleneck", "_ARRAY_API not found");
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["NPY001"])
            .severity("NPY001", Severity::Error)
            .message_contains("NPY001", "bottleneck 1.3.8")
            .evidence_contains("NPY001", "_ARRAY_API not found");
        diagnosis.apply_fix("NPY001").gone("NPY001").silent();
        works(sandbox, &venv, "import bottleneck");
    });
}

#[test]
fn a_module_is_compiled_for_a_newer_numpy() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        let newer = sandbox.uv_venv(&python, sandbox.path("newer"));
        install(sandbox, &newer, &["numpy==2.3.5"]);
        let venv = environment(sandbox, "3.11", &["numpy==2.2.6"]);
        let source = sandbox.write("fresh.c", FRESH);
        let include = "import numpy, sysconfig; print(numpy.get_include()); \
                       print(sysconfig.get_path('include'))";
        let include = run_python(sandbox, &newer, include).unwrap();
        let include: Vec<String> = include.lines().map(|line| format!("-I{line}")).collect();
        compile(sandbox, &source, &venv.site_packages().join("fresh.abi3.so"), &include);
        let says = "module was compiled against NumPy C-API version 0x14 (NumPy 2.3) but the running \
                    NumPy has C-API version 0x13";
        fails_with(sandbox, &venv, "import fresh", says);
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["NPY002"])
            .severity("NPY002", Severity::Error)
            .message_contains("NPY002", "numpy 2.3 or newer and meets numpy 2.2.6")
            .evidence_contains("NPY002", "C interface 0x13; the module wants 0x14");
        diagnosis.apply_fix("NPY002").silent();
        works(sandbox, &venv, "import fresh");
    });
}

/// A module that needs numpy 2.3.
const FRESH: &str = r#"
#define NPY_TARGET_VERSION NPY_2_3_API_VERSION
#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#include <Python.h>
#include <numpy/arrayobject.h>
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "fresh", 0, -1, 0, 0, 0, 0, 0};
PyMODINIT_FUNC PyInit_fresh(void) {
    import_array();
    return PyModule_Create(&definition);
}
"#;

fn compile(sandbox: &Sandbox, source: &Path, module: &Path, flags: &[String]) {
    let mut arguments = vec!["-shared".to_owned(), "-fPIC".to_owned(), "-o".to_owned()];
    arguments.push(module.display().to_string());
    arguments.extend(flags.iter().cloned());
    arguments.push(source.display().to_string());
    sandbox.run("cc", arguments);
}

#[test]
fn cython_code_for_numpy_1_meets_numpy_2() {
    sandbox(|sandbox| {
        let venv = environment(sandbox, "3.11", &["numpy==2.2.6", "pywavelets==1.5.0"]);
        let says = "numpy.dtype size changed, may indicate binary incompatibility. \
                    Expected 96 from C header, got 88 from PyObject";
        fails_with(sandbox, &venv, "import pywt", says);
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["NPY003"]).severity("NPY003", Severity::Error);
        diagnosis.evidence_contains("NPY003", says);
        diagnosis.apply_fix("NPY003").silent();
        works(sandbox, &venv, "import pywt");
    });
}

#[test]
fn what_supports_both_numpys_is_left_alone() {
    sandbox(|sandbox| {
        // pybind11 before 2.12 knows numpy 1 only, and numpy 2 has kept its way in.
        let packages = ["numpy==2.2.6", "contourpy==1.2.0", "orjson==3.10.18"];
        let venv = environment(sandbox, "3.11", &packages);
        works(sandbox, &venv, "import contourpy, orjson");
        sandbox.doctor().silent();
        // Built with numpy 2, run with numpy 1.
        install(sandbox, &venv, &["numpy==1.24.4", "bottleneck==1.4.2"]);
        works(sandbox, &venv, "import bottleneck, contourpy");
        sandbox.doctor().silent();
    });
}

#[test]
fn the_active_environment_cannot_read_the_projects_pickles() {
    sandbox(|sandbox| {
        let venv = environment(sandbox, "3.11", &["numpy==2.2.6"]);
        let python = sandbox.python("3.10");
        let other = sandbox.uv_venv(&python, sandbox.path("train"));
        install(sandbox, &other, &["numpy==1.24.4"]);
        sandbox.activate(&other);
        let pickled = sandbox.path("array.pkl");
        let dump = format!(
            "import pickle, numpy; pickle.dump(numpy.arange(3.0), open({:?}, 'wb'))",
            pickled.display()
        );
        works(sandbox, &venv, &dump);
        let load = format!("import pickle; pickle.load(open({:?}, 'rb'))", pickled.display());
        let says = "ModuleNotFoundError: No module named 'numpy._core'";
        fails_with(sandbox, &other, &load, says);
        let diagnosis = sandbox.doctor_with(&["--only", "NPY"]);
        diagnosis
            .only(&["NPY004"])
            .severity("NPY004", Severity::Warning)
            .message_contains("NPY004", says)
            .cause_contains("NPY004", "no pickle protocol avoids it");
        diagnosis.apply_fix("NPY004").silent();
        works(sandbox, &other, &load);
    });
}

/// For every protocol and both directions, the doctor says what Python then does.
#[test]
fn declared_pairs_are_told_what_really_happens() {
    sandbox(|sandbox| {
        let sides: Vec<(Environment, &str)> = [
            ("3.11", "2.2.6"),
            ("3.11", "1.24.4"),
            ("3.11", "1.26.0"),
            ("3.12", "1.26.4"),
            ("3.9", "2.0.2"),
        ]
        .into_iter()
        .map(|(minor, numpy)| {
            let python = sandbox.python_off_path(minor);
            let environment = sandbox.uv_venv(&python, sandbox.path(format!("numpy-{numpy}")));
            install(sandbox, &environment, &[&format!("numpy=={numpy}")]);
            (environment, numpy)
        })
        .collect();
        let mut configuration = String::new();
        for (writer, _) in &sides {
            for (reader, _) in sides.iter().filter(|(reader, _)| reader.prefix != writer.prefix) {
                configuration += &format!(
                    "[[project.exchange]]\nwriter = {:?}\nreader = {:?}\n",
                    writer.prefix, reader.prefix
                );
            }
        }
        sandbox.write("truewheel.toml", configuration);
        let report = sandbox.doctor_with(&["--only", "NPY004"]).report;
        let mut broken = 0;
        for (writer, written_by) in &sides {
            works(sandbox, writer, &script(WRITE, sandbox));
            for (reader, read_by) in
                sides.iter().filter(|(reader, _)| reader.prefix != writer.prefix)
            {
                let really = run_python(sandbox, reader, &script(READ, sandbox)).unwrap();
                let (pickles, npz) = really.trim().rsplit_once('\n').unwrap();
                assert_eq!(npz, "npz loads", "{written_by} -> {read_by}");
                let said = report
                    .findings
                    .iter()
                    .filter(|finding| finding.subject.label.contains(written_by))
                    .filter(|finding| finding.subject.label.contains(read_by))
                    .flat_map(|finding| &finding.evidence)
                    .map(|evidence| evidence.value.as_str())
                    .find(|value| value.starts_with(&arrow(writer, reader)));
                match said {
                    Some(said) => {
                        let said = said.split_once(": ").unwrap().1;
                        assert_eq!(in_protocols(said), pickles, "{written_by} -> {read_by}");
                    }
                    None => assert!(!pickles.contains("Error"), "{written_by}: {pickles}"),
                }
                broken += usize::from(pickles.contains("Error"));
            }
        }
        // Two writers of the new names, and three readers that lack some of them or all.
        assert_eq!(broken, 6);
    });
}

fn arrow(writer: &Environment, reader: &Environment) -> String {
    format!("{} -> {}:", writer.prefix.display(), reader.prefix.display())
}

fn script(code: &str, sandbox: &Sandbox) -> String {
    format!("import os; os.chdir({:?})\n{code}", sandbox.path("tmp").display())
}

const WRITE: &str = "
import pickle, numpy
for protocol in range(2, 6):
    with open(f'{protocol}.pkl', 'wb') as file:
        pickle.dump(numpy.arange(3.0), file, protocol)
numpy.savez('data.npz', x=numpy.arange(3.0))
";

/// One line a protocol, then one for the npz file.
const READ: &str = "
import pickle, warnings, numpy
for protocol in range(2, 6):
    with warnings.catch_warnings(record=True) as caught, open(f'{protocol}.pkl', 'rb') as file:
        warnings.simplefilter('always')
        try:
            pickle.load(file)
            warned = caught and caught[0].message
            said = f'loads with a {type(warned).__name__}: {str(warned)[:32]}' if warned else 'loads'
        except Exception as error:
            said = f'fails with `{type(error).__name__}: {error}`'
    print(protocol, said)
numpy.load('data.npz', allow_pickle=False)['x']
print('npz loads')
";

/// `protocols 2 to 4 load; protocol 5 fails with ...; Python 3.11.7 writes ...` as one line a
/// protocol.
fn in_protocols(said: &str) -> String {
    let mut lines = Vec::new();
    for part in said.split("; ").filter(|part| part.starts_with("protocol")) {
        let words: Vec<&str> = part.splitn(5, ' ').collect();
        let (first, last, rest) = match words[..] {
            ["protocols", first, "to", last, rest] => (first, last, rest.to_owned()),
            ["protocol", only, ..] => (only, only, part.splitn(3, ' ').nth(2).unwrap().to_owned()),
            _ => panic!("{part}"),
        };
        let rest = rest.replacen("load", "loads", 1).replacen("loadss", "loads", 1);
        let rest = rest.replacen("fail ", "fails ", 1);
        for protocol in first.parse::<u8>().unwrap()..=last.parse().unwrap() {
            lines.push(format!("{protocol} {rest}"));
        }
    }
    lines.join("\n")
}

#[test]
fn rust_code_with_an_old_numpy_crate() {
    sandbox(|sandbox| {
        let venv = environment(sandbox, "3.11", &["numpy==2.2.6", "tsdownsample==0.1.3"]);
        works(sandbox, &venv, "import tsdownsample");
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["NPY005"])
            .severity("NPY005", Severity::Warning)
            .message_contains("NPY005", "holds the numpy crate 0.20.0");
        diagnosis.apply_fix("NPY005").silent();
    });
}

#[test]
fn the_project_is_locked_to_an_old_numpy_crate() {
    sandbox(|sandbox| {
        environment(sandbox, "3.11", &["numpy==2.2.6"]);
        rust_project(sandbox, "0.21", "0.21");
        let locked = |version: &str| {
            let package = |name: &str, dependencies: &str| {
                format!(
                    "[[package]]\nname = \"{name}\"\nversion = \"{version}.0\"\nsource = \
                     \"registry+https://github.com/rust-lang/crates.io-index\"\n{dependencies}\n"
                )
            };
            let own = "[[package]]\nname = \"demo\"\nversion = \"0.1.0\"\ndependencies = [\n \
                       \"numpy\",\n \"pyo3\",\n]\n\n";
            let numpy = package("numpy", "dependencies = [\n \"pyo3\",\n]\n");
            let lock = format!("version = 4\n\n{own}{numpy}{}", package("pyo3", ""));
            sandbox.write("Cargo.lock", lock);
        };
        locked("0.21");
        sandbox
            .doctor()
            .only(&["NPY005"])
            .severity("NPY005", Severity::Warning)
            .message_contains("NPY005", "numpy crate 0.21.0")
            .message_contains("NPY005", ".venv (numpy 2.2.6)");
        rust_project(sandbox, "0.25", "0.25");
        locked("0.25");
        sandbox.doctor().gone("NPY005").gone("NPY006");
    });
}

#[test]
fn the_numpy_crate_wants_another_pyo3() {
    sandbox(|sandbox| {
        environment(sandbox, "3.11", &["numpy==2.2.6"]);
        rust_project(sandbox, "0.25", "0.26");
        let diagnosis = sandbox.doctor_with(&["--only", "NPY"]);
        diagnosis
            .only(&["NPY006"])
            .severity("NPY006", Severity::Error)
            .message_contains("NPY006", "numpy 0.25 depends on pyo3 0.25");
        diagnosis.apply_fix("NPY006").silent();
        let manifest = fs_err::read_to_string(sandbox.project().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("numpy = \"0.26\""), "{manifest}");
    });
}

/// An extension module in Rust that uses numpy.
fn rust_project(sandbox: &Sandbox, numpy: &str, pyo3: &str) {
    sandbox.maturin_project("0.27.1");
    sandbox.offer_maturin();
    sandbox.make_room(&sandbox.project().join("Cargo.lock"));
    let manifest = format!(
        "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[lib]\nname = \
         \"_demo\"\ncrate-type = [\"cdylib\"]\n\n[dependencies]\nnumpy = \"{numpy}\"\npyo3 = \
         \"{pyo3}\"\n\n[features]\nextension-module = [\"pyo3/extension-module\"]\n"
    );
    sandbox.write("Cargo.toml", manifest);
}

#[test]
fn numpy_is_copied_from_another_python() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.10");
        let donor = sandbox.uv_venv(&python, sandbox.path("donor"));
        install(sandbox, &donor, &["numpy==2.2.6"]);
        let venv = environment(sandbox, "3.11", &[]);
        for name in ["numpy", "numpy.libs", "numpy-2.2.6.dist-info"] {
            let from = donor.site_packages().join(name).display().to_string();
            let to = venv.site_packages().display().to_string();
            sandbox.run("cp", ["-r", from.as_str(), to.as_str()]);
        }
        fails_with(sandbox, &venv, "import numpy", "numpy._core._multiarray_umath");
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["NPY007"])
            .severity("NPY007", Severity::Error)
            .evidence_contains("NPY007", "_multiarray_umath.cpython-310")
            .cause_contains("NPY007", "other than 3.11");
        diagnosis.apply_fix("NPY007").silent();
        works(sandbox, &venv, "import numpy");
    });
}

#[test]
fn pip_installs_numpy_over_conda() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        sandbox.offer_uv();
        let conda = sandbox.conda_environment(&python, "train", &["numpy=1.26.4"]);
        sandbox.activate_conda(&conda);
        sandbox.doctor().silent();
        install(sandbox, &conda, &["numpy==1.25.2"]);
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["NPY008"])
            .severity("NPY008", Severity::Warning)
            .message_contains("NPY008", "conda records numpy 1.26.4 here")
            .message_contains("NPY008", "imported is 1.25.2");
        sandbox.offer_conda(&python);
        diagnosis.apply_fix("NPY008").silent();
        works(sandbox, &conda, "import numpy");
    });
}

#[test]
fn what_breaks_by_pip_over_conda_follows_from_it() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        sandbox.offer_uv();
        let packages = ["numpy=1.26.4", "bottleneck=1.3.8"];
        let conda = sandbox.conda_environment(&python, "train", &packages);
        sandbox.activate_conda(&conda);
        works(sandbox, &conda, "import bottleneck");
        sandbox.doctor().silent();
        install(sandbox, &conda, &["numpy==2.2.6"]);
        fails_with(sandbox, &conda, "import bottleneck", "_ARRAY_API not found");
        sandbox.doctor().only(&["NPY008"]).folded("NPY001", "NPY008");
    });
}
