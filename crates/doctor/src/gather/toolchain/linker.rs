//! What links programs, and which libpythons its loader finds.

use std::path::{Path, PathBuf};

use host::{Host, HostPath, Os};

use super::super::path;
use crate::{LinkerFacts, ProjectFacts};

/// Longest `ld.so.conf` that is read.
const TEXT_LIMIT: u64 = 256 << 10;

/// Files that `ld.so.conf` may include.
const INCLUDE_LIMIT: usize = 200;

/// Minor versions of Python whose library is looked for.
const PYTHONS: std::ops::RangeInclusive<u32> = 6..=20;

pub(super) fn gather(host: &Host, project: &ProjectFacts, triple: &str) -> LinkerFacts {
    let configured = configured(host, project, triple);
    let configured_found = configured.as_ref().and_then(|(name, _)| find(host, name));
    let list = |name: &str| host.programs(name).into_iter().map(path).collect();
    let is_unix = host.os != Os::Windows;
    LinkerFacts {
        configured,
        configured_found: configured_found.map(path),
        cc: if is_unix { list("cc") } else { Vec::new() },
        ld: if is_unix { list("ld") } else { Vec::new() },
        msvc_link: msvc_link(host).map(path),
        developer_directory: developer_directory(host).map(path),
        developer_directory_exists: developer_directory(host)
            .is_some_and(|directory| host.is_dir(&directory)),
        loader_pythons: loader_pythons(host),
    }
}

/// `CARGO_TARGET_<TRIPLE>_LINKER`, else the nearest configuration for the triple.
fn configured(host: &Host, project: &ProjectFacts, triple: &str) -> Option<(String, String)> {
    let variable = format!("CARGO_TARGET_{}_LINKER", triple.to_ascii_uppercase().replace('-', "_"));
    if let Some(linker) = host.variables.text(&variable) {
        return Some((linker, variable));
    }
    let place = |file: &HostPath| file.native(host.os);
    let exact = project
        .cargo_configs
        .iter()
        .find_map(|config| Some((config.linkers.get(triple)?.clone(), place(&config.path))));
    exact.or_else(|| {
        project.cargo_configs.iter().find_map(|config| {
            let (_, linker) = config.linkers.iter().find(|(key, _)| cfg_applies(key, host.os))?;
            Some((linker.clone(), place(&config.path)))
        })
    })
}

/// The simple conditions that people write; others are left to cargo.
fn cfg_applies(key: &str, os: Os) -> bool {
    let compact: String = key.chars().filter(|c| !c.is_whitespace()).collect();
    match compact.as_str() {
        "cfg(unix)" => os != Os::Windows,
        "cfg(windows)" => os == Os::Windows,
        "cfg(all())" => true,
        _ => compact == format!("cfg(target_os=\"{}\")", os.name()),
    }
}

fn find(host: &Host, name: &str) -> Option<PathBuf> {
    if name.contains(['/', '\\']) {
        let file = host.absolute(Path::new(&name.replace('\\', "/")));
        return host.is_file(&file).then_some(file);
    }
    host.program(name)
}

/// `link.exe` of Visual C++: in its usual directories, or on `PATH` in its own command prompt.
fn msvc_link(host: &Host) -> Option<PathBuf> {
    if host.os != Os::Windows {
        return None;
    }
    if host.variables.get("VCINSTALLDIR").is_some()
        && let Some(found) = host.program("link")
    {
        return Some(found);
    }
    let directories = |parent: &Path| -> Vec<PathBuf> {
        let entries = host.list(parent, 1_000).unwrap_or_default();
        let mut found: Vec<PathBuf> =
            entries.iter().map(|entry| parent.join(&entry.name)).collect();
        found.reverse();
        found
    };
    let roots = ["ProgramFiles", "ProgramFiles(x86)"]
        .iter()
        .filter_map(|name| host.variables.path(&name.to_ascii_uppercase()))
        .map(|root| root.join("Microsoft Visual Studio"));
    roots
        .flat_map(|root| directories(&root))
        .flat_map(|year| directories(&year))
        .flat_map(|edition| directories(&edition.join("VC/Tools/MSVC")))
        .flat_map(|tools| {
            ["bin/Hostx64/x64", "bin/Hostarm64/arm64", "bin/Hostx64/x86", "bin/Hostx86/x86"]
                .map(|bin| tools.join(bin).join("link.exe"))
        })
        .find(|link| host.is_file(link))
}

/// Where `xcode-select` points.
fn developer_directory(host: &Host) -> Option<PathBuf> {
    if host.os != Os::Macos {
        return None;
    }
    if let Some(chosen) = host.variables.path("DEVELOPER_DIR") {
        return Some(chosen);
    }
    if let Ok(selected) = host.read_link(Path::new("/var/db/xcode_select_link")) {
        return Some(selected);
    }
    let xcode = PathBuf::from("/Applications/Xcode.app/Contents/Developer");
    let tools = PathBuf::from("/Library/Developer/CommandLineTools");
    Some(if host.is_dir(&xcode) { xcode } else { tools })
}

/// The `libpython3.X.so` that programs find without `LD_LIBRARY_PATH`.
fn loader_pythons(host: &Host) -> Vec<HostPath> {
    if host.os != Os::Linux {
        return Vec::new();
    }
    let mut found = Vec::new();
    for directory in loader_directories(host) {
        for minor in PYTHONS {
            for flavour in ["", "t", "m", "d"] {
                // Flags in the name went with 3.8, and builds without the lock came with 3.13.
                if (flavour == "m" && minor > 7) || (flavour == "t" && minor < 13) {
                    continue;
                }
                let file = directory.join(format!("libpython3.{minor}{flavour}.so.1.0"));
                if host.is_file(&file) {
                    found.push(path(file));
                }
            }
        }
    }
    found
}

/// The directories of `ld.so.conf`, then those that are built in.
fn loader_directories(host: &Host) -> Vec<PathBuf> {
    let mut found = Vec::new();
    read_loader_configuration(host, Path::new("/etc/ld.so.conf"), 0, &mut found);
    for built_in in ["/lib", "/usr/lib", "/lib64", "/usr/lib64"] {
        found.push(PathBuf::from(built_in));
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|directory| {
        let real = host.canonicalize(directory);
        real.is_ok_and(|real| seen.insert(real))
    });
    found
}

fn read_loader_configuration(host: &Host, file: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if depth > 4 || found.len() > INCLUDE_LIMIT {
        return;
    }
    let Ok(text) = host.read_text(file, TEXT_LIMIT) else { return };
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(pattern) = line.strip_prefix("include ") {
            let pattern = Path::new(pattern.trim());
            let base = file.parent().unwrap_or(Path::new("/"));
            let pattern = base.join(pattern);
            for included in matching(host, &pattern) {
                read_loader_configuration(host, &included, depth + 1, found);
            }
        } else if line.starts_with('/') {
            found.push(PathBuf::from(line));
        }
    }
}

/// The files of a pattern like `/etc/ld.so.conf.d/*.conf`.
fn matching(host: &Host, pattern: &Path) -> Vec<PathBuf> {
    let (Some(directory), Some(name)) = (pattern.parent(), pattern.file_name()) else {
        return Vec::new();
    };
    let Some((start, end)) = name.to_str().and_then(|name| name.split_once('*')) else {
        return vec![pattern.to_path_buf()];
    };
    let entries = host.list(directory, INCLUDE_LIMIT).unwrap_or_default();
    entries
        .iter()
        .filter_map(|entry| entry.name_text())
        .filter(|name| name.len() >= start.len() + end.len())
        .filter(|name| name.starts_with(start) && name.ends_with(end))
        .map(|name| directory.join(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use host::{Arch, Machine};

    use super::*;
    use crate::CargoConfig;

    fn machine(os: Os, files: &[&str], texts: &[(&str, &str)], variables: &[(&str, &str)]) -> Host {
        let mut all: BTreeMap<PathBuf, String> =
            files.iter().map(|file| (PathBuf::from(file), String::new())).collect();
        all.extend(texts.iter().map(|(file, text)| (PathBuf::from(file), (*text).to_owned())));
        Host::recorded(Machine {
            os,
            arch: Arch::X86_64,
            working_directory: "/home/dev".into(),
            home: Some("/home/dev".into()),
            variables: variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            files: all,
            binaries: BTreeMap::new(),
            directories: Vec::new(),
            links: BTreeMap::new(),
            registry: BTreeMap::new(),
        })
    }

    #[test]
    fn link_exe_is_found_in_the_newest_visual_studio() {
        let base = "C:/Program Files/Microsoft Visual Studio";
        let old = format!("{base}/2019/Community/VC/Tools/MSVC/14.29/bin/Hostx64/x64/link.exe");
        let new = format!("{base}/2022/BuildTools/VC/Tools/MSVC/14.40/bin/Hostx64/x64/link.exe");
        let variables = [("ProgramFiles", r"C:\Program Files"), ("PATH", r"C:\x")];
        let host = machine(Os::Windows, &[&old, &new], &[], &variables);
        assert_eq!(msvc_link(&host), Some(PathBuf::from(new)));
        assert_eq!(msvc_link(&machine(Os::Windows, &[], &[], &variables)), None);
    }

    #[test]
    fn the_developer_directory_is_what_is_selected() {
        let host = machine(Os::Macos, &["/Library/Developer/CommandLineTools/x"], &[], &[]);
        let facts = gather(&host, &ProjectFacts::default(), "aarch64-apple-darwin");
        assert!(facts.developer_directory_exists);
        let host = machine(Os::Macos, &[], &[], &[("DEVELOPER_DIR", "/gone")]);
        let facts = gather(&host, &ProjectFacts::default(), "aarch64-apple-darwin");
        assert_eq!(facts.developer_directory, Some(HostPath::from("/gone")));
        assert!(!facts.developer_directory_exists);
    }

    #[test]
    fn the_loader_searches_its_configured_directories() {
        let host = machine(
            Os::Linux,
            &["/usr/local/lib/libpython3.13t.so.1.0", "/opt/x/libpython3.12.so.1.0", "/usr/lib/y"],
            &[
                ("/etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n"),
                ("/etc/ld.so.conf.d/a.conf", "# words\n/usr/local/lib # more\ninclude a.conf\n"),
                ("/etc/ld.so.conf.d/b.txt", "/opt/x\n"),
            ],
            &[],
        );
        assert_eq!(loader_pythons(&host), [HostPath::from("/usr/local/lib/libpython3.13t.so.1.0")]);
    }

    #[test]
    fn a_variable_comes_before_the_configuration() {
        let triple = "x86_64-unknown-linux-gnu";
        let mut project = ProjectFacts::default();
        project.cargo_configs.push(CargoConfig {
            path: HostPath::from("/p/.cargo/config.toml"),
            linkers: [("cfg(unix)".to_owned(), "clang".to_owned())].into(),
            ..CargoConfig::default()
        });
        let host = machine(Os::Linux, &["/usr/bin/clang"], &[], &[("PATH", "/usr/bin")]);
        let facts = gather(&host, &project, triple);
        assert_eq!(facts.configured.unwrap().0, "clang");
        assert_eq!(facts.configured_found, Some(HostPath::from("/usr/bin/clang")));
        let name = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER";
        let host = machine(Os::Linux, &[], &[], &[(name, "/no/ld")]);
        let facts = gather(&host, &project, triple);
        assert_eq!(facts.configured.unwrap(), ("/no/ld".to_owned(), name.to_owned()));
        assert_eq!(facts.configured_found, None);
    }

    #[test]
    fn conditions_of_configuration_are_understood_when_simple() {
        assert!(cfg_applies("cfg(unix)", Os::Macos));
        assert!(cfg_applies("cfg( target_os = \"linux\" )", Os::Linux));
        assert!(!cfg_applies("cfg(windows)", Os::Linux));
        assert!(!cfg_applies("cfg(any(unix, windows))", Os::Linux));
    }
}
