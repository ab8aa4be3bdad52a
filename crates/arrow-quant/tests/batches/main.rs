//! Record batches in, record batches out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod diffusion;
mod hostile;
mod inputs;
mod invariance;
mod matmul_nbits;
mod narrow;
mod overrides;
mod quality;
mod readings;
mod support;
