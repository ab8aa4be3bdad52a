//! npy and npz array files; the README is the documentation of the crate.
#![doc = include_str!("../README.md")]

mod array;
mod buffer;
mod deflate;
mod dtype;
mod element;
mod error;
mod header;
mod inflate;
mod limits;
mod literal;
mod map;
mod npy;
mod npz;
mod obstacles;
mod replace;
mod source;
mod transfer;
mod zip;

pub use array::{Array, ArrayView, FieldView};
pub use buffer::{ALIGNMENT, Buffer};
pub use dtype::{DType, Endian, Extension, Field, Kind, Record, Scalar, TimeBase, TimeUnit};
pub use element::Element;
pub use error::{Error, ErrorKind, Result};
#[cfg(feature = "numbers")]
pub use half::{bf16, f16};
pub use header::{Header, Order};
pub use limits::Limits;
pub use map::Map;
pub use npy::{
    Npy, NpyReader, NpyWriter, is_npy, read_npy, read_npy_from, write_npy, write_npy_to,
};
pub use npz::{Compression, MemberInfo, MemberReader, MemberWriter, Npz, NpzWriter, write_npz};
#[cfg(feature = "numbers")]
pub use num_complex::Complex;
pub use obstacles::{NumpyVersion, Obstacle, Readers};
pub use replace::NewFile;
pub use source::{FileSource, Source};

/// The version of this crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
