//! Mapped files: the one place of this crate with `unsafe`.
#![allow(unsafe_code, reason = "a file can only be mapped by an unsafe call")]

use std::io;
use std::path::Path;

use memmap2::Mmap;

use crate::error::Result;
use crate::limits::Limits;
use crate::npy::Npy;
use crate::npz::Npz;

/// A whole file, read-only in memory, without being read.
///
/// Pages come from the page cache as they are touched, so opening costs the same for every size.
#[derive(Debug)]
pub struct Map {
    // An empty file cannot be mapped everywhere, so it is represented by nothing.
    map: Option<Mmap>,
}

impl Map {
    /// Maps the file at `path`.
    ///
    /// # Safety
    /// The file must not be changed or cut short, by this process or any other, as long as it is
    /// mapped: its bytes are lent as `&[u8]`, which must never change, and touching what is no longer
    /// there ends the process with `SIGBUS`. No library can see to that, so the caller does.
    ///
    /// Files written by this crate are replaced by renaming and never changed in place, so a map of
    /// one keeps the old file. Files that others write in place are better read with
    /// [`Npz::open`](crate::Npz::open) or [`Npy::open`](crate::Npy::open).
    ///
    /// # Errors
    /// When it cannot be opened, is not a regular file, or is larger than the address space.
    pub unsafe fn open(path: impl AsRef<Path>) -> io::Result<Map> {
        let (file, length) = crate::source::open_regular(path.as_ref())?;
        if length == 0 {
            return Ok(Map { map: None });
        }
        // SAFETY: the mapping belongs to the value, is read-only and is unmapped with it, so every
        // slice borrowed from it is valid memory for its lifetime. That nobody changes the file
        // meanwhile is what the caller promises.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Map { map: Some(map) })
    }

    /// The bytes of the file.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }
}

impl Npy<Map> {
    /// Maps the file at `path` and reads its header: the time does not depend on the size.
    ///
    /// # Safety
    /// As [`Map::open`]: nobody may change the file while it is mapped.
    ///
    /// # Errors
    /// As [`Npy::open`].
    pub unsafe fn map(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        // SAFETY: the caller promises what `Map::open` asks for.
        let map = unsafe { Map::open(path) };
        let open = || Self::from_source(map?, Limits::default());
        open().map_err(|error| error.at(path))
    }
}

impl Npz<Map> {
    /// Maps the file at `path` and reads its directory; stored arrays can then be borrowed with
    /// [`view`](Npz::view).
    ///
    /// # Safety
    /// As [`Map::open`]: nobody may change the file while it is mapped.
    ///
    /// # Errors
    /// As [`Npz::open`].
    pub unsafe fn map(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        // SAFETY: the caller promises what `Map::open` asks for.
        let map = unsafe { Map::open(path) };
        let open = || Self::from_source(map?, Limits::default());
        open().map_err(|error| error.at(path))
    }
}
