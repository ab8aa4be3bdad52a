//! Files that are read in parts, at any place.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::files::Files;
use crate::{Host, ReadError};

/// A regular file, open for reading.
pub struct OpenFile {
    path: PathBuf,
    length: u64,
    bytes: Bytes,
}

enum Bytes {
    File(std::fs::File),
    Recorded(Vec<u8>),
}

impl fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenFile").field("path", &self.path).field("length", &self.length).finish()
    }
}

impl OpenFile {
    /// Its length when it was opened, in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Fills `buffer` from `offset` on.
    ///
    /// # Errors
    /// What the system says, and when the file ends before the buffer is full.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match &self.bytes {
            #[cfg(unix)]
            Bytes::File(file) => std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset),
            #[cfg(windows)]
            Bytes::File(file) => {
                let mut filled = 0;
                while filled < buffer.len() {
                    let place = offset + filled as u64;
                    let read = std::os::windows::fs::FileExt::seek_read(
                        file,
                        &mut buffer[filled..],
                        place,
                    );
                    match read {
                        Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                        Ok(count) => filled += count,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            }
            Bytes::Recorded(bytes) => {
                let part = usize::try_from(offset)
                    .ok()
                    .and_then(|start| bytes.get(start..start.checked_add(buffer.len())?))
                    .ok_or(io::ErrorKind::UnexpectedEof)?;
                buffer.copy_from_slice(part);
                Ok(())
            }
        }
    }
}

impl Host {
    /// Opens a regular file, to be read in parts. A pipe or a device is refused before it is opened,
    /// since opening one may wait for ever.
    ///
    /// # Errors
    /// Missing, unreadable or not a regular file.
    pub fn open(&self, path: &Path) -> Result<OpenFile, ReadError> {
        let fail = |source| ReadError::Io { path: path.to_path_buf(), source };
        if !self.metadata(path).map_err(fail)?.is_file() {
            return Err(ReadError::NotAFile { path: path.to_path_buf() });
        }
        let (bytes, length) = match &self.files {
            Files::Real => {
                let file = open(path).map_err(fail)?;
                let metadata = file.metadata().map_err(fail)?;
                if !metadata.is_file() {
                    return Err(ReadError::NotAFile { path: path.to_path_buf() });
                }
                (Bytes::File(file), metadata.len())
            }
            Files::Recorded(tree) => {
                let bytes = tree.read(path).map_err(fail)?.to_vec();
                let length = bytes.len() as u64;
                (Bytes::Recorded(bytes), length)
            }
        };
        Ok(OpenFile { path: path.to_path_buf(), length, bytes })
    }
}

#[expect(clippy::disallowed_methods, reason = "ReadError names the path itself")]
fn open(path: &Path) -> io::Result<std::fs::File> {
    std::fs::File::open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_and_nothing_past_the_end() {
        let host = Host::current().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        fs_err::write(&path, b"0123456789").unwrap();
        let file = host.open(&path).unwrap();
        let mut part = [0; 3];
        file.read_exact_at(&mut part, 7).unwrap();
        assert_eq!((file.length(), &part), (10, b"789"));
        assert!(file.read_exact_at(&mut part, 8).is_err());
        assert!(file.read_exact_at(&mut part, u64::MAX).is_err());
    }

    #[test]
    fn only_regular_files_are_opened() {
        let host = Host::current().unwrap();
        let directory = tempfile::tempdir().unwrap();
        assert!(matches!(host.open(directory.path()), Err(ReadError::NotAFile { .. })));
        assert!(host.open(&directory.path().join("none")).unwrap_err().is_not_found());
        if cfg!(unix) {
            assert!(matches!(host.open(Path::new("/dev/zero")), Err(ReadError::NotAFile { .. })));
        }
    }
}
