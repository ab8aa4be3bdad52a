//! The stubs: what type checkers say of them, and whether they tell the truth.

use host::{Host, Invocation};

use crate::build::root;
use crate::environments::{Tools, run};

/// The interpreter of an environment with the type checkers.
fn python(test: &str) -> Option<std::path::PathBuf> {
    let packages = ["numpy", "pyarrow", "mypy", "basedpyright"];
    Tools::find(test)?.environment(test, "types", "3.13", &packages)
}

fn module(python: &std::path::Path, arguments: &[&str]) -> Invocation {
    Invocation::new(python).args(["-B", "-m"]).args(arguments).directory(root())
}

#[test]
fn mypy_takes_the_package_and_a_program_that_uses_it() {
    let test = "types::mypy_takes_the_package_and_a_program_that_uses_it";
    let Some(python) = python(test) else { return };
    let strict = ["mypy", "--strict", "--cache-dir", "/dev/null", "-p", "arrow_quant_v2"];
    run(&module(&python, &strict));
    let using = ["mypy", "--strict", "--cache-dir", "/dev/null", "tests/python/typed.py"];
    run(&module(&python, &using));
}

#[test]
fn the_stubs_are_those_of_the_module() {
    let Some(python) = python("types::the_stubs_are_those_of_the_module") else { return };
    run(&module(&python, &["mypy.stubtest", "arrow_quant_v2"]));
}

#[test]
fn pyright_takes_a_program_that_uses_it() {
    let Some(python) = python("types::pyright_takes_a_program_that_uses_it") else { return };
    // It finds packages by the first Python on PATH.
    let path = Host::current().unwrap().variables.text("PATH").unwrap_or_default();
    let path = format!("{}:{path}", python.parent().unwrap().display());
    let check = ["basedpyright", "--level", "error", "tests/python/typed.py"];
    run(&module(&python, &check).env("PATH", &path));
    // What a library exports is typed to the last argument.
    let verify = ["basedpyright", "--verifytypes", "arrow_quant_v2", "--ignoreexternal"];
    run(&module(&python, &verify).env("PATH", &path));
}
