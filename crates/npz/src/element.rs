//! The Rust types that array elements can be read as and written from.

use bytemuck::{CheckedBitPattern, NoUninit};
#[cfg(feature = "numbers")]
use half::{bf16, f16};
#[cfg(feature = "numbers")]
use num_complex::Complex;

#[cfg(feature = "numbers")]
use crate::dtype::Extension;
use crate::dtype::{DType, Kind};

/// A Rust type with the same bytes as a numpy type.
///
/// It is implemented for `bool`, the integers, `f16`, `f32`, `f64`, [`Complex`] numbers, byte
/// strings `[u8; N]`, and (for reading) `bf16`. `i64` also reads dates and durations, whose unit is
/// in the array's [`DType`]. Implement it for a `#[repr(C)]` structure to read and write records:
///
/// ```
/// use bytemuck::{Pod, Zeroable};
/// use npz::{ArrayView, DType, Element, Record};
///
/// #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
/// #[repr(C)]
/// struct Point {
///     x: f32,
///     y: f32,
///     id: u32,
/// }
///
/// impl Element for Point {
///     fn dtype() -> DType {
///         let fields = [("x", f32::dtype()), ("y", f32::dtype()), ("id", u32::dtype())];
///         DType::Record(Record::packed(fields))
///     }
/// }
///
/// let points = [Point { x: 1.0, y: 2.0, id: 3 }];
/// let view = ArrayView::from_slice(&points, &[1])?;
/// assert_eq!(view.field("id")?.to_vec::<u32>()?, [3]);
/// assert_eq!(view.as_slice::<Point>()?, points);
/// # Ok::<(), npz::Error>(())
/// ```
pub trait Element: CheckedBitPattern + NoUninit {
    /// The numpy type with these bytes, in the byte order of this machine.
    fn dtype() -> DType;

    /// Whether elements of type `dtype` can be read as this. By default, when it is
    /// [`dtype`](Element::dtype).
    #[must_use]
    fn reads(dtype: &DType) -> bool {
        *dtype == Self::dtype()
    }
}

macro_rules! numbers {
    ($($rust:ty => $kind:expr),* $(,)?) => {
        $(impl Element for $rust {
            fn dtype() -> DType {
                DType::number($kind, size_of::<$rust>())
            }
        })*
    };
}

numbers! {
    bool => Kind::Bool,
    i8 => Kind::Int,
    i16 => Kind::Int,
    i32 => Kind::Int,
    u8 => Kind::UInt,
    u16 => Kind::UInt,
    u32 => Kind::UInt,
    u64 => Kind::UInt,
    f32 => Kind::Float,
    f64 => Kind::Float,
}

#[cfg(feature = "numbers")]
numbers! {
    f16 => Kind::Float,
    Complex<f32> => Kind::Complex,
    Complex<f64> => Kind::Complex,
}

impl Element for i64 {
    fn dtype() -> DType {
        DType::number(Kind::Int, 8)
    }

    fn reads(dtype: &DType) -> bool {
        let time = |kind| matches!(kind, Kind::Datetime(_) | Kind::Timedelta(_));
        *dtype == Self::dtype()
            || (dtype.as_scalar().is_some_and(|s| time(s.kind)) && !dtype.is_swapped())
    }
}

/// Reads `bfloat16` by name, and the two-byte void that `np.save` writes for it. Writing is refused
/// as no plain numpy loads it; write the bits as `u16`.
#[cfg(feature = "numbers")]
impl Element for bf16 {
    fn dtype() -> DType {
        DType::number(Kind::Extension(Extension::Bfloat16), 2)
    }

    fn reads(dtype: &DType) -> bool {
        let void = |kind, size| kind == Kind::Void && size == 2;
        *dtype == Self::dtype()
            || dtype.as_scalar().is_some_and(|s| s.may_be_extension() && void(s.kind, s.size))
    }
}

/// Byte strings; void types of the same size are read too.
impl<const N: usize> Element for [u8; N] {
    fn dtype() -> DType {
        DType::bytes(N)
    }

    fn reads(dtype: &DType) -> bool {
        dtype.as_scalar().is_some_and(|scalar| {
            let bytes = matches!(scalar.kind, Kind::Bytes | Kind::Void | Kind::LongDouble);
            bytes && scalar.size == N
        })
    }
}
