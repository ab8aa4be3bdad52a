//! Numbers that a result owns, lent to numpy and Arrow without a copy.
#![allow(unsafe_code, reason = "the memory of a bytes object is read through a pointer")]

use std::sync::Arc;

use arrow_array::{ArrayRef, Float16Array, Float32Array, UInt8Array};
use arrow_buffer::ScalarBuffer;
use half::f16;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyDict, PyList, PyType};

use crate::capsule;
use crate::error;

/// What a buffer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    U8,
    F32,
    F16,
    Bf16,
}

impl Element {
    fn name(self) -> &'static str {
        match self {
            Element::U8 => "u8",
            Element::F32 => "f32",
            Element::F16 => "f16",
            Element::Bf16 => "bf16",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Element> {
        [Element::U8, Element::F32, Element::F16, Element::Bf16]
            .into_iter()
            .find(|element| element.name() == name)
    }

    /// numpy has no `bf16`: its two bytes are lent as an integer.
    fn typestr(self) -> &'static str {
        match self {
            Element::U8 => "|u1",
            Element::F32 => "<f4",
            Element::F16 => "<f2",
            Element::Bf16 => "<u2",
        }
    }

    fn size(self) -> usize {
        match self {
            Element::U8 => 1,
            Element::F32 => 4,
            Element::F16 | Element::Bf16 => 2,
        }
    }
}

/// One axis of numbers that belong to a result.
///
/// ``numpy.asarray(buffer)`` and ``pyarrow.array(buffer)`` borrow its memory and keep it alive; it
/// cannot be written to. Numbers are little-endian. ``Buffer(data, dtype)`` is a buffer over the bytes
/// of a ``bytes`` object, without a copy, with ``dtype`` one of ``"u8"``, ``"f32"``, ``"f16"`` and
/// ``"bf16"``.
#[pyclass(frozen, module = "arrow_quant_v2")]
pub(crate) struct Buffer {
    pub(crate) data: arrow_buffer::Buffer,
    pub(crate) element: Element,
}

/// The bytes of a `bytes` object, which never change.
struct OwnedBytes {
    address: *const u8,
    length: usize,
    _owner: Py<PyBytes>,
}

// SAFETY: a `bytes` object never changes or moves, and pyo3 lets go of it on any thread.
unsafe impl Send for OwnedBytes {}
// SAFETY: as above.
unsafe impl Sync for OwnedBytes {}

impl AsRef<[u8]> for OwnedBytes {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the address and length are those of the object that is kept alive.
        unsafe { std::slice::from_raw_parts(self.address, self.length) }
    }
}

/// The memory of a `bytes` object, without a copy.
pub(crate) fn of_bytes(object: &Bound<'_, PyBytes>) -> arrow_buffer::Buffer {
    let bytes = object.as_bytes();
    let owned = OwnedBytes {
        address: bytes.as_ptr(),
        length: bytes.len(),
        _owner: object.clone().unbind(),
    };
    arrow_buffer::Buffer::from(bytes::Bytes::from_owner(owned))
}

impl Buffer {
    fn count(&self) -> usize {
        self.data.len() / self.element.size()
    }

    fn halves(&self) -> impl Iterator<Item = [u8; 2]> {
        self.data.as_chunks::<2>().0.iter().copied()
    }

    /// As an Arrow array; `None` for `bf16`, which Arrow has no type for.
    fn array(&self) -> Option<ArrayRef> {
        let (data, count) = (self.data.clone(), self.count());
        // Memory that is lent by `bytes` may lie at any address.
        let is_aligned = self.data.as_ptr().align_offset(self.element.size()) == 0;
        let data = if is_aligned { data } else { arrow_buffer::Buffer::from(data.to_vec()) };
        Some(match self.element {
            Element::U8 => Arc::new(UInt8Array::new(ScalarBuffer::new(data, 0, count), None)),
            Element::F32 => Arc::new(Float32Array::new(ScalarBuffer::new(data, 0, count), None)),
            Element::F16 => Arc::new(Float16Array::new(ScalarBuffer::new(data, 0, count), None)),
            Element::Bf16 => return None,
        })
    }
}

#[pymethods]
impl Buffer {
    #[new]
    #[pyo3(signature = (data, dtype = "u8"))]
    fn new(data: &Bound<'_, PyBytes>, dtype: &str) -> PyResult<Buffer> {
        let py = data.py();
        let element = Element::from_name(dtype).ok_or_else(|| {
            error::configuration(py, &format!("dtype {dtype:?} is none of u8, f32, f16 and bf16"))
        })?;
        let data = of_bytes(data);
        if !data.len().is_multiple_of(element.size()) {
            let message = format!("{} bytes are no whole number of {dtype}", data.len());
            return Err(error::metadata(py, &message));
        }
        Ok(Buffer { data, element })
    }

    /// What it holds: ``"u8"``, ``"f32"``, ``"f16"`` or ``"bf16"``.
    #[getter]
    fn dtype(&self) -> &'static str {
        self.element.name()
    }

    /// Its size in bytes.
    #[getter]
    fn nbytes(&self) -> usize {
        self.data.len()
    }

    /// Where its memory is; numpy and Arrow arrays made of it start there too.
    #[getter]
    fn address(&self) -> usize {
        self.data.as_ptr() as usize
    }

    /// What numpy asks for, version 3. ``bf16`` is lent as unsigned integers of two bytes.
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let interface = PyDict::new(py);
        interface.set_item("version", 3)?;
        interface.set_item("typestr", self.element.typestr())?;
        interface.set_item("shape", (self.count(),))?;
        interface.set_item("strides", py.None())?;
        interface.set_item("data", (self.address(), true))?;
        Ok(interface)
    }

    /// The numbers as an Arrow array: uint8, float or halffloat.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // There is no other representation to offer.
        let _ = requested_schema;
        let array = self.array().ok_or_else(|| {
            error::metadata(py, "Arrow has no type for bf16: use bytes(buffer), or numpy.asarray")
        })?;
        capsule::export_array(py, &array)
    }

    fn __len__(&self) -> usize {
        self.count()
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.data)
    }

    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> (Bound<'py, PyType>, (Bound<'py, PyBytes>, &'static str)) {
        (py.get_type::<Buffer>(), (self.__bytes__(py), self.dtype()))
    }

    fn __repr__(&self) -> String {
        format!("Buffer({} x {})", self.count(), self.element.name())
    }

    /// The numbers as a list of ``int`` (``u8``) or ``float`` (all others).
    fn tolist<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        match self.element {
            Element::U8 => PyList::new(py, self.data.iter().copied()),
            Element::F32 => {
                let words = self.data.as_chunks::<4>().0;
                PyList::new(py, words.iter().map(|word| f32::from_le_bytes(*word)))
            }
            Element::F16 => PyList::new(
                py,
                self.halves().map(|half| f16::from_le_bytes(half).to_f32()).collect::<Vec<_>>(),
            ),
            Element::Bf16 => {
                let widen = |half| half::bf16::from_le_bytes(half).to_f32();
                PyList::new(py, self.halves().map(widen).collect::<Vec<_>>())
            }
        }
    }
}
