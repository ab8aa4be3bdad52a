//! `scan`: what it says of good, broken and hostile data files, and how it ends.

use serde_json::Value;

use crate::machine::Machine;
use crate::schema::assert_valid;

const SCHEMA: &str = include_str!("../../docs/scan.schema.json");

/// As numpy 2 pickles an array with protocol 2, but for its state.
const NUMPY_2: &[u8] = b"\x80\x02cnumpy._core.multiarray\n_reconstruct\nq\0cnumpy\nndarray\nq\x01\
    K\0\x85q\x02U\x01bq\x03\x87q\x04Rq\x05.";

fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), data].concat()
}

fn plain() -> Vec<u8> {
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", &[0; 24])
}

fn objects() -> Vec<u8> {
    npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", NUMPY_2)
}

/// Exit code, standard output and standard error.
#[track_caller]
pub(crate) fn scan(machine: &Machine, arguments: &[&str]) -> (i32, String, String) {
    let output = machine.output(&[&["scan"], arguments].concat());
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.code.unwrap(), text(&output.stdout), text(&output.stderr))
}

/// What it says as JSON, which fits its schema.
#[track_caller]
pub(crate) fn document(machine: &Machine, arguments: &[&str]) -> Value {
    let (_, stdout, stderr) = scan(machine, &[arguments, &["--format", "json"]].concat());
    assert_eq!(stderr, "");
    let value: Value = serde_json::from_str(&stdout).unwrap();
    assert_valid(SCHEMA, &value);
    value
}

/// Codes of the findings of a file.
fn codes(document: &Value, name: &str) -> Vec<String> {
    let files = document["files"].as_array().unwrap();
    let file = files.iter().find(|file| file["path"].as_str().unwrap().ends_with(name)).unwrap();
    let findings = file["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_good_file_is_told_in_a_few_lines() {
    let machine = Machine::new();
    machine.write("project/a.npy", plain());
    let (code, stdout, stderr) = scan(&machine, &["a.npy"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines[0], "a.npy  npy, 93 B");
    assert_eq!(lines[1], "  '<f4' (2, 3)  24 B");
    assert_eq!(lines[2], "  ✓ every numpy since 1.17 can load it");
    assert!(lines.last().unwrap().starts_with("✓ 1 file · nothing wrong"));
}

#[test]
fn who_cannot_load_a_pickle_is_told_with_what_python_will_say() {
    let machine = Machine::new();
    machine.write("project/new.pkl", NUMPY_2);
    let (code, stdout, _) = scan(&machine, &["new.pkl"]);
    assert_eq!(code, 0, "{stdout}");
    let says = "numpy before 1.26.1 cannot load it: ModuleNotFoundError: No module named \
                'numpy._core'";
    assert!(stdout.contains(says), "{stdout}");
    assert!(stdout.contains("✓ numpy 1.26.1 and newer can unpickle it"), "{stdout}");
    let value = document(&machine, &["new.pkl"]);
    assert_eq!(value["files"][0]["numpys"][0]["outcome"], "fails");
    assert_eq!(value["files"][0]["numpys"][0]["before"], "1.26.1");
    assert_eq!(codes(&value, "new.pkl"), ["DAT001"]);
}

#[test]
#[cfg(unix)]
fn the_pythons_that_are_here_are_judged() {
    let machine = Machine::new();
    machine.numpy_environment("project/.venv", "1.24.4");
    machine.write("project/new.pkl", NUMPY_2);
    machine.write("project/plain.npy", plain());
    let value = document(&machine, &["new.pkl", "plain.npy"]);
    let readers = value["readers"].as_array().unwrap();
    let place = readers
        .iter()
        .position(|reader| reader["prefix"].as_str().unwrap().ends_with("project/.venv"))
        .unwrap();
    assert_eq!(readers[place]["numpy"], "1.24.4");
    assert_eq!(value["files"][0]["here"][place]["outcome"], "fails");
    assert_eq!(value["files"][1]["here"][place]["outcome"], "loads");
    let finding = &value["files"][0]["findings"][0];
    assert_ne!(finding["severity"], "info");
    let (_, stdout, _) = scan(&machine, &["new.pkl"]);
    assert!(stdout.contains(".venv (numpy 1.24.4)"), "{stdout}");
}

#[test]
fn a_directory_is_walked_and_every_fault_has_its_code() {
    let machine = Machine::new();
    let shape = "{'descr': '<f4', 'fortran_order': False, 'shape': (np.int64(6),), }";
    let long = "{'descr': '<f4', 'fortran_order': False, 'shape': (600,), }";
    for (name, bytes) in [
        ("good.npy", plain()),
        ("objects.npy", objects()),
        ("evil.pkl", b"\x80\x02cos\nsystem\nU\x02ls\x85R.".to_vec()),
        ("method.pkl", b"\x80\x02cbuiltins\ngetattr\n.".to_vec()),
        ("hidden.pkl", b"\x80\x04\x8c\x02osN\x93.".to_vec()),
        ("cut.npz", b"PK\x03\x04 and no more".to_vec()),
        ("short.npy", npy(long, &[0; 24])),
        ("text.npy", b"Loading model...\n".to_vec()),
        ("shape.npy", npy(shape, &[0; 24])),
        ("strange \u{202e}name\x1b[31m.npy", Vec::new()),
        (".venv/pyvenv.cfg", Vec::new()),
        (".venv/evil.pkl", b"cos\nsystem\n.".to_vec()),
        ("notes.txt", b"cos\nsystem\n.".to_vec()),
    ] {
        machine.write(&format!("project/data/{name}"), bytes);
    }
    let value = document(&machine, &["data"]);
    for (name, expected) in [
        ("good.npy", &[][..]),
        ("objects.npy", &["DAT001", "DAT002"]),
        ("evil.pkl", &["DAT003"]),
        ("method.pkl", &["DAT003"]),
        ("hidden.pkl", &["DAT003"]),
        ("cut.npz", &["DAT005"]),
        ("short.npy", &["DAT005"]),
        ("text.npy", &["DAT005"]),
        ("shape.npy", &["DAT006"]),
        ("name\u{1b}[31m.npy", &["DAT005"]),
    ] {
        assert_eq!(codes(&value, name), expected, "{name}");
    }
    assert_eq!(value["files"].as_array().unwrap().len(), 10);
    assert_eq!(value["left_out"], 1);
    let (code, stdout, stderr) = scan(&machine, &["data"]);
    assert_eq!((code, stderr.as_str()), (1, ""));
    assert!(!stdout.contains(['\x1b', '\u{202e}']), "{stdout:?}");
    let named = scan(&machine, &["data/.venv"]);
    assert!(named.1.contains("DAT003"), "what is named is looked at: {}", named.1);
}

#[test]
fn warnings_count_when_they_are_to() {
    let machine = Machine::new();
    let source = "import pickle, subprocess\nx = subprocess.run(['y'], stdout=-1)\n\
        z = pickle.loads(x.stdout)\n";
    machine.write("project/read.py", source);
    assert_eq!(scan(&machine, &["read.py"]).0, 0);
    assert_eq!(scan(&machine, &["read.py", "--strict"]).0, 1);
}

#[test]
fn what_cannot_be_told_is_never_fine() {
    let machine = Machine::new();
    for (name, bytes, reason) in [
        ("a.joblib", &b"BZh91AY&SY"[..], "compressed with bz2: not looked into"),
        ("b.pkl", b"\x80\x02\x82\x07.", "registry"),
        ("c.pkl", b"\x80\x02cbuiltins\ngetattr\n.", "can reach what it does not name"),
        ("d.pkl", b"\x80\x02cmine\nThing\n)R.", "not known what mine.Thing would do"),
        ("e.pt", b"7z\xbc\xaf\x27\x1c\0\x04", "a 7z archive: not looked into"),
        ("f.pkl", b"\x80\x02ccollections\nOrderedDict\n}b.", "changes something that it imports"),
    ] {
        machine.write(&format!("project/{name}"), bytes);
        let (code, stdout, _) = scan(&machine, &[name]);
        assert_eq!(code, 1, "{name}: {stdout}");
        assert!(stdout.contains(reason) && !stdout.contains("nothing wrong"), "{stdout}");
    }
}

#[test]
#[cfg(unix)]
fn devices_pipes_and_links_to_them_are_not_read() {
    let machine = Machine::new();
    machine.write("project/data/a.npy", plain());
    let fifo = machine.path("project/data/pipe.npy");
    let made = host::Invocation::new("mkfifo").arg(&fifo).output().unwrap();
    assert!(made.success());
    fs_err::os::unix::fs::symlink("/dev/zero", machine.path("project/data/zero.pkl")).unwrap();
    for path in ["/dev/zero", "data/pipe.npy"] {
        let (code, stdout, _) = scan(&machine, &[path]);
        assert_eq!(code, 1);
        assert!(stdout.contains("not a regular file"), "{stdout}");
    }
    let value = document(&machine, &["data"]);
    assert_eq!(value["files"].as_array().unwrap().len(), 1);
}

#[test]
fn a_path_that_does_not_exist_is_refused() {
    let machine = Machine::new();
    let (code, stdout, stderr) = scan(&machine, &["nothing.npy"]);
    assert_eq!((code, stdout.as_str()), (3, ""));
    assert!(stderr.starts_with("error: nothing.npy does not exist"), "{stderr}");
    assert_eq!(scan(&machine, &[]).0, 3);
    let (code, stdout, _) = scan(&machine, &["."]);
    assert_eq!((code, stdout.as_str()), (0, "i no data files found\n"));
}

#[test]
fn checksums_are_compared_when_asked_for() {
    let machine = Machine::new();
    let array = plain();
    let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 33, 0];
    common.extend([1, 2, 3, 4]);
    common.extend((array.len() as u32).to_le_bytes().repeat(2));
    common.extend([5, 0, 0, 0]);
    let local = [b"PK\x03\x04", &common[..], b"a.npy", &array].concat();
    let entry = [b"PK\x01\x02\x14\0", &common[..], &[0; 14], b"a.npy"].concat();
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    end.extend((entry.len() as u32).to_le_bytes());
    end.extend((local.len() as u32).to_le_bytes());
    end.extend([0, 0]);
    machine.write("project/bad.npz", [local, entry, end].concat());
    assert_eq!(scan(&machine, &["bad.npz"]).0, 0);
    let (code, stdout, _) = scan(&machine, &["bad.npz", "--verify"]);
    assert_eq!(code, 1);
    assert!(stdout.contains("DAT005") && stdout.contains("checksum"), "{stdout}");
}
