//! DAT: pickles that real numpys write, what real Pythons say of them, and what the program says.

mod files;
mod rewritten;

use std::collections::BTreeMap;
use std::path::Path;

use report::Severity;
use serde_json::Value;

use crate::harness::{Environment, Sandbox, sandbox};

/// Writes pickles of all kinds, and tells what CPython imports for each.
const PICKLES: &str = include_str!("dat/pickles.py");

/// An environment by uv with one numpy.
#[track_caller]
fn with_numpy(sandbox: &Sandbox, minor: &str, path: &str, numpy: &str) -> Environment {
    let python = sandbox.python(minor);
    let environment = sandbox.uv_venv(&python, path);
    let numpy = format!("numpy=={numpy}");
    sandbox.uv_pip_install(&environment, &["--only-binary", ":all:", &numpy]);
    environment
}

#[track_caller]
fn python(sandbox: &Sandbox, environment: &Environment, code: &str) {
    sandbox.run(&environment.executable, ["-c", code]);
}

#[track_caller]
fn fails_with(sandbox: &Sandbox, environment: &Environment, code: &str, message: &str) {
    let output = sandbox.shielded(&environment.executable).args(["-c", code]).output().unwrap();
    assert!(!output.success(), "{code} works");
    assert!(output.stderr_text().contains(message), "{code} says\n{}", output.stderr_text());
}

const LOAD: &str = "import pickle; print(pickle.load(open('data/model.pkl', 'rb')))";

/// A project whose `.venv` has one numpy, and data that another one, outside of it, has pickled.
#[track_caller]
fn project_with_pickle(
    sandbox: &Sandbox,
    reader: &str,
    protocol: u8,
) -> (Environment, Environment) {
    sandbox.offer_uv();
    let writer = with_numpy(sandbox, "3.11", "../elsewhere", "2.2.6");
    let venv = with_numpy(sandbox, "3.11", ".venv", reader);
    sandbox.activate(&venv);
    let write = format!(
        "import os, pickle, numpy; os.makedirs('data', exist_ok=True)\n\
         pickle.dump(numpy.arange(3.0), open('data/model.pkl', 'wb'), {protocol})\n\
         numpy.save('data/plain.npy', numpy.arange(3.0))"
    );
    python(sandbox, &writer, &write);
    (venv, writer)
}

#[test]
fn a_pickle_of_numpy_2_meets_numpy_1() {
    sandbox(|sandbox| {
        let (venv, _) = project_with_pickle(sandbox, "1.24.4", 4);
        let says = "No module named 'numpy._core'";
        fails_with(sandbox, &venv, LOAD, says);
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["DAT001"])
            .severity("DAT001", Severity::Warning)
            .message_contains("DAT001", "data/model.pkl cannot be loaded in .venv (numpy 1.24.4)")
            .message_contains("DAT001", says)
            .evidence_contains("DAT001", "protocol 4");
        diagnosis.apply_fix("DAT001").gone("DAT001").silent();
        python(sandbox, &venv, LOAD);
    });
}

#[test]
fn an_array_of_objects_is_a_pickle_too_and_npz_is_the_cure() {
    sandbox(|sandbox| {
        let (venv, writer) = project_with_pickle(sandbox, "1.26.0", 4);
        python(
            sandbox,
            &writer,
            "import os, numpy; os.remove('data/model.pkl')\n\
             numpy.savez('data/lists.npz', x=numpy.array([[1], [2, 3]], dtype=object))",
        );
        let load = "import numpy; numpy.load('data/lists.npz', allow_pickle=True)['x']";
        fails_with(sandbox, &venv, load, "No module named 'numpy._core'");
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["DAT001"]).evidence_contains("DAT001", "the array \"x\"");
        // What the second cure says: with the numpy that wrote it, into arrays of numbers.
        python(
            sandbox,
            &writer,
            "import numpy; x = numpy.load('data/lists.npz', allow_pickle=True)['x']\n\
             numpy.savez('data/lists.npz', x=numpy.concatenate(x), ends=numpy.cumsum([len(i) for i \
             in x]))",
        );
        sandbox.doctor().gone("DAT001").silent();
        python(sandbox, &venv, "import numpy; print(numpy.load('data/lists.npz')['x'])");
    });
}

#[test]
fn the_stubs_of_1_26_read_protocol_4_and_not_5() {
    sandbox(|sandbox| {
        let (venv, _) = project_with_pickle(sandbox, "1.26.4", 4);
        python(sandbox, &venv, LOAD);
        sandbox.doctor().silent();
        project_with_pickle_of(sandbox, 5);
        let says = "No module named 'numpy._core.numeric'";
        fails_with(sandbox, &venv, LOAD, says);
        sandbox.doctor().only(&["DAT001"]).message_contains("DAT001", says);
    });
}

/// Writes the pickle again, with another protocol.
#[track_caller]
fn project_with_pickle_of(sandbox: &Sandbox, protocol: u8) {
    let writer = Environment::at(sandbox.project().join("../elsewhere"), "3.11");
    let write = format!(
        "import pickle, numpy; \
         pickle.dump(numpy.arange(3.0), open('data/model.pkl', 'wb'), {protocol})"
    );
    python(sandbox, &writer, &write);
}

/// What `scan` says of a directory, as JSON.
#[track_caller]
fn scan(sandbox: &Sandbox, directory: &Path) -> Value {
    let command = sandbox
        .command(env!("CARGO_BIN_EXE_truewheel"))
        .args(["scan", "--format", "json"])
        .arg(directory);
    let output = command.output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("no document ({error}): {}", output.stderr_text());
    })
}

#[test]
fn what_pickles_import_is_what_the_interpreter_imports() {
    sandbox(|sandbox| {
        let script = sandbox.write("pickles.py", PICKLES);
        let mut compared = 0;
        for (minor, numpy) in [("3.8", "1.24.4"), ("3.11", "2.2.6"), ("3.13", "2.2.6")] {
            let environment = with_numpy(sandbox, minor, &format!("env-{minor}"), numpy);
            let directory = sandbox.project().join(format!("pickles-{minor}"));
            let run = |task: &str| {
                let arguments = [script.as_os_str(), task.as_ref(), directory.as_os_str()];
                sandbox.run(&environment.executable, arguments)
            };
            run("write");
            let asked: BTreeMap<String, Vec<(String, String)>> =
                serde_json::from_str(&run("ask")).unwrap();
            let document = scan(sandbox, &directory);
            let files = document["files"].as_array().unwrap();
            assert_eq!(files.len(), asked.len());
            for file in files {
                let path = Path::new(file["path"].as_str().unwrap());
                let name = path.file_name().unwrap().to_str().unwrap();
                let told: Vec<(String, String)> = file["pickle"]["names"]
                    .as_array()
                    .unwrap_or_else(|| panic!("{minor}: {name} is no pickle: {file}"))
                    .iter()
                    .map(|name| {
                        let text = |key: &str| name[key].as_str().unwrap().to_owned();
                        (text("module"), text("name"))
                    })
                    .collect();
                assert_eq!(told, asked[name], "{minor}: {name}");
                assert_eq!(file["pickle"]["untold"], Value::Array(Vec::new()), "{minor}: {name}");
                assert_eq!(file["pickle"]["damage"], Value::Null, "{minor}: {name}");
                compared += 1;
            }
        }
        assert!(compared > 1_000, "{compared} pickles were compared");
    });
}
