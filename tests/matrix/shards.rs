//! A run in parts, and the parts put together.

use serde_json::Value;

use crate::support::{Project, cell};

const CONFIGURATION: &str = "[matrix]\npythons = ['3.11']\nnumpys = ['1.24.4', '2.2.6']\n\
                             pyodides = ['0.25.1']\n";

#[test]
fn shards_come_to_the_same_as_one_run() {
    let test = "shards_come_to_the_same_as_one_run";
    let Some(project) = Project::new(test, CONFIGURATION) else { return };
    project.keep("pyodide");
    let (ended, whole) = project.matrix(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let mut pairs = 0;
    for index in 1..=2 {
        let (shard, report) = (format!("{index}/2"), format!("{index}.json"));
        let (ended, part) = project.matrix(&["--shard", &shard, "--report", &report]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        pairs += part["pairs"].as_array().unwrap().len();
    }
    assert_eq!(pairs, 12, "a pair was run twice, or never");

    let ended = project.run(&["matrix", "merge", "2.json", "1.json", "--format", "json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let merged: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(merged["shard"].is_null());
    assert_eq!(merged["summary"], whole["summary"]);
    for field in ["python", "left_out", "remarks", "state"] {
        let of = |result: &Value| cell(result, "pyodide-0.25.1")[field].clone();
        assert_eq!(of(&merged), of(&whole));
    }
    let named = |result: &Value| -> Vec<String> {
        let pairs = result["pairs"].as_array().unwrap().iter();
        pairs.map(|pair| format!("{} {}", pair["writer"], pair["reader"])).collect()
    };
    assert_eq!(named(&merged), named(&whole));

    for (files, said) in [
        (&["1.json"][..], "these shards are missing: 2/2"),
        (&["1.json", "1.json"], "are both shard 1/2"),
        (&["1.json", "target/matrix/report.html"], "is not the result of a matrix"),
        (&["1.json", "nowhere.json"], "there is no result at"),
    ] {
        let ended = project.run(&[&["matrix", "merge"], files].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), ""), "{files:?}");
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }

    let text = fs_err::read_to_string(project.path("1.json")).unwrap();
    fs_err::write(project.path("1.json"), text.replace("'>f8'", "'<f8'")).unwrap();
    let ended = project.run(&["matrix", "merge", "1.json", "2.json"]);
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains("are not of one run: their arrays differ"), "{}", ended.stderr);
}
