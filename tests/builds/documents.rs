//! What the documents show, held against the schemas of others and of our own.

use host::Invocation;
use tempfile::TempDir;
use wheelbuild::engine::Engine;

use crate::support::{LIMIT, Project, root, works};
use crate::tools;

fn validate(test: &str, schema: &[&str], file: &std::path::Path) {
    let Some(tools) = tools::directory(test, "builds") else { return };
    let call = Invocation::new(tools.join("venv/bin/check-jsonschema"))
        .args(schema)
        .arg(file)
        .directory(root())
        .timeout(LIMIT);
    let output = call.output().unwrap();
    assert!(output.success(), "{}{}", output.stdout_text(), output.stderr_text());
}

#[test]
fn the_workflow_is_one_that_github_takes() {
    let test = "documents::the_workflow_is_one_that_github_takes";
    let workflow = root().join("docs/github-workflow.yml");
    validate(test, &["--builtin-schema", "vendor.github-workflows"], &workflow);
    // Its commands are ours, as they are.
    let text = fs_err::read_to_string(workflow).unwrap();
    let commands: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once("truewheel ").map(|(_, rest)| rest))
        .filter(|rest| !rest.starts_with("stands"))
        .collect();
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        // What GitHub fills in.
        let command = &command.replace("${{ matrix.shard }}", "1/4");
        let until = command.find([')', '>', '|']).unwrap_or(command.len());
        let words: Vec<&str> = command[..until].split_whitespace().collect();
        let help = Invocation::new(env!("CARGO_BIN_EXE_truewheel")).args(&words).arg("--help");
        let output = help.output().unwrap();
        assert!(output.success(), "{command}: {}", output.stderr_text());
    }
}

#[test]
fn every_event_is_as_the_schema_says() {
    let test = "documents::every_event_is_as_the_schema_says";
    if !works(Engine::Namespaces, test) {
        return;
    }
    let project = Project::of("timed", "project");
    let flags = ["build", "--engine", "namespaces", "--reproduce", "--verbose"];
    let mut events = project.run(&flags).ended_with(4).events;
    let bundle = project.path.join("bundle.tar").display().to_string();
    let fetch = ["fetch", "--engine", "namespaces", "--bundle", &bundle];
    events.extend(project.run(&fetch).succeeded().events);
    project.write("src/lib.rs", "no Rust");
    events.extend(project.run(&["build", "--engine", "namespaces"]).ended_with(1).events);
    let directory = TempDir::new().unwrap();
    let schema: serde_json::Value = serde_json::from_str(
        &fs_err::read_to_string(root().join("docs/build.schema.json")).unwrap(),
    )
    .unwrap();
    let (list, of_list) = (directory.path().join("events.json"), directory.path().join("s.json"));
    fs_err::write(&list, serde_json::to_vec(&events).unwrap()).unwrap();
    let wrapped = serde_json::json!({ "type": "array", "items": schema });
    fs_err::write(&of_list, wrapped.to_string()).unwrap();
    validate(test, &["--schemafile", &of_list.display().to_string()], &list);
}

#[test]
fn the_lock_of_this_repository_is_of_its_crates() {
    let read = |name: &str| fs_err::read_to_string(root().join(name)).unwrap();
    let lock: toml::Table = read("build.lock.toml").parse().unwrap();
    let sum = wheelbuild::digest::sha256(read("Cargo.lock").as_bytes());
    assert_eq!(lock["crates"]["cargo-lock"].as_str(), Some(&*sum), "run `cargo xtask fetch`");
}
