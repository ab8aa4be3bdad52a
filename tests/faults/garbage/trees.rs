//! Directories that are too large, or that contain themselves.

use std::path::Path;

use crate::harness::{Sandbox, sandbox};

const MANY: usize = 100_000;

fn fill(sandbox: &Sandbox, directory: &Path, name: impl Fn(usize) -> String) {
    for number in 0..MANY {
        sandbox.replace(&directory.join(name(number)), "");
    }
}

fn with_environment(test: impl FnOnce(&Sandbox)) {
    sandbox(|sandbox| {
        let python = sandbox.python("3.12");
        sandbox.maturin_project("0.27.1");
        let venv = sandbox.uv_venv(&python, ".venv");
        sandbox.fake_package(&venv, "numpy", "2.2.6");
        sandbox.activate(&venv);
        test(sandbox);
    });
}

#[test]
fn a_hundred_thousand_names_in_site_packages() {
    with_environment(|sandbox| {
        let site = sandbox.project().join(".venv/lib/python3.12/site-packages");
        fill(sandbox, &site, |number| format!("module_{number}.py"));
        sandbox.survives("a hundred thousand files in site-packages");
    });
}

#[test]
fn a_hundred_thousand_scripts() {
    with_environment(|sandbox| {
        fill(sandbox, &sandbox.project().join(".venv/bin"), |number| format!("python{number}"));
        sandbox.survives("a hundred thousand files in bin");
    });
}

#[test]
fn a_hundred_thousand_files_in_the_project() {
    with_environment(|sandbox| {
        fill(sandbox, &sandbox.project(), |number| format!("data_{number}.pkl"));
        sandbox.survives("a hundred thousand files in the project");
    });
}

#[test]
fn a_hundred_thousand_conda_records() {
    with_environment(|sandbox| {
        let prefix = sandbox.home().join("miniforge3");
        sandbox.fake_conda(&prefix, "3.12.1");
        sandbox.set("CONDA_PREFIX", &prefix);
        fill(sandbox, &prefix.join("conda-meta"), |number| format!("package{number}-1.0-0.json"));
        sandbox.survives("a hundred thousand conda records");
    });
}

#[test]
fn links_that_lead_back() {
    with_environment(|sandbox| {
        let project = sandbox.project();
        let home = sandbox.home();
        let site = project.join(".venv/lib/python3.12/site-packages");
        for (link, target) in [
            (site.join("numpy/again"), "."),
            (site.join("site-packages"), ".."),
            (project.join("src/project"), "../.."),
            (project.join("self"), "self"),
            (project.join("target"), "."),
            (home.join(".pyenv/versions/3.12.1"), "../versions"),
            (home.join(".pyenv/versions/loop"), "loop"),
            (home.join(".virtualenvs/all"), ".."),
            (home.join(".local/share/uv/python/cpython-3.12"), "../python"),
            (home.join("miniforge3/envs"), "../miniforge3"),
            (home.join("miniforge3/conda-meta"), "."),
        ] {
            sandbox.replace_with_link(&link, target);
        }
        sandbox.survives("links that lead back");
    });
}

#[test]
fn an_environment_that_is_a_link_to_itself() {
    sandbox(|sandbox| {
        sandbox.maturin_project("0.27.1");
        sandbox.replace_with_link(&sandbox.project().join(".venv"), ".venv");
        sandbox.survives("an environment that is a link to itself");
        sandbox.set("VIRTUAL_ENV", sandbox.project().join(".venv"));
        sandbox.survives("and that is active");
    });
}

#[test]
fn a_tree_deeper_than_any_path() {
    with_environment(|sandbox| {
        let script = "import os, sys\n\
                      os.chdir(sys.argv[1])\n\
                      for _ in range(1200):\n    os.mkdir('directory')\n    os.chdir('directory')\n";
        let python = sandbox.project().join(".venv/bin/python");
        let site = sandbox.project().join(".venv/lib/python3.12/site-packages");
        for start in [sandbox.project().join("python"), site] {
            let arguments = ["-I".as_ref(), "-c".as_ref(), script.as_ref(), start.as_os_str()];
            sandbox.run(&python, arguments);
        }
        sandbox.survives("a tree deeper than any path");
    });
}

#[test]
fn a_search_path_of_five_thousand_places() {
    with_environment(|sandbox| {
        let places: Vec<String> = (0..5_000).map(|n| format!("/nowhere/{n}")).collect();
        let places: Vec<&Path> = places.iter().map(Path::new).collect();
        sandbox.set_path(&places);
        sandbox.survives("a PATH of five thousand places");
        sandbox.set_path(&[]);
        sandbox.survives("an empty PATH");
    });
}

/// Root reads everything, so the doctor runs as nobody here.
#[test]
fn what_another_user_may_not_read() {
    with_environment(|sandbox| {
        let report = sandbox.doctor_as_nobody();
        assert!(report.summary.environments > 0);
        let site = sandbox.project().join(".venv/lib/python3.12/site-packages");
        for (path, mode) in [
            (sandbox.project().join("Cargo.toml"), 0o000),
            (sandbox.project().join(".venv/pyvenv.cfg"), 0o200),
            (site.join("numpy-2.2.6.dist-info/RECORD"), 0o000),
            (site.join("numpy"), 0o000),
            (site, 0o311),
            (sandbox.project().join(".venv/bin"), 0o600),
            (sandbox.project().join("src"), 0o000),
        ] {
            sandbox.set_mode(&path, mode);
            let report = sandbox.doctor_as_nobody();
            let told = !report.unreadable.is_empty() || !report.findings.is_empty();
            assert!(told, "{} may not be read, and nothing says so", path.display());
        }
    });
}
