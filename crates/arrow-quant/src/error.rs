//! What can go wrong, as values a program can match on.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::PathBuf;

use arrow_schema::{ArrowError, DataType};

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Every way in which quantizing, dequantizing or evaluating can fail.
///
/// `row` counts the rows of the record batch from 0, `index` the numbers within that row's weights.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// An option has a value that it cannot have.
    Option {
        /// The option.
        name: &'static str,
        /// What it may be.
        reason: String,
    },
    /// A record batch lacks a column that is needed.
    MissingColumn {
        /// The column.
        name: &'static str,
    },
    /// A column has a type that is not read.
    ColumnType {
        /// The column.
        name: &'static str,
        /// What is read.
        expected: &'static str,
        /// What it is.
        found: Box<DataType>,
    },
    /// A null where there must be a value.
    Null {
        /// The layer, if its name is known.
        layer: String,
        /// The row of the record batch.
        row: usize,
        /// The column.
        column: &'static str,
        /// Which element of the row, if it is one element that is null.
        index: Option<usize>,
    },
    /// A weight that is not finite: it has no scale.
    NonFinite {
        /// The layer.
        layer: String,
        /// The row of the record batch.
        row: usize,
        /// Which weight of the row.
        index: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// A weight whose group would have a scale that the scheme cannot hold.
    TooLarge {
        /// The layer.
        layer: String,
        /// The row of the record batch.
        row: usize,
        /// Which weight of the row.
        index: usize,
        /// The weight.
        value: f32,
        /// The scheme.
        scheme: &'static str,
    },
    /// A row whose weights, shape and position contradict each other.
    Shape {
        /// The layer.
        layer: String,
        /// The row of the record batch.
        row: usize,
        /// How.
        reason: String,
    },
    /// The type of the weights is missing where it is needed, unknown, or not that of the column.
    Dtype {
        /// The layer.
        layer: String,
        /// The row of the record batch.
        row: usize,
        /// What is wrong.
        reason: String,
    },
    /// A row of quantized weights that this crate cannot have written.
    Quantized {
        /// The layer.
        layer: String,
        /// The row of the record batch.
        row: usize,
        /// What is wrong.
        reason: String,
    },
    /// A row of quantized weights that ONNX Runtime's MatMulNBits does not take.
    Unfit {
        /// The layer.
        layer: String,
        /// The row of the record batch.
        row: usize,
        /// Why, and what it takes.
        reason: String,
    },
    /// A row of calibration statistics or of activation ranges that cannot be.
    Activations {
        /// The layer.
        layer: String,
        /// The row of the record batch.
        row: usize,
        /// What is wrong.
        reason: String,
    },
    /// A table without rows where there must be some.
    NoRows {
        /// The table.
        table: &'static str,
    },
    /// Two streams that should describe the same weights differ.
    Mismatch {
        /// Where, and how.
        reason: String,
    },
    /// There is not enough memory, or more was asked for than can be addressed.
    Memory {
        /// Bytes that were asked for; `None` if more than can be counted.
        bytes: Option<usize>,
    },
    /// The threads could not be started.
    Threads {
        /// What the system said.
        reason: String,
    },
    /// A file that is not what it should be, or cannot become what it should.
    File {
        /// The file.
        path: PathBuf,
        /// Where and what is wrong, and what to do.
        reason: String,
    },
    /// A file that cannot be read or written.
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An npz file that cannot be read.
    Npz(npz::Error),
    /// The caller ended the work by what its progress callback returned.
    Cancelled,
    /// The source of the record batches failed.
    Arrow(ArrowError),
}

impl Error {
    /// The error of a batch that started at that row of another.
    pub(crate) fn moved(mut self, by: usize) -> Self {
        match &mut self {
            Error::Null { row, .. }
            | Error::NonFinite { row, .. }
            | Error::Shape { row, .. }
            | Error::Dtype { row, .. }
            | Error::Quantized { row, .. }
            | Error::Unfit { row, .. }
            | Error::Activations { row, .. } => *row += by,
            _ => {}
        }
        self
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Error::Arrow(error) => Some(error),
            Error::Io { source, .. } => Some(source),
            Error::Npz(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        match error {
            // One of this crate's own, which went through a stream of batches.
            ArrowError::ExternalError(inner) => match inner.downcast::<Error>() {
                Ok(own) => *own,
                Err(other) => Error::Arrow(ArrowError::ExternalError(other)),
            },
            other => Error::Arrow(other),
        }
    }
}

impl From<Error> for ArrowError {
    fn from(error: Error) -> Self {
        match error {
            Error::Arrow(error) => error,
            other => ArrowError::ExternalError(Box::new(other)),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Option { name, reason } => write!(f, "option {name}: {reason}"),
            Error::MissingColumn { name } => write!(f, "the record batch has no column {name:?}"),
            Error::ColumnType { name, expected, found } => {
                write!(f, "column {name:?} is {found}, but {expected} is needed")
            }
            Error::Null { layer, row, column, index: None } => {
                write!(f, "layer {layer:?}, row {row}: {column} is null")
            }
            Error::Null { layer, row, column, index: Some(index) } => {
                write!(f, "layer {layer:?}, row {row}: element {index} of {column} is null")
            }
            Error::NonFinite { layer, row, index, value } => {
                write!(
                    f,
                    "layer {layer:?}, row {row}: weight {index} is {value}, which has no scale"
                )
            }
            Error::TooLarge { layer, row, index, value, scheme } => {
                write!(
                    f,
                    "layer {layer:?}, row {row}: weight {index} is {value}, too large for the f16 \
                     scales of {scheme}; give the layer another scheme by an override"
                )
            }
            Error::Shape { layer, row, reason } => {
                write!(f, "layer {layer:?}, row {row}: bad shape: {reason}")
            }
            Error::Dtype { layer, row, reason } => {
                write!(f, "layer {layer:?}, row {row}: bad dtype: {reason}")
            }
            Error::Quantized { layer, row, reason } => {
                write!(f, "layer {layer:?}, row {row}: not quantized weights: {reason}")
            }
            Error::Unfit { layer, row, reason } => {
                write!(f, "layer {layer:?}, row {row}: nothing for MatMulNBits: {reason}")
            }
            Error::Activations { layer, row, reason } => {
                write!(f, "layer {layer:?}, row {row}: bad activation range: {reason}")
            }
            Error::NoRows { table } => {
                write!(f, "the {table} have no rows: nothing was seen of any layer")
            }
            Error::Mismatch { reason } => write!(f, "these are not the same weights: {reason}"),
            Error::Memory { bytes: Some(bytes) } => {
                write!(f, "no memory for {bytes} bytes: pass the layers in smaller batches")
            }
            Error::Memory { bytes: None } => {
                write!(f, "more bytes than can be addressed: pass the layers in smaller batches")
            }
            Error::Threads { reason } => write!(f, "cannot start threads: {reason}"),
            Error::File { path, reason } => write!(f, "{}: {reason}", path.display()),
            Error::Io { path, source } => write!(f, "{}: {source}", path.display()),
            Error::Npz(error) => error.fmt(f),
            Error::Cancelled => f.write_str("the work was cancelled"),
            Error::Arrow(error) => error.fmt(f),
        }
    }
}
