//! SPZ files of Gaussian splats; the README is the documentation of the crate.
#![doc = include_str!("../README.md")]

mod cloud;
mod decode;
mod error;
mod extension;
mod fields;
mod floats;
mod frame;
mod gzip;
mod header;
mod input;
mod read;
mod rotate;
mod zstd;

pub use cloud::{Cloud, Options};
pub use error::{Error, ErrorKind, Result, Section};
pub use extension::{Content, Extension};
pub use fields::{Field, Fields};
pub use floats::Floats;
pub use frame::Frame;
pub use header::{Container, Info};
pub use read::{info_bytes, info_file, read_bytes, read_file};

/// The version of this crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
