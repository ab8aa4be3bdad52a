//! Arrays by numpy's array interface, version 3, without numpy: memory borrowed from its owner.
//!
//! The protocol is <https://numpy.org/doc/stable/reference/arrays.interface.html>.
#![allow(unsafe_code, reason = "memory that a Python object lends is read through a pointer")]

use arrow_buffer::Buffer;
use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// An array of numbers in C order.
pub(crate) struct Array {
    /// The numbers, as bytes: where their owner keeps them if they are in C order there, else copied.
    pub(crate) bytes: Buffer,
    /// The type of each.
    pub(crate) kind: Kind,
    /// Lengths of the axes.
    pub(crate) shape: Vec<i64>,
}

/// The type of the numbers of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kind {
    /// `<`, `>` or `|`.
    order: char,
    /// `f`, `i`, `u`, `b`, `V` ...
    letter: char,
    /// Bytes of each.
    size: usize,
    /// What the object calls it, if it says.
    name: Option<String>,
}

impl Kind {
    fn parse(text: &str, name: Option<String>) -> Option<Kind> {
        let mut characters = text.chars();
        let (order, letter) = (characters.next()?, characters.next()?);
        let size = characters.as_str().parse().ok()?;
        Some(Kind { order, letter, size, name })
    }

    fn is_native(&self) -> bool {
        let native = if cfg!(target_endian = "little") { '<' } else { '>' };
        self.size == 1 || self.order == native || self.order == '|'
    }

    /// Its name in the column `dtype`, as safetensors calls it in lower case.
    pub(crate) fn name(&self) -> Option<&'static str> {
        Some(match (self.letter, self.size) {
            ('f', 2) => "f16",
            ('f', 4) => "f32",
            ('f', 8) => "f64",
            ('b', 1) => "bool",
            ('i', 1) => "i8",
            ('i', 2) => "i16",
            ('i', 4) => "i32",
            ('i', 8) => "i64",
            ('u', 1) => "u8",
            ('u', 2) => "u16",
            ('u', 4) => "u32",
            ('u', 8) => "u64",
            ('c', 8) => "c64",
            ('V', 2) if self.name.as_deref() == Some("bfloat16") => "bf16",
            _ => return None,
        })
    }

    /// Whether it holds two bytes that could be anything.
    pub(crate) fn is_two_bytes(&self) -> bool {
        self.size == 2 && matches!(self.letter, 'V' | 'u' | 'i')
    }

    /// Whether it is a number of this letter and size.
    pub(crate) fn is(&self, letter: char, size: usize) -> bool {
        self.letter == letter && self.size == size
    }

    /// As a person calls it.
    pub(crate) fn describe(&self) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("{}{}{}", self.order, self.letter, self.size),
        }
    }
}

/// Memory that a Python object lends for as long as this is there.
struct Lent {
    address: *const u8,
    length: usize,
    _owners: (Py<PyAny>, Py<PyAny>),
}

// SAFETY: the address is only read, and the owners, which pyo3 lets go of on any thread, keep the
// memory where it is.
unsafe impl Send for Lent {}
// SAFETY: as above; nothing is written through it.
unsafe impl Sync for Lent {}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the object said that so many bytes are there, and is kept alive. That no other
        // Python thread writes to its array meanwhile is what every reader of this protocol relies on.
        unsafe { std::slice::from_raw_parts(self.address, self.length) }
    }
}

/// Reads an array; `None` if the object is none. What is wrong with it is told in words.
pub(crate) fn read(object: &Bound<'_, PyAny>) -> PyResult<Option<Result<Array, String>>> {
    let Some(found) = object.getattr_opt("__array_interface__")? else {
        // Objects such as the tensors of torch turn themselves into arrays, without a copy.
        let Some(convert) = object.getattr_opt("__array__")? else { return Ok(None) };
        let array = convert.call0()?;
        return match array.getattr_opt("__array_interface__")? {
            Some(found) => interface(&array, &found).map(Some),
            None => Ok(None),
        };
    };
    interface(object, &found).map(Some)
}

fn interface(
    object: &Bound<'_, PyAny>,
    found: &Bound<'_, PyAny>,
) -> PyResult<Result<Array, String>> {
    let Ok(found) = found.cast::<PyDict>() else {
        return Ok(Err("its __array_interface__ is no dict".to_owned()));
    };
    let (Some(typestr), Some(shape)) = (found.get_item("typestr")?, found.get_item("shape")?)
    else {
        return Ok(Err("its __array_interface__ has no typestr or no shape".to_owned()));
    };
    // numpy's own masked arrays do not tell in the interface.
    let is_masked = object.hasattr("mask")? && object.hasattr("filled")?;
    if is_masked || found.get_item("mask")?.is_some_and(|mask| !mask.is_none()) {
        return Ok(Err("masked arrays are not read: fill it first, `array.filled(0)`".to_owned()));
    }
    let name = object.getattr_opt("dtype")?.and_then(|dtype| dtype.getattr("name").ok());
    let name = name.and_then(|name| name.extract::<String>().ok());
    let typestr: String = typestr.extract()?;
    let Some(kind) = Kind::parse(&typestr, name) else {
        return Ok(Err(format!(
            "{typestr:?} is no type of numbers: convert it, `array.astype(\"float32\")`"
        )));
    };
    if !kind.is_native() {
        return Ok(Err(format!(
            "its bytes are in the order of other machines ({typestr}): \
             convert it, `array.astype(array.dtype.newbyteorder(\"=\"))`"
        )));
    }
    let lengths: Vec<i64> = shape.extract()?;
    let strides: Option<Vec<i64>> = match found.get_item("strides")? {
        Some(strides) if !strides.is_none() => Some(strides.extract()?),
        _ => None,
    };
    let Some((address, offset)) = address(found)? else {
        return Ok(Err("its __array_interface__ gives no address".to_owned()));
    };
    let count = lengths
        .iter()
        .try_fold(1usize, |count, &length| count.checked_mul(usize::try_from(length).ok()?));
    let Some(length) = count.and_then(|count| count.checked_mul(kind.size)) else {
        return Ok(Err(format!("{lengths:?} is no shape")));
    };
    let Some(strides) = layout(&lengths, strides, kind.size) else {
        return Ok(Err(format!("its strides do not fit its shape, {lengths:?}")));
    };
    if length == 0 {
        return Ok(Ok(Array { bytes: Buffer::from(Vec::<u8>::new()), kind, shape: lengths }));
    }
    if address == 0 {
        return Ok(Err("its address is null".to_owned()));
    }
    let address = (address as *const u8).wrapping_add(offset);
    let bytes = match strides {
        None => {
            let owners = (object.clone().unbind(), found.clone().into_any().unbind());
            Buffer::from(Bytes::from_owner(Lent { address, length, _owners: owners }))
        }
        // SAFETY: the object said that there are so many elements at these distances, and is borrowed
        // until the copy is made.
        Some(strides) => unsafe { copy(address, &lengths, &strides, kind.size, length) },
    };
    Ok(Ok(Array { bytes, kind, shape: lengths }))
}

/// The address and what the elements are from it.
fn address(found: &Bound<'_, PyDict>) -> PyResult<Option<(usize, usize)>> {
    let Some(data) = found.get_item("data")? else { return Ok(None) };
    let Ok(data) = data.cast_into::<PyTuple>() else { return Ok(None) };
    let address = data.get_item(0)?.extract()?;
    let offset = match found.get_item("offset")? {
        Some(offset) => offset.extract()?,
        None => 0,
    };
    Ok(Some((address, offset)))
}

/// `Some(None)` if the elements are in C order, `Some(strides)` if they are not, `None` if the
/// strides make no sense.
#[allow(clippy::option_option, reason = "three answers, each with a meaning of its own")]
fn layout(shape: &[i64], strides: Option<Vec<i64>>, size: usize) -> Option<Option<Vec<i64>>> {
    let Some(strides) = strides else { return Some(None) };
    if strides.len() != shape.len() {
        return None;
    }
    let mut expected = i64::try_from(size).ok()?;
    let mut is_c_order = true;
    for (&length, &stride) in shape.iter().zip(&strides).rev() {
        is_c_order &= length <= 1 || stride == expected;
        expected = expected.checked_mul(length.max(1))?;
    }
    Some((!is_c_order).then_some(strides))
}

/// The elements in C order.
///
/// # Safety
/// Each element that shape and strides reach must be there.
unsafe fn copy(
    address: *const u8,
    shape: &[i64],
    strides: &[i64],
    size: usize,
    length: usize,
) -> Buffer {
    let mut copied = Vec::with_capacity(length);
    let Some((&inner, outer)) = shape.split_last() else {
        return Buffer::from(copied);
    };
    let inner_stride = strides[outer.len()] as isize;
    let mut position = vec![0i64; outer.len()];
    while copied.len() < length {
        let start: i64 = position.iter().zip(strides).map(|(at, stride)| at * stride).sum();
        let mut from = address.wrapping_offset(start as isize);
        for _ in 0..inner {
            // SAFETY: the caller promises that the element is there.
            copied.extend_from_slice(unsafe { std::slice::from_raw_parts(from, size) });
            from = from.wrapping_offset(inner_stride);
        }
        for (at, &length) in position.iter_mut().zip(outer).rev() {
            *at += 1;
            if *at < length {
                break;
            }
            *at = 0;
        }
    }
    Buffer::from(copied)
}
