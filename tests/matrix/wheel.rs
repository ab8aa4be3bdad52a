//! The lane `wheel`, with tiny wheels in pure Python that are made to be right and wrong.

use host::Invocation;
use serde_json::Value;

use crate::support::{Ended, Project, cell, interpreter, pair, problems};

const WHEEL: &str = "probe-1.0-py3-none-any.whl";
const OLD: &str = "wheel-py3.11-numpy1.24.4";
const NEW: &str = "wheel-py3.11-numpy2.2.6";

/// Writes a wheel: where to, what the module is, and what the metadata says besides.
const MAKE_WHEEL: &str = "
import os, sys, zipfile
path, module, metadata = sys.argv[1:]
name, version, tag = os.path.basename(path)[:-4].split('-', 2)
os.makedirs(os.path.dirname(path), exist_ok=True)
with zipfile.ZipFile(path, 'w') as wheel:
    info = '%s-%s.dist-info/' % (name, version)
    wheel.writestr(name + '.py', module)
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n%s' % (name, version, metadata))
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: %s\\n' % tag)
    wheel.writestr(info + 'RECORD', '')
";

/// A module that is right, and where one of another numpy than this can be made wrong.
const MODULE: &str = "
import os, signal, time
import numpy as np
IS_NEW = np.__version__ == '2.2.6'
def codes():
    return np.arange(6, dtype='<i2')
def restored(codes):
    return codes.astype('<f4') / np.float32(3)
";

/// The program of the project: one array, and one more that is no number.
const PROGRAM: &str = "
import numpy as np
import probe
def write():
    return {'small/codes': probe.codes(), 'nan': np.array([np.nan, -0.0], '<f8')}
def read(arrays):
    return {'small/restored': probe.restored(arrays['small/codes']), 'nan': arrays['nan']}
";

fn configuration(pythons: &str, more: &str) -> String {
    format!(
        "[matrix]\npythons = {pythons}\nnumpys = ['1.24.4', '2.2.6']\nwheel = 'dist'\n\
         exchange = 'exchange.py'\nlanes = ['wheel']\ntime-limit = 30\n{more}"
    )
}

fn make_wheel(project: &Project, file: &str, module: &str, metadata: &str) {
    let made = Invocation::new(interpreter("3.11"))
        .args(["-c", MAKE_WHEEL])
        .arg(project.path("dist").join(file))
        .args([module, metadata])
        .output()
        .unwrap();
    assert!(made.success(), "{}", made.stderr_text());
}

/// A project whose wheel holds the module with these lines after it.
fn project(test: &str, module: &str) -> Option<Project> {
    let project = Project::new(test, &configuration("['3.11']", ""))?;
    fs_err::write(project.path("exchange.py"), PROGRAM).unwrap();
    make_wheel(&project, WHEEL, &format!("{MODULE}{module}"), "");
    Some(project)
}

fn run(project: &Project, arguments: &[&str], code: i32) -> Value {
    let (ended, result) = project.matrix(arguments);
    assert_eq!(ended.code, Some(code), "{}\n{:.3000}", ended.stderr, ended.stdout);
    result
}

/// What is wrong between two cells.
fn wrong(result: &Value, writer: &str, reader: &str) -> Vec<(String, String, String)> {
    problems(pair(result, writer, reader))
}

fn problem(format: &str, case: &str, message: &str) -> Vec<(String, String, String)> {
    vec![(format.to_owned(), case.to_owned(), message.to_owned())]
}

/// The same as the module, in a Python that has another numpy and no wheel.
const CORE: &str = "
import sys
import numpy as np
role, files = sys.argv[1], sys.argv[2:]
if role == 'write':
    np.savez(files[0], **{'small/codes': np.arange(6, dtype='<i2'), 'nan': np.array([np.nan, -0.0])})
for source, target in zip(files[::2], files[1::2]):
    arrays = np.load(source)
    if arrays['small/codes'][0] != 0:
        open(target + '.error', 'w').write('the first code\\nis not 0')
        continue
    restored = arrays['small/codes'].astype('<f4') / np.float32(3)
    np.savez(target, **{'small/restored': restored, 'nan': arrays['nan']})
";

#[test]
fn a_wheel_that_works_everywhere() {
    let Some(project) = project("a_wheel_that_works_everywhere", "") else { return };
    let prefix = project.environment("core-env", "3.10", "1.23.5");
    fs_err::write(project.path("core.py"), CORE).unwrap();
    let core = format!("exchange-core = ['{}', 'core.py']\n", prefix.join("bin/python").display());
    let configuration = configuration("['3.8', '3.11']", &core);
    project.configure(&configuration.replace("['wheel']", "['cpython', 'core', 'wheel']"));
    // Tags that Python 3.8 is not among.
    make_wheel(&project, "probe-1.1-py39-none-any.whl", MODULE, "Requires-Dist: six\n");
    let result = run(&project, &["--report", "r.html", "--report", "r.md", "--report", "r.xml"], 0);

    // Three cells without a wheel and the core; with one, those two and the command.
    assert_eq!(result["pairs"].as_array().unwrap().len(), 16 + 9 + 1 + 6);
    let old = "wheel-py3.8-numpy1.24.4";
    for (name, file) in [(old, WHEEL), (NEW, "probe-1.1-py39-none-any.whl")] {
        assert_eq!(
            (&cell(&result, name)["state"], &cell(&result, name)["wheel"]),
            (&"ran".into(), &file.into())
        );
    }
    let formats = pair(&result, "wheel-core", old)["formats"].as_array().unwrap();
    let of = |format: &Value| (format["format"].clone(), format["compared"].clone());
    assert_eq!(of(&formats[0]), ("wheel-written".into(), 2.into()));
    assert_eq!(of(&formats[1]), ("wheel-read".into(), 2.into()));
    assert_eq!(result["wheels"].as_array().unwrap().len(), 2);
    let pairs = result["pairs"].as_array().unwrap().iter();
    let is_of_wheel = |pair: &Value, role: &str| pair[role].as_str().unwrap().starts_with("wheel-");
    for pair in pairs {
        assert_eq!(is_of_wheel(pair, "writer"), is_of_wheel(pair, "reader"), "{pair}");
    }
    for report in ["r.html", "r.md", "r.xml"] {
        let text = fs_err::read_to_string(project.path(report)).unwrap();
        assert!(text.contains("wheel-core"), "{report}");
    }
    // Nothing of the wheel is left behind, and the environments are those of the other cells.
    let left = fs_err::read_dir(project.path("target/matrix")).unwrap().count();
    assert_eq!(left, 3);
}

#[test]
fn a_cell_that_writes_other_bits() {
    let module = "if IS_NEW:\n    codes = lambda: np.array([0, 1, 2, 3, 4, -6], '<i2')\n";
    let Some(project) = project("a_cell_that_writes_other_bits", module) else { return };
    project
        .configure(&configuration("['3.10', '3.11']", "").replace("'2.2.6'", "'2.2.6', '1.26.4'"));
    let result = run(&project, &["--only", "wheel-py3.11-*"], 5);
    let message = "element 5 of 6 is -6, not 5; 2 of 3 agree on that";
    for reader in [OLD, NEW] {
        assert_eq!(wrong(&result, NEW, reader), problem("wheel-written", "small/codes", message));
        assert!(wrong(&result, OLD, reader).is_empty());
    }
    // A program may say that its arrays differ.
    fs_err::write(project.path("exchange.py"), format!("{PROGRAM}\nWRITES_DIFFER = True\n"))
        .unwrap();
    run(&project, &["--only", "wheel-py3.11-*"], 0);
}

#[test]
fn a_cell_that_reads_other_bits() {
    let module = "if IS_NEW:\n    restored = lambda codes: (codes / 3.000001).astype('<f4')\n";
    let Some(project) = project("a_cell_that_reads_other_bits", module) else { return };
    project
        .configure(&configuration("['3.10', '3.11']", "").replace("'2.2.6'", "'2.2.6', '1.26.4'"));
    let only = ["--only", "wheel-py3.11-*"];
    // A reader alone in its shard has the writers themselves to differ from.
    let mut failed = 0;
    for shard in ["1/3", "2/3", "3/3"] {
        let report = format!("{}.json", &shard[..1]);
        let arguments = [&only[..], &["--shard", shard, "--report", &report]].concat();
        let (_, part) = project.matrix(&arguments);
        failed += part["summary"]["failed"].as_u64().unwrap();
    }
    assert_eq!(failed, 3);
    let merged = project.run(&["matrix", "merge", "3.json", "1.json", "2.json"]);
    assert_eq!(merged.code, Some(5), "{}", merged.stderr);
    assert!(merged.stdout.contains("3 of 9 pairs failed"), "{}", merged.stdout);

    let result = run(&project, &only, 5);
    for writer in [OLD, NEW] {
        let found = wrong(&result, writer, NEW);
        assert_eq!((found.len(), found[0].1.as_str()), (1, "small/restored"));
        let said = "element 1 of 6 is 0.33333322 (0x3eaaaaa7), not 0.33333334 (0x3eaaaaab)";
        assert!(found[0].2.starts_with(said), "{}", found[0].2);
        assert!(wrong(&result, writer, OLD).is_empty());
    }

    // Another wheel is another matter: what passed before is run again as well.
    make_wheel(&project, WHEEL, MODULE, "");
    let result = run(&project, &[&only[..], &["--rerun-failed"]].concat(), 0);
    assert_eq!(result["summary"]["passed"], 9);
    let again = project.run(&[&["matrix", "--rerun-failed"], &only[..]].concat());
    assert_eq!(again.code, Some(3), "{}", again.stderr);
}

#[test]
fn a_wheel_that_cannot_be_imported_in_one_cell() {
    let module = "if IS_NEW:\n    raise ImportError('undefined symbol: PyExample')\n";
    let test = "a_wheel_that_cannot_be_imported_in_one_cell";
    let Some(project) = project(test, module) else { return };
    project.configure(&configuration("['3.11']", "").replace("['wheel']", "['wheel', 'cpython']"));
    let result = run(&project, &[], 5);
    let broken = cell(&result, NEW);
    assert_eq!(broken["state"], "broken-environment");
    let said = "exchange.py cannot be imported: ImportError: undefined symbol: PyExample";
    assert_eq!(broken["reason"], said);
    // Without the wheel that numpy works.
    assert_eq!(cell(&result, "py3.11-numpy2.2.6")["state"], "ran");
    assert_eq!(result["pairs"].as_array().unwrap().len(), 4 + 1);
}

#[test]
fn a_cell_that_crashes_or_hangs_says_at_what() {
    let module = "if IS_NEW:\n    restored = lambda codes: os.kill(os.getpid(), signal.SIGSEGV)\n";
    let test = "a_cell_that_crashes_or_hangs_says_at_what";
    let Some(project) = project(test, module) else { return };
    let result = run(&project, &[], 5);
    let crashed = cell(&result, NEW);
    assert_eq!(crashed["state"], "writing-failed");
    assert_eq!(
        crashed["reason"],
        "it was killed by signal 11, while `read` of the program had its own arrays"
    );
    // One that reads itself and not the others.
    let module = format!(
        "{MODULE}\ndef codes():\n    return np.arange(6 + IS_NEW, dtype='<i2')\n\
         def restored(codes):\n    if IS_NEW and len(codes) == 6:\n        time.sleep(3600)\n    \
         return codes / 3\n"
    );
    make_wheel(&project, WHEEL, &module, "");
    project.configure(&configuration("['3.11']", "").replace("30", "8"));
    let result = run(&project, &[], 5);
    let hung = cell(&result, NEW);
    assert_eq!(hung["state"], "reading-failed");
    let reason = hung["reason"].as_str().unwrap();
    assert!(reason.starts_with("it ran longer than 8 s and was killed"), "{reason}");
    let doing = format!("while `read` of the program had the arrays of {OLD}");
    assert!(reason.ends_with(&doing), "{reason}");
    // Its own arrays are read by the others.
    assert_eq!(result["pairs"].as_array().unwrap().len(), 2);
}

#[test]
fn what_a_reader_cannot_read_is_a_problem_of_that_pair() {
    let module = "if IS_NEW:\n    def restored(codes):\n        raise ValueError('no\\nscale')\n";
    let test = "what_a_reader_cannot_read_is_a_problem_of_that_pair";
    let Some(project) = project(test, module) else { return };
    let result = run(&project, &[], 5);
    let said = problem("wheel-read", "the whole file", "ValueError: no scale");
    assert_eq!(wrong(&result, OLD, NEW), said);
    assert!(wrong(&result, NEW, OLD).is_empty());
    // What is no array cannot be kept.
    for (gives, said) in [
        ("{}", "TypeError: `read` gives no dict of arrays by their names"),
        ("{'a': 1}", "TypeError: `read` gives 'a', which is no array with a name"),
        ("{'a': np.array([None])}", "TypeError: `read` gives 'a', an array of objects"),
    ] {
        let program = format!("{PROGRAM}\ndef read(arrays):\n    return {gives}\n");
        fs_err::write(project.path("exchange.py"), program).unwrap();
        let result = run(&project, &["--only", OLD], 5);
        assert_eq!(wrong(&result, OLD, OLD), problem("wheel-read", "the whole file", said));
    }
}

#[test]
fn a_numpy_that_the_wheel_does_not_allow_is_not_available() {
    let test = "a_numpy_that_the_wheel_does_not_allow_is_not_available";
    let Some(project) = project(test, "") else { return };
    make_wheel(&project, WHEEL, MODULE, "Requires-Dist: numpy>=2\nRequires-Dist: six\n");
    let result = run(&project, &[], 0);
    let old = cell(&result, OLD);
    assert_eq!(old["state"], "not-available");
    assert!(old["reason"].as_str().unwrap().contains("depends on numpy>=2"), "{old}");
    assert_eq!(result["pairs"].as_array().unwrap().len(), 1);
    // pip says the same, and installs what the wheel needs.
    let arguments = ["--installer", "pip", "--directory", "own"];
    let result = run(&project, &arguments, 0);
    assert_eq!(cell(&result, OLD)["state"], "not-available");
    assert_eq!(cell(&result, NEW)["state"], "ran");
}

/// Wrong calls end with 3 and say what to type.
#[test]
fn a_wheel_that_is_not_there_or_is_for_nobody() {
    let Some(project) = project("a_wheel_that_is_not_there_or_is_for_nobody", "") else { return };
    let refused = |arguments: &[&str], said: &[&str]| {
        let Ended { code, stdout, stderr } = project.run(&[&["matrix"], arguments].concat());
        assert_eq!((code, stdout.as_str()), (Some(3), ""), "{stderr}");
        for said in said {
            assert!(stderr.contains(said), "{said} is not in {stderr}");
        }
    };
    refused(&["--wheel", "elsewhere"], &["there is no wheel at", "maturin build --release --out"]);
    refused(&["--wheel", "dist/other-*.whl"], &["there is no wheel at", "--out dist`"]);
    refused(&["--wheel", "exchange.py"], &["exchange.py is not a wheel"]);
    fs_err::write(project.path("damaged-1.0-py3-none-any.whl"), "PK").unwrap();
    let damaged = "damaged-1.0-py3-none-any.whl cannot be tested";
    refused(&["--wheel", "damaged-1.0-py3-none-any.whl"], &[damaged]);
    make_wheel(&project, "other-1.0-cp311-cp311-macosx_11_0_arm64.whl", MODULE, "");
    // A plan leaves nothing behind, neither here nor where the environments are.
    let entries = || {
        let count = |path: &str| fs_err::read_dir(project.path(path)).unwrap().count();
        (count(""), count("target/matrix"))
    };
    let before = entries();
    assert_eq!(project.run(&["matrix", "plan"]).code, Some(0));
    assert_eq!(entries(), before);
    refused(
        &["plan", "--wheel", "dist/other*"],
        &["no Python of the matrix takes it", "macOS", "build one for this machine"],
    );
    fs_err::remove_file(project.path("exchange.py")).unwrap();
    refused(&["--wheel", "dist"], &["there is no program at", "`exchange` in `[matrix]`"]);
    project.configure("[matrix]\npythons = ['3.11']\nnumpys = ['2.2.6']\n");
    refused(&["--wheel", "dist"], &["no program is named that writes and reads with the wheel"]);
}
