//! What the doctor says of each project: nothing but what is listed here, with the reason why it is
//! true.

use std::path::Path;

use serde_json::Value;

use crate::sources::Workshop;

/// A project, and the codes of errors and warnings that it may have.
type Known = (&'static str, &'static [(&'static str, &'static str)]);

/// Why a warning is right.
const DEV_LOCK: &str = "the archive has not every member of the workspace that its Cargo.lock is \
    for: `cargo metadata --locked` refuses it";
const ALWAYS_ON: &str = "extension-module is a default feature, and sources have tests that start \
    Python: the project itself runs them with --no-default-features";
const LIBRARY: &str =
    "tests start Python, and a Python with a shared library of its own is on PATH";

/// Built by setuptools-rust, by maturin, as one crate, as a workspace, as a program, and not at all.
const PROJECTS: [Known; 14] = [
    ("cryptography==3.4.8", &[]),
    ("cryptography==41.0.7", &[]),
    ("tokenizers==0.13.3", &[("BLD007", ALWAYS_ON)]),
    ("bcrypt==4.2.1", &[]),
    ("tokenizers==0.21.0", &[("BLD006", LIBRARY)]),
    ("orjson==3.10.12", &[]),
    ("rpds-py==0.22.3", &[]),
    ("pydantic-core==2.27.1", &[]),
    ("polars==1.17.1", &[("BLD019", DEV_LOCK)]),
    ("ruff==0.8.2", &[("BLD019", DEV_LOCK)]),
    ("safetensors==0.4.5", &[]),
    ("tiktoken==0.8.0", &[]),
    ("hf-xet==1.1.0", &[("BLD006", LIBRARY), ("BLD024", LAYOUT)]),
    ("requests==2.32.3", &[]),
];

const HIDDEN: &str = "the package's sources lie in the project's directory and lack the module, so \
    they hide the released one there";
const LAYOUT: &str =
    "its sdist has `hf_xet/python`, and `python-source = \"python\"`: maturin 1.16 stops";
const UV: &str = "uv made the environment, and no cache key names the Rust sources";
const SCOPE: &str = "the stub describes WSGIScope, and the module has no such class";

/// The same with an environment in which the release of these sources is installed: what they
/// declare for Python is all in the module.
const INSTALLED: [Known; 6] = [
    ("orjson==3.10.12", &[("EXT002", UV)]),
    ("rpds-py==0.22.3", &[("EXT002", UV)]),
    ("pydantic-core==2.27.1", &[]),
    ("tokenizers==0.21.0", &[("EXT002", UV), ("BLD006", LIBRARY)]),
    ("cryptography==41.0.7", &[]),
    ("granian==1.7.6", &[("EXT003", HIDDEN), ("EXT009", SCOPE)]),
];

#[track_caller]
fn is_right(workshop: &Workshop, project: &Path, arguments: &[&str], (name, known): &Known) {
    let arguments = [&["doctor", "--format", "json"], arguments].concat();
    let output = workshop.truewheel(project, &arguments);
    assert_eq!(output.stderr_text(), "", "{name}");
    assert!(matches!(output.code, Some(0 | 1)), "{name}: {:?}", output.code);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    for check in report["checks"].as_array().unwrap() {
        assert_ne!(check["outcome"], "crashed", "{name}: {check:#}");
    }
    assert_eq!(report["unreadable"], Value::Array(Vec::new()), "{name}");
    for finding in report["findings"].as_array().unwrap() {
        let code = finding["code"].as_str().unwrap();
        let is_known = known.iter().any(|(known, _)| *known == code);
        assert!(finding["severity"] == "info" || is_known, "{name}: {finding:#}");
    }
}

#[test]
fn bare_sources_raise_no_false_alarm() {
    let Some(workshop) = Workshop::new("findings::bare_sources_raise_no_false_alarm") else {
        return;
    };
    for known in &PROJECTS {
        let project = workshop.project(known.0);
        is_right(&workshop, &project, &[], known);
        for command in [&["envs"][..], &["doctor", "--format", "sarif"], &["doctor", "--all"]] {
            let output = workshop.truewheel(&project, command);
            assert!(matches!(output.code, Some(0 | 1)), "{}: {command:?}", known.0);
        }
    }
}

#[test]
fn sources_with_their_release_installed_raise_no_false_alarm() {
    let test = "findings::sources_with_their_release_installed_raise_no_false_alarm";
    let Some(workshop) = Workshop::new(test) else { return };
    for known in &INSTALLED {
        let project = workshop.project(known.0);
        workshop.with_released_wheel(&project, known.0);
        is_right(&workshop, &project, &[], known);
        is_right(&workshop, &project, &["--import"], known);
    }
}

#[test]
fn a_module_is_imported_only_when_it_is_asked_for() {
    let test = "findings::a_module_is_imported_only_when_it_is_asked_for";
    let Some(workshop) = Workshop::new(test) else { return };
    let project = workshop.project("rpds-py==0.22.3");
    workshop.with_released_wheel(&project, "rpds-py==0.22.3");
    let imported = |arguments: &[&str]| -> Vec<Value> {
        let arguments = [&["doctor", "--save", "facts.json"], arguments].concat();
        let output = workshop.truewheel(&project, &arguments);
        assert_eq!(output.code, Some(0), "{}", output.stderr_text());
        let facts: Value = serde_json::from_slice(&workshop.read("facts.json")).unwrap();
        let built = facts["project"]["built"].as_array().unwrap();
        built.iter().flat_map(|one| one["imported"].as_array().unwrap().clone()).collect()
    };
    assert!(imported(&[]).is_empty());
    let names = imported(&["--import"])[0]["names"]["seen"].clone();
    for name in ["HashTrieMap", "HashTrieMap.insert", "List.push_front"] {
        assert!(names.as_array().unwrap().contains(&Value::from(name)), "{name}: {names}");
    }

    // A package that does what it likes on import: nothing of it comes through, and it has an end.
    let package = project.join(".venv/lib/python3.12/site-packages/rpds/__init__.py");
    let mark = workshop.path("mark");
    for (text, said) in [
        ("print('{\"names\": [\"Fake\"]}'); raise SystemExit(0)", "SystemExit"),
        ("import os; os.kill(os.getpid(), 9)", "signal 9"),
        ("import os; os._exit(7)", "ended the interpreter with 7"),
        (&format!("with open({mark:?}, 'w') as file: file.write('x' * 9)"), "OSError"),
        ("bytearray(64 << 30)", "MemoryError"),
        ("import os; assert not os.environ.get('HOME')\nimport gone", "No module named 'gone'"),
    ] {
        // uv links files from its cache, which must stay as it is.
        fs_err::remove_file(&package).unwrap();
        fs_err::write(&package, text).unwrap();
        let names = imported(&["--import"])[0]["names"].clone();
        let reason = names["broken"].as_str().unwrap_or_default();
        assert!(reason.contains(said), "{text}: {names}");
    }
    assert_eq!(fs_err::read(&mark).unwrap_or_default(), b"");
}
