//! Writing files so that a reader sees the old one or the new one, never half.

use std::io::{self, Write as _};
use std::path::Path;

/// Writes `bytes` beside `path`, makes them durable, and renames them into place. Nothing is left
/// behind on failure. Missing parent directories are created.
///
/// # Errors
/// What the system says: no room, no permission, a parent that is not a directory.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs_err::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A file that is written piece by piece beside its place, and is nowhere until it is whole.
#[derive(Debug)]
pub struct NewFile {
    file: tempfile::NamedTempFile,
    path: std::path::PathBuf,
}

impl NewFile {
    /// Begins a file in the directory of `path`.
    ///
    /// # Errors
    /// What the system says: no room, no permission, no such directory.
    pub fn create(path: &Path) -> io::Result<Self> {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let file = tempfile::NamedTempFile::new_in(directory)?;
        Ok(Self { file, path: path.to_path_buf() })
    }

    /// Makes it durable and moves it to its place, with the permissions of `like`, or those of any
    /// new file. Unless it may `replace` one, a file that is there already is left, and an error.
    ///
    /// # Errors
    /// What the system says.
    pub fn commit(self, like: Option<&Path>, replace: bool) -> io::Result<()> {
        let permissions = match like {
            Some(like) => Some(fs_err::metadata(like)?.permissions()),
            None => new_permissions(),
        };
        if let Some(permissions) = permissions {
            self.file.as_file().set_permissions(permissions)?;
        }
        self.file.as_file().sync_all()?;
        if replace {
            self.file.persist(&self.path).map_err(|error| error.error)?;
        } else {
            self.file.persist_noclobber(&self.path).map_err(|error| error.error)?;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn new_permissions() -> Option<std::fs::Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn new_permissions() -> Option<std::fs::Permissions> {
    None
}

impl io::Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl io::Seek for NewFile {
    fn seek(&mut self, position: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

/// Keeps a file under another name as well: as a link to it where the file system can, otherwise as a
/// copy. A file that has the other name already is left, and an error.
///
/// # Errors
/// What the system says.
pub fn keep_beside(path: &Path, other: &Path) -> io::Result<()> {
    match fs_err::hard_link(path, other) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        Err(_) => {}
    }
    let mut from = fs_err::File::open(path)?;
    let mut to = NewFile::create(other)?;
    io::copy(&mut from, &mut to)?;
    to.commit(Some(path), false)
}

/// Makes a directory and those above it; one that is there already is no error.
///
/// # Errors
/// What the system says.
pub fn create_directory(path: &Path) -> io::Result<()> {
    fs_err::create_dir_all(path)
}

/// Removes a directory with everything in it, or a file; links are removed, not followed. That
/// there is nothing is no error.
///
/// # Errors
/// What the system says.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    let removed = match fs_err::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs_err::remove_dir_all(path),
        Ok(_) => fs_err::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Removes a directory if there is nothing in it, and says whether it did.
pub fn remove_empty_directory(path: &Path) -> bool {
    fs_err::remove_dir(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_pieces_is_nowhere_until_it_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.bin");
        let mut file = NewFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 0);
        let mut file = NewFile::create(&path).unwrap();
        file.write_all(b"whole").unwrap();
        file.commit(None, false).unwrap();
        let again = NewFile::create(&path).unwrap();
        assert!(again.commit(None, false).is_err());
        assert_eq!(fs_err::read(&path).unwrap(), b"whole");
        assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b.json");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs_err::read(&path).unwrap(), b"two");
        assert_eq!(fs_err::read_dir(directory.path().join("a")).unwrap().count(), 1);
    }

    #[test]
    fn a_tree_is_removed_and_what_links_lead_to_stays() {
        let directory = tempfile::tempdir().unwrap();
        let (tree, kept) = (directory.path().join("tree"), directory.path().join("kept"));
        create_directory(&tree.join("a/b")).unwrap();
        create_directory(&kept).unwrap();
        #[cfg(unix)]
        fs_err::os::unix::fs::symlink(&kept, tree.join("link")).unwrap();
        remove_tree(&tree).unwrap();
        remove_tree(&tree).unwrap();
        assert!(fs_err::metadata(&tree).is_err() && fs_err::metadata(&kept).is_ok());
    }
}
