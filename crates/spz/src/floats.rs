//! Arrays of numbers.

use std::fmt;
use std::ops::{Deref, DerefMut};

use npz::Buffer;

use crate::error::{ErrorKind, Result};

/// Numbers in memory of their own, which is taken in huge pages when it is large.
pub struct Floats(Buffer);

impl Floats {
    pub(crate) fn zeroed(count: usize) -> Result<Floats> {
        let no_memory = || {
            let bytes = (count as u64).saturating_mul(4);
            ErrorKind::OutOfMemory { bytes }
        };
        let bytes = count.checked_mul(4).ok_or_else(no_memory)?;
        Ok(Floats(Buffer::zeroed(bytes).map_err(|_| no_memory())?))
    }

    /// The memory itself, four bytes a number in this machine's order.
    pub fn into_buffer(self) -> Buffer {
        self.0
    }
}

impl Deref for Floats {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        bytemuck::cast_slice(&self.0)
    }
}

impl DerefMut for Floats {
    fn deref_mut(&mut self) -> &mut [f32] {
        bytemuck::cast_slice_mut(&mut self.0)
    }
}

impl fmt::Debug for Floats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Floats").field("length", &self.len()).finish_non_exhaustive()
    }
}
