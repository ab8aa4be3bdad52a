//! The tests in `tests/python`, on the installed wheel, in one environment after another.

use host::Invocation;

use crate::build::root;
use crate::environments::{Tools, run};

/// What gives and takes Arrow data besides pyarrow, and numbers that numpy lacks.
const LIBRARIES: [&str; 6] =
    ["pyarrow", "polars", "nanoarrow", "arro3-core", "duckdb", "ml_dtypes"];

/// Runs pytest, in which at least so many tests must pass; each of the packages must be found by them.
fn pytest(test: &str, name: &str, version: &str, packages: &[&str], least: usize) {
    let Some(tools) = Tools::find(test) else { return };
    let with_pytest = [packages, &["pytest"]].concat();
    let Some(python) = tools.environment(test, name, version, &with_pytest) else { return };
    let names: Vec<&str> =
        packages.iter().filter_map(|package| package.split(['=', '-']).next()).collect();
    let tests = Invocation::new(python)
        .args(["-B", "-m", "pytest", "-q", "tests/python"])
        .env("ARROW_QUANT_TEST_PACKAGES", names.join(" "))
        .without_env("PYTHONPATH")
        .without_env("PYTEST_ADDOPTS")
        .directory(root());
    let said = run(&tests);
    // A run in which nothing was collected would end well too.
    let passed = said.lines().rev().find_map(|line| {
        let (before, _) = line.split_once(" passed")?;
        before.rsplit(' ').next()?.parse::<usize>().ok()
    });
    assert!(passed.is_some_and(|passed| passed >= least), "{said}");
}

#[test]
fn python_3_9_and_the_oldest_numpy() {
    let test = "pythons::python_3_9_and_the_oldest_numpy";
    pytest(test, "3.9", "3.9", &["numpy==1.19.5"], 120);
}

#[test]
fn python_3_10_and_numpy_1_21() {
    pytest("pythons::python_3_10_and_numpy_1_21", "3.10", "3.10", &["numpy==1.21.6"], 120);
}

#[test]
fn python_3_11_and_the_last_numpy_1_with_every_arrow_library() {
    let test = "pythons::python_3_11_and_the_last_numpy_1_with_every_arrow_library";
    let packages = [&["numpy==1.26.4", "pyarrow==22.0.0"], &LIBRARIES[..]].concat();
    pytest(test, "3.11", "3.11", &packages, 190);
}

#[test]
fn python_3_11_without_numpy() {
    pytest("pythons::python_3_11_without_numpy", "3.11-bare", "3.11", &[], 60);
}

#[test]
fn python_3_12_and_the_first_numpy_2() {
    pytest("pythons::python_3_12_and_the_first_numpy_2", "3.12", "3.12", &["numpy==2.0.2"], 120);
}

#[test]
fn python_3_13_and_the_newest_of_everything() {
    let test = "pythons::python_3_13_and_the_newest_of_everything";
    pytest(test, "3.13", "3.13", &[&["numpy", "pyarrow"], &LIBRARIES[..]].concat(), 190);
}
