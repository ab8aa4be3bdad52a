//! Environment variables, read once.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;

use crate::Os;

/// The environment variables of one process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, OsString>);

impl Variables {
    /// Those of this process. A variable whose name is not UTF-8 is left out.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads them")]
    pub fn current() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
                .map(|(name, value)| (spelling(Os::current(), &name), value))
                .collect(),
        )
    }

    /// From pairs, as a recorded machine of `os` has them.
    pub fn from_pairs<N, V>(os: Os, pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: AsRef<str>,
        V: Into<OsString>,
    {
        Self(pairs.into_iter().map(|(n, v)| (spelling(os, n.as_ref()), v.into())).collect())
    }

    /// A variable that is set and not empty: an empty one counts as unset everywhere in this
    /// project, as it does for pip, uv and cargo.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// Whether the variable is set, even to nothing.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A variable as text; one that is not UTF-8 is read with replacement characters.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.to_string_lossy().into_owned())
    }

    /// A variable as a path, with the slashes of [`crate::HostPath`].
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(to_path)
    }

    /// The entries of a variable that lists paths (`PATH`, `PYTHONPATH`), empty ones left out.
    #[must_use]
    pub fn paths(&self, os: Os, name: &str) -> Vec<PathBuf> {
        let Some(value) = self.get(name) else { return Vec::new() };
        split_paths(os, value)
    }

    /// Every variable, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_os_str()))
    }

    /// Sets a variable in this copy; the process's own environment is not touched.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Removes a variable from this copy.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    pub(crate) fn home(&self, os: Os) -> Option<PathBuf> {
        match os {
            Os::Windows => self.path("USERPROFILE"),
            Os::Linux | Os::Macos => self.path("HOME"),
        }
    }
}

pub(crate) fn split_paths(os: Os, value: &OsStr) -> Vec<PathBuf> {
    let separator = if os == Os::Windows { b';' } else { b':' };
    let bytes = value.as_encoded_bytes();
    bytes
        .split(|byte| *byte == separator)
        .filter(|part| !part.is_empty())
        .map(|part| {
            // SAFETY-free route: the separator is ASCII, so each part is text wherever the whole is.
            match std::str::from_utf8(part) {
                Ok(text) => to_path(OsStr::new(text)),
                Err(_) => from_bytes(part),
            }
        })
        .collect()
}

#[cfg(unix)]
fn from_bytes(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn from_bytes(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

fn to_path(value: &OsStr) -> PathBuf {
    match value.to_str() {
        Some(text) if is_windows_path(text) => PathBuf::from(text.replace('\\', "/")),
        _ => PathBuf::from(value),
    }
}

fn is_windows_path(text: &str) -> bool {
    let bytes = text.as_bytes();
    text.starts_with(r"\\")
        || (bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':')
}

/// Names are case-insensitive on Windows; they are kept in upper case there.
fn spelling(os: Os, name: &str) -> String {
    match os {
        Os::Windows => name.to_ascii_uppercase(),
        Os::Linux | Os::Macos => name.to_owned(),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads it")]
pub(crate) fn current_directory() -> io::Result<PathBuf> {
    std::env::current_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_names_ignore_case_and_paths_turn_their_slashes() {
        let variables = Variables::from_pairs(Os::Windows, [("Path", r"C:\a;C:\b c")]);
        assert_eq!(
            variables.paths(Os::Windows, "PATH"),
            [PathBuf::from("C:/a"), PathBuf::from("C:/b c")]
        );
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let variables = Variables::from_pairs(Os::Linux, [("VIRTUAL_ENV", "")]);
        assert_eq!(variables.get("VIRTUAL_ENV"), None);
        assert!(variables.is_set("VIRTUAL_ENV"));
    }
}
