//! Windows, macOS and other Linuxes, from recorded machines.

use host::{Arch, HostPath};
use pyenvs::{EnvironmentKind, FoundBy, LibcFamily, ProblemKind};

use crate::support::{at, discover, machine, packages, picked, problems, suffix, version};

#[test]
fn windows_with_python_org_and_conda() {
    let found = discover(&machine("windows-pyorg-conda"));
    let core = at(&found, "C:/Users/dev/AppData/Local/Programs/Python/Python312");
    assert_eq!(core.kind, EnvironmentKind::PythonOrg);
    assert_eq!(core.found_by, [FoundBy::Path, FoundBy::System, FoundBy::Registry, FoundBy::Base]);
    assert_eq!(version(core), "3.12.4");
    assert_eq!(core.abi.get().unwrap().extension_suffixes, [".cp312-win_amd64.pyd", ".pyd"]);
    assert_eq!(core.architectures.get().unwrap(), &[Arch::X86_64]);
    assert_eq!(core.libpython.len(), 2);
    assert!(core.python_header.is_some());
    assert_eq!(packages(core), ["numpy 2.1.0"]);
    assert_eq!(
        core.packages[0].extension_modules,
        ["numpy/_core/_multiarray_umath.cp312-win_amd64.pyd"]
    );
    assert_eq!(core.user_packages[0].name, "requests");

    let base = at(&found, "C:/Users/dev/My Tools/miniconda3");
    assert_eq!(base.kind, EnvironmentKind::CondaBase);
    assert_eq!(base.conda_packages[0].version, "3.11.9");
    let ml = at(&found, "C:/Users/dev/My Tools/miniconda3/envs/ml");
    assert_eq!((ml.kind, version(ml).as_str()), (EnvironmentKind::Conda, "3.10.14"));
    assert_eq!(ml.conda_packages.len(), 2);

    let venv = at(&found, "C:/work/project/.venv");
    assert_eq!(venv.kind, EnvironmentKind::Venv);
    assert_eq!(venv.base_prefix.as_ref(), Some(&core.prefix));
    assert_eq!(suffix(venv), ".cp312-win_amd64.pyd");
    assert_eq!(problems(venv), []);
    assert_eq!(venv.leftovers, [HostPath::from("C:/work/project/.venv/Lib/site-packages/~umpy")]);
    assert_eq!(found.environments.len(), 4);

    assert!(picked(&found.picks.maturin).starts_with("!Both VIRTUAL_ENV and CONDA_PREFIX"));
    assert_eq!(picked(&found.picks.path), "C:/work/project/.venv");
    assert_eq!(picked(&found.picks.pyo3), "C:/work/project/.venv");
    assert_eq!(picked(&found.picks.pip), "C:/work/project/.venv");
    assert_eq!(picked(&found.picks.uv), "C:/work/project/.venv");
}

#[test]
fn windows_where_python_only_opens_the_store() {
    let found = discover(&machine("windows-store-stub"));
    let stub = at(&found, "C:/Users/dev/AppData/Local/Microsoft/WindowsApps");
    assert_eq!(stub.kind, EnvironmentKind::WindowsStore);
    assert_eq!(problems(stub), [ProblemKind::EmptyInterpreter]);
    assert!(!stub.is_usable());
    assert!(!stub.version.is_seen());
    assert_eq!(found.environments.len(), 1);
    // A shell starts the stub; PyO3 and uv see that it is no Python.
    assert_eq!(picked(&found.picks.path), stub.prefix.text());
    assert_eq!(picked(&found.picks.pyo3), "!no Python 3.x interpreter found");
    assert!(picked(&found.picks.uv).starts_with('-'));
}

#[test]
fn windows_with_python_from_the_store() {
    let found = discover(&machine("windows-store"));
    assert_eq!(found.environments.len(), 1);
    let store = &found.environments[0];
    assert!(store.prefix.ends_with("PythonSoftwareFoundation.Python.3.11_qbz5n2kfra8p0"));
    assert_eq!(store.kind, EnvironmentKind::WindowsStore);
    assert_eq!(problems(store), []);
    assert_eq!(version(store), "3.11.9");
    assert_eq!(store.user_packages[0].name, "numpy");
    assert_eq!(picked(&found.picks.path), store.prefix.text());
}

#[test]
fn windows_with_pythons_of_uv() {
    let found = discover(&machine("windows-uv"));
    let uv = "C:/Users/dev/AppData/Roaming/uv/python";
    let plain = at(&found, format!("{uv}/cpython-3.13.1-windows-x86_64-none"));
    assert_eq!((plain.kind, suffix(plain)), (EnvironmentKind::Uv, ".cp313-win_amd64.pyd"));
    assert!(plain.externally_managed.is_some());
    assert_eq!(plain.found_by, [FoundBy::Uv, FoundBy::Registry, FoundBy::Base]);
    let threads = at(&found, format!("{uv}/cpython-3.13.1+freethreaded-windows-aarch64-none"));
    assert_eq!(suffix(threads), ".cp313t-win_arm64.pyd");
    assert!(threads.abi.get().unwrap().free_threaded);
    let venv = at(&found, "C:/work/project/.venv");
    assert_eq!(venv.kind, EnvironmentKind::UvVenv);
    // It was made to be moved.
    assert_eq!(problems(venv), []);
    assert_eq!(version(venv), "3.13.1");
    assert!(venv.externally_managed.is_none());
    assert_eq!(picked(&found.picks.uv), "C:/work/project/.venv");
    assert_eq!(picked(&found.picks.maturin), "C:/work/project/.venv");
    assert!(picked(&found.picks.path).starts_with('-'));
}

#[test]
fn windows_with_pyenv() {
    let found = discover(&machine("windows-pyenv-win"));
    let versions = "C:/Users/dev/.pyenv/pyenv-win/versions";
    assert_eq!(found.environments.len(), 2);
    let selected = at(&found, format!("{versions}/3.10.11"));
    assert_eq!(selected.kind, EnvironmentKind::Pyenv);
    assert!(selected.found_by.contains(&FoundBy::PythonVersionFile));
    assert_eq!(picked(&found.picks.path), format!("{versions}/3.10.11"));
    assert_eq!(picked(&found.picks.pip), format!("{versions}/3.10.11"));
}

#[test]
fn macos_with_homebrew() {
    let found = discover(&machine("macos-homebrew"));
    let prefix = "/opt/homebrew/opt/python@3.12/Frameworks/Python.framework/Versions/3.12";
    let brew = at(&found, prefix);
    assert_eq!(brew.kind, EnvironmentKind::Homebrew);
    assert_eq!(version(brew), "3.12.4");
    assert_eq!(
        brew.abi.get().unwrap().extension_suffixes,
        [".cpython-312-darwin.so", ".abi3.so", ".so"]
    );
    assert_eq!(brew.architectures.get().unwrap(), &[Arch::Aarch64]);
    assert_eq!(packages(brew), ["numpy 2.0.1"]);
    assert!(brew.externally_managed.is_some());
    assert!(brew.libc.is_absent());
    assert_eq!(brew.user_packages[0].name, "black");

    let tools = at(&found, "/Users/dev/project/tools");
    assert_eq!(tools.base_prefix, Some(HostPath::from(prefix)));
    assert_eq!(problems(tools), []);
    // It sees the system's packages, and so the user's own.
    assert_eq!(tools.user_packages[0].name, "black");

    let lost = at(&found, "/Users/dev/project/.venv");
    assert_eq!(problems(lost), [ProblemKind::BrokenInterpreterLink, ProblemKind::MissingHome]);
    assert_eq!(version(lost), "3.11.9");
    assert!(!lost.abi.is_seen());
    assert_eq!(found.environments.len(), 3);
    assert!(picked(&found.picks.maturin).starts_with("!Your virtualenv at"));
    assert_eq!(picked(&found.picks.path), prefix);
    assert_eq!(picked(&found.picks.pip), prefix);
}

#[test]
fn macos_with_the_framework_and_the_command_line_tools() {
    let found = discover(&machine("macos-framework"));
    let framework = at(&found, "/Library/Frameworks/Python.framework/Versions/3.11");
    assert_eq!(framework.kind, EnvironmentKind::PythonOrg);
    assert_eq!(framework.architectures.get().unwrap(), &[Arch::X86_64, Arch::Aarch64]);
    assert_eq!(framework.libpython.len(), 1);
    let tools = at(
        &found,
        "/Library/Developer/CommandLineTools/Library/Frameworks/Python3.framework/Versions/3.9",
    );
    assert_eq!((tools.kind, version(tools).as_str()), (EnvironmentKind::System, "3.9.6"));
    assert!(tools.found_by.contains(&FoundBy::Path));
    let venv = at(&found, "/Users/dev/project/.venv");
    assert_eq!(problems(venv), [ProblemKind::Moved]);
    assert!(venv.problems[0].detail.contains("/Users/dev/old-name/.venv"));
    let old = at(&found, "/Users/dev/project/old");
    assert_eq!(old.base_prefix.as_ref(), Some(&tools.prefix));
    assert_eq!(found.environments.len(), 4);
    assert_eq!(picked(&found.picks.path), framework.prefix.text());
}

#[test]
fn linux_with_musl() {
    let found = discover(&machine("linux-musl"));
    assert_eq!(found.environments.len(), 1);
    let system = at(&found, "/usr");
    assert_eq!(system.kind, EnvironmentKind::System);
    assert_eq!(version(system), "3.12.7");
    assert_eq!(suffix(system), ".cpython-312-x86_64-linux-musl.so");
    let libc = system.libc.get().unwrap();
    assert_eq!(libc.family, LibcFamily::Musl);
    assert_eq!(libc.version.get().unwrap().to_string(), "1.2.4");
    assert!(system.python_header.is_none());
}

#[test]
fn linux_with_two_pythons_in_one_prefix_and_conda() {
    let found = discover(&machine("linux-ubuntu-conda"));
    let system: Vec<_> =
        found.environments.iter().filter(|e| *e.prefix == *HostPath::from("/usr")).collect();
    assert_eq!(system.len(), 2);
    assert_eq!((version(system[0]), version(system[1])), ("3.10.12".into(), "3.13.0rc2".into()));
    assert_eq!(packages(system[0]), ["numpy 1.21.5"]);
    let libc = system[0].libc.get().unwrap();
    assert_eq!(libc.version.get().unwrap().to_string(), "2.35");

    let conda = "/home/dev/miniforge3";
    assert_eq!(at(&found, conda).kind, EnvironmentKind::CondaBase);
    assert_eq!(at(&found, conda).scripts.len(), 2);
    // Environments without Python are conda's, and sound; one that lost it is not.
    assert_eq!(problems(at(&found, format!("{conda}/envs/tools"))), []);
    assert_eq!(problems(at(&found, format!("{conda}/envs/broken"))), [ProblemKind::NoInterpreter]);
    assert_eq!(version(at(&found, format!("{conda}/envs/broken"))), "3.9.19");
    assert_eq!(version(at(&found, "/home/dev/elsewhere/envs/far")), "3.11.9");
    let venv = at(&found, "/home/dev/project/.venv");
    assert_eq!(problems(venv), []);
    assert_eq!(suffix(venv), ".cpython-310-x86_64-linux-gnu.so");

    assert!(picked(&found.picks.maturin).starts_with("!Both"));
    assert_eq!(picked(&found.picks.pyo3), "/home/dev/project/.venv");
    assert_eq!(picked(&found.picks.pip), "/home/dev/project/.venv");
    assert_eq!(picked(&found.picks.uv), "/home/dev/project/.venv");
}
