//! The numbers of a row, borrowed from Arrow: of which type, and read as `f32`.

use half::{bf16, f16};
use std::borrow::Cow;
use std::ops::Range;

/// The types of weights that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WeightDtype {
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of an `f32`, which Arrow has no type for: little-endian bytes in a binary
    /// column.
    Bf16,
}

impl WeightDtype {
    /// Its name in the column `dtype`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            WeightDtype::F32 => "f32",
            WeightDtype::F16 => "f16",
            WeightDtype::Bf16 => "bf16",
        }
    }

    /// The type of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<WeightDtype> {
        [WeightDtype::F32, WeightDtype::F16, WeightDtype::Bf16]
            .into_iter()
            .find(|dtype| dtype.name() == name)
    }

    fn bytes(self) -> usize {
        if self == WeightDtype::F32 { 4 } else { 2 }
    }
}

/// Numbers where Arrow keeps them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Weights<'a> {
    F32(&'a [f32]),
    F16(&'a [f16]),
    Bf16(&'a [bf16]),
    /// Little-endian bytes that are not aligned to their type, or a machine that is not
    /// little-endian.
    Bytes(WeightDtype, &'a [u8]),
}

impl<'a> Weights<'a> {
    /// Little-endian bytes, borrowed as numbers if they can be. `None` if a number is incomplete.
    pub(crate) fn from_bytes(dtype: WeightDtype, bytes: &'a [u8]) -> Option<Self> {
        if !bytes.len().is_multiple_of(dtype.bytes()) {
            return None;
        }
        let aligned = match dtype {
            _ if cfg!(target_endian = "big") => None,
            WeightDtype::F32 => bytemuck::try_cast_slice(bytes).ok().map(Weights::F32),
            WeightDtype::F16 => bytemuck::try_cast_slice(bytes).ok().map(Weights::F16),
            WeightDtype::Bf16 => bytemuck::try_cast_slice(bytes).ok().map(Weights::Bf16),
        };
        Some(aligned.unwrap_or(Weights::Bytes(dtype, bytes)))
    }

    pub(crate) fn len(self) -> usize {
        match self {
            Weights::F32(x) => x.len(),
            Weights::F16(x) => x.len(),
            Weights::Bf16(x) => x.len(),
            Weights::Bytes(dtype, bytes) => bytes.len() / dtype.bytes(),
        }
    }

    /// Some of the numbers as `f32`: borrowed if that is what they are, widened otherwise.
    pub(crate) fn as_f32(self, range: Range<usize>) -> Cow<'a, [f32]> {
        match self {
            Weights::F32(x) => Cow::Borrowed(&x[range]),
            Weights::F16(x) => Cow::Owned(x[range].iter().map(|x| x.to_f32()).collect()),
            Weights::Bf16(x) => Cow::Owned(x[range].iter().map(|x| x.to_f32()).collect()),
            Weights::Bytes(WeightDtype::F32, bytes) => {
                let (words, _) = bytes.as_chunks::<4>();
                Cow::Owned(words[range].iter().map(|word| f32::from_le_bytes(*word)).collect())
            }
            Weights::Bytes(dtype, bytes) => {
                let (words, _) = bytes.as_chunks::<2>();
                let widen = |word: &[u8; 2]| match dtype {
                    WeightDtype::F16 => f16::from_le_bytes(*word).to_f32(),
                    _ => bf16::from_le_bytes(*word).to_f32(),
                };
                Cow::Owned(words[range].iter().map(widen).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unaligned_bytes_are_the_same_numbers() {
        let numbers = [1.5f32, -0.25, 3e-5, 7.0];
        for dtype in [WeightDtype::F32, WeightDtype::F16, WeightDtype::Bf16] {
            let bytes: Vec<u8> = numbers
                .iter()
                .flat_map(|&x| match dtype {
                    WeightDtype::F32 => x.to_le_bytes().to_vec(),
                    WeightDtype::F16 => f16::from_f32(x).to_le_bytes().to_vec(),
                    WeightDtype::Bf16 => bf16::from_f32(x).to_le_bytes().to_vec(),
                })
                .collect();
            let mut shifted = npz::Buffer::zeroed(bytes.len() + 1).unwrap();
            shifted[1..].copy_from_slice(&bytes);
            let aligned = npz::Buffer::copy_of(&bytes).unwrap();
            let odd = Weights::from_bytes(dtype, &shifted[1..]).unwrap();
            let even = Weights::from_bytes(dtype, &aligned).unwrap();
            assert!(matches!(odd, Weights::Bytes(..)));
            assert!(!matches!(even, Weights::Bytes(..)) || cfg!(target_endian = "big"));
            assert_eq!(odd.len(), numbers.len());
            assert_eq!(odd.as_f32(1..4), even.as_f32(1..4));
            assert!(Weights::from_bytes(dtype, &shifted).is_none());
        }
    }
}
