//! `scan` beyond plain files: archives, compressed data, modules, wheels, sources, whole trees, SARIF,
//! and what it writes.

use serde_json::Value;

use crate::archive;
use crate::machine::Machine;
use crate::scan::{document, scan};

/// As numpy 2 pickles three numbers with protocol 4, frame and all.
fn numpy_2() -> Vec<u8> {
    let text = |text: &str| [&[0x8c, text.len() as u8], text.as_bytes()].concat();
    let inner = [
        text("numpy._core.multiarray"),
        b"\x94".to_vec(),
        text("_reconstruct"),
        b"\x94\x93\x94".to_vec(),
        text("numpy"),
        b"\x94".to_vec(),
        text("ndarray"),
        b"\x94\x93\x94K\0\x85\x94C\x01b\x94\x87\x94R\x94(K\x01K\x03\x85\x94h\x03".to_vec(),
        text("dtype"),
        b"\x94\x93\x94".to_vec(),
        text("f4"),
        b"\x94\x89\x88\x87\x94R\x94(K\x03".to_vec(),
        text("<"),
        b"\x94NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0t\x94b\x89C\x0c".to_vec(),
        [1.0_f32, 2.0, 3.0].iter().flat_map(|number| number.to_le_bytes()).collect(),
        b"\x94t\x94b.".to_vec(),
    ]
    .concat();
    [b"\x80\x04\x95", &(inner.len() as u64).to_le_bytes()[..], &inner].concat()
}

fn names(document: &Value) -> Vec<&str> {
    let files = document["files"].as_array().unwrap();
    files.iter().map(|file| file["path"].as_str().unwrap().rsplit('/').next().unwrap()).collect()
}

#[test]
fn a_repair_is_written_beside_and_looked_at_again() {
    let machine = Machine::new();
    let old = numpy_2();
    machine.write("project/model.pkl", &old);
    let (code, stdout, stderr) = scan(&machine, &["--repair", "model.pkl"]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    assert!(stdout.contains("written to model.numpy1.pkl"), "{stdout}");
    assert!(stdout.contains("numpy._core.multiarray._reconstruct → numpy.core"), "{stdout}");
    assert!(stdout.contains("every numpy since 1.17 can unpickle it"), "{stdout}");
    assert_eq!(fs_err::read(machine.path("project/model.pkl")).unwrap(), old);
    let value = document(&machine, &["model.numpy1.pkl"]);
    assert_eq!(value["files"][0]["numpys"][0]["outcome"], "loads");
    assert_eq!(value["files"][0]["pickle"]["damage"], Value::Null);
    // A second time there is a file of that name, and nothing to mend in the new one.
    let (code, stdout, _) = scan(&machine, &["--repair", "model.pkl"]);
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("is there already"), "{stdout}");
    let (code, stdout, _) = scan(&machine, &["--repair", "model.numpy1.pkl"]);
    assert_eq!(code, 0, "{stdout}");
    assert!(stdout.contains("nothing to do"), "{stdout}");
    let (code, stdout, _) = scan(&machine, &["--repair", "--in-place", "model.pkl"]);
    assert_eq!(code, 0, "{stdout}");
    assert_eq!(fs_err::read(machine.path("project/model.pkl.before")).unwrap(), old);
    assert_ne!(fs_err::read(machine.path("project/model.pkl")).unwrap(), old);
}

#[test]
fn what_is_dangerous_hidden_or_damaged_is_not_written_anew() {
    let machine = Machine::new();
    let numpy_2 = numpy_2();
    for (name, bytes, reason) in [
        ("evil.pkl", b"\x80\x02cos\nsystem\nU\x02ls\x85R.".to_vec(), "it is dangerous"),
        ("hidden.pkl", b"\x80\x04\x8c\x02osN\x93.".to_vec(), "computed while it runs"),
        ("cut.pkl", numpy_2[..numpy_2.len() - 5].to_vec(), "truncated"),
        ("buffers.pkl", b"\x80\x05cnumpy._core.numeric\n_frombuffer\n\x97.".to_vec(), "buffers"),
        (
            "text.pkl",
            b"\x80\x02cnumpy._core._internal\n_convert_to_stringdtype_kwargs\n.".to_vec(),
            "StringDType",
        ),
        ("a.npz", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(), "npz archive"),
    ] {
        machine.write(&format!("project/{name}"), &bytes);
        let (code, stdout, _) = scan(&machine, &["--repair", "--protocol", "4", name]);
        assert_eq!(code, 1, "{name}: {stdout}");
        assert!(stdout.contains("not written") && stdout.contains(reason), "{name}: {stdout}");
        assert_eq!(fs_err::read(machine.path(&format!("project/{name}"))).unwrap(), bytes);
    }
    assert_eq!(fs_err::read_dir(machine.path("project")).unwrap().count(), 6);
}

#[test]
fn arrays_are_taken_out_of_pickles_and_archives_of_torch() {
    let machine = Machine::new();
    machine.write("project/model.pkl", numpy_2());
    let (code, stdout, _) = scan(&machine, &["--to-npz", "model.pkl"]);
    assert_eq!(code, 0, "{stdout}");
    assert!(stdout.contains("written to model.npz"), "{stdout}");
    let value = document(&machine, &["model.npz", "--verify"]);
    assert_eq!(value["files"][0]["arrays"][0]["name"], "arr_0");
    assert_eq!(value["files"][0]["arrays"][0]["shape"], serde_json::json!([3]));
    let storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x06tQ";
    let tensor = |shape: &[u8], strides: &[u8]| {
        [
            b"ctorch._utils\n_rebuild_tensor_v2\n(",
            &storage[..],
            b"K\0",
            shape,
            strides,
            b"\x89ccollections\nOrderedDict\n)RtR",
        ]
        .concat()
    };
    let pickle = [
        b"\x80\x02ccollections\nOrderedDict\n)R(X\x01\0\0\0w",
        &tensor(b"K\x02K\x03\x86", b"K\x03K\x01\x86")[..],
        b"X\x01\0\0\0t",
        &tensor(b"K\x03K\x02\x86", b"K\x01K\x03\x86"),
        b"X\x01\0\0\0eK\x05u.",
    ]
    .concat();
    let data: Vec<u8> = (0..6_u8).flat_map(|number| f32::from(number).to_le_bytes()).collect();
    let members = [
        archive::file("m/data.pkl", pickle),
        archive::file("m/data/0", &data),
        archive::file("m/version", b"3\n"),
    ];
    machine.write("project/net.pt", archive::zip(&members));
    assert_eq!(document(&machine, &["net.pt"])["files"][0]["safety"], "data");
    let (code, stdout, _) = scan(&machine, &["--to-npz", "net.pt", "--output", "out.npz"]);
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("e is left out: it is a number and no array"), "{stdout}");
    let arrays = fs_err::read(machine.path("project/out.npz")).unwrap();
    let transposed: Vec<u8> =
        [0.0_f32, 3.0, 1.0, 4.0, 2.0, 5.0].iter().flat_map(|number| number.to_le_bytes()).collect();
    for expected in [data, transposed] {
        assert!(arrays.windows(expected.len()).any(|window| window == expected));
    }
}

#[test]
fn files_are_known_by_their_contents_where_their_names_say_little() {
    let machine = Machine::new();
    let evil = b"\x80\x02cos\nsystem\n.";
    for name in ["model.bin", "no-extension", "picture.png", "deep/er/weights.dat"] {
        machine.write(&format!("project/data/{name}"), evil);
    }
    machine.write("project/data/notes.dat", b"nothing");
    machine.write("project/data/fine.py", b"print(1)\n");
    let value = document(&machine, &["data"]);
    assert_eq!(names(&value), ["weights.dat", "model.bin", "no-extension"]);
    let value = document(&machine, &["data", "--all-files"]);
    assert_eq!(names(&value), ["weights.dat", "model.bin", "no-extension", "picture.png"]);
    assert!(value["files"].as_array().unwrap().iter().all(|file| file["safety"] == "dangerous"));
}

#[test]
#[cfg(unix)]
fn links_in_a_circle_end_and_what_cannot_be_listed_is_named() {
    let machine = Machine::new();
    machine.write("project/data/a/x.pkl", b"\x80\x02N.");
    fs_err::os::unix::fs::symlink("..", machine.path("project/data/a/up")).unwrap();
    fs_err::os::unix::fs::symlink("loop.pkl", machine.path("project/data/loop.pkl")).unwrap();
    let value = document(&machine, &["data"]);
    assert_eq!(names(&value), ["x.pkl"]);
}

#[test]
fn sources_are_told_with_their_lines() {
    let machine = Machine::new();
    let source = "import pickle, subprocess\nimport numpy as np\n\
        result = subprocess.run(['python'], stdout=subprocess.PIPE)\n\
        a = pickle.loads(result.stdout)\nb = np.load('x.npz', allow_pickle=True)\n";
    machine.write("project/src/read.py", source);
    machine.write("project/src/other.py", "import pickle\n");
    let value = document(&machine, &["src"]);
    assert_eq!(names(&value), ["read.py"]);
    let findings = value["files"][0]["findings"].as_array().unwrap();
    let told: Vec<(&str, &str)> = findings
        .iter()
        .map(|one| (one["code"].as_str().unwrap(), one["message"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("DAT007", "line 4 unpickles what another process has written"),
            ("DAT007", "line 5 lets numpy unpickle (allow_pickle=True)"),
        ]
    );
    let (code, stdout, _) = scan(&machine, &["src", "--format", "sarif"]);
    assert_eq!(code, 0);
    let log: Value = serde_json::from_str(&stdout).unwrap();
    let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "src/read.py");
    assert_eq!(place["region"]["startLine"], 4);
}

#[test]
fn a_dashboard_gets_every_finding_and_every_doubt() {
    let machine = Machine::new();
    machine.write("project/a b/evil.pkl", b"\x80\x02cos\nsystem\n.");
    machine.write("project/doubt.joblib", b"BZh91AY&SY");
    let (code, stdout, stderr) = scan(&machine, &[".", "--format", "sarif"]);
    assert_eq!((code, stderr.as_str()), (1, ""));
    let log: Value = serde_json::from_str(&stdout).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let told: Vec<(&str, &str, &str)> = results
        .iter()
        .map(|result| {
            let place = &result["locations"][0]["physicalLocation"]["artifactLocation"];
            (
                result["ruleId"].as_str().unwrap(),
                result["level"].as_str().unwrap(),
                place["uri"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [("DAT003", "error", "a%20b/evil.pkl"), ("UNTOLD", "warning", "doubt.joblib")]
    );
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
    }
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    let machine = Machine::new();
    machine.write("project/a.pkl", b"\x80\x02N.");
    for arguments in [
        &["a.pkl", "--output", "b.pkl"][..],
        &["a.pkl", "--repair", "--to-npz"],
        &["a.pkl", "--in-place"],
        &["a.pkl", "--repair", "--in-place", "--output", "b.pkl"],
        &["a.pkl", "--repair", "--protocol", "3"],
        &["a.pkl", "--repair", "--format", "json"],
    ] {
        assert_eq!(scan(&machine, arguments).0, 3, "{arguments:?}");
    }
}
