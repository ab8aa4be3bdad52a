//! `doctor --format sarif` and `--format junit`: what dashboards and test views read.

use serde_json::Value;

use crate::machine::Machine;

fn broken() -> Machine {
    let machine = Machine::new();
    machine.broken_environment("project/.venv");
    machine
}

#[test]
fn sarif_has_a_rule_for_each_check_and_a_result_for_each_finding() {
    let machine = broken();
    let read = |arguments: &[&str]| -> Value {
        let output = machine.output(&[&["doctor", "--format", "sarif"], arguments].concat());
        assert_eq!(output.stderr_text(), "");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let log = read(&["--only", "ENV"]);
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(rules.iter().all(|rule| rule["id"].as_str().unwrap().starts_with("ENV")));
    let results = run["results"].as_array().unwrap();
    let result = results.iter().find(|result| result["ruleId"] == "ENV001").unwrap();
    assert_eq!((&result["ruleId"], &result["level"]), (&"ENV001".into(), &"error".into()));
    let index = result["ruleIndex"].as_u64().unwrap() as usize;
    assert_eq!(rules[index]["id"], "ENV001");
    let place = &result["locations"][0]["physicalLocation"]["artifactLocation"];
    assert_eq!(place["uri"], ".venv/bin/python");
    // What is suppressed is there, and says so.
    machine.write(
        "project/truewheel.toml",
        "[[doctor.suppress]]\ncode = \"ENV001\"\nreason = \"known\"\n",
    );
    let log = read(&["--only", "ENV001"]);
    let suppressions = &log["runs"][0]["results"][0]["suppressions"];
    assert_eq!(suppressions[0]["justification"], "known");
}

/// Test cases and what is in them, as Python's own parser reads it.
const READ: &str = "import sys, json, xml.etree.ElementTree as e\n\
    root = e.fromstring(sys.stdin.buffer.read())\n\
    suite = root.find('testsuite')\n\
    cases = {c.get('name').split()[0]: [x.tag for x in c] for c in suite}\n\
    print(json.dumps({'attributes': dict(suite.attrib), 'all': dict(root.attrib), 'cases': cases}))";

#[test]
fn junit_has_a_test_for_each_check() {
    let machine = broken();
    let Some(python) = host::Host::current().unwrap().program("python3") else {
        crate::skips::record("dashboards::junit_has_a_test_for_each_check", "no python3 here");
        return;
    };
    let read = |arguments: &[&str]| -> (Option<i32>, Value) {
        let output = machine.output(&[&["doctor", "--format", "junit"], arguments].concat());
        let parsed = host::Invocation::new(&python)
            .args(["-c", READ])
            .input(output.stdout.clone())
            .output()
            .unwrap();
        assert!(parsed.success(), "{}", parsed.stderr_text());
        (output.code, serde_json::from_slice(&parsed.stdout).unwrap())
    };
    let (code, told) = read(&[]);
    assert_eq!(code, Some(1));
    let cases = told["cases"].as_object().unwrap();
    assert_eq!(cases["ENV001"], serde_json::json!(["failure"]));
    assert_eq!(cases["ENV003"], serde_json::json!([]));
    assert_eq!(cases["BLD002"], serde_json::json!(["skipped"]));
    let count = |tag: &str| {
        cases.values().filter(|case| case.as_array().unwrap().contains(&tag.into())).count()
    };
    let attributes = &told["attributes"];
    assert_eq!(attributes["tests"], cases.len().to_string().as_str());
    for (attribute, tag) in [("failures", "failure"), ("skipped", "skipped"), ("errors", "error")] {
        assert_eq!(attributes[attribute], count(tag).to_string().as_str());
    }
    assert_eq!(told["all"]["tests"], attributes["tests"]);
    machine.write(
        "project/truewheel.toml",
        "[[doctor.suppress]]\ncode = \"ENV001\"\nreason = \"known\"\n",
    );
    let (code, told) = read(&["--only", "ENV001"]);
    assert_eq!(code, Some(0));
    assert_eq!(told["cases"]["ENV001"], serde_json::json!(["system-out"]));
}
