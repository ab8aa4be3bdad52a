//! Directories that are gone when the work is done, and locks between processes.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::write::{create_directory, remove_tree};

/// A lock between processes, held until it is dropped or its process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until nobody else holds the lock. The file is made where it is missing, and stays.
    ///
    /// # Errors
    /// The file cannot be made, or the file system has no locks.
    pub fn wait(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        file.lock()?;
        Ok(Self { _file: file })
    }

    /// The lock, unless somebody else holds it.
    ///
    /// # Errors
    /// As [`Lock::wait`].
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent() {
        create_directory(parent)?;
    }
    let file = fs_err::OpenOptions::new().create(true).append(true).open(path)?;
    Ok(file.into_parts().0)
}

/// A directory of a name that nobody else has, removed with its contents when it is dropped.
///
/// A process that is killed cannot remove its own; the next one in the same place does.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    lock_path: PathBuf,
    _lock: Lock,
}

impl Scratch {
    /// Makes `PARENT/PREFIX-NUMBER`, and removes those that processes left behind there.
    ///
    /// # Errors
    /// The directory cannot be made, or the file system has no locks.
    pub fn new(parent: &Path, prefix: &str) -> io::Result<Self> {
        create_directory(parent)?;
        remove_abandoned(parent, prefix);
        let process = std::process::id();
        for number in 0..10_000 {
            let path = parent.join(format!("{prefix}-{process}-{number}"));
            let lock_path = lock_path(&path);
            let Some(lock) = Lock::take(&lock_path)? else { continue };
            match fs_err::create_dir(&path) {
                Ok(()) => return Ok(Self { path, lock_path, _lock: lock }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    let _ = remove_tree(&lock_path);
                    return Err(error);
                }
            }
        }
        Err(io::Error::other(format!("{} is full of {prefix}-*", parent.display())))
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Whoever comes next tries again.
        if remove_tree(&self.path).is_ok() {
            let _ = remove_tree(&self.lock_path);
        }
    }
}

fn lock_path(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

fn remove_abandoned(parent: &Path, prefix: &str) {
    let Ok(entries) = fs_err::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_lock = name
            .to_str()
            .is_some_and(|name| name.starts_with(&format!("{prefix}-")) && name.ends_with(".lock"));
        let path = entry.path();
        if is_lock
            && let Ok(Some(_held)) = Lock::take(&path)
            && remove_tree(&path.with_extension("")).is_ok()
        {
            let _ = remove_tree(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path) -> Vec<String> {
        let entries = fs_err::read_dir(path).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_lock_is_held_by_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/lock");
        let held = Lock::wait(&path).unwrap();
        assert!(Lock::take(&path).unwrap().is_none());
        drop(held);
        assert!(Lock::take(&path).unwrap().is_some());
    }

    #[test]
    fn nothing_is_left_of_a_scratch_directory() {
        let directory = tempfile::tempdir().unwrap();
        let one = Scratch::new(directory.path(), "run").unwrap();
        let two = Scratch::new(directory.path(), "run").unwrap();
        assert_ne!(one.path(), two.path());
        fs_err::write(one.path().join("file"), "x").unwrap();
        drop(one);
        assert!(fs_err::metadata(two.path()).is_ok());
        drop(two);
        assert_eq!(names(directory.path()), [""; 0]);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_other_files_stay() {
        let directory = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(directory.path().join("run-1-0/deep")).unwrap();
        for name in ["run-1-0.lock", "runner-1.lock", "other"] {
            fs_err::write(directory.path().join(name), "").unwrap();
        }
        drop(Scratch::new(directory.path(), "run").unwrap());
        assert_eq!(names(directory.path()), ["other", "runner-1.lock"]);
    }
}
