//! Pickles that are written anew: real numpys 1 load what numpy 2 wrote, and numpy reads the npz files.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::with_numpy;
use crate::harness::{Environment, Sandbox, sandbox};

const SCRIPT: &str = include_str!("rewritten.py");
const HOSTILE: &str = include_str!("../../../scripts/hostile_pickles.py");

/// Kinds for which there is nothing to mend: they name nothing that only numpy 2 has.
const FITTING: &[&str] = &["masked", "ufunc"];

/// Runs the program and gives its output; it must end with `code`.
#[track_caller]
fn truewheel(sandbox: &Sandbox, arguments: &[&str], path: &Path, code: i32) -> String {
    let command = sandbox.command(env!("CARGO_BIN_EXE_truewheel")).args(arguments).arg(path);
    let output = command.output().unwrap();
    let text = format!("{}{}", output.stdout_text(), output.stderr_text());
    assert_eq!(output.code, Some(code), "{text}");
    text
}

#[track_caller]
fn told(sandbox: &Sandbox, environment: &Environment, task: &str, path: &Path) -> String {
    let script = sandbox.write("rewritten.py", SCRIPT);
    let arguments = [script.as_os_str(), task.as_ref(), path.as_os_str()];
    sandbox.run(&environment.executable, arguments)
}

fn with_joblib(sandbox: &Sandbox, minor: &str, numpy: &str) -> Environment {
    let environment = with_numpy(sandbox, minor, &format!("env-{numpy}"), numpy);
    sandbox.uv_pip_install(&environment, &["joblib<1.5"]);
    environment
}

#[test]
fn what_numpy_2_pickled_is_loaded_by_numpy_1_after_a_repair() {
    sandbox(|sandbox| {
        let writer = with_joblib(sandbox, "3.11", "2.2.6");
        let directory = sandbox.project().join("data");
        told(sandbox, &writer, "write", &directory);
        let expected: BTreeMap<String, Value> =
            serde_json::from_str(&told(sandbox, &writer, "tell", &directory)).unwrap();
        truewheel(sandbox, &["scan", "--repair"], &directory, 0);
        let mut compared = 0;
        for (minor, numpy) in [("3.11", "1.24.4"), ("3.8", "1.21.6"), ("3.11", "1.26.4")] {
            let reader = with_joblib(sandbox, minor, numpy);
            let found: BTreeMap<String, Value> =
                serde_json::from_str(&told(sandbox, &reader, "tell", &directory)).unwrap();
            for (name, expected) in &expected {
                let kind = name.split('.').next().unwrap();
                let (stem, end) = name.trim_end_matches(".gz").rsplit_once('.').unwrap();
                let repaired = format!("{stem}.numpy1.{end}");
                match found.get(&repaired) {
                    Some(found) => assert_eq!(found, expected, "numpy {numpy}: {name}"),
                    None => {
                        assert!(
                            FITTING.contains(&kind) || found[name] == *expected,
                            "numpy {numpy}: {name} was not mended: {}",
                            found[name]
                        );
                        continue;
                    }
                }
                compared += 1;
            }
        }
        assert!(compared > 250, "{compared} pickles were compared");
    });
}

#[test]
fn protocol_4_is_written_for_a_python_that_knows_no_other() {
    sandbox(|sandbox| {
        let writer = with_numpy(sandbox, "3.11", "writer", "2.2.6");
        let directory = sandbox.project().join("data");
        told(sandbox, &writer, "write", &directory);
        for protocol in [2, 3, 4] {
            for file in fs_err::read_dir(&directory).unwrap() {
                let path = file.unwrap().path();
                if path.to_str().unwrap().ends_with(&format!(".{protocol}.pkl")) {
                    fs_err::remove_file(path).unwrap();
                }
            }
        }
        truewheel(sandbox, &["scan", "--repair", "--in-place", "--protocol", "4"], &directory, 0);
        let highest = "import glob, pickletools, sys\n\
            for p in glob.glob(sys.argv[1] + '/*.5.pkl'):\n    \
            ops = list(pickletools.genops(open(p, 'rb')))\n    \
            late = [o.name for o, a, at in ops if o.proto > 4] + [a for o, a, at in ops if o.name == 'PROTO' and a > 4]\n    \
            assert not late or not glob.glob(p + '.before'), (p, late)\n\
            print(len(glob.glob(sys.argv[1] + '/*.before')))";
        let arguments = ["-c".as_ref(), highest.as_ref(), directory.as_os_str()];
        let count = sandbox.run(&writer.executable, arguments);
        assert!(count.trim().parse::<usize>().unwrap() > 20, "{count}");
        let reader = with_numpy(sandbox, "3.11", "reader", "1.24.4");
        let found: BTreeMap<String, Value> =
            serde_json::from_str(&told(sandbox, &reader, "tell", &directory)).unwrap();
        let expected: BTreeMap<String, Value> =
            serde_json::from_str(&told(sandbox, &writer, "tell", &directory)).unwrap();
        for name in ["array.5.pkl", "large.5.pkl", "nested.5.pkl", "state.5.pkl"] {
            assert_eq!(found[name], expected[name], "{name}");
        }
    });
}

#[test]
fn the_arrays_of_pickles_become_npz_files() {
    sandbox(|sandbox| {
        let writer = with_joblib(sandbox, "3.11", "2.2.6");
        let directory = sandbox.project().join("data");
        told(sandbox, &writer, "write", &directory);
        let said = truewheel(sandbox, &["scan", "--to-npz"], &directory, 1);
        assert!(said.contains("s is left out: it is a text and no array"), "{said}");
        let count = told(sandbox, &writer, "compare", &directory);
        assert!(count.trim().parse::<usize>().unwrap() > 80, "{count} arrays were compared");
    });
}

#[test]
fn hostile_pickles_never_pass_for_clean_and_harmless_ones_do() {
    sandbox(|sandbox| {
        let writer = with_joblib(sandbox, "3.11", "2.2.6");
        let script = sandbox.write("hostile.py", HOSTILE);
        let directory = sandbox.project().join("pickles");
        sandbox.run(&writer.executable, [script.as_os_str(), directory.as_os_str()]);
        let command = sandbox
            .command(env!("CARGO_BIN_EXE_truewheel"))
            .args(["scan", "--format", "json"])
            .arg(&directory);
        let document: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        let (mut hostile, mut harmless) = (0, 0);
        for file in document["files"].as_array().unwrap() {
            let path = file["path"].as_str().unwrap();
            let is_clean = file["safety"] == "data";
            if path.contains("hostile") {
                assert!(!is_clean, "{path} passes for clean: {file}");
                hostile += 1;
            } else {
                assert!(is_clean, "{path} does not pass for clean: {}", file["untold"]);
                harmless += 1;
            }
        }
        let written = |kind: &str| fs_err::read_dir(directory.join(kind)).unwrap().count();
        assert_eq!((hostile, harmless), (written("hostile"), written("harmless")));
        assert!(hostile > 280 && harmless > 40);
        // Each alone ends with a problem, and none is written anew.
        let said = truewheel(sandbox, &["scan", "--repair"], &directory.join("hostile"), 1);
        assert!(!said.contains("written to"), "{said}");
    });
}
