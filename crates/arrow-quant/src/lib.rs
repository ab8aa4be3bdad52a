//! Weight quantization, Arrow in and Arrow out; the README is the documentation of the crate.
#![doc = include_str!("../README.md")]

mod allocate;
mod columns;
mod dequantize;
pub mod diffusion;
mod error;
mod evaluate;
pub mod files;
mod kernel;
mod matmul_nbits;
mod narrow;
mod options;
mod pattern;
mod quality;
mod quantize;
mod schema;
mod slab;
mod tensor;
mod weights;
mod work;

pub use allocate::allocate;
pub use dequantize::dequantize;
pub use error::{Error, Result};
pub use evaluate::{Evaluation, RowQuality, evaluate};
pub use kernel::{NF4, Sums};
pub use matmul_nbits::{MatMulNBits, matmul_nbits};
pub use narrow::dequantize_as;
pub use options::{Options, Override, ScaleDtype, Scheme, Search};
pub use quality::LayerQuality;
pub use quantize::{Quantized, Quantizer, quantize};
pub use schema::{FORMAT_VERSION, output_schema};
pub use weights::WeightDtype;

/// The version of this crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
