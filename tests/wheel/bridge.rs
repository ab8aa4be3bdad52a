//! The bridge of the wheel: the tests in `tests/bridge`, with real interpreters on both sides.

use std::path::{Path, PathBuf};

use host::Invocation;
use serde_json::{Value, json};

use crate::build::root;
use crate::environments::{Tools, run};
use crate::skips;

/// The interpreters at the other end, in which nothing of ours is installed: by what the tests call
/// them, the Python, and what is installed.
const OTHERS: [(&str, &str, &[&str]); 4] = [
    ("numpy 1.24.4", "3.11", &["numpy==1.24.4"]),
    ("numpy 2.2.6", "3.11", &["numpy==2.2.6"]),
    ("python 3.8", "3.8", &["numpy==1.17.5"]),
    ("bare", "3.12", &[]),
];

/// The other interpreters; `None`, and a word about it, where one cannot be had.
fn others(tools: &Tools, test: &str) -> Option<Value> {
    let mut found = json!({});
    for (name, version, packages) in OTHERS {
        let directory = format!("bridge-{}", name.replace(' ', "-"));
        let python = tools.plain_environment(test, &directory, version, packages)?;
        found[name] = json!(python);
    }
    // Too old for the bridge, which it must say.
    if let Some(python) = tools.interpreter("3.7") {
        found["bare 3.7"] = json!(python);
    }
    Some(found)
}

/// The other end of the two that have different numpys, with the wheel on both sides.
fn other_with_wheel(tools: &Tools, test: &str, numpy: &str) -> Option<Value> {
    let name = format!("bridge-to-wheel-{numpy}");
    let python = tools.environment(test, &name, "3.11", &[&format!("numpy=={numpy}")])?;
    Some(json!({ format!("numpy {numpy}"): python }))
}

/// An SPZ file as large as the one that the project began with, made unless it is there.
fn scene() -> PathBuf {
    let file = root().join("target/spz/7934875.spz");
    if fs_err::metadata(&file).is_err() {
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        let arguments = ["run", "--quiet", "--release", "--locked", "--package", "spz"];
        run(&Invocation::new("cargo")
            .args(arguments)
            .args(["--example", "generate", "--"])
            .arg(&file)
            .directory(root()));
    }
    file
}

fn splats(test: &str, here: &str, there: &str) {
    let Some(tools) = Tools::find(test) else { return };
    let Some(others) = other_with_wheel(&tools, test, there) else { return };
    let scene = scene();
    let more = [("ARROW_QUANT_BRIDGE_SCENE", scene.as_path())];
    pytest_with(test, "3.11", here, &["tests/bridge/test_splats.py"], 1, &others, &more);
}

#[test]
fn the_splats_of_a_file_in_both_directions() {
    let test = "bridge::the_splats_of_a_file_in_both_directions";
    splats(test, "1.24.4", "2.2.6");
    splats(test, "2.2.6", "1.24.4");
}

/// Runs pytest in an environment with the wheel; at least so many tests must pass.
fn pytest(test: &str, version: &str, numpy: &str, chosen: &[&str], least: usize) {
    let Some(tools) = Tools::find(test) else { return };
    let Some(others) = others(&tools, test) else { return };
    pytest_with(test, version, numpy, chosen, least, &others, &[]);
}

fn pytest_with(
    test: &str,
    version: &str,
    numpy: &str,
    chosen: &[&str],
    least: usize,
    others: &Value,
    variables: &[(&str, &Path)],
) {
    let Some(tools) = Tools::find(test) else { return };
    // Tests run side by side, and each installs the wheel.
    let own = test.rsplit("::").next().unwrap_or(test);
    let name = format!("bridge-{own}-{version}-{numpy}");
    let packages = [if numpy == "newest" { "numpy".into() } else { format!("numpy=={numpy}") }];
    let packages = [packages[0].as_str(), "pytest"];
    let Some(python) = tools.environment(test, &name, version, &packages) else { return };
    let mut tests = Invocation::new(python)
        .args(["-B", "-m", "pytest", "-q", "-rs"])
        .args(chosen)
        .env("ARROW_QUANT_BRIDGE_PYTHONS", others.to_string())
        .without_env("PYTHONPATH")
        .without_env("PYTEST_ADDOPTS")
        .directory(root());
    for (name, value) in variables {
        tests = tests.env(name, value);
    }
    let said = run(&tests);
    let is_for_want = |line: &&str| {
        let wants =
            ["of memory, and there are", "there is no interpreter", "no virtual environment"];
        line.starts_with("SKIPPED") && wants.iter().any(|want| line.contains(want))
    };
    for line in said.lines().filter(is_for_want) {
        skips::record(test, line);
    }
    let passed = said.lines().rev().find_map(|line| {
        let (before, _) = line.split_once(" passed")?;
        before.rsplit(' ').next()?.parse::<usize>().ok()
    });
    assert!(passed.is_some_and(|passed| passed >= least), "{said}");
}

/// All but killing, which takes a minute and is done once.
const QUICK: [&str; 3] = ["tests/bridge", "--ignore", "tests/bridge/test_kill.py"];

#[test]
fn from_numpy_1_24_4_to_every_other_one() {
    let test = "bridge::from_numpy_1_24_4_to_every_other_one";
    pytest(test, "3.11", "1.24.4", &["tests/bridge"], 460);
}

#[test]
fn from_numpy_2_2_6_to_every_other_one() {
    pytest("bridge::from_numpy_2_2_6_to_every_other_one", "3.11", "2.2.6", &QUICK, 455);
}

#[test]
fn from_the_oldest_python_and_numpy() {
    pytest("bridge::from_the_oldest_python_and_numpy", "3.9", "1.19.5", &QUICK, 455);
}

#[test]
fn from_the_newest_python_and_numpy() {
    pytest("bridge::from_the_newest_python_and_numpy", "3.13", "newest", &QUICK, 455);
}

/// What `truewheel doctor` says of the pair (NPY004), both directions.
fn doctors_word(project: &Path, writer: &Path, reader: &Path) -> Vec<String> {
    let configuration = format!("[[project.exchange]]\nwriter = {writer:?}\nreader = {reader:?}\n");
    fs_err::write(project.join("truewheel.toml"), configuration).unwrap();
    let doctor = Invocation::new(env!("CARGO_BIN_EXE_truewheel"))
        .args(["doctor", "--only", "NPY004", "--format", "json", "--project"])
        .arg(project)
        .without_env("VIRTUAL_ENV")
        .env("TRUEWHEEL_CACHE_DIR", project.join("cache"));
    let output = doctor.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("no report ({error}): {}", output.stderr_text()));
    let evidence = report["findings"][0]["evidence"].as_array().cloned().unwrap_or_default();
    let values = evidence.iter().filter_map(|seen| seen["value"].as_str());
    values.filter(|value| value.contains("protocol")).map(str::to_owned).collect()
}

#[test]
fn both_doctors_say_the_same_of_a_pair() {
    let test = "bridge::both_doctors_say_the_same_of_a_pair";
    let Some(tools) = Tools::find(test) else { return };
    let Some(others) = others(&tools, test) else { return };
    let packages = ["numpy==1.24.4"];
    let Some(here) = tools.environment(test, "bridge-doctor", "3.11", &packages) else {
        return;
    };
    let there = PathBuf::from(others["numpy 2.2.6"].as_str().unwrap());
    let script = "import sys; from arrow_quant_v2 import bridge; found = bridge.doctor(sys.argv[1]); \
                  print(found.pickles_from, found.pickles_to, sep='\\n')";
    let asked = run(&Invocation::new(&here).args(["-I", "-B", "-c", script]).arg(&there));
    let mut bridge: Vec<&str> = asked.lines().collect();
    let prefix = |python: &Path| python.ancestors().nth(2).unwrap().to_path_buf();
    let project = tempfile::tempdir().unwrap();
    let said = doctors_word(project.path(), &prefix(&there), &prefix(&here));
    bridge.retain(|line| !said.iter().any(|told| told.contains(line)));
    assert!(bridge.is_empty() && said.len() >= 2, "{asked}\n{said:#?}");
}
