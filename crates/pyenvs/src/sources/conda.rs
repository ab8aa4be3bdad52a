//! Environments of conda and mamba.

use std::path::{Path, PathBuf};

use host::{FileKind, Os};

use crate::FoundBy;
use crate::candidate::{Candidate, Place};
use crate::context::Context;
use crate::discover::Search;
use crate::paths;

/// Files of conda are small, but nothing keeps `environments.txt` from growing.
const SIZE_LIMIT: u64 = 4 << 20;

/// Usual names of an installation's directory.
const INSTALLERS: [&str; 8] = [
    "miniforge3",
    "miniconda3",
    "anaconda3",
    "mambaforge",
    "micromamba",
    "miniconda",
    "anaconda",
    "miniforge",
];

/// Installations, their `envs`, and what conda's own files list.
pub(super) fn find(context: &Context<'_>, _: &Search<'_>, found: &mut Vec<Candidate>) {
    let mut add = |prefix: PathBuf| {
        found.push(Candidate::seen(Place::Prefix(prefix), FoundBy::Conda));
    };
    let mut roots = installations(context);
    roots.retain(|root| context.host.is_dir(root));
    let mut directories: Vec<PathBuf> = Vec::new();
    for root in &roots {
        directories.push(root.join("envs"));
        add(root.clone());
    }
    directories.extend(environment_directories(context, &roots));
    directories.sort();
    directories.dedup();
    for directory in directories {
        for entry in context.list(&directory) {
            if matches!(entry.kind, FileKind::Directory | FileKind::Symlink) {
                add(directory.join(entry.name));
            }
        }
    }
    if let Some(home) = &context.host.home
        && let Some(text) = context.read_text(&home.join(".conda/environments.txt"), SIZE_LIMIT)
    {
        parse_environments(context.os(), &text).into_iter().for_each(&mut add);
    }
}

/// One prefix per line.
fn parse_environments(os: Os, text: &str) -> Vec<PathBuf> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.contains('\0'))
        .map(|line| paths::from_text(os, line))
        .collect()
}

fn installations(context: &Context<'_>) -> Vec<PathBuf> {
    let host = context.host;
    let mut roots = Vec::new();
    for name in ["MAMBA_ROOT_PREFIX", "CONDA_ROOT", "_CONDA_ROOT"] {
        roots.extend(host.variables.path(name));
    }
    for name in ["CONDA_EXE", "MAMBA_EXE"] {
        // `ROOT/bin/conda`, `ROOT/Scripts/conda.exe`
        let program = host.variables.path(name);
        roots.extend(program.and_then(|path| Some(path.parent()?.parent()?.to_path_buf())));
    }
    let mut parents: Vec<PathBuf> = host.home.iter().cloned().collect();
    match host.os {
        Os::Windows => {
            for name in ["PROGRAMDATA", "LOCALAPPDATA", "SYSTEMDRIVE"] {
                let Some(parent) = host.variables.text(name) else { continue };
                parents.push(paths::from_text(host.os, &format!("{parent}/")));
            }
            parents.extend(host.variables.path("LOCALAPPDATA").map(|d| d.join("Continuum")));
        }
        Os::Linux | Os::Macos => {
            roots.push(PathBuf::from("/opt/conda"));
            parents.push(PathBuf::from("/opt"));
            parents.push(PathBuf::from("/usr/local"));
            if let Some(home) = &host.home {
                parents.push(home.join(".local/share"));
                parents.push(home.join(".local"));
            }
        }
    }
    if host.os == Os::Macos {
        parents.push(PathBuf::from("/opt/homebrew"));
        for brew in ["/opt/homebrew", "/usr/local"] {
            for cask in ["miniconda", "miniforge", "mambaforge"] {
                roots.push(Path::new(brew).join("Caskroom").join(cask).join("base"));
            }
        }
    }
    for parent in parents {
        roots.extend(INSTALLERS.iter().map(|name| parent.join(name)));
    }
    roots
}

/// Directories of environments that are no installation's `envs`.
fn environment_directories(context: &Context<'_>, roots: &[PathBuf]) -> Vec<PathBuf> {
    let host = context.host;
    let mut directories = Vec::new();
    for name in ["CONDA_ENVS_DIRS", "CONDA_ENVS_PATH"] {
        directories.extend(host.variables.paths(host.os, name));
    }
    let mut files: Vec<PathBuf> = Vec::new();
    files.extend(host.variables.path("CONDARC"));
    files.extend(host.variables.path("MAMBARC"));
    if let Some(home) = &host.home {
        directories.push(home.join(".conda/envs"));
        for name in [".condarc", ".conda/.condarc", ".config/conda/.condarc", ".mambarc"] {
            files.push(home.join(name));
        }
    }
    files.extend(roots.iter().map(|root| root.join(".condarc")));
    if host.os != Os::Windows {
        files.extend(["/etc/conda/.condarc", "/var/lib/conda/.condarc"].map(PathBuf::from));
    }
    for file in files {
        if let Some(text) = context.read_text(&file, SIZE_LIMIT) {
            directories.extend(
                parse_condarc(&text).iter().filter_map(|value| paths::expand_home(host, value)),
            );
        }
    }
    directories
}

/// The list under `envs_dirs` (or its older name `envs_path`) of a `.condarc`, which is YAML: in
/// block form, one `- path` per line, or in flow form, `[a, b]`.
fn parse_condarc(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let plain = line.split(" #").next().unwrap_or(line).trim_end();
        let trimmed = plain.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if let Some(item) = trimmed.strip_prefix("- ").filter(|_| inside) {
            found.extend(scalar(item));
            continue;
        }
        let value = ["envs_dirs:", "envs_path:"].iter().find_map(|key| plain.strip_prefix(key));
        inside = value.is_some();
        if let Some(list) = value
            .and_then(|value| value.trim().strip_prefix('['))
            .and_then(|value| value.strip_suffix(']'))
        {
            found.extend(list.split(',').filter_map(scalar));
            inside = false;
        }
    }
    found
}

fn scalar(text: &str) -> Option<String> {
    let text = text.trim();
    let quoted = ['"', '\''].iter().find_map(|q| text.strip_prefix(*q)?.strip_suffix(*q));
    let value = quoted.unwrap_or(text);
    (!value.is_empty() && !value.contains('\0')).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_condarc_lists_directories_in_either_form() {
        let block = "channels:\n  - conda-forge\nenvs_dirs:\n  - ~/envs  # mine\n  # none\n  - \"/a b\"\npkgs_dirs:\n  - /p\n";
        assert_eq!(parse_condarc(block), ["~/envs", "/a b"]);
        assert_eq!(parse_condarc("envs_path: ['/x', /y]\nother: 1\n- /z"), ["/x", "/y"]);
        assert_eq!(parse_condarc("envs_dirs:\n- /flush\n"), ["/flush"]);
        assert!(parse_condarc("envs_dirs: []\n").is_empty());
    }

    #[test]
    fn environments_txt_has_a_prefix_per_line() {
        assert_eq!(
            parse_environments(Os::Windows, "C:\\a b\\envs\\x\r\n\r\n"),
            [PathBuf::from("C:/a b/envs/x")]
        );
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(envs_dirs:|- |\\[|\\]|\"|'|,|#|\n| |\\PC)*") {
            let _ = parse_condarc(&text);
            let _ = parse_environments(Os::Linux, &text);
        }
    }
}
