//! What happens to the numbers of a row: the same bits at every level of the processor.
#![allow(clippy::needless_range_loop, reason = "lanes are numbered, and become one instruction")]

mod codec;
mod gguf;
mod group;
mod lanes;
mod pack;
mod simd;
mod sums;
#[cfg(test)]
mod tests;

pub use codec::NF4;
pub(crate) use group::{Job, Plan, Restore, packed_length};
pub(crate) use simd::Level;
pub use sums::Sums;
