//! A small machine on which one kind of file holds what the fuzzer wrote.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use host::{Arch, Host, Machine, Os};
use pyenvs::{Depth, Search, discover};

/// Reads the project's virtual environment on a machine whose `files` are the fuzzer's. The first
/// byte chooses the system.
pub fn read(bytes: &[u8], files: &[&str]) {
    let Some(host) = host(bytes, files) else { return };
    let prefix = host.working_directory.join(".venv");
    let environment = pyenvs::read_environment(&host, &prefix);
    assert!(
        environment == pyenvs::read_environment(&host, &prefix),
        "it depends on more than files"
    );
}

/// Looks for every Python on such a machine.
pub fn search(bytes: &[u8], files: &[&str]) {
    let Some(host) = host(bytes, files) else { return };
    let project = &host.working_directory;
    let search = Search { project, configured: &[], argument: None, depth: Depth::Outline };
    for environment in discover(&host, &search).environments {
        let prefix = environment.prefix.as_path();
        assert!(host.is_dir(prefix), "{} was found and is not there", prefix.display());
    }
    let _ = pyenvs::pyenv_selection(&host, project);
}

fn host(bytes: &[u8], files: &[&str]) -> Option<Host> {
    let (first, content) = bytes.split_first()?;
    let os = if first % 2 == 0 { Os::Linux } else { Os::Windows };
    let names = if os == Os::Windows { windows } else { |name: &str| name.to_owned() };
    let mut machine = machine(os);
    let hex = content.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    for file in files {
        let path = PathBuf::from(names(file));
        machine.files.remove(&path);
        machine.binaries.insert(path, hex.clone());
    }
    Some(Host::recorded(machine.checked().expect("it is hexadecimal")))
}

/// Where a file of Linux lies on Windows.
fn windows(name: &str) -> String {
    let name = name.replace("/lib/python3.11/", "/Lib/").replace(".venv/bin/", ".venv/Scripts/");
    format!("C:{name}")
}

/// A project with a virtual environment of its own, pyenv, and a conda prefix.
fn machine(os: Os) -> Machine {
    let names = if os == Os::Windows { windows } else { |name: &str| name.to_owned() };
    let path = |name: &str| PathBuf::from(names(name));
    let package = "/home/ann/work/.venv/lib/python3.11/site-packages/core-1.0.dist-info";
    let mut files = BTreeMap::new();
    for (name, text) in [
        ("/opt/python/bin/python3.11", ""),
        ("/opt/python/lib/python3.11/os.py", ""),
        ("/opt/python/include/python3.11/patchlevel.h", "#define PY_VERSION \"3.11.7\"\n"),
        ("/home/ann/work/.venv/pyvenv.cfg", "home = /opt/python/bin\nversion = 3.11.7\n"),
        ("/home/ann/work/.venv/bin/python", ""),
        ("/home/ann/work/pyproject.toml", "[project]\nrequires-python = '>=3.9'\n"),
        ("/home/ann/.pyenv/versions/3.12.1/bin/python3.12", ""),
        ("/home/ann/.pyenv/versions/3.12.1/lib/python3.12/os.py", ""),
        ("/opt/conda/lib/python3.11/os.py", ""),
        ("/opt/conda/conda-meta/history", ""),
        ("/opt/conda/conda-meta/python-3.11.9-h1_0_cpython.json", "{}"),
    ] {
        files.insert(path(name), text.to_owned());
    }
    for (name, text) in [
        ("METADATA", "Metadata-Version: 2.1\nName: core\nVersion: 1.0\n"),
        ("RECORD", "core/__init__.py,,\n"),
        ("INSTALLER", "pip\n"),
    ] {
        files.insert(path(&format!("{package}/{name}")), text.to_owned());
    }
    let variables = [("HOME", "/home/ann"), ("PATH", "/home/ann/work/.venv/bin:/opt/python/bin")];
    Machine {
        os,
        arch: Arch::X86_64,
        working_directory: path("/home/ann/work"),
        home: Some(path("/home/ann")),
        variables: variables.map(|(name, value)| (name.to_owned(), names(value))).into(),
        files,
        binaries: BTreeMap::new(),
        directories: Vec::new(),
        links: BTreeMap::new(),
        registry: BTreeMap::new(),
    }
}
