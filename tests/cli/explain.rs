//! `explain`.

use insta::assert_snapshot;

use crate::machine::Machine;

#[test]
fn a_page_is_printed_as_it_is_without_a_terminal() {
    let machine = Machine::new();
    let page = include_str!("../../crates/doctor/pages/ENV001.md");
    for arguments in [
        &["explain", "ENV001"][..],
        &["explain", "env001"],
        &["explain", "broken-interpreter-link"],
        &["explain", "ENV001", "--format", "markdown"],
    ] {
        let output = machine.output(arguments);
        assert_eq!(output.stdout_text(), page, "{arguments:?}");
        assert_eq!(output.code, Some(0));
        assert!(output.stderr.is_empty());
    }
}

#[test]
fn json_holds_the_page() {
    let output = Machine::new().output(&["explain", "ENV001", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["code"], "ENV001");
    assert_eq!(value["implemented"], true);
    assert!(value["markdown"].as_str().unwrap().starts_with("# ENV001 broken-interpreter-link\n"));
}

#[test]
fn every_code_is_listed() {
    let machine = Machine::new();
    let listed = machine.output(&["explain"]).stdout_text();
    let json = machine.output(&["explain", "--format", "json"]);
    let pages: Vec<serde_json::Value> = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(listed.lines().count(), pages.len() + 1);
    for page in pages {
        let code = page["code"].as_str().unwrap();
        let line = listed.lines().find(|line| line.starts_with(code)).unwrap();
        let planned = line.ends_with("no check looks for it yet");
        assert_eq!(planned, page["implemented"] == false, "{line}");
        assert_eq!(machine.output(&["explain", code]).code, Some(0));
    }
}

#[test]
fn an_unknown_code_brings_the_nearest() {
    let machine = Machine::new();
    assert_snapshot!(machine.run(&["explain", "ENV0001"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: no fault has the code `ENV0001`

    hint: did you mean `ENV001` (broken-interpreter-link)? `truewheel explain` lists the codes
    ");
    assert_snapshot!(machine.run(&["explain", "broken-interpreter-lnk"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: no fault has the code `broken-interpreter-lnk`

    hint: did you mean `ENV001` (broken-interpreter-link)? `truewheel explain` lists the codes
    ");
    assert_snapshot!(machine.run(&["explain", "\u{1b}[31m"]), @r"
    exit: 3
    --- stdout
    --- stderr
    error: no fault has the code `\u{1b}[31m`

    hint: did you mean `FS010` (case-clash)? `truewheel explain` lists the codes
    ");
}
