//! Mapped files: the one place of this crate with `unsafe`.
#![allow(unsafe_code, reason = "a file can only be mapped by an unsafe call")]

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

/// A whole file, read-only in memory, without being read.
///
/// Pages come from the page cache as they are touched, so opening costs the same for every size.
///
/// **The file must not be changed or cut short while it is mapped.** That is the contract of every
/// memory-mapped file, and no library can enforce it: bytes that another process overwrites change
/// under the reader, and touching pages of a file that was cut short ends the process with
/// `SIGBUS`. Files written by this crate are replaced by renaming, never changed in place, so they
/// keep the contract; read files that others write in place with [`Npz::open`](crate::Npz::open)
/// or [`Npy::open`](crate::Npy::open) instead.
#[derive(Debug)]
pub struct Map {
    // An empty file cannot be mapped everywhere, so it is represented by nothing.
    map: Option<Mmap>,
}

impl Map {
    /// Maps the file at `path`.
    ///
    /// # Errors
    /// When it cannot be opened, is not a regular file, or is larger than the address space.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Map> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        if metadata.len() == 0 {
            return Ok(Map { map: None });
        }
        // SAFETY: the mapping is private to this value, read-only and unmapped with it, so every
        // slice borrowed from it is valid memory for its lifetime. That nobody changes the file
        // meanwhile is the documented contract of this type.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Map { map: Some(map) })
    }

    /// The bytes of the file.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }
}
