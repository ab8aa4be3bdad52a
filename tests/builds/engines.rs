//! One sum, whoever builds and wherever.

use host::{Host, Invocation};
use wheelbuild::engine::Engine;

use crate::mirror::Mirror;
use crate::support::{LIMIT, Project, cache, told, truewheel, works};

#[test]
fn every_engine_at_every_path_makes_the_same_wheel() {
    let test = "engines::every_engine_at_every_path_makes_the_same_wheel";
    if !works(Engine::Namespaces, test) {
        return;
    }
    let project = Project::of("mixed", "first");
    project.lock();
    let mut sums = Vec::new();
    for (engine, path) in [
        (Engine::Namespaces, "a"),
        (Engine::Podman, "a longer path/with spaces"),
        (Engine::Docker, "b/c/d/e/f"),
        (Engine::Host, "h"),
    ] {
        if !works(engine, test) {
            continue;
        }
        let clone = project.clone_to(path);
        let built = clone.run(&["build", "--locked", "--engine", engine.name()]).succeeded();
        let said = built.one("engine");
        assert_eq!(said["engine"], engine.name());
        assert_eq!(said["hermetic"], engine != Engine::Host);
        assert_eq!(built.one("sources")["versioned"], true);
        let (wheel, sum) = built.artifact(".whl");
        assert!(wheel.starts_with(clone.path.join("dist")));
        assert_eq!(wheelbuild::digest::sha256(&fs_err::read(&wheel).unwrap()), sum);
        let sums_file = clone.read("dist/SHA256SUMS");
        assert!(sums_file.contains(&sum), "{sums_file}");
        sums.push((engine, sum));
    }
    assert!(sums.iter().all(|(_, sum)| *sum == sums[0].1), "{sums:#?}");

    // The same crates of another registry, fetched into another store.
    let mirror = Mirror::start(&project.path);
    let clone = project.clone_to("with a mirror");
    let store = tempfile::TempDir::new_in(cache()).unwrap();
    host::make_link(&cache().join("images"), &store.path().join("images")).unwrap();
    let build = truewheel(&clone.path)
        .args(["build", "--engine", "namespaces", "--format", "json"])
        .env("TRUEWHEEL_CACHE_DIR", store.path())
        .env("CARGO_HOME", mirror.cargo_home());
    let built = told(&build).succeeded();
    assert!(mirror.served() > 0, "nothing came from the mirror");
    assert_eq!(built.artifact(".whl").1, sums[0].1);
}

#[test]
fn a_wheel_that_stamps_the_time_is_told_and_not_delivered() {
    let test = "engines::a_wheel_that_stamps_the_time_is_told_and_not_delivered";
    if !works(Engine::Namespaces, test) {
        return;
    }
    let project = Project::of("timed", "timed");
    let built = project.run(&["build", "--engine", "namespaces", "--reproduce"]).ended_with(4);
    let found = built.one("reproduction");
    assert_eq!(found["verdict"], "different");
    assert_eq!(found["axes"], serde_json::json!(["time of the build"]));
    let differences = &found["comparisons"][0]["differences"];
    assert!(differences.to_string().contains("built at "), "{differences:#}");
    assert_eq!(project.files("dist"), ["rejected"]);
    assert!(project.files("dist/rejected").iter().any(|name| name.ends_with(".whl")));
}

#[test]
fn everything_that_is_made_is_made_again_the_same() {
    let test = "engines::everything_that_is_made_is_made_again_the_same";
    if !works(Engine::Namespaces, test) {
        return;
    }
    let project = Project::of("mixed", "all");
    let flags = ["build", "all", "--engine", "namespaces", "--reproduce"];
    let built = project.run(&flags).succeeded();
    let found: Vec<(&str, &str)> = built
        .all("reproduction")
        .iter()
        .map(|it| (it["product"].as_str().unwrap(), it["verdict"].as_str().unwrap()))
        .collect();
    assert_eq!(found, [("core", "identical"), ("sdist", "identical"), ("wheel", "identical")]);
    let files = project.files("dist");
    for ending in [".whl", ".tar.gz", ".crate", "SHA256SUMS"] {
        assert!(files.iter().any(|name| name.ends_with(ending)), "{ending}: {files:?}");
    }
}

#[test]
fn a_python_of_this_machine_builds_and_tries_the_wheel() {
    let test = "engines::a_python_of_this_machine_builds_and_tries_the_wheel";
    if !works(Engine::Namespaces, test) {
        return;
    }
    let Some(python) = crate::support::interpreter("3.12", test) else { return };
    let project = Project::of("stamped", "python");
    project.write("truewheel.toml", "[build]\nsmoke = \"smoke.py\"\n");
    project.write("smoke.py", "import stamped, sys\nassert sys.version_info[:2] == (3, 12)\n");
    project.commit();
    let python = python.display().to_string();
    let flags = ["build", "--engine", "namespaces", "--python", &python];
    let built = project.run(&flags).succeeded();
    let (record, _) = built.artifact(".intoto.json");
    let record: serde_json::Value =
        serde_json::from_str(&fs_err::read_to_string(record).unwrap()).unwrap();
    let parameters = &record["predicate"]["buildDefinition"]["externalParameters"];
    assert_eq!(parameters["python"], "3.12");
}

#[test]
fn the_rust_of_an_image_makes_what_the_same_rust_of_this_machine_makes() {
    let test = "engines::the_rust_of_an_image_makes_what_the_same_rust_of_this_machine_makes";
    if !works(Engine::Podman, test) || !works(Engine::Namespaces, test) {
        return;
    }
    let project = Project::of("stamped", "project");
    project.lock();
    let here = project.run(&["build", "--locked", "--engine", "namespaces"]).succeeded();
    let image = Image::with_this_rust("localhost/truewheel-test:rust");
    let flags = ["build", "--engine", "podman", "--toolchain", "image", "--image", image.name];
    // Another image is another input.
    let refused = project.run(&[&flags[..], &["--locked"]].concat()).ended_with(3);
    refused.says("the image is sha256:").says("fetch --update");
    let fetch = ["fetch", "--update"];
    project.run(&[&fetch[..], &flags[1..]].concat()).succeeded();
    let there = project.run(&flags).succeeded();
    assert_eq!(there.artifact(".whl").1, here.artifact(".whl").1);
    let absent = ["build", "--engine", "podman", "--image", "localhost/truewheel-test:absent"];
    project.run(&absent).ended_with(3).says("has no image localhost/truewheel-test:absent");
}

/// An image of podman that is removed at the end.
struct Image {
    name: &'static str,
}

impl Image {
    /// The base image of the tests with the Rust of this machine in it.
    fn with_this_rust(name: &'static str) -> Image {
        let run = |call: Invocation| {
            let call = call.timeout(LIMIT);
            let output = call.output().unwrap();
            assert!(output.success(), "{}\n{}", call.display(), output.stderr_text());
            output.stdout_text()
        };
        let directory = tempfile::TempDir::new_in(cache()).unwrap();
        let archive = directory.path().join("image.tar");
        let mut stored = fs_err::read_dir(cache().join("images")).unwrap();
        let base = stored.find_map(|entry| {
            let path = entry.unwrap().path();
            path.extension().is_some_and(|ending| ending == "tar").then_some(path)
        });
        fs_err::copy(base.unwrap(), &archive).unwrap();
        let sysroot = run(Invocation::new("rustc").args(["--print", "sysroot"]));
        let append = ["--append", "--owner=0", "--group=0", "--transform=s,^,toolchain/,"];
        run(Invocation::new("tar").args(append).arg("--file").arg(&archive).args([
            "--directory",
            sysroot.trim(),
            "bin",
            "lib",
        ]));
        run(podman().arg("import").arg(&archive).arg(name));
        Image { name }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let removed = podman().args(["image", "rm", "--force", self.name]).output().unwrap();
        assert!(removed.success() || std::thread::panicking(), "{}", removed.stderr_text());
    }
}

/// podman, with the storage that the program uses.
fn podman() -> Invocation {
    let mut host = Host::current().unwrap();
    host.variables.set("TRUEWHEEL_CACHE_DIR", cache());
    let ready = wheelbuild::engine::choose(&host, Some(Engine::Podman)).unwrap();
    wheelbuild::engine::engine_command(&ready)
}
