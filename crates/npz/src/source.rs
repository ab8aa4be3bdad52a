//! Where the bytes of a file come from.

use std::borrow::Borrow;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::map::Map;

/// Bytes that can be read at any place, from several threads at once.
pub trait Source: Send + Sync {
    /// How many bytes there are.
    fn length(&self) -> u64;

    /// Fills `buffer` from `offset` on.
    ///
    /// # Errors
    /// When there are fewer bytes, or they cannot be read.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// All the bytes, when they are in memory already.
    fn in_memory(&self) -> Option<&[u8]> {
        None
    }
}

/// A file that is read in pieces.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    length: u64,
}

impl FileSource {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// When it cannot be opened or is not a regular file: the size of a pipe is not known before
    /// its end, so read pipes with [`NpyReader`](crate::NpyReader).
    pub fn open(path: impl AsRef<Path>) -> io::Result<FileSource> {
        let (file, length) = open_regular(path.as_ref())?;
        Ok(FileSource { file, length })
    }
}

/// Opens a regular file, and says how long it is.
///
/// What it is is asked before as well, since opening a pipe waits until somebody writes into it.
pub(crate) fn open_regular(path: &Path) -> io::Result<(File, u64)> {
    let regular = |metadata: &Metadata| match metadata.is_file() {
        true => Ok(metadata.len()),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")),
    };
    regular(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    let length = regular(&file.metadata()?)?;
    Ok((file, length))
}

impl Source for FileSource {
    fn length(&self) -> u64 {
        self.length
    }

    #[cfg(unix)]
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, buffer, offset)
    }

    #[cfg(windows)]
    fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        use std::os::windows::fs::FileExt;
        while !buffer.is_empty() {
            match self.file.seek_read(buffer, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    buffer = &mut buffer[n..];
                    offset += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

macro_rules! in_memory {
    ($($type:ty => $bytes:expr),* $(,)?) => {
        $(impl Source for $type {
            fn length(&self) -> u64 {
                $bytes(self).len() as u64
            }

            fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
                copy_at($bytes(self), buffer, offset)
            }

            fn in_memory(&self) -> Option<&[u8]> {
                Some($bytes(self))
            }
        })*
    };
}

in_memory! {
    Map => Map::as_bytes,
    &[u8] => Borrow::<[u8]>::borrow,
    Vec<u8> => Vec::as_slice,
    Arc<[u8]> => Arc::as_ref,
}

fn copy_at(bytes: &[u8], buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let part = usize::try_from(offset)
        .ok()
        .and_then(|start| bytes.get(start..start.checked_add(buffer.len())?))
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    buffer.copy_from_slice(part);
    Ok(())
}

/// A part of a source, read from its start to its end.
#[derive(Debug)]
pub(crate) struct Section<'a, S> {
    source: &'a S,
    offset: u64,
    remaining: u64,
}

impl<'a, S: Source> Section<'a, S> {
    pub(crate) fn new(source: &'a S, offset: u64, length: u64) -> Self {
        Section { source, offset, remaining: length }
    }

    pub(crate) fn remaining(&self) -> u64 {
        self.remaining
    }
}

impl<S: Source> io::Read for Section<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(buffer.len());
        self.source.read_exact_at(&mut buffer[..length], self.offset)?;
        self.offset += length as u64;
        self.remaining -= length as u64;
        Ok(length)
    }
}
