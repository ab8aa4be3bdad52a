//! Arrays in memory: owned, borrowed, and single fields of structured ones.

use std::borrow::Cow;

use crate::buffer::Buffer;
use crate::dtype::{DType, Endian, Kind, swap_bytes};
use crate::element::Element;
use crate::error::{ErrorKind, Result};
use crate::header::{Header, Order};

/// An array that owns its data.
#[derive(Debug)]
pub struct Array {
    header: Header,
    data: Buffer,
}

/// An array whose data are borrowed: from a slice, an [`Array`] or a mapped file.
#[derive(Debug, Clone)]
pub struct ArrayView<'a> {
    header: Cow<'a, Header>,
    data: &'a [u8],
}

impl Array {
    pub(crate) fn new(header: Header, data: Buffer) -> Array {
        debug_assert_eq!(header.nbytes(), data.len());
        Array { header, data }
    }

    /// Type, shape and order.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The type of the elements.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        self.header.dtype()
    }

    /// The length of each axis; empty for a single value.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.header.shape()
    }

    /// How the elements follow each other.
    #[must_use]
    pub fn order(&self) -> Order {
        self.header.order()
    }

    /// The data, as in the file. They start at a multiple of [`ALIGNMENT`](crate::ALIGNMENT).
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// The data, to be changed in place.
    #[must_use]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// The same array, borrowed.
    #[must_use]
    pub fn view(&self) -> ArrayView<'_> {
        ArrayView { header: Cow::Borrowed(&self.header), data: &self.data }
    }

    /// The elements without copying, in the order of [`order`](Array::order).
    ///
    /// # Errors
    /// As [`ArrayView::as_slice`].
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        slice_of(&self.header, &self.data)
    }

    /// A copy of the elements, in the order of [`order`](Array::order), of either byte order.
    ///
    /// # Errors
    /// As [`ArrayView::to_vec`].
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.view().to_vec()
    }

    /// The same array in the byte order of this machine, changed in place when it has the other.
    ///
    /// # Errors
    /// None in practice: the new header describes as much data as the old one.
    pub fn into_native(mut self) -> Result<Array> {
        swap_bytes(self.header.dtype(), &mut self.data);
        let dtype = self.header.dtype().to_native();
        let header = Header::new(dtype, self.header.shape(), self.header.order())?;
        Ok(Array { header, data: self.data })
    }
}

impl<'a> ArrayView<'a> {
    /// An array over a slice, in C order.
    ///
    /// # Errors
    /// [`WrongLength`](ErrorKind::WrongLength) when `shape` has another number of elements than
    /// `data`.
    ///
    /// ```
    /// let view = npz::ArrayView::from_slice(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3])?;
    /// assert_eq!(view.dtype().to_string(), "'<f4'");
    /// # Ok::<(), npz::Error>(())
    /// ```
    pub fn from_slice<T: Element>(data: &'a [T], shape: &[usize]) -> Result<ArrayView<'a>> {
        let header = Header::new(T::dtype(), shape, Order::C)?;
        if header.count() != data.len() {
            let (expected, found) = (header.count() as u64, data.len() as u64);
            return Err(ErrorKind::WrongLength { expected, found }.into());
        }
        Self::from_bytes(header, bytemuck::cast_slice(data))
    }

    /// An array of any type over its bytes.
    ///
    /// # Errors
    /// [`WrongLength`](ErrorKind::WrongLength) when the header describes another number of bytes.
    ///
    /// ```
    /// use npz::{ArrayView, DType, Header, Order};
    /// let header = Header::new(DType::parse("<M8[ns]")?, &[2], Order::C)?;
    /// let view = ArrayView::from_bytes(header, &[0; 16])?;
    /// assert_eq!(view.to_vec::<i64>()?, [0, 0]);
    /// # Ok::<(), npz::Error>(())
    /// ```
    pub fn from_bytes(header: Header, data: &'a [u8]) -> Result<ArrayView<'a>> {
        header.refuse_objects()?;
        if header.nbytes() != data.len() {
            let (expected, found) = (header.nbytes() as u64, data.len() as u64);
            return Err(ErrorKind::WrongLength { expected, found }.into());
        }
        Ok(ArrayView { header: Cow::Owned(header), data })
    }

    /// Type, shape and order.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The type of the elements.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        self.header.dtype()
    }

    /// The length of each axis; empty for a single value.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.header.shape()
    }

    /// How the elements follow each other.
    #[must_use]
    pub fn order(&self) -> Order {
        self.header.order()
    }

    /// The data, as in the file.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.data
    }

    /// The elements without copying, in the order of [`order`](ArrayView::order).
    ///
    /// # Errors
    /// [`TypeMismatch`](ErrorKind::TypeMismatch) when the array holds another type, or this one in
    /// the other byte order; [`Misaligned`](ErrorKind::Misaligned) when the data happen to start at
    /// an address the type cannot be read from (only in mapped files not written by this crate);
    /// [`InvalidValue`](ErrorKind::InvalidValue) for a bool that is neither 0 nor 1.
    /// [`to_vec`](ArrayView::to_vec) copies where the first two stand in the way.
    pub fn as_slice<T: Element>(&self) -> Result<&'a [T]> {
        slice_of(&self.header, self.data)
    }

    /// A copy of the elements, in the order of [`order`](ArrayView::order), of either byte order
    /// and at any address.
    ///
    /// # Errors
    /// [`TypeMismatch`](ErrorKind::TypeMismatch) when the array holds another type;
    /// [`InvalidValue`](ErrorKind::InvalidValue) for a bool that is neither 0 nor 1.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        let dtype = self.header.dtype();
        if T::reads(dtype) && self.data.as_ptr().addr().is_multiple_of(align_of::<T>()) {
            return Ok(self.as_slice::<T>()?.to_vec());
        }
        let native = dtype.to_native();
        if !T::reads(&native) {
            return Err(mismatch::<T>(dtype));
        }
        let mut copy = Buffer::copy_of(self.data)?;
        swap_bytes(dtype, &mut copy);
        let header = Header::new(native, self.header.shape(), self.header.order())?;
        Ok(slice_of::<T>(&header, &copy)?.to_vec())
    }

    /// The only element of an array of one, whatever its number of axes.
    ///
    /// # Errors
    /// [`WrongLength`](ErrorKind::WrongLength) when there are more or none; otherwise as
    /// [`to_vec`](ArrayView::to_vec).
    pub fn item<T: Element>(&self) -> Result<T> {
        match (self.header.count(), self.data.len() == size_of::<T>()) {
            (1, _) => {}
            (found, _) => {
                return Err(ErrorKind::WrongLength { expected: 1, found: found as u64 }.into());
            }
        }
        let values = self.to_vec::<T>()?;
        let found = values.len() as u64;
        values.into_iter().next().ok_or(ErrorKind::WrongLength { expected: 1, found }.into())
    }

    /// The texts of an array of type `U` or `S`, without their padding, in the order of
    /// [`order`](ArrayView::order). Byte strings are read as Latin-1, which keeps every byte.
    ///
    /// # Errors
    /// [`TypeMismatch`](ErrorKind::TypeMismatch) when it is neither; an item is
    /// [`InvalidValue`](ErrorKind::InvalidValue) when it holds a number that is no character.
    pub fn strings(&self) -> Result<impl Iterator<Item = Result<String>> + use<'a>> {
        let texts = match self.header.dtype().as_scalar() {
            Some(scalar) if matches!(scalar.kind, Kind::Str | Kind::Bytes) => scalar.clone(),
            _ => {
                let (expected, found) = ("text".to_owned(), self.header.dtype().to_string());
                return Err(ErrorKind::TypeMismatch { expected, found }.into());
            }
        };
        let (data, size) = (self.data, texts.size);
        let one = move |index: usize| {
            let bytes = data.get(index * size..(index + 1) * size).unwrap_or_default();
            if texts.kind == Kind::Bytes {
                let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                return Ok(bytes[..end].iter().copied().map(char::from).collect());
            }
            text(bytes, texts.endian)
        };
        Ok((0..self.header.count()).map(one))
    }

    /// One field of a structured array, by name or title.
    ///
    /// # Errors
    /// [`TypeMismatch`](ErrorKind::TypeMismatch) when there is no such field.
    pub fn field(&self, name: &str) -> Result<FieldView<'a>> {
        let record = self.header.dtype().as_record();
        let Some(field) = record.and_then(|record| record.field(name)) else {
            let expected = format!("a record with the field {name:?}");
            let found = self.header.dtype().to_string();
            return Err(ErrorKind::TypeMismatch { expected, found }.into());
        };
        Ok(FieldView {
            data: self.data,
            stride: self.header.dtype().size(),
            offset: field.offset,
            dtype: field.dtype.clone(),
            shape: self.header.shape().to_vec(),
            order: self.header.order(),
        })
    }

    /// An owned copy in C order; elements keep their byte order.
    ///
    /// # Errors
    /// When there is not enough memory.
    pub fn to_c_order(&self) -> Result<Array> {
        let header = Header::new(self.header.dtype().clone(), self.header.shape(), Order::C)?;
        let shape = self.header.shape();
        if self.header.order() == Order::C || shape.len() < 2 || self.data.is_empty() {
            return Ok(Array::new(header, Buffer::copy_of(self.data)?));
        }
        let size = self.header.dtype().size();
        let mut copy = Buffer::zeroed(self.data.len())?;
        // In Fortran order a step along an axis skips all the axes before it.
        let mut strides = Vec::with_capacity(shape.len());
        let mut stride = size;
        for &length in shape {
            strides.push(stride);
            stride *= length;
        }
        let mut index = vec![0usize; shape.len()];
        let mut from = 0usize;
        for to in copy.chunks_exact_mut(size) {
            to.copy_from_slice(&self.data[from..from + size]);
            for axis in (0..shape.len()).rev() {
                index[axis] += 1;
                from += strides[axis];
                if index[axis] < shape[axis] {
                    break;
                }
                from -= strides[axis] * shape[axis];
                index[axis] = 0;
            }
        }
        Ok(Array::new(header, copy))
    }

    /// An owned copy.
    ///
    /// # Errors
    /// When there is not enough memory.
    pub fn to_owned(&self) -> Result<Array> {
        Ok(Array::new(self.header.clone().into_owned(), Buffer::copy_of(self.data)?))
    }
}

/// One field of a structured array: the same part of every record.
#[derive(Debug, Clone)]
pub struct FieldView<'a> {
    data: &'a [u8],
    stride: usize,
    offset: usize,
    dtype: DType,
    shape: Vec<usize>,
    order: Order,
}

impl FieldView<'_> {
    /// The type of the field.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// The field of every record as an array of its own: a field of shape `(2, 3)` adds two axes
    /// (in C order only, as records in Fortran order interleave differently).
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a sub-array in records in Fortran order;
    /// otherwise when there is not enough memory.
    pub fn to_array(&self) -> Result<Array> {
        let mut shape = self.shape.clone();
        let element = match &self.dtype {
            DType::SubArray { element, shape: inner } => {
                if self.order == Order::Fortran && shape.len() > 1 {
                    let feature = "a sub-array of records in Fortran order".to_owned();
                    return Err(ErrorKind::Unsupported { feature }.into());
                }
                shape.extend(inner);
                (**element).clone()
            }
            dtype => dtype.clone(),
        };
        let order = if self.shape.len() > 1 { self.order } else { Order::C };
        let header = Header::new(element, &shape, order)?;
        let size = self.dtype.size();
        let mut copy = Buffer::zeroed(header.nbytes())?;
        if size > 0 && self.stride > 0 {
            let records = self.data.chunks_exact(self.stride);
            for (to, record) in copy.chunks_exact_mut(size).zip(records) {
                to.copy_from_slice(&record[self.offset..self.offset + size]);
            }
        }
        Ok(Array::new(header, copy))
    }

    /// A copy of the field of every record, in either byte order.
    ///
    /// # Errors
    /// As [`ArrayView::to_vec`] and [`to_array`](FieldView::to_array).
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.to_array()?.to_vec()
    }
}

fn text(bytes: &[u8], endian: Endian) -> Result<String> {
    let code = |unit: &[u8; 4]| match endian {
        Endian::Big => u32::from_be_bytes(*unit),
        _ => u32::from_le_bytes(*unit),
    };
    let units = bytes.as_chunks::<4>().0;
    let end = units.iter().rposition(|unit| code(unit) != 0).map_or(0, |last| last + 1);
    units[..end]
        .iter()
        .map(|unit| {
            char::from_u32(code(unit)).ok_or_else(|| {
                let reason = format!("{:#x} is no character", code(unit));
                ErrorKind::InvalidValue { reason }.into()
            })
        })
        .collect()
}

fn mismatch<T: Element>(found: &DType) -> crate::Error {
    let (expected, found) = (T::dtype().to_string(), found.to_string());
    ErrorKind::TypeMismatch { expected, found }.into()
}

fn slice_of<'a, T: Element>(header: &Header, data: &'a [u8]) -> Result<&'a [T]> {
    use bytemuck::PodCastError;
    use bytemuck::checked::CheckedCastError;

    if !T::reads(header.dtype()) || header.dtype().size() != size_of::<T>() {
        return Err(mismatch::<T>(header.dtype()));
    }
    if data.is_empty() {
        return Ok(&[]);
    }
    bytemuck::checked::try_cast_slice(data).map_err(|error| {
        match error {
            CheckedCastError::InvalidBitPattern => ErrorKind::InvalidValue {
                reason: format!("bytes that are no {}", std::any::type_name::<T>()),
            },
            CheckedCastError::PodCastError(
                PodCastError::TargetAlignmentGreaterAndInputNotAligned,
            ) => ErrorKind::Misaligned { needed: align_of::<T>() },
            CheckedCastError::PodCastError(_) => ErrorKind::WrongLength {
                expected: header.nbytes() as u64,
                found: data.len() as u64,
            },
        }
        .into()
    })
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "numbers")]
    use half::bf16;
    #[cfg(feature = "numbers")]
    use num_complex::Complex;

    use super::*;

    fn view<'a>(descr: &str, shape: &[usize], order: Order, data: &'a [u8]) -> ArrayView<'a> {
        let header = Header::new(DType::parse(descr).unwrap(), shape, order).unwrap();
        ArrayView::from_bytes(header, data).unwrap()
    }

    #[cfg(feature = "numbers")]
    #[test]
    fn elements_are_borrowed_as_what_they_are() {
        let values = [Complex::new(1.0f32, 2.0), Complex::new(3.0, 4.0)];
        let array = ArrayView::from_slice(&values, &[2]).unwrap();
        assert_eq!(array.as_slice::<Complex<f32>>().unwrap(), values);
        assert!(matches!(
            array.as_slice::<f64>().unwrap_err().kind(),
            ErrorKind::TypeMismatch { .. }
        ));
        assert!(ArrayView::from_slice(&values, &[3]).is_err());
    }

    #[test]
    fn the_other_byte_order_is_copied() {
        let big = view(">i4", &[2], Order::C, &[0, 0, 0, 1, 0, 0, 1, 0]);
        assert!(big.as_slice::<i32>().is_err());
        assert_eq!(big.to_vec::<i32>().unwrap(), [1, 256]);
        let native = big.to_owned().unwrap().into_native().unwrap();
        assert_eq!(native.as_slice::<i32>().unwrap(), [1, 256]);
        assert_eq!(native.dtype(), &i32::dtype());
    }

    #[test]
    fn bools_are_checked() {
        assert_eq!(view("|b1", &[2], Order::C, &[0, 1]).as_slice::<bool>().unwrap(), [false, true]);
        let error = view("|b1", &[2], Order::C, &[0, 2]).as_slice::<bool>().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidValue { .. }));
    }

    #[test]
    fn misaligned_data_are_copied() {
        let buffer = Buffer::zeroed(64).unwrap();
        let odd = view("<f8", &[2], Order::C, &buffer[1..17]);
        let error = odd.as_slice::<f64>().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Misaligned { needed: 8 }));
        assert_eq!(odd.to_vec::<f64>().unwrap(), [0.0, 0.0]);
    }

    #[test]
    fn texts_lose_their_padding_only() {
        let data: Vec<u8> = ['a', '\0', '\u{1f600}', '\0']
            .iter()
            .flat_map(|&c| u32::from(c).to_le_bytes())
            .collect();
        let texts: Vec<String> =
            view("<U4", &[1], Order::C, &data).strings().unwrap().collect::<Result<_>>().unwrap();
        assert_eq!(texts, ["a\0\u{1f600}"]);
        let wrong = [0xff; 4];
        let error = view("<U1", &[1], Order::C, &wrong).strings().unwrap().next().unwrap();
        assert!(matches!(error.unwrap_err().kind(), ErrorKind::InvalidValue { .. }));
        let bytes: Vec<String> = view("|S3", &[2], Order::C, b"ab\0\0\xe9\0")
            .strings()
            .unwrap()
            .collect::<Result<_>>()
            .unwrap();
        assert_eq!(bytes, ["ab", "\0\u{e9}"]);
        let empty = view("<U0", &[usize::MAX / 4], Order::C, &[]);
        assert_eq!(empty.strings().unwrap().next().unwrap().unwrap(), "");
    }

    #[test]
    fn fortran_order_becomes_c_order() {
        let data: Vec<u8> = (0..24).collect();
        let fortran = view("|u1", &[2, 3, 4], Order::Fortran, &data).to_c_order().unwrap();
        let mut expected = Vec::new();
        for i in 0..2 {
            for j in 0..3 {
                for k in 0..4 {
                    expected.push((i + 2 * j + 6 * k) as u8);
                }
            }
        }
        assert_eq!(fortran.bytes(), expected);
        assert_eq!(fortran.order(), Order::C);
    }

    #[test]
    fn fields_are_taken_out() {
        let descr = "[('a', '|u1'), ('', '|V1'), (('title', 'b'), '>u2', (2,))]";
        let data = [1, 99, 0, 2, 0, 3, 4, 99, 0, 5, 0, 6];
        let records = view(descr, &[2], Order::C, &data);
        assert_eq!(records.field("a").unwrap().to_vec::<u8>().unwrap(), [1, 4]);
        let b = records.field("title").unwrap().to_array().unwrap();
        assert_eq!(b.shape(), [2, 2]);
        assert_eq!(b.to_vec::<u16>().unwrap(), [2, 3, 5, 6]);
        assert!(records.field("c").is_err());
    }

    #[cfg(feature = "numbers")]
    #[test]
    fn bfloat16_is_read_from_what_numpy_makes_of_it() {
        for descr in ["bfloat16", "<V2"] {
            let array = view(descr, &[1], Order::C, &[0x80, 0x3f]);
            assert_eq!(array.to_vec::<bf16>().unwrap(), [bf16::ONE]);
        }
    }
}
