//! The program with real engines: `engines` and `image`.

use std::path::Path;

use host::{Invocation, Output};
use serde_json::Value;
use tempfile::TempDir;
use wheelbuild::engine::Engine;

use crate::support::{PATIENCE, base, cache, ready};

fn truewheel(project: &Path, arguments: &[&str]) -> Output {
    Invocation::new(env!("CARGO_BIN_EXE_truewheel"))
        .args(arguments)
        .args(["--color", "never", "--project"])
        .arg(project)
        .env("TRUEWHEEL_CACHE_DIR", cache())
        .timeout(PATIENCE * 5)
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn every_engine_that_works_is_said_to() {
    let test = "every_engine_that_works_is_said_to";
    let works: Vec<&str> = Engine::ALL
        .into_iter()
        .filter(|engine| ready(*engine, test).is_some())
        .map(Engine::name)
        .collect();
    let project = TempDir::new().unwrap();
    let output = truewheel(project.path(), &["engines", "--format", "json"]);
    let document = json(&output);
    let said: Vec<&str> = document["engines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|engine| engine["works"] == true)
        .map(|engine| engine["engine"].as_str().unwrap())
        .collect();
    assert_eq!(said, works);
    assert_eq!(document["chosen"], works[0]);
    let text = truewheel(project.path(), &["engines"]).stdout_text();
    assert!(text.ends_with(&format!("a build here uses {}\n", works[0])), "{text}");
}

#[test]
fn an_image_is_listed_locked_and_checked() {
    let test = "an_image_is_listed_locked_and_checked";
    let Some(image) = base(test) else { return };
    let project = TempDir::new().unwrap();
    fs_err::create_dir(project.path().join("docker")).unwrap();
    let recipe = toml::to_string(&image.recipe).unwrap();
    fs_err::write(project.path().join("docker/images.toml"), format!("[base]\n{recipe}")).unwrap();
    let run = |arguments: &[&str]| truewheel(project.path(), arguments);

    let listed = json(&run(&["image", "list", "--format", "json"]));
    assert_eq!(listed["images"][0]["sum"], *image.sum);
    assert_eq!(listed["images"][0]["is_locked"], false);
    // It is in the store, so that nothing is made.
    let made = run(&["image", "bootstrap", "--format", "json"]);
    assert_eq!((made.code, json(&made)["made"].clone()), (Some(0), Value::Bool(false)));
    assert!(run(&["image", "lock"]).success());
    let lock = fs_err::read_to_string(project.path().join("docker/images.lock.toml")).unwrap();
    assert!(lock.contains(&image.diff_id()), "{lock}");
    let checked = run(&["image", "check", "--format", "json"]);
    let document = json(&checked);
    assert_eq!(checked.code, Some(0), "{document}");
    assert_eq!(document["diff_id"], image.diff_id());
    assert_eq!(document["copies"][0]["state"], "same");

    // Another image is locked: what is here is not it, and what differs is named.
    let other = lock.replace(&image.sum, &"0".repeat(64)).replace("\"dash ", "\"dash 9:");
    fs_err::write(project.path().join("docker/images.lock.toml"), other).unwrap();
    let made = run(&["image", "bootstrap"]);
    assert_eq!(made.code, Some(1));
    assert!(made.stdout_text().contains("dash: 9:"), "{}", made.stdout_text());
    assert_eq!(run(&["image", "check"]).code, Some(1));
}
