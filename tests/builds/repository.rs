//! The wheel and the core of this repository itself.

use std::path::{Path, PathBuf};

use host::Invocation;
use tempfile::TempDir;
use wheelbuild::engine::Engine;

use crate::support::{LIMIT, Project, interpreter, root, works};
use crate::tools;

/// Pythons that the wheel is made for, and numpys before and after the change of its binary interface.
const ENVIRONMENTS: [(&str, &str); 9] = [
    ("3.9", "1.19.5"),
    ("3.9", "2.0.2"),
    ("3.10", "1.21.6"),
    ("3.10", "2.2.6"),
    ("3.11", "1.26.4"),
    ("3.11", "2.2.6"),
    ("3.12", "1.26.4"),
    ("3.12", "2.4.0"),
    ("3.13", "2.4.0"),
];

#[test]
fn the_wheel_is_the_same_by_two_engines_and_works_in_every_python() {
    let test = "repository::the_wheel_is_the_same_by_two_engines_and_works_in_every_python";
    let engines = [Engine::Podman, Engine::Namespaces];
    if !engines.into_iter().all(|engine| works(engine, test)) {
        return;
    }
    let Some(tools) = tools::directory(test, "builds") else { return };
    let project = Project::of_repository("checkout");
    // Today's packages of the image, and what goes with them.
    let lock_image = crate::support::truewheel(&project.path).args(["image", "lock"]);
    assert!(lock_image.output().unwrap().success());
    project.run(&["fetch", "--update", "--engine", "namespaces"]).succeeded();
    project.commit();
    let other = project.clone_to("somewhere else/of another name");
    let first = project.run(&["build", "all", "--locked", "--engine", "podman"]).succeeded();
    let second = other.run(&["build", "wheel", "--locked", "--engine", "namespaces"]).succeeded();
    let (wheel, sum) = first.artifact(".whl");
    assert_eq!(second.artifact(".whl").1, sum, "the engine or the path is in the wheel");
    assert_eq!(first.all("problem"), [&serde_json::Value::Null; 0]);
    let files = project.files("dist");
    for name in ["arrow-quant-", "npz-", "spz-"] {
        let is_it = |file: &&String| file.starts_with(name) && file.ends_with(".crate");
        assert_eq!(files.iter().filter(is_it).count(), 1, "{name}: {files:?}");
    }

    let place = TempDir::new().unwrap();
    for (python, numpy) in ENVIRONMENTS {
        let Some(python) = interpreter(python, test) else { return };
        try_in(&tools, place.path(), &python, numpy, &wheel);
    }
}

/// Installs the wheel beside a numpy into an environment that has nothing else, and uses it.
fn try_in(tools: &Path, place: &Path, python: &Path, numpy: &str, wheel: &Path) {
    let prefix = place.join(format!("{numpy}-{}", python.display().to_string().replace('/', "-")));
    let uv = || {
        Invocation::new(tools.join("venv/bin/uv"))
            .env("UV_CACHE_DIR", tools.join("uv-cache"))
            .env("UV_PYTHON_DOWNLOADS", "never")
            .without_env("VIRTUAL_ENV")
            .directory(place)
            .timeout(LIMIT)
    };
    let installed: PathBuf = prefix.join("bin/python");
    let numpy = format!("numpy=={numpy}");
    for call in [
        uv().args(["venv", "--quiet", "--python"]).arg(python).arg(&prefix),
        uv().args(["pip", "install", "--quiet", "--only-binary", ":all:", "--python"])
            .arg(&installed)
            .args([&numpy])
            .arg(wheel),
        Invocation::new(&installed)
            .args(["-I", "-B"])
            .arg(root().join("tests/wheel/smoke.py"))
            .directory(place)
            .timeout(LIMIT),
    ] {
        let output = call.output().unwrap();
        assert!(output.success(), "{}\n{}", call.display(), output.stderr_text());
    }
}
