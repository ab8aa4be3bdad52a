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
