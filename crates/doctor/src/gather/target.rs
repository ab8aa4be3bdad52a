//! What lies in cargo's target directory: the compiler it was made by, build scripts, and whether
//! it was made elsewhere.

use std::path::{Path, PathBuf};

use host::{FileKind, Host, Os, Seen};
use serde::Deserialize;

use super::path;
use crate::{BuildScript, DirectoryFacts, DirectoryRole, ProjectFacts, Pyo3Build, TargetFacts};

/// Build scripts looked at, at most.
const SCRIPT_LIMIT: usize = 2_000;

/// Directories of one kind listed, at most.
const LIST_LIMIT: usize = 5_000;

/// Files asked where they were made.
const SAMPLES: usize = 8;

/// Configurations of PyO3 that are kept.
const PYO3_BUILDS: usize = 50;

/// Bytes at the start of a program that tell its architecture and size.
const HEADER: usize = 4096;

/// Where a path this long lies in the way of cargo's own names, the longest one is looked for.
const LONG: usize = 3_700;

/// Entries looked at when the longest path is looked for.
const WALK_LIMIT: usize = 20_000;

pub(super) fn gather(
    host: &Host,
    project: &ProjectFacts,
    directories: &[DirectoryFacts],
) -> Option<TargetFacts> {
    project.workspace_root.as_ref()?;
    let directory = directories
        .iter()
        .find(|directory| directory.role == DirectoryRole::Target)
        .filter(|directory| directory.exists)?;
    let target = directory.path.as_path();
    let units = units(host, target);
    let build_scripts = host::in_parallel(&units, |unit| build_script(host, unit));
    let is_long = host.os == Os::Windows || target.as_os_str().len() > LONG;
    Some(TargetFacts {
        path: directory.path.clone(),
        rustc_info: rustc_info(host, target),
        build_scripts: build_scripts.into_iter().flatten().collect(),
        made_at: made_at(host, target, &units).map(path),
        pyo3_builds: pyo3_builds(host, &units),
        longest: if is_long { longest(host, target).map(path) } else { None },
    })
}

/// What PyO3's build script told cargo, the newest first.
fn pyo3_builds(host: &Host, units: &[PathBuf]) -> Vec<Pyo3Build> {
    let is_pyo3s = |unit: &&PathBuf| {
        let name = unit.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("pyo3-ffi-")
    };
    let pyo3s = units.iter().filter(is_pyo3s);
    let builds = host::in_parallel(pyo3s, |unit| pyo3_build(host, &unit.join("output")));
    let mut found: Vec<Pyo3Build> = builds.into_iter().flatten().collect();
    found.sort_by_key(|build| std::cmp::Reverse(build.modified_ns));
    found.truncate(PYO3_BUILDS);
    found
}

/// `cargo:PYO3_CONFIG=` and lines of `key=value`, written in hexadecimal.
fn pyo3_build(host: &Host, file: &Path) -> Option<Pyo3Build> {
    let metadata = host.metadata(file).ok()?;
    let output = host.read_text(file, 1 << 20).ok()?;
    let digits = output.lines().find_map(|line| {
        line.strip_prefix("cargo:").map(|l| l.trim_start_matches(':'))?.strip_prefix("PYO3_CONFIG=")
    })?;
    let text = from_hexadecimal(digits.trim())?;
    let value = |key: &str| {
        text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::trim)
    };
    let executable = PathBuf::from(value("executable")?);
    let abi = value("target_abi").unwrap_or_default();
    Some(Pyo3Build {
        path: path(file),
        modified_ns: metadata.modified_ns,
        version: value("version")?.to_owned(),
        executable_exists: host.exists(&executable),
        executable: path(executable),
        watches_environment: output
            .lines()
            .any(|line| line.contains("rerun-if-changed=") && line.ends_with("pyvenv.cfg")),
        is_abi3: value("abi3") == Some("true") || abi.contains("abi3"),
    })
}

fn from_hexadecimal(digits: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    for pair in digits.as_bytes().chunks(2) {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        bytes.push(u8::from_str_radix(pair, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[derive(Deserialize)]
struct RustcInfo {
    #[serde(default)]
    outputs: std::collections::BTreeMap<String, RustcOutput>,
}

#[derive(Deserialize)]
struct RustcOutput {
    #[serde(default)]
    stdout: String,
}

/// `rustc -vV` as cargo remembers it.
fn rustc_info(host: &Host, target: &Path) -> Seen<String> {
    let text = match host.read(&target.join(".rustc_info.json"), 4 << 20) {
        Ok(text) => text,
        Err(error) if error.is_not_found() => return Seen::Absent,
        Err(error) => return Seen::Broken(error.reason()),
    };
    match serde_json::from_slice::<RustcInfo>(&text) {
        Ok(info) => Seen::from(
            info.outputs
                .into_values()
                .map(|output| output.stdout)
                .find(|text| text.starts_with("rustc ") && text.contains("\nhost: ")),
        ),
        Err(error) => Seen::Broken(error.to_string()),
    }
}

/// Every directory in `<target>/<profile>/build` and `<target>/<triple>/<profile>/build`.
fn units(host: &Host, target: &Path) -> Vec<PathBuf> {
    let mut units = Vec::new();
    for first in directories(host, target, 200) {
        let mut of_profile = directories(host, &first.join("build"), LIST_LIMIT);
        if of_profile.is_empty() && !host.is_dir(&first.join("deps")) {
            for second in directories(host, &first, 50) {
                of_profile.extend(directories(host, &second.join("build"), LIST_LIMIT));
            }
        }
        units.extend(of_profile);
        if units.len() >= SCRIPT_LIMIT {
            units.truncate(SCRIPT_LIMIT);
            break;
        }
    }
    units
}

fn directories(host: &Host, parent: &Path, limit: usize) -> Vec<PathBuf> {
    host.list(parent, limit)
        .unwrap_or_default()
        .into_iter()
        .filter(|entry| entry.kind == FileKind::Directory)
        .map(|entry| parent.join(entry.name))
        .collect()
}

/// The compiled build script of a unit `NAME-HASH`. cargo runs it as `build-script-build`, which it
/// links again to `build_script_build-HASH` at every build: so that file is the one that counts.
fn build_script(host: &Host, unit: &Path) -> Option<BuildScript> {
    let suffix = if host.os == Os::Windows { ".exe" } else { "" };
    let name = unit.file_name()?.to_str()?;
    let compiled = name.rsplit_once('-').map(|(_, hash)| format!("build_script_build-{hash}"));
    let (file, metadata) = [compiled, Some("build-script-build".to_owned())]
        .into_iter()
        .flatten()
        .find_map(|name| {
            let file = unit.join(format!("{name}{suffix}"));
            let metadata = host.metadata(&file).ok().filter(host::Metadata::is_file)?;
            Some((file, metadata))
        })?;
    Some(BuildScript {
        len: metadata.len,
        mode: metadata.mode,
        architectures: architectures(host, &file, metadata.len)?,
        path: path(file),
    })
}

/// Nothing for a file that this user may not read: whose it is, is another question.
fn architectures(host: &Host, file: &Path, length: u64) -> Option<Seen<Vec<String>>> {
    if length == 0 {
        return Some(Seen::Broken("the file is empty".to_owned()));
    }
    let start = host.read_start(file, HEADER).ok()?;
    let architectures = match artifacts::architectures(&start) {
        Ok((_, architectures)) => architectures,
        Err(error) => return Some(Seen::Broken(error.to_string())),
    };
    // A header that does not tell the size is left alone: the architecture was told.
    Some(match artifacts::declared_size(&start) {
        Ok(expected) if length < expected => Seen::Broken(format!(
            "the file ends after {length} bytes, and its header speaks of {expected}"
        )),
        Ok(_) | Err(_) => Seen::Seen(architectures),
    })
}

/// The target directory that build scripts' records name, if all that are asked agree that it was
/// another one.
fn made_at(host: &Host, target: &Path, units: &[PathBuf]) -> Option<PathBuf> {
    let mut made_at = None;
    let records = units
        .iter()
        .filter_map(|unit| Some((unit, host.read_text(&unit.join("root-output"), 16 << 10).ok()?)));
    for (unit, record) in records.take(SAMPLES) {
        let output = unit.strip_prefix(target).ok()?.join("out");
        let recorded = Path::new(record.trim_end_matches('\n')).to_path_buf();
        if recorded == target.join(&output) || !recorded.ends_with(&output) {
            return None;
        }
        let depth = output.components().count();
        made_at = recorded.ancestors().nth(depth).map(Path::to_path_buf);
    }
    let made_at = made_at?;
    // The same directory under another name is no other directory.
    let is_same = match (host.canonicalize(&made_at), host.canonicalize(target)) {
        (Ok(there), Ok(here)) => there == here,
        _ => false,
    };
    (!is_same).then_some(made_at)
}

/// The longest path below a directory, as far as the bound lets it be found.
fn longest(host: &Host, target: &Path) -> Option<PathBuf> {
    let mut longest: Option<PathBuf> = None;
    let mut pending = vec![target.to_path_buf()];
    let mut room = WALK_LIMIT;
    while let Some(directory) = pending.pop() {
        let Ok(entries) = host.list(&directory, room) else { continue };
        room = room.saturating_sub(entries.len());
        for entry in entries {
            let here = directory.join(&entry.name);
            if longest.as_ref().is_none_or(|known| known.as_os_str().len() < here.as_os_str().len())
            {
                longest = Some(here.clone());
            }
            if entry.kind == FileKind::Directory {
                pending.push(here);
            }
        }
        if room == 0 {
            break;
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use host::{HostPath, Space};

    use super::*;
    use crate::testing::directory;

    struct Fixture {
        root: tempfile::TempDir,
        host: Host,
    }

    impl Fixture {
        fn new() -> Self {
            Self { root: tempfile::tempdir().unwrap(), host: Host::current().unwrap() }
        }

        fn write(&self, file: &str, bytes: &[u8]) {
            let file = self.root.path().join(file);
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(file, bytes).unwrap();
        }

        fn gather(&self) -> TargetFacts {
            let root = HostPath::from(self.root.path());
            let project =
                ProjectFacts { workspace_root: Some(root.clone()), ..ProjectFacts::default() };
            let directory = DirectoryFacts {
                path: root,
                space: Seen::<Space>::Absent,
                ..directory(DirectoryRole::Target, "/")
            };
            gather(&self.host, &project, &[directory]).unwrap()
        }
    }

    #[test]
    fn what_pyo3_was_built_for_is_read_from_its_output() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("output");
        let host = Host::current().unwrap();
        for (abi, is_abi3) in [
            ("abi3=false", false),
            ("abi3=true", true),
            ("target_abi=CPython-gil_enabled-3.11", false),
            ("target_abi=CPython-abi3-3.9", true),
        ] {
            let text =
                format!("implementation=CPython\nversion=3.11\n{abi}\nexecutable=/x/python\n");
            let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            fs_err::write(&file, format!("cargo:rustc-cfg=x\ncargo:PYO3_CONFIG={digits}\n"))
                .unwrap();
            let build = pyo3_build(&host, &file).unwrap();
            assert_eq!((build.version.as_str(), build.is_abi3), ("3.11", is_abi3));
            assert_eq!((build.executable, build.executable_exists), ("/x/python".into(), false));
        }
        for damaged in ["", "cargo:PYO3_CONFIG=", "cargo:PYO3_CONFIG=zz", "cargo:PYO3_CONFIG=e9f"] {
            fs_err::write(&file, damaged).unwrap();
            assert_eq!(pyo3_build(&host, &file), None);
        }
    }

    #[test]
    fn build_scripts_are_found_under_profiles_and_triples() {
        let fixture = Fixture::new();
        // The test's own program is a whole one.
        let program = std::env::current_exe().unwrap();
        let whole = fs_err::read(program).unwrap();
        fixture.write("debug/build/a-1/build_script_build-1", &whole);
        fixture.write("debug/build/a-1/build-script-build", b"linked anew");
        fixture.write("debug/build/b-1/build-script-build", &whole[..5000]);
        fixture.write("x86_64-unknown-linux-gnu/release/build/c-1/build-script-build", b"");
        fixture.write("debug/build/d-1/output", b"");
        let facts = fixture.gather();
        let told: Vec<bool> =
            facts.build_scripts.iter().map(|script| script.architectures.is_seen()).collect();
        assert_eq!(told, [true, false, false]);
        assert!(facts.build_scripts[0].path.ends_with("a-1/build_script_build-1"));
        assert!(facts.build_scripts[1].architectures.reason().unwrap().contains("5000"));
    }

    #[test]
    fn the_compiler_is_read_from_cargos_note() {
        let fixture = Fixture::new();
        let note = r#"{"rustc_fingerprint":1,"outputs":{"1":{"success":true,"stdout":"x\n"},
            "2":{"stdout":"rustc 1.95.0\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\n"}}}"#;
        fixture.write(".rustc_info.json", note.as_bytes());
        assert!(fixture.gather().rustc_info.get().unwrap().starts_with("rustc 1.95.0"));
        fixture.write(".rustc_info.json", b"{\"rustc");
        assert!(fixture.gather().rustc_info.reason().is_some());
    }

    #[test]
    fn a_copied_directory_is_known_by_what_its_build_scripts_wrote() {
        let fixture = Fixture::new();
        let output = "debug/build/a-1/out";
        fixture.write("debug/build/a-1/root-output", format!("/old/target/{output}").as_bytes());
        assert_eq!(fixture.gather().made_at, Some(HostPath::from("/old/target")));
        let here = fixture.root.path().join(output).display().to_string();
        fixture.write("debug/build/a-1/root-output", here.as_bytes());
        assert_eq!(fixture.gather().made_at, None);
        fixture.write("debug/build/a-1/root-output", b"\xff nonsense");
        assert_eq!(fixture.gather().made_at, None);
    }
}
