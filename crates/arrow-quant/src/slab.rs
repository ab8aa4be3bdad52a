//! The memory of an output batch: codes, scales and zero points in one allocation, written once.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float16Array, Float32Array, LargeBinaryArray, LargeListArray};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field};
use half::f16;

use crate::error::{Error, Result};

/// A buffer of `npz` as `bytes` takes it over.
pub(crate) struct Owner(pub(crate) npz::Buffer);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Zeroed memory for the results of a batch.
pub(crate) struct Slab {
    memory: npz::Buffer,
    codes: usize,
    scales_at: usize,
    scales: usize,
    zeros: usize,
}

impl Slab {
    /// Memory for so many bytes of codes, scales and zero points.
    ///
    /// # Errors
    /// When there is not that much memory.
    pub(crate) fn new(codes: usize, scales: usize, zeros: usize) -> Result<Slab> {
        let size = || {
            let scales_at = codes.checked_next_multiple_of(npz::ALIGNMENT)?;
            Some((scales_at, scales.checked_add(zeros)?.checked_mul(4)?.checked_add(scales_at)?))
        };
        let (scales_at, bytes) = size().ok_or(Error::Memory { bytes: None })?;
        let memory =
            npz::Buffer::zeroed(bytes).map_err(|_| Error::Memory { bytes: Some(bytes) })?;
        Ok(Slab { memory, codes, scales_at, scales, zeros })
    }

    /// Codes, scales and zero points, to be written.
    pub(crate) fn parts(&mut self) -> (&mut [u8], &mut [f32], &mut [f32]) {
        let (codes, rest) = self.memory.split_at_mut(self.scales_at);
        let (scales, zeros) = bytemuck::cast_slice_mut(rest).split_at_mut(self.scales);
        (&mut codes[..self.codes], scales, zeros)
    }

    /// The columns of the batch, which share the memory. The offsets of each row count elements.
    ///
    /// # Errors
    /// When the offsets are not those of the memory.
    pub(crate) fn into_columns(
        self,
        codes: Vec<i64>,
        scales: Vec<i64>,
        zeros: Vec<i64>,
    ) -> Result<[ArrayRef; 3]> {
        let memory = Buffer::from(bytes::Bytes::from_owner(Owner(self.memory)));
        let offsets = |offsets: Vec<i64>| OffsetBuffer::new(ScalarBuffer::from(offsets));
        let data = memory.slice_with_length(0, self.codes);
        let data = LargeBinaryArray::try_new(offsets(codes), data, None)?;
        let list = |at: usize, length: usize, bounds: Vec<i64>| {
            let values = ScalarBuffer::<f32>::new(memory.clone(), self.scales_at / 4 + at, length);
            let values: ArrayRef = Arc::new(Float32Array::try_new(values, None)?);
            LargeListArray::try_new(float_item(), offsets(bounds), values, None)
        };
        let scale_lists = list(0, self.scales, scales)?;
        let zero_lists = list(self.scales, self.zeros, zeros)?;
        Ok([Arc::new(data), Arc::new(scale_lists), Arc::new(zero_lists)])
    }

    /// The codes as a column of `f16`. The offsets of each row count elements.
    ///
    /// # Errors
    /// When the offsets are not those of the memory.
    pub(crate) fn into_half_lists(self, bounds: Vec<i64>) -> Result<ArrayRef> {
        let count = self.codes / 2;
        let memory = Buffer::from(bytes::Bytes::from_owner(Owner(self.memory)));
        let values = ScalarBuffer::<f16>::new(memory, 0, count);
        let values: ArrayRef = Arc::new(Float16Array::try_new(values, None)?);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(bounds));
        Ok(Arc::new(LargeListArray::try_new(half_item(), offsets, values, None)?))
    }
}

/// The item of lists of `f16`.
pub(crate) fn half_item() -> Arc<Field> {
    Arc::new(Field::new_list_field(DataType::Float16, true))
}

/// The item of lists of `f32`.
pub(crate) fn float_item() -> Arc<Field> {
    Arc::new(Field::new_list_field(DataType::Float32, true))
}
