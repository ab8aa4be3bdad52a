//! Copying and moving files, with modes that no umask changes.

use std::io;
use std::path::Path;

use crate::write::create_directory;

/// Copies a file that is no link. The copy may be read by everyone and written by its owner, and be
/// run if `executable`; directories that are missing are made.
///
/// # Errors
/// What the system says.
pub fn copy_file(from: &Path, to: &Path, executable: bool) -> io::Result<()> {
    make_parent(to)?;
    let mut source = fs_err::File::open(from)?;
    let mut target = fs_err::File::create(to)?;
    io::copy(&mut source, &mut target)?;
    set_mode(to, if executable { 0o755 } else { 0o644 })
}

/// Makes a link that leads where another one does.
///
/// # Errors
/// What the system says; on systems where links need a privilege, that it is missing.
pub fn copy_link(from: &Path, to: &Path) -> io::Result<()> {
    make_parent(to)?;
    let target = fs_err::read_link(from)?;
    #[cfg(unix)]
    return fs_err::os::unix::fs::symlink(target, to);
    #[cfg(windows)]
    return fs_err::os::windows::fs::symlink_file(target, to);
}

/// Gives a file or directory another name on the same file system; a file that has that name is
/// replaced.
///
/// # Errors
/// What the system says.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    make_parent(to)?;
    fs_err::rename(from, to)
}

/// Lets everybody read a directory and write in it, or only its owner.
///
/// # Errors
/// What the system says.
pub fn share_directory(path: &Path, everybody_writes: bool) -> io::Result<()> {
    set_mode(path, if everybody_writes { 0o777 } else { 0o755 })
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), create_directory)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_have_their_own_modes_and_links_stay_links() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs_err::write(at("program"), "x").unwrap();
        copy_file(&at("program"), &at("a/b/program"), true).unwrap();
        copy_file(&at("program"), &at("a/text"), false).unwrap();
        rename(&at("a/text"), &at("c/text")).unwrap();
        assert_eq!(fs_err::read(at("c/text")).unwrap(), b"x");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode =
                |name: &str| fs_err::metadata(at(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode("a/b/program"), mode("c/text")), (0o755, 0o644));
            fs_err::os::unix::fs::symlink("nowhere", at("link")).unwrap();
            copy_link(&at("link"), &at("d/link")).unwrap();
            assert_eq!(fs_err::read_link(at("d/link")).unwrap(), Path::new("nowhere"));
        }
    }
}
