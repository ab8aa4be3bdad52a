//! Errors of the core as the exceptions of `arrow_quant_v2.errors`.

use std::io;
use std::path::Path;

use arrow_quant::Error;
use arrow_schema::ArrowError;
use pyo3::exceptions::{PyMemoryError, PyOSError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyModule;

/// What stops work that runs detached from the interpreter.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The core refused.
    Core(Error),
    /// A callback raised.
    Python(PyErr),
    /// A fault of this library, or of the producer of the data.
    Panic(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Core(error)
    }
}

impl From<ArrowError> for Failure {
    fn from(error: ArrowError) -> Self {
        Failure::Core(error.into())
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Failure::Python(error)
    }
}

impl Failure {
    /// As the exception that Python sees.
    pub(crate) fn raise(self, py: Python<'_>) -> PyErr {
        match self {
            Failure::Core(error) => core(py, error),
            Failure::Python(error) => error,
            Failure::Panic(reason) => exception(
                py,
                "QuantizationError",
                &format!("the data could not be read, or this library is at fault: {reason}"),
                &Place::default(),
            ),
        }
    }
}

/// Where in the data something is wrong.
#[derive(Debug, Default)]
struct Place {
    layer: Option<String>,
    row: Option<usize>,
    index: Option<usize>,
}

impl Place {
    fn new(layer: String, row: usize, index: Option<usize>) -> Place {
        Place { layer: Some(layer), row: Some(row), index }
    }
}

fn core(py: Python<'_>, error: Error) -> PyErr {
    let message = error.to_string();
    let (class, place) = match error {
        Error::Option { .. } | Error::Threads { .. } => ("ConfigurationError", Place::default()),
        Error::MissingColumn { .. } | Error::ColumnType { .. } | Error::Arrow(_) => {
            ("MetadataError", Place::default())
        }
        Error::NoRows { .. } => ("MetadataError", Place::default()),
        Error::Dtype { layer, row, .. } | Error::Activations { layer, row, .. } => {
            ("MetadataError", Place::new(layer, row, None))
        }
        Error::Null { layer, row, index, .. } => {
            ("QuantizationError", Place::new(layer, row, index))
        }
        Error::NonFinite { layer, row, index, .. } | Error::TooLarge { layer, row, index, .. } => {
            ("QuantizationError", Place::new(layer, row, Some(index)))
        }
        Error::Shape { layer, row, .. } => ("ShapeMismatchError", Place::new(layer, row, None)),
        Error::Quantized { layer, row, .. } | Error::Unfit { layer, row, .. } => {
            ("ValidationError", Place::new(layer, row, None))
        }
        Error::Mismatch { .. } => ("ValidationError", Place::default()),
        Error::File { .. } | Error::Npz(_) => ("MetadataError", Place::default()),
        Error::Io { path, source } => return system(py, &path, &source),
        Error::Memory { .. } => return PyMemoryError::new_err(message),
        _ => ("QuantizationError", Place::default()),
    };
    exception(py, class, &message, &place)
}

/// What the system said of a file: the `OSError` of its number, or `ModelNotFoundError`.
pub(crate) fn system(py: Python<'_>, path: &Path, source: &io::Error) -> PyErr {
    let Some(number) = source.raw_os_error() else {
        return PyOSError::new_err(format!("{}: {source}", path.display()));
    };
    let make = || -> PyResult<PyErr> {
        // As text: the message of an `OSError` shows a path object as code.
        let name = path.as_os_str();
        let arguments = (number, py.import("os")?.call_method1("strerror", (number,))?, name);
        let class = if source.kind() == io::ErrorKind::NotFound {
            py.import("arrow_quant_v2.errors")?.getattr("ModelNotFoundError")?
        } else {
            py.get_type::<PyOSError>().into_any()
        };
        Ok(PyErr::from_value(class.call1(arguments)?))
    };
    make().unwrap_or_else(|error| error)
}

/// An option that cannot be what it is.
pub(crate) fn configuration(py: Python<'_>, message: &str) -> PyErr {
    exception(py, "ConfigurationError", message, &Place::default())
}

/// An object of a kind that is not read.
pub(crate) fn input_type(py: Python<'_>, message: &str) -> PyErr {
    exception(py, "InputTypeError", message, &Place::default())
}

/// An array of a layer of a type that is not read.
pub(crate) fn dtype(py: Python<'_>, layer: &str, message: &str) -> PyErr {
    let place = Place { layer: Some(layer.to_owned()), ..Place::default() };
    exception(py, "MetadataError", &format!("layer {layer:?}: {message}"), &place)
}

/// Columns, schemas or streams that cannot be read.
pub(crate) fn metadata(py: Python<'_>, message: &str) -> PyErr {
    exception(py, "MetadataError", message, &Place::default())
}

/// An exception of `arrow_quant_v2.errors` with the attributes `layer`, `row` and `index`.
fn exception(py: Python<'_>, class: &str, message: &str, place: &Place) -> PyErr {
    static ERRORS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let make = || -> PyResult<PyErr> {
        let module =
            ERRORS.get_or_try_init(py, || py.import("arrow_quant_v2.errors").map(Bound::unbind))?;
        let raised = module.bind(py).getattr(class)?.call1((message,))?;
        raised.setattr("layer", place.layer.as_deref())?;
        raised.setattr("row", place.row)?;
        raised.setattr("index", place.index)?;
        Ok(PyErr::from_value(raised))
    };
    make().unwrap_or_else(|error| error)
}
