//! Which Python each tool would pick: every row of the rules, on recorded Linux machines.

use pyenvs::Picks;

use crate::support::{Linux, discover, picked};

const PROJECT: &str = "/home/dev/project";
const VENV: &str = "/home/dev/v";
const CONDA: &str = "/opt/conda/envs/ml";

fn machine() -> Linux {
    Linux::new().venv(VENV, "/usr", "3.11.2").conda(CONDA, "3.10.1").conda("/opt/conda", "3.12.1")
}

fn picks(machine: Linux) -> Picks {
    discover(&machine.host()).picks
}

/// maturin, PyO3 and uv.
fn three(machine: Linux) -> [String; 3] {
    let picks = picks(machine);
    [picked(&picks.maturin), picked(&picks.pyo3), picked(&picks.uv)]
}

#[test]
fn virtual_env_alone_is_what_all_take() {
    assert_eq!(three(machine().variable("VIRTUAL_ENV", VENV)), [VENV, VENV, VENV]);
}

#[test]
fn conda_prefix_alone_is_what_all_take() {
    let child = machine().variable("CONDA_PREFIX", CONDA).variable("CONDA_DEFAULT_ENV", "ml");
    assert_eq!(three(child), [CONDA, CONDA, CONDA]);
}

#[test]
fn the_base_of_conda_is_a_system_python_to_uv() {
    let base =
        || machine().variable("CONDA_PREFIX", "/opt/conda").variable("CONDA_DEFAULT_ENV", "base");
    assert_eq!(three(base()), ["/opt/conda", "/opt/conda", "/opt/conda"]);
    // A virtual environment upward comes before it.
    let dot_venv = format!("{PROJECT}/.venv");
    let with_venv = base().venv(&dot_venv, "/usr", "3.11.2");
    assert_eq!(three(with_venv), ["/opt/conda", "/opt/conda", dot_venv.as_str()]);
}

#[test]
fn both_equal_pleases_maturin_and_not_pyo3() {
    let both = machine().variable("VIRTUAL_ENV", CONDA).variable("CONDA_PREFIX", CONDA);
    assert_eq!(three(both), [CONDA, "/usr", CONDA]);
}

#[test]
fn both_different_makes_maturin_refuse() {
    let both = machine().variable("VIRTUAL_ENV", VENV).variable("CONDA_PREFIX", CONDA);
    assert_eq!(
        three(both),
        ["!Both VIRTUAL_ENV and CONDA_PREFIX are set. Please unset one of them", "/usr", VENV]
    );
}

#[test]
fn an_empty_variable_is_set_for_maturin_and_pyo3_but_not_for_uv() {
    let empty = machine().variable("VIRTUAL_ENV", "").variable("CONDA_PREFIX", CONDA);
    let [maturin, pyo3, uv] = three(empty);
    assert!(maturin.starts_with("!Both"));
    assert_eq!([pyo3.as_str(), uv.as_str()], ["/usr", CONDA]);
}

#[test]
fn neither_means_the_nearest_dot_venv_or_path() {
    let dot_venv = "/home/dev/.venv";
    let above = machine().venv(dot_venv, "/usr", "3.11.2");
    assert_eq!(three(above), [dot_venv, "/usr", dot_venv]);
    let [maturin, pyo3, uv] = three(machine());
    assert!(maturin.starts_with("!Couldn't find a virtualenv"));
    assert_eq!([pyo3.as_str(), uv.as_str()], ["/usr", "/usr"]);
}

#[test]
fn a_dot_venv_that_is_broken_stops_maturin_and_uv() {
    let file = format!("{PROJECT}/.venv/bin/activate");
    let [maturin, _, uv] = three(machine().file(&file, ""));
    assert!(maturin.starts_with("!Expected /home/dev/project/.venv to be"), "{maturin}");
    assert!(uv.starts_with("!Broken virtual environment `/home/dev/project/.venv`"), "{uv}");
    let cfg = format!("{PROJECT}/.venv/pyvenv.cfg");
    let [maturin, ..] = three(machine().file(&cfg, "home = /usr/bin\n"));
    assert!(maturin.starts_with("!Your virtualenv at /home/dev/project/.venv is broken"));
}

#[test]
fn pyo3_python_is_a_path_or_a_name() {
    let python = format!("{CONDA}/bin/python");
    let pick = |value: &str| picked(&picks(machine().variable("PYO3_PYTHON", value)).pyo3);
    assert_eq!(pick(&python), CONDA);
    assert_eq!(pick("python3.11"), "/usr");
    assert_eq!(pick("python3.9"), "!failed to run the Python interpreter at python3.9");
    let none = picks(machine().variable("PYO3_NO_PYTHON", "1").variable("PYO3_PYTHON", &python));
    assert!(picked(&none.pyo3).starts_with("-PYO3_NO_PYTHON"));
}

#[test]
fn pyo3_passes_over_python_2() {
    let two = machine()
        .file("/two/bin/python2.7", "program")
        .file("/two/lib/python2.7/os.py", "")
        .link("/two/bin/python", "python2.7")
        .variable("PATH", "/two/bin:/usr/bin");
    let picks = picks(two);
    assert_eq!(picked(&picks.path), "/two");
    assert_eq!(picked(&picks.pyo3), "/usr");
}

#[test]
fn shims_of_pyenv_are_seen_through() {
    let root = "/home/dev/.pyenv";
    let pyenv = || {
        machine()
            .python(&format!("{root}/versions/3.9.18"), "3.9.18")
            .python(&format!("{root}/versions/3.12.1"), "3.12.1")
            .file(&format!("{root}/shims/python"), "#!/usr/bin/env bash\n")
            .file(&format!("{root}/shims/python3"), "#!/usr/bin/env bash\n")
            .file(&format!("{root}/shims/pip"), "#!/usr/bin/env bash\n")
            .variable("PATH", &format!("{root}/shims:/usr/bin"))
    };
    let path_and_pip = |machine: Linux| {
        let picks = picks(machine);
        [picked(&picks.path), picked(&picks.pip)]
    };
    let version = |version: &str| format!("{root}/versions/{version}");
    assert_eq!(path_and_pip(pyenv()), ["/usr", "/usr"]);
    let global = pyenv().file(&format!("{root}/version"), "3.12\n");
    assert_eq!(path_and_pip(global), [version("3.12.1"), version("3.12.1")]);
    let local = || {
        let file = "/home/dev/.python-version";
        pyenv().file(&format!("{root}/version"), "3.12.1\n").file(file, "3.9.18\n3.12.1\n")
    };
    assert_eq!(path_and_pip(local()), [version("3.9.18"), version("3.9.18")]);
    let variable = local().variable("PYENV_VERSION", "3.12.1:3.9.18");
    assert_eq!(path_and_pip(variable), [version("3.12.1"), version("3.12.1")]);
    let missing =
        local().variable("PYENV_VERSION", "3.8.0").variable("PATH", &format!("{root}/shims"));
    assert_eq!(
        path_and_pip(missing)[0],
        "!pyenv: version `3.8.0' is not installed (set by PYENV_VERSION environment variable)"
    );
}

#[test]
fn uv_heeds_its_own_variables_and_version_files() {
    let managed = "/home/dev/.local/share/uv/python/cpython-3.13.1-linux-x86_64-gnu";
    let machine = || machine().python(managed, "3.13.1");
    let uv = |machine: Linux| picked(&picks(machine).uv);
    // With nothing said, what uv installed comes before PATH.
    assert_eq!(uv(machine()), managed);
    assert_eq!(uv(machine().file(&format!("{PROJECT}/.python-version"), "3.11\n")), "/usr");
    assert!(uv(machine().file("/home/dev/.python-version", "3.7\n")).starts_with('-'));
    assert_eq!(
        uv(machine().file(
            &format!("{PROJECT}/pyproject.toml"),
            "[project]\nname = \"x\"\nrequires-python = \"<3.12\"\n"
        )),
        "/usr"
    );
    let active = || machine().variable("VIRTUAL_ENV", VENV);
    assert_eq!(uv(active().variable("UV_PYTHON", "3.13")), managed);
    assert_eq!(uv(active().variable("UV_PYTHON", "3.11")), VENV);
    assert_eq!(uv(active().variable("UV_PYTHON", &format!("{CONDA}/bin/python"))), CONDA);
    assert_eq!(uv(active().variable("UV_PYTHON", CONDA)), CONDA);
    assert_eq!(uv(active().variable("UV_SYSTEM_PYTHON", "1")), managed);
    assert!(uv(active().variable("UV_PYTHON", "pypy3.9")).starts_with('-'));
}

#[test]
fn pip_follows_its_first_line() {
    let pip = |text: &str| {
        let machine = machine().file("/usr/bin/pip", text);
        picked(&picks(machine).pip)
    };
    assert_eq!(pip(&format!("#!{CONDA}/bin/python\n")), CONDA);
    assert_eq!(pip("#!/usr/bin/env python3\n"), "/usr");
    assert_eq!(
        pip(&format!("#!/bin/sh\n'''exec' \"{VENV}/bin/python\" \"$0\" \"$@\"\n' '''\n")),
        VENV
    );
    assert_eq!(pip("#!/gone/bin/python\n"), "?/gone/bin/python");
    assert!(pip("\x7fELF").starts_with('-'));
}

#[test]
fn a_virtual_env_that_does_not_exist_is_passed_over_by_uv_alone() {
    let gone = || machine().variable("VIRTUAL_ENV", "/gone");
    assert_eq!(three(gone()), ["/gone", "/gone", "/usr"]);
    let [.., uv] = three(gone().file("/gone/pyvenv.cfg", "home = /usr/bin\n"));
    assert!(uv.starts_with("!Failed to inspect Python interpreter from active"), "{uv}");
}
