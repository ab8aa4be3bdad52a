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

/// The type of a layer's elements: weights, or something that can only be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dtype {
    name: &'static str,
    bytes: usize,
    /// As weights, if that is what they are.
    pub(crate) weights: Option<WeightDtype>,
}

/// Types that are kept and not quantized, as safetensors calls them, and their bytes.
const OTHERS: [(&str, usize); 14] = [
    ("bool", 1),
    ("u8", 1),
    ("i8", 1),
    ("f8_e4m3", 1),
    ("f8_e5m2", 1),
    ("f8_e8m0", 1),
    ("i16", 2),
    ("u16", 2),
    ("i32", 4),
    ("u32", 4),
    ("f64", 8),
    ("i64", 8),
    ("u64", 8),
    ("c64", 8),
];

impl Dtype {
    /// The type of that name.
    pub(crate) fn from_name(name: &str) -> Option<Dtype> {
        if let Some(weights) = WeightDtype::from_name(name) {
            return Some(weights.into());
        }
        let (name, bytes) = OTHERS.into_iter().find(|(known, _)| *known == name)?;
        Some(Dtype { name, bytes, weights: None })
    }

    /// Its name in the column `dtype`.
    pub(crate) fn name(self) -> &'static str {
        self.name
    }

    /// Bytes of an element.
    pub(crate) fn bytes(self) -> usize {
        self.bytes
    }
}

impl From<WeightDtype> for Dtype {
    fn from(weights: WeightDtype) -> Self {
        Dtype { name: weights.name(), bytes: weights.bytes(), weights: Some(weights) }
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
    /// Elements of so many bytes that are no weights.
    Others(usize, &'a [u8]),
}

impl<'a> Weights<'a> {
    /// Little-endian bytes, borrowed as numbers if they can be. `None` if a number is incomplete.
    pub(crate) fn from_bytes(dtype: Dtype, bytes: &'a [u8]) -> Option<Self> {
        if !bytes.len().is_multiple_of(dtype.bytes()) {
            return None;
        }
        let Some(dtype) = dtype.weights else {
            return Some(Weights::Others(dtype.bytes(), bytes));
        };
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
            Weights::Others(size, bytes) => bytes.len() / size,
        }
    }

    /// Writes the elements as they are, little-endian.
    pub(crate) fn write(self, bytes: &mut [u8]) {
        match self {
            Weights::Bytes(_, own) | Weights::Others(_, own) => bytes.copy_from_slice(own),
            Weights::F32(x) => write_all(x, bytes, f32::to_le_bytes),
            Weights::F16(x) => write_all(x, bytes, f16::to_le_bytes),
            Weights::Bf16(x) => write_all(x, bytes, bf16::to_le_bytes),
        }
    }

    /// Whether the elements are these bytes.
    pub(crate) fn are(self, bytes: &[u8]) -> bool {
        match self {
            Weights::Bytes(_, own) | Weights::Others(_, own) => bytes == own,
            Weights::F32(x) => are_all(x, bytes, f32::to_le_bytes),
            Weights::F16(x) => are_all(x, bytes, f16::to_le_bytes),
            Weights::Bf16(x) => are_all(x, bytes, bf16::to_le_bytes),
        }
    }

    /// Some of the numbers as `f32` (none of those that are no weights): borrowed if that is what they are, widened otherwise.
    pub(crate) fn as_f32(self, range: Range<usize>) -> Cow<'a, [f32]> {
        match self {
            Weights::F32(x) => Cow::Borrowed(&x[range]),
            Weights::F16(x) => Cow::Owned(x[range].iter().map(|x| x.to_f32()).collect()),
            Weights::Bf16(x) => Cow::Owned(x[range].iter().map(|x| x.to_f32()).collect()),
            Weights::Bytes(WeightDtype::F32, bytes) => {
                let (words, _) = bytes.as_chunks::<4>();
                Cow::Owned(words[range].iter().map(|word| f32::from_le_bytes(*word)).collect())
            }
            Weights::Others(..) => Cow::Borrowed(&[]),
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

fn write_all<T: bytemuck::NoUninit, const N: usize>(
    x: &[T],
    bytes: &mut [u8],
    little_endian: impl Fn(T) -> [u8; N],
) {
    if cfg!(target_endian = "little") {
        return bytes.copy_from_slice(bytemuck::cast_slice(x));
    }
    for (x, bytes) in x.iter().zip(bytes.as_chunks_mut::<N>().0) {
        *bytes = little_endian(*x);
    }
}

fn are_all<T: bytemuck::NoUninit, const N: usize>(
    x: &[T],
    bytes: &[u8],
    little_endian: impl Fn(T) -> [u8; N],
) -> bool {
    if cfg!(target_endian = "little") {
        return bytes == bytemuck::cast_slice::<T, u8>(x);
    }
    let (words, rest) = bytes.as_chunks::<N>();
    rest.is_empty()
        && words.len() == x.len()
        && x.iter().zip(words).all(|(x, bytes)| *bytes == little_endian(*x))
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
            let odd = Weights::from_bytes(dtype.into(), &shifted[1..]).unwrap();
            let even = Weights::from_bytes(dtype.into(), &aligned).unwrap();
            assert!(matches!(odd, Weights::Bytes(..)));
            assert!(!matches!(even, Weights::Bytes(..)) || cfg!(target_endian = "big"));
            assert_eq!(odd.len(), numbers.len());
            assert_eq!(odd.as_f32(1..4), even.as_f32(1..4));
            assert!(Weights::from_bytes(dtype.into(), &shifted).is_none());
            for weights in [odd, even] {
                let mut written = vec![0; bytes.len()];
                weights.write(&mut written);
                assert_eq!(written, bytes);
                assert!(weights.are(&bytes) && !weights.are(&bytes[1..]));
            }
        }
    }
}
