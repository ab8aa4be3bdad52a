//! Reading files and directories, with bounds.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::Host;
use crate::recorded::Tree;

pub(crate) enum Files {
    Real,
    Recorded(Tree),
}

/// What kind of thing a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link (only from calls that do not follow links).
    Symlink,
    /// A socket, a pipe, a device.
    Other,
}

/// What `stat` says of a path. Times are nanoseconds since 1970, 0 where the system has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Kind of file.
    pub kind: FileKind,
    /// Length in bytes.
    pub len: u64,
    /// Last change of the contents.
    pub modified_ns: i64,
    /// Last change of the inode.
    pub changed_ns: i64,
    /// Permission bits (0 on Windows).
    pub mode: u32,
    /// Owner (0 on Windows).
    pub uid: u32,
    /// Device number (0 on Windows).
    pub device: u64,
    /// Inode number (0 on Windows).
    pub inode: u64,
}

impl Metadata {
    /// Whether this is a directory.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.kind == FileKind::Directory
    }

    /// Whether this is a regular file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.kind == FileKind::File
    }
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, not the path.
    pub name: OsString,
    /// Kind; links are not followed.
    pub kind: FileKind,
}

impl Entry {
    /// The name, if it is UTF-8.
    #[must_use]
    pub fn name_text(&self) -> Option<&str> {
        self.name.to_str()
    }
}

/// Why a file or directory could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// The system said no.
    Io {
        /// The path asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Larger than the caller's bound.
    TooLarge {
        /// The path asked for.
        path: PathBuf,
        /// The bound: bytes of a file, entries of a directory.
        limit: u64,
    },
    /// Not a regular file, so reading it could block or never end.
    NotAFile {
        /// The path asked for.
        path: PathBuf,
    },
    /// Not UTF-8.
    NotText {
        /// The path asked for.
        path: PathBuf,
        /// Position of the first byte that is not.
        position: usize,
    },
}

impl ReadError {
    /// Whether the path simply does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory))
    }

    /// The reason alone, for a reader who already knows the path.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Io { source, .. } => source.to_string(),
            Self::TooLarge { limit, .. } => format!("larger than the bound of {limit}"),
            Self::NotAFile { .. } => "not a regular file".to_owned(),
            Self::NotText { position, .. } => format!("not UTF-8 at byte {position}"),
        }
    }

    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), source }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = match self {
            Self::Io { path, .. }
            | Self::TooLarge { path, .. }
            | Self::NotAFile { path }
            | Self::NotText { path, .. } => path,
        };
        write!(f, "cannot read {}: {}", path.display(), self.reason())
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl Host {
    /// `stat`: follows symbolic links.
    ///
    /// # Errors
    /// What the system says; a link loop is an error, never a hang.
    pub fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        match &self.files {
            Files::Real => fs_err::metadata(path).map(|m| convert(&m)),
            Files::Recorded(tree) => tree.metadata(path),
        }
    }

    /// `lstat`: does not follow the last symbolic link.
    ///
    /// # Errors
    /// What the system says.
    pub fn symlink_metadata(&self, path: &Path) -> io::Result<Metadata> {
        match &self.files {
            Files::Real => fs_err::symlink_metadata(path).map(|m| convert(&m)),
            Files::Recorded(tree) => tree.symlink_metadata(path),
        }
    }

    /// Whether the path leads to a regular file.
    #[must_use]
    pub fn is_file(&self, path: &Path) -> bool {
        self.metadata(path).is_ok_and(|m| m.is_file())
    }

    /// Whether the path leads to a directory.
    #[must_use]
    pub fn is_dir(&self, path: &Path) -> bool {
        self.metadata(path).is_ok_and(|m| m.is_dir())
    }

    /// Whether the path leads to anything.
    #[must_use]
    pub fn exists(&self, path: &Path) -> bool {
        self.metadata(path).is_ok()
    }

    /// Whether the path is a symbolic link that leads nowhere (or in a circle).
    #[must_use]
    pub fn is_broken_link(&self, path: &Path) -> bool {
        self.symlink_metadata(path).is_ok_and(|m| m.kind == FileKind::Symlink)
            && self.metadata(path).is_err()
    }

    /// The target of a symbolic link, as written.
    ///
    /// # Errors
    /// What the system says.
    pub fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        match &self.files {
            Files::Real => fs_err::read_link(path),
            Files::Recorded(tree) => tree.read_link(path),
        }
    }

    /// The real path, every symbolic link followed.
    ///
    /// # Errors
    /// What the system says; a link loop is an error.
    pub fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        match &self.files {
            Files::Real => fs_err::canonicalize(path).map(without_verbatim_prefix),
            Files::Recorded(tree) => tree.canonicalize(path),
        }
    }

    /// A regular file's bytes, if there are at most `limit`.
    ///
    /// # Errors
    /// Missing, unreadable, not a regular file, or larger than `limit`.
    pub fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        let too_large = || ReadError::TooLarge { path: path.to_path_buf(), limit };
        match &self.files {
            Files::Real => {
                let fail = |error| ReadError::io(path, error);
                // The kind is looked at before opening: opening a pipe waits for its writer.
                let before = std_metadata(path).map_err(fail)?;
                if !before.is_file() {
                    return Err(ReadError::NotAFile { path: path.to_path_buf() });
                }
                if before.len() > limit {
                    return Err(too_large());
                }
                let file = open(path).map_err(fail)?;
                match usize::try_from(before.len()) {
                    Ok(length) if length > 0 => read_exactly_once(file, length).map_err(fail),
                    // Files under /proc say length 0, so the bound also holds while reading.
                    _ => {
                        let mut bytes = Vec::new();
                        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
                        if bytes.len() as u64 > limit { Err(too_large()) } else { Ok(bytes) }
                    }
                }
            }
            Files::Recorded(tree) => {
                let bytes = tree.read(path).map_err(|error| ReadError::io(path, error))?;
                if bytes.len() as u64 > limit { Err(too_large()) } else { Ok(bytes.to_vec()) }
            }
        }
    }

    /// A regular file's text, if it is UTF-8 and at most `limit` bytes long.
    ///
    /// # Errors
    /// As [`Host::read`], and for text that is not UTF-8.
    pub fn read_text(&self, path: &Path, limit: u64) -> Result<String, ReadError> {
        let bytes = self.read(path, limit)?;
        String::from_utf8(bytes).map_err(|error| ReadError::NotText {
            path: path.to_path_buf(),
            position: error.utf8_error().valid_up_to(),
        })
    }

    /// At most `limit` bytes from the start of a regular file.
    ///
    /// # Errors
    /// Missing, unreadable or not a regular file.
    pub fn read_start(&self, path: &Path, limit: usize) -> Result<Vec<u8>, ReadError> {
        match &self.files {
            Files::Real => {
                let fail = |error| ReadError::io(path, error);
                let before = std_metadata(path).map_err(fail)?;
                if !before.is_file() {
                    return Err(ReadError::NotAFile { path: path.to_path_buf() });
                }
                let file = open(path).map_err(fail)?;
                match usize::try_from(before.len()) {
                    Ok(length) if length > 0 => {
                        read_exactly_once(file, length.min(limit)).map_err(fail)
                    }
                    _ => {
                        let mut bytes = Vec::new();
                        file.take(limit as u64).read_to_end(&mut bytes).map_err(fail)?;
                        Ok(bytes)
                    }
                }
            }
            Files::Recorded(tree) => {
                let bytes = tree.read(path).map_err(|error| ReadError::io(path, error))?;
                Ok(bytes[..bytes.len().min(limit)].to_vec())
            }
        }
    }

    /// The names in a directory, sorted, if there are at most `limit`.
    ///
    /// # Errors
    /// Missing, unreadable, not a directory, or more than `limit` entries.
    pub fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, ReadError> {
        let fail = |error| ReadError::io(path, error);
        let mut entries = Vec::new();
        match &self.files {
            Files::Real => {
                for entry in std_read_dir(path).map_err(fail)? {
                    let entry = entry.map_err(fail)?;
                    if entries.len() == limit {
                        return Err(ReadError::TooLarge {
                            path: path.to_path_buf(),
                            limit: limit as u64,
                        });
                    }
                    let kind = entry.file_type().map_or(FileKind::Other, kind_of);
                    entries.push(Entry { name: entry.file_name(), kind });
                }
            }
            Files::Recorded(tree) => {
                entries = tree.list(path).map_err(fail)?;
                if entries.len() > limit {
                    return Err(ReadError::TooLarge {
                        path: path.to_path_buf(),
                        limit: limit as u64,
                    });
                }
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }
}

/// At most `length` bytes of a file that is known to be that long. `read_to_end` would ask twice
/// more to learn that nothing follows, which is half the cost of a small file.
fn read_exactly_once(mut file: std::fs::File, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

#[expect(clippy::disallowed_methods, reason = "ReadError names the path itself")]
fn open(path: &Path) -> io::Result<std::fs::File> {
    std::fs::File::open(path)
}

#[expect(clippy::disallowed_methods, reason = "ReadError names the path itself")]
fn std_metadata(path: &Path) -> io::Result<std::fs::Metadata> {
    std::fs::metadata(path)
}

#[expect(clippy::disallowed_methods, reason = "ReadError names the path itself")]
fn std_read_dir(path: &Path) -> io::Result<std::fs::ReadDir> {
    std::fs::read_dir(path)
}

fn kind_of(kind: std::fs::FileType) -> FileKind {
    if kind.is_symlink() {
        FileKind::Symlink
    } else if kind.is_dir() {
        FileKind::Directory
    } else if kind.is_file() {
        FileKind::File
    } else {
        FileKind::Other
    }
}

#[cfg(unix)]
fn convert(metadata: &std::fs::Metadata) -> Metadata {
    use std::os::unix::fs::MetadataExt as _;
    let nanoseconds =
        |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    Metadata {
        kind: kind_of(metadata.file_type()),
        len: metadata.len(),
        modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        mode: metadata.mode(),
        uid: metadata.uid(),
        device: metadata.dev(),
        inode: metadata.ino(),
    }
}

#[cfg(not(unix))]
fn convert(metadata: &std::fs::Metadata) -> Metadata {
    let modified_ns = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
        .and_then(|elapsed| i64::try_from(elapsed.as_nanos()).ok())
        .unwrap_or(0);
    Metadata {
        kind: kind_of(metadata.file_type()),
        len: metadata.len(),
        modified_ns,
        changed_ns: modified_ns,
        mode: 0,
        uid: 0,
        device: 0,
        inode: 0,
    }
}

/// Windows answers `\\?\C:\x`, which no other tool prints and few accept.
fn without_verbatim_prefix(path: PathBuf) -> PathBuf {
    if !cfg!(windows) {
        return path;
    }
    match path.to_str().and_then(|text| text.strip_prefix(r"\\?\")) {
        Some(rest) if !rest.starts_with("UNC") => PathBuf::from(rest.replace('\\', "/")),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_bounded_and_refuse_pipes_and_directories() {
        let host = Host::current().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("f");
        fs_err::write(&file, b"12345").unwrap();
        assert_eq!(host.read(&file, 5).unwrap(), b"12345");
        assert!(matches!(host.read(&file, 4), Err(ReadError::TooLarge { .. })));
        assert_eq!(host.read_start(&file, 2).unwrap(), b"12");
        assert!(matches!(host.read(directory.path(), 9), Err(ReadError::NotAFile { .. })));
        assert!(host.read(&directory.path().join("none"), 9).unwrap_err().is_not_found());
        fs_err::write(&file, b"a\xff").unwrap();
        assert!(matches!(host.read_text(&file, 9), Err(ReadError::NotText { position: 1, .. })));
    }

    #[test]
    #[cfg(unix)]
    fn a_link_loop_is_broken_not_a_hang() {
        let host = Host::current().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("loop");
        fs_err::os::unix::fs::symlink(&link, &link).unwrap();
        assert!(host.is_broken_link(&link));
        assert!(host.read(&link, 1).is_err());
    }

    #[test]
    fn listings_are_sorted_and_bounded() {
        let host = Host::current().unwrap();
        let directory = tempfile::tempdir().unwrap();
        for name in ["b", "a", "c"] {
            fs_err::write(directory.path().join(name), b"").unwrap();
        }
        let names: Vec<_> =
            host.list(directory.path(), 3).unwrap().into_iter().map(|e| e.name).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert!(matches!(host.list(directory.path(), 2), Err(ReadError::TooLarge { .. })));
    }
}
