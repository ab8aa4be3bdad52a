//! What nobody would write on purpose: discovery tells it and goes on.
#![cfg(unix)]

use proptest::prelude::*;
use pyenvs::ProblemKind;

use crate::support::{Linux, Tree, at, discover, packages, problems};

const SITE: &str = "project/.venv/lib/python3.11/site-packages";

fn tree() -> Tree {
    let tree = Tree::new();
    tree.python("base", "3.11.7");
    tree.venv("project/.venv", "base");
    tree
}

#[test]
fn a_senseless_pyvenv_cfg_is_a_problem_of_its_environment() {
    let tree = tree();
    let cfg = tree.path("project/.venv/pyvenv.cfg");
    let told = |reason: &str| {
        let found = tree.discover();
        let venv = at(&found, tree.path("project/.venv"));
        assert_eq!(problems(venv), [ProblemKind::UnreadablePyvenvCfg]);
        assert!(venv.problems[0].detail.contains(reason), "{}", venv.problems[0].detail);
        // The base still tells what runs.
        assert!(venv.version.is_seen());
    };
    for (contents, reason) in [
        (b"\x7fELF\0\0".as_slice(), "home"),
        (b"home = /a\0b\n", "home"),
        (b"home = /\xff\xfe\n", "not UTF-8"),
        (b"", "home"),
    ] {
        fs_err::write(&cfg, contents).unwrap();
        told(reason);
    }
    // 100 MB that take no room on the disk.
    fs_err::File::create(&cfg).unwrap().set_len(100 << 20).unwrap();
    told("larger than the bound");
    fs_err::remove_file(&cfg).unwrap();
    tree.link("project/.venv/pyvenv.cfg", "pyvenv.cfg");
    told("");
    fs_err::remove_file(&cfg).unwrap();
    tree.directory("project/.venv/pyvenv.cfg");
    told("not a regular file");
}

#[test]
fn circles_of_links_end() {
    let tree = tree();
    tree.link("project/a", "b");
    tree.link("project/b", "a");
    tree.link("project/here", ".");
    tree.link("project/.venv/lib/python3.11/site-packages/x.dist-info", "x.dist-info");
    tree.link("home/.virtualenvs", ".virtualenvs");
    tree.link("home/.conda/environments.txt", "environments.txt");
    let found = tree.discover();
    assert_eq!(problems(at(&found, tree.path("project/.venv"))), []);
    assert!(found.unreadable.iter().any(|text| text.contains(".virtualenvs")));
    assert!(found.unreadable.iter().any(|text| text.contains("environments.txt")));
}

#[test]
fn records_that_lie_cost_nothing_but_their_facts() {
    let tree = tree();
    tree.file(format!("{SITE}/a-1.0.dist-info/METADATA"), [b'x'; 100_000]);
    tree.file(format!("{SITE}/b-.dist-info/METADATA"), "Version: \n");
    tree.file(format!("{SITE}/c-not.a.version.dist-info/METADATA"), "");
    tree.file(format!("{SITE}/d-1.dist-info/direct_url.json"), "[".repeat(60_000));
    tree.file(format!("{SITE}/d-1.dist-info/RECORD"), "../../../etc/x.so,,\n/etc/y.so,,\n");
    tree.directory(format!("{SITE}/e-1.dist-info/RECORD"));
    tree.file(format!("{SITE}/f-1.dist-info"), "a file");
    tree.directory(format!("{SITE}/g-1.dist-info"));
    let huge = tree.path(SITE).join("g-1.dist-info/RECORD");
    fs_err::File::create(huge).unwrap().set_len(1 << 30).unwrap();
    tree.file(format!("{SITE}/h.pth"), [0xff; 9_000]);
    let found = tree.discover();
    let venv = at(&found, tree.path("project/.venv"));
    assert_eq!(packages(venv), ["a 1.0", "b ?", "c ?", "d 1", "e 1", "f 1", "g 1"]);
    let reason = |name: &'static str| venv.packages_named(name).next().unwrap().record.reason();
    assert_eq!(reason("e"), Some("not a regular file"));
    assert!(reason("g").unwrap().contains("larger"));
    assert!(venv.packages.iter().all(|package| package.extension_modules.is_empty()));
    assert!(venv.packages[1].version.is_absent() || venv.packages[1].version.reason().is_some());
}

#[test]
fn directories_that_never_end_are_told_and_left() {
    let prefix = "/home/dev/project/.venv";
    let mut machine = Linux::new().venv(prefix, "/usr", "3.11.2");
    for number in 0..100_000 {
        machine = machine.file(&format!("{prefix}/lib/python3.11/site-packages/{number}"), "");
    }
    let found = discover(&machine.host());
    let venv = at(&found, prefix);
    assert_eq!(problems(venv), [ProblemKind::Unreadable]);
    assert!(venv.packages.is_empty());
    assert!(found.unreadable.iter().any(|text| text.contains("site-packages")));
}

#[test]
fn a_pipe_is_not_waited_for() {
    let tree = tree();
    let cfg = tree.path("project/.venv/pyvenv.cfg");
    fs_err::remove_file(&cfg).unwrap();
    let made = host::Invocation::new("mkfifo").arg(&cfg).output();
    assert!(made.is_ok());
    let found = tree.discover();
    assert_eq!(
        problems(at(&found, tree.path("project/.venv"))),
        [ProblemKind::UnreadablePyvenvCfg]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_bytes_in_any_file_are_survived(bytes: Vec<u8>, file in 0..FILES.len()) {
        let tree = tree();
        tree.package(SITE, "numpy", "1.26.4");
        let path = tree.path(FILES[file]);
        let _ = fs_err::remove_file(&path);
        tree.file(FILES[file], &bytes);
        prop_assert!(!tree.discover().environments.is_empty());
    }
}

const FILES: [&str; 14] = [
    "project/.venv/pyvenv.cfg",
    "project/.venv/bin/activate",
    "project/.venv/bin/pip",
    "project/.venv/bin/python",
    "project/.python-version",
    "project/pyproject.toml",
    "base/include/python3.11/patchlevel.h",
    "base/bin/python3.11",
    "home/.conda/environments.txt",
    "home/.condarc",
    "project/.venv/lib/python3.11/site-packages/x.pth",
    "project/.venv/lib/python3.11/site-packages/numpy-1.26.4.dist-info/RECORD",
    "project/.venv/lib/python3.11/site-packages/numpy-1.26.4.dist-info/METADATA",
    "project/.venv/lib/python3.11/site-packages/numpy-1.26.4.dist-info/direct_url.json",
];
