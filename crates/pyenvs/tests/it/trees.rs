//! Fake installations on the disk: links, moves, and what is broken about them.
#![cfg(unix)]

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use host::HostPath;
use pyenvs::{Depth, EnvironmentKind, FoundBy, ProblemKind, Search};

use crate::support::{Tree, at, packages, problems, version};

const SITE: &str = "project/.venv/lib/python3.11/site-packages";

fn tree() -> Tree {
    let tree = Tree::new();
    tree.python("base", "3.11.7");
    tree
}

fn tree_with_venv() -> Tree {
    let tree = tree();
    tree.venv("project/.venv", "base");
    tree
}

#[test]
fn a_sound_environment_has_no_problem_and_a_base() {
    let tree = tree_with_venv();
    let found = tree.discover();
    let venv = at(&found, tree.path("project/.venv"));
    assert_eq!((venv.kind, problems(venv)), (EnvironmentKind::Venv, vec![]));
    assert_eq!(version(venv), "3.11.7");
    assert_eq!(venv.executable, Some(tree.path("project/.venv/bin/python").into()));
    assert_eq!(venv.real_executable, Some(tree.path("base/bin/python3.11").into()));
    assert_eq!(venv.activate_path, Some(tree.path("project/.venv").into()));
    assert_eq!(venv.site_packages, [HostPath::new(tree.path(SITE))]);
    let base = at(&found, tree.path("base"));
    assert_eq!(base.found_by, [FoundBy::Base]);
    assert_eq!(venv.base_prefix.as_ref(), Some(&base.prefix));
    assert_eq!(found.environments.len(), 2);
}

#[test]
fn what_is_missing_is_told() {
    let tree = tree();
    for name in ["no-python", "broken", "loop", "homeless"] {
        tree.venv(&format!("project/{name}"), "base");
    }
    let remove = |name: &str| fs_err::remove_file(tree.path(name)).unwrap();
    remove("project/no-python/bin/python");
    remove("project/no-python/bin/python3");
    remove("project/broken/bin/python");
    tree.link("project/broken/bin/python", "/gone/bin/python3.11");
    remove("project/loop/bin/python");
    tree.link("project/loop/bin/python", "python3");
    tree.file("project/homeless/pyvenv.cfg", "home = /gone/bin\nversion = 3.11.7\n");
    let found = tree.discover();
    let told = |name: &str| problems(at(&found, tree.path(format!("project/{name}"))));
    assert_eq!(told("no-python"), [ProblemKind::NoInterpreter]);
    assert_eq!(told("broken"), [ProblemKind::BrokenInterpreterLink]);
    assert_eq!(told("loop"), [ProblemKind::BrokenInterpreterLink]);
    assert_eq!(told("homeless"), [ProblemKind::MissingHome]);
    let broken = at(&found, tree.path("project/broken"));
    assert!(!broken.is_usable());
    assert!(broken.problems[0].detail.contains("/gone/bin/python3.11"));
    assert_eq!(broken.base_prefix, Some(tree.path("base").into()));
}

#[test]
fn an_environment_without_pyvenv_cfg_is_recognised() {
    let tree = tree();
    tree.venv("project/venv", "base");
    fs_err::remove_file(tree.path("project/venv/pyvenv.cfg")).unwrap();
    tree.directory("project/.venv");
    tree.directory("project/env");
    tree.file("project/other/bin/activate", "");
    let found = tree.discover();
    let lost = at(&found, tree.path("project/venv"));
    assert_eq!(
        (lost.kind, problems(lost)),
        (EnvironmentKind::Venv, vec![ProblemKind::NoPyvenvCfg])
    );
    // An empty `.venv` is refused by maturin and uv; an empty `env` may be anything.
    assert_eq!(problems(at(&found, tree.path("project/.venv"))), [ProblemKind::NoPyvenvCfg]);
    assert_eq!(found.environments.len(), 3);
}

#[test]
fn a_moved_environment_is_told_from_one_behind_a_link() {
    let tree = tree();
    tree.venv("project/old", "base");
    fs_err::rename(tree.path("project/old"), tree.path("project/new")).unwrap();
    tree.venv("elsewhere/v", "base");
    tree.link("project/linked", tree.path("elsewhere/v"));
    tree.venv("project/uv", "base");
    tree.file(
        "project/uv/pyvenv.cfg",
        format!("home = {}/bin\nuv = 0.8\nrelocatable = true\n", tree.path("base").display()),
    );
    tree.file("project/uv/bin/activate", "VIRTUAL_ENV=/elsewhere\n");
    let found = tree.discover();
    let moved = at(&found, tree.path("project/new"));
    assert_eq!(problems(moved), [ProblemKind::Moved]);
    assert_eq!(moved.problems[0].path, tree.path("project/new/bin/activate").into());
    assert_eq!(problems(at(&found, tree.path("project/linked"))), []);
    assert_eq!(problems(at(&found, tree.path("project/uv"))), []);
}

#[test]
fn without_activate_the_scripts_or_the_command_tell_a_move() {
    let tree = tree();
    for name in ["by-pip", "by-command", "by-scripts"] {
        tree.venv(&format!("project/{name}"), "base");
    }
    for name in ["by-pip/bin/activate", "by-command/bin/activate", "by-command/bin/pip"] {
        fs_err::remove_file(tree.path("project").join(name)).unwrap();
    }
    tree.program("project/by-pip/bin/pip", "#!/gone/v/bin/python\n");
    let home = tree.path("base/bin");
    tree.file(
        "project/by-command/pyvenv.cfg",
        format!("home = {}\ncommand = /p -m venv --copies /gone/a b\n", home.display()),
    );
    // Made anew over a moved one: `activate` is right, a script from before is not.
    tree.program("project/by-scripts/bin/black", "#!/gone/v/bin/python3.11\n");
    tree.program("project/by-scripts/bin/sound", "#!/usr/bin/env python\n");
    let found = tree.discover();
    for (name, evidence, detail) in [
        ("by-pip", "bin/pip", "/gone/v"),
        ("by-command", "pyvenv.cfg", "/gone/a b"),
        ("by-scripts", "bin/black", "/gone/v/bin/python3.11"),
    ] {
        let moved = at(&found, tree.path("project").join(name));
        assert_eq!(problems(moved), [ProblemKind::Moved], "{name}");
        assert_eq!(moved.problems[0].path, moved.prefix.join(evidence));
        assert!(moved.problems[0].detail.ends_with(detail), "{}", moved.problems[0].detail);
    }
}

#[test]
fn an_active_environment_that_is_gone_is_told() {
    let mut tree = tree();
    tree.host.variables.set("VIRTUAL_ENV", tree.path("gone"));
    let found = tree.discover();
    let gone = at(&found, tree.path("gone"));
    assert_eq!(problems(gone), [ProblemKind::MissingPrefix]);
    assert_eq!(
        (gone.kind, &gone.found_by[..]),
        (EnvironmentKind::Venv, &[FoundBy::VirtualEnv][..])
    );
    assert!(!gone.is_usable());
}

#[test]
fn each_environment_counts_once_however_it_is_reached() {
    let mut tree = tree_with_venv();
    tree.python(".pyenv/versions/3.12.1", "3.12.1");
    tree.link(".pyenv/versions/3.12", "3.12.1");
    tree.directory(".pyenv/shims");
    tree.link("farm", "base/bin");
    let path = ["project/.venv/bin", "farm", "base/bin", ".pyenv/versions/3.12/bin"]
        .map(|name| tree.path(name).display().to_string());
    tree.host.variables.set("PATH", path.join(":"));
    tree.host.variables.set("PYENV_ROOT", tree.path(".pyenv"));
    tree.host.variables.set("VIRTUAL_ENV", tree.path("project/.venv"));
    let found = tree.discover();
    let prefixes: Vec<&Path> = found.environments.iter().map(|e| e.prefix.as_path()).collect();
    assert_eq!(
        prefixes,
        [tree.path(".pyenv/versions/3.12.1"), tree.path("base"), tree.path("project/.venv")]
    );
    let venv = at(&found, tree.path("project/.venv"));
    assert_eq!(venv.found_by, [FoundBy::VirtualEnv, FoundBy::Project, FoundBy::Path]);
    let pyenv = &found.environments[0];
    assert_eq!(pyenv.kind, EnvironmentKind::Pyenv);
    assert_eq!(pyenv.found_by, [FoundBy::Path, FoundBy::Pyenv]);
}

#[test]
fn environments_are_found_above_the_project_and_in_collections() {
    let mut tree = tree();
    for name in ["project/tool", ".venv", "home/.virtualenvs/a", "work/b"] {
        tree.venv(name, "base");
    }
    tree.host.variables.set("WORKON_HOME", tree.path("work"));
    let found = tree.discover();
    let how = |name: &str| at(&found, tree.path(name)).found_by.clone();
    assert_eq!(how("project/tool"), [FoundBy::Project]);
    assert_eq!(how(".venv"), [FoundBy::ProjectParent]);
    assert_eq!(how("home/.virtualenvs/a"), [FoundBy::VirtualenvHome]);
    assert_eq!(how("work/b"), [FoundBy::VirtualenvHome]);
}

#[test]
fn the_base_tells_the_version_that_runs() {
    let tree = tree_with_venv();
    tree.file("base/include/python3.11/patchlevel.h", "#define PY_VERSION \"3.11.9\"\n");
    assert_eq!(version(at(&tree.discover(), tree.path("project/.venv"))), "3.11.9");
}

#[test]
fn packages_are_what_their_records_say() {
    let tree = tree_with_venv();
    tree.package(SITE, "numpy", "1.26.4");
    tree.package(SITE, "numpy", "2.0.0");
    tree.package(SITE, "My_Pkg.x", "1.0");
    tree.file(
        format!("{SITE}/numpy-2.0.0.dist-info/RECORD"),
        "numpy/_core/_m.cpython-311-x86_64-linux-gnu.so,,\nnumpy/a.py,,\n",
    );
    tree.file(
        format!("{SITE}/My_Pkg.x-1.0.dist-info/direct_url.json"),
        r#"{"url": "file:///src/my%20pkg", "dir_info": {"editable": true}}"#,
    );
    tree.file(format!("{SITE}/old-0.1-py3.11.egg-info"), "Metadata-Version: 1.0\nVersion: 0.1\n");
    tree.directory(format!("{SITE}/~umpy"));
    tree.file(format!("{SITE}/x.pth"), "/src/x\nimport os\nrelative\n");
    tree.program("project/.venv/bin/long", format!("#!{}\n", "x".repeat(600)));
    let found = tree.discover();
    let venv = at(&found, tree.path("project/.venv"));
    assert_eq!(packages(venv), ["my-pkg-x 1.0", "numpy 1.26.4", "numpy 2.0.0", "old 0.1"]);
    let numpy: Vec<_> = venv.packages_named("numpy").collect();
    assert_eq!(numpy[0].installer.as_deref(), Some("pip"));
    assert!(numpy[0].record.is_absent() && numpy[1].record.is_seen());
    assert_eq!(numpy[1].extension_modules, ["numpy/_core/_m.cpython-311-x86_64-linux-gnu.so"]);
    assert_eq!(venv.packages[0].editable, Some(HostPath::from("/src/my pkg")));
    assert_eq!(venv.leftovers.len(), 1);
    let added: Vec<String> = venv.pth_paths.iter().map(|(_, path)| path.text()).collect();
    assert_eq!(
        added,
        ["/src/x".to_owned(), tree.path(SITE).join("relative").display().to_string()]
    );
    let scripts: Vec<_> = venv.scripts.iter().filter_map(|s| s.path.file_name()).collect();
    assert_eq!(scripts, ["long", "pip"]);
    assert_eq!(venv.scripts[0].shebang_length, 512);
}

#[test]
fn the_users_own_packages_count_where_they_are_read() {
    let mut tree = tree_with_venv();
    let user = "home/.local/lib/python3.11/site-packages";
    tree.package(user, "numpy", "1.20.0");
    let user_packages =
        |tree: &Tree, name: &str| at(&tree.discover(), tree.path(name)).user_packages.len();
    assert_eq!(user_packages(&tree, "base"), 1);
    assert_eq!(user_packages(&tree, "project/.venv"), 0);
    let cfg = fs_err::read_to_string(tree.path("project/.venv/pyvenv.cfg")).unwrap();
    tree.file("project/.venv/pyvenv.cfg", cfg.replace("= false", "= true"));
    assert_eq!(user_packages(&tree, "project/.venv"), 1);
    tree.host.variables.set("PYTHONNOUSERSITE", "1");
    assert_eq!(user_packages(&tree, "project/.venv"), 0);
}

#[test]
fn conda_lists_its_environments_in_a_file() {
    let tree = tree();
    tree.python("far/env", "3.10.1");
    tree.file("far/env/conda-meta/python-3.10.1-h1_0.json", "{}");
    tree.file("far/env/conda-meta/numpy-base-1.24-py310_0.json", "{}");
    tree.file(
        "home/.conda/environments.txt",
        format!("{}\n/gone/env\n", tree.path("far/env").display()),
    );
    let found = tree.discover();
    let conda = at(&found, tree.path("far/env"));
    assert_eq!((conda.kind, &conda.found_by[..]), (EnvironmentKind::Conda, &[FoundBy::Conda][..]));
    assert_eq!(conda.conda_packages[0].name, "numpy-base");
    assert_eq!(version(conda), "3.10.1");
    fs_err::remove_file(tree.path("far/env/bin/python3.10")).unwrap();
    let found = tree.discover();
    assert_eq!(problems(at(&found, tree.path("far/env"))), [ProblemKind::BrokenInterpreterLink]);
}

#[test]
fn names_that_are_not_utf8_are_kept() {
    let tree = tree();
    let name = PathBuf::from("project").join(std::ffi::OsStr::from_bytes(b"v\xff"));
    let cfg = format!("home = {}/bin\nversion = 3.11.7\n", tree.path("base").display());
    tree.file(name.join("pyvenv.cfg"), cfg);
    tree.link(name.join("bin/python"), tree.path("base/bin/python"));
    let found = tree.discover();
    let venv = at(&found, tree.path(&name));
    assert_eq!(problems(venv), []);
    assert!(venv.prefix.text().ends_with("v\\xff"));
}

#[test]
fn an_outline_lacks_packages_and_can_be_completed() {
    let tree = tree_with_venv();
    tree.package(SITE, "numpy", "1.26.4");
    let project = tree.path("project");
    let search =
        Search { project: &project, configured: &[], argument: None, depth: Depth::Outline };
    let outline = pyenvs::discover(&tree.host, &search);
    let full = tree.discover();
    let prefix = tree.path("project/.venv");
    let mut venv = at(&outline, &prefix).clone();
    assert!(venv.packages.is_empty() && venv.scripts.is_empty());
    assert!(pyenvs::complete(&tree.host, &mut venv).is_empty());
    assert_eq!(&venv, at(&full, &prefix));
    let mut alone = pyenvs::read_environment(&tree.host, &prefix).unwrap();
    alone.found_by = venv.found_by.clone();
    assert_eq!(venv, alone);
}

#[test]
fn one_environment_is_read_by_its_prefix_or_its_interpreter() {
    let tree = tree_with_venv();
    let prefix_of = |name: &str| {
        pyenvs::read_environment(&tree.host, &tree.path(name)).map(|e| e.prefix.to_path_buf())
    };
    assert_eq!(prefix_of("project/.venv/bin/python3"), Some(tree.path("project/.venv")));
    assert_eq!(prefix_of("base/bin/python3.11"), Some(tree.path("base")));
    assert_eq!(prefix_of("project"), None);
    assert_eq!(prefix_of("gone"), None);
    assert_eq!(prefix_of("base/lib/python3.11/os.py"), None);
}

#[test]
fn the_argument_and_the_configuration_are_taken_at_their_word() {
    let mut tree = tree();
    tree.venv("elsewhere/v", "base");
    tree.host.variables.set("PATH", tree.path("base/bin"));
    let project = tree.path("project");
    let configured = [PathBuf::from("../elsewhere/v"), PathBuf::from("../gone")];
    let search = Search {
        project: &project,
        configured: &configured,
        argument: Some(Path::new("python3.11")),
        depth: Depth::Outline,
    };
    let found = pyenvs::discover(&tree.host, &search);
    assert_eq!(at(&found, tree.path("elsewhere/v")).found_by, [FoundBy::Configuration]);
    assert_eq!(problems(at(&found, tree.path("gone"))), [ProblemKind::MissingPrefix]);
    let base = at(&found, tree.path("base"));
    assert_eq!(base.found_by, [FoundBy::Argument, FoundBy::Path, FoundBy::Base]);
}

#[test]
fn a_free_threaded_build_is_told_by_its_library() {
    let tree = tree();
    let prefix = "project/.venv";
    let base = "home/.local/share/uv/python/cpython-3.13.1+freethreaded-linux-x86_64-gnu";
    tree.program(format!("{base}/bin/python3.13"), elf());
    tree.link(format!("{base}/bin/python"), "python3.13");
    tree.file(format!("{base}/lib/python3.13t/os.py"), "");
    tree.directory(format!("{base}/lib/python3.13t/site-packages"));
    tree.file(
        format!("{base}/lib/python3.13t/_sysconfigdata_t_linux_x86_64-linux-gnu.py"),
        "build_time_vars = {}\n",
    );
    tree.file(format!("{base}/include/python3.13t/Python.h"), "");
    tree.file(format!("{base}/lib/libpython3.13t.so.1.0"), "");
    tree.link(
        "home/.local/share/uv/python/cpython-3.13+freethreaded-linux-x86_64-gnu",
        "cpython-3.13.1+freethreaded-linux-x86_64-gnu",
    );
    let cfg =
        format!("home = {}/bin\nuv = 0.9\nversion_info = 3.13.1\n", tree.path(base).display());
    tree.file(format!("{prefix}/pyvenv.cfg"), cfg);
    tree.link(format!("{prefix}/bin/python"), tree.path(base).join("bin/python3.13"));
    tree.directory(format!("{prefix}/lib/python3.13t/site-packages"));
    let mut tree = tree;
    tree.host.variables.set("XDG_DATA_HOME", tree.path("home/.local/share"));
    let found = tree.discover();
    let uv = at(&found, tree.path(base));
    assert_eq!((uv.kind, version(uv).as_str()), (EnvironmentKind::Uv, "3.13.1"));
    assert!(uv.abi.get().unwrap().free_threaded);
    assert_eq!(uv.libpython.len(), 1);
    assert!(uv.python_header.is_some());
    let venv = at(&found, tree.path(prefix));
    assert_eq!(venv.abi, uv.abi);
    assert_eq!(
        venv.site_packages,
        [HostPath::new(tree.path(prefix).join("lib/python3.13t/site-packages"))]
    );
    assert_eq!(found.environments.len(), 2);
}

/// The start of a program for 64-bit x86 without a loader.
fn elf() -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes[18] = 62;
    bytes
}

#[test]
fn scripts_called_python_make_no_environment() {
    let mut tree = tree();
    tree.program("tools/shims/python", "#!/usr/bin/env bash\nexec manager python\n");
    tree.program("tools/shims/pip", "#!/usr/bin/env bash\nexec manager pip\n");
    tree.link("tools/shims/python3", "/gone/python3");
    tree.host.variables.set("PATH", tree.path("tools/shims"));
    let found = tree.discover();
    assert!(found.environments.is_empty(), "{:?}", found.environments);
    assert!(matches!(found.picks.pip, pyenvs::Pick::Nothing { .. }));
}

#[test]
fn environments_of_pixi_and_pyenv_virtualenv_are_found() {
    let mut tree = tree();
    tree.python("project/.pixi/envs/default", "3.11.7");
    tree.file("project/.pixi/envs/default/conda-meta/python-3.11.7-h1_0.json", "{}");
    tree.python("pyenv/versions/3.11.7", "3.11.7");
    tree.venv("pyenv/versions/3.11.7/envs/web", "pyenv/versions/3.11.7");
    tree.link("pyenv/versions/web", tree.path("pyenv/versions/3.11.7/envs/web"));
    tree.host.variables.set("PYENV_ROOT", tree.path("pyenv"));
    let found = tree.discover();
    let pixi = at(&found, tree.path("project/.pixi/envs/default"));
    assert_eq!((pixi.kind, &pixi.found_by[..]), (EnvironmentKind::Conda, &[FoundBy::Project][..]));
    let web = at(&found, tree.path("pyenv/versions/web"));
    assert_eq!((web.kind, problems(web)), (EnvironmentKind::Venv, vec![]));
    assert_eq!(found.environments.len(), 3);
}

#[test]
fn virtualenv_of_long_ago_is_not_called_broken() {
    let tree = tree();
    tree.venv("project/venv", "base");
    fs_err::remove_file(tree.path("project/venv/pyvenv.cfg")).unwrap();
    tree.file("project/venv/lib/python3.11/orig-prefix.txt", "/usr");
    tree.file("project/venv/lib/python3.11/os.py", "");
    let found = tree.discover();
    assert!(found.environments.iter().all(|environment| environment.problems.is_empty()));
}

#[test]
fn a_dot_venv_that_leads_nowhere_is_told_and_one_that_is_hidden_is_not() {
    let tree = tree();
    tree.link("project/.venv", "/gone/venv");
    tree.venv(".venv/one", "base");
    let found = tree.discover();
    let lost = at(&found, tree.path("project/.venv"));
    assert_eq!(
        (lost.kind, problems(lost)),
        (EnvironmentKind::Venv, vec![ProblemKind::MissingPrefix])
    );
    assert!(lost.problems[0].detail.contains("/gone/venv"));
    // The `.venv` above, a collection, is nobody's business while there is a nearer one.
    assert_eq!(found.environments.len(), 1);
    fs_err::remove_file(tree.path("project/.venv")).unwrap();
    let found = tree.discover();
    assert_eq!(problems(at(&found, tree.path(".venv"))), [ProblemKind::NoPyvenvCfg]);
}

#[test]
fn a_program_that_is_no_python_is_told_and_gets_no_facts() {
    let mut tree = tree();
    tree.program("base/bin/wrapper", "#!/bin/sh\n");
    tree.host.variables.set("PYO3_PYTHON", tree.path("base/bin/wrapper"));
    let found = tree.discover();
    let wrapper = at(&found, tree.path("base"));
    assert_eq!(problems(wrapper), [ProblemKind::Unreadable]);
    assert_eq!(wrapper.found_by, [FoundBy::Pyo3Python]);
    assert!(wrapper.version.is_absent() && wrapper.stdlib.is_none());
    assert_eq!(found.picks.pyo3.prefix(), Some(&wrapper.prefix));
}
