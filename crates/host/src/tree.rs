//! Trees of files: whose they are, where they lie, and links into them.

use std::io;
use std::path::Path;

/// A user and a group, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    /// The user.
    pub user: u32,
    /// The group.
    pub group: u32,
}

/// Whom files belong to that this process makes; `None` where the system has no such numbers.
#[cfg(unix)]
#[must_use]
pub fn own_ids() -> Option<Ids> {
    Some(Ids {
        user: rustix::process::geteuid().as_raw(),
        group: rustix::process::getegid().as_raw(),
    })
}

/// Whom files belong to that this process makes; `None` where the system has no such numbers.
#[cfg(not(unix))]
#[must_use]
pub fn own_ids() -> Option<Ids> {
    None
}

/// Gives a directory with everything in it to another user; links are given, not followed.
///
/// # Errors
/// What the system says: mostly that only root may.
#[cfg(unix)]
pub fn give_tree(path: &Path, to: Ids) -> io::Result<()> {
    std::os::unix::fs::lchown(path, Some(to.user), Some(to.group))?;
    if fs_err::symlink_metadata(path)?.is_dir() {
        for entry in fs_err::read_dir(path)? {
            give_tree(&entry?.path(), to)?;
        }
    }
    Ok(())
}

/// Gives a directory with everything in it to another user; links are given, not followed.
///
/// # Errors
/// Files have no owners of that kind here.
#[cfg(not(unix))]
pub fn give_tree(_path: &Path, _to: Ids) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Makes a symbolic link at `path` that leads to `target`.
///
/// # Errors
/// What the system says.
pub fn make_link(target: &Path, path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return fs_err::os::unix::fs::symlink(target, path);
    #[cfg(windows)]
    return if target.is_dir() {
        std::os::windows::fs::symlink_dir(target, path)
    } else {
        std::os::windows::fs::symlink_file(target, path)
    };
}

/// Sets the permission bits of a file or directory, where the system has them.
///
/// # Errors
/// What the system says.
pub fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode))
    }
    #[cfg(not(unix))]
    {
        let _ = (path, mode);
        Ok(())
    }
}

/// Copies a file with its permission bits.
///
/// # Errors
/// What the system says.
pub fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    fs_err::copy(from, to).map(drop)
}

/// Moves a file or directory to another name on the same file system. A file that is there is
/// replaced, a directory only if it is empty.
///
/// # Errors
/// What the system says.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs_err::rename(from, to)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_given_and_what_links_lead_to_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let (tree, kept) = (directory.path().join("tree"), directory.path().join("kept"));
        fs_err::create_dir_all(tree.join("a")).unwrap();
        fs_err::write(&kept, "x").unwrap();
        make_link(&kept, &tree.join("a/link")).unwrap();
        make_link(Path::new("/nowhere"), &tree.join("broken")).unwrap();
        let own = own_ids().unwrap();
        give_tree(&tree, own).unwrap();
        if own.user == 0 {
            use std::os::unix::fs::MetadataExt as _;
            give_tree(&tree, Ids { user: 4242, group: 4243 }).unwrap();
            let owner = |path: &Path| fs_err::symlink_metadata(path).unwrap().uid();
            assert_eq!(owner(&tree.join("a/link")), 4242);
            assert_eq!(owner(&kept), 0);
        }
    }
}
