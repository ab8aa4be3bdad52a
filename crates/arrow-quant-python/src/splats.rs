//! SPZ files of splats as arrays.
#![allow(unsafe_code, reason = "memory that numpy may write to is read through a pointer")]

use std::path::{Path, PathBuf};

use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyList, PyTuple};
use spz::{Content, ErrorKind, Extension, Field, Fields, Floats, Frame, Info, Options};

use crate::error::{self, Failure};
use crate::work::detached;

/// An array of ``float32`` that an SPZ file was decoded into.
///
/// ``numpy.asarray(array)`` borrows its memory, keeps it alive, and may write to it.
#[pyclass(frozen, module = "arrow_quant_v2")]
pub(crate) struct SplatArray {
    /// Owns the memory; nothing in Rust looks at it but through the address.
    _numbers: Floats,
    address: usize,
    count: usize,
    shape: Vec<usize>,
}

impl SplatArray {
    fn new(mut numbers: Floats, shape: Vec<usize>) -> SplatArray {
        let (address, count) = (numbers.as_mut_ptr() as usize, numbers.len());
        SplatArray { _numbers: numbers, address, count, shape }
    }
}

#[pymethods]
impl SplatArray {
    /// The lengths of its axes.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.shape)
    }

    /// What numpy asks for, version 3.
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let interface = PyDict::new(py);
        interface.set_item("version", 3)?;
        interface.set_item("typestr", if cfg!(target_endian = "big") { ">f4" } else { "<f4" })?;
        interface.set_item("shape", self.shape(py)?)?;
        interface.set_item("strides", py.None())?;
        interface.set_item("data", (self.address, false))?;
        Ok(interface)
    }

    /// A copy of its bytes, which can be changed.
    fn copied<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyByteArray>> {
        // SAFETY: so many numbers are there as long as this object is. That no other Python thread
        // writes to them meanwhile is what every reader of an array relies on.
        let numbers =
            unsafe { std::slice::from_raw_parts(self.address as *const u8, self.count * 4) };
        Ok(PyByteArray::new(py, numbers))
    }

    fn __repr__(&self) -> String {
        format!("SplatArray({:?})", self.shape)
    }
}

/// Where the bytes of a file are.
enum Source<'a> {
    File(PathBuf),
    Bytes(&'a [u8]),
}

impl<'a> Source<'a> {
    fn of(source: &'a Bound<'_, PyAny>) -> PyResult<Source<'a>> {
        match source.cast::<PyBytes>() {
            Ok(bytes) => Ok(Source::Bytes(bytes.as_bytes())),
            Err(_) => Ok(Source::File(source.extract()?)),
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Source::File(path) => Some(path),
            Source::Bytes(_) => None,
        }
    }
}

fn known_frame(py: Python<'_>, name: &str) -> PyResult<Frame> {
    Frame::from_name(name).ok_or_else(|| {
        let names = Frame::names().join(", ");
        error::configuration(py, &format!("frame is {name:?}, but can be None or {names}"))
    })
}

fn known_fields(py: Python<'_>, names: &[String]) -> PyResult<Fields> {
    let mut fields = Fields::NONE;
    for name in names {
        let field = Field::from_name(name).ok_or_else(|| {
            let known = Field::ALL.map(Field::name).join(", ");
            error::configuration(py, &format!("fields has {name:?}, but can have {known}"))
        })?;
        fields = fields.with(field);
    }
    Ok(fields)
}

/// Reads a path or ``bytes``: a tuple of what the file says of itself, the name of the frame of the
/// numbers, and a dict of the arrays. ``whole_sh`` puts the coefficient of degree 0 before the others.
#[pyfunction]
pub(crate) fn read_spz<'py>(
    source: &Bound<'py, PyAny>,
    frame: Option<&str>,
    fields: Option<Vec<String>>,
    whole_sh: bool,
) -> PyResult<(Bound<'py, PyDict>, &'static str, Bound<'py, PyDict>)> {
    let py = source.py();
    let mut options = Options { sh_from_degree_0: whole_sh, ..Options::default() };
    options.frame = frame.map(|name| known_frame(py, name)).transpose()?;
    if let Some(names) = fields {
        options.fields = known_fields(py, &names)?;
    }
    let place = Source::of(source)?;
    let read = detached(py, || {
        Ok::<_, Failure>(match &place {
            Source::File(path) => spz::read_file(path, &options),
            Source::Bytes(bytes) => spz::read_bytes(bytes, &options),
        })
    })?;
    let mut cloud = read.map_err(|error| raised(py, place.path(), &error))?;
    let arrays = PyDict::new(py);
    for field in Field::ALL {
        if let Some(numbers) = cloud.take(field) {
            let mut shape = cloud.info.shape(field);
            if whole_sh && field == Field::Sh {
                shape[1] += 1;
            }
            arrays.set_item(field.name(), Bound::new(py, SplatArray::new(numbers, shape))?)?;
        }
    }
    Ok((told(py, &cloud.info)?, cloud.frame.name(), arrays))
}

/// What a path or ``bytes`` says of itself.
#[pyfunction]
pub(crate) fn read_spz_info<'py>(source: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let py = source.py();
    let place = Source::of(source)?;
    let info = detached(py, || {
        Ok::<_, Failure>(match &place {
            Source::File(path) => spz::info_file(path),
            Source::Bytes(bytes) => spz::info_bytes(bytes),
        })
    })?;
    told(py, &info.map_err(|error| raised(py, place.path(), &error))?)
}

fn told<'py>(py: Python<'py>, info: &Info) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    told.set_item("version", info.version)?;
    told.set_item("container", info.container.name())?;
    told.set_item("num_points", info.num_points)?;
    told.set_item("sh_degree", info.sh_degree)?;
    told.set_item("antialiased", info.is_antialiased())?;
    told.set_item("fractional_bits", info.fractional_bits)?;
    told.set_item("flags", info.flags)?;
    told.set_item("unknown_flags", info.unknown_flags())?;
    told.set_item("frame_stored", info.frame.name())?;
    told.set_item("frame_is_stated", info.frame_is_stated)?;
    let extensions = PyList::empty(py);
    for record in &info.extensions {
        extensions.append(extension(py, record)?)?;
    }
    told.set_item("extensions", extensions)?;
    told.set_item("trailing_bytes", info.trailing_bytes)?;
    Ok(told)
}

fn extension<'py>(py: Python<'py>, record: &Extension) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    told.set_item("type", record.kind)?;
    told.set_item("bytes", record.length)?;
    told.set_item("name", record.name())?;
    match record.content {
        Content::CoordinateSystem(frame) => told.set_item("frame", frame.name())?,
        Content::SafeOrbit { min_elevation, max_elevation, min_radius } => {
            told.set_item("min_elevation", min_elevation)?;
            told.set_item("max_elevation", max_elevation)?;
            told.set_item("min_radius", min_radius)?;
        }
        _ => {}
    }
    Ok(told)
}

/// An error of the reader as the exception of `arrow_quant_v2.errors`, with what it says of the place.
fn raised(py: Python<'_>, path: Option<&Path>, error: &spz::Error) -> PyErr {
    let class = match error.kind() {
        ErrorKind::Io(source) => return error::system(py, path.unwrap_or(Path::new("")), source),
        ErrorKind::OutOfMemory { .. } => return PyMemoryError::new_err(error.to_string()),
        ErrorKind::NotSpz { .. } => "NotSpzError",
        ErrorKind::UnsupportedVersion { .. } => "UnsupportedSpzError",
        ErrorKind::Truncated { .. } => "TruncatedSpzError",
        ErrorKind::ImplausibleHeader { .. } => "ImplausibleSpzError",
        _ => "CorruptSpzError",
    };
    let make = || -> PyResult<PyErr> {
        let class = py.import("arrow_quant_v2.errors")?.getattr(class)?;
        let raised = class.call1((error.to_string(),))?;
        match error.kind() {
            ErrorKind::UnsupportedVersion { found, .. } => raised.setattr("version", *found)?,
            ErrorKind::Truncated { section, want, got } => {
                raised.setattr("section", section.name())?;
                raised.setattr("want", *want)?;
                raised.setattr("got", *got)?;
            }
            ErrorKind::ImplausibleHeader { field, value, .. } => {
                raised.setattr("field", *field)?;
                raised.setattr("value", *value)?;
            }
            ErrorKind::Corrupt { section, .. } => raised.setattr("section", section.name())?,
            ErrorKind::BadExtension { .. } => raised.setattr("section", "extensions")?,
            _ => {}
        }
        Ok(PyErr::from_value(raised))
    };
    make().unwrap_or_else(|error| error)
}
