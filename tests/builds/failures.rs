//! What is said when a build fails, and that nothing half-made is left.

use std::path::Path;

use host::{Host, Invocation};
use serde_json::Value;
use tempfile::TempDir;
use wheelbuild::engine::Engine;

use crate::support::{Project, Told, told, truewheel, works};

const BUILD: [&str; 3] = ["build", "--engine", "namespaces"];

fn project(test: &str) -> Option<Project> {
    works(Engine::Namespaces, test).then(|| Project::of("stamped", "project"))
}

/// The phase that failed, and what was said of it.
#[track_caller]
fn failed(told: &Told) -> (&str, &str, &str) {
    let event = told.one("failed");
    let text = |key: &str| event[key].as_str().unwrap_or_default();
    let log = Path::new(text("log"));
    assert!(Host::current().unwrap().is_file(log), "{}", log.display());
    (text("phase"), text("reason"), text("hint"))
}

#[test]
fn the_first_error_of_the_compiler_is_told_with_the_log() {
    let test = "failures::the_first_error_of_the_compiler_is_told_with_the_log";
    let Some(project) = project(test) else { return };
    project.replace("src/lib.rs", "STAMPED.len() as isize", "STAMPED.length() as isize");
    let built = project.run(&BUILD).ended_with(1);
    let (phase, reason, _) = failed(&built);
    assert_eq!(phase, "build the wheel");
    assert!(reason.starts_with("error[E0599]"), "{reason}");
    built.says("src/lib.rs").says("the whole log: ");
    assert_eq!(built.one("sources")["modified"], serde_json::json!(["src/lib.rs"]));
    assert_eq!(project.files("dist"), [""; 0]);
    let log = built.one("failed")["log"].as_str().unwrap();
    fs_err::remove_file(log).unwrap();
}

#[test]
fn a_build_script_that_tries_the_network_is_told_so() {
    let test = "failures::a_build_script_that_tries_the_network_is_told_so";
    let Some(project) = project(test) else { return };
    let script = "fn main() {\n    std::net::TcpStream::connect(\"192.0.2.1:80\").unwrap();\n}\n";
    project.write("build.rs", script);
    let built = project.run(&BUILD).ended_with(1);
    let (_, _, hint) = failed(&built);
    assert!(hint.contains("network"), "{hint}");
    built.says("hint: something tried the network");
}

#[test]
fn a_crate_that_is_not_in_the_lock_is_named() {
    let test = "failures::a_crate_that_is_not_in_the_lock_is_named";
    let Some(project) = project(test) else { return };
    project.replace("Cargo.toml", "[dependencies]\n", "[dependencies]\nitoa = \"1\"\n");
    let built = project.run(&BUILD).ended_with(3);
    built.says("Cargo.lock: the crate itoa is not in it").says("hint: run `cargo update");
    assert_eq!(project.files("dist"), [""; 0]);
}

#[test]
fn an_exception_in_the_program_that_tries_the_wheel_is_told() {
    let test = "failures::an_exception_in_the_program_that_tries_the_wheel_is_told";
    let Some(project) = project(test) else { return };
    project.write("truewheel.toml", "[build]\nsmoke = \"smoke.py\"\n");
    project.write("smoke.py", "import stamped\nraise SystemExit(stamped.NOTHING)\n");
    let built = project.run(&BUILD).ended_with(1);
    let (phase, reason, _) = failed(&built);
    assert_eq!(phase, "test");
    assert!(reason.contains("AttributeError"), "{reason}");
    assert_eq!(project.files("dist"), [""; 0]);
}

#[test]
fn a_fault_that_the_doctor_knows_is_named() {
    let test = "failures::a_fault_that_the_doctor_knows_is_named";
    let Some(project) = project(test) else { return };
    project.write("truewheel.toml", "[build]\nsmoke = \"smoke.py\"\n");
    let text = "import stamped\nraise ModuleNotFoundError(\"No module named 'numpy._core'\")\n";
    project.write("smoke.py", text);
    let built = project.run(&BUILD).ended_with(1);
    let explained = built.one("failed")["explained"].as_str().unwrap();
    assert!(explained.starts_with("NPY004"), "{explained}");
    built.says("explain NPY004");
}

#[test]
fn a_wheel_that_fails_its_check_is_put_aside() {
    let test = "failures::a_wheel_that_fails_its_check_is_put_aside";
    let Some(project) = project(test) else { return };
    let flags = ["build", "--engine", "namespaces", "--max-glibc", "2.5", "--no-test"];
    let built = project.run(&flags).ended_with(4);
    let names: Vec<&Value> = built.all("problem").iter().map(|it| &it["name"]).collect();
    assert!(names.iter().any(|name| **name == "glibc-over-limit"), "{names:?}");
    assert_eq!(project.files("dist"), ["rejected"]);
}

#[test]
fn a_declared_function_that_the_module_lacks_is_named() {
    let test = "failures::a_declared_function_that_the_module_lacks_is_named";
    if !works(Engine::Namespaces, test) {
        return;
    }
    let project = Project::of("mixed", "project");
    // It is added to the module where the program never comes.
    let text = "use pyo3::prelude::*;\n\
        #[pyfunction]\nfn always_there(x: i32) -> i32 { x }\n\
        #[pyfunction]\nfn never_there(x: i32) -> i32 { x }\n\
        #[pymodule]\nfn mixed(module: &Bound<'_, PyModule>) -> PyResult<()> {\n\
            module.add_function(wrap_pyfunction!(always_there, module)?)?;\n\
            if false {\n\
                module.add_function(wrap_pyfunction!(never_there, module)?)?;\n\
            }\n\
            Ok(())\n\
        }\n";
    project.write("src/lib.rs", text);
    let built = project.run(&BUILD).ended_with(4);
    let problem = built.one("problem");
    assert_eq!(problem["name"], "declared-name-missing");
    let evidence = problem["evidence"].to_string();
    assert!(evidence.contains("never_there") && !evidence.contains("always"), "{evidence}");
}

#[test]
fn a_full_disk_is_named_and_nothing_half_written_is_there() {
    let test = "failures::a_full_disk_is_named_and_nothing_half_written_is_there";
    let Some(project) = project(test) else { return };
    // Larger than the disk, once it is packed.
    let host = Host::current().unwrap();
    let noise = host.read(&host::own_program().unwrap(), 1 << 30).unwrap();
    fs_err::write(project.path.join("noise"), &noise[..noise.len().min(2 << 20)]).unwrap();
    project.commit();
    let out = TempDir::new().unwrap();
    let mount = |arguments: &[&str]| {
        let output = Invocation::new("mount").args(arguments).arg(out.path()).output().unwrap();
        assert!(output.success(), "{}", output.stderr_text());
    };
    mount(&["-t", "tmpfs", "-o", "size=64k", "tmpfs"]);
    let place = out.path().display().to_string();
    let flags = ["build", "sdist", "--engine", "namespaces", "--out", &place];
    let built = project.run(&flags);
    let left: Vec<_> = fs_err::read_dir(out.path()).unwrap().collect();
    let unmounted = Invocation::new("umount").arg(out.path()).output().unwrap();
    assert!(unmounted.success(), "{}", unmounted.stderr_text());
    let built = built.ended_with(2);
    built.says(&place).says("No space left on device").says("hint: make room there");
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn without_the_network_what_is_missing_is_named() {
    let test = "failures::without_the_network_what_is_missing_is_named";
    let Some(project) = project(test) else { return };
    let empty = TempDir::new().unwrap();
    let offline = |flags: &[&str]| {
        let call = truewheel(&project.path).args(BUILD).args(flags).args(["--format", "json"]);
        told(&call.env("TRUEWHEEL_CACHE_DIR", empty.path()))
    };
    let built = offline(&["--offline"]).ended_with(3);
    built.says("no image is locked").says("image bootstrap");
    let store = empty.path().join("images");
    host::make_link(&crate::support::cache().join("images"), &store).unwrap();
    let built = offline(&["--offline"]).ended_with(3);
    built.says("the crates of Cargo.lock").says("run `truewheel fetch`");
}

#[test]
fn a_locked_image_that_is_not_here_is_named() {
    let test = "failures::a_locked_image_that_is_not_here_is_named";
    let Some(project) = project(test) else { return };
    let call = truewheel(&project.path).args(["image", "lock"]);
    assert!(call.output().unwrap().success());
    let lock = project.read("docker/images.lock.toml");
    let sum = lock.split("sha256:").nth(1).unwrap()[..64].to_owned();
    let other = "0".repeat(64);
    project.write("docker/images.lock.toml", &lock.replace(&sum, &other));
    let built = project.run(&BUILD).ended_with(3);
    built.says(&other).says("image bootstrap");
}

#[test]
fn two_builds_at_once_do_not_disturb_each_other() {
    let test = "failures::two_builds_at_once_do_not_disturb_each_other";
    let Some(project) = project(test) else { return };
    project.lock();
    let other = project.clone_to("other");
    let sums: Vec<String> = std::thread::scope(|scope| {
        let builds = [&project, &other]
            .map(|project| scope.spawn(|| project.run(&BUILD).succeeded().artifact(".whl").1));
        builds.into_iter().map(|build| build.join().unwrap()).collect()
    });
    assert_eq!(sums[0], sums[1]);
}
