//! Which program stands behind one of pyenv's shims, as `pyenv which` decides it.

use std::path::{Path, PathBuf};

use host::{Host, Os};

use crate::context::Context;

/// pyenv reads at most this much of a word; its files have a few.
const VERSION_FILE_LIMIT: u64 = 64 << 10;

/// Whether `path` is a shim: a script that asks pyenv which program to run.
pub(crate) fn is_shim(context: &Context<'_>, path: &Path) -> bool {
    let Some(directory) = path.parent() else { return false };
    if directory.file_name().is_none_or(|name| name != "shims") {
        return false;
    }
    context.pyenv_root.as_ref().is_some_and(|root| directory.parent() == Some(root))
}

/// The versions selected for `directory`, and who selected them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    /// As written, in order.
    pub(crate) versions: Vec<String>,
    /// `PYENV_VERSION environment variable`, or the file.
    pub(crate) origin: String,
    /// The `.python-version` that decided, if one did.
    pub(crate) file: Option<PathBuf>,
}

/// What pyenv is set to use in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PyenvSelection {
    /// pyenv's directory.
    pub root: PathBuf,
    /// The versions asked for, in order, each with its directory if it is installed.
    pub versions: Vec<(String, Option<PathBuf>)>,
    /// `PYENV_VERSION environment variable`, the file that asks, or `pyenv`.
    pub origin: String,
    /// Names of the versions that are installed.
    pub installed: Vec<String>,
}

/// What pyenv would use in `directory`; nothing where there is no pyenv.
#[must_use]
pub fn pyenv_selection(host: &Host, directory: &Path) -> Option<PyenvSelection> {
    let context = Context::new(host, directory);
    let root = context.pyenv_root.clone()?;
    let selection = selection(&context, &context.directory);
    let versions = selection
        .versions
        .into_iter()
        .map(|version| {
            let prefix = prefix(&context, &version);
            (version, prefix)
        })
        .collect();
    let installed = context
        .list(&root.join("versions"))
        .into_iter()
        .filter_map(|entry| entry.name.into_string().ok())
        .collect();
    Some(PyenvSelection { root, versions, origin: selection.origin, installed })
}

/// `PYENV_VERSION`, else the nearest `.python-version` upward, else pyenv's `version` file, else
/// `system`.
pub(crate) fn selection(context: &Context<'_>, directory: &Path) -> Selection {
    let host = context.host;
    if let Some(chosen) = host.variables.text("PYENV_VERSION") {
        let versions = chosen.split(':').map(str::to_owned).collect();
        return Selection {
            versions,
            origin: "PYENV_VERSION environment variable".to_owned(),
            file: None,
        };
    }
    let local = directory.ancestors().map(|parent| parent.join(".python-version"));
    let global = context.pyenv_root.as_ref().map(|root| root.join("version"));
    let nearest = local.into_iter().find(|file| host.is_file(file));
    let is_local = nearest.is_some();
    if let Some(file) = nearest.or(global) {
        let versions = context
            .read_text(&file, VERSION_FILE_LIMIT)
            .map(|text| parse_version_file(&text))
            .unwrap_or_default();
        if !versions.is_empty() {
            let origin = file.display().to_string();
            return Selection { versions, origin, file: is_local.then_some(file) };
        }
    }
    Selection { versions: vec!["system".to_owned()], origin: "pyenv".to_owned(), file: None }
}

/// The first word of each line that is not a comment. A word that would lead out of pyenv's
/// directory does not count, as in pyenv itself.
pub(crate) fn parse_version_file(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| !word.starts_with('#') && word.len() <= 1024 && is_safe(word))
        .map(str::to_owned)
        .collect()
}

fn is_safe(word: &str) -> bool {
    !word.starts_with('/') && word.split('/').all(|part| !part.is_empty() && part != "..")
}

/// The program that the shim `name` runs in `directory`.
///
/// # Errors
/// What pyenv says when it runs nothing.
pub(crate) fn which(
    context: &Context<'_>,
    name: &str,
    directory: &Path,
) -> Result<PathBuf, String> {
    let selection = selection(context, directory);
    let mut missing = None;
    for version in &selection.versions {
        if version == "system" {
            if let Some(program) = system_program(context, name) {
                return Ok(program);
            }
            continue;
        }
        match prefix(context, version) {
            Some(prefix) => {
                if let Some(program) = program_in(context, &prefix, name) {
                    return Ok(program);
                }
            }
            None => missing = missing.or(Some(version)),
        }
    }
    // Current pyenv looks at the system's programs last, whatever is selected.
    if let Some(program) = system_program(context, name) {
        return Ok(program);
    }
    Err(match missing {
        Some(version) => {
            format!("pyenv: version `{version}' is not installed (set by {})", selection.origin)
        }
        None => format!("pyenv: {name}: command not found"),
    })
}

/// The directory of a version as pyenv finds it: by its name, without a leading `python-`, or the
/// newest one that the name is the start of.
pub(crate) fn prefix(context: &Context<'_>, version: &str) -> Option<PathBuf> {
    if !is_safe(version) {
        return None;
    }
    let versions = context.pyenv_root.as_ref()?.join("versions");
    let plain = version.strip_prefix("python-").unwrap_or(version);
    for name in [version, plain] {
        let prefix = versions.join(name);
        if context.host.is_dir(&prefix) {
            return Some(prefix);
        }
    }
    let names: Vec<String> = context
        .list(&versions)
        .into_iter()
        .filter_map(|entry| entry.name.into_string().ok())
        .collect();
    latest(&names, plain).map(|name| versions.join(name))
}

/// The newest released version that starts with `prefix`, as `pyenv latest` picks it.
fn latest<'a>(names: &'a [String], prefix: &str) -> Option<&'a String> {
    let (prefix, suffix) = match prefix.strip_suffix('t') {
        Some(rest) if rest.ends_with(|c: char| c.is_ascii_digit()) => (rest, "t"),
        _ => (prefix, ""),
    };
    let numbers = |name: &str| -> Vec<u64> {
        name[prefix.len()..]
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|part| part.parse().ok())
            .collect()
    };
    names
        .iter()
        .filter(|name| {
            name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(['.', '-']))
                && name.ends_with(suffix)
                && is_release(name)
                && (!suffix.is_empty() || !is_free_threaded(name))
        })
        .max_by_key(|name| numbers(name))
}

fn is_free_threaded(name: &str) -> bool {
    name.strip_suffix('t').is_some_and(|rest| rest.ends_with(|c: char| c.is_ascii_digit()))
}

fn is_release(name: &str) -> bool {
    let digits = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_pre_release =
        digits.len() < name.len() && ["a", "b", "rc"].iter().any(|level| digits.ends_with(level));
    !is_pre_release && !["-dev", "-src", "-latest"].iter().any(|end| name.ends_with(end))
}

fn program_in(context: &Context<'_>, prefix: &Path, name: &str) -> Option<PathBuf> {
    let candidates = match context.os() {
        // pyenv-win keeps `python.exe` in the prefix and the rest in `Scripts`.
        Os::Windows => {
            vec![prefix.join(format!("{name}.exe")), prefix.join(format!("Scripts/{name}.exe"))]
        }
        Os::Linux | Os::Macos => vec![prefix.join("bin").join(name)],
    };
    candidates.into_iter().find(|program| context.host.is_executable(program))
}

fn system_program(context: &Context<'_>, name: &str) -> Option<PathBuf> {
    context.host.programs(name).into_iter().find(|program| !is_shim(context, program))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn version_files_hold_a_word_per_line() {
        assert_eq!(
            parse_version_file("# mine\n3.11.7 # this\r\n\n3.12\nmy/env\n"),
            ["3.11.7", "3.12", "my/env"]
        );
        assert!(parse_version_file("../../etc\n/abs\n..\na/../b\n").is_empty());
    }

    #[test]
    fn a_prefix_means_the_newest_release() {
        let names = [
            "3.9.18",
            "3.11.7",
            "3.11.10",
            "3.12.0rc1",
            "3.12-dev",
            "3.13.0",
            "3.13.1t",
            "pypy3.10-7.3.12",
            "pypy3.10-7.3.15",
        ]
        .map(str::to_owned);
        let latest = |prefix: &str| latest(&names, prefix).map(String::as_str);
        assert_eq!(latest("3.11"), Some("3.11.10"));
        assert_eq!(latest("3"), Some("3.13.0"));
        assert_eq!(latest("3.13t"), Some("3.13.1t"));
        assert_eq!(latest("3.12"), None);
        assert_eq!(latest("3.1"), None);
        assert_eq!(latest("pypy3.10"), Some("pypy3.10-7.3.15"));
    }

    proptest! {
        #[test]
        fn nothing_panics(
            text in "(\\PC|\n)*",
            names in proptest::collection::vec("[0-9a-z.é-]{0,12}", 0..9),
            prefix in "[0-9.té]{0,4}",
        ) {
            let _ = parse_version_file(&text);
            let _ = latest(&names, &prefix);
        }
    }
}
