//! What would run, and the choice of it.

use serde_json::Value;

use crate::support::Project;

const CONFIGURATION: &str =
    "[matrix]\npythons = ['3.8', '3.11']\nnumpys = ['1.24.4', '2.2.6', 'newest']\n";

fn project(test: &str) -> Option<Project> {
    Project::new(test, CONFIGURATION)
}

#[test]
fn a_plan_says_what_will_run_and_why_the_rest_does_not() {
    let Some(project) = project("a_plan_says_what_will_run_and_why_the_rest_does_not") else {
        return;
    };
    let ended = project.run(&["matrix", "plan"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let line = |name: &str| {
        let found = ended.stdout.lines().find(|line| line.starts_with(&format!("{name} ")));
        found.unwrap_or_else(|| panic!("{name} is not in\n{}", ended.stdout)).to_owned()
    };
    assert!(line("py3.8-numpy1.24.4").ends_with("will run"));
    assert!(line("py3.8-numpy2.2.6").contains("n/a: "));
    assert!(line("py3.8-numpynewest").contains("n/a: it is the same as py3.8-numpy1.24.4"));
    assert!(line("core").ends_with("will run"));
    assert!(ended.stdout.ends_with("\n5 cells, 25 pairs\n"), "{}", ended.stdout);
    let left: Vec<_> = fs_err::read_dir(project.path("target/matrix")).unwrap().collect();
    assert_eq!(left.len(), 1, "a plan writes nothing: {left:?}");
}

#[test]
fn a_plan_for_github_is_one_line_with_an_entry_for_each_shard() {
    let Some(project) = project("a_plan_for_github_is_one_line_with_an_entry_for_each_shard")
    else {
        return;
    };
    let ended = project.run(&["matrix", "plan", "--format", "github", "--shards", "3"]);
    assert_eq!((ended.code, ended.stdout.lines().count()), (Some(0), 1), "{}", ended.stderr);
    let plan: Value = serde_json::from_str(&ended.stdout).unwrap();
    let entries = plan["include"].as_array().unwrap();
    let shards: Vec<&str> = entries.iter().map(|entry| entry["shard"].as_str().unwrap()).collect();
    assert_eq!(shards, ["1/3", "2/3", "3/3"]);
    assert_eq!(entries[0]["python-versions"], "3.8\n3.11");
}

#[test]
fn cells_are_chosen_by_name() {
    let Some(project) = project("cells_are_chosen_by_name") else { return };
    let names = |arguments: &[&str]| -> Vec<String> {
        let ended = project.run(&[&["matrix", "plan", "--format", "json"], arguments].concat());
        let plan: Value = serde_json::from_str(&ended.stdout).unwrap();
        let cells = plan["cells"].as_array().unwrap().iter();
        let cells = cells.filter(|cell| cell["state"] == "ran");
        cells.map(|cell| cell["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&["--only", "py3.8-*,core"]), ["py3.8-numpy1.24.4", "core"]);
    assert_eq!(names(&["--only", "*-numpy2.2.?"]), ["py3.11-numpy2.2.6"]);
    let (ended, result) = project.matrix(&["--writers", "core", "--readers", "py3.8-*"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let pairs = result["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 1);
    assert_eq!(
        (&pairs[0]["writer"], &pairs[0]["reader"]),
        (&"core".into(), &"py3.8-numpy1.24.4".into())
    );
    let none = project.run(&["matrix", "--only", "pypy*"]);
    assert_eq!(none.code, Some(3));
    assert!(none.stderr.contains("no cell was selected"), "{}", none.stderr);
    assert!(none.stderr.contains("`truewheel matrix plan` lists the cells"), "{}", none.stderr);
}
