//! Pyodide as a cell: what it reads, what it cannot hold, and Pyodides that are none.

use serde_json::Value;

use crate::skips;
use crate::support::{Project, cell, pair, problems, run};

/// The last version in which descriptors of the host's files cannot be duplicated, and the newest.
const FAULTY: &str = "0.25.1";
const NEWEST: &str = "314.0.7";

/// A project with two numpys and these Pyodides; `None`, and a word about it, where nothing could run
/// them.
fn project(test: &str, pyodides: &str) -> Option<Project> {
    let numpys = "pythons = ['3.11']\nnumpys = ['1.24.4', '2.2.6']";
    let project = Project::new(test, &format!("[matrix]\n{numpys}\npyodides = [{pyodides}]\n"))?;
    match matrix::pyodide::Node::find(&host::Host::current().unwrap()) {
        Ok(_) => Some(project),
        Err(reason) => {
            skips::record(test, &reason);
            None
        }
    }
}

fn left_out(cell: &Value) -> Vec<&str> {
    let all = cell["left_out"].as_array().unwrap().iter();
    all.map(|left| left["case"].as_str().unwrap()).collect()
}

#[test]
fn pyodide_reads_what_every_numpy_and_the_core_wrote() {
    let test = "pyodide_reads_what_every_numpy_and_the_core_wrote";
    let Some(project) = project(test, &format!("'{FAULTY}', '{NEWEST}'")) else { return };
    project.keep("pyodide");
    let arguments = ["--report", "r.html", "--report", "r.md", "--report", "r.txt"];
    let (ended, result) = project.matrix(&arguments);
    assert_eq!(ended.code, Some(0), "{}\n{:.4000}", ended.stderr, ended.stdout);
    assert_eq!(result["pairs"].as_array().unwrap().len(), 3 * 5);
    let cases = result["cases"].as_array().unwrap().len();
    for (version, python) in [(FAULTY, "3.11.3"), (NEWEST, "3.14.2")] {
        let pyodide = cell(&result, &format!("pyodide-{version}"));
        assert_eq!((&pyodide["writes"], &pyodide["reads"]), (&false.into(), &true.into()));
        assert_eq!((&pyodide["pyodide"], &pyodide["python"]), (&version.into(), &python.into()));
        let left_out = left_out(pyodide);
        for name in
            ["complex64", "str", "void", "datetime64[ns]", "long double", "field names in UTF-8"]
        {
            assert!(left_out.contains(&name), "{name} is not in {left_out:?}");
        }
        // Half floats are known to the memoryviews of newer Pythons.
        assert_eq!(left_out.contains(&"float16, big-endian"), version == FAULTY);
        assert!(!left_out.contains(&"uint64, big-endian") && !left_out.contains(&"Fortran"));
        for writer in ["py3.11-numpy1.24.4", "py3.11-numpy2.2.6", "core"] {
            let pair = pair(&result, writer, &format!("pyodide-{version}"));
            assert_eq!(pair["pickles"], Value::Null);
            for format in pair["formats"].as_array().unwrap() {
                assert_eq!(format["compared"], cases - left_out.len(), "{format}");
            }
        }
    }
    let remarks = |version: &str| cell(&result, &format!("pyodide-{version}"))["remarks"].clone();
    let fault = remarks(FAULTY)[0].as_str().unwrap().to_owned();
    assert!(fault.contains("OSError (Bad file descriptor)") && fault.contains("WSM001"), "{fault}");
    assert_eq!(remarks(NEWEST), Value::Array(Vec::new()));
    for report in ["r.html", "r.md", "r.txt"] {
        let text = fs_err::read_to_string(project.path(report)).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("cannot be held there and were left out"), "{report}: {text}");
        assert!(text.contains("Bad file descriptor"), "{report}");
    }

    // Again without the network, from what is there by now.
    let (ended, again) = project.matrix(&["--offline", "--only", "core,pyodide-*"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(again["pairs"].as_array().unwrap().len(), 3);
}

#[test]
fn a_damaged_pyodide_is_installed_again() {
    let test = "a_damaged_pyodide_is_installed_again";
    let Some(project) = project(test, &format!("'{NEWEST}'")) else { return };
    let run = || project.matrix(&["--only", "core,pyodide-*"]).0;
    let entry = format!("target/matrix/pyodide/{NEWEST}/node_modules/pyodide/pyodide.mjs");
    let entry = project.path(&entry);
    assert_eq!(run().code, Some(0));
    let whole = fs_err::read(&entry).unwrap();
    // One byte less is seen before it is run, and another byte when it is run.
    let mut other = whole.clone();
    other[0] = b'@';
    for damaged in [&whole[1..], &other] {
        fs_err::write(&entry, damaged).unwrap();
        let ended = run();
        assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
        assert!(fs_err::read(&entry).unwrap() == whole);
    }
}

#[test]
fn pyodides_that_cannot_be_had_are_failures_with_a_cure() {
    let test = "pyodides_that_cannot_be_had_are_failures_with_a_cure";
    let Some(project) = project(test, "'9.9.9', 'nowhere/', 'empty/'") else { return };
    fs_err::create_dir(project.path("empty")).unwrap();
    let (ended, result) = project.matrix(&["--only", "core,pyodide-*"]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    let reason = |name: &str| {
        let mut cells = result["cells"].as_array().unwrap().iter();
        let cell = cells.find(|cell| cell["name"].as_str().unwrap().contains(name)).unwrap();
        assert_eq!(cell["state"], "missing-interpreter");
        cell["reason"].as_str().unwrap().to_owned()
    };
    assert!(reason("9.9.9").contains("npm has no pyodide@9.9.9: No match found"));
    assert!(reason("nowhere").contains("there is no pyodide.mjs in"));
    assert!(reason("empty").contains("there is no pyodide.mjs in"));

    let offline = project.run(&["matrix", "plan", "--offline"]);
    assert!(offline.stdout.contains("no run has installed pyodide 9.9.9 yet"), "{offline:?}");
    let nothing = run(&project.command(&["matrix", "plan"]).env("PATH", project.path("empty")));
    assert!(nothing.stdout.contains("there is no Node.js on PATH"), "{nothing:?}");
}

/// A Pyodide of the project's that does what `body` says in place of running Python.
fn fake(project: &Project, name: &str, version: &str, body: &str) {
    let directory = project.path(name);
    fs_err::create_dir_all(&directory).unwrap();
    fs_err::write(directory.join("package.json"), format!(r#"{{"version": "{version}"}}"#))
        .unwrap();
    let program = format!(
        "import * as fs from 'node:fs';
         export async function loadPyodide() {{
           const python = {{
             FS: {{ mkdir() {{}}, mount() {{}}, filesystems: {{}} }},
             globals: new Map(),
             runPython() {{
               const request = JSON.parse(python.globals.get('request_text'));
               {body}
             }},
           }};
           return python;
         }}"
    );
    fs_err::write(directory.join("pyodide.mjs"), program).unwrap();
}

/// A fake's answer, of this version and with this for every format of every writer.
fn answer(version: &str, format: &str) -> String {
    format!(
        "const pairs = {{}};
         for (const writer of request.writers) {{
           pairs[writer.name] = {{ formats: {{ npy: {format} }}, pickles: {{}} }};
         }}
         const answer = {{ python: '3.12.1', pyodide: '{version}', remarks: [], pairs }};
         python.globals.set('answer_text', JSON.stringify(answer));"
    )
}

#[test]
fn pyodides_that_fail_are_found_out() {
    let test = "pyodides_that_fail_are_found_out";
    let names = ["silent", "wrong", "refusing", "other", "crash", "garbage", "hang", "damaged"];
    let pyodides: Vec<String> = names.iter().map(|name| format!("'./{name}'")).collect();
    let Some(project) = project(test, &pyodides.join(", ")) else { return };
    let silent = "{ compared: [], problems: [], refused: [] }";
    let wrong =
        "{ compared: [...Array(68).keys()], problems: [[1, 'differs', 'shape is [], not [5]']] }";
    let refusing =
        "{ compared: [], problems: [], refused: [...Array(68).keys()].map((n) => [n, 'no']) }";
    fake(&project, "silent", "1.0.0", &answer("1.0.0", silent));
    fake(&project, "wrong", "1.0.1", &answer("1.0.1", wrong));
    fake(&project, "refusing", "1.0.2", &answer("1.0.2", refusing));
    fake(&project, "other", "1.0.3", &answer("2.0.0", wrong));
    fake(&project, "crash", "1.0.4", "throw new Error('Traceback:\\n  ValueError: bad\\n');");
    fake(&project, "garbage", "1.0.5", "python.globals.set('answer_text', '<html>');");
    fake(&project, "hang", "1.0.6", "for (;;);");
    fake(&project, "damaged", "1.0.7", "");
    fs_err::write(project.path("damaged/pyodide.mjs"), "export const = 1;").unwrap();
    let text = fs_err::read_to_string(project.path("truewheel.toml")).unwrap();
    project.configure(&format!("{text}formats = ['npy']\ntime-limit = 20\n"));
    let (ended, result) = project.matrix(&["--only", "core,pyodide-*", "--report", "r.txt"]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    let state = |version: &str| {
        let cell = cell(&result, &format!("pyodide-{version}"));
        let text = |field: &str| cell[field].as_str().unwrap_or_default().to_owned();
        (text("state"), text("reason"))
    };
    let first = |version: &str| {
        let found = problems(pair(&result, "core", &format!("pyodide-{version}")));
        (found.len(), found[0].2.clone())
    };
    assert_eq!(first("1.0.0").1, "the reader said nothing of it");
    assert_eq!(first("1.0.1"), (1, "shape is [], not [5]".to_owned()));
    assert_eq!(first("1.0.2"), (first("1.0.0").0, "the reader refused it: no".to_owned()));
    for (version, state_of, said) in [
        ("1.0.3", "broken-environment", "it is Pyodide 2.0.0, and 1.0.3 was asked for"),
        ("1.0.4", "reading-failed", "reading failed: ValueError: bad"),
        ("1.0.5", "reading-failed", "its answer is not what was asked"),
        ("1.0.6", "reading-failed", "it ran longer than 20 s and was killed"),
        ("1.0.7", "broken-environment", "Pyodide cannot be loaded: "),
    ] {
        let (found, reason) = state(version);
        assert_eq!(found, state_of, "{version}: {reason}");
        assert!(reason.contains(said), "{version}: {reason}");
    }
    let report = fs_err::read_to_string(project.path("r.txt")).unwrap();
    assert!(report.contains("it did not finish reading the others' arrays"), "{report}");
}

/// The program is killed while Python keeps Node.js busy: that ends all the same.
#[test]
fn a_pyodide_ends_with_the_run_that_started_it() {
    let test = "a_pyodide_ends_with_the_run_that_started_it";
    let Some(project) = project(test, "'./busy'") else { return };
    let body = "const pid = process.env.HOME + '/pid';
                fs.writeFileSync(pid + '.part', String(process.pid));
                fs.renameSync(pid + '.part', pid);
                for (;;);";
    fake(&project, "busy", "1.0.0", body);
    project.kills_a_run_and_its_cell();
}
