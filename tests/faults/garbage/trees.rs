//! Directories that are too large, or that contain themselves.

use std::path::Path;

use crate::harness::{Sandbox, sandbox};

const MANY: usize = 100_000;

fn fill(directory: &Path, name: impl Fn(usize) -> String) {
    fs_err::create_dir_all(directory).unwrap();
    for number in 0..MANY {
        fs_err::write(directory.join(name(number)), "").unwrap();
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
        fill(&site, |number| format!("module_{number}.py"));
        sandbox.survives("a hundred thousand files in site-packages");
    });
}

#[test]
fn a_hundred_thousand_scripts() {
    with_environment(|sandbox| {
        fill(&sandbox.project().join(".venv/bin"), |number| format!("python{number}"));
        sandbox.survives("a hundred thousand files in bin");
    });
}

#[test]
fn a_hundred_thousand_files_in_the_project() {
    with_environment(|sandbox| {
        fill(&sandbox.project(), |number| format!("data_{number}.pkl"));
        sandbox.survives("a hundred thousand files in the project");
    });
}

#[test]
fn a_hundred_thousand_conda_records() {
    with_environment(|sandbox| {
        let prefix = sandbox.home().join("miniforge3");
        sandbox.fake_conda(&prefix, "3.12.1");
        sandbox.set("CONDA_PREFIX", &prefix);
        fill(&prefix.join("conda-meta"), |number| format!("package{number}-1.0-0.json"));
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
        // Each shell goes as deep as one path can; the tree is four times as deep.
        let script = "for outer in 1 2 3 4; do \
                          deep=$(printf 'directory/%.0s' $(seq 300)); \
                          mkdir -p $deep && cd $deep || exit 1; \
                      done";
        let python = sandbox.project().join("python");
        let site = sandbox.project().join(".venv/lib/python3.12/site-packages");
        for start in [python, site] {
            sandbox.run(
                "sh",
                [
                    "-c".as_ref(),
                    format!("cd '{}'; {script}", start.display()).as_ref() as &std::ffi::OsStr,
                ],
            );
        }
        sandbox.survives("a tree deeper than any path");
        sandbox.run("rm", ["-rf".as_ref(), sandbox.project().as_os_str()]);
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
