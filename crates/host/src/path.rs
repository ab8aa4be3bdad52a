//! Paths that survive being written to a facts file and read on another system.

use std::fmt;
use std::ops::Deref;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Os;

/// An absolute path of some machine, not necessarily this one.
///
/// Windows paths are held with forward slashes, which Windows accepts, so that a recorded
/// `C:/Users/x` can be taken apart on any system; [`HostPath::native`] writes them back.
/// A path that is not UTF-8 is kept exactly in memory and written to a file with `\xNN` for the
/// bytes that are not text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HostPath(PathBuf);

impl HostPath {
    /// Takes a path; on Windows its slashes are turned.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(with_forward_slashes(path.into()))
    }

    /// The path itself.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// `self` with `part` appended.
    #[must_use]
    pub fn join(&self, part: impl AsRef<Path>) -> Self {
        Self(with_forward_slashes(self.0.join(part)))
    }

    /// The path as text, with `\xNN` for bytes that are not UTF-8.
    #[must_use]
    pub fn text(&self) -> String {
        path_text(&self.0)
    }

    /// The path as a user of `os` writes it.
    #[must_use]
    pub fn native(&self, os: Os) -> String {
        match os {
            Os::Windows => self.text().replace('/', "\\"),
            Os::Linux | Os::Macos => self.text(),
        }
    }
}

impl Deref for HostPath {
    type Target = Path;
    fn deref(&self) -> &Path {
        &self.0
    }
}

impl AsRef<Path> for HostPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl From<PathBuf> for HostPath {
    fn from(path: PathBuf) -> Self {
        Self::new(path)
    }
}

impl From<&Path> for HostPath {
    fn from(path: &Path) -> Self {
        Self::new(path)
    }
}

impl From<&str> for HostPath {
    fn from(path: &str) -> Self {
        Self(PathBuf::from(path))
    }
}

impl fmt::Display for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Debug for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl Serialize for HostPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for HostPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(PathBuf::from(text)))
    }
}

/// Windows joins paths with backslashes.
fn with_forward_slashes(path: PathBuf) -> PathBuf {
    if !cfg!(windows) {
        return path;
    }
    match path.to_str() {
        Some(text) if text.contains('\\') => PathBuf::from(text.replace('\\', "/")),
        _ => path,
    }
}

fn path_text(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Whether `path` is absolute on `os`.
pub(crate) fn is_absolute(os: Os, path: &Path) -> bool {
    match os {
        Os::Windows => {
            let bytes = path.as_os_str().as_encoded_bytes();
            bytes.first().is_some_and(|b| *b == b'/' || *b == b'\\')
                || (bytes.len() > 2 && bytes[1] == b':' && matches!(bytes[2], b'/' | b'\\'))
        }
        Os::Linux | Os::Macos => path.is_absolute(),
    }
}

pub(crate) fn join(os: Os, base: &Path, path: &Path) -> PathBuf {
    if is_absolute(os, path) { path.to_path_buf() } else { base.join(path) }
}

/// Removes `.` and `..` by name; symbolic links are not looked at.
pub(crate) fn normalize(path: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => match parts.last() {
                Some(Component::Normal(_)) => {
                    parts.pop();
                }
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => parts.push(part),
            },
            _ => parts.push(part),
        }
    }
    parts.iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_removed_by_name() {
        assert_eq!(normalize(Path::new("/a/./b/../c")), PathBuf::from("/a/c"));
        assert_eq!(normalize(Path::new("/../a")), PathBuf::from("/a"));
    }

    #[test]
    fn windows_paths_are_absolute_with_a_drive_or_a_share() {
        assert!(is_absolute(Os::Windows, Path::new("C:/x")));
        assert!(is_absolute(Os::Windows, Path::new(r"\\server\share")));
        assert!(!is_absolute(Os::Windows, Path::new("C:x")));
        assert!(!is_absolute(Os::Linux, Path::new("C:/x")));
    }

    #[test]
    #[cfg(unix)]
    fn a_path_that_is_not_utf8_is_written_with_its_bytes() {
        use std::os::unix::ffi::OsStrExt as _;
        let path = Path::new(std::ffi::OsStr::from_bytes(b"/a\xffb"));
        assert_eq!(HostPath::from(path).text(), "/a\\xffb");
    }
}
