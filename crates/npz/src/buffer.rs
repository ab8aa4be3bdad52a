//! Memory for arrays: aligned for every element type, in huge pages when it is large.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

use crate::error::{ErrorKind, Result};

/// Every buffer starts at a multiple of this many bytes.
pub const ALIGNMENT: usize = 64;

/// From this size on, memory comes straight from the operating system, in huge pages if it can:
/// faulting in small pages one by one costs several times more than filling them.
const PAGED_FROM: usize = 1 << 20;

/// Owned bytes, aligned to [`ALIGNMENT`].
pub struct Buffer {
    storage: Storage,
    start: usize,
    length: usize,
}

enum Storage {
    Heap(Vec<u8>),
    Pages(MmapMut),
}

impl Buffer {
    /// `length` zero bytes.
    ///
    /// # Errors
    /// When there is not that much memory. The process is not aborted.
    pub fn zeroed(length: usize) -> Result<Buffer> {
        if length >= PAGED_FROM {
            let pages = MmapMut::map_anon(length)?;
            // Without huge pages the buffer is slower to fill but the same, so a refusal is fine.
            #[cfg(target_os = "linux")]
            let _ = pages.advise(memmap2::Advice::HugePage);
            return Ok(Buffer { storage: Storage::Pages(pages), start: 0, length });
        }
        // A type with an alignment of its own would need `unsafe`, or a macro's crate to write it.
        let mut heap = Vec::new();
        heap.try_reserve_exact(length + ALIGNMENT - 1)
            .map_err(|_| ErrorKind::Io(io::Error::from(io::ErrorKind::OutOfMemory)))?;
        heap.resize(length + ALIGNMENT - 1, 0);
        let address = heap.as_ptr().addr();
        let start = address.next_multiple_of(ALIGNMENT) - address;
        Ok(Buffer { storage: Storage::Heap(heap), start, length })
    }

    /// A copy of `bytes`.
    ///
    /// # Errors
    /// When there is not that much memory.
    pub fn copy_of(bytes: &[u8]) -> Result<Buffer> {
        let mut buffer = Buffer::zeroed(bytes.len())?;
        buffer.copy_from_slice(bytes);
        Ok(buffer)
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let bytes: &[u8] = match &self.storage {
            Storage::Heap(heap) => heap,
            Storage::Pages(pages) => pages,
        };
        &bytes[self.start..self.start + self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        let bytes: &mut [u8] = match &mut self.storage {
            Storage::Heap(heap) => heap,
            Storage::Pages(pages) => pages,
        };
        &mut bytes[self.start..self.start + self.length]
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("length", &self.length).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_aligned_and_zero() {
        for length in [0, 1, 63, 64, 65, 4096, PAGED_FROM - 1, PAGED_FROM, PAGED_FROM * 5 + 3] {
            let mut buffer = Buffer::zeroed(length).unwrap();
            assert_eq!(buffer.len(), length);
            assert_eq!(buffer.as_ptr().addr() % ALIGNMENT, 0);
            assert!(buffer.iter().all(|&byte| byte == 0));
            buffer.fill(7);
            assert!(buffer.iter().all(|&byte| byte == 7));
        }
    }

    #[test]
    fn more_than_there_is_is_an_error() {
        assert!(Buffer::zeroed(usize::MAX / 2).is_err());
    }
}
