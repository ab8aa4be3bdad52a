//! Small questions about paths that more than one part asks.

use std::path::{Path, PathBuf};

use host::{Host, Os};

/// What a path is, whatever its spelling: two paths with the same identity are one directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Identity {
    /// Device and inode, where the system has them: one `stat`, no walk along the links.
    Inode(u64, u64),
    /// The path with every link followed, or as it is when it does not exist.
    Path(PathBuf),
}

/// The identity of `path`.
pub(crate) fn identity(host: &Host, path: &Path) -> Identity {
    match host.metadata(path) {
        Ok(metadata) if metadata.inode != 0 => Identity::Inode(metadata.device, metadata.inode),
        Ok(_) => Identity::Path(fold_case(
            host.os,
            host.canonicalize(path).unwrap_or_else(|_| path.to_path_buf()),
        )),
        Err(_) => Identity::Path(fold_case(host.os, path.to_path_buf())),
    }
}

/// Whether two paths are one, by spelling first and by identity only if that does not settle it.
pub(crate) fn same(host: &Host, a: &Path, b: &Path) -> bool {
    a == b || identity(host, a) == identity(host, b)
}

fn fold_case(os: Os, path: PathBuf) -> PathBuf {
    match (os, path.to_str()) {
        (Os::Windows | Os::Macos, Some(text)) => PathBuf::from(text.to_lowercase()),
        _ => path,
    }
}

/// A path that some file names, with the slashes of [`host::HostPath`].
pub(crate) fn from_text(os: Os, text: &str) -> PathBuf {
    match os {
        Os::Windows => PathBuf::from(text.replace('\\', "/")),
        Os::Linux | Os::Macos => PathBuf::from(text),
    }
}

/// Whether `path` is absolute on `os`, which need not be the system this runs on.
pub(crate) fn is_absolute(os: Os, path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.first() == Some(&b'/')
        || os == Os::Windows && bytes.get(1) == Some(&b':') && bytes.get(2) == Some(&b'/')
}

/// `path`, counted from `base` unless it is absolute.
pub(crate) fn join(os: Os, base: &Path, path: &Path) -> PathBuf {
    if is_absolute(os, path) { path.to_path_buf() } else { base.join(path) }
}

/// The directory of an environment's programs.
pub(crate) fn scripts_directory(os: Os, prefix: &Path) -> PathBuf {
    prefix.join(if os == Os::Windows { "Scripts" } else { "bin" })
}

/// A leading `~` replaced by the home directory.
pub(crate) fn expand_home(host: &Host, text: &str) -> Option<PathBuf> {
    let path = from_text(host.os, text);
    match path.strip_prefix("~") {
        Ok(rest) => Some(host.home.as_ref()?.join(rest)),
        Err(_) => Some(path),
    }
}
