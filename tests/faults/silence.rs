//! Healthy machines: the doctor finds no error and no warning.

use crate::harness::{Sandbox, sandbox};

const NUMPY: &str = "numpy==2.2.6";

/// A maturin project whose reader has maturin and one active environment.
fn project_with_maturin(sandbox: &Sandbox) {
    sandbox.maturin_project("0.27.1");
    sandbox.offer_maturin();
}

#[test]
fn a_venv_of_the_standard_library() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.12");
        project_with_maturin(sandbox);
        let venv = sandbox.venv(&python, ".venv");
        sandbox.pip_install(&venv, &[NUMPY]);
        sandbox.activate(&venv);
        sandbox.doctor().silent();
    });
}

#[test]
fn a_venv_made_with_copies() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        project_with_maturin(sandbox);
        let venv = sandbox.venv_with(&python, ".venv", &["--copies"]);
        sandbox.uv_pip_install(&venv, &[NUMPY]);
        sandbox.activate(&venv);
        sandbox.doctor().silent();
    });
}

#[test]
fn a_venv_that_sees_the_packages_of_its_base() {
    sandbox(|sandbox| {
        let python = sandbox.system_python();
        project_with_maturin(sandbox);
        let venv = sandbox.venv_with(&python, ".venv", &["--system-site-packages"]);
        sandbox.uv_pip_install(&venv, &[NUMPY]);
        sandbox.activate(&venv);
        sandbox.doctor().silent();
    });
}

#[test]
fn a_venv_that_is_not_activated() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.12");
        project_with_maturin(sandbox);
        let venv = sandbox.venv(&python, ".venv");
        sandbox.uv_pip_install(&venv, &[NUMPY]);
        sandbox.doctor().silent();
    });
}

#[test]
fn an_environment_by_uv() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.13");
        project_with_maturin(sandbox);
        sandbox.offer_uv();
        let venv = sandbox.uv_venv(&python, ".venv");
        sandbox.uv_pip_install(&venv, &[NUMPY]);
        sandbox.activate(&venv);
        sandbox.doctor().silent();
    });
}

#[test]
fn an_environment_by_virtualenv() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.10");
        project_with_maturin(sandbox);
        let venv = sandbox.virtualenv(&python, ".venv");
        sandbox.pip_install(&venv, &[NUMPY]);
        sandbox.activate(&venv);
        sandbox.doctor().silent();
    });
}

#[test]
fn a_conda_environment() {
    sandbox(|sandbox| {
        let python = sandbox.python_off_path("3.11");
        project_with_maturin(sandbox);
        let environment = sandbox.conda_environment(&python, "science", &["numpy=1.26.4"]);
        sandbox.activate_conda(&environment);
        sandbox.doctor().silent();
    });
}

#[test]
fn the_system_python_and_nothing_else() {
    sandbox(|sandbox| {
        sandbox.system_python();
        sandbox.write("report.py", "print('no package, so nothing is installed')\n");
        sandbox.doctor().silent();
    });
}

#[test]
fn an_interpreter_by_pyenv() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.12");
        let versions = sandbox.home().join(".pyenv/versions");
        let installed = python.programs().parent().unwrap();
        sandbox.replace_with_link(&versions.join(installed.file_name().unwrap()), installed);
        sandbox.src_layout_project();
        sandbox.doctor().silent();
    });
}

#[test]
fn a_cargo_workspace_with_a_python_crate() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.12");
        sandbox.workspace_project("0.27.1");
        sandbox.offer_maturin();
        let venv = sandbox.uv_venv(&python, ".venv");
        sandbox.activate(&venv);
        sandbox.doctor().silent();
    });
}

#[test]
fn a_pure_python_project_with_src() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        sandbox.src_layout_project();
        let venv = sandbox.venv(&python, ".venv");
        sandbox.pip_install(&venv, &["--editable", "."]);
        sandbox.activate(&venv);
        sandbox.doctor().silent();
    });
}

#[test]
fn no_project_at_all() {
    sandbox(|sandbox| {
        sandbox.python("3.12");
        sandbox.doctor().silent();
    });
}

#[test]
fn a_path_with_spaces() {
    sandbox(|sandbox| {
        sandbox.set_project("my work/the project");
        let python = sandbox.python("3.12");
        project_with_maturin(sandbox);
        let venv = sandbox.venv(&python, ".venv");
        sandbox.pip_install(&venv, &[NUMPY]);
        sandbox.activate(&venv);
        sandbox.doctor().silent();
    });
}

#[test]
fn two_environments_that_exchange_data_and_can() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.12");
        project_with_maturin(sandbox);
        let writer = sandbox.uv_venv(&python, ".venv");
        let reader = sandbox.uv_venv(&python, "reader");
        sandbox.uv_pip_install(&writer, &[NUMPY]);
        sandbox.uv_pip_install(&reader, &["numpy==2.1.3"]);
        sandbox.activate(&writer);
        sandbox.doctor().silent();
    });
}

#[test]
fn many_packages_with_native_modules() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.12");
        project_with_maturin(sandbox);
        let venv = sandbox.uv_venv(&python, ".venv");
        let packages =
            [NUMPY, "pandas==2.2.3", "orjson==3.10.12", "safetensors==0.4.5", "contourpy==1.3.1"];
        sandbox.uv_pip_install(&venv, &packages);
        sandbox.activate(&venv);
        sandbox.doctor().silent();
    });
}

/// Every Python from the oldest to the newest supported, with the newest numpy it can have.
fn supported(minor: &str, numpy: &str) {
    sandbox(|sandbox| {
        let python = sandbox.python(minor);
        project_with_maturin(sandbox);
        let venv = sandbox.venv(&python, ".venv");
        sandbox.uv_pip_install(&venv, &[numpy]);
        sandbox.activate(&venv);
        sandbox.doctor().silent();
    });
}

#[test]
fn python_3_8() {
    supported("3.8", "numpy==1.24.4");
}

#[test]
fn python_3_9() {
    supported("3.9", "numpy==2.0.2");
}

#[test]
fn python_3_10() {
    supported("3.10", NUMPY);
}

#[test]
fn python_3_11() {
    supported("3.11", "numpy==1.26.4");
}

#[test]
fn python_3_12() {
    supported("3.12", NUMPY);
}

#[test]
fn python_3_13() {
    supported("3.13", NUMPY);
}
