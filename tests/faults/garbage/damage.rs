//! Every file that the doctor reads, damaged in every way that files get damaged.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::harness::{Sandbox, sandbox};

/// One way to damage a file.
type Damage = (&'static str, fn(&Sandbox, &Path, &[u8]));

const DAMAGES: &[Damage] = &[
    ("empty", |sandbox, path, _| sandbox.replace(path, "")),
    ("cut in the middle", |sandbox, path, original| {
        sandbox.replace(path, &original[..original.len() / 2]);
    }),
    ("cut in a character", |sandbox, path, original| {
        sandbox.replace(path, [original, "\u{e9}".as_bytes()[..1].as_ref()].concat());
    }),
    ("binary", |sandbox, path, _| sandbox.replace(path, noise(1 << 16))),
    ("zeros", |sandbox, path, _| sandbox.replace(path, [0; 4096])),
    ("another encoding", |sandbox, path, original| {
        let wide: Vec<u8> = original.iter().flat_map(|byte| [*byte, 0]).collect();
        sandbox.replace(path, [&[0xff, 0xfe][..], &wide].concat());
    }),
    ("one endless line", |sandbox, path, _| sandbox.replace(path, vec![b'a'; 4 << 20])),
    ("a line of brackets", |sandbox, path, _| sandbox.replace(path, vec![b'['; 1 << 20])),
    ("a line of braces", |sandbox, path, _| sandbox.replace(path, "{\"a\":".repeat(1 << 17))),
    ("many lines", |sandbox, path, _| sandbox.replace(path, "key = value\n".repeat(1 << 18))),
    ("repeated", |sandbox, path, original| sandbox.replace(path, original.repeat(3))),
    // 8 GiB of memory to whoever reads it whole.
    ("huge", |sandbox, path, _| sandbox.replace_with_zeros(path, 8 << 30)),
    ("a directory", |sandbox, path, _| sandbox.replace_with_directory(path)),
    ("a pipe that nobody writes", |sandbox, path, _| sandbox.replace_with_pipe(path)),
    ("a link to itself", |sandbox, path, _| sandbox.replace_with_link(path, path)),
    ("a link to nothing", |sandbox, path, _| sandbox.replace_with_link(path, "/nowhere")),
    ("a link to a device without end", |sandbox, path, _| {
        sandbox.replace_with_link(path, "/dev/zero");
    }),
    ("a link out of a process", |sandbox, path, _| {
        sandbox.replace_with_link(path, "/proc/self/mem");
    }),
    ("without permissions", |sandbox, path, original| {
        sandbox.replace(path, original);
        sandbox.set_mode(path, 0o000);
    }),
    ("missing", |sandbox, path, _| sandbox.make_room(path)),
];

/// After these nobody can read the file.
const UNREADABLE: &[&str] = &[
    "huge",
    "a directory",
    "a pipe that nobody writes",
    "a link to itself",
    "a link to a device without end",
];

/// Bytes without a pattern, the same in every run.
pub(super) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    })
    .take(length)
    .collect()
}

/// A project with everything, and the file of it that `choose` names, damaged in every way. After
/// the damages of `told` the report names the file.
fn in_every_way(told: &[&str], choose: fn(&Sandbox) -> PathBuf) {
    sandbox(|sandbox| {
        let python = sandbox.python("3.12");
        sandbox.maturin_project("0.27.1");
        sandbox.write("truewheel.toml", "");
        sandbox.write(".python-version", "3.12\n");
        let venv = sandbox.uv_venv(&python, ".venv");
        sandbox.fake_package(&venv, "numpy", "2.2.6");
        sandbox.activate(&venv);
        sandbox.fake_conda(&sandbox.home().join("miniforge3"), "3.12.1");
        sandbox.doctor();
        let path = choose(sandbox);
        let original = fs_err::read(&path).unwrap();
        for (how, damage) in DAMAGES {
            damage(sandbox, &path, &original);
            let shown = path.strip_prefix(sandbox.path("")).unwrap();
            let what = format!("{}, {how}", shown.display());
            let report = sandbox.survives(&what);
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_told =
                report.unreadable.iter().any(|line| line.contains(name))
                    || report.findings.iter().flat_map(|finding| &finding.evidence).any(
                        |evidence| evidence.path.as_ref().is_some_and(|path| path.contains(name)),
                    );
            assert!(is_told || !told.contains(how), "{what}: the report does not say so");
        }
    });
}

fn site_packages(sandbox: &Sandbox) -> PathBuf {
    sandbox.project().join(".venv/lib/python3.12/site-packages")
}

#[test]
fn pyvenv_cfg() {
    in_every_way(UNREADABLE, |sandbox| sandbox.project().join(".venv/pyvenv.cfg"));
}

#[test]
fn an_interpreter() {
    in_every_way(UNREADABLE, |sandbox| sandbox.project().join(".venv/bin/python"));
}

#[test]
fn an_activation_script() {
    in_every_way(UNREADABLE, |sandbox| sandbox.project().join(".venv/bin/activate"));
}

/// Its beginning is enough, however long it is.
#[test]
fn metadata() {
    in_every_way(&UNREADABLE[1..], |sandbox| {
        site_packages(sandbox).join("numpy-2.2.6.dist-info/METADATA")
    });
}

#[test]
fn record() {
    in_every_way(UNREADABLE, |sandbox| site_packages(sandbox).join("numpy-2.2.6.dist-info/RECORD"));
}

#[test]
fn direct_url() {
    in_every_way(UNREADABLE, |sandbox| {
        site_packages(sandbox).join("numpy-2.2.6.dist-info/direct_url.json")
    });
}

#[test]
fn numpy_version() {
    in_every_way(UNREADABLE, |sandbox| site_packages(sandbox).join("numpy/version.py"));
}

#[test]
fn a_path_file() {
    in_every_way(UNREADABLE, |sandbox| site_packages(sandbox).join("numpy.pth"));
}

/// Its name is enough.
#[test]
fn conda_meta() {
    in_every_way(&[], |sandbox| {
        sandbox.home().join("miniforge3/conda-meta/numpy-1.26.4-py312.json")
    });
}

#[test]
fn a_list_of_conda_environments() {
    in_every_way(UNREADABLE, |sandbox| sandbox.home().join(".conda/environments.txt"));
}

#[test]
fn cargo_lock() {
    in_every_way(UNREADABLE, |sandbox| sandbox.project().join("Cargo.lock"));
}

#[test]
fn cargo_toml() {
    in_every_way(UNREADABLE, |sandbox| sandbox.project().join("Cargo.toml"));
}

#[test]
fn pyproject() {
    in_every_way(UNREADABLE, |sandbox| sandbox.project().join("pyproject.toml"));
}

/// What is no file is passed over, as uv and pyenv do.
#[test]
fn python_version() {
    in_every_way(&["huge"], |sandbox| sandbox.project().join(".python-version"));
}

/// What is no file is no module.
#[test]
fn an_extension_module() {
    in_every_way(&["huge"], |sandbox| {
        site_packages(sandbox).join("numpy/_core.cpython-312-x86_64-linux-gnu.so")
    });
}

#[test]
fn the_name_of_a_directory_is_not_utf8() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.12");
        sandbox.maturin_project("0.27.1");
        let venv = sandbox.uv_venv(&python, ".venv");
        sandbox.fake_package(&venv, "numpy", "2.2.6");
        let name = OsStr::from_bytes(b"caf\xe9.dist-info");
        sandbox.replace(&venv.site_packages().join(name).join("METADATA"), "Name: caf\u{e9}\n");
        // No tool makes an environment in such a place, but one can be moved there.
        let place = sandbox.path(OsStr::from_bytes(b"pro\xffject"));
        sandbox.run("mv", [sandbox.project(), place.clone()]);
        sandbox.set_project(&place);
        sandbox.survives("a project whose path is not UTF-8");
        sandbox.set("VIRTUAL_ENV", place.join(".venv"));
        sandbox.set("PYTHONPATH", OsStr::from_bytes(b"\xff:\xfe"));
        sandbox.survives("variables that are not UTF-8");
    });
}
