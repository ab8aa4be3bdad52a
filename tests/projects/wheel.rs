//! The program as a wheel: built by maturin, installed where there is no Rust.

use std::path::PathBuf;

use host::Invocation;

use crate::sources::{LIMIT, Workshop, succeed};

#[test]
fn the_program_is_installed_and_runs_where_there_is_no_rust() {
    let test = "wheel::the_program_is_installed_and_runs_where_there_is_no_rust";
    let Some(workshop) = Workshop::new(test) else { return };
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let dist = workshop.path("dist");
    // The profile of `cargo xtask`: what is in the wheel is the same, and it is compiled sooner.
    succeed(
        workshop
            .maturin()
            .args(["build", "--quiet", "--profile", "tool", "--manifest-path"])
            .arg(&manifest)
            .arg("--out")
            .arg(&dist),
    );
    let wheels: Vec<PathBuf> =
        fs_err::read_dir(&dist).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [wheel] = wheels.as_slice() else { panic!("{wheels:?}") };
    let name = wheel.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("truewheel-") && name.contains("-py3-none-"), "{name}");

    let environment = workshop.path("fresh");
    succeed(
        workshop
            .uv()
            .args(["venv", "--quiet", "--python"])
            .arg(workshop.python())
            .arg(&environment),
    );
    succeed(
        workshop
            .uv()
            .args(["pip", "install", "--quiet", "--offline", "--python"])
            .arg(&environment)
            .arg(wheel),
    );
    let project = workshop.path("project");
    fs_err::create_dir_all(project.join(".venv/bin")).unwrap();
    fs_err::write(project.join("pyproject.toml"), "[project]\nname = \"x\"\nversion = \"1\"\n")
        .unwrap();
    let venv = project.join(".venv");
    fs_err::write(venv.join("pyvenv.cfg"), "home = /nowhere/bin\nversion = 3.12.1\n").unwrap();
    fs_err::os::unix::fs::symlink("/nowhere/bin/python3.12", venv.join("bin/python")).unwrap();
    let bin = environment.join("bin");
    let run = |program: &str, arguments: &[&str]| {
        let output = Invocation::new(bin.join(program))
            .args(arguments)
            .clear_env()
            .env("HOME", workshop.path("home"))
            .env("PATH", &bin)
            .env("TRUEWHEEL_CACHE_DIR", workshop.path("cache"))
            .directory(&project)
            .timeout(LIMIT)
            .output()
            .unwrap();
        assert_eq!(output.stderr_text(), "");
        output
    };
    for (program, before) in [("truewheel", &[][..]), ("python", &["-m", "truewheel"])] {
        let with = |arguments: &[&'static str]| [before, arguments].concat();
        let version = run(program, &with(&["--version"])).stdout_text();
        assert_eq!(version, format!("truewheel {}\n", env!("CARGO_PKG_VERSION")));
        let output = run(program, &with(&["doctor"]));
        assert_eq!(output.code, Some(1));
        assert!(output.stdout_text().contains("ENV001"), "{}", output.stdout_text());
        // It calls itself as it is called.
        let help = run(program, &with(&["doctor", "--help"])).stdout_text();
        assert!(help.contains("Usage: truewheel doctor"), "{help}");
    }
    // The wheel is what it says it is, in its own opinion.
    let wheel = wheel.to_str().unwrap().to_owned();
    let output = run("truewheel", &["check", &wheel]);
    assert!(matches!(output.code, Some(0 | 4)), "{}", output.stdout_text());
}
